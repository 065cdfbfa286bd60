"""Fields of mean 0 and variance 1: what every model measures."""

import numpy as np
from jaxtyping import Float

from synth.errors import InputError


def standardize(
    field: Float[np.ndarray, "h w"],
) -> tuple[Float[np.ndarray, "h w"], float, float]:
    """A field of mean 0 and variance 1, in float64, and what was its mean and deviation."""
    if not np.isfinite(field).all():
        raise InputError("The field holds NaN or infinite values: replace them by finite ones.")
    if np.ptp(field) == 0:
        raise InputError("The field is constant: a texture needs at least two gray levels.")
    whole = np.asarray(field, np.float64)
    mean, scale = float(whole.mean()), float(whole.std())
    return (whole - mean) / scale, mean, scale
