"""The schedule: in which stages a descriptor's moments are matched, and how closely.

A descriptor says what is measured; a schedule says what a descent does with it.
"""

from dataclasses import replace
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from synth.descent.solvers import LBFGS, Solver
from synth.errors import InputError
from synth.models import MomentModel
from synth.models.gamut import Gamut
from synth.statistics import (
    Colors,
    Descriptor,
    EachChannel,
    GrayLevels,
    Joint,
    Moments,
    RectifiedCovariances,
    ScatteringSpectra,
    SpectraOfChannels,
    matches,
)

__all__ = ["MAX_STEPS", "Schedule", "Stage"]

MAX_STEPS = 1000
"""Most loss evaluations, unless a schedule says otherwise."""

Bounds = Literal["model", "target", "none"]

# Tolerances: held-out statistics hardly move below them.
_MOMENTS, _SPECTRA, _RECTIFIED = 0.2, 0.45, 0.3
_CHANNELS, _COLORS = 0.3, 0.7  # of several channels, of which the worst counts
# Fewest evaluations: within the tolerance details gain.
_FEWEST, _FEWEST_GRAYS, _FEWEST_RECTIFIED = 20, 100, 150


class Stage(eqx.Module):
    """A part of a descent.

    Attributes:
        first: evaluation from which on it lasts.
        gray_levels: factor of the weights of gray levels, or colors.
        bounds: range of the fields: ``model``, its bounds and gamut; ``target``, the target's
            range, too; ``none``, neither.
    """

    first: int = eqx.field(static=True, default=0)
    gray_levels: float = eqx.field(static=True, default=1.0)
    bounds: Bounds = eqx.field(static=True, default="model")

    def of(self, model: MomentModel) -> MomentModel:
        """The model that is followed in this stage."""
        if self == Stage(self.first):
            return model
        return eqx.tree_at(
            lambda m: (m.weights, m.bounds, m.gamut),
            model,
            _changed(replace(self, first=0), model),
            is_leaf=lambda leaf: leaf is None,
        )


_FREE_LAST = (Stage(0, bounds="target"), Stage(60))
_EASED = (Stage(0, gray_levels=0.01), Stage(60, gray_levels=0.1), Stage(120))
_EASED_FREE_FIRST = (Stage(0, 0.01, "none"), Stage(60, 0.1, "none"), Stage(120))


class Schedule(eqx.Module):
    """Stages, tolerance, step limits and solver of a descent.

    Attributes:
        tolerance: residual of every block at which a descent has converged, in units of the
            block's estimation noise.
        stages: in the order of their first evaluations; the last one follows the model itself.
            A field that is given to start from begins there, unless the schedule is ``staged``.
        max_steps: most loss evaluations.
        min_steps: fewest loss evaluations, unless ``max_steps`` is less: details go on to improve
            within the tolerance.
        solver: descent method.
        staged: whether fields that are given go through all stages, as noise does.
        judged: whether fields are finished and measured again. Otherwise a texture is what the
            descent ended at, with the residual that it had there, and without moments.
    """

    tolerance: float = eqx.field(static=True, default=_MOMENTS)
    stages: tuple[Stage, ...] = eqx.field(static=True, default=(Stage(),))
    max_steps: int = eqx.field(static=True, default=MAX_STEPS)
    min_steps: int = eqx.field(static=True, default=0)
    solver: Solver = eqx.field(default_factory=LBFGS)
    staged: bool = eqx.field(static=True, default=False)
    judged: bool = eqx.field(static=True, default=True)

    def __check_init__(self) -> None:
        if not self.tolerance >= 0:
            raise InputError(f"The tolerance {self.tolerance} is negative: 0.2 is usual.")
        if self.max_steps < 1:
            raise InputError(f"{self.max_steps} steps were asked for: allow at least 1.")
        if self.min_steps < 0:
            raise InputError(f"At least {self.min_steps} steps were asked for: give 0 or more.")
        firsts = [stage.first for stage in self.stages]
        if (
            firsts != sorted(set(firsts))
            or firsts[:1] != [0]
            or self.stages[-1] != Stage(firsts[-1])
        ):
            raise InputError(
                f"The stages begin at {firsts}: give increasing evaluations from 0 on, and a last "
                "stage that follows the model itself."
            )

    def due(self, evaluations: int) -> Stage:
        """The stage that an evaluation belongs to."""
        return max((s for s in self.stages if s.first <= evaluations), key=lambda s: s.first)

    @classmethod
    def usual(
        cls,
        descriptor: Descriptor,
        *,
        tolerance: float | None = None,
        max_steps: int = MAX_STEPS,
        min_steps: int | None = None,
        solver: Solver = LBFGS(),  # noqa: B008 - immutable
    ) -> "Schedule":
        """The schedule that suits a descriptor.

        Moments that do not see gray levels keep within the target's range at first, and so find
        fields that have them. Gray levels are eased in: where a picture has few, pixels must
        cross rare ones. With phases among the moments they begin without bounds, where every
        pixel has a gradient.

        Args:
            descriptor: what is matched.
            tolerance: another one than the usual: 0.2, with spectra 0.45, rectified 0.3; of
                several channels 0.3, with colors 0.7.
            max_steps: most loss evaluations. From noise gray levels have their full weight from
                evaluation 120 on; only then does ``full`` keep its range inside of the loss.
            min_steps: fewest; by default 20, where gray levels or colors are matched 100, with
                rectified covariances 150; 0 if a tolerance is given.
            solver: descent method.
        """
        phases = matches(descriptor, (ScatteringSpectra, SpectraOfChannels))
        grays = matches(descriptor, (GrayLevels, Colors))
        sharp = matches(descriptor, RectifiedCovariances)
        stages = (_EASED_FREE_FIRST if phases else _EASED) if grays else _FREE_LAST
        if descriptor.num_channels > 1:
            usual = _COLORS if grays else _CHANNELS
        else:
            usual = _SPECTRA if phases else _RECTIFIED if sharp else _MOMENTS
        if min_steps is None:
            fewest = _FEWEST_RECTIFIED if sharp else _FEWEST_GRAYS if grays else _FEWEST
            min_steps = fewest if tolerance is None else 0
        return cls(usual if tolerance is None else tolerance, stages, max_steps, min_steps, solver)


@jax.jit
def _changed(
    stage: Stage, model: MomentModel
) -> tuple[Moments, Float[Array, "2 *d"], Gamut | None]:
    """Weights, bounds and gamut in a stage: one program, which takes nothing from the host."""
    weights = _eased(model.descriptor, model.weights, stage.gray_levels)
    bounds, gamut = model.bounds, model.gamut
    if stage.bounds == "none":
        bounds = jnp.stack([jnp.full_like(bounds[0], -jnp.inf), jnp.full_like(bounds[1], jnp.inf)])
        gamut = None if gamut is None else gamut.opened()
    if stage.bounds == "target":
        bounds = jnp.clip(bounds, *model.range)
    return weights, bounds, gamut


def _eased(descriptor: Descriptor, weights: Moments, factor: float) -> Moments:
    """Weights, those of gray levels or colors times the factor."""
    if isinstance(descriptor, Joint):
        parts = descriptor.parts.items()
        return {name: _eased(part, weights[name], factor) for name, part in parts}
    if isinstance(descriptor, EachChannel):
        return _eased(descriptor.own, weights, factor)
    if isinstance(descriptor, GrayLevels | Colors):
        return jax.tree.map(lambda w: factor * w, weights)
    return weights
