"""What the command line shows while a run goes on, and the table at its end."""

import math
import time
from collections.abc import Generator
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from synth.images import Texture
from synth.runs import Options, Result, manifest
from synth.synthesis import Progress

__all__ = ["Display", "closing_table"]


class Display:
    """A live panel on the standard error: phase, evaluations, loss, residual, time left."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, transient=True, refresh_per_second=8)
        self._phase = ""

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

    def phase(self, name: str) -> None:
        """Name what is going on."""
        self._live.update(Text(f"{name} …"), refresh=True)

    def target(self, texture: Texture) -> None:
        """Say what was read, and what was done to it."""
        _, height, width = texture.field.shape
        borders = "periodic" if texture.periodic else "not periodic"
        self._console.print(f"{texture.name}: {height} × {width} pixels, {borders}")
        for note in texture.notes:
            self._console.print(note)

    def follow(self, run: Generator[Progress, None, Result], options: Options) -> Result:
        """Drain a run, showing its progress, and return its result."""
        trace = []
        while True:
            try:
                progress = next(run)
            except StopIteration as end:
                return end.value
            excess = progress.residual.excess(options.tolerance)
            trace.append((time.perf_counter(), progress.evaluations, float(excess)))
            self._live.update(_panel(progress, options, _seconds_left(trace, options)))


def _panel(progress: Progress, options: Options, left: float | None) -> Group:
    residual = progress.residual
    orders = ", ".join(f"{float(r):.2%}" for r in (residual.order1, residual.order2))
    return Group(
        Text(
            f"descending   {progress.evaluations} evaluations   loss {progress.losses[-1]:.3g}   "
            f"residual {float(residual.total):.2%} (order 1, 2: {orders})"
            + ("" if left is None else f"   about {left:.0f} s left")
        ),
        ProgressBar(total=options.max_steps, completed=progress.evaluations, width=60),
    )


def _seconds_left(trace: list[tuple[float, int, float]], options: Options) -> float | None:
    """Time to the tolerance, the residual falling on as a power of the evaluations."""
    now, count, excess = trace[-1]
    then, earlier, before = trace[len(trace) // 2]
    if count == earlier or not 0 < excess < before:
        return None
    power = math.log(before / excess) / math.log(count / earlier)
    goal = min(options.max_steps, count * max(1, excess) ** (1 / power))
    return (goal - count) * (now - then) / (count - earlier)


def closing_table(result: Result) -> None:
    """Print residuals and statistics of target, Gaussian and scattering, and the verdict."""
    report = manifest(result)
    models: dict = report["models"]
    table = Table(title=result.texture.name, title_justify="left")
    table.add_column()
    for name in ("target", *models):
        table.add_column(name, justify="right")
    for order in ("total", "order1", "order2"):
        table.add_row(
            "residual, all orders" if order == "total" else f"residual, order {order[-1]}",
            "",
            *(f"{one['residual'][order]:.2%}" for one in models.values()),
        )
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
        f"and descending {seconds['descend']:.0f} s."
    )
