"""The scoreboard of pictures of several channels, over seeds: held-out statistics only.

    python -m benchmarks.channels [NAME ...] [--seeds 3] [--model MODEL ...] [--json FILE]

Pictures of the project's own processes are judged against further fields of these; crops of the
photographs that come with scikit-image against their own quadrants. Per picture: overall score of
white noise, the Gaussian and the moment models, its excess over 1 relative to the Gaussian's, the
share of foreign colors (of real fields, too, where there are such), copies, evaluations, seconds.
Figures of other pictures and models in the file are kept; all of them are printed as a table at
the end.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from benchmarks.report import descended, pyramid, save, shared_mesh
from synth import descend_levels, drain, fit_gaussian, load
from synth.app.images import Texture, bundled
from synth.metrics import compare, foreign_colors
from synth.processes import CHANNEL_PROCESSES

MODELS = ("scattering", "full")
REALS = range(100, 104)

Field = Float[np.ndarray, "c h w"]


class Crop(NamedTuple):
    """A square piece of a photograph."""

    photograph: str
    top: int
    left: int
    side: int = 256


CROPS = {
    "tissue": Crop("ihc.png", 0, 0),
    "fibers": Crop("ihc.png", 0, 256),
    "glands": Crop("ihc.png", 256, 0),
    "galaxies": Crop("hubble_deep_field.jpg", 300, 300),
    "stars": Crop("hubble_deep_field.jpg", 550, 600),
    "vessels": Crop("retina.jpg", 500, 600),
    "wood": Crop("coffee.png", 272, 470, 128),
}
PROCESSES = ("colored-foam", "leaves", "reaction-diffusion", "scalar-turbulence")
NAMES = (*PROCESSES, *CROPS)


def picture(name: str) -> Texture:
    """A bundled picture, or a crop of a photograph."""
    if name not in CROPS:
        return load(name)
    crop = CROPS[name]
    whole = load(crop.photograph, size=1411 if crop.photograph == "retina.jpg" else None)
    rows, columns = slice(crop.top, crop.top + crop.side), slice(crop.left, crop.left + crop.side)
    return whole._replace(
        name=name, fields=whole.fields[:, :, rows, columns], periodic=(False, False)
    )


def further_fields(name: str) -> list[Field]:
    """Further fields of the process that made a picture, in the picture's levels."""
    if name in CROPS:
        return []
    table = bundled()[name]
    draw = CHANNEL_PROCESSES[table["process"]]
    fields = [draw(tuple(table["shape"]), key=jax.random.key(seed)) for seed in REALS]
    return [(np.asarray(field) - table["offset"]) / table["scale"] for field in fields]


def controls(texture: Texture, seeds: Sequence[int]) -> dict[str, list[Field]]:
    """White noise of the target's mean and covariance of channels, and Gaussian samples."""
    gaussian = fit_gaussian(texture.field, periodic=texture.periodic, channels=True)
    keys = [jax.random.split(jax.random.key(seed))[0] for seed in seeds]
    white = [gaussian.units.to(jax.random.normal(key, gaussian.power.shape)) for key in keys]
    return {
        "white noise": [written(field, texture) for field in white],
        "gaussian": [written(gaussian.sample(key=key), texture) for key in keys],
    }


def written(field: Float[Array, "c h w"], texture: Texture) -> Field:
    """A field in whole levels, as a picture has them, whatever their range."""
    values = np.asarray(field)
    return np.round(values) if texture.dtype.kind == "u" else values


def samples(
    texture: Texture, model: str, seeds: Sequence[int]
) -> tuple[list[Field], list[dict[str, Any]]]:
    """A field per seed, and how it was reached."""
    models, fields, facts = pyramid(texture, model), [], []
    for seed in seeds:
        key = jax.random.split(jax.random.key(seed))[1]
        start = time.perf_counter()
        (synthesis,) = drain(descend_levels(models, keys=key[None]))
        fields.append(written(synthesis.field, texture))
        facts.append(
            {
                "outcome": synthesis.outcome.value,
                "evaluations": synthesis.evaluations,
                "coarser": list(synthesis.coarser),
                "seconds": round(time.perf_counter() - start, 2),
                "excess": synthesis.excess,
                "worst": synthesis.worst,
            }
        )
    return fields, facts


def measure(name: str, models: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Scores of one picture."""
    texture, reals = picture(name), further_fields(name)
    candidates, facts = controls(texture, seeds), {}
    for model in models:
        with shared_mesh():
            candidates[model], facts[model] = samples(texture, model, seeds)
    board = compare(texture.field, candidates, reals=reals, periodic=texture.periodic)
    scores = {
        model: {
            "overall": score.overall.round(4).tolist(),
            "foreign": [] if score.foreign is None else score.foreign.round(5).tolist(),
            "ratios": {k: float(v.mean().round(3)) for k, v in score.ratios.items()},
            "copied": sum(one.copied for one in score.copying),
            "descents": facts.get(model, []),
        }
        for model, score in board.scores.items()
    }
    return {
        "name": name,
        "shape": list(texture.field.shape),
        "reals": len(reals),
        "foreign_real": [round(foreign_colors(texture.field, real), 5) for real in reals],
        "scores": scores,
    }


def show(row: dict[str, Any]) -> None:
    """Print the scores of one picture, and their excess in units of the Gaussian's."""
    floor = f"{row['reals']} further fields" if row["reals"] else "quadrants"
    print(f"\n{row['name']} {' × '.join(map(str, row['shape']))}, noise floor from {floor}")
    if row["foreign_real"]:
        print(f"  foreign colors of further fields {np.mean(row['foreign_real']):.2%}")
    control = np.mean(row["scores"]["gaussian"]["overall"]) - 1
    for model, score in row["scores"].items():
        overall, foreign = np.array(score["overall"]), np.mean(score["foreign"] or np.nan)
        words = f"  {model:14} {overall.mean():5.2f} ± {overall.std(ddof=1):4.2f}"
        words += f"  excess / Gaussian's {(overall.mean() - 1) / control:5.2f}"
        words += f"  foreign {foreign:6.2%}"
        print(words + descended(score), flush=True)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Scores, their spread over the seeds and the share of foreign colors, in Markdown."""

    def cell(score: dict[str, Any]) -> str:
        overall, foreign = np.array(score["overall"]), score["foreign"]
        share = f" ({np.mean(foreign):.1%})" if foreign else ""
        return f"{overall.mean():.2f} ± {overall.std(ddof=1):.2f}{share}"

    models = list(dict.fromkeys(model for row in rows for model in row["scores"]))
    lines = [f"| picture | {' | '.join(models)} |", f"|{'---|' * (len(models) + 1)}"]
    for row in rows:
        scores = row["scores"]
        cells = [cell(scores[model]) if model in scores else "–" for model in models]
        lines.append(f"| {row['name']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the pictures that are asked for, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.channels", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--model", nargs="*", default=MODELS)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/channels.json"))
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no picture {', '.join(sorted(unknown))}: choose {', '.join(NAMES)}")
    kept = json.loads(options.json.read_text())["results"] if options.json.exists() else []
    rows = {row["name"]: row for row in kept}
    for name in options.names:
        known = rows[name]["scores"] if name in rows else {}
        rows[name] = measure(name, options.model, range(options.seeds))
        rows[name]["scores"] = known | rows[name]["scores"]
        show(rows[name])
        save([rows[each] for each in NAMES if each in rows], options.json)
    print(table([rows[each] for each in NAMES if each in rows]))


if __name__ == "__main__":
    main()
