"""Solvers on a real moment model of 16 × 16 pixels: what a step accepts, and what it does then."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from synth import LBFGS, Adam, ScatteringMoments, fit, morlet_bank
from synth.models import MomentModel

SHAPE = (16, 16)
REJECTIONS = 12  # after which L-BFGS restarts, and after twice as many it has stalled

_step = jax.jit(lambda solver, model, state: solver.step(model, state))
_loss = jax.jit(lambda model, variable: model.loss(variable)[0])
_optax = jax.jit(optax.scale_by_lbfgs(LBFGS().memory).update)
_slope = jax.jit(lambda model, variable: jax.grad(lambda z: model.loss(z)[0])(variable))


@pytest.fixture(scope="module")
def model():
    target = np.random.default_rng(0).standard_normal(SHAPE) ** 3
    return fit(ScatteringMoments(morlet_bank(SHAPE, 2, 4)), target)


def walk(model, solver, steps, seed=1):
    """States of a descent, the first before any evaluation."""
    states = [solver.init(model, model.start(key=jax.random.key(seed)))]
    for _ in range(steps):
        states.append(_step(solver, model, states[-1]))
    return states


@pytest.fixture(scope="module")
def descent(model):
    return walk(model, LBFGS(), 60)


def moved(state, **changes):
    """A state with other values in it."""
    for name, value in changes.items():
        state = eqx.tree_at(lambda s, n=name: getattr(s, n), state, jnp.asarray(value))
    return state


def stretched(state, length):
    """A state whose trial lies ``length`` directions away."""
    line = eqx.tree_at(lambda line: line.length, state.memory, jnp.float32(length))
    trial = state.variable + length * line.direction
    return eqx.tree_at(lambda s: (s.memory, s.trial), state, (line, trial))


# Both solvers


@pytest.mark.parametrize("solver", [LBFGS(), Adam()])
def test_before_the_first_evaluation_nothing_is_known(model, solver):
    start = model.start(key=jax.random.key(1))
    state = solver.init(model, start)
    assert float(state.loss) == np.inf
    assert state.residual == dict.fromkeys(model.unit, np.inf)
    assert not bool(solver.stalled(state))
    np.testing.assert_array_equal(state.trial, start)


@pytest.mark.parametrize("solver", [LBFGS(), Adam()])
def test_the_loss_of_a_state_is_that_of_its_variable(model, solver):
    for state in walk(model, solver, 6)[1:]:
        assert float(state.loss) == pytest.approx(float(_loss(model, state.variable)), rel=1e-4)


def test_adam_lowers_the_loss_and_never_stalls(model):
    states = walk(model, Adam(0.05), 60)
    assert float(states[-1].loss) < 0.2 * float(states[1].loss)
    assert not any(bool(Adam().stalled(state)) for state in states)
    assert all(int(state.rejections) == 0 for state in states)


# L-BFGS


def test_l_bfgs_never_raises_the_loss_and_ends_far_below(descent):
    losses = np.array([float(state.loss) for state in descent[1:]])
    assert np.all(np.diff(losses) <= 0)
    assert losses[-1] < 1e-2 * losses[0]


def test_l_bfgs_beats_adam(model, descent):
    assert float(descent[-1].loss) < float(walk(model, Adam(0.05), 60)[-1].loss)


def test_an_accepted_step_decreases_the_loss_sufficiently(descent):
    for before, after in zip(descent[1:-1], descent[2:], strict=True):
        if int(after.rejections) == 0:
            line = before.memory
            assert float(after.loss) <= float(before.loss + 1e-4 * line.length * line.slope)
            np.testing.assert_array_equal(after.variable, before.trial)
            assert float(after.memory.slope) < 0
        else:
            np.testing.assert_array_equal(after.variable, before.variable)
            assert float(after.loss) == float(before.loss)


def test_the_first_direction_descends_along_the_gradient(model, descent):
    state = descent[1]
    gradient = _slope(model, state.variable)
    cosine = jnp.vdot(state.memory.direction, -gradient)
    cosine /= jnp.linalg.norm(state.memory.direction) * jnp.linalg.norm(gradient)
    assert float(cosine) == pytest.approx(1, abs=1e-4)
    expected = float(jnp.vdot(gradient, state.memory.direction))
    assert float(state.memory.slope) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("length", [5.0, 10.0, 100.0, 1e4])
def test_a_rejected_step_shrinks_to_the_minimum_of_the_parabola(model, descent, length):
    state = stretched(descent[10], length)
    after = _step(LBFGS(), model, state)
    assert int(after.rejections) == int(state.rejections) + 1
    start, end = float(state.loss), float(_loss(model, state.trial))
    slope = float(state.memory.slope)
    # φ(t) = φ₀ + φ₀′ t + c t² through φ(length) has its minimum at −φ₀′ / 2c.
    curvature = (end - start - slope * length) / length**2
    expected = np.clip(-slope / (2 * curvature), 0.1 * length, 0.5 * length)
    assert float(after.memory.length) == pytest.approx(expected, rel=1e-3)
    np.testing.assert_allclose(
        after.trial, state.variable + expected * state.memory.direction, rtol=1e-2, atol=1e-2
    )
    np.testing.assert_array_equal(after.variable, state.variable)


def test_a_trial_that_is_not_a_number_is_rejected_and_the_step_cut_to_a_tenth(model, descent):
    state = moved(descent[10], trial=jnp.full(SHAPE, jnp.nan))
    after = _step(LBFGS(), model, state)
    assert int(after.rejections) == 1
    assert float(after.memory.length) == pytest.approx(0.1 * float(state.memory.length))
    assert np.all(np.isfinite(after.trial))


class Kinked(MomentModel):
    """The same loss, with a gradient that is not a number."""

    def loss(self, variable):
        loss, residual = super().loss(variable)
        return loss + jnp.sqrt(0 * jnp.sum(variable)), residual


def test_a_gradient_that_is_not_a_number_is_rejected(model, descent):
    kinked = Kinked(**{f.name: getattr(model, f.name) for f in dataclasses.fields(model)})
    state = descent[2]
    assert int(_step(LBFGS(), model, state).rejections) == 0
    assert float(_loss(kinked, state.trial)) < float(state.loss)
    after = _step(LBFGS(), kinked, state)
    assert int(after.rejections) == 1
    np.testing.assert_array_equal(after.variable, state.variable)


def test_after_many_rejections_it_forgets_and_then_it_has_stalled(model, descent):
    solver = LBFGS()
    state = moved(descent[20], loss=jnp.float32(-1.0), rejections=jnp.int32(0))  # never reached
    gradient = _slope(model, state.variable)
    for count in range(1, 2 * REJECTIONS + 1):
        before, state = state, _step(solver, model, state)
        assert int(state.rejections) == count
        assert bool(solver.stalled(state)) == (count >= 2 * REJECTIONS)
        if count == REJECTIONS:
            line = state.memory
            assert float(line.length) == 1
            size = jnp.linalg.norm(gradient) * jnp.linalg.norm(line.direction)
            cosine = -jnp.vdot(gradient, line.direction) / size
            assert float(cosine) == pytest.approx(1, abs=1e-3)
        else:
            assert float(state.memory.length) <= 0.5 * float(before.memory.length)


def test_a_descent_goes_on_after_a_restart(model, descent):
    state = moved(descent[20], rejections=jnp.int32(REJECTIONS - 1))
    state = _step(LBFGS(), model, stretched(state, 1e4))
    assert int(state.rejections) == REJECTIONS
    losses = []
    for _ in range(15):
        state = _step(LBFGS(), model, state)
        losses.append(float(state.loss))
    assert losses[-1] < float(descent[20].loss)


# L-BFGS where the curvature is negative


class Landscape(MomentModel):
    """A loss of the variable alone, some directions of which are steeper than others."""

    def height(self, variable):
        """Of every pixel."""
        raise NotImplementedError

    def loss(self, variable):
        heights = jnp.linspace(0.1, 3, variable.size).reshape(variable.shape)
        zero = jax.tree.map(jnp.zeros_like, self.unit)
        return jnp.sum(heights * self.height(variable)), zero


class Waves(Landscape):
    """Negative curvature where a descent from 0 begins, and on every other half-wave."""

    def height(self, variable):
        return jnp.cos(variable) + 0.01 * variable**2


class Stairs(Landscape):
    """Negative curvature on the edges of stairs that lead down to a minimum far away."""

    def height(self, variable):
        return jnp.cos(variable + 4) + 0.02 * (variable - 36) ** 2


class Bowl(Landscape):
    """Convex."""

    def height(self, variable):
        return variable**2


def across(model, kind, memory):
    """Accepted states of a descent from about 0, and their gradients."""
    own = {f.name: getattr(model, f.name) for f in dataclasses.fields(model)}
    landscape, solver = kind(**own), LBFGS(memory)
    start = 0.02 * np.random.default_rng(3).standard_normal(SHAPE)
    state = solver.init(landscape, jnp.asarray(start, jnp.float32))
    states, gradients = [], []
    for _ in range(40):
        state = _step(solver, landscape, state)
        gradient = _slope(landscape, state.variable)
        if jnp.linalg.norm(gradient) < 0.01:  # what is left of the gradient is rounding
            break
        if int(state.rejections) == 0:
            states.append(state)
            gradients.append(gradient)
    return states, gradients


def differences(states, gradients):
    """Steps between accepted states, and what they change of the gradient, as flat doubles."""
    points = np.array([np.ravel(state.variable) for state in states], np.float64)
    slopes = np.array([np.ravel(gradient) for gradient in gradients], np.float64)
    return zip(np.diff(points, axis=0), np.diff(slopes, axis=0), strict=True)


@pytest.mark.parametrize(("kind", "met"), [(Waves, "--+"), (Stairs, "++-+")])
@pytest.mark.parametrize("memory", [3, 20])
def test_only_pairs_of_positive_curvature_are_remembered(model, kind, met, memory):
    states, gradients = across(model, kind, memory)
    curvatures = [step @ change for step, change in differences(states, gradients)]
    assert met in "".join("+" if each > 0 else "-" for each in curvatures)
    for number, state in enumerate(states):
        pairs = state.memory.pairs
        products = np.sum(pairs.diff_params_memory * pairs.diff_updates_memory, axis=(1, 2))
        good = sum(np.array(curvatures[:number]) > 0)
        assert int(pairs.count) == 1 + good  # which a restart would set back
        assert sum(products > 0) == sum(products != 0) == min(good, memory)
        assert np.all(pairs.weights_memory >= 0)
        np.testing.assert_array_equal(pairs.params, state.variable)


@pytest.mark.parametrize("kind", [Bowl, Waves, Stairs])
@pytest.mark.parametrize("memory", [3, 20])
def test_directions_are_those_of_the_last_good_pairs(model, kind, memory):
    states, gradients = across(model, kind, memory)
    good = []
    steps = [(None, None), *differences(states, gradients)]
    for state, gradient, (step, change) in zip(states, gradients, steps, strict=True):
        if step is not None and step @ change > 0:
            good.append((step, change))
        slope = np.ravel(np.asarray(gradient, np.float64))
        wanted = -_inverse(good[-memory:], slope) @ slope
        error = np.linalg.norm(np.ravel(state.memory.direction) - wanted)
        assert error < 1e-3 * np.linalg.norm(wanted)
        assert float(state.memory.slope) < 0


def _inverse(pairs, slope):
    """The inverse Hessian of BFGS (Nocedal & Wright, Eqs. 7.16 and 7.20), a full matrix."""
    identity = np.eye(slope.size)
    if not pairs:
        return identity * min(1, 1 / np.linalg.norm(slope))
    step, change = pairs[-1]
    matrix = identity * (step @ change) / (change @ change)
    for step, change in pairs:
        factor = identity - np.outer(change, step) / (step @ change)
        matrix = factor.T @ matrix @ factor + np.outer(step, step) / (step @ change)
    return matrix


def test_where_the_curvature_is_positive_directions_are_those_of_optax(model, descent):
    compared = 0
    steps = [*zip(descent[1:-1], descent[2:], strict=True)]
    second = walk(model, LBFGS(), 30, seed=2)
    steps += zip(second[1:-1], second[2:], strict=True)
    for before, after in steps:
        old, new = before.memory.pairs, after.memory.pairs
        step, change = new.params - old.params, new.updates - old.updates
        if int(after.rejections) == 0 and float(jnp.vdot(step, change)) > 0:
            update, plain = _optax(new.updates, old, after.variable)
            size = jnp.linalg.norm(update)
            assert float(jnp.linalg.norm(update + after.memory.direction)) <= 1e-5 * float(size)
            np.testing.assert_array_equal(new.diff_params_memory, plain.diff_params_memory)
            np.testing.assert_array_equal(new.diff_updates_memory, plain.diff_updates_memory)
            compared += 1
    assert compared > 50


@pytest.mark.parametrize("solver", [LBFGS(), Adam()])
def test_an_ensemble_descends_like_its_members(model, solver):
    walks = [walk(model, solver, 4, seed) for seed in (1, 2)]
    states = jax.tree.map(lambda *each: jnp.stack(each), *(states[0] for states in walks))
    step = jax.jit(jax.vmap(solver.step, in_axes=(None, 0)))
    for _ in range(4):
        states = step(model, states)
    for loss, alone in zip(states.loss, walks, strict=True):
        assert float(loss) == pytest.approx(float(alone[-1].loss), rel=1e-3)
