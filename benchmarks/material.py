"""Whether the maps of a material belong together: edges that coincide, normals of unit length.

    python -m benchmarks.material [--size 256] [--seeds 3] [--json FILE]

The bundled material: albedo, normal and height, 7 channels. Edges of a map are the modulus of its
gradient; of two maps they coincide as far as these correlate. Beside new textures stand further
fields of the process, which are the target's own range, Gaussian samples, and maps that were
drawn one by one.
"""

import argparse
from itertools import combinations
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from benchmarks.report import save, shared_mesh
from synth import descend, drain, fit, fit_gaussian, joint, load
from synth.app.images import Texture
from synth.app.normals import length_error, unit_normals
from synth.processes import CHANNEL_PROCESSES

REALS = range(100, 104)

Field = Float[np.ndarray, "c h w"]
Synthesized = tuple[Field, int, str]
"""A texture, the evaluations it took, and how it ended."""


def edges(field: Field) -> Float[np.ndarray, "h w"]:
    """Modulus of the gradient of a map on the torus, over all its channels."""
    steps = [np.roll(field, -1, axis) - np.roll(field, 1, axis) for axis in (1, 2)]
    return np.sqrt(np.sum(np.square(steps), axis=(0, 1)))


def coincidence(field: Field, texture: Texture) -> dict[str, float]:
    """Correlation of the edges of every pair of maps."""
    maps = {
        part.name.removeprefix("material-"): edges(field[channels])
        for part, channels in zip(texture.all_parts, texture.slices, strict=True)
    }
    return {
        f"{a} and {b}": round(float(np.corrcoef(maps[a].ravel(), maps[b].ravel())[0, 1]), 4)
        for a, b in combinations(maps, 2)
    }


def drawn(target: Field, seeds: range, texture: Texture) -> list[Synthesized]:
    """Textures of ``full``, a seed each."""
    descriptor = joint("full", shape=target.shape[1:], channels=len(target))
    field = target if len(target) > 1 else target[0]
    model = fit(descriptor, field, periodic=texture.periodic)
    found = []
    for seed in seeds:
        (one,) = drain(descend(model, keys=jax.random.key(seed)[None]))
        found.append((np.asarray(one.field).reshape(target.shape), one.evaluations, one.outcome))
    return found


def measure(size: int, seeds: range) -> list[dict[str, Any]]:
    """Rows of figures: target, further fields, Gaussian, maps one by one, full."""
    paths = [f"material-{name}.png" for name in ("albedo", "normal", "height")]
    texture = load(paths[0], beside=paths[1:], size=size)
    target = texture.field
    shape = (size, size)
    rows = [{"what": "target", **_row(target, texture)}]
    for seed in REALS:
        field = np.asarray(CHANNEL_PROCESSES["material"](shape, key=jax.random.key(seed)))
        rows.append({"what": "further field", **_row(_levels(field, target), texture)})
    gaussian = fit_gaussian(target, periodic=texture.periodic, channels=True)
    rows += [
        {"what": "gaussian", **_row(np.asarray(gaussian.sample(key=jax.random.key(s))), texture)}
        for s in seeds
    ]
    with shared_mesh():
        together = drawn(target, seeds, texture)
        parts = [
            drawn(part.field, range(10 * i, 10 * i + len(seeds)), texture)
            for i, part in enumerate(texture.split())
        ]
    for field, evaluations, outcome in together:
        more = {"evaluations": evaluations, "outcome": str(outcome)}
        rows.append({"what": "full", **_row(field, texture), **more})
    for each in zip(*parts, strict=True):
        field = np.concatenate([part for part, *_ in each])
        rows.append({"what": "maps one by one", **_row(field, texture)})
    return rows


def _row(field: Field, texture: Texture) -> dict[str, Any]:
    unit = unit_normals(field, texture)
    return {
        "length_error": round(length_error(field, texture), 4),
        "length_error_written": round(length_error(np.round(unit), texture), 4),
        **coincidence(unit, texture),
    }


def _levels(field: Field, target: Field) -> Field:
    """A field of the process in the levels of its pictures."""
    albedo, normal, height = field[:3], field[3:6], field[6:]
    low, high = height.min(), height.max()
    top = target[6:].max()
    return np.concatenate([255 * albedo, 127.5 * (normal + 1), (height - low) / (high - low) * top])


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.material", description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/material.json"))
    options = parser.parse_args()
    rows = measure(options.size, range(options.seeds))
    save(rows, options.json)
    for row in rows:
        print("  ".join(f"{name}: {value}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
