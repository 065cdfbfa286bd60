"""Colors: the joint law of the channels of a pixel, and colors that the target does not have."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from synth.metrics._check import check_candidate, check_target, plain
from synth.metrics._sliced import lines, quantiles, some
from synth.metrics._statistic import Wraps, smooth
from synth.metrics._units import deviations, missing
from synth.transforms.components import principal_components

if TYPE_CHECKING:
    from scipy.spatial import KDTree

_MOST = 65536  # pixels of a law
_QUERIES = 16384  # pixels whose nearest color is looked up
_RARE = 99.9  # per cent of the target's own colors that are nearer to another one
_ROUNDING = 1e-6  # of a standard deviation; levels that are closer are the same


def describe_colors(sigma: float) -> Callable[..., Float[np.ndarray, "line q"]]:
    """The function that describes the colors of pixels seen through one Gaussian.

    Args:
        sigma: width of the Gaussian in pixels. With 0, missing pixels do not count.
    """
    return partial(_describe, sigma=sigma)


def _describe(
    field: Float[np.ndarray, "k h w"], periodic: Wraps, *, sigma: float
) -> Float[np.ndarray, "line q"]:
    planes = [smooth(each, sigma, periodic) for each in field] if sigma else field
    points = np.reshape(planes, (len(field), -1)).T
    known = points[~np.isnan(points).any(1)].astype(np.float32)
    return quantiles(some(known, _MOST), lines(len(field)), len(points))


def foreign_colors(
    target: Float[np.ndarray, "*c h w"], candidate: Float[np.ndarray, "... _ _"]
) -> float:
    """Share of a candidate's pixels with a color that the target does not have.

    A color is foreign if the nearest color of the target is farther away than 99.9 % of the
    target's pixels have their nearest other pixel's. Distances are those of channels over
    the target's standard deviations. One level more or less in every channel is never foreign.

    Independent fields of one process have a share of about 0.001 if colors are dense. It is
    more where a picture is small for its number of channels, or smooth, because then the next
    pixel has the nearest color: compare it with the share of another real field.

    Args:
        target: the texture, of one channel or several; NaN where a pixel is missing.
        candidate: a field of the same shape, in the same units. Pixels that either misses do
            not count.

    Returns:
        A number from 0 to 1. It is counted on 16384 random pixels, always the same ones, where
        there are more.

    Raises:
        InputError: if the fields differ in shape or are not finite where they must be, or the
            target is constant or has under 16 pixels on a side.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(3, 32, 32))
        >>> y = x.copy()
        >>> y[0, :8] = 20
        >>> foreign_colors(x, y)
        0.25
    """
    target, candidate = plain(target), plain(candidate)
    check_target(target)
    check_candidate("The candidate", candidate, target)
    return Palette.of(target).foreign(candidate)


class Palette(NamedTuple):
    """The colors of a target.

    Attributes:
        tree: the distinct colors, in units.
        unit: of every channel, its standard deviation; of a constant channel, which has none,
            the root mean square of the others'.
        radius: distance in units from which on a color is foreign.
        missing: where the target misses a pixel.
    """

    tree: "KDTree"
    unit: Float[np.ndarray, " c"]
    radius: float
    missing: Bool[np.ndarray, "h w"]

    @classmethod
    def of(cls, target: Float[np.ndarray, "*c h w"]) -> "Palette":
        """Colors of a target that was checked."""
        from scipy.spatial import KDTree

        channels = target.reshape(-1, *target.shape[-2:])
        unit = deviations(principal_components(channels))
        unit = np.where(unit > 0, unit, np.sqrt(np.mean(unit[unit > 0] ** 2)))
        gone = missing(target)
        colors = _colors(channels, ~gone) / unit
        distinct, count = np.unique(colors, axis=0, return_counts=True)
        tree = KDTree(distinct)
        # The nearest color of a tree is the pixel's own, which another pixel may have, too.
        distances, nearest = map(np.asarray, tree.query(some(colors, _QUERIES), k=2))
        apart = np.where(count[nearest[:, 0]] > 1, 0, distances[:, 1])
        radius = max(float(np.percentile(apart, _RARE)), _level(distinct))
        return cls(tree, unit, radius * (1 + _ROUNDING), gone)

    def foreign(self, field: Float[np.ndarray, "*c h w"]) -> float:
        """Share of a field's pixels with a foreign color, of those that are known to both."""
        channels = field.reshape(-1, *field.shape[-2:])
        known = ~(self.missing | missing(field))
        colors = some(_colors(channels, known), _QUERIES) / self.unit
        near = self.tree.query(colors, distance_upper_bound=self.radius)[0]
        return float(np.mean(np.isinf(near)))


def _colors(
    channels: Float[np.ndarray, "c h w"], known: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "n c"]:
    return channels[:, known].T.astype(np.float64)


def _level(colors: Float[np.ndarray, "n c"]) -> float:
    """Distance between colors that are one level apart in every channel."""
    steps = np.diff(np.sort(colors, axis=0), axis=0)
    least = np.where(steps > _ROUNDING, steps, np.inf).min(axis=0)
    return float(np.sqrt(np.sum(least[np.isfinite(least)] ** 2)))
