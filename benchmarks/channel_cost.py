"""What color costs: loss and gradient beside those of gray, and the command as a user waits for it.

    python -m benchmarks.channel_cost [--model MODEL ...] [--repeats 15] [--json FILE]

A crop of a color photograph, 256², and its luma. Loss and gradient are timed in turns, on the cores
that the command uses; the command runs twice, with an empty cache of programs and with a full one.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import jax
import numpy as np
from jaxtyping import Float

from benchmarks.channels import picture
from benchmarks.command import generate
from benchmarks.floor import TOGETHER, in_turn
from benchmarks.report import save, shared_mesh
from benchmarks.speed import Evaluations
from synth import fit, joint
from synth.app import runtime

MODELS = ("scattering", "full")
PICTURE = "tissue"
LUMA = (0.2126, 0.7152, 0.0722)


def evaluations(model: str, field: Float[np.ndarray, "c h w"]) -> Evaluations:
    """Losses and gradients of a model of a field, from its own start."""
    descriptor = joint(model, shape=field.shape[1:], channels=len(field))
    fitted = fit(descriptor, field if len(field) > 1 else field[0], periodic=False)
    return Evaluations(fitted, fitted.start(key=jax.random.key(0)))


def ratio(model: str, repeats: int) -> dict[str, Any]:
    """Milliseconds of a loss and its gradient, in gray and in color, and how many times longer."""
    color = picture(PICTURE).field
    fields = {"gray": np.tensordot(LUMA, color, 1)[None].astype(color.dtype), "color": color}
    with shared_mesh():
        times = in_turn({name: evaluations(model, x) for name, x in fields.items()}, repeats)
    each = times["color"] / times["gray"]
    return {
        **{name: round(1e3 * float(np.median(t)) / TOGETHER, 1) for name, t in times.items()},
        "ratio": round(float(np.median(each)), 2),
        "ratio_of_least": round(float(times["color"].min() / times["gray"].min()), 2),
    }


def command(model: str) -> dict[str, Any]:
    """Seconds of the command, cold and warm, and how the descent went."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{PICTURE}.png"
        iio.imwrite(path, np.moveaxis(picture(PICTURE).field, 0, 2).astype(np.uint8))
        arguments = [str(path), "--model", model]
        cold, _ = generate(arguments, Path(folder))
        warm, report = generate(arguments, Path(folder))
    return {
        "seconds_cold": round(cold, 1),
        "seconds_warm": round(warm, 1),
        "evaluations": report["evaluations"],
        "outcome": report["outcome"],
    }


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.channel_cost", description=__doc__)
    parser.add_argument("--model", nargs="*", default=MODELS, choices=MODELS)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/channel_cost.json"))
    options = parser.parse_args()
    runtime.choose("auto", None)
    rows = []
    for model in options.model:
        rows.append({"model": model, **ratio(model, options.repeats), **command(model)})
        save(rows, options.json)
        print("  ".join(f"{name}: {value}" for name, value in rows[-1].items()), flush=True)


if __name__ == "__main__":
    main()
