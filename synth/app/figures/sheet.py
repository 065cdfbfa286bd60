"""The figure of many runs: a picture a row, the target and its models side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from synth.app.figures._color import Levels, Paint, plain
from synth.app.figures._diagrams import COMPONENT, alike, first_components
from synth.app.figures._page import (
    HEADLINE,
    LIFT,
    MARGIN,
    MUTED,
    NAME,
    SMALL,
    Box,
    Page,
    style,
    wrap,
)
from synth.app.figures._parts import Field, line
from synth.metrics import flatness, kurtosis, spectrum_error
from synth.transforms.estimate import Periodic

__all__ = ["Row", "gallery"]

_AIM = 256  # pixels of the page that a picture's longest side covers, about
_GAP = 20  # between two pictures of a row
_ROW_GAP = 40
_HEADER = 44  # above the pictures: the names of the columns
_TABLE_GAP, _WORDS, _COLUMN = 48, 200, 124  # left of the table; widths of its columns
_LINE, _TABLE_HEIGHT = 33, 256
_CELL = {"size": 9}


class Row(NamedTuple):
    """One picture and what was drawn in its likeness.

    Attributes:
        name: of the picture.
        fields: name to field, (h, w) or (c, h, w), all of one shape and unit, the target first;
            NaN where the target misses a pixel.
        scores: overall score of statistics that were not matched, by the name of the field; 1
            is another piece of the target.
        note: small print, for instance how the descent ended.
        periodic: whether opposite borders of the target match, per axis; spectra of all
            fields are tapered along axes where they do not.
        groups: number of channels drawn together, as in ``comparison``.
        levels: black and white of every group of channels.
    """

    name: str
    fields: Mapping[str, Field]
    scores: Mapping[str, float]
    note: str = ""
    periodic: Periodic = True
    groups: Sequence[int] | None = None
    levels: Levels | None = None


@style()
def gallery(rows: Sequence[Row], *, title: str = "", note: str = "") -> Figure:
    """A picture a row, on the gray scale of the row's target, with a few numbers beside it.

    The numbers are the overall score, the error of the radial spectrum, kurtosis, and flatness
    of the increments between neighbors; of several channels, those of the first principal
    component.

    Args:
        rows: of which all have fields of the same names.
        title: a headline.
        note: small print at the bottom, wrapped to the width of the figure.

    Returns:
        The figure; save it with ``figure.savefig(path)``.

    Raises:
        ValueError: if there is no row, rows differ in the names of their fields, or groups and
            levels do not fit the channels.

    Example:
        >>> import numpy as np
        >>> figure = gallery([Row("diagonal", {"target": np.eye(16)}, {})])
        >>> len(figure.axes)
        1
    """
    names = _names(rows)
    rows = [row._replace(fields={n: plain(x) for n, x in row.fields.items()}) for row in rows]
    targets = [row.fields[names[0]] for row in rows]
    paints = [Paint.of(x, row.groups, row.levels) for x, row in zip(targets, rows, strict=True)]
    sizes = [paint.size(x.shape, _AIM) for x, paint in zip(targets, paints, strict=True)]
    column = max(width for _, width in sizes)
    table = MARGIN + len(names) * (column + _GAP) - _GAP + _TABLE_GAP
    width = table + _WORDS + len(names) * _COLUMN + MARGIN
    headline = wrap(title, width - 2 * MARGIN, HEADLINE)
    small = wrap(note, width - 2 * MARGIN, SMALL)
    tables = [_TABLE_HEIGHT + _LINE * (x.ndim == 3) for x in targets]
    heights = [max(a, b) + _ROW_GAP for (a, _), b in zip(sizes, tables, strict=True)]
    top = MARGIN * 0.8 + (48 * (headline.count("\n") + 1) + 10 if title else 0) + _HEADER
    bottom = top + sum(heights)
    page = Page.of(width, bottom + (26 * (small.count("\n") + 1) if note else 0) + MARGIN / 2)
    page.text(MARGIN, MARGIN * 0.8, headline, HEADLINE)
    page.text(MARGIN, bottom - 6, small, SMALL)
    for index, name in enumerate(names):
        left = MARGIN + index * (column + _GAP)
        page.text(left, top - LIFT, name, _look(names, index), below=False)
    for row, paint, (height, across), step in zip(rows, paints, sizes, heights, strict=True):
        for index, field in enumerate(row.fields.values()):
            left = MARGIN + index * (column + _GAP)
            paint.draw(page.axes(Box(left, top, across, height)), field)
        _table(page, row, table, top)
        top += step
    return page.figure


def _names(rows: Sequence[Row]) -> list[str]:
    kinds = {tuple(row.fields) for row in rows}
    if len(kinds) != 1:
        raise ValueError(
            f"The rows have {len(kinds)} different sets of fields ({sorted(kinds)}): pass at "
            "least one row, and rows with the same fields only."
        )
    return list(kinds.pop())


def _look(names: Sequence[str], index: int) -> dict:
    return {**NAME, "color": line(names, index).color}


def _table(page: Page, row: Row, left: float, top: float) -> None:
    """Name of a row and its numbers, a column per field in the field's color."""
    names = list(row.fields)
    page.text(left, top - 4, row.name, NAME)
    page.text(left, top + 36, wrap(row.note, _WORDS + len(names) * _COLUMN, SMALL), SMALL)
    for place, (words, cells) in enumerate(_numbers(row)):
        foot = top + 116 + place * _LINE
        page.text(left, foot, words, {**_CELL, "color": MUTED}, below=False)
        for index, cell in enumerate(cells):
            right = left + _WORDS + (index + 1) * _COLUMN - 14
            look = {**_CELL, "color": line(names, index).color, "ha": "right"}
            page.text(right, foot, cell, look, below=False)


def _numbers(row: Row) -> Iterator[tuple[str, list[str]]]:
    """Lines of the table: what is told, and a cell per field, empty where there is nothing."""
    given = {name: np.asarray(field, np.float64) for name, field in row.fields.items()}
    fields = first_components(given)
    first, seen = next(iter(fields)), alike(fields)

    def error(name: str) -> str:
        if name == first or first not in seen:
            return ""
        return f"{spectrum_error(seen[first], seen[name], periodic=row.periodic):.1f} dB"

    def flat(name: str) -> str:
        return _short(flatness(fields[name], (1,), periodic=row.periodic)[0])

    def cells(words: Callable[[str], str]) -> list[str]:
        return [words(name) if name in seen else "" for name in fields]

    scores = [row.scores.get(name) for name in fields]
    yield "", list(fields)
    yield "overall score", ["" if value is None else f"{value:.2f}" for value in scores]
    if given[first].ndim == 3:
        yield f"{COMPONENT}:", []
    yield "spectrum error", cells(error)
    yield "kurtosis", cells(lambda name: _short(kurtosis(fields[name])))
    yield "flatness, 1 px", cells(flat)


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
