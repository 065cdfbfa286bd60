"""What a model is used for beyond a texture of the target's size, measured.

    python -m benchmarks.uses [sizes holes mixes seams] [--model full] [--json FILE]

``sizes``: 256² to 1024² and 200 × 600; scores of square crops, as large as fit, beside those of
textures of the target's own size and of further real fields, cut alike, by the noise floor of
further fields and by that of quadrants; largest correlation of two crops (over 0.25: the same
structures); peak memory of the process so far. ``holes``: a hole of 64² in 256², and 192²
continued to 256²: jumps across the border of what is drawn, five seeds. ``mixes``: five steps,
the worst block beside the straight line in units of its noise. ``seams``: jumps between opposite
borders, every model and gray picture at 128². Pictures are left in --pictures FOLDER.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from benchmarks.report import save
from benchmarks.scoreboard import NAMES, REALS, further_fields
from synth import (
    MomentModel,
    Synthesis,
    compare,
    descend,
    drain,
    fit,
    joint,
    load,
    mix,
    shared_scales,
)
from synth.app.images import Texture, bundled, save_png
from synth.app.options import Options
from synth.app.runs import generate
from synth.metrics import border_jump, copying, seam_jump
from synth.statistics import MODELS

SIZE, HOLE, CONTINUED = 256, 64, 192
SIZES = ((200, 600), (1024, 1024))
PICTURES = ("turbulence", "gravel", "brick")
MIXES = (("turbulence", "foam"), ("gravel", "brick"))
SEEDS = 5

Field = Float[np.ndarray, "h w"]
Row = dict[str, Any]


def draw(model: MomentModel, seeds: int) -> tuple[Synthesis, ...]:
    """Textures of the first seeds."""
    return drain(descend(model, keys=jax.random.split(jax.random.key(0), seeds)))


def cuts(field: Field, side: int) -> list[Field]:
    """Squares beside each other that fill a field as far as they fit."""
    rows, columns = (range(0, n - side + 1, side) for n in field.shape)
    return [field[i : i + side, j : j + side] for i, j in product(rows, columns)]


def sizes(model_name: str, folder: Path) -> Iterator[Row]:
    """Scores of crops of textures of another size."""
    for name in PICTURES:
        texture = load(name, size=SIZE)
        target = texture.field[0]
        own = [np.asarray(one.field) for one in draw(fitted(model_name, texture), SEEDS)]
        for shape in SIZES:
            model = fitted(model_name, texture, shape)
            start = time.perf_counter()
            (drawn,) = draw(model, 1)
            seconds = time.perf_counter() - start
            keep(folder / f"{name}-{shape[0]}x{shape[1]}.png", np.asarray(drawn.field), texture)
            side = min(SIZE, *shape)
            crops = cuts(np.asarray(drawn.field), side)
            fields = {"crops": crops, "same size": [one[:side, :side] for one in own]}
            if bundled().get(name, {}).get("shape") == [SIZE, SIZE]:
                reals = further_fields(name, range(200, 200 + SEEDS))
                fields["real"] = [one[:side, :side] for one in reals]
                floor = [one[:side, :side] for one in further_fields(name, REALS)]
            else:
                floor = []
            cut = target[:side, :side]
            by_quadrants = compare(cut, fields, periodic=False)
            board = compare(cut, fields, reals=floor, periodic=False) if floor else by_quadrants
            pairs = combinations(crops, 2)
            alike = max(copying(a, b).correlation for a, b in pairs)
            yield {
                "part": "sizes", "name": name, "shape": shape,
                "outcome": drawn.outcome.value, "evaluations": drawn.evaluations,
                "seconds": round(seconds, 1),
                "memory (MB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000,
                "alike": round(alike, 3),
                **{k: spread(score.overall) for k, score in board.scores.items()},
                **{f"{k}, quadrants": spread(v.overall) for k, v in by_quadrants.scores.items()},
            }  # fmt: skip


def fitted(model_name: str, texture: Texture, shape: tuple[int, int] = (SIZE, SIZE)) -> MomentModel:
    """Model of a picture, on another shape."""
    target = texture.field[0]
    own = (target.shape[0], target.shape[1])
    scales = None if shape == own else shared_scales(own, shape)
    descriptor = joint(model_name, shape=own, scales=scales)
    return fit(descriptor, target, periodic=texture.periodic).on(shape)


def holes(model_name: str, folder: Path) -> Iterator[Row]:
    """Jumps across the border of what is drawn."""
    for name in PICTURES:
        whole = load(name, size=SIZE)
        edge = (SIZE - HOLE) // 2
        holed = whole.fields.copy()
        holed[..., edge:-edge, edge:-edge] = np.nan
        yield filled(model_name, whole._replace(fields=holed), None, folder)
        edge = (SIZE - CONTINUED) // 2
        part = whole.fields[..., edge:-edge, edge:-edge]
        middle = whole._replace(fields=part, periodic=(False, False))
        yield filled(model_name, middle, (SIZE, SIZE), folder)


def filled(
    model_name: str, texture: Texture, out_size: tuple[int, int] | None, folder: Path
) -> Row:
    """Fillings by the command's own run; the kept pixels are as they were."""
    options = Options("", models=(model_name,), inpaint=True, out_size=out_size, samples=SEEDS)
    result = drain(generate(texture, options))
    drawn = result.drawn
    assert drawn is not None
    kept = result.layout.written(np.asarray(result.layout.kept))[0]
    row: Row = {"part": "holes", "name": texture.name, "out size": out_size}
    for name, fillings in result.candidates.items():
        fields = [one.field[0] for one in fillings]
        row[name] = spread([border_jump(field, drawn) for field in fields])
        row[f"{name} same"] = all(np.array_equal(f[~drawn], kept[~drawn]) for f in fields)
        for number, field in enumerate(fields):
            words = "hole" if out_size is None else "continued"
            keep(folder / f"{texture.name}-{words}-{name}-{number}.png", field, texture)
    row["outcomes"] = sorted({one.outcome.value for one in result.descents[model_name]})
    row["evaluations"] = [one.evaluations for one in result.descents[model_name]]
    return row


def mixes(model_name: str, folder: Path) -> Iterator[Row]:
    """How far the textures of a path are from the straight line."""
    for names in MIXES:
        textures = [load(name, size=SIZE) for name in names]
        models = [fitted(model_name, one) for one in textures]
        row: Row = {"part": "mixes", "names": names}
        for index, share in enumerate(np.linspace(0, 1, 5).tolist()):
            (drawn,) = draw(mix(models, [1 - share, share]), 1)
            row[f"{share:g}"] = [round(drawn.excess, 3), drawn.evaluations, drawn.outcome.value]
            keep(folder / f"{'-'.join(names)}-{index}.png", np.asarray(drawn.field), textures[0])
        yield row


def seams(_model_name: str, _folder: Path) -> Iterator[Row]:
    """Jumps between opposite borders, of every model and picture."""
    for name in NAMES:
        texture = load(name, size=SIZE // 2)
        row: Row = {"part": "seams", "name": name}
        shape = (texture.field.shape[1], texture.field.shape[2])
        for model in MODELS:
            fit_one = fit(joint(model, shape=shape), texture.field[0], periodic=texture.periodic)
            fields = [np.asarray(one.field) for one in draw(fit_one, 2)]
            row[model] = spread([seam_jump(field) for field in fields])
            if model == "full":
                keys = jax.random.split(jax.random.key(1), 8)
                drawn = [np.asarray(fit_one.gaussian.sample(key=key)) for key in keys]
                row["gaussian"] = spread([seam_jump(field) for field in drawn])
        yield row


def spread(values: Any) -> list[float]:  # noqa: ANN401 - any sequence of numbers
    """Mean, standard deviation, least and largest of several numbers."""
    each = np.asarray(values, np.float64)
    deviation = each.std(ddof=1) if len(each) > 1 else 0.0
    return [round(float(x), 3) for x in (each.mean(), deviation, each.min(), each.max())]


def keep(path: Path, field: Field, texture: Texture) -> None:
    """Leave a picture to be looked at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_png(path, field, texture)


PARTS = {"sizes": sizes, "holes": holes, "mixes": mixes, "seams": seams}


def main() -> None:
    """Measure the parts that are asked for, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.uses", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[])
    parser.add_argument("--model", default="full")
    parser.add_argument("--pictures", type=Path, default=Path("outputs/uses"))
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/uses.json"))
    options = parser.parse_args()
    results: list[Row] = []
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]}: choose {', '.join(PARTS)}")
    for part in options.parts or PARTS:
        for row in PARTS[part](options.model, options.pictures):
            results.append(row)
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            save(results, options.json)


if __name__ == "__main__":
    main()
