"""The moment models of a run: of the target, of a mix, with kept pixels, and of coarser levels."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from synth.app.ahead import Begin, Begun
from synth.app.options import Options
from synth.app.tasks import Task, coarser, shape_of
from synth.app.texture import Texture
from synth.descent import Schedule, compile_descent, num_levels
from synth.descent.solvers import LBFGS, Adam, Solver
from synth.errors import InputError
from synth.models import MomentModel, fit, mix
from synth.statistics import MODELS, joint

__all__ = [
    "PAIR_BYTES",
    "coarser_models",
    "compile_ahead",
    "count_levels",
    "holds_together",
    "levels",
    "models",
    "solver_of",
]

_LEAST_SIDE = 16  # pixels, of the coarsest level
PAIR_BYTES = 8  # of a curvature pair, per number of the variable
_PAIRS = 2**26  # bytes of curvature pairs of all samples, about
_FEWEST_PAIRS = 8

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


def coarser_models(
    task: Task, options: Options, shares: Shares, name: str, begin: Begin
) -> list[Begun[list[MomentModel]]]:
    """The models of the same targets at lower resolutions, from fine to coarse.

    A thread fits them, and compiles what they will descend by. As many as were asked for, or as
    ``num_levels``; fewer where a side would be under 16 pixels, where all scales that were asked
    for are finer, where a target has too few pixels for the model, or no contrast is left. Where
    pixels are kept or a field is given to start from, there are none.

    Coarser levels match gray levels, or colors, too: moduli alone do not see whether bright or
    dark is rare, and a coarser level would decide it by chance.
    """
    with_grays = replace(options, gray_levels=True)

    def fitted(level: int) -> list[MomentModel]:
        found = models(coarser(task, level), with_grays, shares, name)
        begin(compile_ahead, found[0], task, options)
        return found

    return [begin(fitted, level) for level in range(1, count_levels(task, options, name))]


def count_levels(task: Task, options: Options, name: str) -> int:
    """Levels that a model of the ladder is to have, if all of them can be fitted."""
    if task.layout.kept is not None or task.start is not None:
        return 1
    shapes = [task.layout.torus, shape_of(task.texture)]
    shapes += [shape_of(task.other)] if task.other else []
    far = options.gray_levels or task.texture.num_channels > 1 or holds_together(name)
    number = options.levels or num_levels(*shapes, far=far)
    room = 1 + int(math.log2(min(map(min, shapes)) / _LEAST_SIDE))
    return min(number, room, task.scales or number)


def holds_together(name: str) -> bool:
    """Whether a model of the ladder matches more than moments: rows of bricks run on then."""
    return set(MODELS[name]) != {"moments"}


def compile_ahead(model: MomentModel, task: Task, options: Options) -> None:
    """Compile what the samples of a model descend by, where programs are kept.

    Args:
        model: of any level.
        task: of the last level, which decides on the solver.
        options: what is asked for.
    """
    compile_descent(
        model,
        count=options.samples,
        schedule=Schedule.usual(model.descriptor, solver=solver_of(task, options)),
        together=options.ensemble,
    )


def solver_of(task: Task, options: Options) -> Solver:
    """The solver that was asked for; of large fields L-BFGS remembers fewer pairs."""
    if options.solver == "adam":
        return Adam()
    numbers = options.samples * task.texture.num_components * math.prod(task.layout.torus)
    usual = LBFGS()
    return LBFGS(memory=min(usual.memory, max(_FEWEST_PAIRS, _PAIRS // (PAIR_BYTES * numbers))))


def levels(
    finest: Sequence[MomentModel], begun: Sequence[Begun[list[MomentModel]]]
) -> list[tuple[MomentModel, ...]]:
    """Each of the finest models after the coarser ones, as far as these could be fitted.

    Args:
        finest: one, or one per share of the second target.
        begun: coarser ones, of ``coarser_models``.
    """
    every: list[Sequence[MomentModel] | None] = [finest]
    for one in begun:  # all of them, since no thread may be at work when the descents begin
        try:
            every.append(one.result())
        except InputError:
            every.append(None)
    fitted = list(takewhile(bool, every))
    return list(zip(*fitted[::-1], strict=True))


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
