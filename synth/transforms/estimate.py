"""What one picture says about the power spectrum of its process, whatever its borders and holes.

A picture is a piece of a stationary field. Where an axis is not periodic its borders are faded
out by a taper; where pixels are missing (NaN) they are drawn from the Gaussian field of the
estimated spectrum, given the pixels that are there.
"""

import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from synth.transforms.conditional import LEAST_POWER, are_deep, conditional_sample, power_on
from synth.transforms.fourier import (
    good_length,
    on_rings,
    periodogram,
    radial_frequency,
    radial_power,
)

__all__ = [
    "SMOOTHED",
    "WIDEST_RAMP",
    "Periodic",
    "axes_of",
    "complete",
    "completions",
    "estimate_spectrum",
    "ramp",
    "taper",
]

Periodic = bool | tuple[bool, bool]
"""Whether opposite borders match: of both axes, or of the rows' axis and of the columns' axis."""

WIDEST_RAMP = 0.25
"""Share of a side that is faded out at either end: a Tukey taper of parameter 1/2."""

SMOOTHED = 5
"""Frequencies along each axis over which a spectrum is averaged, for drawing pixels from it."""

_CORRECTIONS = 2  # of the bias of the taper; more only add noise
_ROUNDS = 5  # of estimating a spectrum and drawing the missing pixels from it
_STEEPNESS = 4  # exponent of the spectrum of the first guess: holes are bridged smoothly
_KEPT = 12  # completed fields: models, metrics and figures ask for the same ones
_DRAWS = 4  # of missing pixels, to be measured in the mean
_SEED = 0x73796E7468  # beside the pixels' own digest: the noise must not know the holes
_MARGIN = 0.25  # of a side, by which a picture that is not periodic is continued


def axes_of(periodic: Periodic) -> tuple[bool, bool]:
    """Whether the rows' axis wraps, and whether the columns' axis does."""
    rows, columns = (periodic, periodic) if isinstance(periodic, bool) else periodic
    return bool(rows), bool(columns)


def ramp(n: int, width: float) -> Float[np.ndarray, " n"]:
    """Weights that rise as sin² from 0 to 1 over ``width`` pixels at both ends of an axis.

    Args:
        n: number of pixels.
        width: at most ``n / 2``; 0 gives ones.
    """
    inside = np.minimum(np.arange(n) + 0.5, n - np.arange(n) - 0.5)
    return np.sin(np.pi / 2 * np.minimum(inside / max(width, 1e-9), 1)) ** 2


def taper(
    shape: tuple[int, int], periodic: Periodic, width: float | None = None
) -> Float[np.ndarray, "h w"]:
    """Weights that fade out the borders of the axes that are not periodic.

    Args:
        shape: height and width, pixels.
        periodic: of each axis.
        width: of the faded border, pixels; at most a quarter of the side, which is the default.

    Returns:
        Products of a weight per row and one per column, 1 inside.
    """
    rows, columns = (
        np.ones(n) if wraps else ramp(n, min(WIDEST_RAMP * n, np.inf if width is None else width))
        for n, wraps in zip(shape, axes_of(periodic), strict=True)
    )
    return rows[:, None] * columns


def estimate_spectrum(
    field: Float[np.ndarray, "h w"], *, periodic: Periodic = True
) -> Float[np.ndarray, "h w"]:
    """Power spectrum of the process that a picture is a piece of.

    P(ω) = |F(t (x − m))|² / Σ t², with the taper t and the mean m under it: the periodogram
    itself where both axes are periodic. A taper spreads the power of each frequency over its
    neighbors; what that adds to a steep spectrum is computed from the radially averaged
    estimate and divided out. Missing pixels are drawn as ``completions`` says, and the spectrum
    is the mean over the draws.

    Args:
        field: a picture in any unit; NaN where a pixel is missing.
        periodic: of each axis.

    Returns:
        Power per frequency in FFT order, float64; 0 at the frequency 0. Its mean is the
        variance of the pixels that are there. Octave by octave the mean over 128² crops of
        known processes is within 0.8 to 1.25 of the truth, in the lowest one within 0.67 to
        1.5.

    Source:
        D. J. Thomson, "Spectrum estimation and harmonic analysis", Proc. IEEE 70 (1982), for
        tapers; R. B. Blackman and J. W. Tukey, "The measurement of power spectra" (1958), for
        the correction of steep spectra.
    """
    whole = np.asarray(field, np.float64)
    variance, wraps = float(np.nanvar(whole)), axes_of(periodic)
    drawn = completions(whole, periodic=periodic)
    return np.mean([_spectrum(each, variance, wraps) for each in drawn], axis=0)


def _spectrum(
    x: Float[np.ndarray, "h w"], variance: float, periodic: tuple[bool, bool]
) -> Float[np.ndarray, "h w"]:
    weights = taper(x.shape, periodic)  # pyright: ignore[reportArgumentType]
    mean = np.sum(weights * x) / np.sum(weights)
    power = periodogram(weights * (x - mean)) / np.mean(weights**2)
    power[0, 0] = 0
    if not power.any():  # a constant
        return power
    if not all(periodic):
        power *= _correction(power, weights)
    return power * (variance / power.mean())


def _correction(
    power: Float[np.ndarray, "h w"], weights: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """Factor that takes the bias of a taper out of a spectrum, the same on a ring of |ω|.

    The expectation of a tapered periodogram is the spectrum convolved with that of the taper:
    the covariance times the taper's own, on a grid of twice the size where neither wraps.
    """
    import scipy.fft as sf

    shape = power.shape
    double = (2 * shape[0], 2 * shape[1])
    of_weights: Any = sf.rfft2(weights, s=double)
    own: Any = sf.irfft2(np.abs(of_weights) ** 2, s=double)
    radius, seen = radial_power(power)
    least = 1e-12 * power.mean()
    seen = np.maximum(seen, least)
    truth = seen.copy()
    for _ in range(_CORRECTIONS):
        half: Any = on_rings(double, radius, truth)[:, : shape[1] + 1]
        covariance: Any = sf.irfft2(half, s=double)
        expected: Any = sf.fft2(covariance * (own / own[0, 0]))  # of a real field: half the work
        truth *= seen / np.maximum(radial_power(expected.real[::2, ::2])[1], least)
    return on_rings(shape, radius, truth / seen)


def complete(
    field: Float[np.ndarray, "h w"], *, periodic: Periodic = True
) -> Float[np.ndarray, "h w"]:
    """A field whose missing pixels are drawn: the first one of ``completions``."""
    return _drawn(field, periodic, 1)[0]


def completions(
    field: Float[np.ndarray, "h w"], *, periodic: Periodic = True
) -> Float[np.ndarray, "draws h w"]:
    """Four copies of a field, whose missing pixels are drawn anew in each.

    x = s + E(x − s | known pixels), s a sample of the Gaussian field of the estimated spectrum:
    the filled field has that spectrum, in the holes too. Spectrum and pixels are estimated in
    turn. A single draw fixes the coarse waves in a hole by chance; a mean over draws does not.
    The same field is always filled alike.

    Args:
        field: NaN where a pixel is missing.
        periodic: of each axis; one that does not wrap is continued by a quarter of its length
            of missing pixels.

    Returns:
        The fields, as the given one is where it is known; a single one if no pixel is missing.

    Source:
        B. Galerne and A. Leclaire, "Texture inpainting using efficient Gaussian conditional
        simulation", SIAM J. Imaging Sci. 10 (2017), Sec. 2.
    """
    return _drawn(field, periodic, _DRAWS)


def _drawn(
    field: Float[np.ndarray, "h w"], periodic: Periodic, count: int
) -> Float[np.ndarray, "draws h w"]:
    if not np.isnan(field).any():
        return field[None].copy()
    whole = np.asarray(field, np.float64)
    if np.nanmax(whole) == np.nanmin(whole):  # a constant
        return np.where(np.isnan(whole), np.nanmax(whole), whole)[None]
    shape = (field.shape[0], field.shape[1])
    return _completed(whole.tobytes(), shape, axes_of(periodic), count).copy()


@lru_cache(maxsize=_KEPT)
def _completed(
    content: bytes, shape: tuple[int, int], wraps: tuple[bool, bool], count: int
) -> Float[np.ndarray, "draws h w"]:
    field = np.frombuffer(content).reshape(shape)
    missing, variance = np.isnan(field), float(np.nanvar(field))
    height, width = shape
    sizes = [
        n if wrap else good_length(round((1 + _MARGIN) * n))
        for n, wrap in zip(field.shape, wraps, strict=True)
    ]
    mean = float(np.nanmean(field))
    canvas = np.full(sizes, np.nan)
    canvas[:height, :width] = field - mean
    known = ~np.isnan(canvas)
    deep = are_deep(missing)  # not of the continuation
    generator = np.random.default_rng([_SEED, zlib.crc32(content)])
    noises = generator.normal(size=(count, *canvas.shape))
    power = _steep(canvas.shape)
    # Without noise it is no sample, but the mean.
    filled = conditional_sample(canvas, known, power, np.zeros_like(canvas), deep=False)
    for _ in range(_ROUNDS):
        estimated = _spectrum(filled[:height, :width], variance, wraps)
        power = power_on(estimated, (sizes[0], sizes[1]), smoothed=SMOOTHED, least=LEAST_POWER)
        filled = conditional_sample(filled, known, power, noises[0], deep=deep)
    others = [conditional_sample(filled, known, power, noise, deep=deep) for noise in noises[1:]]
    drawn = np.stack([filled, *others])[:, :height, :width]
    return np.where(missing, drawn + mean, field)


def _steep(shape: tuple[int, ...]) -> Float[np.ndarray, "h w"]:
    """The spectrum |ω|⁻⁴."""
    radius = np.fft.ifftshift(radial_frequency((shape[0], shape[1])))
    radius[0, 0] = 2 * np.pi / max(shape)
    return radius**-_STEEPNESS
