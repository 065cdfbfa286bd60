"""What a held-out statistic is, and the distances and borders that several of them share."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

Field = Float[np.ndarray, "h w"]
Features = Float[np.ndarray, "..."]
Wraps = tuple[bool, bool]  # the rows' axis, the columns' axis

FARTHEST = 1e4

Prepare = Callable[[Field, Wraps], Any]


class Statistic(NamedTuple):
    """What is measured on every field, and how two measurements differ.

    Attributes:
        describe: ``(field, periodic) -> features``, or of what ``prepare`` made of the field, if
            that is set: call ``measure``, which knows. The field is in units of the target's
            standard deviation around the target's mean, and wraps along the axes that are
            ``periodic``, the rows' axis first. Fields of one shape have features of one shape.
            Statistics of several channels take all components of a field, ``k h w``.
        distance: ``(features of the reference, features of the other) -> distance``; zero for
            equal features.
        least: shortest side in pixels on which it can be measured.
        gaps: whether the field may miss pixels (NaN), which are left out. What is NaN in the
            features, for want of pixels, does not count. Otherwise missing pixels are drawn
            before, as ``transforms.estimate.complete`` does.
        prepare: ``(field, periodic) -> what describe is given instead of the field``, where
            several statistics begin alike.
    """

    describe: Callable[[Any, Wraps], Features]
    distance: Callable[[Features, Features], float]
    least: int = 8
    gaps: bool = False
    prepare: Prepare | None = None

    def measure(
        self,
        field: Float[np.ndarray, "... h w"],
        periodic: Wraps,
        prepared: dict[Prepare, Any] | None = None,
    ) -> Features:
        """Features of a field.

        Args:
            field: as for ``describe``.
            periodic: as for ``describe``.
            prepared: what other statistics have prepared of the same field, with its missing
                pixels or without as for this one; it is added to.
        """
        if self.prepare is None:
            return self.describe(field, periodic)
        known = {} if prepared is None else prepared
        if self.prepare not in known:
            known[self.prepare] = self.prepare(field, periodic)
        return self.describe(known[self.prepare], periodic)


def in_units_of(
    target: Float[np.ndarray, "h w"], field: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """The field less the target's mean, over the target's standard deviation, in float64.

    A target of n pixels stays within ±√n; what is farther out than 1e4 is clipped there, so
    that a field that ran away is bad and not an overflow.

    Args:
        target: a field that is not constant; missing pixels (NaN) do not count.
        field: any field.
    """
    unit = np.asarray(target, np.float64)
    x = (np.asarray(field, np.float64) - np.nanmean(unit)) / np.nanstd(unit)
    return np.clip(x, -FARTHEST, FARTHEST)


def rms(reference: Float[np.ndarray, "..."], other: Float[np.ndarray, "..."]) -> float:
    """Root of the mean squared difference, of the features that both have; 0 for want of any."""
    difference = reference - other
    known = difference[~np.isnan(difference)]
    return float(np.sqrt(np.mean(known**2))) if known.size else 0.0


def mean_absolute(reference: Float[np.ndarray, "..."], other: Float[np.ndarray, "..."]) -> float:
    """Mean absolute difference; between sorted samples it is the Wasserstein-1 distance."""
    return float(np.mean(np.abs(reference - other), dtype=np.float64))


def smooth(
    field: Shaped[np.ndarray, "h w"],
    sigma: float,
    periodic: Wraps,
    order: tuple[int, int] = (0, 0),
) -> Shaped[np.ndarray, "h w"]:
    """A field, or a derivative of it, seen through a Gaussian.

    Args:
        field: real or complex.
        sigma: width of the Gaussian, pixels.
        periodic: axes that do not wrap are mirrored, of every field alike.
        order: of the derivative, down the rows and along them.
    """
    from scipy.ndimage import gaussian_filter

    mode = ["wrap" if wraps else "reflect" for wraps in periodic]
    return gaussian_filter(field, sigma, order, mode=mode)  # pyright: ignore[reportArgumentType]
