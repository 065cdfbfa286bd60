"""Several fields together: the mean of their moments is the target's, and they vary about it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import picture

from synth import Judge, Outcome, Schedule, descend, drain, fit, joint
from synth.app.options import Options
from synth.app.record import manifest
from synth.app.runs import generate, read
from synth.errors import InputError
from synth.models.ensemble import Ensemble

SHAPE = (48, 64)
KEYS = jax.random.split(jax.random.key(0), 6)


@pytest.fixture(scope="module")
def model():
    return fit(joint("scattering", shape=SHAPE, scales=4, angles=4), picture("turbulence", SHAPE))


@pytest.fixture(scope="module")
def together(model):
    return drain(descend(model, keys=KEYS, together=True))


def test_the_loss_is_that_of_the_mean_of_the_moments_and_of_a_spread_that_is_not_the_noise(model):
    # The second field is strange: farther from the mean than a field of the process would be.
    variables = jnp.stack([model.start(key=key) for key in KEYS[:3]])
    variables = variables.at[1].multiply(3)
    each = [model.descriptor(model.field(one)) for one in variables]
    mean = jax.tree.map(lambda *leaves: sum(leaves) / 3, *each)
    loss, residual = Ensemble(model).loss(variables)
    wanted, distances = model.distance(mean)

    def apart(a, b):
        moved = jax.tree.map(lambda t, x, y: t + x - y, model.target, a, b)
        return model.descriptor.residual(moved, model.target)

    exceeding = 0
    for name, noise in model.noise.items():
        pairs = [apart(each[a], each[b])[name] for a, b in ((0, 1), (0, 2), (1, 2))]
        wanted += 3 * max(0, 1 - np.sqrt(np.mean(np.square(pairs))) / noise) ** 2
        ratios = [np.sqrt(3) * apart(one, mean)[name] / noise for one in each]
        wanted += 3 * np.mean([max(0, ratio / 1.4 - 1) ** 2 for ratio in ratios])
        exceeding += sum(ratio > 1.4 for ratio in ratios)
        np.testing.assert_allclose(residual[name], distances[name], rtol=1e-4)
    assert exceeding
    np.testing.assert_allclose(loss, wanted, rtol=1e-4)


def test_fields_that_are_alike_are_driven_apart(model):
    one = model.start(key=KEYS[0])
    ripple = 1e-2 * jax.random.normal(KEYS[1], (2, *one.shape))
    near, far = (one + scale * (ripple - ripple.mean(0)) for scale in (1, 2))
    loss = Ensemble(model).loss
    missing = float(loss(near)[0]) - float(loss(far)[0])
    assert 0 < missing < 6 * len(model.noise)


def test_fields_of_another_size_are_to_differ_as_such_fields_do():
    model = fit(joint("scattering", shape=SHAPE, scales=3, angles=4), picture("turbulence", SHAPE))
    for factor in (2, 0.5):
        other = model.on(tuple(int(factor * n) for n in SHAPE)).reference
        for name, noise in model.noise.items():
            # The noise goes with the root of the area; a picture and a field have half of each.
            np.testing.assert_allclose(other.spread[name], noise / factor, rtol=1e-5)
            mixed = np.sqrt((1 + factor**-2) / 2)
            np.testing.assert_allclose(other.noise[name], noise * mixed, rtol=1e-5)


def test_an_ensemble_of_one_has_the_loss_of_its_field(model):
    variable = model.start(key=KEYS[0])

    def slope(of, at):
        return jax.grad(lambda z: of.loss(z)[0])(at)

    one, alone = slope(Ensemble(model), variable[None])[0], slope(model, variable)
    np.testing.assert_allclose(one, alone, atol=1e-4 * float(jnp.abs(alone).max()))


def test_its_methods_are_those_of_each_field(model):
    ensemble, noise = Ensemble(model), jnp.stack([model.start(key=key) for key in KEYS[:2]])
    np.testing.assert_allclose(ensemble.start(key=KEYS[:2], kind="skewed"), noise, atol=1e-4)
    fields = ensemble.to_units(ensemble.field(noise))
    back = ensemble.variable(ensemble.from_units(fields))
    for index in range(2):
        field = model.to_units(model.field(noise[index]))
        np.testing.assert_allclose(fields[index], field, rtol=1e-5)
        alone = model.variable(model.from_units(field))
        np.testing.assert_allclose(back[index], alone, atol=1e-3)


def test_the_mean_is_within_the_tolerance(model, together):
    assert len(together) == len(KEYS)
    assert {one.outcome for one in together} == {Outcome.CONVERGED}
    each = [Judge(model)(one.field)[0] for one in together]
    mean = jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *each)
    distances = model.descriptor.residual(mean, model.target)
    for name, distance in distances.items():
        assert distance <= 1.001 * together[0].tolerance * model.unit[name]
        np.testing.assert_allclose(together[0].residual[name], distance, rtol=1e-3)
    assert "of the mean of 6 textures the worst block" in together[0].verdict


def test_samples_vary_more_than_those_that_descend_alone(model, together):
    judge, alone = Judge(model), drain(descend(model, keys=KEYS))
    wide, narrow = (judge.spread([one.moments for one in each]) for each in (together, alone))
    for name in model.unit:
        assert wide[name] > 3 * narrow[name]
        assert 0.2 < wide[name] / model.noise[name] < 3


def test_progress_shows_every_field_and_one_descent(model):
    run = descend(model, keys=KEYS[:2], together=True, schedule=Schedule(1e-9, max_steps=20))
    progress = next(run)
    assert progress.field.shape == (2, *SHAPE)
    assert len(progress.losses) == len(progress.excess) == 1


def test_fields_to_start_from_descend_together(model):
    schedule = Schedule(1e-9, max_steps=10)
    fields = jnp.stack([model.to_units(model.field(model.start(key=key))) for key in KEYS[:2]])
    found = drain(descend(model, keys=KEYS[:2], start=fields, together=True, schedule=schedule))
    assert found[0].losses[-1] < found[0].losses[0]


def test_gray_levels_and_channels_descend_together():
    gray = picture("foam", (32, 32))
    field = np.stack([gray, np.roll(gray, 5, 0) + 0.5 * np.roll(gray, 3, 1)])
    options = {"shape": (32, 32), "channels": 2, "scales": 2, "angles": 2, "gray_levels": True}
    colored = fit(joint("scattering", **options), field)
    found = drain(descend(colored, keys=KEYS[:2], together=True, schedule=Schedule(9.0)))
    assert found[0].outcome is Outcome.CONVERGED
    assert found[1].field.shape == field.shape
    assert found[1].moments["colors"].ndim == colored.target["colors"].ndim


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"samples": 1}, "An ensemble is one of several samples: give 2 or more"),
        ({"samples": 4, "inpaint": True}, "Fillings of one picture are no ensemble"),
        ({"samples": 4, "models": ("gaussian",)}, "Gaussian samples are an ensemble anyway"),
    ],
)
def test_what_is_no_ensemble_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        Options("turbulence", ensemble=True, **given)


@pytest.mark.parametrize("ensemble", [True, False])
def test_a_run_tells_how_much_its_samples_vary(ensemble):
    options = Options(
        "turbulence", size=32, scales=3, angles=4, samples=4, ensemble=ensemble, devices=1
    )
    result = drain(generate(read(options), options))
    report = manifest(result)["models"]
    assert set(report["scattering"]["spread"]) == set(result.noise)
    variation = result.variation("scattering")
    assert f"Moments of two samples differ by {variation:.2f} of the noise" in result.verdict
    assert ("draw an ensemble (--ensemble)" in result.verdict) is not ensemble
    assert (variation > 0.3) is ensemble
    assert result.variation("gaussian") > 0.3
