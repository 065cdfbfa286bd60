"""Wavelets on the Fourier square: where each is not negligible, and where its window lies."""

import itertools
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.transforms.fourier import centered_frequencies, good_length

__all__ = [
    "SIGMA",
    "XI",
    "Patch",
    "center_of",
    "corner_of",
    "cut",
    "gaussian",
    "mean_energy",
    "morlet",
    "sum_on",
    "window_of",
]

XI = 3 * np.pi / 4
"""Center frequency of the finest wavelet, radians per pixel."""

SIGMA = 0.8
"""Standard deviation of its envelope along the wave, pixels."""

_REACH = 8.0  # standard deviations: nothing of a wavelet lies outside
_SUPPORT = (3.2, 16)  # width of windows: samples per pixel times 2^-j, and the fewest


class Patch(NamedTuple):
    """Values on a window of the centered Fourier square, with its first row and column."""

    values: Float[np.ndarray, "n m"]
    corner: tuple[int, int]


def center_of(
    shape: tuple[int, int], j: int, k: int, num_angles: int, lean: float = 1.0
) -> tuple[float, float]:
    """Center frequency of ψ_{j,k}, times ``lean``, in cycles per picture, rows first."""
    angle = np.pi * k / num_angles
    cycles = lean * XI / 2**j / (2 * np.pi)
    return cycles * np.sin(angle) * shape[0], cycles * np.cos(angle) * shape[1]


def window_of(
    shape: tuple[int, int], j: int, sampling: tuple[float, int], oversampling: int
) -> tuple[int, int]:
    """Height and width of the windows of scale j, good FFT lengths unless they are full."""
    density, least = sampling
    lengths = (max(least, density * n * 2.0 ** (oversampling - j)) for n in shape)
    height, width = (
        n if length >= n else min(n, good_length(math.ceil(length)))
        for n, length in zip(shape, lengths, strict=True)
    )
    return height, width


def corner_of(
    shape: tuple[int, int], center: tuple[float, float], window: tuple[int, int]
) -> tuple[int, int]:
    """Index of a window's first row and column on the centered square, kept inside of it."""
    first, second = (
        min(max(round(c) - size // 2 + n // 2, 0), n - size)
        for n, c, size in zip(shape, center, window, strict=True)
    )
    return first, second


def morlet(shape: tuple[int, int], j: int, k: int, num_angles: int) -> Patch:
    """ψ̂_{j,k} where it is not negligible, float64."""
    slant = 4 / num_angles
    density, least = _SUPPORT
    window = window_of(shape, j, (density * max(1, slant), least), 0)
    corner = corner_of(shape, center_of(shape, j, k, num_angles), window)
    rows, columns = (
        2 * np.pi * (np.arange(size) + start - n // 2) / n
        for n, size, start in zip(shape, window, corner, strict=True)
    )
    angle = np.pi * k / num_angles
    cosine, sine, width = np.cos(angle), np.sin(angle), 1 / (SIGMA * 2**j)
    reaches = (
        _REACH * width * math.hypot(sine, slant * cosine),
        _REACH * width * math.hypot(cosine, slant * sine),
    )
    # (along² + across²) / 2 = down y² + right x² + both xy: quicker than along and across as maps.
    down = (sine**2 + (cosine / slant) ** 2) / (2 * width**2)
    right = (cosine**2 + (sine / slant) ** 2) / (2 * width**2)
    both = cosine * sine * (1 - 1 / slant**2) / width**2

    def periodized(rows: np.ndarray, columns: np.ndarray, shift: float) -> np.ndarray:
        total = np.zeros((len(rows), len(columns)))
        for alias in itertools.product(_lattice(j, slant), repeat=2):
            near = (
                _near(rows, shift * sine - alias[0], reaches[0]),
                _near(columns, shift * cosine - alias[1], reaches[1]),
            )
            y = rows[near[0], None] + alias[0] - shift * sine
            x = columns[near[1]] + alias[1] - shift * cosine
            exponent = (-both * y) * x
            exponent -= down * y**2
            exponent -= right * x**2
            total[near] += np.exp(exponent, out=exponent)
        return total

    xi, zero = XI / 2**j, np.zeros(1)
    kappa = periodized(zero, zero, xi) / periodized(zero, zero, 0.0)
    return Patch(periodized(rows, columns, xi) - kappa * periodized(rows, columns, 0.0), corner)


def _near(frequencies: Float[np.ndarray, " n"], center: float, reach: float) -> slice:
    """Which ascending frequencies are no farther than that."""
    return slice(*np.searchsorted(frequencies, (center - reach, center + reach)))


def gaussian(shape: tuple[int, int], num_scales: int) -> Float[np.ndarray, "h w"]:
    """φ̂_J on the centered square, float64."""
    sigma = SIGMA * 2 ** (num_scales - 1)
    rows, columns = (
        np.exp(-((sigma * (centered_frequencies(n)[:, None] + _lattice())) ** 2) / 2).sum(1)
        for n in shape
    )
    return rows[:, None] * columns


def _lattice(j: int = 0, slant: float = 1.0) -> Float[np.ndarray, " a"]:
    """Multiples of 2π from which scale j reaches the square, 8 standard deviations far."""
    width = max(1, slant) / (SIGMA * 2**j)
    reach = int((np.pi + XI / 2**j + _REACH * width) / (2 * np.pi))
    return 2 * np.pi * np.arange(-reach, reach + 1)


def cut(patch: Patch, corner: tuple[int, int], window: tuple[int, int]) -> Float[np.ndarray, "h w"]:
    """A patch on another window of the centered square, zero where it is not given."""
    values, onto = np.zeros(window), []
    for first, start, size, given in zip(
        corner, patch.corner, window, patch.values.shape, strict=True
    ):
        low, high = max(first, start), max(first, start, min(first + size, start + given))
        onto.append((slice(low - first, high - first), slice(low - start, high - start)))
    values[onto[0][0], onto[1][0]] = patch.values[onto[0][1], onto[1][1]]
    return values


def sum_on(shape: tuple[int, int], patches: Iterable[Patch]) -> Float[np.ndarray, "h w"]:
    """Sum of patches on the whole centered square."""
    total = np.zeros(shape)
    for values, (row, column) in patches:
        height, width = values.shape
        total[row : row + height, column : column + width] += values
    return total


def mean_energy(
    even: Float[np.ndarray, "h w"], oriented: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """Even part plus the mean of the oriented part at ω and at −ω, on the centered square."""
    shift = tuple(1 - n % 2 for n in oriented.shape)
    mirrored = np.roll(oriented[::-1, ::-1], shift, axis=(0, 1))
    return even + (oriented + mirrored) / 2
