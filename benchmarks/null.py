"""The null test: where the target is a Gaussian field, every model must score at the noise floor.

    python -m benchmarks.null [--size 256] [--seeds 10] [--json FILE]

The target is a Gaussian field with the spectrum of the turbulence picture; the floor comes from
further fields of that Gaussian. Per model, and for real fields that are no part of the floor:
overall score over seeds, and the statistics at which samples lie farther from the target than any
two real fields from each other: how many, the largest ratio, and the end of the real range.
"""

import argparse
from pathlib import Path

import jax
import numpy as np

from benchmarks.report import save
from benchmarks.scoreboard import samples
from synth import fit_gaussian, load
from synth.app.images import Texture
from synth.metrics import Score, Scoreboard, compare

MODELS = ("scattering", "spectra", "full")
REALS = 20


def beyond(board: Scoreboard, score: Score) -> dict[str, list[float]]:
    """Statistics that leave the range of real against real: how many, how far, and its end."""
    return {
        name: [
            int(np.sum(values > board.spread[name][1])),
            float(values.max().round(3)),
            round(board.spread[name][1], 3),
        ]
        for name, values in score.ratios.items()
        if values.max() > board.spread[name][1]
    }


def main() -> None:
    """Score all models on a Gaussian target, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.null", description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/null.json"))
    options = parser.parse_args()
    model = fit_gaussian(load("turbulence", size=options.size).field[0])
    keys = jax.random.split(jax.random.key(0), 1 + REALS + options.seeds)
    target, *fields = (np.asarray(model.sample(key=key)) for key in keys)
    texture = Texture("gaussian", target[None, None], (True, True), np.dtype(np.float32), "")
    candidates = {"real": fields[REALS:], "gaussian": _gaussians(target, options.seeds)}
    for name in MODELS:
        candidates[name], _ = samples(texture, name, range(options.seeds))
    board = compare(target, candidates, reals=fields[:REALS])
    rows = []
    for name, score in board.scores.items():
        outside = beyond(board, score)
        rows.append({"model": name, "overall": score.overall.round(4).tolist(), "beyond": outside})
        print(
            f"{name:11} {score.overall.mean():.3f} ± {score.overall.std(ddof=1):.3f}"
            f"  beyond: {outside}"
        )
    save(rows, options.json)


def _gaussians(target: np.ndarray, seeds: int) -> list[np.ndarray]:
    """Samples of the Gaussian model of the target."""
    model = fit_gaussian(target)
    return [np.asarray(model.sample(key=jax.random.key(seed))) for seed in range(seeds)]


if __name__ == "__main__":
    main()
