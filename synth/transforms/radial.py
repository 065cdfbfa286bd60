"""Powers of a radially averaged spectrum, from which the variable of a descent is made."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Inexact

from synth.transforms.cross import share_of_few
from synth.transforms.fourier import radial_frequency, radial_power

__all__ = ["half_plane_radii", "radial_powers"]

_LEAST_POWER = 1e-6  # of white noise of the same variance


def radial_powers(
    spectrum: Inexact[np.ndarray, "*k_k h w"], exponents: Sequence[float]
) -> list[Float[np.ndarray, "*k_k h w_"]]:
    """Powers P̄^p of a radially averaged spectrum, on the half-plane of a real FFT.

    Of several components P̄ is a symmetric matrix per frequency: the real part of their cross
    spectra, which are averaged over rings. Both have a floor, so that there is an inverse; of few
    waves that of a matrix is higher, see ``cross.share_of_few``.

    Args:
        spectrum: in FFT order; Hermitian matrices of several components.
        exponents: p of each result.

    Returns:
        Of each exponent the powers, or symmetric matrices; frequencies as ``numpy.fft.rfft2`` has
        them.

    Example:
        >>> white = np.ones((8, 8))
        >>> float(radial_powers(white, [0.5])[0].max())
        1.0
    """
    if spectrum.ndim == 2:
        radial = _on_half_plane(spectrum.shape, *_floored(np.real(spectrum)))
        return [radial**p for p in exponents]
    matrices = _matrices(spectrum)
    values, vectors = np.linalg.eigh(matrices)
    roots = [(vectors * values[..., None, :] ** p) @ vectors.swapaxes(-1, -2) for p in exponents]
    return [np.moveaxis(root, (-2, -1), (0, 1)) for root in roots]


def _matrices(spectrum: Inexact[np.ndarray, "k k h w"]) -> Float[np.ndarray, "h w_ k k"]:
    """Radial powers on the diagonal, and beside it coherences of rings times their roots."""
    own = [_floored(np.real(power)) for power in np.einsum("kkhw->khw", spectrum)]
    radius, roots = own[0][0], np.sqrt([mean for _, mean in own])
    means = np.array([[radial_power(np.real(one))[1] for one in row] for row in spectrum])
    relative = means / (roots[:, None] * roots)
    # Where a component has less than the floor, the rest is its own.
    relative[range(len(own)), range(len(own))] = 1
    coherence = relative / (1 + share_of_few(len(own), _waves(radius, spectrum)))
    coherence[range(len(own)), range(len(own))] = 1
    size = np.sqrt([_on_half_plane(spectrum.shape[-2:], *each) for each in own])
    half = half_plane_radii(spectrum.shape[-2:])
    between = [[np.interp(half, radius, one) for one in row] for row in coherence]
    return np.moveaxis(size[:, None] * size * between, (0, 1), (-2, -1))


def _waves(
    radius: Float[np.ndarray, " r"], spectrum: Inexact[np.ndarray, "k k h w"]
) -> Float[np.ndarray, " r"]:
    """Number of independent waves in rings as wide as one frequency of the longer side."""
    return radius * min(spectrum.shape[-2:]) / 2


def _floored(
    power: Float[np.ndarray, "h w"],
) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, " r"]]:
    """Radii of rings, and mean powers there."""
    radius, mean = radial_power(power.astype(np.float64))
    return radius, np.maximum(mean, _LEAST_POWER * power.mean(dtype=np.float64))


def _on_half_plane(
    shape: tuple[int, ...], radius: Float[np.ndarray, " r"], mean: Float[np.ndarray, " r"]
) -> Float[np.ndarray, "h w_"]:
    return np.exp(np.interp(half_plane_radii(shape), radius, np.log(mean)))


def half_plane_radii(shape: tuple[int, ...]) -> Float[np.ndarray, "h w_"]:
    """|ω| on the half-plane of a real FFT, in radians per pixel.

    Args:
        shape: height and width of the field, pixels.
    """
    height, width = shape
    return np.fft.ifftshift(radial_frequency((height, width)))[:, : width // 2 + 1]
