"""Results as JSON, with the machine that they were taken on."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from synth.app.ahead import ahead
from synth.app.fitted import coarser_models, levels, models
from synth.app.images import Texture
from synth.app.options import Options
from synth.app.tasks import prepare
from synth.models import MomentModel
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


def as_texture(field: Float[np.ndarray, "*n h w"], name: str = "field") -> Texture:
    """A periodic gray field as a target, or several of one process."""
    planes = np.asarray(field, np.float32).reshape(-1, 1, *field.shape[-2:])
    return Texture(name, planes, (True, True), planes.dtype, "")


def pyramid(texture: Texture, model: str, **options: Any) -> tuple[MomentModel, ...]:  # noqa: ANN401 - of Options
    """A model of the ladder at every level that the command descends on, coarse to fine."""
    asked = Options(texture.name, models=(model,), **options)
    task = prepare(texture, asked)
    with ahead() as begin:
        coarser = coarser_models(task, asked, (), model, begin)
        (several,) = levels(models(task, asked, (), model), coarser)
    return several


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
