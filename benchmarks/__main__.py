"""Speed and memory of one loss and gradient, against the FFTs that it inherently needs.

    python -m benchmarks [--size 128 256 512 1024] [--model scattering scattering4 spectra]
        [--devices N] [--repeats 7] [--end-to-end] [--batch 1 16 64] [--json FILE]

Models are order 2 with 8 angles, the same with 4, and the scattering spectra with 4. The floor is
a program of bare batched FFTs through the same backend (see ``floor``), on the grids that are in
use and on the critical ones, N / 2^j, which are the stricter measure. Like a descent, each program
does ten evaluations, on all cores of a processor unless told. Evaluation and floors are timed in
turn, and the ratios are medians of the pairs. Compilation is that of loss and gradient, traced,
lowered and compiled from empty caches. Every row has a process of its own, so its peak memory is
its own.

``--end-to-end`` runs the whole command with an empty and with a full cache of compiled programs;
of the default sizes up to 512. ``--batch`` times one evaluation of several samples together.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from benchmarks.command import end_to_end
from benchmarks.report import machine, save
from benchmarks.speed import MODELS, measure, measure_batch

SIZES = (128, 256, 512, 1024)

_LARGEST_END_TO_END = 512  # of the default sizes
_SIDES = (16, 8192)

Result = TypeVar("Result")


def growth(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, with time and memory relative to N² log₂ N, in units of the model's smallest size.

    Args:
        rows: with the keys ``model``, ``size``, ``seconds_evaluation`` and ``temp_memory_mb``.

    Returns:
        New rows with ``growth_time`` and ``growth_memory``: 1 at the smallest size, and larger
        than 1 where the cost has grown faster than N² log₂ N. Memory is that of the program,
        since a process holds several hundred MiB before it begins.
    """

    def relative(row: dict[str, Any], key: str) -> float | None:
        first = min((r for r in rows if r["model"] == row["model"]), key=lambda r: r["size"])
        if not first[key] or row[key] is None:
            return None
        return row[key] / first[key] / (_work(row["size"]) / _work(first["size"]))

    return [
        row
        | {
            "growth_time": relative(row, "seconds_evaluation"),
            "growth_memory": relative(row, "temp_memory_mb"),
        }
        for row in rows
    ]


def _work(size: int) -> float:
    return size**2 * math.log2(size)


def alone(function: Callable[..., Result], *arguments: object) -> Result:
    """What a function returns, called in a new process that ends with it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def show(row: dict[str, Any]) -> None:
    """Print one row of the table, and below it what a processor has not."""
    temp = row["temp_memory_mb"]
    print(
        f"{row['model']:11} {row['size']:5d} {row['num_scales']:2d} {row['num_angles']:2d}"
        f" {row['num_coefficients']:8d} {1e3 * row['seconds_evaluation']:9.2f}"
        f" {1e3 * row['seconds_fft_floor']:9.2f} {row['ratio']:6.2f}"
        f" {row['ratio_critical']:9.2f} {row['seconds_compile']:10.2f}"
        f" {'–' if temp is None else format(temp, '.0f'):>8} {row['peak_memory_mb']:8.0f}"
        f" {row['num_kernels']:8d}",
        flush=True,
    )
    if "seconds_traffic_floor" in row:
        print(
            f"  traffic floor {1e3 * row['seconds_traffic_floor']:.2f} ms, ratio"
            f" {row['ratio_traffic']:.2f}, at {row['bandwidth_gb_per_second']:.0f} GB/s"
        )


def show_command(figures: dict[str, Any]) -> None:
    """Print how long the whole command took."""
    print(
        f"  synth generate {figures['picture']}: {figures['seconds_cold']:.1f} s with an empty"
        f" cache, {figures['seconds_warm']:.1f} s with a full one; descent"
        f" {figures['seconds_descent']:.1f} s, {figures['evaluations']} evaluations,"
        f" {figures['outcome']}",
        flush=True,
    )
    for name in ("cold", "warm"):
        phases = figures[f"phases_{name}"].items()
        print(f"    {name}: {', '.join(f'{phase} {seconds:.1f} s' for phase, seconds in phases)}")


def show_batch(batch: dict[str, Any]) -> None:
    """Print how long an evaluation of several samples took."""
    print(
        f"  {batch['samples']} together: {1e3 * batch['seconds_evaluation']:.2f} ms per evaluation,"
        f" {1e3 * batch['seconds_per_sample']:.2f} ms per sample of it,"
        f" {batch['peak_memory_mb']:.0f} MB",
        flush=True,
    )


def show_growth(rows: Sequence[dict[str, Any]]) -> None:
    """Print time and memory relative to N² log₂ N, model by model."""
    print("\nRelative to N² log₂ N, in units of the smallest size: time / memory of the program")
    for model in dict.fromkeys(row["model"] for row in rows):
        cells = [
            f"{row['size']}: " + " / ".join("–" if g is None else f"{g:.2f}" for g in pair)
            for row in rows
            if row["model"] == model
            for pair in [(row["growth_time"], row["growth_memory"])]
        ]
        print(f"{model:11} {'   '.join(cells)}")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _options() -> argparse.Namespace:
    parser = _Parser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", type=int, nargs="+")
    parser.add_argument("--model", nargs="+", default=list(MODELS))
    parser.add_argument("--devices", type=int)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--end-to-end", action="store_true")
    parser.add_argument("--batch", type=int, nargs="+", default=[])
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/speed.json"))
    options = parser.parse_args()
    for model in options.model:
        if model not in MODELS:
            parser.error(f"There is no model {model}: choose {', '.join(MODELS)}.")
    for size in options.size or []:
        if not _SIDES[0] <= size <= _SIDES[1]:
            parser.error(f"The size {size} is out of range: choose {_SIDES[0]} to {_SIDES[1]}.")
    numbers = [("repeats", options.repeats), *(("batch", n) for n in options.batch)]
    for name, number in [*numbers, ("devices", options.devices)]:
        if number is not None and number < 1:
            parser.error(f"--{name} is {number}, and must be 1 or more.")
    return options


class Attempts:
    """Calls in processes of their own, and whether one of them has failed."""

    def __init__(self) -> None:
        self.failed = False

    def __call__(self, function: Callable[..., Result], *arguments: object) -> Result | None:
        """What it returns, or None and a sentence that says why."""
        try:
            return alone(function, *arguments)
        except Exception as error:  # whatever ends a process, such as too little memory
            what = " ".join(map(str, (function.__name__, *arguments)))
            why = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"{what} is left out: {why}", file=sys.stderr, flush=True)
            self.failed = True
            return None


def main() -> None:
    """Measure the rows that are asked for, print and keep them."""
    options, attempt = _options(), Attempts()
    sizes = sorted(set(options.size or SIZES))
    whole = sizes if options.size else [n for n in sizes if n <= _LARGEST_END_TO_END]
    where, rows = alone(machine), []  # no device is held here, where others measure
    print(
        "model        size  J  L  numbers   eval ms  floor ms  ratio  critical  compile s"
        "  temp MB  peak MB  kernels"
    )
    for model in dict.fromkeys(options.model):
        for size in sizes:
            row = attempt(measure, model, size, options.repeats, options.devices)
            if row is None:
                continue
            show(row)
            if options.end_to_end and size in whole:
                row["end_to_end"] = attempt(end_to_end, model, size, options.devices)
                if row["end_to_end"]:
                    show_command(row["end_to_end"])
            batches = (
                attempt(measure_batch, model, size, n, options.devices) for n in options.batch
            )
            for batch in filter(None, batches):
                row.setdefault("batches", []).append(batch)
                show_batch(batch)
            rows = growth([*rows, row])
            save(rows, options.json, where)
    if rows:
        show_growth(rows)
    if attempt.failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
