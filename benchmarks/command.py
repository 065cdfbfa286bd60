"""The whole command, ``synth generate``, as a user waits for it: cold and warm."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed import MODELS

PICTURE = "turbulence"

_SYNTH = [sys.executable, "-c", "from synth.app.cli import main; main()"]
_WRITTEN = (0, 3)  # exit codes: converged, and ended without reaching the tolerance


def end_to_end(model: str, size: int, devices: int | None = None) -> dict[str, Any]:
    """Draw a texture twice: with an empty cache of compiled programs, and with a full one.

    Args:
        model: a name in ``speed.MODELS``.
        size: pixels of a side.
        devices: that share the work; the command's default by default.

    Returns:
        Outcome, evaluations and seconds of the descent to the default tolerance, and for both
        runs the seconds of the command and those of its phases, from its manifest.

    Raises:
        RuntimeError: if the command fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        seconds_cold, cold = _generate(model, size, devices, Path(folder))
        seconds_warm, warm = _generate(model, size, devices, Path(folder))
    return {
        "picture": PICTURE,
        "outcome": warm["outcome"],
        "evaluations": warm["evaluations"],
        "seconds_descent": warm["seconds"]["descend"],
        "seconds_cold": seconds_cold,
        "seconds_warm": seconds_warm,
        "phases_cold": cold["seconds"],
        "phases_warm": warm["seconds"],
    }


def _generate(
    model: str, size: int, devices: int | None, folder: Path
) -> tuple[float, dict[str, Any]]:
    """Seconds of one command, which keeps its programs in the folder, and its manifest."""
    kind = MODELS[model]
    options = ["--size", size, "--model", kind.name, "--angles", kind.num_angles]
    if devices:
        options += ["--devices", devices]
    return generate([PICTURE, *map(str, options)], folder)


def generate(arguments: Sequence[str], folder: Path) -> tuple[float, dict[str, Any]]:
    """Run ``synth generate``.

    Args:
        arguments: of the command, but for its output.
        folder: for its output, and for the programs that it keeps.

    Returns:
        Seconds of the command, and its manifest.

    Raises:
        RuntimeError: if the command fails.
    """
    command = [*_SYNTH, "generate", *arguments, "--out", str(folder / "runs")]
    environment = os.environ | {"SYNTH_CACHE_DIR": str(folder / "cache")}
    start = time.perf_counter()
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if run.returncode not in _WRITTEN:
        words = (run.stderr.strip() or "no message").splitlines()[-1]
        raise RuntimeError(f"synth generate ended with exit code {run.returncode}: {words}")
    written = Path(run.stdout.splitlines()[-1])
    return seconds, json.loads((written / "manifest.json").read_text(encoding="utf-8"))
