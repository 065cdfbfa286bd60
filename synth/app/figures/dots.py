"""The picture of the scoreboard: how far models are from their target, a row per statistic."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import ArrayLike

from synth.app.figures._page import (
    DPI,
    HEADING,
    HEADLINE,
    INK,
    MARGIN,
    MUTED,
    NAME,
    SMALL,
    Box,
    Look,
    Page,
    plot,
    style,
    wrap,
)
from synth.app.figures._parts import line
from synth.metrics import CHANNEL_STATISTICS, Score, Scoreboard

__all__ = ["scoreboard"]

_WORDS = {  # group and label; statistics without words stand at the end, by their names
    "radial spectrum": ("Spectrum", "power by scale"),
    "spectrum 2-D": ("Spectrum", "by scale and direction"),
    "wasserstein": ("Gray levels", "histogram"),
    "skewness": ("Gray levels", "skewness"),
    "kurtosis": ("Gray levels", "kurtosis"),
    "structure functions": ("Pixel pairs", "size of differences"),
    "flatness": ("Pixel pairs", "flatness of differences"),
    "equilateral bispectrum": ("Three waves", "equally long"),
    "squeezed bispectrum": ("Three waves", "one long, two short"),
    "area": ("Shapes", "area above a level"),
    "perimeter": ("Shapes", "length of outlines"),
    "Euler number": ("Shapes", "blobs minus holes"),
    "patches 1": ("Patches 7 × 7", "finest details"),
    "patches 2": ("Patches 7 × 7", "2× as coarse"),
    "patches 3": ("Patches 7 × 7", "4× as coarse"),
    "patches 4": ("Patches 7 × 7", "8× as coarse"),
    "jets 1": ("Slope, curvature", "blurred by 1 px"),
    "jets 2": ("Slope, curvature", "blurred by 2 px"),
    "jets 4": ("Slope, curvature", "blurred by 4 px"),
    "alignment": ("Direction", "parallel edges"),
}
_CHANNEL_WORDS = {  # on the scoreboard of several channels, where no level is gray
    "wasserstein": ("Levels", "histogram"),
    "skewness": ("Levels", "skewness"),
    "kurtosis": ("Levels", "kurtosis"),
    "colors": ("Colors", "of pixels"),
    "colors, blur 1": ("Colors", "blurred by 1 px"),
    "colors, blur 2": ("Colors", "blurred by 2 px"),
    "colors, blur 4": ("Colors", "blurred by 4 px"),
    "color patches 1": ("Colors of 5 × 5", "finest details"),
    "color patches 2": ("Colors of 5 × 5", "2× as coarse"),
    "color patches 3": ("Colors of 5 × 5", "4× as coarse"),
    "coherence": ("Channels", "waves together"),
    "coherence of moduli": ("Channels", "activity together"),
}
_OVERALL = "overall"
_COMPONENTS = "Rows above Colors: root mean square over the principal components of the channels."
_FOREIGN = "Foreign colors: share of pixels with a color that the target lacks, median of samples."
_LOW, _ENDS = 0.3, (5.0, 10.0, 20.0, 50.0, 100.0)  # the axis is as long as the ratios need
_TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100)
_GOOD, _STRIP, _SPREAD = "#ededed", "#f7f7f7", "#cbcbcb"
_MARKS = "osD^vp"
_DOT, _LARGE = 6.6, 8.5  # points
_MORE = ("#0072B2", "#D55E00", "#E69F00", MUTED)  # where the colors of fields are used up

_LABELS, _DIAGRAM = 420, 788  # widths left of the axes and of them
_SHIFT, _LEAST, _GAP = 9, 30, 14  # between models, of a row, between groups
_SLIT, _EXTRA = 6, 10  # between rows; height that overall scores have more
_ABOVE, _BELOW = 124, 92  # words at the axes
_LINE, _NUMBER = 32, 80  # of a name; of a number beyond the axis


class _Model(NamedTuple):
    """One model and how its dots look."""

    name: str
    score: Score
    color: str
    mark: str
    shift: float

    def samples(self, row: str) -> Float[np.ndarray, " b"]:
        return self.score.overall if row == _OVERALL else self.score.ratios[row]

    def middle(self, row: str) -> float:
        return float(np.median(self.samples(row)))

    @property
    def copies(self) -> str:
        every = [signs.copied for signs in self.score.copying]
        if not any(every):
            return ""
        return "copies the target" if all(every) else f"{sum(every)} of {len(every)} copied"

    @property
    def foreign(self) -> str:
        if self.score.foreign is None:
            return ""
        share = 100 * float(np.median(self.score.foreign))
        return f"{share:.2g} % foreign colors" if share < 99.5 else "100 % foreign colors"


class _Rows(NamedTuple):
    """Where rows and groups lie, in pixels below the top of the axes."""

    places: dict[str, float]
    labels: list[str]
    groups: dict[str, float]
    step: float
    height: float

    @classmethod
    def of(cls, names: Sequence[str], models: int) -> "_Rows":
        known = _WORDS | _CHANNEL_WORDS if _has_channels(names) else _WORDS
        words = {name: known.get(name, ("Further", name)) for name in names}
        step = max(_LEAST, _SHIFT * models + 10)
        first = step + _EXTRA
        places, groups, top = {_OVERALL: first / 2}, {}, first + 2 * _GAP
        for group in dict.fromkeys(group for group, _ in words.values()):
            members = [name for name in names if words[name][0] == group]
            groups[group] = top
            places |= {name: top + (k + 0.5) * step for k, name in enumerate(members)}
            top += len(members) * step + _GAP
        labels = [_OVERALL, *(words[name][1] for name in list(places)[1:])]
        return cls(places, labels, groups, step, top)


@style()
def scoreboard(board: Scoreboard, *, title: str = "", note: str = "") -> Figure:
    """Ratios to the noise floor: a row per statistic, in it a dot per model.

    A dot is the median over a model's samples; its whisker spans them all. At 1 a field is as
    far from the target as another real one; less counts as 1. Arrows leave the axis, those on
    the right with their number. Hollow dots belong to models that copy the target.

    Args:
        board: of one to six models, each with one sample or more.
        title: a headline.
        note: small print at the bottom, wrapped to the width of the figure.

    Returns:
        The figure; save it with ``figure.savefig(path)``.

    Raises:
        ValueError: if there is no model, or more than six, or one without samples.

    Example:
        >>> from synth.metrics import compare
        >>> x, y, z, noise = np.random.default_rng(0).normal(size=(4, 32, 32))
        >>> board = compare(x, {"noise": [noise]}, reals=[y, z])
        >>> scoreboard(board).savefig("board.png")  # doctest: +SKIP
    """
    models = _models(board)
    rows = _Rows.of(list(board.floor), len(models))
    beyond = max(sum(m.middle(row) > _ENDS[-1] for m in models) for row in rows.places)
    right = max(MARGIN, MARGIN / 2 + _NUMBER * beyond)
    content = _LABELS + _DIAGRAM + right - MARGIN
    cards = _Cards.of(models, content)
    headline, small = wrap(title, content, HEADLINE), wrap(_small(board, note), content, SMALL)
    above = MARGIN * 0.8 + (48 * (headline.count("\n") + 1) + 24 if title else 0)
    top = above + cards.height + _ABOVE
    bottom = top + rows.height + _BELOW
    page = Page.of(content + 2 * MARGIN, bottom + 26 * (small.count("\n") + 1) + MARGIN / 2)
    page.text(MARGIN, MARGIN * 0.8, headline, HEADLINE)
    page.text(MARGIN, bottom, small, SMALL)
    _draw_cards(page.axes(Box(MARGIN, above, content, cards.height)), cards, models)
    for group, place in rows.groups.items():
        page.text(MARGIN, top + place + rows.step / 2 + 7, group, HEADING, below=False)
    axes = page.axes(Box(MARGIN + _LABELS, top, _DIAGRAM, rows.height))
    _floor(axes, board, rows, _end(models, rows))
    for model in models:
        _dots(axes, model, rows)
    _numbers(axes, models, rows)
    return page.figure


def _models(board: Scoreboard) -> list[_Model]:
    """Models with their looks; colors are those of the other figures, unless they repeat."""
    if not 1 <= len(board.scores) <= len(_MARKS):
        raise ValueError(
            f"The scoreboard has {len(board.scores)} models: pass one with 1 to {len(_MARKS)}, "
            "as many as can be told apart."
        )
    names, models = ["target", *board.scores], []
    for index, (name, score) in enumerate(board.scores.items()):
        if not len(score.overall):
            raise ValueError(f"The model {name!r} has no samples: compare one at least.")
        taken = {model.color for model in models}
        colors = (line(names, index + 1).color, *_MORE)
        color = next(color for color in colors if color not in taken)
        shift = (index - (len(board.scores) - 1) / 2) * _SHIFT
        models.append(_Model(name, score, color, _MARKS[index], shift))
    return models


def _has_channels(names: Collection[str]) -> bool:
    """Whether there are rows of several channels."""
    return not CHANNEL_STATISTICS.keys().isdisjoint(names)


def _small(board: Scoreboard, note: str) -> str:
    """How to read the dots, then the caller's note."""
    words = "1×: these statistics cannot tell. "
    words += f"Gray bars: how far real {_noun(board)}s are from each other. "
    if any(len(score.overall) > 1 for score in board.scores.values()):
        words += "Dots: median of a model's samples, whiskers: all of them. "
    middles = [np.median(each) for s in board.scores.values() for each in s.ratios.values()]
    if min(middles) < _LOW or max(middles) > _ENDS[-1]:
        words += "Arrows: beyond the axis. "
    words += "Overall: geometric mean of the rows, each at least 1×."
    if _has_channels(board.floor):
        words += f" {_COMPONENTS}"
    if any(score.foreign is not None for score in board.scores.values()):
        words += f" {_FOREIGN}"
    return f"{words}\n{note}" if note else words


def _noun(board: Scoreboard) -> str:
    return "piece" if board.pieces else "field"


class _Cards(NamedTuple):
    """The legend: models side by side, each with its overall score."""

    names: list[str]
    look: Look
    slot: float
    foot: float
    words: list[list[str]]  # below the overall score, line by line
    height: float

    @classmethod
    def of(cls, models: Sequence[_Model], width: float) -> "_Cards":
        slot = min(width / len(models), 320)
        look = NAME if len(models) < 5 else {**NAME, "size": 10}
        names = [wrap(model.name, slot - 44, look) for model in models]
        foot = _LINE * max(name.count("\n") for name in names) + 68
        words = [
            wrap(f"{model.foreign}\n{model.copies}".strip(), slot - 32, SMALL).splitlines()
            for model in models
        ]
        return cls(names, look, slot, foot, words, foot + 38 + 28 * max(map(len, words)))


def _draw_cards(axes: Axes, cards: _Cards, models: Sequence[_Model]) -> None:
    axes.set_axis_off()
    axes.set(xlim=(0, axes.bbox.width), ylim=(cards.height, 0))
    for index, (model, name) in enumerate(zip(models, cards.names, strict=True)):
        left = index * cards.slot + 28
        _mark(axes, [left - 18], [16], model, [_LARGE])
        for place, part in enumerate(name.split("\n")):
            axes.text(left, 26 + _LINE * place, part, cards.look, color=model.color)
        axes.text(left, cards.foot, f"{_short(model.middle(_OVERALL))}×", HEADLINE)
        axes.text(left, cards.foot + 32, "overall", SMALL)
        for place, words in enumerate(cards.words[index]):
            axes.text(left, cards.foot + 60 + 28 * place, words, SMALL, color=INK)


def _short(value: float) -> str:
    if value >= 9999.5:
        return f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
    return f"{value:.2f}" if value < 9.995 else f"{value:,.0f}"


def _mark(axes: Axes, x: ArrayLike, y: ArrayLike, model: _Model, sizes: ArrayLike) -> None:
    """Dots of a model, hollow if it copies its target; sizes in points."""
    face, edge = ("white", model.color) if model.copies else (model.color, "white")
    axes.scatter(
        x, y, np.square(sizes), facecolors=face, marker=model.mark, edgecolors=edge, zorder=4,
        linewidths=1.2 if model.copies else 0.5, clip_on=False, label=model.name,
    )  # fmt: skip


def _end(models: Sequence[_Model], rows: _Rows) -> float:
    """The nearest end of the axis that leaves no sample beyond, or the last one."""
    most = max(model.samples(row).max() for model in models for row in rows.places)
    return next((end for end in _ENDS if most < end), _ENDS[-1])


def _floor(axes: Axes, board: Scoreboard, rows: _Rows, end: float) -> None:
    """The empty diagram: rows, and what real fields reach among themselves."""
    noun = _noun(board)
    plot(axes, "", f"distance from the target ÷ distance between two real {noun}s")
    axes.set(xscale="log", xlim=(_LOW, end), ylim=(rows.height, 0))
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(FixedLocator(_TICKS))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(list(rows.places.values()), rows.labels)
    axes.tick_params(axis="y", length=0, pad=8)
    axes.tick_params(axis="x", labeltop=True)
    axes.grid(visible=False, axis="y")
    axes.get_yticklabels()[0].set(**HEADING)
    axes.axvspan(_LOW, 1, color=_GOOD, linewidth=0)
    axes.axvline(1, color=INK, linewidth=1.4)
    tall = rows.step - _SLIT
    first = (rows.places[_OVERALL], end - _LOW, tall + _EXTRA, _LOW)
    axes.barh(*first, fill=False, edgecolor=MUTED)
    axes.barh(list(rows.places.values())[1:], end - 1, tall, 1, color=_STRIP, zorder=0)
    for name, (low, high) in board.spread.items():
        low, high = max(low, _LOW), max(high, _LOW)
        axes.barh(rows.places[name], high - low, tall, low, color=_SPREAD)
    look = {**SMALL, "va": "bottom", "linespacing": 1.35}
    axes.text(0.97, -44, f"as good as\nanother real {noun}", ha="right", **look)
    axes.text(1.03, -44, "further away →", ha="left", **look)


def _dots(axes: Axes, model: _Model, rows: _Rows) -> None:
    """Dots and whiskers of one model, and arrows for the dots beyond the ends."""
    low, high = axes.get_xlim()
    x = np.array([model.middle(row) for row in rows.places])
    y = np.array(list(rows.places.values())) + model.shift
    inside = (x >= low) & (x <= high)
    samples = [np.clip(model.samples(row), low, high) for row in rows.places]
    axes.hlines(y, [v.min() for v in samples], [v.max() for v in samples], model.color, zorder=3)
    sizes = np.where([row == _OVERALL for row in rows.places], _LARGE, _DOT)
    _mark(axes, x[inside], y[inside], model, sizes[inside])
    for arrow, end, beyond in (("<", low, x < low), (">", high, x > high)):
        axes.plot(
            np.full(beyond.sum(), end), y[beyond], arrow, color=model.color, markersize=5,
            clip_on=False, label=f"_{model.name}",
        )  # fmt: skip


def _numbers(axes: Axes, models: Sequence[_Model], rows: _Rows) -> None:
    """Ratios beyond the axis, side by side at its end."""
    end = axes.get_xlim()[1]
    for row, place in rows.places.items():
        beyond = [model for model in models if model.middle(row) > end]
        for index, model in enumerate(beyond):
            right = (16 + index * _NUMBER) * 72 / DPI
            axes.annotate(
                f"{_short(model.middle(row))}×", (end, place + model.shift), (right, 0),
                textcoords="offset points", color=model.color, va="center",
            )  # fmt: skip
