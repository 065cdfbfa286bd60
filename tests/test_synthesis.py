"""The loop on a picture of 32 × 32 pixels: outcomes, reported residual, seeds, recompilation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import monitoring

from synth import (
    EXACT,
    LBFGS,
    Adam,
    Judge,
    Limits,
    Outcome,
    ScatteringMoments,
    descend,
    drain,
    fit,
    morlet_bank,
    scatter,
    synthesize,
)
from synth.errors import InputError
from synth.fourier import radial_frequency

SHAPE = (32, 32)
STRICT = Limits(tolerance=1e-9, max_steps=13)  # no multiple of the chunk

_compiled = []


def _listen(event, _, **__):
    if event == "/jax/core/compile/backend_compile_duration":
        _compiled.append(event)


monitoring.register_event_duration_secs_listener(_listen)


def picture(seed=0):
    """Blots: a smooth Gaussian field, saturated, in units of its own."""
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal(SHAPE))
    gain = np.exp(-(np.fft.ifftshift(radial_frequency(SHAPE)) ** 2))
    return 100 + 40 * np.tanh(10 * np.fft.ifft2(noise * gain).real)


@pytest.fixture(scope="module")
def model():
    return fit(ScatteringMoments(morlet_bank(SHAPE, 3, 4)), picture())


@pytest.fixture(scope="module")
def texture(model):
    return synthesize(model, key=jax.random.key(1))


def drained(steps):
    """What a descent yields, and what it returns."""
    seen = []
    return seen, drain(steps, seen.append)


# Outcomes


def test_it_converges_and_says_so(texture):
    assert texture.outcome is Outcome.CONVERGED
    assert bool(texture.residual.within(1e-2))
    residual = texture.residual
    words = (
        f"Converged after {texture.evaluations} evaluations (residual {residual.total:.2%}, "
        f"order 1 {residual.order1:.2%}, order 2 {residual.order2:.2%}; tolerance 1.00%, "
        "twice that per order)."
    )
    assert texture.verdict == words
    assert texture.field.shape == SHAPE
    assert float(texture.field.mean()) == pytest.approx(picture().mean(), rel=0.05)


def test_the_reported_residual_is_the_exact_transform_s_distance(model, texture):
    bank = morlet_bank(SHAPE, 3, 4, oversampling=EXACT)
    target = picture()
    mean, scale = target.mean(), target.std()

    def moments(field):
        standard = jnp.asarray((np.asarray(field, np.float64) - mean) / scale, jnp.float32)
        return [np.asarray(order) for order in jax.jit(scatter)(standard, bank).orders()]

    got, wanted = moments(texture.field), moments(target)
    squares = [np.sum((a - b) ** 2) for a, b in zip(got, wanted, strict=True)]
    norms = [np.sum(b**2) for b in wanted]
    residual = texture.residual
    assert float(residual.total) == pytest.approx(np.sqrt(sum(squares) / sum(norms[1:])), rel=1e-2)
    assert float(residual.order0) == pytest.approx(np.sqrt(squares[0]), abs=1e-5)
    assert float(residual.order1) == pytest.approx(np.sqrt(squares[1] / norms[1]), rel=1e-2)
    assert float(residual.order2) == pytest.approx(np.sqrt(squares[2] / norms[2]), rel=1e-2)
    np.testing.assert_allclose(texture.moments.flatten(), np.concatenate(got), atol=1e-5)


def test_the_judge_finds_no_distance_of_the_target_from_itself(model):
    moments, residual = Judge(model)(model.to_units(model.standard))
    assert float(residual.total) < 1e-5
    exact = model.descriptor.exact()(model.standard)
    np.testing.assert_allclose(moments.flatten(), exact.flatten(), atol=1e-5)


def test_the_step_limit_is_kept_and_named(model):
    short = synthesize(model, key=jax.random.key(1), limits=STRICT)
    assert short.outcome is Outcome.STEP_LIMIT
    assert short.evaluations == len(short.losses) == 13
    assert short.verdict.startswith("Ended at the step limit after 13 evaluations (residual ")
    assert short.verdict.endswith("twice that per order): allow more steps, or a larger tolerance.")


def test_a_descent_that_the_limit_ends_within_the_tolerance_has_converged(model):
    lenient = Limits(tolerance=10.0, max_steps=13)
    assert synthesize(model, key=jax.random.key(1), limits=lenient).outcome is Outcome.CONVERGED


def test_a_loss_that_explodes_is_named(model):
    wild = synthesize(model, key=jax.random.key(1), solver=Adam(1e30))
    assert wild.outcome is Outcome.NOT_FINITE
    assert wild.evaluations == 10
    assert wild.verdict.startswith("Stopped after 10 evaluations (residual ")
    assert "the loss is not finite" in wild.verdict
    assert wild.verdict.endswith("use L-BFGS or a smaller learning rate.")


def test_a_descent_that_cannot_go_on_has_stalled(model):
    limits = Limits(tolerance=1e-9, max_steps=5000)
    stuck = synthesize(model, key=jax.random.key(1), limits=limits)
    assert stuck.outcome is Outcome.STALLED
    assert stuck.evaluations < 5000
    assert stuck.verdict.startswith(f"Stalled after {stuck.evaluations} evaluations (residual ")
    assert "the loss hardly falls any more; try another seed" in stuck.verdict
    assert np.all(np.diff(stuck.losses) <= 0)


# Seeds and starts


def test_the_key_decides_the_texture(model, texture):
    again = synthesize(model, key=jax.random.key(1))
    np.testing.assert_array_equal(again.field, texture.field)
    np.testing.assert_array_equal(again.losses, texture.losses)
    other = synthesize(model, key=jax.random.key(2))
    assert other.outcome is Outcome.CONVERGED
    assert float(jnp.abs(other.field - texture.field).mean()) > 0.3 * picture().std()


@pytest.mark.parametrize("start", ["gaussian", "variable", "pixels"])
@pytest.mark.parametrize("solver", [LBFGS(), Adam()])
def test_every_solver_descends_from_every_start(model, solver, start):
    limits = Limits(tolerance=1e-9, max_steps=50)
    texture = synthesize(model, key=jax.random.key(3), solver=solver, start=start, limits=limits)
    assert texture.outcome is Outcome.STEP_LIMIT
    assert texture.losses[-1] < 0.2 * texture.losses[0]


def test_a_second_texture_of_the_same_shape_compiles_nothing(model, texture):
    second = fit(model.descriptor, 3 - 2 * picture(seed=5))
    del _compiled[:]
    synthesize(model, key=jax.random.key(7))
    synthesize(second, key=jax.random.key(8))
    assert not _compiled
    jax.jit(lambda x: 2 * x + 41)(1.0)  # the listener does listen
    assert _compiled


# Progress


def test_progress_comes_chunk_by_chunk(model, texture):
    seen, end = drained(descend(model, key=jax.random.key(1)))
    evaluations = [progress.evaluations for progress in seen]
    assert evaluations == list(range(10, 10 * len(seen) + 1, 10))
    for progress in seen:
        assert len(progress.losses) == progress.evaluations
        assert progress.field.shape == SHAPE
    np.testing.assert_array_equal(seen[-1].field, end.field)
    np.testing.assert_array_equal(end.field, texture.field)
    totals = [float(progress.residual.total) for progress in seen]
    assert totals[-1] <= 1e-2 < totals[0]
    assert np.all(np.diff(end.losses) <= 0)


def test_the_last_chunk_is_as_short_as_the_limit_asks(model):
    seen, end = drained(descend(model, key=jax.random.key(1), limits=STRICT))
    assert [progress.evaluations for progress in seen] == [10, 13]
    assert end.evaluations == 13


def test_a_judge_may_be_shared(model, texture):
    judge = Judge(model)
    _, end = drained(descend(model, key=jax.random.key(1), judge=judge))
    assert float(end.residual.total) == float(texture.residual.total)
    np.testing.assert_allclose(judge.target.flatten(), Judge(model).target.flatten(), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_steps": 0}, "0 steps were asked for: allow at least 1"),
        ({"tolerance": -0.1}, "The tolerance -0.1 is negative: 0.01 is usual"),
        ({"tolerance": float("nan")}, "The tolerance nan is negative"),
    ],
)
def test_limits_that_cannot_be_met_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Limits(**arguments)
