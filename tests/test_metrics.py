"""Metrics: closed forms."""

import numpy as np
import pytest

from synth.metrics import flatness, kurtosis, radial_spectrum, skewness, spectrum_error


def noise(shape=(256, 256), seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def sine(shape=(32, 32), waves=2):
    return np.sin(2 * np.pi * waves * np.arange(shape[1]) / shape[1]) * np.ones(shape)


def binary(bright, shape=(20, 20)):
    """A field of zeros with a fraction of ones."""
    field = np.zeros(shape)
    field.flat[: round(bright * field.size)] = 1
    return field


class TestMarginals:
    def test_of_a_sine(self):
        assert skewness(sine()) == pytest.approx(0, abs=1e-12)
        assert kurtosis(sine()) == pytest.approx(1.5)

    @pytest.mark.parametrize("p", [0.5, 0.25, 0.1])
    def test_of_a_binary_field(self, p):
        variance = p * (1 - p)
        assert skewness(binary(p)) == pytest.approx((1 - 2 * p) / np.sqrt(variance))
        assert kurtosis(binary(p)) == pytest.approx((1 - 3 * variance) / variance)

    def test_of_noise(self):
        assert skewness(noise()) == pytest.approx(0, abs=0.04)
        assert kurtosis(noise()) == pytest.approx(3, abs=0.08)

    def test_do_not_depend_on_the_unit(self):
        x = noise((32, 32)) ** 3
        assert skewness(7 - 2 * x) == pytest.approx(-skewness(x))
        assert kurtosis(7 - 2 * x) == pytest.approx(kurtosis(x))


class TestFlatness:
    def test_of_noise_is_three(self):
        np.testing.assert_allclose(flatness(noise()), 3, atol=0.1)

    def test_of_waves_along_both_axes(self):
        x = sine((32, 32)) + sine((32, 32)).T
        np.testing.assert_allclose(flatness(x, (1, 3)), 1.5)

    def test_of_sparse_points_is_one_over_their_density(self):
        x = np.zeros((64, 64))
        x[8::16, 8::16] = 1  # 16 points; increments are ±1 at two places each
        np.testing.assert_allclose(flatness(x, (1, 2)), 4096 / 32)

    def test_crosses_the_border(self):
        x = noise((16, 24))
        np.testing.assert_allclose(flatness(x, (1,)), flatness(np.roll(x, (5, 7), (0, 1)), (1,)))


class TestSpectrum:
    @pytest.mark.parametrize("shape", [(256, 256), (255, 128)])
    def test_of_noise_is_its_variance(self, shape):
        frequency, power = radial_spectrum(3 + 2 * noise(shape))
        np.testing.assert_allclose(power[-6:], 4, rtol=0.1)
        assert frequency[0] == pytest.approx(2 * np.pi / max(shape), rel=0.2)

    def test_of_a_wave_stands_in_its_band(self):
        frequency, power = radial_spectrum(sine((64, 64), waves=8))
        peak = np.argmax(power)
        assert frequency[peak] == pytest.approx(2 * np.pi / 8, rel=0.2)
        assert power[peak] > 1e20 * np.delete(power, peak).max()

    def test_of_a_field_and_of_itself(self):
        assert spectrum_error(noise(), noise()) == 0

    @pytest.mark.parametrize("factor", [0.5, 1.1, 10])
    def test_error_of_a_scaled_field(self, factor):
        x = noise((64, 64))
        assert spectrum_error(x, factor * x) == pytest.approx(abs(20 * np.log10(factor)))

    def test_nobody_sees_what_is_40_db_down(self):
        x = sine((64, 64), waves=4)
        assert spectrum_error(x, x + 1e-3 * x.std() * noise((64, 64))) < 0.02

    def test_an_empty_field_is_as_dark_as_the_floor(self):
        x = noise((64, 64))
        levels = 10 * np.log10(radial_spectrum(x)[1] / x.var()) + 40
        assert spectrum_error(x, 0 * x) == pytest.approx(np.sqrt(np.mean(levels**2)))
