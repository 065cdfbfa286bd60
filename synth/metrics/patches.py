"""Laws of 7 × 7 patches at four levels of a Laplacian pyramid."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float

from synth.metrics._sliced import lines, quantiles, some
from synth.metrics._statistic import border

SIDE = 7
_MOST = 16384  # patches per level


def describe_patches(level: int) -> Callable[..., Float[np.ndarray, "line q"]]:
    """The function that describes one level, 1 the finest.

    Args:
        level: from 1.

    Source:
        T. Karras, T. Aila, S. Laine, J. Lehtinen, "Progressive growing of GANs", ICLR (2018),
        Sec. 5, for sliced distances of patches over a pyramid.
    """
    return partial(_describe, level=level)


def _describe(
    field: Float[np.ndarray, "h w"], periodic: bool, *, level: int
) -> Float[np.ndarray, "line q"]:
    patches = windows(_detail(field, periodic, level), periodic)
    return quantiles(some(patches, _MOST), lines(SIDE * SIDE))


def windows(field: Float[np.ndarray, "h w"], periodic: bool) -> Float[np.ndarray, "n 49"]:
    """All 7 × 7 patches as rows, by the position of their first pixel.

    Args:
        field: to be cut.
        periodic: whether patches cross the border.
    """
    if periodic:
        field = np.pad(field, (0, SIDE - 1), mode="wrap")
    cut = np.lib.stride_tricks.sliding_window_view(field, (SIDE, SIDE))
    return cut.reshape(-1, SIDE * SIDE)


def _detail(field: Float[np.ndarray, "h w"], periodic: bool, level: int) -> np.ndarray:
    """A level of the pyramid less its blur: what is new at this scale."""
    from scipy.ndimage import gaussian_filter

    x = field.astype(np.float32)
    for _ in range(level - 1):
        x = gaussian_filter(x, 1.0, mode=border(periodic))[::2, ::2]
    return x - gaussian_filter(x, 2.0, mode=border(periodic))
