"""Channels of a field as principal components: uncorrelated, each of mean 0 and variance 1.

Channels may have any units: each one is divided by its standard deviation first. What does not
vary, or is a combination of the others but for the rounding to levels, has no component of its
own.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

__all__ = ["MOST_CHANNELS", "Components", "principal_components"]

MOST_CHANNELS = 8
"""Channels of a field at most."""

_LEAST_SHARE = 1e-5  # of the variance of a standardized channel: less is rounding
_LEVELS = 4  # per standard deviation, from which on levels are rounded values
_ROUNDING = 1e-6  # of entries of unit vectors


class Components(NamedTuple):
    """An affine map between c channels and k ≤ c components: x = mean + scale y.

    Attributes:
        mean: of every channel, in its own unit.
        scale: an axis per column, times the standard deviation along it.
        inverse: takes x − mean to y.
        shares: of the variance of the standardized channels, by component, falling.
    """

    mean: Float[np.ndarray, " c"]
    scale: Float[np.ndarray, "c k"]
    inverse: Float[np.ndarray, "k c"]
    shares: Float[np.ndarray, " k"]

    def of(self, field: Float[np.ndarray, "*n c h w"]) -> Float[np.ndarray, "*n k h w"]:
        """Components of a field; missing (NaN) where any of its channels is."""
        centered = np.asarray(field, np.float64) - self.mean[:, None, None]
        return np.einsum("kc,...chw->...khw", self.inverse, centered)

    def back(self, components: Float[np.ndarray, "*n k h w"]) -> Float[np.ndarray, "*n c h w"]:
        """The field of components."""
        whole = np.einsum("ck,...khw->...chw", self.scale, np.asarray(components, np.float64))
        return whole + self.mean[:, None, None]


def principal_components(field: Float[np.ndarray, "*n c h w"]) -> Components:
    """Principal components of the correlations between channels, whitened.

    Args:
        field: c channels, one that varies at least; several pictures are taken together. NaN
            where a pixel is missing: it counts where all channels are there.

    Returns:
        The map to the components, the one of the largest variance first. The entries of every
        axis have a positive sum, so that bright is bright; where that is 0, the first is positive.

    Example:
        >>> gray = np.random.default_rng(0).normal(size=(16, 16))
        >>> found = principal_components(np.stack([gray, gray, gray]))
        >>> found.scale.shape, round(float(found.of(np.stack([gray] * 3)).std()), 6)
        ((3, 1), 1.0)

    Source:
        H. Hotelling, "Analysis of a complex of statistical variables into principal components",
        J. Educ. Psychol. 24 (1933).
    """
    channels = np.asarray(field, np.float64)
    pixels = np.moveaxis(channels, -3, 0).reshape(channels.shape[-3], -1)
    pixels = pixels[:, np.isfinite(pixels).all(0)]
    mean = pixels.mean(1)
    centered = pixels - mean[:, None]
    deviations = centered.std(1)
    # A constant that has no exact binary fraction differs from its mean by rounding.
    varies = deviations > 1e-9 * np.abs(mean)
    unit = np.where(varies, deviations, 1.0)
    standard = np.where(varies[:, None], centered, 0) / unit[:, None]
    values, axes = np.linalg.eigh(standard @ standard.T / standard.shape[1])
    kept = np.flatnonzero(values > max(_LEAST_SHARE, 2 * _rounding(standard)))[::-1]
    values, axes = values[kept], np.where(varies[:, None], axes[:, kept], 0)
    axes = axes * np.where(_leading(axes) < 0, -1.0, 1.0)
    deviation = np.sqrt(values)
    return Components(
        mean=mean,
        scale=unit[:, None] * axes * deviation,
        inverse=(axes / deviation).T / unit,
        shares=values / values.sum(),
    )


def _rounding(standard: Float[np.ndarray, "c n"]) -> float:
    """Variance that rounding to levels adds to a standardized channel, the largest of all.

    It is a twelfth of the squared distance of two levels; 0 where levels are so few that they are
    values of their own.
    """
    steps: list[np.ndarray] = [np.diff(np.sort(channel)) for channel in standard]
    least = [float(np.where(step > _ROUNDING, step, np.inf).min(initial=np.inf)) for step in steps]
    return max((step**2 / 12 for step in least if step < 1 / _LEVELS), default=0.0)


def _leading(axes: Float[np.ndarray, "c k"]) -> Float[np.ndarray, " k"]:
    """Sum of the entries of every axis; the first that is not 0, where the sum is rounding."""
    total = axes.sum(0)
    first = np.take_along_axis(axes, np.argmax(np.abs(axes) > _ROUNDING, axis=0)[None], axis=0)[0]
    return np.where(np.abs(total) > _ROUNDING, total, first)
