"""The page that every figure is drawn on: its style, and boxes that are placed in pixels.

Automatic layouts give a picture whatever room is left, and a pixel of it then covers one or two
pixels of the page by chance: noise shows stripes that are not there. Here the pictures come first
and the page is made to fit.
"""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import Locator

__all__ = [
    "DPI",
    "HEADING",
    "HEADLINE",
    "INK",
    "LIFT",
    "MARGIN",
    "MUTED",
    "NAME",
    "SMALL",
    "Box",
    "Look",
    "Page",
    "colorbar",
    "logarithmic",
    "plot",
    "style",
    "wrap",
]

DPI = 160
INK = "#1a1a1a"
MUTED = "#5c5c5c"
MARGIN = 56  # pixels around everything
_GRID = "#e4e4e4"
_STYLE = {
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "text.usetex": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "white",
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.labelsize": 9,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.solid_capstyle": "round",
}


Look = dict[str, Any]
"""Font of a text: size in points, weight, color."""

HEADLINE: Look = {"size": 15, "weight": "bold"}
NAME: Look = {"size": 12, "weight": "bold"}
HEADING: Look = {"size": 10, "weight": "bold"}
SMALL: Look = {"size": 8.5, "color": MUTED}
LIFT = 20  # pixels between a title's baseline and what it stands on


class Box(NamedTuple):
    """A rectangle on the page, in pixels from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


class Page(NamedTuple):
    """A figure whose parts are placed in pixels from the upper left corner."""

    figure: Figure

    @classmethod
    def of(cls, width: float, height: float) -> "Page":
        """A blank page of this size in pixels."""
        return cls(Figure(figsize=(width / DPI, height / DPI), dpi=DPI))

    def axes(self, box: Box) -> Axes:
        """Axes that fill a box."""
        width, height = self.figure.get_size_inches() * DPI
        bottom = height - box.top - box.height
        return self.figure.add_axes(
            (box.left / width, bottom / height, box.width / width, box.height / height)
        )

    def text(self, left: float, top: float, words: str, look: Look, *, below: bool = True) -> None:
        """Words that hang below a point, or stand on it like the title of a diagram."""
        width, height = self.figure.get_size_inches() * DPI
        self.figure.text(
            left / width,
            1 - top / height,
            words,
            va="top" if below else "baseline",
            linespacing=1.35,
            **look,
        )


@contextmanager
def style() -> Iterator[None]:
    """The look of the figures, in force while one is made; also a decorator."""
    with mpl.rc_context(_STYLE):  # pyright: ignore[reportArgumentType]
        yield


def wrap(words: str, width: float, look: Look) -> str:
    """Break a text so that no line of it, in the font ``look``, is wider than so many pixels."""
    family = _STYLE["font.family"]
    font = FontProperties(family=family, size=look["size"], weight=look.get("weight"))
    return "\n".join(_broken(part, width, font) for part in words.splitlines())


def _broken(part: str, width: float, font: FontProperties) -> str:
    most = int(1.2 * len(part) * width / max(_width(part, font), width))
    for length in range(most, 0, -1):
        lines = textwrap.wrap(part, length)
        if all(_width(line, font) <= width for line in lines):
            return "\n".join(lines)
    return part


def _width(words: str, font: FontProperties) -> float:
    return text_to_path.get_text_width_height_descent(words, font, ismath=False)[0] * DPI / 72


def plot(axes: Axes, title: str, xlabel: str, ylabel: str = "") -> Axes:
    """Give axes the look of a diagram: a title, labels, a quiet grid, two spines."""
    axes.set_title(title, HEADING, loc="left", pad=LIFT * 72 / DPI)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=_GRID, linewidth=0.7)
    # Ticks are born when they are first drawn, outside of ``style``.
    axes.tick_params(which="both", labelsize=8.5, color=MUTED, labelcolor=INK, width=0.7)
    axes.tick_params(which="minor", length=2)
    return axes


def logarithmic(axes: Axes) -> None:
    """Make the vertical axis logarithmic and at least a decade long, for readable ticks."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 12 * low:
        middle = (low * high) ** 0.5
        axes.set_ylim(middle / 3.5, middle * 3.5)


def colorbar(axes: Axes, colors: ScalarMappable, ticks: Locator) -> Colorbar:
    """Fill narrow axes with a scale of colors."""
    bar = Colorbar(axes, colors, ticks=ticks)
    axes.tick_params(length=0, labelsize=8.5, labelcolor=MUTED, pad=5)
    bar.outline.set(linewidth=0.5, color=MUTED)  # pyright: ignore[reportCallIssue]
    return bar
