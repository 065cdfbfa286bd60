"""Power spectra in decibels, over rings and over sectors of rings."""

import numpy as np
from jaxtyping import Float, Int

from synth.metrics._statistic import Wraps
from synth.transforms.estimate import Periodic, estimate_spectrum
from synth.transforms.fourier import (
    centered_frequencies,
    half_octaves,
    radial_average,
    radial_frequency,
)

_FLOOR = 1e-4  # 40 dB below white noise of the reference's variance
_SECTORS = 8  # of the half circle: a real field's spectrum is even


def radial_spectrum(
    field: Float[np.ndarray, "h w"], *, periodic: Periodic = True
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Mean power in half-octave bands of |ω|, from the fundamental to the corners.

    Args:
        field: any field; its mean is left out, and its missing pixels (NaN) are drawn.
        periodic: whether opposite borders match, per axis; the others are tapered.

    Returns:
        Frequencies in radians per pixel and power, shapes ``(k,)``; white noise of
        variance v has power v everywhere.
    """
    return radial_average(estimate_spectrum(field, periodic=periodic), half_octaves(field.shape))


def spectrum_error(
    reference: Float[np.ndarray, "h w"],
    candidate: Float[np.ndarray, "h w"],
    *,
    periodic: Periodic = True,
) -> float:
    """Distance of two radial spectra: rms over half-octave bands, in decibels.

    Both spectra are estimated alike, whatever the borders of the candidate, from the pixels
    that the reference has. They are floored 40 dB below white noise of its variance: what is
    darker than that nobody sees.

    Args:
        reference: the target; NaN where a pixel is missing.
        candidate: the field to be judged, in the same unit and of the same shape.
        periodic: whether opposite borders of the reference match, per axis.

    Returns:
        The error in dB; 0 for the reference itself.
    """
    floor = _FLOOR * np.nanvar(np.asarray(reference, np.float64))
    alike = np.where(np.isnan(reference), np.nan, candidate)
    levels = [
        10 * np.log10(np.maximum(radial_spectrum(field, periodic=periodic)[1], floor))
        for field in (reference, alike)
    ]
    return float(np.sqrt(np.mean((levels[0] - levels[1]) ** 2)))


def prepare_power(field: Float[np.ndarray, "h w"], periodic: Wraps) -> Float[np.ndarray, "h w"]:
    """Power per frequency, in FFT order, of which rings and sectors are made.

    Args:
        field: in the target's units.
        periodic: axes that are not are tapered.
    """
    return estimate_spectrum(field, periodic=periodic)


def describe_rings(power: Float[np.ndarray, "h w"], _: Wraps) -> Float[np.ndarray, " ring"]:
    """Radial spectrum in dB over half-octaves, floored as in ``spectrum_error``.

    Args:
        power: of ``prepare_power``.
    """
    return _decibels(radial_average(power, half_octaves(power.shape))[1])


def describe_sectors(power: Float[np.ndarray, "h w"], _: Wraps) -> Float[np.ndarray, " bin"]:
    """Spectrum in dB over octave rings and eight sectors, the first centered on the rows' axis.

    Args:
        power: of ``prepare_power``.

    Returns:
        Levels of all bins that hold a frequency.
    """
    place = _bins(power.shape).ravel()
    count = np.bincount(place)
    sums = np.bincount(place, np.fft.fftshift(power).ravel())
    filled = count > 0
    filled[0] = False  # bin 0 is the mean
    return _decibels(sums[filled] / count[filled])


def _bins(shape: tuple[int, ...]) -> Int[np.ndarray, "h w"]:
    """Bin of every frequency of the centered square; 0 is the zero frequency's."""
    height, width = shape
    rows, columns = centered_frequencies(height)[:, None], centered_frequencies(width)
    edges = half_octaves((height, width))[::-2][::-1]
    ring = np.searchsorted(edges * (1 + 1e-9), radial_frequency((height, width)))
    turn = np.round(np.arctan2(columns, rows) / np.pi * _SECTORS).astype(int) % _SECTORS
    zero = (rows == 0) & (columns == 0)
    return np.where(zero, 0, 1 + ring * _SECTORS + turn)


def _decibels(power: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    return 10 * np.log10(np.maximum(power, _FLOOR))
