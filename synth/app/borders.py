"""Whether a picture goes on across its borders, axis by axis.

Neighboring lines of a texture are alike, lines far apart are not; the first and the last line are
neighbors if the axis is periodic.
"""

import numpy as np
from jaxtyping import Float

__all__ = ["found_periodic"]

_NEAR = 2  # pairs of neighboring lines at each border
_CLEAR = 0.25  # by which neighbors must be nearer than strangers, so that one can tell
_LEAST = 8  # pixels that both lines must have
_MOST = 512  # pixels of a line that are compared with all of another


def found_periodic(
    field: Float[np.ndarray, "h w"] | Float[np.ndarray, "c h w"],
) -> tuple[bool, bool]:
    """Whether the axes of a field are periodic, as far as can be seen.

    Let d be the mean |a − b| of two lines, pixel by pixel, over that of any pixel of the one and
    any of the other: 1 for unrelated lines. d of the first and the last line, ``across``, is
    compared with its mean for two pairs of neighbors at each border, ``near``: a wave may be
    steepest there. The axis is periodic if

        (across − near) / (1 − near) < 1/2,

    that is, if the border looks more like neighbors than like strangers. Where neighbors are no
    more alike than any pixels of theirs (near > 3/4, as for waves along the axis), differences are
    compared with those of the first line and all others instead. If these tell neither, the axis
    counts as not periodic, which is the safe answer. |a − b| of several channels is the sum over
    them, each in units of its standard deviation.

    Args:
        field: of one or several channels, of any units; NaN where a pixel is missing, in all of
            them.

    Returns:
        Of rows (vertical axis), and of columns (horizontal axis).
    """
    channels = field.reshape(-1, *field.shape[-2:])
    if len(channels) > 1:
        deviations = np.nanstd(channels, axis=(1, 2), keepdims=True)
        channels = channels / np.where(deviations > 0, deviations, 1)
    return _wraps(channels), _wraps(np.swapaxes(channels, 1, 2))


def _wraps(lines: Float[np.ndarray, "c n m"]) -> bool:
    """Whether the first line follows the last one."""
    starts = (*range(_NEAR), *range(-1 - _NEAR, -1))
    across, apart = _differences(lines[:, 0], lines[:, -1])
    each = [_differences(lines[:, i], lines[:, i + 1]) for i in starts]
    near, strange = np.mean(each, axis=0)
    if across == 0:
        return True
    if np.isnan(across + near):
        return False
    if strange > 0 and near <= (1 - _CLEAR) * strange:
        across, near, far = across / apart, near / strange, 1.0
    else:
        far = np.nanmean(np.abs(lines[:, :1] - lines[:, 1:-1]), axis=(1, 2)).sum()
    return bool(near <= (1 - _CLEAR) * far and across - near < (far - near) / 2)


def _differences(a: Float[np.ndarray, "c m"], b: Float[np.ndarray, "c m"]) -> tuple[float, float]:
    """Mean difference of two lines, pixel by pixel and of any pixels; NaN if too few are there."""
    both = ~np.isnan(a).any(axis=0) & ~np.isnan(b).any(axis=0)
    if both.sum() < _LEAST:
        return np.nan, np.nan
    a, b = a[:, both], b[:, both]
    thin = a[:, :: -(-a.shape[1] // _MOST)]
    pairs = [np.abs(x[:, None] - y).mean() for x, y in zip(thin, b, strict=True)]
    return float(np.abs(a - b).mean(axis=1).sum()), float(np.sum(pairs))
