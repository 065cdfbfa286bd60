"""Wavelets on the Fourier square: where each is not negligible, and where its window lies."""

import functools
import math
import operator
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
    "embed",
    "gaussian",
    "mean_energy",
    "morlet",
    "sum_of",
    "window_of",
]

XI = 3 * np.pi / 4
"""Center frequency of the finest wavelet, radians per pixel."""

SIGMA = 0.8
"""Standard deviation of its envelope along the wave, pixels."""

_SUPPORT = (3.2, 16)  # ±8 standard deviations: nothing of a wavelet lies outside


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

    def envelope(rows: np.ndarray, columns: np.ndarray, shift: float) -> np.ndarray:
        along = columns * np.cos(angle) + rows[:, None] * np.sin(angle) - shift
        across = rows[:, None] * np.cos(angle) - columns * np.sin(angle)
        return np.exp(-((SIGMA * 2**j) ** 2) / 2 * (along**2 + (across / slant) ** 2))

    # Windows that do not fill the square lie 8 standard deviations away from every alias.
    lattice = _lattice(j, slant) if window == shape else np.zeros(1)

    def periodized(rows: np.ndarray, columns: np.ndarray, shift: float) -> np.ndarray:
        return sum_of(envelope(rows + a, columns + b, shift) for a in lattice for b in lattice)

    xi, zero = XI / 2**j, np.zeros(1)
    kappa = periodized(zero, zero, xi) / periodized(zero, zero, 0.0)
    return Patch(periodized(rows, columns, xi) - kappa * periodized(rows, columns, 0.0), corner)


def gaussian(shape: tuple[int, int], num_scales: int) -> Float[np.ndarray, "h w"]:
    """φ̂_J on the centered square, float64."""
    sigma = SIGMA * 2 ** (num_scales - 1)
    rows, columns = (
        sum_of(np.exp(-((sigma * (centered_frequencies(n) + a)) ** 2) / 2) for a in _lattice())
        for n in shape
    )
    return rows[:, None] * columns


def _lattice(j: int = 0, slant: float = 1.0) -> Float[np.ndarray, " a"]:
    """Multiples of 2π from which scale j reaches the square, 8 standard deviations far."""
    width = max(1, slant) / (SIGMA * 2**j)
    reach = int((np.pi + XI / 2**j + 8 * width) / (2 * np.pi))
    return 2 * np.pi * np.arange(-reach, reach + 1)


def sum_of(arrays: Iterable[Float[np.ndarray, "*n"]]) -> Float[np.ndarray, "*n"]:
    """Sum of arrays, one at a time."""
    return functools.reduce(operator.add, arrays)


def embed(shape: tuple[int, int], patch: Patch) -> Float[np.ndarray, "h w"]:
    """A patch on the whole centered square, zero elsewhere."""
    full = np.zeros(shape)
    height, width = patch.values.shape
    row, column = patch.corner
    full[row : row + height, column : column + width] = patch.values
    return full


def mean_energy(
    even: Float[np.ndarray, "h w"], oriented: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """Even part plus the mean of the oriented part at ω and at −ω, on the centered square."""
    shift = tuple(1 - n % 2 for n in oriented.shape)
    mirrored = np.roll(oriented[::-1, ::-1], shift, axis=(0, 1))
    return even + (oriented + mirrored) / 2
