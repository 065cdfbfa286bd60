"""Statistics of pairs of pixels: moments of increments over distances and directions."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from synth.metrics._statistic import Wraps
from synth.transforms.estimate import Periodic, axes_of

_DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))  # 0°, 45°, 90°, 135°
_LONGEST = 64
_UNSEEN = 1e-4  # increments, in the target's standard deviations
_FEWEST = 0.02  # of the pairs of a step; moments of fewer say nothing


def flatness(
    field: Float[np.ndarray, "h w"],
    lags: Sequence[int] = (1, 2, 4, 8),
    *,
    periodic: Periodic = True,
) -> Float[np.ndarray, " lag"]:
    """Flatness ⟨δ⁴⟩ / ⟨δ²⟩² of increments δ = x(u + r) − x(u); 3 for a Gaussian.

    Increments are taken along rows and columns together, across the borders of periodic axes.
    Values above 3 that grow towards small lags are the mark of intermittency.

    Args:
        field: any field that is not constant; pairs with a missing pixel (NaN) do not count.
        lags: distances r in pixels.
        periodic: whether opposite borders match, per axis.

    Returns:
        One value per lag; NaN where there is no pair.

    Source:
        U. Frisch, "Turbulence" (1995), Sec. 8.2.
    """
    x, wraps = np.asarray(field, np.float64), axes_of(periodic)

    def one(lag: int) -> float:
        both = [_increment(x, step, wraps).ravel() for step in ((lag, 0), (0, lag))]
        steps = np.concatenate(both)
        squares = steps[~np.isnan(steps)] ** 2
        return float((squares**2).mean() / squares.mean() ** 2) if squares.size else np.nan

    return np.array([one(lag) for lag in lags])


def prepare_moments(
    field: Float[np.ndarray, "h w"], periodic: Wraps
) -> Float[np.ndarray, "step 4"]:
    """Moments ⟨|δ|^q⟩, q = 1 … 4, of all steps; NaN where hardly a pair is known.

    Args:
        field: in the target's units; pairs with a missing pixel do not count.
        periodic: whether increments cross the borders, per axis.
    """
    return np.array([_moments(each) for each in _increments(field, periodic)])


def describe_structure(
    moments: Float[np.ndarray, "step 4"], _: Wraps
) -> Float[np.ndarray, "step 4"]:
    """Structure functions log ⟨|δ|^q⟩^(1/q), q = 1 … 4, of all steps.

    The root gives all orders one unit. Increments under 1e-4 of the target's deviation count
    as that: nobody sees them.

    Args:
        moments: of ``prepare_moments``.

    Source:
        U. Frisch, "Turbulence" (1995), Ch. 8.
    """
    return np.log(np.maximum(moments ** (1 / np.arange(1, 5)), _UNSEEN))


def describe_flatness(moments: Float[np.ndarray, "step 4"], _: Wraps) -> Float[np.ndarray, " step"]:
    """Logarithm of the flatness ⟨δ⁴⟩ / ⟨δ²⟩² of all steps; 0, the least, for a constant field.

    Args:
        moments: of ``prepare_moments``.
    """
    return np.log((moments[:, 3] + _UNSEEN**4) / (moments[:, 1] + _UNSEEN**2) ** 2)


def _moments(steps: Float[np.ndarray, "h w"]) -> list[float]:
    """Moments ⟨|δ|^q⟩ for q = 1 … 4 of what is not NaN; NaN where that is too little."""
    missing = np.isnan(steps)
    known = steps[~missing] if missing.any() else steps
    if known.size < _FEWEST * steps.size:
        return [np.nan] * 4
    size = np.abs(known)
    square = size * size
    return [each.mean() for each in (size, square, size * square, square * square)]


def _increments(
    field: Float[np.ndarray, "h w"], periodic: Wraps
) -> Iterator[Float[np.ndarray, "a b"]]:
    """Increments in four directions over 1, 2, 4 … pixels, up to 64 or half the short side."""
    lag = 1
    while lag <= min(_LONGEST, min(field.shape) // 2):
        for down, right in _DIRECTIONS:
            yield _increment(field, (lag * down, lag * right), periodic)
        lag *= 2


def _increment(
    field: Float[np.ndarray, "h w"], step: tuple[int, int], periodic: Wraps
) -> Float[np.ndarray, "a b"]:
    """Differences x(u + step) − x(u): of all pixels along axes that wrap, of pairs on others."""
    here = there = field
    for axis, (lag, wraps) in enumerate(zip(step, periodic, strict=True)):
        if wraps:
            there = np.roll(there, -lag, axis)
        else:
            most = max(0, field.shape[axis] - abs(lag))
            first = np.arange(most) + max(0, -lag)
            here, there = here.take(first, axis), there.take(first + lag, axis)
    return there - here
