"""Results as JSON, with the machine that they were taken on."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import jax

from synth.parallel.mesh import common_mesh
from synth.statistics import NUM_ANGLES


def machine() -> dict[str, Any]:
    """Where figures are taken: here."""
    device = jax.devices()[0]
    return {
        "device": f"{device.platform}: {device.device_kind}",
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "jax": jax.__version__,
    }


@contextmanager
def shared_mesh() -> Iterator[None]:
    """All devices of a processor share the angles of every descent, as in the command."""
    mesh = common_mesh(None, samples=1, angles=list(NUM_ANGLES.values()))
    with jax.set_mesh(mesh) if mesh else nullcontext():
        yield


def descended(score: dict[str, Any]) -> str:
    """How the descents of a score went, if there are any, and how many were copied, in words."""
    descents = score["descents"]
    words = f", {score['copied']} copied" if score["copied"] else ""
    if not descents:
        return words
    evaluations, seconds = (
        sum(each[key] for each in descents) / len(descents) for key in ("evaluations", "seconds")
    )
    ended = ", ".join(sorted({each["outcome"] for each in descents}))
    return f"  {evaluations:4.0f} evaluations, {seconds:3.0f} s, {ended}{words}"


def save(results: list[dict[str, Any]], path: Path, where: dict[str, Any] | None = None) -> None:
    """Write results and machine as JSON.

    Args:
        results: a row each.
        path: of the file, whose folder is made if there is none.
        where: ``machine()`` of the process that took the figures; of this one by default.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": where or machine(), "results": results}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
