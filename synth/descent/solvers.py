"""Descent, one loss evaluation per step: ``step(model, state) → state`` on optax.

A step evaluates the model's loss and gradient once, at the state's trial point, then either
accepts that point and proposes the next one, or proposes a shorter step. A program traces
the loss once, whatever the line search does, and maps over an ensemble.
"""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

from synth.models.ensemble import Descended
from synth.statistics import Residual

__all__ = ["LBFGS", "Adam", "Solver", "State"]

_Pairs = Any
"""State of ``optax.scale_by_lbfgs``: curvature pairs, and the point where the next one begins."""

_SUFFICIENT_DECREASE = 1e-4
_SHRINK_LEAST, _SHRINK_MOST = 0.1, 0.5
_MOST_REJECTIONS = 12


class State(eqx.Module):
    """What the next step needs.

    Attributes:
        trial: variable to be evaluated next.
        variable: last accepted variable.
        loss: its loss; infinite before the first evaluation.
        residual: its residual.
        rejections: trial points rejected since.
        memory: what the solver remembers besides.
    """

    trial: Float[Array, "*c h w"]
    variable: Float[Array, "*c h w"]
    loss: Float[Array, ""]
    residual: Residual
    rejections: Int[Array, ""]
    memory: PyTree


class Solver(eqx.Module):
    """A descent method: final subclasses implement these three."""

    @abstractmethod
    def init(self, model: Descended, variable: Float[Array, "*c h w"]) -> State:
        """State before the first evaluation."""

    @abstractmethod
    def step(self, model: Descended, state: State) -> State:
        """Evaluate the loss once and move."""

    @abstractmethod
    def stalled(self, state: State) -> Bool[Array, ""]:
        """Whether the method cannot go on from here."""


def _unevaluated(model: Descended, variable: Float[Array, "*c h w"], memory: PyTree) -> State:
    infinite = jnp.asarray(jnp.inf, variable.dtype)
    return State(
        trial=variable,
        variable=variable,
        loss=infinite,
        residual=jax.tree.map(lambda _: infinite, model.unit),
        rejections=jnp.zeros((), jnp.int32),
        memory=memory,
    )


class Adam(Solver):
    """Adam (Kingma & Ba 2015): every point is accepted.

    Attributes:
        learning_rate: step length per pixel; 0.01 to 0.1 suit fields of unit variance.
    """

    learning_rate: float = eqx.field(static=True, default=0.05)

    def init(self, model: Descended, variable: Float[Array, "*c h w"]) -> State:
        """State before the first evaluation."""
        return _unevaluated(model, variable, optax.adam(self.learning_rate).init(variable))

    def step(self, model: Descended, state: State) -> State:
        """Evaluate the loss at the trial point, which becomes the variable, and move on."""
        (loss, residual), gradient = _evaluate(model, state.trial)
        update, memory = optax.adam(self.learning_rate).update(gradient, state.memory)
        trial = jnp.asarray(optax.apply_updates(state.trial, update))
        return State(trial, state.trial, loss, residual, state.rejections, memory)

    def stalled(self, state: State) -> Bool[Array, ""]:
        """Never: Adam always moves."""
        return jnp.zeros((), bool)


class _Line(eqx.Module):
    """The half-line that an L-BFGS step searches, and the curvature pairs behind it."""

    direction: Float[Array, "*c h w"]
    slope: Float[Array, ""]
    length: Float[Array, ""]
    pairs: _Pairs


class LBFGS(Solver):
    """Limited-memory BFGS with a backtracking line search.

    A trial point is accepted when it decreases the loss sufficiently (Armijo); otherwise
    the step shrinks to the minimum of the parabola through what is known. Armijo's condition
    alone does not make curvature positive: a step s along which the gradient changes by y,
    ⟨s, y⟩ ≤ ε‖s‖‖y‖, is not remembered, so that directions descend. When no step of any
    length decreases the loss, the pairs are forgotten and the descent restarts along the
    gradient.

    Attributes:
        memory: number of curvature pairs.

    Source:
        J. Nocedal and S. Wright, "Numerical Optimization" (2006), Algorithms 7.4 and 7.5,
        Eqs. 3.4 and 3.57; Sec. 6.1 on positive curvature.
    """

    memory: int = eqx.field(static=True, default=20)

    def init(self, model: Descended, variable: Float[Array, "*c h w"]) -> State:
        """State before the first evaluation."""
        zero = jnp.zeros((), variable.dtype)
        pairs = optax.scale_by_lbfgs(self.memory).init(variable)
        return _unevaluated(model, variable, _Line(jnp.zeros_like(variable), zero, zero + 1, pairs))

    def step(self, model: Descended, state: State) -> State:
        """Evaluate the loss at the trial point; accept it, or shorten the step."""
        (loss, residual), gradient = _evaluate(model, state.trial)
        line = state.memory
        expected = state.loss + _SUFFICIENT_DECREASE * line.length * line.slope
        accepted = (loss <= expected) & jnp.all(jnp.isfinite(gradient))
        return lax.cond(
            accepted,
            lambda: self._accept(state, loss, residual, gradient),
            lambda: self._reject(state, loss),
        )

    def stalled(self, state: State) -> Bool[Array, ""]:
        """Whether no step decreases the loss, not even along the gradient."""
        return state.rejections >= 2 * _MOST_REJECTIONS

    def _accept(
        self, state: State, loss: Array, residual: Residual, gradient: Float[Array, "*c h w"]
    ) -> State:
        line = self._line(state.memory.pairs, state.trial, gradient)
        line = lax.cond(line.slope < 0, lambda: line, lambda: self._restart(state.trial, gradient))
        return State(
            trial=state.trial + line.direction,
            variable=state.trial,
            loss=loss,
            residual=residual,
            rejections=jnp.zeros_like(state.rejections),
            memory=line,
        )

    def _reject(self, state: State, loss: Array) -> State:
        line = eqx.tree_at(lambda line: line.length, state.memory, _shorter(state, loss))
        line = lax.cond(
            state.rejections + 1 == _MOST_REJECTIONS,
            lambda: self._restart(state.variable, line.pairs.updates),
            lambda: line,
        )
        return State(
            trial=state.variable + line.length * line.direction,
            variable=state.variable,
            loss=state.loss,
            residual=state.residual,
            rejections=state.rejections + 1,
            memory=line,
        )

    def _line(
        self, pairs: _Pairs, variable: Float[Array, "*c h w"], gradient: Float[Array, "*c h w"]
    ) -> _Line:
        pairs = _without_negative_curvature(pairs, variable, gradient)
        step, pairs = optax.scale_by_lbfgs(self.memory).update(gradient, pairs, variable)
        direction = -jnp.asarray(step)
        slope = jnp.vdot(gradient, direction)
        return _Line(direction, slope, jnp.ones_like(slope), pairs)

    def _restart(self, variable: Float[Array, "*c h w"], gradient: Float[Array, "*c h w"]) -> _Line:
        forgotten = optax.scale_by_lbfgs(self.memory).init(variable)
        return self._line(forgotten, variable, gradient)


def _without_negative_curvature(
    pairs: _Pairs, variable: Float[Array, "*c h w"], gradient: Float[Array, "*c h w"]
) -> _Pairs:
    """State from which optax remembers the new pair, or, if its curvature is not positive, none.

    optax puts the difference to the state's point into the next slot, and takes the scale of
    its initial matrix from it. To skip a pair, the state goes back by one slot, to a point that
    differs from the new one by the last pair: that is stored again where it was. Before any
    pair it goes back to the beginning.
    """
    step, change = variable - pairs.params, gradient - pairs.updates
    size = jnp.linalg.norm(step) * jnp.linalg.norm(change)
    # Rounding hides the sign of a smaller curvature.
    positive = jnp.vdot(step, change) > jnp.finfo(size.dtype).eps * size
    kept = positive | (pairs.count == 0)
    last = (pairs.count - 2) % len(pairs.weights_memory)
    steps, changes = pairs.diff_params_memory, pairs.diff_updates_memory
    return pairs._replace(
        count=jnp.where(kept, pairs.count, pairs.count - 1),
        params=jnp.where(kept, pairs.params, variable - steps[last]),
        updates=jnp.where(kept, pairs.updates, gradient - changes[last]),
    )


def _evaluate(
    model: Descended, variable: Float[Array, "*c h w"]
) -> tuple[tuple[Array, Residual], Float[Array, "*c h w"]]:
    return jax.value_and_grad(lambda z: model.loss(z), has_aux=True)(variable)


def _shorter(state: State, loss: Float[Array, ""]) -> Float[Array, ""]:
    """Minimum of the parabola through the slope at 0 and the losses at 0 and at the trial."""
    length, slope = state.memory.length, state.memory.slope
    curvature = (loss - state.loss) / length - slope
    best = -slope * length / (2 * curvature)
    best = jnp.where(jnp.isfinite(best) & (curvature > 0), best, 0)
    return jnp.clip(best, _SHRINK_LEAST * length, _SHRINK_MOST * length)
