"""Turns of a peer's process and of ours, one after the other, and ratios of them."""

import argparse
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["PeerError", "answer", "ask", "figures", "parsed", "parser_of", "peer"]

_WORKER = Path(__file__).with_name("worker.py")

Process = subprocess.Popen[str]


class PeerError(Exception):
    """Why a peer is left out, in one sentence."""


def parser_of(prog: str, description: str | None, results: str) -> argparse.ArgumentParser:
    """What every benchmark of peers is asked: interpreter, pairs of turns, file of results."""
    parser = argparse.ArgumentParser(prog=f"python -m {prog}", description=description)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--python", required=True)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results") / results)
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options, of which those of ``parser_of`` are checked."""
    options = parser.parse_args()
    if shutil.which(options.python) is None:
        parser.error(f"no interpreter at {options.python}: benchmarks/peers/README.md makes one")
    if options.repeats < 1:
        parser.error(f"--repeats is {options.repeats}, and must be 1 or more")
    return options


@contextmanager
def peer(python: str, *arguments: str) -> Iterator[Process]:
    """The process of a peer, by the interpreter of its environment.

    Raises:
        PeerError: if it does not run.
    """
    pipe = subprocess.PIPE
    command = [python, "-I", str(_WORKER), *arguments]
    try:
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        ) as process:
            yield process
    except OSError as error:
        raise PeerError(f"its process does not run ({error})") from error


def figures(mine: list[list[float]], theirs: list[list[float]]) -> dict[str, Any]:
    """Seconds and ratios of turns that followed each other."""
    synth, peers = (np.array([np.median(each) for each in side]) for side in (mine, theirs))
    ratios = peers / synth
    return {
        "seconds_evaluation": float(np.median(peers)),
        "seconds_evaluation_synth": float(np.median(synth)),
        "ratio": float(np.median(ratios)),
        "ratio_range": [float(ratios.min()), float(ratios.max())],
        "ratio_fastest": min(map(min, theirs)) / min(map(min, mine)),
    }


def ask(process: Process) -> dict[str, Any]:
    """What the peer answers after a turn: the seconds of its evaluations."""
    assert process.stdin is not None
    print("turn", file=process.stdin, flush=True)
    return answer(process)


def answer(process: Process) -> dict[str, Any]:
    """The next line of a peer's process."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise PeerError(f"its process ended with exit code {process.wait()}")
    try:
        message = json.loads(line)
    except ValueError as error:
        raise PeerError(f"its process answered {line.strip()!r}") from error
    if "error" in message:
        raise PeerError(message["error"])
    return message
