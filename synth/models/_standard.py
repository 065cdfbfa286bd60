"""What every model is given, checked: pictures of one process, of mean 0 and variance 1."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.errors import InputError

__all__ = ["Standard", "standardize"]


class Standard(NamedTuple):
    """Pictures in units of their common standard deviation, around their common mean.

    Attributes:
        fields: one or more pictures, float64, NaN where a pixel is missing.
        mean: of the pixels that are there, in the pictures' own unit.
        scale: their standard deviation.
    """

    fields: Float[np.ndarray, "n h w"]
    mean: float
    scale: float


def standardize(field: Float[np.ndarray, "..."]) -> Standard:
    """Check pictures of one process and bring them to mean 0 and variance 1.

    Args:
        field: one picture, height × width, or several of one process, number × height × width.

    Raises:
        InputError: if it is no such array of real numbers, holds infinite values, or is constant.
    """
    array = np.asarray(field)
    if array.dtype.kind not in "buif" or array.ndim not in (2, 3):
        what = f"{array.dtype} of the shape {array.shape}"
        raise InputError(
            f"The field is an array of {what}: give real numbers, height × width, or number × "
            "height × width for several pictures of one process."
        )
    whole = array.astype(np.float64).reshape(-1, *array.shape[-2:])
    if np.isinf(whole).any():
        raise InputError("The field holds infinite values: put NaN where a pixel is missing.")
    if np.isnan(whole).all((1, 2)).any():
        raise InputError("The field has no pixels, only NaN: give a picture with some.")
    if np.nanmax(whole) == np.nanmin(whole):
        raise InputError("The field is constant: a texture needs at least two gray levels.")
    mean, scale = float(np.nanmean(whole)), float(np.nanstd(whole))
    return Standard((whole - mean) / scale, mean, scale)
