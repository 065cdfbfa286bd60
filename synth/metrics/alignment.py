"""How far local orientations stay aligned: a correlation of directions over distance."""

import numpy as np
from jaxtyping import Complex, Float, Int

from synth.metrics._statistic import Wraps, smooth

_LONGEST = 64
_UNSEEN = 1e-6  # squared slope, in the target's variances per squared pixel


def describe_alignment(
    field: Float[np.ndarray, "h w"], periodic: Wraps
) -> Float[np.ndarray, " distance"]:
    """Weighted mean of cos 2(θ(u) − θ(u + r)) in half-octaves of |r| from 1 to 64 pixels.

    θ is the orientation of the structure tensor; the weight of a point is its slope times its
    coherence, so that neither flat ground nor the few steepest edges decide alone.

    Args:
        field: in the target's units.
        periodic: whether pairs of points reach across the borders, per axis.

    Returns:
        One value per band of distances; 1 where all orientations agree.

    Source:
        J. Bigün, G. H. Granlund, "Optimal orientation detection of linear symmetry", ICCV
        (1987), for the double-angle field.
    """
    direction = _directions(field, periodic)
    shape = tuple(n if wraps else 2 * n for n, wraps in zip(field.shape, periodic, strict=True))
    band = _bands(shape, min(_LONGEST, min(field.shape) // 2)).ravel()
    inside = np.fft.fft2(np.ones(field.shape), s=shape)
    pairs = np.fft.ifft2(np.abs(inside) ** 2).real.ravel()
    products = np.fft.ifft2(np.abs(np.fft.fft2(direction, s=shape)) ** 2).real.ravel()
    sums = [np.bincount(band, values)[1:] for values in (products, pairs)]
    power = (np.abs(direction) ** 2).mean()
    known = np.bincount(band)[1:] > 0
    return sums[0][known] / (sums[1][known] * (power + _UNSEEN))


def _directions(field: Float[np.ndarray, "h w"], periodic: Wraps) -> Complex[np.ndarray, "h w"]:
    """Double-angle field of the structure tensor, of modulus slope × coherence."""
    down, right = (smooth(field, 1.0, periodic, order) for order in ((1, 0), (0, 1)))
    gradient = right + 1j * down
    tensor = smooth(gradient**2, 2.0, periodic)
    energy = smooth(np.abs(gradient) ** 2, 2.0, periodic)
    return tensor / np.sqrt(np.maximum(energy, 0) + _UNSEEN)


def _bands(shape: tuple[int, ...], longest: int) -> Int[np.ndarray, "h w"]:
    """Number of the half-octave of |r| for every shift of the torus; 0 is outside of all."""
    rows, columns = (np.fft.fftfreq(n, 1 / n) for n in shape)
    distance = np.hypot(rows[:, None], columns)
    band = 1 + np.round(2 * np.log2(np.maximum(distance, 0.5))).astype(int)
    return np.where((distance >= 1) & (distance <= longest), band, 0)
