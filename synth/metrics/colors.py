"""Colors: the joint law of the channels of a pixel, and colors that the target does not have."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from synth.metrics._check import check_candidate, check_target, plain
from synth.metrics._sliced import lines, quantiles
from synth.metrics._statistic import Wraps, smooth
from synth.metrics._units import missing
from synth.transforms.palette import Palette, some

_MOST = 65536  # pixels of a law
_QUERIES = 16384  # pixels of a field that are looked up


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

    Which ones are foreign says ``transforms.palette.Palette``.

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
    return ForeignColors.of(target).share(candidate)


class ForeignColors(NamedTuple):
    """What tells the colors of a target from others.

    Attributes:
        palette: the target's colors.
        missing: where the target misses a pixel.
    """

    palette: Palette
    missing: Bool[np.ndarray, "h w"]

    @classmethod
    def of(cls, target: Float[np.ndarray, "*c h w"]) -> "ForeignColors":
        """Of a target that was checked."""
        gone = missing(target)
        return cls(Palette.of(_colors(target, ~gone)), gone)

    def share(self, field: Float[np.ndarray, "*c h w"]) -> float:
        """Share of a field's pixels with a foreign color, of those that are known to both."""
        known = ~(self.missing | missing(field))
        colors = some(_colors(field, known), _QUERIES)
        return float(np.mean(self.palette.are_foreign(colors)))


def _colors(
    field: Float[np.ndarray, "*c h w"], known: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "n c"]:
    channels = field.reshape(-1, *field.shape[-2:])
    return channels[:, known].T.astype(np.float64)
