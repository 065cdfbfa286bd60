"""Jumps across a border, in units of those elsewhere: whether a seam is to be seen."""

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["border_jump", "seam_jump"]


def border_jump(field: Float[np.ndarray, "h w"], drawn: Bool[np.ndarray, "h w"]) -> float:
    """Jumps between drawn pixels and others, relative to those among drawn pixels.

    √⟨(x(u) − x(v))²⟩ over neighbors u drawn and v not, over the same for both drawn.

    Args:
        field: any field.
        drawn: which pixels of it were drawn.

    Returns:
        About 1 where nothing is to be seen; NaN if there are no such neighbors.
    """
    across, inside = [], []
    for axis in (0, 1):
        steps = np.diff(np.asarray(field, np.float64), axis=axis) ** 2
        first, second = np.delete(drawn, -1, axis), np.delete(drawn, 0, axis)
        across.append(steps[first != second])
        inside.append(steps[first & second])
    return _ratio(np.concatenate(across), np.concatenate(inside))


def seam_jump(field: Float[np.ndarray, "h w"]) -> float:
    """Jumps between opposite borders, relative to those between neighbors inside.

    Args:
        field: any field.

    Returns:
        About 1 for a field that tiles.
    """
    x = np.asarray(field, np.float64)
    across = [(x[0] - x[-1]) ** 2, (x[:, 0] - x[:, -1]) ** 2]
    inside = [np.mean(np.diff(x, axis=axis) ** 2, axis=axis) for axis in (0, 1)]
    return _ratio(np.concatenate(across), np.concatenate(inside))


def _ratio(across: Float[np.ndarray, " n"], inside: Float[np.ndarray, " m"]) -> float:
    if not across.size or not inside.size or not inside.any():
        return float("nan")
    return float(np.sqrt(across.mean() / inside.mean()))
