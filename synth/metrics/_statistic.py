"""What a held-out statistic is, and the distances and borders that several of them share."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Field = Float[np.ndarray, "h w"]
Features = Float[np.ndarray, "..."]

_FARTHEST = 1e4


class Statistic(NamedTuple):
    """What is measured on every field, and how two measurements differ.

    Attributes:
        describe: ``(field, periodic) -> features``; the field is in units of the target's
            standard deviation around the target's mean, and wraps if ``periodic``. Fields of
            one shape have features of one shape.
        distance: ``(features of the reference, features of the other) -> distance``; zero for
            equal features.
        least: shortest side in pixels on which it can be measured.
    """

    describe: Callable[[Field, bool], Features]
    distance: Callable[[Features, Features], float]
    least: int = 8


def in_units_of(
    target: Float[np.ndarray, "h w"], field: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """The field less the target's mean, over the target's standard deviation, in float64.

    A target of n pixels stays within ±√n; what is farther out than 1e4 is clipped there, so
    that a field that ran away is bad and not an overflow.

    Args:
        target: a field that is not constant.
        field: any field.
    """
    unit = np.asarray(target, np.float64)
    x = (np.asarray(field, np.float64) - unit.mean()) / unit.std()
    return np.clip(x, -_FARTHEST, _FARTHEST)


def rms(reference: Float[np.ndarray, "..."], other: Float[np.ndarray, "..."]) -> float:
    """Root of the mean squared difference."""
    return float(np.sqrt(np.mean((reference - other) ** 2)))


def mean_absolute(reference: Float[np.ndarray, "..."], other: Float[np.ndarray, "..."]) -> float:
    """Mean absolute difference; between sorted samples it is the Wasserstein-1 distance."""
    return float(np.mean(np.abs(reference - other), dtype=np.float64))


def border(periodic: bool) -> str:
    """Border mode of SciPy's filters; pictures are mirrored, every one of them alike."""
    return "wrap" if periodic else "reflect"
