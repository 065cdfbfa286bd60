"""Fourier tools on the discrete torus: the lowest layer, used by every other.

Frequencies are angular, in radians per pixel, rows first. A *centered* spectrum has its
frequencies in increasing order, the zero at index ``n // 2`` of an axis of length ``n``
(the order of ``numpy.fft.fftshift``).
"""

import numpy as np
from jaxtyping import Float

__all__ = [
    "centered_frequencies",
    "good_length",
    "half_octaves",
    "on_rings",
    "periodogram",
    "radial_average",
    "radial_frequency",
    "radial_power",
]


def good_length(n: int) -> int:
    """Smallest even 2ᵃ3ᵇ5ᶜ that is at least ``n``: a length that every FFT library likes.

    Example:
        >>> good_length(97)
        100
    """
    length = max(2, n + n % 2)
    while not _is_smooth(length):
        length += 2
    return length


def _is_smooth(n: int) -> bool:
    for prime in (2, 3, 5):
        while n % prime == 0:
            n //= prime
    return n == 1


def centered_frequencies(n: int) -> Float[np.ndarray, " n"]:
    """Frequencies 2πk/n of an axis of ``n`` pixels for k = −⌊n/2⌋ … ⌈n/2⌉ − 1.

    Args:
        n: number of pixels.

    Returns:
        Radians per pixel, increasing, shape ``(n,)``.

    Example:
        >>> centered_frequencies(4) / np.pi
        array([-1. , -0.5,  0. ,  0.5])
    """
    return 2 * np.pi * (np.arange(n) - n // 2) / n


def radial_frequency(shape: tuple[int, int]) -> Float[np.ndarray, "h w"]:
    """Modulus |ω| of every frequency of the centered Fourier square, in radians per pixel.

    Args:
        shape: height and width of the grid in pixels.

    Returns:
        Array of shape ``shape``; the corners reach π√2.
    """
    rows, columns = (centered_frequencies(n) for n in shape)
    return np.hypot(rows[:, None], columns)


def periodogram(field: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Power spectrum |x̂(ω)|² / (h·w) of a field on the torus, in FFT order.

    White noise of unit variance has expectation 1 at every frequency.

    Args:
        field: any real field.

    Returns:
        Power per frequency, same shape; its mean is the mean of x².
    """
    return np.abs(np.fft.fft2(field)) ** 2 / field.size


def half_octaves(shape: tuple[int, int]) -> Float[np.ndarray, " edge"]:
    """Edges of half-octave bands of |ω|, from the lowest frequency to the corners.

    Args:
        shape: height and width of the grid in pixels.

    Returns:
        Increasing edges in radians per pixel; the first lies below the fundamental of the
        longer side, the last is π√2. Neighbors differ by a factor √2.
    """
    corner = np.pi * np.sqrt(2)
    count = int(np.ceil(2 * np.log2(corner * max(shape) / (2 * np.pi)))) + 1
    return corner * 2.0 ** (-np.arange(count, -1, -1) / 2)


def radial_average(
    power: Float[np.ndarray, "h w"], edges: Float[np.ndarray, " edge"]
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Mean of a power spectrum over rings edges[i] < |ω| ≤ edges[i+1].

    Args:
        power: a spectrum in FFT order, as ``periodogram`` returns it.
        edges: increasing, in radians per pixel, as ``half_octaves`` returns them.

    Returns:
        Mean |ω| and mean power of every ring that holds a frequency, shapes ``(k,)``.
    """
    radius = np.fft.ifftshift(radial_frequency(power.shape))  # pyright: ignore[reportArgumentType]
    ring = np.searchsorted(edges * (1 + 1e-9), radius.ravel())
    inside = (ring > 0) & (ring < len(edges))
    count = np.bincount(ring[inside], minlength=len(edges))[1:]
    sums = [
        np.bincount(ring[inside], values.ravel()[inside], minlength=len(edges))[1:]
        for values in (radius, np.asarray(power, dtype=np.float64))
    ]
    filled = count > 0
    return sums[0][filled] / count[filled], sums[1][filled] / count[filled]


def radial_power(
    power: Float[np.ndarray, "h w"],
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Mean of a spectrum over rings as wide as one frequency of the longer side.

    Args:
        power: in FFT order.

    Returns:
        Mean |ω| in radians per pixel and mean power of every ring but the zero frequency.
    """
    step = 2 * np.pi / max(power.shape)
    return radial_average(power, np.arange(0.5 * step, np.pi * np.sqrt(2) + step, step))


def on_rings(
    shape: tuple[int, ...], radius: Float[np.ndarray, " k"], values: Float[np.ndarray, " k"]
) -> Float[np.ndarray, "h w"]:
    """Values of rings at all frequencies, interpolated in logarithms; constant beyond the ends."""
    height, width = shape
    all_radii = np.fft.ifftshift(radial_frequency((height, width)))
    place = np.log(np.maximum(all_radii, radius[0]))
    return np.exp(np.interp(place, np.log(radius), np.log(values)))
