"""Coarse to fine: a texture of a fraction of the size first, then of twice as much, then itself.

What is decided from afar, such as where the rows of a wall are, is decided where a field has few
pixels and an evaluation costs little. The next size adds the waves that the one before has not.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PRNGKeyArray

from synth.descent.judge import Judge
from synth.descent.loop import descend
from synth.descent.outcomes import Progress, Synthesis
from synth.descent.schedule import Schedule
from synth.errors import InputError
from synth.models import MomentModel, Start
from synth.models.start import StartNoise
from synth.parallel.mesh import whole
from synth.parallel.programs import compiled

__all__ = ["descend_levels", "num_levels"]

_STEPS = 400  # most evaluations on a level that is not the last
_HASTE = 4  # times as short are the stages of a finer level as those of the first
_COARSEST = 64  # pixels, the shortest side of the coarsest level, at least
_FAINT = 0.3  # amplitude of the noise that finer waves start from: they follow the coarser ones
_BAND = 0.75  # of the waves that a level can hold: those that resampling leaves as they are


def descend_levels(
    models: Sequence[MomentModel],
    *,
    keys: Key[Array, " b"],
    schedule: Schedule | None = None,
    start: Start | Float[Array, "b *c h w"] = "skewed",
    judge: Judge | None = None,
    together: bool = False,
) -> Generator[Progress, None, tuple[Synthesis, ...]]:
    """``descend`` on several models, coarse to fine, each from the fields of the one before.

    Args:
        models: of one target at several resolutions, the coarsest first; one alone is ``descend``.
            Coarser ones may match more.
        keys: a random key per sample, shape ``(b,)``.
        schedule: of the last level; the one that suits its descriptor by default. Coarser levels
            have its solver and the usual schedule of their own descriptors, with at most as many
            steps, or 400.
        start: which noise, of all levels; or fields of the first one.
        judge: the last model's judge, if there is one already.
        together: whether only the mean of the samples' moments is to be the target's.

    Yields:
        Progress after each chunk of steps, of fields of the level's size.

    Returns:
        A texture per key, of the last model (as the generator's return value).

    Raises:
        InputError: if there is no model, if shapes do not grow, or if one of several models keeps
            pixels; and as ``descend``.

    Source:
        For coarse to fine in texture synthesis: N. Gonthier, Y. Gousseau and S. Ladjal, "High-
        resolution neural texture synthesis with long-range constraints", JMIV 64 (2022).
    """
    _check(models)
    schedule = schedule or Schedule.usual(models[-1].descriptor)
    noise = StartNoise(start if isinstance(start, str) else "skewed")
    run = partial(descend, keys=keys, together=together)
    evaluations: list[tuple[int, ...]] = []
    for level, (model, finer) in enumerate(pairwise(models)):
        brief = _brief(model, schedule)
        brief = _hastened(brief) if level else brief
        found = yield from run(model, schedule=brief, start=start)
        evaluations.append(tuple(one.evaluations for one in found))
        start = _refined(finer, jnp.stack([one.field for one in found]), keys, noise)
    if evaluations:
        schedule = _hastened(schedule)
    found = yield from run(models[-1], schedule=schedule, start=start, judge=judge)
    return tuple(
        replace(one, coarser=tuple(each[index] for each in evaluations))
        for index, one in enumerate(found)
    )


def _check(models: Sequence[MomentModel]) -> None:
    """Refuse levels that cannot follow each other."""
    shapes = [model.shape for model in models]
    if not models or any(min(np.subtract(b, a)) < 0 for a, b in pairwise(shapes)):
        words = ", ".join(f"{height} × {width}" for height, width in shapes) or "no model"
        raise InputError(f"The levels are {words}: give models of growing shapes, one at least.")
    if len(models) > 1 and any(model.kept is not None for model in models):
        raise InputError("A model that keeps pixels has no coarser levels: give it alone.")


def _brief(model: MomentModel, last: Schedule) -> Schedule:
    """The schedule of a coarser level, whose fields go on: neither finished nor measured again."""
    most = min(_STEPS, last.max_steps)
    usual = Schedule.usual(model.descriptor, max_steps=most, min_steps=0, solver=last.solver)
    return replace(usual, judged=False)


def _hastened(schedule: Schedule) -> Schedule:
    """The schedule of fields that are near already: all its stages, a quarter as long."""
    stages = [replace(stage, first=math.ceil(stage.first / _HASTE)) for stage in schedule.stages]
    return replace(
        schedule, stages=tuple({stage.first: stage for stage in stages}.values()), staged=True
    )


def num_levels(*shapes: tuple[int, int], far: bool = True) -> int:
    """How many levels there are by default: down to 64 pixels.

    Args:
        shapes: of targets and textures on the last level, pixels.
        far: whether the model can hold rows of bricks together, as spectra and gray levels can.
            For others 128 pixels are enough where that leaves two levels or more.
    """
    number = 1 + int(math.log2(min(map(min, shapes)) / _COARSEST))
    return max(1, number if far or number < 3 else number - 1)


@partial(compiled, rare=True)
def _refined(
    model: MomentModel, fields: Float[Array, "b *c _ _"], keys: Key[Array, " b"], noise: StartNoise
) -> Float[Array, "b *c h w"]:
    """Fields of a model's shape: the waves of coarser ones, and faint noise beyond these.

    A field that is not finite is noise.
    """

    def one(given: tuple[Float[Array, "*c _ _"], PRNGKeyArray]) -> Float[Array, "*c h w"]:
        field, key = given
        key = jax.random.fold_in(key, math.prod(model.shape))  # on every level another noise
        drawn = model.to_units(model.field(model.start(key=key, kind=noise.kind)))
        mixed = with_waves_of(_FAINT * drawn, field)
        return jnp.where(jnp.isfinite(field).all(), mixed, drawn)

    return whole(jax.lax.map(one, (fields, keys)))


def with_waves_of(
    field: Float[Array, "*c h w"], coarse: Float[Array, "*c a b"]
) -> Float[Array, "*c h w"]:
    """A field whose coarse waves are those of a field of fewer pixels.

    Args:
        field: whose other waves are kept.
        coarse: the same torus with fewer pixels. Its waves up to three quarters of its Nyquist
            frequency, along each axis, are taken.
    """
    shape, small = field.shape[-2:], coarse.shape[-2:]
    rows, columns = (int(_BAND * (n // 2)) for n in small)
    gain = (shape[0] * shape[1]) / (small[0] * small[1])
    given, mixed = gain * jnp.fft.rfft2(coarse), jnp.fft.rfft2(field)
    for band in (np.arange(rows + 1), -np.arange(1, rows + 1)):
        taken = (..., band, slice(columns + 1))
        mixed = mixed.at[taken].set(given[taken])
    return jnp.fft.irfft2(mixed, s=shape)
