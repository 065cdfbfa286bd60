"""What the choices of the descent are worth: variable, normalization, start and bank.

    python -m benchmarks.ablation [NAME ...] [--steps 200] [--json FILE]

One choice is changed at a time. Per picture: evaluations to the default tolerance by the fast
transform (– if not within the limit), and at that point the radial spectrum error and the
distance of the increments' flatness from the target's, as a ratio to the Gaussian value's 3.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from benchmarks.__main__ import save
from synth import (
    LBFGS,
    Limits,
    MomentModel,
    Scattering,
    ScatteringMoments,
    descend,
    fit,
    morlet_bank,
)
from synth.images import load
from synth.metrics import flatness, spectrum_error
from synth.models import Start

NAMES = ("turbulence", "sparse", "foam")


class Variant(NamedTuple):
    """One way to descend; the default values are those of the package."""

    exponent: float = 0.5
    normalization: str = "pairs"
    start: Start = "gaussian"
    tight: bool = True
    memory: int = 20


VARIANTS = (
    Variant(),
    Variant(exponent=0.0),
    Variant(exponent=0.25),
    Variant(exponent=1.0),
    Variant(normalization="residual"),
    Variant(normalization="own"),
    Variant(start="variable"),
    Variant(start="pixels"),
    Variant(memory=10),
    Variant(memory=40),
    Variant(exponent=0.0, normalization="residual", start="pixels", tight=False),
)


def normalize(model: MomentModel, normalization: str) -> MomentModel:
    """The model with other weights.

    Args:
        model: with the weights of the package, ``pairs``.
        normalization: ``residual`` for the relative residual alone, ``own`` for each moment
            relative to itself.
    """
    if normalization == "pairs":
        return model
    target = model.target
    norm = jnp.sum(target.flatten() ** 2)

    def weight(moments: Array) -> Array:
        if normalization == "own":
            return 1 / (norm.size * jnp.maximum(moments**2, 1e-8))
        return jnp.broadcast_to(1 / norm, moments.shape)

    weights: Scattering = jax.tree.map(weight, target)
    return eqx.tree_at(lambda m: m.weights, model, weights)


def measure(name: str, variant: Variant, steps: int) -> dict[str, Any]:
    """Descend once and say how far it went.

    Args:
        name: of a bundled picture.
        variant: how to descend.
        steps: most evaluations.
    """
    target = load(name).field[0]
    bank = morlet_bank(target.shape, tight=variant.tight)
    model = fit(ScatteringMoments(bank), target, exponent=variant.exponent)
    model = normalize(model, variant.normalization)
    run = descend(
        model,
        key=jax.random.key(0),
        solver=LBFGS(variant.memory),
        limits=Limits(tolerance=0.0, max_steps=steps),
        start=variant.start,
    )
    progress, reached = next(run), False
    while not reached and progress.evaluations < steps:
        following = next(run, None)
        if following is None:  # stalled
            break
        progress, reached = following, bool(following.residual.within(1e-2))
    field = np.asarray(progress.field)
    wanted = flatness(target)
    return {
        "name": name,
        **variant._asdict(),
        "evaluations": progress.evaluations if reached else None,
        "residual": {k: float(v) for k, v in vars(progress.residual).items()},
        "spectrum_error_db": spectrum_error(target, field),
        "flatness_ratio": (np.abs(flatness(field) - wanted) / np.abs(3 - wanted)).tolist(),
    }


def main() -> None:
    """Measure every variant on every picture, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/ablation.json"))
    options = parser.parse_args()
    results = []
    for variant in VARIANTS:
        for name in options.names:
            row = measure(name, variant, options.steps)
            results.append(row)
            residual = row["residual"]
            print(
                f"{name:11} a={variant.exponent:<4} {variant.normalization:9}"
                f" {variant.start:9} {'tight' if variant.tight else 'plain'} {variant.memory:3}"
                f"  evaluations {row['evaluations'] or '–':>4}"
                f"  residual {100 * residual['total']:.2f} {100 * residual['order1']:.2f}"
                f" {100 * residual['order2']:.2f} %  spectrum {row['spectrum_error_db']:.2f} dB"
                f"  flatness {' '.join(f'{r:.2f}' for r in row['flatness_ratio'])}",
                flush=True,
            )
    save(results, options.json)


if __name__ == "__main__":
    main()
