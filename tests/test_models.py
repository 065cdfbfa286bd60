"""Models: their spectra and means, the units, the shaping and the starts of a descent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from synth import (
    GrayLevels,
    ScatteringMoments,
    Schedule,
    fit,
    fit_gaussian,
    joint,
    morlet_bank,
)
from synth.descent.schedule import Stage
from synth.errors import InputError
from synth.metrics import kurtosis, skewness
from synth.models._standard import standardize
from synth.models.check import check_descriptor
from synth.models.start import normal_levels
from synth.statistics import excess
from synth.transforms.fourier import periodogram, radial_average, radial_frequency

SHAPE = (24, 31)
DRAWS = 400
# Six standard deviations of the mean of squared normal numbers.
TOLERANCE = 6 * np.sqrt(2 / DRAWS)


def picture(shape=SHAPE, seed=0):
    """A smooth random field on the torus, far from mean 0 and variance 1."""
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal(shape))
    gain = 1 / (0.3 + np.fft.ifftshift(radial_frequency(shape)))
    return 70 + 9 * np.fft.ifft2(noise * gain).real


@pytest.fixture(scope="module")
def descriptor():
    return ScatteringMoments(morlet_bank(SHAPE, 3, 4))


@pytest.fixture(scope="module")
def model(descriptor):
    return fit(descriptor, picture())


def standardized(field=None):
    """A field of mean 0 and variance 1, as a model has it."""
    whole = picture() if field is None else field
    return jnp.asarray((whole - np.nanmean(whole)) / np.nanstd(whole), jnp.float32)


def mean_periodogram(draw):
    keys = jax.random.split(jax.random.key(0), DRAWS)
    fields = np.asarray(jax.jit(jax.vmap(draw))(keys), np.float64)
    return fields, np.mean([periodogram(field) for field in fields], axis=0)


def half(power):
    return power[:, : SHAPE[1] // 2 + 1]


# Gaussian


def _power(gaussian):
    """Spectrum in the target's units."""
    return float(gaussian.scale) ** 2 * np.asarray(gaussian.spectrum, np.float64)


def test_gaussian_model_has_the_mean_the_variance_and_the_periodogram_of_its_target():
    target = picture()
    gaussian = fit_gaussian(target)
    assert float(gaussian.mean) == pytest.approx(target.mean(), rel=1e-6)
    assert float(_power(gaussian).mean()) == pytest.approx(target.var(), rel=1e-5)
    np.testing.assert_allclose(
        _power(gaussian), periodogram(target - target.mean()), rtol=1e-5, atol=1e-10
    )


def test_gaussian_samples_have_the_mean_and_on_average_the_spectrum():
    gaussian = fit_gaussian(picture())
    fields, power = mean_periodogram(lambda key: gaussian.sample(key=key))
    np.testing.assert_allclose(fields.mean((1, 2)), float(gaussian.mean), rtol=1e-5)
    ratio = power.ravel()[1:] / _power(gaussian).ravel()[1:]
    assert np.abs(ratio - 1).max() < TOLERANCE
    assert ratio.mean() == pytest.approx(1, abs=TOLERANCE / np.sqrt(ratio.size))
    # Chi-squared with two degrees of freedom: the standard deviation is the mean.
    first = periodogram(fields[0] - fields[0].mean()).ravel()[1:] / power.ravel()[1:]
    assert first.std() == pytest.approx(1, abs=0.2)


def test_random_phase_keeps_the_periodogram_of_every_sample():
    gaussian = fit_gaussian(picture())
    for seed in range(3):
        sample = np.asarray(gaussian.sample(key=jax.random.key(seed), random_phase=True), float)
        power = periodogram(sample - float(gaussian.mean))
        np.testing.assert_allclose(power, _power(gaussian), rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("random_phase", [False, True])
def test_the_key_decides_the_gaussian_sample(random_phase):
    gaussian = fit_gaussian(picture())

    def draw(seed):
        return gaussian.sample(key=jax.random.key(seed), random_phase=random_phase)

    np.testing.assert_array_equal(draw(0), draw(0))
    assert float(jnp.abs(draw(0) - draw(1)).mean()) > 0.5 * float(draw(0).std())


def test_a_picture_that_is_not_periodic_leaves_no_cross():
    rows, columns = np.mgrid[:48, :64]
    noise = np.random.default_rng(0).standard_normal((48, 64))
    ramp = 10 * columns / 64 - 6 * rows / 48 + 0.2 * noise

    def cross(periodic):
        power = np.asarray(fit_gaussian(ramp, periodic=periodic).spectrum)
        axes = np.concatenate([power[0, 6:-5], power[6:-5, 0]])
        return axes.mean() / power[6:-5, 6:-5].mean()

    assert cross(periodic=True) > 100
    assert 0.3 < cross(periodic=False) < 2


# Moments


def test_the_target_is_standardized_and_the_units_come_back(model):
    assert float(model.mean) == pytest.approx(picture().mean(), rel=1e-6)
    assert float(model.scale) == pytest.approx(picture().std(), rel=1e-6)
    np.testing.assert_allclose(model.to_units(standardized()), picture(), rtol=1e-5)
    there = model.from_units(jnp.asarray(picture(), jnp.float32))
    np.testing.assert_allclose(there, standardized(), atol=1e-4)
    np.testing.assert_allclose(model.from_units(model.to_units(there)), there, atol=1e-4)


def test_the_levels_are_the_sorted_target_and_their_ends_its_range(model):
    np.testing.assert_allclose(model.levels, np.sort(np.ravel(standardized())), atol=1e-5)
    np.testing.assert_allclose(model.range, (picture().min(), picture().max()), rtol=1e-5)


@pytest.mark.parametrize("kind", ["gaussian", "skewed", "variable", "pixels"])
def test_fields_have_the_target_s_mean(model, kind):
    start = model.start(key=jax.random.key(3), kind=kind)
    for variable in (start, start + 5):  # a constant has no effect
        units = model.to_units(model.field(variable))
        assert float(units.mean()) == pytest.approx(picture().mean(), rel=1e-5)
    np.testing.assert_allclose(model.field(start + 5), model.field(start), atol=1e-4)


def test_gray_levels_hold_the_mean_themselves():
    leveled = fit(GrayLevels(SHAPE), picture(), bounds=(-np.inf, np.inf))
    start = leveled.start(key=jax.random.key(3))
    assert float(leveled.field(start).mean()) == pytest.approx(0, abs=1e-5)
    assert float(leveled.prior[0, 0]) == 0 < float(leveled.shaping[0, 0])
    moved = leveled.field(start + 5)
    np.testing.assert_allclose(moved - moved.mean(), leveled.field(start), atol=1e-4)
    assert float(moved.mean()) == pytest.approx(5 * float(leveled.shaping[0, 0]), rel=1e-4)


def test_the_moments_do_not_depend_on_the_unit(descriptor, model):
    other = fit(descriptor, 3 * picture() - 1000)
    np.testing.assert_allclose(other.target.flatten(), model.target.flatten(), atol=1e-5)


def test_fields_are_clipped_to_the_bounds(descriptor, model):
    bounded = fit(descriptor, picture(), bounds=(65.0, 72.0))
    np.testing.assert_allclose(
        bounded.to_units(standardized()), np.clip(picture(), 65, 72), rtol=1e-5
    )
    field = bounded.to_units(bounded.field(10 * bounded.start(key=jax.random.key(0))))
    np.testing.assert_allclose((field.min(), field.max()), (65, 72), rtol=1e-6)
    assert not np.any(np.isfinite(model.bounds))
    leveled = fit(GrayLevels(SHAPE), picture())
    np.testing.assert_allclose(leveled.bounds, (picture().min(), picture().max()), rtol=1e-6)


@pytest.mark.parametrize("gray", [0.0, 0.5, 255.0])
def test_a_constant_field_is_refused(descriptor, gray):
    with pytest.raises(InputError, match="The field is constant: a texture needs at least two"):
        fit(descriptor, np.full(SHAPE, gray))


def test_a_field_of_another_shape_is_refused(descriptor):
    message = "The field has 32 × 32 pixels and the descriptor is for fields of 24 × 31: make it"
    with pytest.raises(InputError, match=message):
        fit(descriptor, picture((32, 32)))
    with pytest.raises(InputError, match=message):
        fit(descriptor, np.stack([picture((32, 32))] * 2))


@pytest.mark.parametrize("descriptor", ["full", 3, None, np.zeros(SHAPE)])
def test_what_is_no_descriptor_is_refused(descriptor):
    with pytest.raises(InputError, match="The descriptor is .*: give one first and then the field"):
        check_descriptor(descriptor, SHAPE)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (picture()[None, None], "of the shape .*: give real numbers, height × width"),
        (np.where(np.arange(31) == 3, np.inf, picture()), "holds infinite values: put NaN"),
        (np.stack([picture(), np.full(SHAPE, np.nan)]), "has no pixels, only NaN"),
        (np.where(np.arange(31) == 3, np.nan, 7.0) + np.zeros(SHAPE), "The field is constant"),
    ],
)
def test_what_is_no_picture_is_refused(field, message):
    with pytest.raises(InputError, match=message):
        standardize(field)


def test_the_border_of_a_picture_that_is_not_periodic_does_not_roughen_the_prior(descriptor):
    ramp = 5 * np.add.outer(np.arange(24.0), np.arange(31.0)) + picture()
    rough, smooth = (fit(descriptor, ramp, periodic=periodic) for periodic in (True, False))
    assert float(smooth.prior[12, 0]) < 0.8 * float(rough.prior[12, 0])
    assert float(smooth.target.order1[0].mean()) < 0.8 * float(rough.target.order1[0].mean())


def test_the_target_itself_has_no_loss(descriptor):
    model = fit(descriptor, picture(), exponents=(0, 0))
    loss, residual = jax.jit(lambda z: model.loss(z))(standardized())
    assert float(loss) < 1e-6
    assert max(map(float, residual.values())) < 1e-4
    loss, residual = jax.jit(lambda z: model.loss(z))(jnp.roll(standardized(), (5, 9), (0, 1)))
    assert max(map(float, residual.values())) < 1e-2
    assert float(excess(residual, model.unit)) < 0.1


@pytest.mark.parametrize("exponents", [(0, 0), (0.5, 0), (0.5, 0.5), (1, 1)])
def test_the_shaping_is_a_power_of_radial_spectrum_and_frequency(descriptor, model, exponents):
    other = fit(descriptor, picture(), exponents=exponents)
    rows, columns = 2 * np.fft.fftfreq(SHAPE[0]), 2 * np.fft.rfftfreq(SHAPE[1])
    wanted = np.asarray(model.prior) ** exponents[0]
    wanted *= np.hypot(rows[:, None], columns) ** exponents[1]
    wanted[0, 0] = 0  # the mean is no part of the variable
    np.testing.assert_allclose(other.shaping, wanted, rtol=1e-5)


def test_the_prior_is_the_radially_averaged_spectrum(model):
    edges = 2 * np.pi / min(SHAPE) * np.arange(0.5, 20)
    power = periodogram(np.asarray(standardized(), np.float64))
    radius, mean = radial_average(power, edges)
    frequency = half(np.fft.ifftshift(radial_frequency(SHAPE)))
    prior = np.asarray(model.prior) ** 2
    for k, expected in zip(radius, mean, strict=True):
        nearest = np.argmin(np.abs(frequency - k))
        assert prior.ravel()[nearest] == pytest.approx(expected, rel=0.25)
    # Isotropic: a function of the radius alone, so continuous along it.
    order = np.argsort(frequency.ravel())[1:]  # without the frequency 0
    same = np.diff(frequency.ravel()[order]) < 1e-9
    assert np.abs(np.diff(np.log(prior.ravel()[order])))[same].max() < 1e-4


def test_the_prior_has_a_floor_where_the_target_has_no_power(descriptor):
    wave = np.cos(2 * np.pi * 3 * np.arange(SHAPE[0]) / SHAPE[0])[:, None] + np.zeros(SHAPE)
    model = fit(descriptor, wave)
    assert float(model.prior[0, 0]) == 0  # the mean is no part of the variable
    assert float(model.prior.ravel()[1:].min()) ** 2 == pytest.approx(1e-6, rel=1e-3)


@pytest.mark.parametrize("kind", ["gaussian", "skewed", "variable", "pixels"])
def test_the_starts_have_the_intended_spectra(model, kind):
    _, power = mean_periodogram(lambda key: model.field(model.start(key=key, kind=kind)))
    expected = {
        "gaussian": model.prior**2,
        "skewed": model.prior**2,
        "variable": model.shaping**2,
        "pixels": jnp.ones_like(model.prior),
    }[kind]
    assert half(power)[0, 0] < 1e-8  # the mean is the target's
    ratio = half(power).ravel()[1:] / np.asarray(expected).ravel()[1:]
    assert np.abs(ratio - 1).max() < TOLERANCE
    assert ratio.mean() == pytest.approx(1, abs=2 * TOLERANCE / np.sqrt(ratio.size))


def marginals(model, kind):
    """Mean skewness and kurtosis of some starts."""
    keys = jax.random.split(jax.random.key(0), 8)
    fields = [np.asarray(model.field(model.start(key=key, kind=kind))) for key in keys]
    return np.mean([[skewness(field), kurtosis(field)] for field in fields], axis=0)


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_usual_start_is_as_asymmetric_as_the_target(descriptor, sign):
    target = sign * np.exp(picture() / 10)
    model = fit(descriptor, target)
    assert skewness(target) * sign > 0.5
    assert marginals(model, "skewed")[0] / skewness(target) > 0.4
    assert abs(marginals(model, "gaussian")[0] / skewness(target)) < 0.2
    usual = model.start(key=jax.random.key(0))
    np.testing.assert_array_equal(usual, model.start(key=jax.random.key(0), kind="skewed"))


def test_the_usual_start_has_no_tails_of_a_symmetric_target(descriptor):
    noise = np.random.default_rng(0).standard_normal(SHAPE)
    model = fit(descriptor, np.concatenate([noise[:12] ** 3, -(noise[:12] ** 3)]))
    assert abs(marginals(model, "skewed")[1] - 3) < 0.3


def test_the_variable_of_a_field_gives_the_field(model):
    np.testing.assert_allclose(
        model.field(model.variable(standardized())), standardized(), atol=1e-5
    )


@pytest.mark.parametrize("kind", ["gaussian", "skewed", "variable", "pixels"])
def test_the_key_decides_the_start(model, kind):
    starts = [model.start(key=jax.random.key(seed), kind=kind) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(starts[0], starts[1])
    assert float(jnp.abs(starts[0] - starts[2]).mean()) > 0.1


# The stages of a descent


def values(model, scale=10.0):
    """Least and largest value of a field that is far out of range, in the target's units."""
    field = model.to_units(model.field(scale * model.start(key=jax.random.key(0))))
    return float(field.min()), float(field.max())


def usual(model):
    """The models that are followed, by the evaluation from which on they are."""
    return {stage.first: stage.of(model) for stage in Schedule.usual(model.descriptor).stages}


def equal(one, other):
    return jax.tree.all(jax.tree.map(np.array_equal, one, other))


def test_a_free_model_keeps_within_the_target_s_range_at_first(model):
    stages = usual(model)
    assert list(stages) == [0, 60]
    assert equal(stages[60], model)
    target = picture()
    assert values(stages[0]) == pytest.approx((target.min(), target.max()), rel=1e-5)
    low, high = values(model)
    assert low < target.min() < target.max() < high
    assert equal(stages[0].weights, model.weights)


def test_bounds_within_the_target_s_range_hold_from_the_beginning(descriptor):
    stages = usual(fit(descriptor, picture(), bounds=(65.0, np.inf)))
    assert values(stages[0]) == pytest.approx((65, picture().max()), rel=1e-5)
    low, high = values(stages[60])
    assert low == pytest.approx(65)
    assert high > picture().max()


@pytest.mark.parametrize("bounds", [(1000.0, 2000.0), (72.0, 65.0)])
def test_bounds_that_leave_nothing_are_refused(descriptor, bounds):
    with pytest.raises(InputError, match="leave nothing of a field from .*: give a wider range"):
        fit(descriptor, picture(), bounds=bounds)


@pytest.mark.parametrize("name", ["scattering", "full"])
def test_gray_levels_gain_weight_in_stages(name):
    model = fit(joint(name, shape=SHAPE, scales=2, angles=2, gray_levels=True), picture())
    stages = usual(model)
    assert list(stages) == [0, 60, 120]
    for first, factor in ((0, 0.01), (60, 0.1), (120, 1)):
        weights = stages[first].weights
        gray = factor * model.weights["gray_levels"]
        np.testing.assert_allclose(weights["gray_levels"], gray, rtol=1e-6)
        assert all(equal(weights[k], model.weights[k]) for k in set(weights) - {"gray_levels"})
        free = name == "full" and first < 120
        bounds = (-np.inf, np.inf) if free else (picture().min(), picture().max())
        np.testing.assert_allclose(stages[first].bounds, bounds, rtol=1e-5)


@pytest.mark.parametrize(
    ("evaluations", "first"), [(0, 0), (59, 0), (60, 60), (119, 60), (120, 120), (9999, 120)]
)
def test_the_stage_that_is_due(evaluations, first):
    schedule = Schedule(stages=(Stage(0, 0.01), Stage(60, 0.1), Stage(120)))
    assert schedule.due(evaluations).first == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": -1.0}, r"The tolerance -1\.0 is negative: 0\.2 is usual"),
        ({"tolerance": np.nan}, "The tolerance nan is negative"),
        ({"max_steps": 0}, "0 steps were asked for: allow at least 1"),
        ({"stages": ()}, r"The stages begin at \[\]: give increasing evaluations from 0 on"),
        ({"stages": (Stage(5),)}, r"The stages begin at \[5\]: give increasing evaluations"),
        ({"stages": (Stage(), Stage(9), Stage(9))}, r"The stages begin at \[0, 9, 9\]"),
        ({"stages": (Stage(0, gray_levels=0.1),)}, "a last stage that follows the model itself"),
    ],
)
def test_a_schedule_that_cannot_be_followed_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        Schedule(**options)


# Missing pixels, several pictures, one axis that wraps


def holes():
    """True where a pixel is missing: a block and a line."""
    missing = np.zeros(SHAPE, bool)
    missing[4:9, 20:27] = missing[:, 11] = True
    return missing


@pytest.mark.parametrize("periodic", [True, False, (True, False), (False, True)])
def test_missing_pixels_leave_a_finite_model_of_those_that_are_there(periodic):
    descriptor = joint("full", shape=SHAPE, scales=2, angles=2)
    field = np.where(holes(), np.nan, picture())
    model = fit(descriptor, field, periodic=periodic)
    leaves = jax.tree.leaves((model.reference, model.unit, model.weights, model.prior))
    assert all(np.all(np.isfinite(leaf)) for leaf in leaves)
    assert float(model.mean) == pytest.approx(np.nanmean(field), rel=1e-6)
    assert float(model.scale) == pytest.approx(np.nanstd(field), rel=1e-5)
    known = (np.nanmin(field), np.nanmax(field))
    np.testing.assert_allclose(model.range, known, rtol=1e-5)
    np.testing.assert_allclose(model.bounds, known, rtol=1e-5)
    assert model.levels.shape == (field.size,)
    gaussian = fit_gaussian(field, periodic=periodic)
    assert float(gaussian.mean) == pytest.approx(np.nanmean(field), rel=1e-6)
    assert float(gaussian.spectrum.mean()) == pytest.approx(1, rel=1e-5)
    assert np.all(np.isfinite(gaussian.sample(key=jax.random.key(0))))


def test_a_stack_of_one_is_that_picture(descriptor, model):
    stacked = fit(descriptor, picture()[None])
    for one, other in zip(*map(jax.tree.leaves, (stacked, model)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_the_target_of_several_pictures_is_the_mean_of_their_moments(descriptor):
    stack = np.stack([picture(seed=seed) for seed in range(3)])
    several = fit(descriptor, stack)
    assert float(several.mean) == pytest.approx(stack.mean(), rel=1e-6)
    assert float(several.scale) == pytest.approx(stack.std(), rel=1e-5)
    measure = jax.jit(lambda x: descriptor(x).flatten())
    each = [measure(several.from_units(jnp.asarray(field, jnp.float32))) for field in stack]
    np.testing.assert_allclose(several.target.flatten(), np.mean(each, 0), rtol=1e-3, atol=1e-5)
    gaussian = fit_gaussian(stack)
    powers = [periodogram(f - f.mean()) * stack.var() for f in (stack - stack.mean())]
    assert gaussian.spectrum.shape == SHAPE
    # Each picture counts with its own variance.
    wanted = np.mean(powers, axis=0) / stack.var() ** 2
    np.testing.assert_allclose(gaussian.spectrum, wanted, rtol=1e-4, atol=1e-7)


def test_one_axis_may_wrap(descriptor):
    ramp = picture() + 4 * np.arange(float(SHAPE[0]))[:, None]  # rows do not wrap, columns do
    settings = (True, (False, True), (True, False))
    whole, right, wrong = (fit_gaussian(ramp, periodic=each).spectrum for each in settings)
    # What the jump between the last row and the first adds to fine scales along that axis.
    assert float(right[8:16, 0].mean()) < 0.5 * float(whole[8:16, 0].mean())
    assert float(wrong[8:16, 0].mean()) > 0.5 * float(whole[8:16, 0].mean())
    model = fit(descriptor, ramp, periodic=(False, True))
    assert np.all(np.isfinite(model.target.flatten()))


# Units


@pytest.mark.parametrize("unit", [1e-15, 1e15])
def test_units_do_not_matter_to_the_gaussian(unit):
    field = np.random.default_rng(0).standard_normal((16, 16))
    key = jax.random.key(0)
    plain = np.asarray(fit_gaussian(field).sample(key=key), np.float64)
    scaled = np.asarray(fit_gaussian(unit * field).sample(key=key), np.float64)
    np.testing.assert_allclose(scaled / unit, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_field_is_refused_whatever_its_type(dtype):
    with pytest.raises(InputError, match="The field is constant"):
        fit_gaussian(np.full((32, 32), 0.1, dtype))


@pytest.mark.parametrize("count", [1, 2, 7, 4096**2])
def test_normal_levels_are_finite_and_symmetric_of_large_fields_too(count):
    levels = np.asarray(normal_levels(count))
    np.testing.assert_array_equal(levels, -levels[::-1])
    places = np.linspace(0, count - 1, 50).astype(int)
    wanted = scipy.stats.norm.ppf((places + 0.5) / count)
    np.testing.assert_allclose(levels[places], wanted, atol=1e-5)
