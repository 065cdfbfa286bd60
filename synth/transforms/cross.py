"""Cross spectra: a Hermitian matrix of several channels per frequency, and roots of it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Inexact

from synth.transforms.estimate import Periodic, axes_of, completions, estimate_spectrum, taper
from synth.transforms.fourier import on_rings, radial_power

__all__ = [
    "LEAST_SHARE",
    "cross_root",
    "cross_spectrum_on",
    "estimate_cross_spectrum",
    "joint_phase",
    "share_of_few",
]

_LEAST_PIVOT = 1e-6  # of the power of a channel: less is rounding
_LEAST_POWER = 1e-15  # relative to the mean
LEAST_SHARE = 0.01  # of a channel's power: so much is added before a matrix is inverted


Numbers = Float[Array, "*n"] | Float[np.ndarray, "*n"]


def estimate_cross_spectrum(
    field: Float[np.ndarray, "k h w"], *, periodic: Periodic = True
) -> Complex[np.ndarray, "k k h w"]:
    """Cross spectra of the process that a picture of several channels is a piece of.

    S_cd(ω) = x̂_c(ω) x̂_d(ω)*, the channels tapered and corrected as ``estimate_spectrum`` does;
    its diagonal is that estimate. One picture gives matrices of rank 1.

    Args:
        field: channels, each in any unit; NaN where a pixel is missing in all of them.
        periodic: of each axis.

    Returns:
        A matrix per frequency in FFT order; 0 at the frequency 0.
    """
    wraps = axes_of(periodic)
    weights = taper(field.shape[-2:], wraps)  # pyright: ignore[reportArgumentType]
    drawn = [completions(channel, periodic=wraps) for channel in field]
    draws = max(map(len, drawn))
    total = np.zeros((len(field), *field.shape), complex)
    for number in range(draws):
        each = [one[number % len(one)] for one in drawn]
        waves = np.stack([_waves(one, weights) for one in each])
        total += waves[:, None] * waves[None].conj()
    found = total * _gains(total, field, wraps)
    return _with_holes(found, float(np.mean(~np.isnan(field[0]))))


def _with_holes(
    spectrum: Complex[np.ndarray, "k k h w"], known: float
) -> Complex[np.ndarray, "k k h w"]:
    """Products of two channels over the share of pixels that are known.

    Channels are completed one by one, so that they have nothing in common in holes. What is not
    positive in the matrices then is left out; powers stay as they are.
    """
    if known == 1:
        return spectrum
    powers = np.moveaxis(np.real(np.diagonal(spectrum)), -1, 0)
    apart = ~np.eye(len(spectrum), dtype=bool)[:, :, None, None]
    wider = _coherence(np.where(apart, spectrum / known, spectrum), powers)
    values, vectors = np.linalg.eigh(np.moveaxis(wider, (0, 1), (2, 3)))
    roots = vectors * np.sqrt(np.maximum(values, 0))[..., None, :]
    found = np.moveaxis(roots @ np.swapaxes(roots, -1, -2).conj(), (2, 3), (0, 1))
    found = _coherence(found, np.moveaxis(np.real(np.diagonal(found)), -1, 0))
    return found * np.sqrt(powers[:, None] * powers)


def _coherence(
    spectrum: Complex[np.ndarray, "k k *_"], powers: Float[np.ndarray, "k *_"]
) -> Complex[np.ndarray, "k k *_"]:
    """Products over the roots of powers; 0 where there is none."""
    size = np.sqrt(np.where(powers > 0, powers, np.inf))
    return spectrum / (size[:, None] * size)


def _waves(
    field: Float[np.ndarray, "h w"], weights: Float[np.ndarray, "h w"]
) -> Complex[np.ndarray, "h w"]:
    mean = np.sum(weights * field) / np.sum(weights)
    return np.fft.fft2(weights * (field - mean))


def _gains(
    total: Complex[np.ndarray, "k k h w"],
    field: Float[np.ndarray, "k h w"],
    wraps: tuple[bool, bool],
) -> Float[np.ndarray, "k k h w"]:
    """Factors that give the diagonal the estimated powers; 0 at the frequency 0."""
    seen = np.moveaxis(np.real(np.diagonal(total)), -1, 0)
    wanted = np.stack([estimate_spectrum(channel, periodic=wraps) for channel in field])
    gains = np.sqrt(wanted / np.where(seen > 0, seen, np.inf))
    gains[:, 0, 0] = 0
    return gains[:, None] * gains[None]


def cross_spectrum_on(
    spectrum: Complex[np.ndarray, "k k h w"], shape: tuple[int, int]
) -> Complex[np.ndarray, "k k a b"]:
    """Cross spectra at the frequencies of another grid, as ``conditional.power_on`` has powers.

    What a matrix has relative to the roots of its rings is interpolated linearly, so that it
    stays positive.

    Args:
        spectrum: in FFT order.
        shape: of the new grid.
    """
    from scipy.ndimage import map_coordinates

    height, width = spectrum.shape[-2:]
    old, new = [], []
    for power in np.moveaxis(np.real(np.diagonal(spectrum)), -1, 0):
        radius, mean = radial_power(power)
        mean = np.maximum(mean, _LEAST_POWER * power.mean())
        old.append(np.sqrt(on_rings((height, width), radius, mean)))
        new.append(np.sqrt(on_rings(shape, radius, mean)))
    before, after = np.stack(old), np.stack(new)
    places = [np.arange(n) * m / n for n, m in zip(shape, (height, width), strict=True)]
    mesh = np.meshgrid(*places, indexing="ij")
    relative = spectrum / (before[:, None] * before[None])
    relative[..., 0, 0] = _lowest(relative)

    def moved(plane: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "a b"]:
        return map_coordinates(plane, mesh, order=1, mode="grid-wrap")

    nearby = np.stack([[moved(one.real) + 1j * moved(one.imag) for one in row] for row in relative])
    found = nearby * after[:, None] * after[None]
    found[..., 0, 0] = 0
    return found


def _lowest(relative: Complex[np.ndarray, "k k h w"]) -> Float[np.ndarray, "k k"]:
    """What stands for the frequency 0, which has no power: the coherence of its neighbors."""
    ends = [0, 0, 1, -1], [1, -1, 0, 0]
    around = np.real(relative[:, :, *ends]).mean(-1)
    return np.real(_coherence(around + 0j, np.diagonal(around)))


def cross_root(spectrum: Inexact[Array, "k k h w"]) -> Complex[Array, "k k h w"]:
    """Roots A of cross spectra, A A* = S: lower triangular, by Cholesky's method.

    Matrices may be singular: where nothing is left of a channel, its column is 0.

    Args:
        spectrum: Hermitian and not negative.

    Returns:
        A matrix per frequency, the column of the first channel first.
    """
    count, powers = len(spectrum), jnp.moveaxis(jnp.diagonal(spectrum).real, -1, 0)
    rest = spectrum
    columns = []
    for index in range(count):
        pivot = rest[index, index].real
        positive = pivot > _LEAST_PIVOT * powers[index]
        scale = jnp.where(positive, 1 / jnp.sqrt(jnp.where(positive, pivot, 1)), 0)
        below = (jnp.arange(count) >= index)[:, None, None]
        column = jnp.where(below, rest[:, index] * scale, 0)
        rest = rest - column[:, None] * column[None].conj()
        columns.append(column)
    return jnp.stack(columns, axis=1)


def joint_phase(spectrum: Inexact[Array, "k k h w"]) -> Complex[Array, "k h w"]:
    """Amplitudes √P_c e^{iθ_c}, θ_c the phase of a channel relative to the first one."""
    first = spectrum[:, 0]
    size = jnp.abs(first)
    phase = jnp.where(size > 0, first / jnp.where(size > 0, size, 1), 1)
    return phase * jnp.sqrt(jnp.moveaxis(jnp.diagonal(spectrum).real, -1, 0))


def share_of_few(count: int, waves: Numbers) -> Any:  # noqa: ANN401 - as the waves
    """Share of a channel's power that is added to it before the matrix of channels is inverted.

    Of c channels that N independent waves tell of, the inverse of the matrix has a mean only if
    N > c (Wishart): c/N, ``LEAST_SHARE`` at least.

    Args:
        count: number of channels c.
        waves: numbers N, of any shape.

    Returns:
        A share for every N.
    """
    numbers = jnp if isinstance(waves, jax.Array) else np
    return numbers.maximum(count / waves, LEAST_SHARE)
