"""Coarse to fine: a texture of a quarter of the size first, then of half of it, then itself.

What is decided from afar, such as where the rows of a wall are, is decided where a field has few
pixels and an evaluation costs little. The next size adds the waves that the one before has not.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PRNGKeyArray

from synth.descent.judge import Judge
from synth.descent.loop import descend
from synth.descent.outcomes import Progress, Synthesis
from synth.descent.schedule import Schedule
from synth.descent.solvers import LBFGS, Solver
from synth.models import MomentModel, Start
from synth.parallel.mesh import whole
from synth.parallel.programs import compiled
from synth.statistics import Colors, Descriptor, GrayLevels, matches

__all__ = ["descend_levels", "num_levels"]

_STEPS = 400  # most evaluations on a level that is not the last
_HASTE = 4  # times as short are the stages of the last level as those of the first
_COARSEST = 64  # pixels, the shortest side of the coarsest level, at least
_FAINT = 0.1  # amplitude of the noise that finer waves start from: they follow the coarser ones
_BAND = 0.75  # of the waves that a level can hold: those that resampling leaves as they are


def descend_levels(
    models: Sequence[MomentModel],
    *,
    keys: Key[Array, " b"],
    solver: Solver = LBFGS(),  # noqa: B008 - immutable
    schedule: Schedule | None = None,
    start: Start | Float[Array, "b *c h w"] = "skewed",
    judge: Judge | None = None,
    together: bool = False,
) -> Generator[Progress, None, tuple[Synthesis, ...]]:
    """``descend`` on several models, coarse to fine, each from the fields of the one before.

    Args:
        models: of one target at several resolutions, the coarsest first; one alone is ``descend``.
        keys: a random key per sample, shape ``(b,)``.
        solver: descent method.
        schedule: stages of the first level, tolerance of all, step limit of the last; those that
            suit the descriptor by default.
        start: which noise, or fields of the first level.
        judge: the last model's judge, if there is one already.
        together: whether only the mean of the samples' moments is to be the target's.

    Yields:
        Progress after each chunk of steps, of fields of the level's size.

    Returns:
        A texture per key, of the last model (as the generator's return value).

    Source:
        For coarse to fine in texture synthesis: N. Gonthier, Y. Gousseau and S. Ladjal, "High-
        resolution neural texture synthesis with long-range constraints", JMIV 64 (2022).
    """
    last = models[-1]
    schedule = schedule or Schedule.usual(last.descriptor)
    brief = replace(schedule, max_steps=min(_STEPS, schedule.max_steps), min_steps=0)
    evaluations: list[list[int]] = [[] for _ in keys]
    for model, finer in pairwise(models):
        found = yield from descend(
            model,
            keys=keys,
            solver=solver,
            schedule=brief,
            start=start,
            together=together,
            staged=True,
        )
        start = _refined(finer, jnp.stack([one.field for one in found]), keys)
        for done, one in zip(evaluations, found, strict=True):
            done.append(one.evaluations)
    found = yield from descend(
        last,
        keys=keys,
        solver=solver,
        schedule=schedule if len(models) == 1 else _hastened(schedule),
        start=start,
        judge=judge,
        together=together,
        staged=len(models) > 1,
    )
    return tuple(
        replace(one, coarser=tuple(done)) for one, done in zip(found, evaluations, strict=True)
    )


def _hastened(schedule: Schedule) -> Schedule:
    """The schedule of fields that are near already: its stages a quarter as long."""
    stages = [replace(stage, first=math.ceil(stage.first / _HASTE)) for stage in schedule.stages]
    return replace(schedule, stages=tuple({stage.first: stage for stage in stages}.values()))


def num_levels(descriptor: Descriptor, *shapes: tuple[int, int]) -> int:
    """How many levels suit a descriptor: down to 64 pixels; one if it does not see gray levels.

    Moduli alone do not see whether bright or dark is rare. A coarser level then fixes it by chance,
    where the range of the gray levels says little.

    Args:
        descriptor: what is matched on the last level.
        shapes: of targets and textures on the last level, pixels.
    """
    if not matches(descriptor, (GrayLevels, Colors)):
        return 1
    return max(1, 1 + int(math.log2(min(map(min, shapes)) / _COARSEST)))


@compiled
def _refined(
    model: MomentModel, fields: Float[Array, "b *c _ _"], keys: Key[Array, " b"]
) -> Float[Array, "b *c h w"]:
    """Fields of a model's shape: the waves of coarser ones, and faint noise beyond these."""

    def one(given: tuple[Float[Array, "*c _ _"], PRNGKeyArray]) -> Float[Array, "*c h w"]:
        field, key = given
        return with_waves_of(_FAINT * model.to_units(model.field(model.start(key=key))), field)

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
    for band in (slice(0, rows + 1), slice(-rows, None)):
        taken = (..., band, slice(columns + 1))
        mixed = mixed.at[taken].set(given[taken])
    return jnp.fft.irfft2(mixed, s=shape)
