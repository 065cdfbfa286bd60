"""Minkowski functionals of excursion sets {x > t}: area, perimeter and Euler number.

They are counted on pairs and squares of pixels. scikit-image counts the same, but closes
every set at the picture's border; here sets wrap, or borders are left out.
"""

import numpy as np
from jaxtyping import Bool, Float

from synth.metrics._statistic import Wraps

# In the target's standard deviations; between the levels ±1 of a balanced black and white field.
_THRESHOLDS = np.arange(-15, 16, 2) / 8
# Crofton's formula for lines in four directions, whose distance is 1 or 1/√2.
_CROFTON = np.pi / 8 * np.array([1, 1, 0.5**0.5, 0.5**0.5])


def describe_area(field: Float[np.ndarray, "h w"], periodic: Wraps) -> Float[np.ndarray, " level"]:
    """Area of {x > t} per pixel, for 16 thresholds from −15/8 to 15/8.

    Args:
        field: in the target's units; missing pixels do not count.
        periodic: of no effect.
    """
    ordered = np.sort(field[~np.isnan(field)])
    return 1 - np.searchsorted(ordered, _THRESHOLDS, side="right") / ordered.size


def describe_perimeter(
    field: Float[np.ndarray, "h w"], periodic: Wraps
) -> Float[np.ndarray, " level"]:
    """Perimeter of {x > t} in pixels per pixel, by Crofton's formula in four directions.

    Args:
        field: in the target's units.
        periodic: whether sets wrap, per axis.

    Source:
        G. Lehmann, D. Legland, "Efficient N-dimensional surface estimation using Crofton
        formula and run-length encoding", Insight Journal (2012).
    """
    return np.array([_perimeter(field > level, periodic) for level in _THRESHOLDS])


def describe_euler(field: Float[np.ndarray, "h w"], periodic: Wraps) -> Float[np.ndarray, " level"]:
    """Euler number of {x > t} per thousand pixels: pieces less holes.

    The mean of its 4- and 8-connected values, so that black and white are treated alike.

    Args:
        field: in the target's units.
        periodic: whether sets wrap, per axis.

    Source:
        S. B. Gray, "Local properties of binary images in two dimensions", IEEE Trans.
        Comput. C-20 (1971).
    """
    return np.array([_euler(field > level, periodic) for level in _THRESHOLDS])


def _squares(inside: Bool[np.ndarray, "h w"], periodic: Wraps) -> list[Bool[np.ndarray, "a b"]]:
    """Four corners of all squares of 2 × 2 pixels: ordered left to right, top to bottom."""
    inside = np.pad(inside, [(0, int(wraps)) for wraps in periodic], mode="wrap")
    return [inside[:-1, :-1], inside[:-1, 1:], inside[1:, :-1], inside[1:, 1:]]


def _perimeter(inside: Bool[np.ndarray, "h w"], periodic: Wraps) -> float:
    a, b, c, d = _squares(inside, periodic)
    crossings = [np.count_nonzero(p ^ q) for p, q in ((a, b), (a, c), (a, d), (b, c))]
    return float(_CROFTON @ crossings) / a.size


def _euler(inside: Bool[np.ndarray, "h w"], periodic: Wraps) -> float:
    count = np.sum(_squares(inside, periodic), axis=0, dtype=np.int8)
    return 250 * float(np.count_nonzero(count == 1) - np.count_nonzero(count == 3)) / count.size
