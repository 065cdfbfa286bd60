"""The Gaussian model of several channels: cross spectra, their roots, samples, holes."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import white

from synth import fit_gaussian
from synth.errors import InputError
from synth.transforms.conditional import power_on
from synth.transforms.cross import (
    cross_root,
    cross_spectrum_on,
    estimate_cross_spectrum,
    joint_phase,
)
from synth.transforms.estimate import estimate_spectrum
from synth.transforms.fourier import radial_frequency

SHAPE, OTHER = (48, 40), (40, 64)
SHIFT, OWN = (1, 2), 0.5  # of the second channel: its shift, and the deviation of its own noise
UNITS = np.array([9.0, 0.02])
DRAWS = 20


def filter_of(shape):
    """A low-pass filter and the shift of the second channel, per frequency."""
    rows, columns = (2 * np.pi * np.fft.fftfreq(n) for n in shape)
    phase = np.exp(-1j * (SHIFT[0] * rows[:, None] + SHIFT[1] * columns))
    return phase / (0.5 + np.fft.ifftshift(radial_frequency(shape)))


def process(seed, shape=SHAPE):
    """White noise and a filtered, shifted copy of it with noise of its own, each in its unit."""
    noise = white((2, *shape), seed)
    shared = np.fft.ifft2(np.fft.fft2(noise[0]) * filter_of(shape)).real
    fields = np.stack([noise[0], shared + OWN * noise[1]])
    return UNITS[:, None, None] * fields + np.array([70.0, -3.0])[:, None, None]


def truth(shape):
    """Cross spectra of that process."""
    gain = filter_of(shape)
    own = OWN**2 + np.abs(gain) ** 2
    matrix = np.array([[np.ones(shape), gain.conj()], [gain, own]])
    return matrix * (UNITS[:, None] * UNITS)[:, :, None, None]


def cross_of(fields):
    """Cross periodograms of fields on the torus."""
    waves = np.fft.fft2(fields - fields.mean((-2, -1), keepdims=True))
    return waves[:, None] * waves[None].conj() / fields[0].size


def in_units(gaussian):
    """Cross spectra of a model's channels."""
    scale = np.asarray(gaussian.units.scale, np.float64)
    return np.einsum("ck,klhw,dl->cdhw", scale, np.asarray(gaussian.spectrum), scale)


def octaves(shape):
    """True at the frequencies of each octave of |ω|."""
    radius = np.fft.ifftshift(radial_frequency(shape))
    octave = np.floor(np.log2(np.maximum(radius, 1e-9) / np.pi)).astype(int)
    return [octave == number for number in (-4, -3, -2, -1, 0)]


@cache
def model():
    return fit_gaussian(process(0), channels=True)


@cache
def samples(random_phase=False):
    keys = jax.random.split(jax.random.key(0), DRAWS)
    draw = jax.jit(jax.vmap(lambda key: model().sample(key=key, random_phase=random_phase)))
    return np.asarray(draw(keys), np.float64)


def assert_bands_agree(found, wanted, count, sigmas=5.0):
    """Means over octaves agree within the noise of ``count`` fields of random amplitudes."""
    for band in octaves(found.shape[-2:]):
        one, other = (np.mean(each[..., band], -1) for each in (found, wanted))
        powers = np.real(np.diagonal(other))
        spread = np.mean(np.abs(wanted[..., band]) ** 2, -1) ** 0.5
        size = np.maximum(np.sqrt(powers[:, None] * powers), spread)
        noise = size * np.sqrt(2 / (count * band.sum()))
        assert np.all(np.abs(one - other) < sigmas * noise)


# Cross spectra


def holed(field):
    missing = np.zeros(field.shape[-2:], bool)
    missing[8:20, 10:26] = True
    return np.where(missing, np.nan, field)


@pytest.mark.parametrize("change", [np.asarray, holed])
@pytest.mark.parametrize("periodic", [True, False, (True, False)])
def test_the_diagonal_is_the_estimate_of_every_channel(periodic, change):
    one, two = process(0)
    field = change(np.stack([one, two, one - 200 * two + 3 * white(SHAPE, seed=1)]))
    found = estimate_cross_spectrum(field, periodic=periodic)
    for index, channel in enumerate(field):
        wanted = estimate_spectrum(channel, periodic=periodic)
        np.testing.assert_allclose(found[index, index].real, wanted, rtol=1e-9)
        assert np.abs(found[index, index].imag).max() < 1e-9 * wanted.max()
    np.testing.assert_allclose(found, np.moveaxis(found, 0, 1).conj(), rtol=1e-9)
    opposite = np.roll(found[..., ::-1, ::-1], (1, 1), (2, 3))
    np.testing.assert_allclose(found, opposite.conj(), atol=1e-9 * np.abs(found).max())
    matrices = np.moveaxis(found, (0, 1), (2, 3))
    assert np.linalg.eigvalsh(matrices).min() > -1e-9 * np.abs(found).max()


def test_holes_do_not_take_away_what_channels_have_in_common():
    """Three tenths are missing; what a single frequency may gain by the correction is bounded."""
    missing = white(SHAPE, seed=7) > 0.5  # scattered pixels, 0.3 of all

    def coherence(change):
        pictures = np.stack([change(process(seed)) for seed in range(8)])
        cross = in_units(fit_gaussian(pictures, channels=True))
        cross[0, 1] *= np.exp(1j * np.angle(filter_of(SHAPE)))
        bands = [cross[..., band].mean(-1) for band in octaves(SHAPE)[1:]]
        return np.array([np.real(s[0, 1] / np.sqrt(s[0, 0] * s[1, 1])) for s in bands])

    whole = coherence(np.asarray)
    holes = coherence(lambda field: np.where(missing, np.nan, field))
    assert np.all((0.65 * whole < holes) & (holes < whole + 0.1))


def test_of_a_whole_periodic_picture_it_is_the_periodogram():
    field = process(0)
    np.testing.assert_allclose(estimate_cross_spectrum(field), cross_of(field), atol=1e-9)


@pytest.mark.parametrize("periodic", [True, False])
def test_of_several_pictures_it_is_near_the_process_s(periodic):
    pictures = np.stack([process(seed) for seed in range(12)])
    gaussian = fit_gaussian(pictures, channels=True, periodic=periodic)
    assert_bands_agree(in_units(gaussian), truth(SHAPE), 12, sigmas=4 if periodic else 8)


@pytest.mark.parametrize("shape", [OTHER, (96, 80), (17, 31)])
def test_on_another_grid_powers_are_those_of_each_channel(shape):
    spectrum = estimate_cross_spectrum(process(0))
    other = cross_spectrum_on(spectrum, shape)
    assert other.shape == (2, 2, *shape)
    for index in range(2):
        wanted = power_on(spectrum[index, index].real, shape)
        wanted[0, 0] = 0
        np.testing.assert_allclose(other[index, index].real, wanted, rtol=1e-6, atol=1e-12)
    opposite = np.roll(other[..., ::-1, ::-1], (1, 1), (2, 3))
    np.testing.assert_allclose(other, opposite.conj(), atol=1e-9 * np.abs(other).max())
    matrices = np.moveaxis(other, (0, 1), (2, 3))
    assert np.linalg.eigvalsh(matrices).min() > -1e-9 * np.abs(other).max()


def test_on_a_grid_of_twice_the_size_old_frequencies_keep_their_coherence():
    spectrum = estimate_cross_spectrum(process(0))
    twice = cross_spectrum_on(spectrum, (96, 80))[..., ::2, ::2]

    def coherence(s):
        size = np.sqrt(s[0, 0].real * s[1, 1].real)
        return s[0, 1] / np.where(size > 0, size, 1)

    np.testing.assert_allclose(coherence(twice), coherence(spectrum), atol=1e-9)


# Roots


def spectrum_of(rank, count=3, shape=(6, 8)):
    """Random Hermitian matrices of a rank per frequency, of very different sizes."""
    real, imaginary = white((2, count, rank, *shape))
    size = np.array([1.0, 1e-3, 1e2])[:count, None, None, None]
    factor = size * (real + 1j * imaginary)
    return np.einsum("crhw,drhw->cdhw", factor, factor.conj())


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_a_root_times_its_adjoint_is_the_spectrum(rank, double):
    with jax.enable_x64(double):
        spectrum = spectrum_of(rank)
        root = np.asarray(jax.jit(cross_root)(jnp.asarray(spectrum)))
    product = np.einsum("crhw,drhw->cdhw", root, root.conj())
    powers = np.sqrt(np.abs(np.real(np.moveaxis(np.diagonal(spectrum), -1, 0))))
    size = powers[:, None] * powers
    assert np.all(np.abs(product - spectrum) <= (1e-6 if double else 1e-3) * size)
    rows, columns = np.triu_indices(3, 1)
    assert np.all(root[rows, columns] == 0)
    if double or rank < 2:  # more of them leave rounding
        assert np.all(root[:, rank:] == 0)


def test_a_root_of_a_spectrum_of_which_a_channel_has_nothing():
    spectrum = spectrum_of(3)
    spectrum[1] = spectrum[:, 1] = 0
    root = np.asarray(cross_root(jnp.asarray(spectrum)))
    assert np.all(root[1] == 0)
    assert np.all(root[:, 1] == 0)
    product = np.einsum("crhw,drhw->cdhw", root, root.conj())
    np.testing.assert_allclose(product, spectrum, atol=1e-4 * np.abs(spectrum).max())


def test_the_first_channel_has_no_phase_and_the_others_theirs_to_it():
    spectrum = spectrum_of(1)
    found = np.asarray(joint_phase(jnp.asarray(spectrum)))
    np.testing.assert_allclose(found[0].imag, 0, atol=1e-6 * np.abs(found).max())
    product = found[:, None] * found[None].conj()
    np.testing.assert_allclose(product, spectrum, atol=1e-4 * np.abs(spectrum).max())


# Models and samples


def test_the_model_has_means_deviations_and_cross_spectra_of_its_target():
    target = process(0)
    np.testing.assert_allclose(model().mean, target.mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(model().scale, target.std((1, 2)), rtol=1e-5)
    size = np.sqrt(np.outer(*[target.var((1, 2))] * 2))[:, :, None, None]
    np.testing.assert_allclose(in_units(model()) / size, cross_of(target) / size, atol=1e-4)
    np.testing.assert_allclose(model().power.mean((1, 2)), 1, rtol=1e-5)
    assert model().shape == SHAPE


@pytest.mark.parametrize("random_phase", [False, True])
def test_samples_have_the_target_s_cross_spectra_in_every_octave(random_phase):
    found = np.mean([cross_of(sample) for sample in samples(random_phase)], axis=0)
    assert_bands_agree(found, cross_of(process(0)), DRAWS)


def test_samples_have_the_target_s_means_and_covariances_of_channels():
    wanted = np.cov(process(0).reshape(2, -1), bias=True)
    each = [np.cov(sample.reshape(2, -1), bias=True) for sample in samples()]
    spread = np.std(each, axis=0) / np.sqrt(DRAWS)
    assert np.all(np.abs(np.mean(each, axis=0) - wanted) < 4 * spread)
    for sample in samples():
        np.testing.assert_allclose(sample.mean((1, 2)), process(0).mean((1, 2)), rtol=1e-5)


def test_random_phase_keeps_periodograms_and_differences_of_phase():
    target = process(0)
    size = np.sqrt(np.outer(*[target.var((1, 2))] * 2))[:, :, None, None]
    wanted = cross_of(target) / size
    for sample in samples(True)[:3]:
        found = cross_of(sample) / size
        np.testing.assert_allclose(found, wanted, atol=2e-4 * np.abs(wanted).max())
    waves = np.fft.fft2(samples(True)[0])
    assert np.std(np.angle(waves[0] / np.fft.fft2(target)[0])) > 1


@pytest.mark.parametrize("random_phase", [False, True])
def test_the_key_decides_the_sample(random_phase):
    def draw(seed):
        return model().sample(key=jax.random.key(seed), random_phase=random_phase)

    np.testing.assert_array_equal(draw(0), draw(0))
    change = np.abs(draw(0) - draw(1)).mean((1, 2))
    assert np.all(change > 0.5 * np.std(draw(0), (1, 2)))


@pytest.mark.parametrize("shape", [OTHER, (96, 80)])
def test_on_another_shape_powers_and_coherence_are_kept(shape):
    pictures = np.stack([process(seed) for seed in range(12)])
    gaussian = fit_gaussian(pictures, channels=True)
    other = gaussian.on(shape)
    assert other.shape == shape
    assert gaussian.on(SHAPE) is gaussian
    np.testing.assert_allclose(other.power.mean((1, 2)), 1, rtol=1e-5)
    for here, there in zip(octaves(SHAPE), octaves(shape), strict=True):
        one = in_units(gaussian)[..., here].mean(-1)
        two = in_units(other)[..., there].mean(-1)
        np.testing.assert_allclose(np.diagonal(two), np.diagonal(one), rtol=0.2)
        coherence = [np.abs(s[0, 1]) / np.sqrt(np.real(s[0, 0] * s[1, 1])) for s in (one, two)]
        assert coherence[1] == pytest.approx(coherence[0], abs=0.12)
    sample = np.asarray(other.sample(key=jax.random.key(0)))
    assert sample.shape == (2, *shape)
    np.testing.assert_allclose(sample.std((1, 2)), process(0).std((1, 2)), rtol=0.3)


def test_a_constant_channel_and_a_copy_stay_so():
    field = process(0)
    whole = np.stack([field[0], np.full(SHAPE, 7.1), 5 - 2 * field[0], field[1]])
    gaussian = fit_gaussian(whole, channels=True)
    assert gaussian.power.shape == (2, *SHAPE)
    np.testing.assert_allclose(gaussian.scale[1], 0)
    for random_phase in (False, True):
        sample = gaussian.sample(key=jax.random.key(0), random_phase=random_phase)
        np.testing.assert_array_equal(sample[1], np.float32(7.1))
        np.testing.assert_allclose(sample[2], 5 - 2 * sample[0], atol=2e-3)


def test_one_channel_with_its_axis_is_a_gray_field():
    one, gray = (fit_gaussian(process(0)[:1], channels=axis) for axis in (True, False))
    assert one.units.channels == ()
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(gray), strict=True):
        np.testing.assert_array_equal(a, b)


# Holes


def test_complete_keeps_what_is_known_and_draws_the_rest():
    field = np.asarray(process(0), np.float32)
    given = holed(field)
    free = np.isnan(given[0])
    fitted = fit_gaussian(given, channels=True)
    drawn = [np.asarray(fitted.complete(given, key=jax.random.key(k))) for k in range(8)]
    for one in drawn:
        np.testing.assert_array_equal(one[:, ~free], field[:, ~free])
        assert np.isfinite(one).all()
    values = np.stack(drawn)[:, :, free]
    ratio = values.std((0, 2)) / np.nanstd(given, (1, 2))
    assert np.all((ratio > 0.7) & (ratio < 1.3))
    assert np.all(values.std(0).mean(-1) > 0.3 * np.nanstd(given, (1, 2)))
    expected = fitted.expect(given)
    np.testing.assert_array_equal(expected[:, ~free], given[:, ~free])
    assert np.all(expected[:, free].std(-1) < np.nanstd(given, (1, 2)))


def test_what_one_channel_misses_is_drawn_in_all():
    given = np.asarray(process(0), np.float32)
    given[0, 3:6, 4:9] = np.nan
    given[1, 20:22, 4:9] = np.nan
    drawn = np.asarray(model().complete(given, key=jax.random.key(0)))
    missing = np.isnan(given).any(0)
    np.testing.assert_array_equal(drawn[:, ~missing], given[:, ~missing])
    assert np.all(drawn[:, missing] != np.nan_to_num(given[:, missing]))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (process(0), "No pixel is missing"),
        (np.full((2, *SHAPE), np.nan), "All pixels are missing"),
        (np.stack([process(0)[0], np.full(SHAPE, np.nan)]), "All pixels are missing"),
        (np.full((3, *SHAPE), np.nan), "3 × 48 × 40 pixels and the model 2 × 48 × 40"),
        (np.full(SHAPE, np.nan), "48 × 40 pixels and the model 2 × 48 × 40"),
    ],
)
def test_what_cannot_be_completed_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        model().complete(given, key=jax.random.key(0))
    with pytest.raises(InputError, match=words):
        model().expect(given)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (np.ones((2, *SHAPE)), "The field is constant: a texture needs at least two gray levels"),
        (np.where([[[0.0]], [[1.0]]], process(0), np.nan), "has no pixels, only NaN"),
        (process(0)[0], "give real numbers, channels × height × width, or number × channels"),
        (np.where([[[1.0]], [[0.0]]], process(0), np.inf), "infinite values: put NaN"),
        (1e12 + 1e-2 * white((2, *SHAPE)), "The field is constant"),
    ],
)
def test_what_is_no_picture_of_channels_is_refused(field, message):
    with pytest.raises(InputError, match=message):
        fit_gaussian(field, channels=True)
