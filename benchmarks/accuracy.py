"""Largest relative error of the fast transform, over coefficients, against the exact one.

    python -m benchmarks.accuracy [--json FILE]

Pictures are cut, or repeated, to each shape; ``white`` is white noise.
"""

import argparse
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks.report import save
from synth import EXACT, FilterBank, load, morlet_bank, scatter

NAMES = ("white", "turbulence", "sparse", "cascade", "ising", "foam")
SHAPES = ((256, 256), (200, 300), (97, 131))

_scatter = jax.jit(scatter)


def picture(name: str, shape: tuple[int, int]) -> Float[np.ndarray, "h w"]:
    """A bundled picture or white noise, of mean 0 and variance 1."""
    if name == "white":
        field = np.random.default_rng(0).standard_normal(shape)
    else:
        field = np.tile(load(name).field[0].astype(np.float64), (2, 2))[: shape[0], : shape[1]]
    return (field - field.mean()) / field.std()


def measure(name: str, fast: FilterBank, exact: FilterBank) -> dict[str, Any]:
    """Largest relative error per order.

    Args:
        name: of the picture.
        fast: bank with the default oversampling.
        exact: the same without subsampling.
    """
    field = jnp.asarray(picture(name, fast.shape), jnp.float32)
    got, expected = _scatter(field, fast), _scatter(field, exact)
    return {
        "name": name,
        "shape": list(fast.shape),
        "order1": float(jnp.max(jnp.abs(got.order1 / expected.order1 - 1))),
        "order2": float(jnp.max(jnp.abs(got.order2 / expected.order2 - 1))),
    }


def main() -> None:
    """Measure all pictures in all shapes, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/accuracy.json"))
    options = parser.parse_args()
    results = []
    for shape in SHAPES:
        banks = morlet_bank(shape), morlet_bank(shape, oversampling=EXACT)
        rows = [measure(name, *banks) for name in NAMES]
        cells = (f"{100 * row['order1']:.2f} / {100 * row['order2']:.2f}" for row in rows)
        print(f"| {shape[0]} × {shape[1]} | {' | '.join(cells)} |", flush=True)
        results += rows
    save(results, options.json)


if __name__ == "__main__":
    main()
