"""The loop: from seeded noise down to a field with the target's moments.

``descend`` is a generator that yields after each compiled chunk of steps and ends with how
it ended; command line, notebook and tests all consume it. ``synthesize`` drains it.
"""

from collections.abc import Callable, Generator
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from synth.errors import InputError
from synth.models import MomentModel, Start
from synth.scattering import Scattering
from synth.solvers import LBFGS, Solver, State
from synth.statistics import Residual, ScatteringMoments

__all__ = ["Judge", "Limits", "Outcome", "Progress", "Synthesis", "descend", "drain", "synthesize"]

Ended = TypeVar("Ended")

_CHUNK = 10  # evaluations between two looks at the outcome
_PATIENCE = 200  # evaluations in which the loss must fall by ...
_LEAST_PROGRESS = 0.02  # ... this fraction


class Outcome(StrEnum):
    """How a descent ended."""

    CONVERGED = "converged"
    STEP_LIMIT = "step limit"
    STALLED = "stalled"
    NOT_FINITE = "not finite"


class Limits(eqx.Module):
    """When a descent ends.

    Attributes:
        tolerance: residual over all orders to reach, with at most twice that per order.
        max_steps: most loss evaluations.
    """

    tolerance: float = 1e-2
    max_steps: int = 1000

    def __check_init__(self) -> None:
        if not self.tolerance >= 0:
            raise InputError(f"The tolerance {self.tolerance} is negative: 0.01 is usual.")
        if self.max_steps < 1:
            raise InputError(f"{self.max_steps} steps were asked for: allow at least 1.")


class Progress(eqx.Module):
    """What a person wants to see after a chunk of steps.

    Attributes:
        evaluations: loss evaluations so far.
        losses: loss of the last accepted point after each of them.
        residual: residual of that point, by the fast transform.
        field: that point itself, in the target's units.
    """

    evaluations: int
    losses: Float[np.ndarray, " n"]
    residual: Residual
    field: Float[Array, "h w"]


class Synthesis(eqx.Module):
    """A new texture and how it was reached.

    Attributes:
        field: the texture, in the target's units.
        outcome: how the descent ended.
        residual: distance of the moments, by the exact transform.
        moments: the texture's moments, by the exact transform, standardized like the target.
        losses: loss after each evaluation.
        limits: the limits that the descent was given.
    """

    field: Float[Array, "h w"]
    outcome: Outcome
    residual: Residual
    moments: Scattering
    losses: Float[np.ndarray, " n"]
    limits: Limits

    @property
    def evaluations(self) -> int:
        """Number of loss evaluations."""
        return len(self.losses)

    @property
    def verdict(self) -> str:
        """How it ended, in a sentence with a remedy where one is needed."""
        residual, tolerance = self.residual, self.limits.tolerance
        after = (
            f"after {self.evaluations} evaluations (residual {float(residual.total):.2%}, "
            f"order 1 {float(residual.order1):.2%}, order 2 {float(residual.order2):.2%}; "
            f"tolerance {tolerance:.2%}, twice that per order)"
        )
        return {
            Outcome.CONVERGED: f"Converged {after}.",
            Outcome.STEP_LIMIT: f"Ended at the step limit {after}: allow more steps, or a "
            "larger tolerance.",
            Outcome.STALLED: f"Stalled {after}: the loss hardly falls any more; try another "
            "seed, fewer scales or angles, or a larger tolerance.",
            Outcome.NOT_FINITE: f"Stopped {after}: the loss is not finite; look for extreme "
            "values in the target, or use L-BFGS or a smaller learning rate.",
        }[self.outcome]


class Judge:
    """Moments and residual of fields by the exact transform, which the descent never uses.

    The bank and the target's moments are made when they are first asked for.

    Args:
        model: whose target it is.
    """

    def __init__(self, model: MomentModel) -> None:
        self._model = model

    @cached_property
    def _descriptor(self) -> ScatteringMoments:
        return self._model.descriptor.exact()

    @cached_property
    def target(self) -> Scattering:
        """Moments of the standardized target."""
        return self._descriptor(self._model.standard)

    def __call__(self, field: Float[Array, "h w"]) -> tuple[Scattering, Residual]:
        """Moments of a field, and their distance from the target's.

        Args:
            field: in the target's units.

        Returns:
            Moments of the field standardized like the target, and the residual.
        """
        moments = self._descriptor(self._model.from_units(field))
        return moments, self._descriptor.residual(moments, self.target)


def descend(
    model: MomentModel,
    *,
    key: PRNGKeyArray,
    solver: Solver = LBFGS(),  # noqa: B008 - immutable
    limits: Limits = Limits(),  # noqa: B008 - immutable
    start: Start = "gaussian",
    judge: Judge | None = None,
) -> Generator[Progress, None, Synthesis]:
    """Descend from seeded noise on Σ w (S_J x − S_J xₙ)², chunk by chunk.

    Args:
        model: the target's moments.
        key: random key of the noise; the same key gives the same texture on one machine.
        solver: descent method.
        limits: tolerance and step limit.
        start: which noise.
        judge: the model's judge, if there is one already.

    Yields:
        Progress after each chunk of steps.

    Returns:
        The texture (as the generator's return value).

    Source:
        J. Bruna and S. Mallat, "Multiscale sparse microcanonical models", Math. Stat.
        Learn. 1 (2018), Sec. 4.
    """
    judge = judge or Judge(model)
    state = solver.init(model.start(key=key, kind=start))
    losses = np.zeros(0)
    goal = limits.tolerance
    while True:
        steps = min(_CHUNK, limits.max_steps - len(losses))
        state, chunk = _advance(model, solver, state, jnp.asarray(steps))
        losses = np.concatenate([losses, np.asarray(chunk)[:steps]])
        field = _field(model, state.variable)
        yield Progress(len(losses), losses, state.residual, field)
        outcome = _outcome(solver, state, losses, limits)
        if outcome is None and not state.residual.within(goal):
            continue
        moments, residual = judge(field)
        if residual.within(limits.tolerance):
            outcome = Outcome.CONVERGED
        if outcome is not None:
            return Synthesis(field, outcome, residual, moments, losses, limits)
        goal *= 0.9  # the fast transform was a little too kind


def synthesize(
    model: MomentModel,
    *,
    key: PRNGKeyArray,
    solver: Solver = LBFGS(),  # noqa: B008 - immutable
    limits: Limits = Limits(),  # noqa: B008 - immutable
    start: Start = "gaussian",
) -> Synthesis:
    """Draw one texture of a moment model: ``descend`` without a look in between.

    Args:
        model: the target's moments, from ``synth.models.fit``.
        key: random key of the noise.
        solver: descent method.
        limits: tolerance and step limit.
        start: which noise.

    Returns:
        The texture, with its outcome, residual and losses.

    Example:
        >>> import jax
        >>> from synth import LBFGS, Limits, ScatteringMoments, fit, morlet_bank, synthesize
        >>> noise = jax.random.normal(jax.random.key(0), (32, 32))
        >>> model = fit(ScatteringMoments(morlet_bank((32, 32), num_angles=4)), noise)
        >>> synthesize(model, key=jax.random.key(1)).outcome.value
        'converged'
    """
    return drain(descend(model, key=key, solver=solver, limits=limits, start=start))


def drain(
    steps: Generator[Progress, None, Ended], look: Callable[[Progress], object] = lambda _: None
) -> Ended:
    """Run a generator such as ``descend`` to its end, looking at what it yields.

    Args:
        steps: yields progress, returns a result.
        look: called with every progress, to show it.

    Returns:
        What the generator returns.
    """
    while True:
        try:
            look(next(steps))
        except StopIteration as end:
            return end.value


@jax.jit
def _advance(
    model: MomentModel, solver: Solver, state: State, steps: Int[Array, ""]
) -> tuple[State, Float[Array, " n"]]:
    """A chunk of steps, of which only the first ``steps`` are done: one program for all."""

    def step(state: State, index: Int[Array, ""]) -> tuple[State, Float[Array, ""]]:
        state = lax.cond(index < steps, lambda: solver.step(model, state), lambda: state)
        return state, state.loss

    return lax.scan(step, state, jnp.arange(_CHUNK))


@jax.jit
def _field(model: MomentModel, variable: Float[Array, "h w"]) -> Float[Array, "h w"]:
    return model.to_units(model.field(variable))


def _outcome(
    solver: Solver, state: State, losses: Float[np.ndarray, " n"], limits: Limits
) -> Outcome | None:
    """Why the descent must end here, or None."""
    if not np.isfinite(losses[-1]):
        return Outcome.NOT_FINITE
    if len(losses) >= limits.max_steps:
        return Outcome.STEP_LIMIT
    idle = len(losses) > _PATIENCE and losses[-1] > (1 - _LEAST_PROGRESS) * losses[-_PATIENCE]
    return Outcome.STALLED if idle or bool(solver.stalled(state)) else None
