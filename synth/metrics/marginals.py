"""Statistics of single pixels: the law of gray levels, its skewness and its kurtosis."""

import numpy as np
from jaxtyping import Float

from synth.metrics._statistic import Wraps

_UNSEEN = 1e-12  # variance below which a field is constant


def skewness(field: Float[np.ndarray, "h w"]) -> float:
    """Third standardized moment ⟨(x − ⟨x⟩)³⟩ / σ³; 0 for a Gaussian.

    Args:
        field: any field that is not constant; missing pixels (NaN) do not count.
    """
    return _standardized_moment(field, 3)


def kurtosis(field: Float[np.ndarray, "h w"]) -> float:
    """Fourth standardized moment ⟨(x − ⟨x⟩)⁴⟩ / σ⁴; 3 for a Gaussian.

    Args:
        field: any field that is not constant; missing pixels (NaN) do not count.
    """
    return _standardized_moment(field, 4)


def _standardized_moment(field: Float[np.ndarray, "h w"], power: int) -> float:
    x = _known(np.asarray(field, np.float64))
    x = x - x.mean()
    return float((x**power).mean() / (x**2).mean() ** (power / 2))


def _known(field: Float[np.ndarray, "h w"]) -> Float[np.ndarray, " n"]:
    return field[~np.isnan(field)]


def describe_values(field: Float[np.ndarray, "h w"], periodic: Wraps) -> Float[np.ndarray, " n"]:
    """Sorted values; their mean absolute difference is the Wasserstein-1 distance.

    Args:
        field: in the target's units; missing pixels do not count.
        periodic: of no effect.

    Returns:
        As many quantiles as the field has pixels, known or not.
    """
    ordered = np.sort(_known(field))
    if ordered.size == field.size:
        return ordered
    return ordered[((np.arange(field.size) + 0.5) * ordered.size / field.size).astype(int)]


def describe_skewness(field: Float[np.ndarray, "h w"], periodic: Wraps) -> Float[np.ndarray, " 1"]:
    """Skewness; 0 for a constant field.

    Args:
        field: in the target's units; missing pixels do not count.
        periodic: of no effect.
    """
    return np.array([0.0 if np.nanvar(field) < _UNSEEN else skewness(field)])


def describe_kurtosis(field: Float[np.ndarray, "h w"], periodic: Wraps) -> Float[np.ndarray, " 1"]:
    """Logarithm of the kurtosis; that of a constant field is 0, the least there is.

    The logarithm, because samples of a heavy-tailed field scatter by factors: in plain numbers
    their scatter hides a Gaussian.

    Args:
        field: in the target's units; missing pixels do not count.
        periodic: of no effect.
    """
    return np.array([0.0 if np.nanvar(field) < _UNSEEN else np.log(kurtosis(field))])
