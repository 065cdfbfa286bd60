"""The moment models of a run: of the target, of a mix, with kept pixels, and of coarser levels."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from synth.app.options import Options
from synth.app.tasks import Task, coarser, shape_of
from synth.app.texture import Texture
from synth.descent import num_levels
from synth.errors import InputError
from synth.models import MomentModel, fit, mix
from synth.statistics import joint

__all__ = ["levels", "models"]

_LEAST_SIDE = 16  # pixels, of the coarsest level

Shares = Sequence[float]


def models(task: Task, options: Options, shares: Shares, *names: str) -> list[MomentModel]:
    """Moment models on the torus with all that any of the named ones matches.

    One; or one per share of the second target.
    """
    fitted = _fit(task.texture, options, task.scales, *names)
    model = fitted.on(task.layout.torus)
    if task.other is not None:
        other = _fit(task.other, options, task.scales, *names, like=fitted).on(task.layout.torus)
        return [mix([model, other], [1 - share, share]) for share in shares]
    if task.layout.kept is None:
        return [model]
    kept = task.layout.kept if task.texture.num_channels > 1 else task.layout.kept[0]
    return [model.keeping(kept, margin=task.layout.margin)]


def levels(
    task: Task, options: Options, shares: Shares, name: str, finest: Sequence[MomentModel]
) -> list[tuple[MomentModel, ...]]:
    """Each of the finest models after those of the same targets at lower resolutions.

    As many as were asked for, or as ``num_levels``; fewer where a side would be under 16 pixels,
    where all scales that were asked for are finer, where a target has too few pixels for the
    model, or no contrast is left. Where pixels are kept or a field is given to start from, the
    finest models are alone.

    Coarser levels match gray levels, or colors, too: moduli alone do not see whether bright or
    dark is rare, and a coarser level would decide it by chance.
    """
    every = [finest]
    if task.layout.kept is None and task.start is None:
        shapes = [task.layout.torus, shape_of(task.texture)]
        shapes += [shape_of(task.other)] if task.other else []
        number = options.levels or num_levels(*shapes)
        with_grays = replace(options, gray_levels=True)
        room = 1 + int(math.log2(min(map(min, shapes)) / _LEAST_SIDE))
        with suppress(InputError):
            for level in range(1, min(number, room, task.scales or number)):
                every.insert(0, models(coarser(task, level), with_grays, shares, name))
    return list(zip(*every, strict=True))


def _fit(
    texture: Texture,
    options: Options,
    scales: int | None,
    *models: str,
    like: MomentModel | None = None,
) -> MomentModel:
    """Moment model of a target with all that any of the named models matches.

    Several channels become principal components, near to those of a model that it is ``like``.
    """
    height, width = texture.fields.shape[-2:]
    descriptor = joint(
        *models,
        shape=(height, width),
        channels=texture.num_channels,
        scales=scales,
        angles=options.angles,
        gray_levels=options.gray_levels,
        isotropic=options.isotropic,
    )
    fields = texture.fields if texture.num_channels > 1 else texture.fields[:, 0]
    return fit(descriptor, fields, periodic=texture.periodic, like=like)
