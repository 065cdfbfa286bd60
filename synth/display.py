"""What the command line shows while a run goes on, and the table at its end."""

import math
import time
from collections.abc import Generator
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from synth.images import Texture
from synth.runs import Options, Result, manifest
from synth.statistics import Residual
from synth.synthesis import Progress, drain

__all__ = ["Display", "closing_table"]


class Display:
    """A live panel on the standard error: phase, evaluations, loss, residual, time left.

    What was read is printed for good at the end, if all went well: an error stands alone.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, transient=True, refresh_per_second=8)
        self._spinner = Spinner("dots")
        self._facts: list[Text] = []

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()
        if kind is None:
            for fact in self._facts:
                self._console.print(fact, soft_wrap=True)

    def phase(self, name: str) -> None:
        """Name what is going on."""
        self._show(Text(name))

    def target(self, texture: Texture) -> None:
        """Say what was read, and what was done to it."""
        _, height, width = texture.field.shape
        borders = "periodic" if texture.periodic else "not periodic"
        facts = (f"{texture.name}: {height} × {width} pixels, {borders}.", *texture.notes)
        self._facts = [Text(fact) for fact in facts]

    def follow(self, run: Generator[Progress, None, Result], options: Options) -> Result:
        """Drain a run, showing its progress, and return its result."""
        trace: list[tuple[float, int, float]] = []

        def look(progress: Progress) -> None:
            excess = progress.residual.largest() / options.tolerance
            trace.append((time.perf_counter(), progress.evaluations, float(excess)))
            self._show(*_panel(progress, options, _seconds_left(trace, options)))

        return drain(run, look)

    def _show(self, words: Text, *below: RenderableType) -> None:
        self._spinner.update(text=words)
        self._live.update(Group(*self._facts, self._spinner, *below), refresh=True)


def _panel(
    progress: Progress, options: Options, left: float | None
) -> tuple[Text, Text, ProgressBar]:
    words = f"descending: {progress.evaluations} evaluations, loss {progress.losses[-1]:.3g}"
    if left is not None:
        words += f", about {left:.0f} s left"
    parts = (f"{name} {value:.2%}" for name, value in _orders(progress.residual))
    bar = ProgressBar(total=options.max_steps, completed=progress.evaluations, width=60)
    return Text(words), Text(f"  residual: {', '.join(parts)}"), bar


def _orders(residual: Residual) -> list[tuple[str, float]]:
    orders = (residual.total, residual.order0, residual.order1, residual.order2)
    names = ("all orders", "order 0", "order 1", "order 2")
    return [(name, float(value)) for name, value in zip(names, orders, strict=True)]


def _seconds_left(trace: list[tuple[float, int, float]], options: Options) -> float | None:
    """Time to the tolerance, the residual falling on as a power of the evaluations.

    Args:
        trace: time, evaluations and excess of the residual, look by look.
        options: which set the tolerance and the step limit.

    Returns:
        Seconds, at most those to the step limit; None at the first look.
    """
    now, count, excess = trace[-1]
    then, earlier, before = trace[len(trace) // 2 - 1] if len(trace) > 1 else trace[0]
    if count == earlier:
        return None
    goal = float(options.max_steps)
    if 1 < excess < before:
        power = math.log(before / excess) / math.log(count / earlier)
        goal = min(goal, math.exp(min(math.log(count) + math.log(excess) / power, 700)))
    elif excess <= 1:
        goal = count
    return (goal - count) * (now - then) / (count - earlier)


def closing_table(result: Result) -> None:
    """Print residuals and statistics of target, Gaussian and scattering, and the verdict."""
    report = manifest(result)
    models: dict = report["models"]
    table = Table(title=Text(result.texture.name), title_justify="left")
    table.add_column()
    for name in ("target", *models):
        table.add_column(name, justify="right")
    rows = [_orders(candidate.residual) for candidate in result.candidates.values()]
    for cells in zip(*rows, strict=True):
        table.add_row(f"residual, {cells[0][0]}", "", *(f"{value:.2%}" for _, value in cells))
    table.add_row(
        "spectrum error", "", *(f"{one['spectrum_error_db']:.2f} dB" for one in models.values())
    )
    columns = (report["target"], *models.values())
    for name in ("skewness", "kurtosis"):
        table.add_row(name, *(f"{one[name]:.2f}" for one in columns))
    for lag in report["target"]["flatness"]:
        values = (f"{one['flatness'][lag]:.2f}" for one in columns)
        table.add_row(f"flatness of increments, {lag} px", *values)
    console = Console()
    console.print(table)
    seconds = result.seconds
    console.print(
        f"{result.verdict} {seconds['total']:.0f} s, of which compiling {seconds['compile']:.0f} s "
        f"and descending {seconds['descend']:.0f} s.",
        soft_wrap=True,
        highlight=False,
    )
