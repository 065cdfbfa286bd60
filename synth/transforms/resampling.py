"""Fields of another size, with missing pixels and periodic axes."""

import math

import numpy as np
from jaxtyping import Float
from PIL import Image

__all__ = ["resampled"]

_REACH = 4  # pixels of the coarser grid; a Lanczos window reaches 3
_LEAST_WEIGHT = 0.5  # of the pixels around that must be there


def resampled(
    field: Float[np.ndarray, "h w"], shape: tuple[int, int], periodic: tuple[bool, bool]
) -> Float[np.ndarray, "a b"]:
    """Resample a field by Lanczos' windows, around the border of its periodic axes.

    Where pixels are missing, values are means over those that are there:
    (window ⋆ valid · field) / (window ⋆ valid).

    Args:
        field: of any unit; NaN where a pixel is missing.
        shape: of the result.
        periodic: whether rows and columns wrap.

    Returns:
        Within the range of the field, which Lanczos' windows would leave; NaN where less than half
        of the window's weight is on pixels that are there.
    """
    valid = ~np.isnan(field)
    values = _lanczos(np.where(valid, field, 0), shape, periodic)
    if not valid.all():
        weight = _lanczos(valid.astype(np.float64), shape, periodic)
        values = np.where(
            weight > _LEAST_WEIGHT, values / np.maximum(weight, _LEAST_WEIGHT), np.nan
        )
    return values.clip(np.nanmin(field), np.nanmax(field))


def _lanczos(
    field: Float[np.ndarray, "h w"], shape: tuple[int, int], periodic: tuple[bool, bool]
) -> Float[np.ndarray, "a b"]:
    scale = min(new / old for new, old in zip(shape, field.shape, strict=True))
    pad = math.ceil(_REACH / min(scale, 1))
    padded = field
    for axis, wraps in enumerate(periodic):
        width = [(0, 0), (0, 0)]
        width[axis] = (pad, pad)
        padded = np.pad(padded, width, mode="wrap" if wraps else "reflect")
    height, width = field.shape
    image = Image.fromarray(padded.astype(np.float32))
    box = (pad, pad, pad + width, pad + height)
    resized = image.resize((shape[1], shape[0]), Image.Resampling.LANCZOS, box=box)
    return np.asarray(resized, np.float64)
