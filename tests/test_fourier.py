"""Fourier tools: lengths, frequencies, bands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.transforms.fourier import (
    centered_frequencies,
    good_length,
    half_octaves,
    periodogram,
    radial_average,
    radial_frequency,
)

SHAPES = [(16, 16), (17, 17), (16, 40), (33, 24)]


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, 2), (2, 2), (3, 4), (7, 8), (11, 12), (13, 16), (97, 100), (101, 108), (256, 256)],
)
def test_good_length(n, expected):
    assert good_length(n) == expected


@given(st.integers(1, 3000))
def test_good_lengths_are_even_smooth_and_near(n):
    length = good_length(n)
    assert n <= length <= 1.25 * n + 2
    assert length % 2 == 0
    assert 30**12 % length == 0  # of the primes 2, 3 and 5 alone


@pytest.mark.parametrize("n", [16, 17])
def test_centered_frequencies_are_those_of_numpy(n):
    expected = 2 * np.pi * np.fft.fftshift(np.fft.fftfreq(n))
    np.testing.assert_allclose(centered_frequencies(n), expected, atol=1e-15)
    assert centered_frequencies(n)[n // 2] == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_radial_frequency_is_zero_in_the_middle_and_largest_in_a_corner(shape):
    radius = radial_frequency(shape)
    assert radius.shape == shape
    assert radius[shape[0] // 2, shape[1] // 2] == 0
    assert radius[0, 0] == radius.max() <= np.pi * np.sqrt(2)


@pytest.mark.parametrize("shape", SHAPES)
def test_mean_of_the_periodogram_is_the_mean_square(shape):
    x = noise(shape)
    assert periodogram(x).mean() == pytest.approx((x**2).mean())


@pytest.mark.parametrize("shape", [*SHAPES, (97, 256), (512, 512)])
def test_half_octaves_reach_from_below_the_fundamental_to_the_corners(shape):
    edges = half_octaves(shape)
    np.testing.assert_allclose(edges[1:] / edges[:-1], np.sqrt(2))
    assert edges[-1] == pytest.approx(np.pi * np.sqrt(2))
    fundamental = 2 * np.pi / max(shape)
    assert edges[0] < fundamental * (1 - 1e-9)
    assert edges[0] > fundamental / 2.01


@pytest.mark.parametrize("shape", SHAPES)
def test_bands_hold_every_frequency_but_zero(shape):
    power = np.fft.ifftshift(radial_frequency(shape)) ** 0
    edges = half_octaves(shape)
    radius, mean = radial_average(power, edges)
    np.testing.assert_allclose(mean, 1)
    assert (np.diff(radius) > 0).all()
    everything = radial_frequency(shape).ravel()
    counts = np.histogram(everything, edges * (1 + 1e-9))[0]
    assert counts.sum() == everything.size - 1
    assert len(radius) == (counts > 0).sum()


@pytest.mark.parametrize("shape", SHAPES)
def test_radial_average_of_a_function_of_the_radius(shape):
    radius = np.fft.ifftshift(radial_frequency(shape))
    frequency, power = radial_average(3 * radius, half_octaves(shape))
    np.testing.assert_allclose(power, 3 * frequency)


def test_radial_average_by_hand():
    power = np.zeros((16, 16))
    power[0, 1] = power[0, -1] = 8.0  # the fundamental along a row
    edges = np.array([0.9, 1.1]) * 2 * np.pi / 16
    frequency, mean = radial_average(power, edges)
    np.testing.assert_allclose(frequency, 2 * np.pi / 16)
    np.testing.assert_allclose(mean, 4)  # of four frequencies, two hold the power
