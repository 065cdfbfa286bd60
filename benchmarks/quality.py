"""Held-out statistics of the bundled textures, over seeds, beside the Gaussian's.

    python -m benchmarks.quality [NAME ...] [--seeds 5] [--exponent 0.5] [--json FILE]

Per picture: outcome, evaluations, seconds, exact residuals, radial spectrum error and the
flatness of increments, whose distance from the target's is also given as a ratio to the
distance of the Gaussian sample of the same seed: below 1 means nearer than the Gaussian.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.__main__ import save
from synth import Judge, ScatteringMoments, fit, fit_gaussian, morlet_bank, synthesize
from synth.images import Texture, load
from synth.metrics import flatness, spectrum_error

NAMES = ("turbulence", "sparse", "cascade", "ising", "foam")


def measure(texture: Texture, seeds: int, exponent: float = 0.5) -> Iterator[dict[str, Any]]:
    """A row per seed.

    Args:
        texture: the target.
        seeds: number of seeds, from 0.
        exponent: a of the descent's variable.
    """
    target = texture.field[0]
    descriptor = ScatteringMoments(morlet_bank(target.shape))
    model = fit(descriptor, target, exponent=exponent, periodic=texture.periodic)
    control = fit_gaussian(target, periodic=texture.periodic)
    judge = Judge(model)
    wanted = flatness(target)
    for seed in range(seeds):
        gaussian_key, noise_key = jax.random.split(jax.random.key(seed))
        gaussian = np.asarray(control.sample(key=gaussian_key))
        start = time.perf_counter()
        synthesis = synthesize(model, key=noise_key)
        seconds = time.perf_counter() - start
        field = np.asarray(synthesis.field)
        distances = [np.abs(flatness(each) - wanted) for each in (field, gaussian)]
        _, gaussian_residual = judge(jax.numpy.asarray(gaussian))
        yield {
            "name": texture.name,
            "size": target.shape[0],
            "seed": seed,
            "exponent": exponent,
            "outcome": synthesis.outcome.value,
            "evaluations": synthesis.evaluations,
            "seconds": seconds,
            "residual": {k: float(v) for k, v in vars(synthesis.residual).items()},
            "gaussian_residual": float(gaussian_residual.total),
            "spectrum_error_db": spectrum_error(target, field),
            "gaussian_spectrum_error_db": spectrum_error(target, gaussian),
            "flatness_target": wanted.tolist(),
            "flatness": flatness(field).tolist(),
            "flatness_gaussian": flatness(gaussian).tolist(),
            "flatness_distance_ratio": (distances[0] / distances[1]).tolist(),
        }


def show(rows: list[dict[str, Any]]) -> None:
    """Print means and spreads over the seeds of one picture."""
    first = rows[0]

    def spread(values: list[float], digits: int = 2) -> str:
        return f"{np.mean(values):.{digits}f} ± {np.std(values):.{digits}f}"

    outcomes = {row["outcome"] for row in rows}
    print(f"\n{first['name']} {first['size']}²: {', '.join(sorted(outcomes))}")
    print(f"  evaluations {spread([r['evaluations'] for r in rows], 0)}")
    print(f"  seconds     {spread([r['seconds'] for r in rows], 0)}")
    for order in ("total", "order1", "order2"):
        print(f"  residual {order:7} {spread([100 * r['residual'][order] for r in rows])} %")
    print(
        f"  spectrum error {spread([r['spectrum_error_db'] for r in rows])} dB, "
        f"Gaussian {spread([r['gaussian_spectrum_error_db'] for r in rows])} dB"
    )
    print("  flatness at  target  scattering        Gaussian       distance / Gaussian's (worst)")
    for index, lag in enumerate((1, 2, 4, 8)):
        columns = [[r[k][index] for r in rows] for k in ("flatness", "flatness_gaussian")]
        worst = max(r["flatness_distance_ratio"][index] for r in rows)
        print(
            f"    {lag} px     {first['flatness_target'][index]:6.2f}  {spread(columns[0]):16}"
            f"  {spread(columns[1]):14} {worst:.2f}",
            flush=True,
        )


def main() -> None:
    """Measure the pictures that are asked for, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--exponent", type=float, default=0.5)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/quality.json"))
    options = parser.parse_args()
    results = []
    for name in options.names:
        rows = list(measure(load(name), options.seeds, options.exponent))
        show(rows)
        results += rows
    save(results, options.json)


if __name__ == "__main__":
    main()
