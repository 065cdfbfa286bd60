"""How well a network tells models from real fields, against the size of what it sees."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

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
from synth.app.figures._parts import line
from synth.metrics.learned import Told

__all__ = ["areas"]

_WIDTH, _HEIGHT, _LABELS, _LEGEND = 760, 520, 100, 260
_SHIFT = 0.018  # between models, of an octave
_SMALL_PRINT = (
    "A small network is trained on some fields and judged on others. AUC: how often it scores a "
    "made patch higher than a real one. Bars: 95 % intervals over fields."
)


@style()
def areas(
    rows: Mapping[str, Mapping[int, Told]], *, control: str, title: str, note: str = ""
) -> Figure:
    """AUC against the side of patches: a line per model, and a band for real against real.

    Args:
        rows: by the model's name, then by the side of patches.
        control: name of the row of real fields against real ones; it may have no sizes.
        title: what the models were made after.
        note: below the diagram, after how to read it.

    Returns:
        The figure.
    """
    content = _LABELS + _WIDTH + _LEGEND
    headline = wrap(f"{title}: can a network tell?", content, HEADLINE)
    small = wrap(f"{_SMALL_PRINT}\n{note}".strip(), content, SMALL)
    top = MARGIN * 0.8 + 48 * (headline.count("\n") + 1) + 24
    bottom = top + _HEIGHT + 96
    page = Page.of(content + 2 * MARGIN, bottom + 26 * (small.count("\n") + 1) + MARGIN / 2)
    page.text(MARGIN, MARGIN * 0.8, headline, HEADLINE)
    page.text(MARGIN, bottom, small, SMALL)
    axes = page.axes(Box(MARGIN + _LABELS, top, _WIDTH, _HEIGHT))
    plot(axes, "", "side of patches (pixels)", "AUC: made patches scored higher")
    patches = sorted({patch for row in rows.values() for patch in row})
    _grid(axes, patches)
    models = [name for name in rows if name != control]
    _draw(axes, control, rows[control], MUTED, ":", 0)
    for index, name in enumerate(models):
        look = line(["target", *models], index + 1)
        shift = (index - (len(models) - 1) / 2) * _SHIFT
        _draw(axes, name, rows[name], look.color, look.linestyle, shift)
    lows = [told.low for row in rows.values() for told in row.values()]
    axes.set_ylim(min([0.4, *(low - 0.03 for low in lows)]), 1.03)
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    return page.figure


def _grid(axes: Axes, patches: list[int]) -> None:
    """The empty diagram, and what a coin would do."""
    axes.set_xscale("log", base=2)
    axes.set(xlim=(patches[0] / 1.25, patches[-1] * 1.25))
    axes.xaxis.set_major_locator(FixedLocator(patches))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axhline(0.5, color=INK, linewidth=1.2)
    axes.annotate(
        "cannot tell", (1, 0.5), (8, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", va="center", **SMALL,
    )  # fmt: skip


def _draw(
    axes: Axes, name: str, row: Mapping[int, Told], color: str, dashes: str, shift: float
) -> None:
    """One row: values, joined, with their intervals."""
    if not row:
        return
    told = [row[patch] for patch in sorted(row)]
    x = np.array([one.patch for one in told]) * 2.0**shift
    values = np.array([one.auc for one in told])
    ends = [values - [one.low for one in told], [one.high for one in told] - values]
    label = name or "real against real"
    axes.errorbar(
        x, values, ends, color=color, linestyle=dashes, linewidth=1.8, marker="o", markersize=6,
        markeredgecolor="white", capsize=3, elinewidth=1.4, label=label,
    )  # fmt: skip
