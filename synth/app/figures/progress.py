"""The small figure that a notebook redraws while a descent runs."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from synth.app.figures._color import Levels, Paint, plain
from synth.app.figures._page import HEADING, LIFT, MARGIN, Box, Page, style
from synth.app.figures._parts import Field, line, losses_plot

__all__ = ["progress"]

_AIM, _GAP, _HEADER = 400, 40, 46
_PLOT_WIDTH, _PLOT_HEIGHT, _AXIS_LABELS, _BELOW = 480, 300, 100, 92


@style()
def progress(
    field: Field,
    losses: Float[np.ndarray, " n"] | Float[Array, " n"],
    *,
    target: Field | None = None,
    groups: Sequence[int] | None = None,
    levels: Levels | None = None,
) -> Figure:
    """The field of this moment, beside its target where one is given, and the losses so far.

    Args:
        field: best point of the descent, (h, w) or (c, h, w).
        losses: loss after each evaluation.
        target: shown on the left; it fixes the gray scale, which otherwise follows ``field``.
        groups: number of channels drawn together, as in ``comparison``.
        levels: black and white of every group of channels.

    Returns:
        The figure.

    Raises:
        InputError: if groups and levels do not fit the channels.

    Example:
        >>> import numpy as np
        >>> figure = progress(np.eye(32), np.array([3.0, 2.0, 1.0]))
        >>> len(figure.axes)
        2
    """
    pictures = {} if target is None else {"target": plain(target)}
    pictures |= {f"after {len(losses)} evaluations": plain(field)}
    paint = Paint.of(next(iter(pictures.values())), groups, levels)
    height, width = paint.size(field.shape, _AIM)
    column = max(width, _AIM)
    plot_left = MARGIN + len(pictures) * (column + _GAP) + _AXIS_LABELS
    plot_height = max(height - _BELOW, _PLOT_HEIGHT)
    top = MARGIN / 2 + _HEADER
    bottom = max(height, plot_height + _BELOW)
    page = Page.of(plot_left + _PLOT_WIDTH + MARGIN, top + bottom + MARGIN / 2)
    for index, (name, shown) in enumerate(pictures.items()):
        left = MARGIN + index * (column + _GAP)
        page.text(left, top - LIFT, name, HEADING, below=False)
        paint.draw(page.axes(Box(left, top, width, height)), shown)
    color = line(("target", "scattering"), 1).color
    axes = page.axes(Box(plot_left, top, _PLOT_WIDTH, plot_height))
    losses_plot(axes, {"loss": np.asarray(losses)}, {"loss": color})
    return page.figure
