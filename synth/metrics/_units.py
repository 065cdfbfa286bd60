"""Fields in the units of their target: deviations of gray levels, or whitened components.

Every statistic is measured on such planes. A gray field is one plane; a field of several
channels has a plane per principal component of the target.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from synth.metrics._statistic import FARTHEST, in_units_of
from synth.transforms.components import Components, principal_components
from synth.transforms.estimate import Periodic, complete

_LEADING = 0.05  # of the variance; fainter components may be noise


class Units(NamedTuple):
    """What the fields of one comparison are expressed in.

    Attributes:
        target: gray, or of several channels; NaN where a pixel is missing.
        components: of the target's channels; None of a gray one.
    """

    target: Float[np.ndarray, "*c h w"]
    components: Components | None

    @classmethod
    def of(cls, target: Float[np.ndarray, "*c h w"]) -> "Units":
        """Units of a target that was checked."""
        return cls(target, principal_components(target) if target.ndim == 3 else None)

    @property
    def missing(self) -> Bool[np.ndarray, "h w"]:
        """Where the target misses a pixel."""
        return missing(self.target)

    @property
    def leading(self) -> int:
        """Number of components that hold 5 % of the variance or more."""
        return 1 if self.components is None else int(np.sum(self.components.shares >= _LEADING))

    def express(self, field: Float[np.ndarray, "*c h w"]) -> Float[np.ndarray, "k h w"]:
        """Planes of a field, clipped as ``in_units_of`` does; NaN where any channel is.

        Args:
            field: with the channels of the target.
        """
        if self.components is None:
            return in_units_of(self.target, field)[None]
        mean, farthest = (
            values[:, None, None]
            for values in (self.components.mean, FARTHEST * deviations(self.components))
        )
        near = np.clip(np.asarray(field, np.float64), mean - farthest, mean + farthest)
        return np.clip(self.components.of(near), -FARTHEST, FARTHEST)


def deviations(components: Components) -> Float[np.ndarray, " c"]:
    """Standard deviation of every channel, in its own unit; 0 of a constant one."""
    return np.sqrt(np.sum(components.scale**2, axis=1))


def missing(field: Float[np.ndarray, "*c h w"]) -> Bool[np.ndarray, "h w"]:
    """Where a pixel is missing: where any of its channels is NaN."""
    gone = np.isnan(field)
    return gone if field.ndim == 2 else np.logical_or.reduce(gone)


def drawn(planes: Float[np.ndarray, "k h w"], periodic: Periodic) -> Float[np.ndarray, "k h w"]:
    """Planes whose missing pixels are drawn, each plane for itself.

    Args:
        planes: NaN where a pixel is missing.
        periodic: whether opposite borders match, per axis.
    """
    return np.stack([complete(each, periodic=periodic) for each in planes])
