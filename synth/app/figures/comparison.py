"""The figure of the project: a target, its models, and what tells them apart."""

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from synth.app.figures._diagrams import alike, gray_levels, judgeable, spectra
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
from synth.app.figures._parts import (
    Field,
    gray_scale,
    line,
    losses_plot,
    number,
    picture,
    range_name,
    zoom,
)
from synth.metrics import flatness, kurtosis, spectrum_error
from synth.transforms.estimate import Periodic

__all__ = ["comparison"]

_GAP = 56  # between two columns
_COLUMN = 440  # narrowest column that holds a caption
_HEADER = 52  # above a picture: its name
_CAPTION, _LINE = 64, 26  # below a picture: its numbers; one line more of them
_PANEL = 390
_PANEL_TITLE, _PANEL_LABELS, _AXIS_LABELS = 76, 92, 96  # above, below, left of a panel
_BAR = 170  # right of the last picture: the gray scale

Losses = Float[np.ndarray, " n"] | Float[Array, " n"]
Fields = dict[str, Float[np.ndarray, "h w"]]


@style()
def comparison(
    fields: Mapping[str, Field],
    losses: Mapping[str, Losses] = MappingProxyType({}),
    *,
    title: str = "",
    note: str = "",
    periodic: Periodic = True,
) -> Figure:
    """Pictures on one gray scale; below them spectra, gray levels and the descent.

    Black and white are the 0.5 and 99.5 percentiles of the target, for all pictures. Spectra
    are those of ``metrics.radial_spectrum``. A field that is not finite, or constant, is shown
    but has no curves. Missing pixels are light blue.

    Args:
        fields: name to field, all of one shape and unit, the target first; NaN where the
            target misses a pixel.
        losses: loss after each evaluation, by the name of the field; without any there is no
            third diagram.
        title: a headline.
        note: small print at the bottom, wrapped to the width of the figure.
        periodic: whether opposite borders of the target match, per axis; all spectra are
            tapered along axes where they do not.

    Returns:
        The figure; save it with ``figure.savefig(path)``.

    Raises:
        ValueError: if there is no field, the fields differ in shape, or losses belong to none.

    Example:
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).normal(size=(2, 32, 32))
        >>> figure = comparison({"target": noise[0], "gaussian": noise[1]}, title="Two noises")
        >>> figure.savefig("two-noises.png")  # doctest: +SKIP
    """
    arrays = {name: np.asarray(field, np.float64) for name, field in fields.items()}
    _check(arrays, losses.keys())
    history = {name: np.asarray(each, np.float64) for name, each in losses.items() if len(each)}
    plan = _Plan.of(arrays, title, note)
    page = Page.of(plan.width, plan.height)
    page.text(MARGIN, MARGIN * 0.8, plan.title, HEADLINE)
    seen = alike(arrays)
    _pictures(page, plan, arrays, _captions(arrays, seen, periodic))
    boxes = _boxes(plan, 3 if history else 2)
    spectra(page.axes(boxes[0]), seen, list(arrays), periodic)
    gray_levels(page.axes(boxes[1]), arrays)
    if history:
        names = list(arrays)
        colors = {name: line(names, index).color for index, name in enumerate(names)}
        losses_plot(page.axes(boxes[2]), history, colors)
    page.text(MARGIN, plan.note_top, plan.note, SMALL)
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
    picture: tuple[float, float]
    column: float
    caption: float
    content: float
    top: float
    note_top: float
    height: float

    @classmethod
    def of(cls, fields: Fields, title: str, note: str) -> "_Plan":
        count, target = len(fields), next(iter(fields.values()))
        shape = target.shape
        scale = zoom(shape, 640 if count < 3 else 512)
        height, width = shape[0] * scale, shape[1] * scale
        column = max(width, _COLUMN)
        content = max(count * column + (count - 1) * _GAP, 3 * _COLUMN + 2 * _GAP)
        title, note = wrap(title, content, HEADLINE), wrap(note, content, SMALL)
        top = MARGIN * 0.8 + (48 * (title.count("\n") + 1) + 16 if title else 0)
        caption = _CAPTION + _LINE * bool(np.isnan(target).any())
        panels = top + _HEADER + height + caption + _PANEL_TITLE + _PANEL + _PANEL_LABELS
        lines = note.count("\n") + 1 if note else 0
        return cls(
            title, note, (height, width), column, caption, content, top, panels + 12,
            panels + (lines * _LINE + 12 if lines else 0) + MARGIN / 2,
        )  # fmt: skip

    @property
    def width(self) -> float:
        return self.content + MARGIN + _BAR

    @property
    def panels_top(self) -> float:
        return self.top + _HEADER + self.picture[0] + self.caption + _PANEL_TITLE


def _pictures(page: Page, plan: _Plan, fields: Fields, captions: list[str]) -> None:
    names = list(fields)
    scale = gray_scale(fields[names[0]])
    top, (height, width) = plan.top + _HEADER, plan.picture
    for index, (name, words) in enumerate(zip(names, captions, strict=True)):
        left = MARGIN + index * (plan.column + _GAP)
        color = line(names, index).color
        page.text(left, top - LIFT, name, {**NAME, "color": color}, below=False)
        picture(page.axes(Box(left, top, width, height)), fields[name], scale)
        page.text(left, top + height + 12, words, SMALL)
    right = MARGIN + (len(names) - 1) * (plan.column + _GAP) + width
    _gray_bar(page.axes(Box(right + 22, top, 16, height)), scale)


def _gray_bar(axes: Axes, scale: Normalize) -> None:
    ends = [v for v in (scale.vmin, scale.vmax) if v is not None]
    colorbar(axes, ScalarMappable(scale, "gray"), FixedLocator(ends))
    axes.set_yticks(ends, [number(end) for end in ends])
    for label, side in zip(axes.get_yticklabels(), ("bottom", "top"), strict=True):
        label.set(verticalalignment=side)


def _captions(fields: Fields, seen: Fields, periodic: Periodic) -> list[str]:
    """Numbers below each picture, the target's first; spectra are those of what is seen."""
    first, *others = fields
    target = fields[first]
    words = [f"{_marginals(target, periodic)}\nblack to white: {range_name(target)}"]
    if missing := np.mean(np.isnan(target)):
        words[0] += f"\nlight blue: missing, {missing:.1%}"
    for name in others:
        if name not in seen:
            words.append("constant or not finite: no statistics")
            continue
        error = spectrum_error(seen[first], seen[name], periodic=periodic)
        words.append(f"{_marginals(fields[name], periodic)}\nspectrum {error:.2f} dB off")
    return words


def _marginals(field: Float[np.ndarray, "h w"], periodic: Periodic) -> str:
    flat = flatness(field, (1,), periodic=periodic)[0]
    return f"kurtosis {kurtosis(field):.2f} · flatness at 1 px {flat:.2f}"


def _boxes(plan: _Plan, count: int) -> list[Box]:
    """Where the axes of so many diagrams lie, side by side."""
    width = (plan.content - (count - 1) * _GAP) / count
    lefts = [MARGIN + index * (width + _GAP) + _AXIS_LABELS for index in range(count)]
    return [Box(left, plan.panels_top, width - _AXIS_LABELS, _PANEL) for left in lefts]
