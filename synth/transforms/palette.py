"""The set of colors of a target: how far a color is from it, and the way back into it."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Real

if TYPE_CHECKING:
    from scipy.spatial import KDTree

__all__ = ["Palette", "some"]

_QUERIES = 16384  # pixels whose nearest color is looked up
_RARE = 99.9  # per cent of the target's own colors that are nearer to another one
_ROUNDING = 1e-4  # of a standard deviation; levels that are closer are the same
_INSIDE = 0.5  # of the radius: what is rounded to 8 bits then is still inside


class Palette(NamedTuple):
    """The colors of a target, and from where on a color is foreign to it.

    A color is foreign if the nearest color of the target is farther away than 99.9 % of the
    target's pixels have their nearest other pixel's. Distances are those of channels over
    the target's standard deviations. One level more or less in every channel is never foreign.

    Attributes:
        tree: the distinct colors, in units.
        unit: of every channel, its standard deviation; of a constant channel, which has none,
            the root mean square of the others'.
        radius: distance in units from which on a color is foreign.
    """

    tree: "KDTree"
    unit: Float[np.ndarray, " c"]
    radius: float

    @classmethod
    def of(cls, colors: Float[np.ndarray, "n c"]) -> "Palette":
        """Palette of the pixels of a target.

        Args:
            colors: a row per pixel, in any units; not all alike.
        """
        from scipy.spatial import KDTree

        unit = colors.std(0)
        # A constant that has no exact binary fraction differs from its mean by rounding.
        varies = unit > 1e-9 * np.abs(colors.mean(0))
        unit = np.where(varies, unit, np.sqrt(np.mean(unit[varies] ** 2)))
        scaled = np.round(colors / unit / _ROUNDING) * _ROUNDING
        distinct, count = np.unique(scaled, axis=0, return_counts=True)
        tree = KDTree(distinct)
        # The nearest color of a tree is the pixel's own, which another pixel may have, too.
        distances, nearest = map(np.asarray, tree.query(some(scaled, _QUERIES), k=2))
        apart = np.where(count[nearest[:, 0]] > 1, 0, distances[:, 1])
        radius = max(float(np.percentile(apart, _RARE)), _level(distinct))
        return cls(tree, unit, radius + _ROUNDING)

    def are_foreign(self, colors: Float[np.ndarray, "n c"]) -> Bool[np.ndarray, " n"]:
        """Which colors are foreign.

        Args:
            colors: a row per pixel, in the target's units.
        """
        near = self.tree.query(colors / self.unit, distance_upper_bound=self.radius)[0]
        return np.isinf(near)

    def projected(self, colors: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Colors moved towards the nearest one of the target, as far as they are outside.

        Args:
            colors: a row per pixel, in the target's units.

        Returns:
            The same colors; those farther than half the radius from the palette at that distance.
        """
        scaled = colors / self.unit
        distance, index = map(np.asarray, self.tree.query(scaled))
        near = self.tree.data[index]
        most = _INSIDE * self.radius
        far = distance > most
        shrink = most / np.where(far, distance, most)
        return np.where(
            far[:, None], (near + shrink[:, None] * (scaled - near)) * self.unit, colors
        )


def some(points: Real[np.ndarray, "n *d"], most: int) -> Real[np.ndarray, "m *d"]:
    """At most so many of the points, at random but the same at every call.

    Args:
        points: samples of a law.
        most: how many to keep.
    """
    if len(points) <= most:
        return points
    chosen = np.random.default_rng(0).choice(len(points), most, replace=False)
    return points[np.sort(chosen)]


def _level(colors: Float[np.ndarray, "n c"]) -> float:
    """Distance between colors that are one level apart in every channel."""
    steps = np.diff(np.sort(colors, axis=0), axis=0)
    least = np.where(steps > _ROUNDING, steps, np.inf).min(axis=0)
    return float(np.sqrt(np.sum(least[np.isfinite(least)] ** 2)))
