"""The figure of the project: a target, its models, and what tells them apart."""

from collections.abc import Mapping, Sequence, Set
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from synth.app.figures._clouds import draw_clouds
from synth.app.figures._color import Levels, plain
from synth.app.figures._diagrams import (
    alike,
    gray_levels,
    judgeable,
    spectra,
)
from synth.app.figures._page import (
    HEADLINE,
    LIFT,
    MARGIN,
    NAME,
    SMALL,
    Box,
    Page,
    colorbar,
    style,
    wrap,
)
from synth.app.figures._parts import Field, line, losses_plot, number
from synth.app.figures._view import Fields, View, captions_of
from synth.transforms.estimate import Periodic

__all__ = ["comparison"]

_GAP = 56  # between two columns
_COLUMN = 440  # narrowest column that holds a caption
_HEADER = 52  # above a picture: its name
_CAPTION, _LINE = 12, 26  # below a picture: room above its numbers; one line of them
_PANEL = 390
_PANEL_TITLE, _PANEL_LABELS, _AXIS_LABELS = 76, 92, 96  # above, below, left of a panel
_CLOUD = 320  # side of the diagram of colors
_SECOND_LINE = 28  # of the title of a panel
_BAR = 170  # right of the last picture: the gray scale

Losses = Float[np.ndarray, " n"] | Float[Array, " n"]
History = Mapping[str, Float[np.ndarray, " n"]]


@style()
def comparison(
    fields: Mapping[str, Field],
    losses: Mapping[str, Losses] = MappingProxyType({}),
    *,
    title: str = "",
    note: str = "",
    periodic: Periodic = True,
    groups: Sequence[int] | None = None,
    levels: Levels | None = None,
) -> Figure:
    """Pictures on one gray scale; below them spectra, gray levels and the descent.

    Black and white are the 0.5 and 99.5 percentiles of the target, for all pictures. Spectra
    are those of ``metrics.radial_spectrum``. A field that is not finite, or constant, is shown
    but has no curves. Missing pixels are light blue.

    Fields of several channels are painted as tiles, in color or gray. Spectra, levels and
    numbers are then those of the target's first principal component, and a diagram for each
    field shows its colors, if there are three channels, over the first two components.

    Args:
        fields: name to field, (h, w) or (c, h, w), all of one shape and unit, the target first;
            NaN where the target misses a pixel.
        losses: loss after each evaluation, by the name of the field; without any there is no
            third diagram.
        title: a headline.
        note: small print at the bottom, wrapped to the width of the figure.
        periodic: whether opposite borders of the target match, per axis; all spectra are
            tapered along axes where they do not.
        groups: number of channels that are drawn together, (3, 3, 1) for a color, a direction
            and a height; three are drawn as red, green and blue. Otherwise (3,) of three
            channels, and one each of another number.
        levels: black and white of every group; otherwise, of several channels, the target's
            minimum and maximum over those of the group.

    Returns:
        The figure; save it with ``figure.savefig(path)``.

    Raises:
        ValueError: if there is no field, the fields differ in shape, losses belong to none, or
            groups and levels do not fit the channels.

    Example:
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).normal(size=(2, 32, 32))
        >>> figure = comparison({"target": noise[0], "gaussian": noise[1]}, title="Two noises")
        >>> figure.savefig("two-noises.png")  # doctest: +SKIP
    """
    arrays = {name: np.asarray(plain(field), np.float64) for name, field in fields.items()}
    _check(arrays, losses.keys())
    history = {name: np.asarray(each, np.float64) for name, each in losses.items() if len(each)}
    view = View.of(arrays, periodic, groups, levels)
    plan = _Plan.of(view, captions_of(view, given=levels is not None), title, note)
    page = Page.of(plan.width, plan.height)
    page.text(MARGIN, MARGIN * 0.8, plan.title, HEADLINE)
    page.text(MARGIN, plan.note_top, plan.note, SMALL)
    _pictures(page, plan, view)
    _clouds(page, plan, view)
    _diagrams(page, plan, view, history)
    return page.figure


def _check(fields: Fields, named: Set[str]) -> None:
    if not fields:
        raise ValueError("There is no field to show: pass the target at least.")
    name, target = next(iter(fields.items()))
    if not judgeable(target, target):
        raise ValueError(
            f"The first field, {name!r}, is constant or not finite: pass a target with a texture."
        )
    if unknown := sorted(named - fields.keys()):
        raise ValueError(
            f"There are losses of {', '.join(unknown)} but no such fields: name them as in "
            f"{', '.join(fields)}."
        )
    shapes = {field.shape for field in fields.values()}
    if len(shapes) > 1:
        raise ValueError(
            f"The fields differ in shape ({', '.join(map(str, sorted(shapes)))}): one spectrum "
            "is compared with another on one grid; crop them to a common shape."
        )


class _Plan(NamedTuple):
    """Where everything lies, in pixels."""

    title: str
    note: str
    captions: list[str]
    picture: tuple[float, float]
    column: float
    content: float
    right: float
    top: float
    clouds_top: float
    panels_top: float

    @classmethod
    def of(cls, view: View, captions: list[str], title: str, note: str) -> "_Plan":
        count = len(view.fields)
        height, width = view.paint.size(view.target.shape, 640 if count < 3 else 512)
        column = max(width, _COLUMN)
        content = max(count * column + (count - 1) * _GAP, 3 * _COLUMN + 2 * _GAP)
        title, note = wrap(title, content, HEADLINE), wrap(note, content, SMALL)
        if view.several:
            captions = [wrap(words, column, SMALL) for words in captions]
        lines = max(words.count("\n") + 1 for words in captions)
        top = MARGIN * 0.8 + (48 * (title.count("\n") + 1) + 16 if title else 0)
        clouds = top + _HEADER + height + _CAPTION + lines * _LINE + _PANEL_TITLE
        panels = clouds + (_CLOUD + _PANEL_LABELS + _PANEL_TITLE if view.clouds else 0)
        return cls(
            title, note, captions, (height, width), column, content,
            MARGIN if view.several else _BAR, top, clouds, panels + _SECOND_LINE * view.several,
        )  # fmt: skip

    @property
    def width(self) -> float:
        return MARGIN + self.content + self.right

    @property
    def note_top(self) -> float:
        return self.panels_top + _PANEL + _PANEL_LABELS + 12

    @property
    def height(self) -> float:
        note = (self.note.count("\n") + 1) * _LINE if self.note else -12
        return self.note_top + note + MARGIN / 2

    def left(self, index: int) -> float:
        """Where a column begins."""
        return MARGIN + index * (self.column + _GAP)


def _pictures(page: Page, plan: _Plan, view: View) -> None:
    names = list(view.fields)
    top, (height, width) = plan.top + _HEADER, plan.picture
    for index, (name, words) in enumerate(zip(names, plan.captions, strict=True)):
        left = plan.left(index)
        color = line(names, index).color
        page.text(left, top - LIFT, name, {**NAME, "color": color}, below=False)
        view.paint.draw(page.axes(Box(left, top, width, height)), view.fields[name])
        page.text(left, top + height + _CAPTION, words, SMALL)
    if view.paint.gray is not None:
        right = plan.left(len(names) - 1) + width
        _gray_bar(page.axes(Box(right + 22, top, 16, height)), view.paint.gray)


def _gray_bar(axes: Axes, scale: Normalize) -> None:
    ends = [v for v in (scale.vmin, scale.vmax) if v is not None]
    colorbar(axes, ScalarMappable(scale, "gray"), FixedLocator(ends))
    axes.set_yticks(ends, [number(end) for end in ends])
    for label, side in zip(axes.get_yticklabels(), ("bottom", "top"), strict=True):
        label.set(verticalalignment=side)


def _clouds(page: Page, plan: _Plan, view: View) -> None:
    """Colors of every field that has statistics, below its picture."""
    names = list(view.fields)
    lefts = {name: plan.left(names.index(name)) + _AXIS_LABELS for name in view.clouds}
    boxes = {name: Box(left, plan.clouds_top, _CLOUD, _CLOUD) for name, left in lefts.items()}
    if boxes:
        draw_clouds({name: page.axes(box) for name, box in boxes.items()}, view.clouds)


def _diagrams(page: Page, plan: _Plan, view: View, history: History) -> None:
    names, measured = list(view.fields), view.measured
    boxes = _boxes(plan, 3 if history else 2)
    axes = page.axes(boxes[0])
    spectra(axes, alike(measured), names, view.periodic, component=view.several)
    gray_levels(page.axes(boxes[1]), measured, component=view.several)
    if history:
        colors = {name: line(names, index).color for index, name in enumerate(names)}
        losses_plot(page.axes(boxes[2]), history, colors)


def _boxes(plan: _Plan, count: int) -> list[Box]:
    """Where the axes of so many diagrams lie, side by side."""
    width = (plan.content - (count - 1) * _GAP) / count
    lefts = [MARGIN + index * (width + _GAP) + _AXIS_LABELS for index in range(count)]
    return [Box(left, plan.panels_top, width - _AXIS_LABELS, _PANEL) for left in lefts]
