"""What the command line shows while a run goes on, and the table at its end."""

import math
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from jaxtyping import Float
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from synth.app.images import Texture
from synth.app.runs import Look, Result
from synth.app.trials import CONTROL, Trials, verdicts
from synth.descent import Schedule, drain
from synth.metrics import Scoreboard
from synth.metrics.learned import Told

if TYPE_CHECKING:  # with scikit-learn, which is an extra
    from synth.app.albums import Pictures
    from synth.app.classes import Found, Verdict

T = TypeVar("T")

__all__ = ["Display", "class_table", "closing_table", "error_table", "learned_table", "score_table"]

_BLOCKS = {"c01": "C01", "c11": "C11"}
_BLOCKS |= {f"order{order}": f"order {order}" for order in range(3)}


_JUMPS = {
    "seam_jump": "jump across border / inside",
    "border_jump": "jump, drawn–kept / inside",
}
_COMPONENT = "Spectrum to flatness: of the first principal component."
_ONE = "1: these statistics cannot tell; a network might (compare --learned)."
_MOST_SKIPPED = 10  # that are named
_WIDEST = 80  # columns that a title may widen a table to


class Display:
    """A live panel on the standard error: phase, evaluations, loss, residual, time left.

    What was read is printed for good at the end, if all went well: an error stands alone.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, transient=True, refresh_per_second=8)
        self._spinner = Spinner("dots")
        self._facts: list[Text] = []
        self._silent = False

    def __enter__(self) -> "Display":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()
        if kind is None and not self._silent:
            for fact in self._facts:
                self._console.print(fact, soft_wrap=True)

    def silence(self) -> None:
        """Show nothing from here on: another process does."""
        self._silent = True
        self._live.stop()

    def phase(self, name: str) -> None:
        """Name what is going on."""
        self._show(Text(name))

    def target(self, texture: Texture) -> None:
        """Say what was read, and what was done to it."""
        _, height, width = texture.field.shape
        words = {"none": "not periodic", "xy": "periodic"}
        borders = words.get(texture.axes, f"periodic along {texture.axes}")
        count = texture.num_channels
        channels = f"{count} channels, " if count > 1 else ""
        facts = (f"{texture.name}: {height} × {width} pixels, {channels}{borders}.", *texture.notes)
        self._facts = [Text(fact) for fact in facts]

    def say(self, fact: str) -> None:
        """Say a sentence about the run that stays."""
        self._facts.append(Text(fact))

    def follow(self, run: Generator[Look, None, Result]) -> Result:
        """Drain a run, showing its progress, and return its result."""
        traces: dict[str, list[tuple[float, int, float]]] = {}

        def look(look: Look) -> None:
            progress = look.progress
            trace = traces.setdefault(look.model, [])
            if trace and progress.evaluations <= trace[-1][1]:  # the next level, or step of a mix
                trace.clear()
            excess = float(progress.excess.max()) / progress.schedule.tolerance
            trace.append((time.perf_counter(), progress.evaluations, excess))
            self._show(*_panel(look, _seconds_left(trace, progress.schedule)))

        return drain(run, look)

    def phases(self, run: Generator[str, None, T]) -> T:
        """Drain a run, naming what is going on, and return its result."""
        return drain(run, self.phase)

    def skipped(self, pictures: "Pictures") -> None:
        """Say what was done to pictures, and which ones were skipped."""
        for note in pictures.notes:
            self.say(note)
        for file, reason in list(pictures.skipped.items())[:_MOST_SKIPPED]:
            self.say(f"Skipped {file}: {reason}")
        left = len(pictures.skipped) - _MOST_SKIPPED
        if left > 0:
            self.say(f"Skipped {left} more: classes.json names them.")

    def trials(self, run: Generator[tuple[str, int], None, Trials]) -> Trials:
        """Drain the trials of a network, naming each, and return what it told."""

        def look(one: tuple[str, int]) -> None:
            name, patch = one
            self.phase(f"learning to tell {name or 'real'} from real, {patch} px")

        return drain(run, look)

    def _show(self, words: Text, *below: RenderableType) -> None:
        if self._silent:
            return
        self._spinner.update(text=words)
        self._live.update(Group(*self._facts, self._spinner, *below), refresh=True)


def _panel(look: Look, left: float | None) -> tuple[Text, Text, ProgressBar]:
    progress = look.progress
    loss = max(float(losses[-1]) for losses in progress.losses)
    height, width = progress.shape
    words = f"{look.model}, {height} × {width}: {progress.evaluations} evaluations, loss {loss:.3g}"
    if left is not None:
        words += f", about {left:.0f} s left"
    excess, tolerance = float(progress.excess.max()), progress.schedule.tolerance
    bar = ProgressBar(total=progress.schedule.max_steps, completed=progress.evaluations, width=60)
    return (
        Text(words),
        Text(f"  the worst block differs by {excess:.3f} of its noise, goal {tolerance:g}"),
        bar,
    )


def _seconds_left(trace: list[tuple[float, int, float]], schedule: Schedule) -> float | None:
    """Time to the tolerance on this level, the residual falling on as a power of the evaluations.

    Args:
        trace: time, evaluations and excess of the residual, look by look.
        schedule: of the level.

    Returns:
        Seconds, at most those to the step limit; None at the first look.
    """
    now, count, excess = trace[-1]
    then, earlier, before = trace[len(trace) // 2 - 1] if len(trace) > 1 else trace[0]
    if count == earlier:
        return None
    goal = float(schedule.max_steps)
    if 1 < excess < before:
        power = math.log(before / excess) / math.log(count / earlier)
        goal = min(goal, math.exp(min(math.log(count) + math.log(excess) / power, 700)))
    elif excess <= 1:
        goal = count
    goal = max(goal, min(schedule.min_steps, schedule.max_steps))
    return (goal - count) * (now - then) / (count - earlier)


def closing_table(result: Result) -> None:
    """Print residuals and statistics of target and models, the scoreboard and the verdict."""
    console = Console()
    if not result.shares:
        console.print(_models(result))
    elif result.descents:
        console.print(_steps(result))
    if result.scoreboard is not None:
        score_table(result.scoreboard)
    seconds = result.seconds
    console.print(
        f"{result.verdict} {seconds['total']:.0f} s, of which compiling {seconds['compile']:.0f} s "
        f"and descending {seconds['descend']:.0f} s.",
        soft_wrap=True,
        highlight=False,
    )


def _models(result: Result) -> Table:
    """A column per model, of its first sample."""
    from synth.app.record import manifest  # with matplotlib, which would delay the descent

    report = manifest(result)
    models: dict = report["models"]
    table = _table(result.texture.name, ("target", *models))
    for name, blocks in _grouped(report["noise"]).items():
        cells = (f"{_rms(one['residual'], blocks):.2%}" for one in models.values())
        limit, noise = _rms(report["unit"], blocks), _rms(report["noise"], blocks)
        if result.drawn is not None:  # that of the part that was drawn
            noise = limit
        words = f"over {limit:.0%}" if noise > limit else f"{noise:.2%}"
        table.add_row(f"residual, {_words(name)}", f"noise {words}", *cells)
    table.add_row(
        "spectrum error", "", *(f"{one['spectrum_error_db']:.2f} dB" for one in models.values())
    )
    columns = (report["target"], *models.values())
    for name in ("skewness", "kurtosis"):
        table.add_row(name, *(f"{one[name]:.2f}" for one in columns))
    for lag in report["target"]["flatness"]:
        values = (f"{one['flatness'][lag]:.2f}" for one in columns)
        table.add_row(f"flatness at {lag} px", *values)
    for name, words in _JUMPS.items():
        if all(name in one for one in models.values()):
            table.add_row(words, "", *(f"{one[name]:.2f}" for one in models.values()))
    if result.texture.num_channels > 1:
        table.caption = Text(_COMPONENT, justify="left")
    return table


def _grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """Blocks of all channels by one name; what is between channels may be told twice, alike."""
    groups: dict[str, list[str]] = {}
    for name in names:
        words = [part for part in name.split("/") if part != "each" and not part.isdecimal()]
        if words[:2] == ["spectra", "between"]:
            words = words[1:]
        groups.setdefault("/".join(words), []).append(name)
    return groups


def _rms(values: Mapping[str, float | None], names: Sequence[str]) -> float:
    """Root mean square over the channels of a block; NaN if one is not finite."""
    known = [math.nan if (value := values[name]) is None else value for name in names]
    return math.sqrt(sum(value**2 for value in known) / len(known))


def _steps(result: Result) -> Table:
    """A row per step of a mix: how far the worst block of each model is from the line."""
    names = tuple(result.descents)
    table = _table("Distance from the straight line, in units of the noise", names)
    for index, share in enumerate(result.shares):
        cells = (f"{result.descents[name][index].excess:.3f}" for name in names)
        table.add_row(f"{share:.0%} {Path(str(result.options.mix)).stem}", *cells)
    return table


def _words(block: str) -> str:
    """The name of a block, such as ``moments/order2``, for a reader: moments, order 2."""
    names = (_BLOCKS.get(name, name.replace("_", " ")) for name in block.split("/"))
    return ", ".join(names)


def score_table(board: Scoreboard) -> None:
    """Print a scoreboard: a row per statistic, a column per model, means over samples."""
    source = "real pieces" if board.pieces else "real fields"
    table = _table(f"Distance from the target; 1 = as two {source}", tuple(board.scores))
    for name in board.floor:
        cells = (f"{score.ratios[name].mean():.2f}" for score in board.scores.values())
        table.add_row(name, *cells)
    table.add_section()
    table.add_row("overall", *(_spread(score.overall) for score in board.scores.values()))
    foreign = [score.foreign for score in board.scores.values()]
    if any(each is not None for each in foreign):
        cells = ("" if each is None else f"{each.mean():.1%}" for each in foreign)
        table.add_row("pixels of foreign colors", *cells)
    copies = [sum(one.copied for one in score.copying) for score in board.scores.values()]
    if any(copies):
        table.add_row("copies of the target", *map(str, copies))
    table.caption = Text(_ONE, justify="left")
    Console().print(table)


def learned_table(told: Trials) -> None:
    """Print how well a network told models from real fields: a row each, a column per size."""
    console, sizes = Console(), told.patches
    table = _table("AUC of a network and its 95 % interval", [f"{patch} px" for patch in sizes])
    for name, row in told.rows.items():
        cells = (_interval(row[patch]) if patch in row else "–" for patch in sizes)
        table.add_row("real, the control" if name == CONTROL else name, *cells)
    table.caption = Text("0.50: it cannot tell; 1.00: it always can.", justify="left")
    console.print(table)
    for sentence in verdicts(told):
        console.print(sentence, soft_wrap=True, highlight=False)


def error_table(verdict: "Verdict") -> None:
    """Print how many pictures each kind of numbers gets wrong, and what is mixed up most."""
    album, total = verdict.album, len(verdict.album.labels)
    title = f"{album.name}: {total} pictures of {len(album.names)} classes, error"
    columns = ("wrong", "error", "95 % interval")
    table = _table(f"{title} in {verdict.settings.folds} folds", columns)
    for kind, told in verdict.told.items():
        mean, spread = 100 * told.errors.mean(), 100 * told.errors.std(ddof=1)
        low, high = (100 * end for end in told.interval)
        error = f"{mean:.2f} ± {spread:.2f} %"
        table.add_row(kind, str(told.wrong), error, f"{low:.2f}–{high:.2f} %")
    words = (
        "Each class an affine space. Error: mean and standard deviation over the folds. To name "
        f"always the most frequent class: {100 * verdict.chance:.0f} %."
    )
    table.caption = Text(words, justify="left")
    console = Console()
    console.print(table)
    mixed = verdict.confusion * (1 - np.eye(len(album.names), dtype=int))
    if mixed.any():
        row, column = np.unravel_index(mixed.argmax(), mixed.shape)
        console.print(
            f"Scattering mixes up most: {album.names[row]}, {mixed[row, column]} of "
            f"{verdict.confusion[row].sum()} taken for {album.names[column]}.",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )


def class_table(found: "Sequence[Found]") -> None:
    """Print the class of each picture, the next one, and how clear it is."""
    table = _table("Classes that were found", ("class", "next", "margin"))
    for one in found:
        table.add_row(Text(str(one.file)), Text(one.name), Text(one.second), f"{one.margin:.2f}")
    words = "Margin: 1 − distance / distance of the next; near 0 it could be either."
    table.caption = Text(words, justify="left")
    Console().print(table)


def _interval(one: Told) -> str:
    return f"{one.auc:.2f} ({one.low:.2f}–{one.high:.2f})"


def _table(title: str, columns: Sequence[str]) -> Table:
    width = min(len(title), _WIDEST)
    table = Table(title=Text(title), title_justify="left", min_width=width)
    table.add_column()
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _spread(values: Float[np.ndarray, " b"]) -> str:
    mean = f"{values.mean():.2f}"
    return mean if len(values) == 1 else f"{mean} ± {values.std(ddof=1):.2f}"
