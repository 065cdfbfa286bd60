"""Judges that the loop never sees: held-out statistics of fields, beside their target.

All of them take fields in one common unit and are NumPy in float64.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from synth.fourier import half_octaves, periodogram, radial_average

__all__ = ["flatness", "kurtosis", "radial_spectrum", "skewness", "spectrum_error"]

_FLOOR = 1e-4  # 40 dB below white noise of the reference's variance


def skewness(field: Float[np.ndarray, "h w"]) -> float:
    """Third standardized moment ⟨(x − ⟨x⟩)³⟩ / σ³; 0 for a Gaussian.

    Args:
        field: any field that is not constant.
    """
    return _standardized_moment(field, 3)


def kurtosis(field: Float[np.ndarray, "h w"]) -> float:
    """Fourth standardized moment ⟨(x − ⟨x⟩)⁴⟩ / σ⁴; 3 for a Gaussian.

    Args:
        field: any field that is not constant.
    """
    return _standardized_moment(field, 4)


def _standardized_moment(field: Float[np.ndarray, "h w"], power: int) -> float:
    x = np.asarray(field, np.float64)
    x = x - x.mean()
    return float((x**power).mean() / (x**2).mean() ** (power / 2))


def flatness(
    field: Float[np.ndarray, "h w"], lags: Sequence[int] = (1, 2, 4, 8)
) -> Float[np.ndarray, " lag"]:
    """Flatness ⟨δ⁴⟩ / ⟨δ²⟩² of increments δ = x(u + r) − x(u); 3 for a Gaussian.

    Increments are taken along rows and columns together and across the periodic border.
    Values above 3 that grow towards small lags are the mark of intermittency.

    Args:
        field: any field that is not constant.
        lags: distances r in pixels.

    Returns:
        One value per lag.

    Source:
        U. Frisch, "Turbulence" (1995), Sec. 8.2.
    """
    x = np.asarray(field, np.float64)

    def one(lag: int) -> float:
        steps = np.stack([np.roll(x, -lag, axis) - x for axis in (0, 1)])
        return float((steps**4).mean() / (steps**2).mean() ** 2)

    return np.array([one(lag) for lag in lags])


def radial_spectrum(
    field: Float[np.ndarray, "h w"],
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Mean power in half-octave bands of |ω|, from the fundamental to the corners.

    Args:
        field: any field; its mean is left out.

    Returns:
        Frequencies in radians per pixel and power, shapes ``(k,)``; white noise of
        variance v has power v everywhere.
    """
    x = np.asarray(field, np.float64)
    return radial_average(periodogram(x - x.mean()), half_octaves(field.shape))


def spectrum_error(
    reference: Float[np.ndarray, "h w"], candidate: Float[np.ndarray, "h w"]
) -> float:
    """Distance of two radial spectra: rms over half-octave bands, in decibels.

    Both spectra are floored 40 dB below white noise of the reference's variance: what is
    darker than that nobody sees.

    Args:
        reference: the target.
        candidate: the field to be judged, in the same unit and of the same shape.

    Returns:
        The error in dB; 0 for the reference itself.
    """
    floor = _FLOOR * np.var(np.asarray(reference, np.float64))
    levels = [
        10 * np.log10(np.maximum(radial_spectrum(field)[1], floor))
        for field in (reference, candidate)
    ]
    return float(np.sqrt(np.mean((levels[0] - levels[1]) ** 2)))
