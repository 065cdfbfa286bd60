"""The scoreboard of every model on every gray picture, over seeds: held-out statistics only.

    python -m benchmarks.scoreboard [NAME ...] [--seeds 5] [--model MODEL ...] [--json FILE]

Per picture, brought to 256 pixels: overall score (geometric mean of the ratios to the noise
floor, each counted as at least 1), evaluations and seconds of white noise, the Gaussian and the
moment models. ``+`` after a model's name adds gray levels. A NAME is that of a picture, or of a
process. Pictures of a process at its own
size are judged against further fields of that process, others against their own quadrants.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from benchmarks.report import as_texture, descended, pyramid, save
from synth import Judge, descend_levels, drain, fit_gaussian, load
from synth.app.images import PHOTOGRAPHS, Texture, bundled
from synth.metrics import compare
from synth.processes import PROCESSES

SIZE = 256
NAMES = (
    *(
        name
        for name, table in bundled().items()
        if table.get("channels", 1) == 1 and "part" not in table
    ),
    *PHOTOGRAPHS,
)
MODELS = ("scattering", "scattering+", "spectra", "full")
REALS = range(100, 104)

Field = Float[np.ndarray, "h w"]


def picture(name: str) -> Texture:
    """The target: a picture, or the first field of a process of which there is none."""
    if name in NAMES:
        return load(name, size=SIZE)
    return as_texture(np.asarray(PROCESSES[name]((SIZE, SIZE), key=jax.random.key(0))), name)


def further_fields(name: str, seeds: Sequence[int]) -> list[Field]:
    """Further fields of the process that made a picture, in the picture's gray levels."""
    table = bundled()[name]
    draw = PROCESSES[table["process"]]
    fields = [draw(tuple(table["shape"]), key=jax.random.key(seed)) for seed in seeds]
    return [(np.asarray(field) - table["offset"]) / table["scale"] for field in fields]


def real_fields(name: str) -> list[Field]:
    """Those that set the noise floor of a picture that is measured at its own size."""
    if name not in NAMES:
        return [np.asarray(PROCESSES[name]((SIZE, SIZE), key=jax.random.key(n))) for n in REALS]
    shape = bundled().get(name, {}).get("shape")
    return further_fields(name, REALS) if shape == [SIZE, SIZE] else []


def samples(texture: Texture, model: str, seeds: Sequence[int]) -> tuple[list[Field], list[dict]]:
    """A field per seed, and how it was reached."""
    models = pyramid(texture, model.rstrip("+"), gray_levels=model.endswith("+"))
    judge, fields, facts = Judge(models[-1]), [], []
    for seed in seeds:
        key = jax.random.split(jax.random.key(seed))[1]
        start = time.perf_counter()
        (synthesis,) = drain(descend_levels(models, keys=key[None], judge=judge))
        fields.append(np.asarray(synthesis.field))
        facts.append(
            {
                "outcome": synthesis.outcome.value,
                "evaluations": synthesis.evaluations,
                "coarser": list(synthesis.coarser),
                "seconds": round(time.perf_counter() - start, 2),
                "excess": synthesis.excess,
            }
        )
    return fields, facts


def controls(texture: Texture, seeds: Sequence[int]) -> dict[str, list[Field]]:
    """White noise of the target's mean and variance, and Gaussian samples."""
    target = texture.field[0]
    gaussian = fit_gaussian(target, periodic=texture.periodic)
    keys = [jax.random.split(jax.random.key(seed))[0] for seed in seeds]
    white = [target.mean() + target.std() * jax.random.normal(k, target.shape) for k in keys]
    return {
        "white noise": [np.asarray(field) for field in white],
        "gaussian": [np.asarray(gaussian.sample(key=key)) for key in keys],
    }


def measure(name: str, models: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Scores of one picture."""
    texture = picture(name)
    candidates, facts = controls(texture, seeds), {}
    for model in models:
        candidates[model], facts[model] = samples(texture, model, seeds)
    reals = real_fields(name)
    board = compare(texture.field[0], candidates, reals=reals, periodic=texture.periodic)
    scores = {
        model: {
            "overall": score.overall.round(4).tolist(),
            "ratios": {k: float(v.mean().round(3)) for k, v in score.ratios.items()},
            "copied": sum(one.copied for one in score.copying),
            "descents": facts.get(model, []),
        }
        for model, score in board.scores.items()
    }
    return {"name": name, "size": SIZE, "reals": len(reals), "scores": scores}


def show(row: dict[str, Any]) -> None:
    """Print the scores of one picture, and their excess in units of the Gaussian's."""
    floor = f"{row['reals']} further fields" if row["reals"] else "quadrants"
    print(f"\n{row['name']} {row['size']}², noise floor from {floor}")
    control = np.mean(row["scores"]["gaussian"]["overall"]) - 1
    for model, score in row["scores"].items():
        overall = np.array(score["overall"])
        words = f"  {model:14} {overall.mean():5.2f} ± {overall.std(ddof=1):4.2f}"
        words += f"  excess / Gaussian's {(overall.mean() - 1) / control:5.2f}"
        print(words + descended(score), flush=True)


def main() -> None:
    """Measure the pictures that are asked for, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoreboard", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--model", nargs="*", default=MODELS)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/scoreboard.json"))
    options = parser.parse_args()
    results = []
    for name in options.names:
        results.append(measure(name, options.model, range(options.seeds)))
        show(results[-1])
        save(results, options.json)


if __name__ == "__main__":
    main()
