"""Colors of the fields of one comparison: a point for each of some pixels, in its own color."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from synth.app.figures._color import Paint, painted
from synth.app.figures._diagrams import judgeable
from synth.app.figures._page import plot
from synth.app.figures._parts import gaps
from synth.transforms.components import principal_components

__all__ = ["Cloud", "clouds", "draw_clouds"]

_MOST = 3000  # points
_ENDS = (0.1, 99.9)  # percentiles of all points, which the axes show with a margin around
_MARGIN = 0.08  # of that range
_BACKGROUND = "#d0d0d0"  # on which black and white points are seen


class Cloud(NamedTuple):
    """Pixels of one field.

    Attributes:
        points: first and second principal component of the target.
        colors: red, green and blue, from 0 to 1.
    """

    points: Float[np.ndarray, "2 n"]
    colors: Float[np.ndarray, "n 3"]


def clouds(fields: Mapping[str, Float[np.ndarray, "c h w"]], paint: Paint) -> dict[str, Cloud]:
    """Clouds of the fields that have statistics, of pixels that are the same in all of them.

    Args:
        fields: name to field, the target first.
        paint: how they are painted.

    Returns:
        Clouds by name; none unless the channels are a color, of which two components vary.
    """
    target = next(iter(fields.values()))
    if paint.groups != (3,):
        return {}
    components = principal_components(target)
    if len(components.shares) < 2:
        return {}
    places = np.random.default_rng(0).permutation(np.flatnonzero(~gaps(target)))[:_MOST]
    return {
        name: Cloud(
            components.of(field)[:2].reshape(2, -1)[:, places],
            painted(field, *paint).reshape(-1, 3)[places],
        )
        for name, field in fields.items()
        if judgeable(field, target)
    }


def draw_clouds(places: Mapping[str, Axes], shown: Mapping[str, Cloud]) -> None:
    """Draw every cloud into its axes, all on the same scales."""
    every = np.concatenate([cloud.points for cloud in shown.values()], axis=1)
    low, high = np.percentile(every, _ENDS, axis=1)
    margin = _MARGIN * (high - low)
    (bottom, left), (top, right) = low - margin, high + margin
    for name, cloud in shown.items():
        axes, first = places[name], name == next(iter(shown))
        title = f"Colors of {len(cloud.colors):,} pixels"
        plot(axes, title * first, "second component", "first component" * first)
        axes.set(facecolor=_BACKGROUND, xlim=(left, right), ylim=(bottom, top))
        axes.grid(visible=False)
        axes.scatter(cloud.points[1], cloud.points[0], c=cloud.colors, s=5, linewidths=0)
