"""Which classes are taken for which, and the errors of several kinds of numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter

from synth.app.figures._page import (
    HEADLINE,
    INK,
    MARGIN,
    MUTED,
    SMALL,
    Box,
    Page,
    plot,
    style,
    wrap,
)
from synth.app.figures._parts import bare

__all__ = ["confusion"]

_COLORS = "Blues"
_SIDE, _MOST_CELL, _LEAST_CELL = 760, 96, 16  # pixels of the page: all cells, and one of them
_LETTER = 11.5  # pixels per letter of a name
_MOST_NAME = 24  # letters
_BARS, _BAR, _BESIDE = 420, 64, 240  # width of the bars, height of one, room for their names
_NUMBERS = 34  # pixels of a cell that has room for a number
_WORDS = (
    "Rows: classes of the pictures. Columns: classes that scattering found for them when they did "
    "not train. Colors are shares of a row; numbers count pictures."
)
_ERRORS = "Mean and standard deviation over the folds. Always the most frequent class: "


@style()
def confusion(
    counts: Int[np.ndarray, "k k"],
    names: Sequence[str],
    errors: Mapping[str, tuple[float, float]],
    *,
    title: str,
    chance: float,
) -> Figure:
    """A confusion matrix, and beside it errors of several kinds of numbers.

    Args:
        counts: pictures by their class (rows) and by the class that was found (columns).
        names: of the classes.
        errors: share of wrong pictures and its standard deviation, by the kind of numbers.
        title: what the pictures are.
        chance: error of whoever always says the most frequent class.

    Returns:
        The figure.

    Example:
        >>> counts = np.array([[9, 1], [0, 10]])
        >>> figure = confusion(
        ...     counts, ["foam", "brick"], {"scattering": (0.05, 0.1)}, title="two", chance=0.5
        ... )
    """
    shown = [_short(name) for name in names]
    cell = int(np.clip(_SIDE // len(names), _LEAST_CELL, _MOST_CELL))
    side = cell * len(names)
    room = int(_LETTER * max(map(len, shown))) + 24
    content = room + side + _BESIDE + _BARS
    headline = wrap(f"{_plain(title)}: which classes are taken for which", content, HEADLINE)
    top = MARGIN * 0.8 + 48 * (headline.count("\n") + 1) + 56
    bars = Box(MARGIN + room + side + _BESIDE, top, _BARS, _BAR * len(errors))
    under = _BARS + _BESIDE - 80
    beside = wrap(f"{_ERRORS}{100 * chance:.0f} % wrong.", under, SMALL)
    below = max(top + side + room, bars.top + bars.height + 90 + 30 * (beside.count("\n") + 1))
    words = wrap(_WORDS, content, SMALL)
    page = Page.of(content + 2 * MARGIN, below + 24 + 26 * (words.count("\n") + 1) + MARGIN / 2)
    page.text(MARGIN, MARGIN * 0.8, headline, HEADLINE)
    _matrix(page.axes(Box(MARGIN + room, top, side, side)), counts, shown, cell)
    _bars(page.axes(bars), errors)
    page.text(bars.left - _BESIDE + 80, bars.top + bars.height + 90, beside, SMALL)
    page.text(MARGIN, below + 24, words, SMALL)
    return page.figure


def _matrix(axes: Axes, counts: Int[np.ndarray, "k k"], names: Sequence[str], cell: int) -> None:
    """Shares of the rows as colors, and the counts where cells have room for them."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap=_COLORS, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    bare(axes)
    axes.xaxis.set_major_locator(FixedLocator(range(len(names))))
    axes.yaxis.set_major_locator(FixedLocator(range(len(names))))
    small = min(8.5, 8.5 * cell / 24)
    axes.set_xticklabels(names, rotation=90, size=small)
    axes.set_yticklabels(names, size=small)
    axes.tick_params(length=0, labelcolor=INK)
    if cell < _NUMBERS:
        return
    for row, column in zip(*np.nonzero(counts), strict=True):
        light = shares[row, column] > 0.5
        axes.text(
            column, row, f"{counts[row, column]}", ha="center", va="center", size=8,
            color="white" if light else INK,
        )  # fmt: skip


def _bars(axes: Axes, errors: Mapping[str, tuple[float, float]]) -> None:
    """Errors as bars, from zero, with their value at the end."""
    plot(axes, "Wrong pictures", "")
    values = np.array([value for value, _ in errors.values()])
    spreads = np.array([spread for _, spread in errors.values()])
    places = np.arange(len(values))
    ends = [np.minimum(spreads, values), spreads]
    axes.barh(
        places, values, height=0.55, color="#6baed6", xerr=ends,
        error_kw={"ecolor": MUTED, "capsize": 3, "elinewidth": 1.2},
    )  # fmt: skip
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(places.tolist()))
    axes.set_yticklabels(list(errors))
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, max(0.01, float((values + spreads).max()) * 1.3))
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.grid(visible=False, axis="y")
    for place, value, spread in zip(places, values, spreads, strict=True):
        axes.annotate(
            f"{100 * value:.3g} %", (value + spread, place), (8, 0), textcoords="offset points",
            va="center",
        )  # fmt: skip


def _short(name: str) -> str:
    """A name with its middle left out where it is too long."""
    half = _MOST_NAME // 2
    short = name if len(name) <= _MOST_NAME else f"{name[: half - 1]}…{name[-half:]}"
    return _plain(short)


def _plain(words: str) -> str:
    """Words in which a dollar is one, and no formula."""
    return words.replace("$", r"\$")
