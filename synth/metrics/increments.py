"""Statistics of pairs of pixels: moments of increments over distances and directions."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

_DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))  # 0°, 45°, 90°, 135°
_LONGEST = 64
_UNSEEN = 1e-4  # increments, in the target's standard deviations


def flatness(
    field: Float[np.ndarray, "h w"], lags: Sequence[int] = (1, 2, 4, 8)
) -> Float[np.ndarray, " lag"]:
    """Flatness ⟨δ⁴⟩ / ⟨δ²⟩² of increments δ = x(u + r) − x(u); 3 for a Gaussian.

    Increments are taken along rows and columns together and across the periodic border.
    Values above 3 that grow towards small lags are the mark of intermittency.

    Args:
        field: any field that is not constant.
        lags: distances r in pixels.

    Returns:
        One value per lag.

    Source:
        U. Frisch, "Turbulence" (1995), Sec. 8.2.
    """
    x = np.asarray(field, np.float64)

    def one(lag: int) -> float:
        steps = np.stack([np.roll(x, -lag, axis) - x for axis in (0, 1)])
        return float((steps**4).mean() / (steps**2).mean() ** 2)

    return np.array([one(lag) for lag in lags])


def describe_structure(
    field: Float[np.ndarray, "h w"], periodic: bool
) -> Float[np.ndarray, "step 4"]:
    """Structure functions log ⟨|δ|^q⟩^(1/q), q = 1 … 4, of all steps.

    The root gives all orders one unit. Increments under 1e-4 of the target's deviation count
    as that: nobody sees them.

    Args:
        field: in the target's units.
        periodic: whether increments cross the border.

    Source:
        U. Frisch, "Turbulence" (1995), Ch. 8.
    """
    orders = np.arange(1, 5)
    moments = np.array([_moments(each) for each in _increments(field, periodic)])
    return np.log(np.maximum(moments ** (1 / orders), _UNSEEN))


def describe_flatness(
    field: Float[np.ndarray, "h w"], periodic: bool
) -> Float[np.ndarray, " step"]:
    """Logarithm of the flatness ⟨δ⁴⟩ / ⟨δ²⟩² of all steps; 0, the least, for a constant field.

    Args:
        field: in the target's units.
        periodic: whether increments cross the border.
    """
    moments = np.array([_moments(each) for each in _increments(field, periodic)])
    return np.log((moments[:, 3] + _UNSEEN**4) / (moments[:, 1] + _UNSEEN**2) ** 2)


def _moments(steps: Float[np.ndarray, "h w"]) -> list[float]:
    """Moments ⟨|δ|^q⟩ for q = 1 … 4."""
    size = np.abs(steps)
    square = size * size
    return [each.mean() for each in (size, square, size * square, square * square)]


def _increments(
    field: Float[np.ndarray, "h w"], periodic: bool
) -> Iterator[Float[np.ndarray, "a b"]]:
    """Increments in four directions over 1, 2, 4 … pixels, up to 64 or half the short side."""
    lag = 1
    while lag <= min(_LONGEST, min(field.shape) // 2):
        for down, right in _DIRECTIONS:
            yield _increment(field, (lag * down, lag * right), periodic)
        lag *= 2


def _increment(
    field: Float[np.ndarray, "h w"], step: tuple[int, int], periodic: bool
) -> Float[np.ndarray, "a b"]:
    """Differences x(u + step) − x(u); the step goes down, left or right."""
    if periodic:
        return np.roll(field, (-step[0], -step[1]), (0, 1)) - field
    if step[1] < 0:
        return _increment(field[:, ::-1], (step[0], -step[1]), periodic)
    height, width = field.shape
    down, right = step
    return field[down:, right:] - field[: height - down, : width - right]
