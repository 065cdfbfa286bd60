"""Whether samples that descend together vary as fields of the process do.

    python -m benchmarks.ensembles [NAME ...] [--size 128 256] [--maps 1 8] [--samples 16]
        [--model full] [--json FILE]

The reference is one field of a process, or several. Spread is the root mean square distance
between two samples, block by block of order 1, order 2 and the spectra, in units of that between
two of 32 further fields. The mean of the samples' moments is held against that of the further
fields, in units of the reference's estimation noise. Scores are the scoreboard's, of single
samples: held-out statistics against four further fields. Beside the ensemble stand as many
samples that descend one by one, and true fields.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from benchmarks.report import as_texture, pyramid, save, shared_mesh
from synth import MomentModel, Schedule, descend_levels, drain, fit, joint
from synth.metrics import compare
from synth.models.reference import spread
from synth.processes import PROCESSES
from synth.statistics import Moments

NAMES = ("turbulence", "foam", "cascade", "sparse", "ising")
REALS = range(1000, 1032)
_SCORED = 4  # samples, and as many further fields
_SEED = 5

Fields = Float[Array, "b h w"]


def drawn(name: str, size: int, seeds: Sequence[int]) -> Fields:
    """Fields of a process."""
    return jnp.stack([PROCESSES[name]((size, size), key=jax.random.key(seed)) for seed in seeds])


def samples(
    models: Sequence[MomentModel], count: int, *, together: bool
) -> tuple[Fields, dict[str, Any]]:
    """Textures, and how they were reached; compiled beforehand."""
    keys = jax.random.split(jax.random.key(_SEED), count)
    brief = Schedule.usual(models[-1].descriptor, max_steps=1)
    drain(descend_levels(models, keys=keys, schedule=brief, together=together))
    start = time.perf_counter()
    found = drain(descend_levels(models, keys=keys, together=together))
    facts = {
        "seconds": round(time.perf_counter() - start, 2),
        "evaluations": float(np.mean([one.evaluations for one in found])),
        "coarser": np.mean([one.coarser for one in found], 0).tolist(),
        "outcomes": sorted({one.outcome.value for one in found}),
    }
    return jnp.stack([one.field for one in found]), facts


@jax.jit
def _moments(model: MomentModel, fields: Fields) -> Moments:
    return lax.map(lambda field: model.descriptor(model.from_units(field)), fields)


@jax.jit
def _figures(model: MomentModel, made: Moments, real: Moments) -> dict[str, dict[str, Array]]:
    """Spread of the samples, and distances of their mean, block by block."""
    descriptor = model.descriptor
    mean, true = (jax.tree.map(lambda leaf: leaf.mean(0), each) for each in (made, real))
    of_made, of_real = (spread(descriptor, each, model.target) for each in (made, real))
    from_target = descriptor.residual(mean, model.target)
    from_true = descriptor.residual(mean, true)
    return {
        "spread": jax.tree.map(jnp.divide, of_made, of_real),
        "noise_of_reference": jax.tree.map(jnp.divide, model.noise, of_real),
        "mean_from_target": jax.tree.map(jnp.divide, from_target, model.noise),
        "mean_from_true": jax.tree.map(jnp.divide, from_true, model.noise),
    }


def measure(name: str, size: int, maps: int, *, model: str, count: int) -> dict[str, Any]:
    """A row: the ensemble, and beside it samples one by one."""
    shape, reals = (size, size), drawn(name, size, REALS)
    pictures = [np.asarray(field) for field in drawn(name, size, range(maps))]
    reference = np.stack(pictures) if maps > 1 else pictures[0]
    models = pyramid(as_texture(reference), model)
    judged = fit(joint("scattering", "spectra", shape=shape), reference)
    row: dict[str, Any] = {"name": name, "size": size, "maps": maps, "samples": count}
    made, true = {}, _moments(judged, reals)
    for how in ("one by one", "ensemble"):
        made[how], facts = samples(models, count, together=how == "ensemble")
        found = _figures(judged, _moments(judged, made[how]), true)
        row[how] = facts | {
            what: {block: round(float(value), 3) for block, value in each.items()}
            for what, each in found.items()
        }
    made["true fields"] = reals[_SCORED:]
    several = {how: list(np.asarray(fields[:_SCORED])) for how, fields in made.items()}
    board = compare(pictures[0], several, reals=list(np.asarray(reals[:_SCORED])))
    for how, score in board.scores.items():
        row.setdefault(how, {})["score"] = score.overall.round(3).tolist()
    return row


def show(row: dict[str, Any]) -> None:
    """Print spread, mean, scores and time of both kinds of samples."""
    print(f"\n{row['name']} {row['size']}², reference of {row['maps']}, {row['samples']} samples")
    for how in ("one by one", "ensemble"):
        found = row[how]
        widths = list(found["spread"].values())
        scores = np.asarray(found["score"])
        print(
            f"  {how:10} spread {np.median(widths):.2f} ({min(widths):.2f}–{max(widths):.2f});"
            f" mean from the true one up to {max(found['mean_from_true'].values()):.2f} of the"
            f" noise; score {scores.mean():.3f} ± {scores.std(ddof=1):.3f};"
            f" {found['evaluations']:.0f} evaluations, {found['seconds']:.1f} s,"
            f" {', '.join(found['outcomes'])}",
            flush=True,
        )
    print(f"  true fields: score {np.mean(row['true fields']['score']):.3f}")


def main() -> None:
    """Measure the processes that are asked for, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ensembles", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--size", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--maps", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--model", default="full")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/ensembles.json"))
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(PROCESSES)):
        parser.error(f"There is no process {unknown[0]}: choose {', '.join(PROCESSES)}.")
    if options.samples < _SCORED:
        parser.error(f"{options.samples} samples are too few: give {_SCORED} or more.")
    rows = []
    with shared_mesh():
        for name in options.names:
            for size in options.size:
                for maps in options.maps:
                    rows.append(
                        measure(name, size, maps, model=options.model, count=options.samples)
                    )
                    show(rows[-1])
                    save(rows, options.json)


if __name__ == "__main__":
    main()
