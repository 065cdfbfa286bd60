"""Laws of patches at the levels of a Laplacian pyramid: 7 × 7 gray ones, 5 × 5 of all channels."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from synth.metrics._sliced import lines, quantiles
from synth.metrics._statistic import Wraps, smooth
from synth.transforms.palette import some

SIDE = 7
_COLOR_SIDE = 5
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
    field: Float[np.ndarray, "h w"], periodic: Wraps, *, level: int
) -> Float[np.ndarray, "line q"]:
    patches = windows(_detail(field, periodic, level), periodic, most=_MOST)
    return quantiles(patches, lines(SIDE * SIDE))


def describe_color_patches(level: int) -> Callable[..., Float[np.ndarray, "line q"]]:
    """The function that describes one level of several channels, 1 the finest.

    The pixels of all components of a patch are the coordinates of one point.

    Args:
        level: from 1.
    """
    return partial(_describe_together, level=level)


def _describe_together(
    field: Float[np.ndarray, "k h w"], periodic: Wraps, *, level: int
) -> Float[np.ndarray, "line q"]:
    details = [_detail(each, periodic, level) for each in field]
    parts = [windows(each, periodic, _COLOR_SIDE, most=_MOST) for each in details]
    patches = np.concatenate(parts, axis=1)
    return quantiles(patches, lines(patches.shape[1]))


def windows(
    field: Float[np.ndarray, "h w"], periodic: Wraps, side: int = SIDE, *, most: int
) -> Float[np.ndarray, "n pixels"]:
    """Square patches as rows, by the position of their first pixel.

    Args:
        field: to be cut.
        periodic: whether patches cross the borders, per axis.
        side: of a patch.
        most: patches to take, at random but the same at every call.
    """
    rows, columns = ((0, side - 1) if wraps else (0, 0) for wraps in periodic)
    field = np.pad(field, (rows, columns), mode="wrap")
    height, width = (n - side + 1 for n in field.shape)
    return patches_at(field, some(np.arange(height * width), most), side)


def patches_at(
    field: Float[np.ndarray, "h w"], places: Int[np.ndarray, " n"], side: int = SIDE
) -> Float[np.ndarray, "n pixels"]:
    """Patches within a field as rows, by the numbers of their places, which run along rows.

    Args:
        field: to be cut.
        places: numbers, from 0.
        side: of a patch.
    """
    cut = np.lib.stride_tricks.sliding_window_view(field, (side, side))
    return cut[np.divmod(places, cut.shape[1])].reshape(-1, side * side)


def _detail(field: Float[np.ndarray, "h w"], periodic: Wraps, level: int) -> np.ndarray:
    """A level of the pyramid less its blur: what is new at this scale."""
    x = field.astype(np.float32)
    for _ in range(level - 1):
        x = smooth(x, 1.0, periodic)[::2, ::2]
    return x - smooth(x, 2.0, periodic)
