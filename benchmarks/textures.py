"""Errors of classifying textures by scattering, power spectrum and gray levels.

    python -m benchmarks.textures [--splits 5] [--json FILE] [--keep FOLDER]

Classes are the project's processes at several parameters, and three photographs that come with
scikit-image. A process gives patches of two fields, one to train and one to test; a photograph of
512 × 512 pixels is cut into 64 patches that do not overlap. All are of 64 × 64 pixels, 46 of a
class train. Each patch has a contrast and a brightness of its own. Two tables: patches as they
are, in several splits; and patches that are turned by random angles when they are tested, where
those of a photograph, 20 at five places, come from its lower quarter alone and 46 others train. Of
a process 46 are tested in both tables. Parameters, and 4 angles beside 8, were settled after a look
at errors, see DESIGN.md.

Every kind of numbers has the same classifier, affine spaces; beside them stand a linear support
vector machine, and linear discriminant analysis by Ledoit and Wolf's estimate of the covariance.
``--keep`` writes the patches as a folder of classes.
"""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int
from PIL import Image
from scipy.ndimage import affine_transform, gaussian_filter
from skimage import data
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from benchmarks.report import machine, save
from synth.learning import AffinePCA, GrayLevelHistogram, PowerSpectrum, ScatteringTransformer
from synth.learning._pictures import PictureTransformer
from synth.processes import PROCESSES

SIDE, TRAIN = 64, 46
_FIELD = 512  # side of a process' field, pixels
_BLUR = 0.8  # pixels
_SCALES = 4
_PARAMETERS: dict[str, tuple[dict[str, float], ...]] = {
    "turbulence": ({}, {"wavelength": 16.0}),
    "sparse": ({}, {"radius": 4.0}),
    "cascade": ({}, {"smoothness": 0.4}),
    "ising": ({}, {"temperature": 3.0}),
    "foam": ({}, {"cell": 14.0}, {"cell": 24.0, "wall": 5.0}),
    "bricks": ({}, {"length": 20.0, "height": 20.0}),
    "tiles": ({}, {"sides": 6}, {"tile": 14.0}),
    "weave": ({}, {"over": 2}, {"thread": 6.0}),
    "stripes": ({}, {"wavelength": 18.0}),
    "labyrinth": ({}, {"wavelength": 18.0}),
    "spots": ({}, {"wavelength": 18.0}),
    "waves": ({}, {"bandwidth": 0.5}),
}
PHOTOGRAPHS = ("brick", "grass", "gravel")

Field = Float[np.ndarray, "h w"]
Patches = Float[np.ndarray, "n h w"]
Classes = dict[str, list[Field]]


class Sets(NamedTuple):
    """What trains and what is tested, with classes."""

    train: Patches
    train_labels: Int[np.ndarray, " n"]
    test: Patches
    test_labels: Int[np.ndarray, " m"]


def classes() -> Classes:
    """Fields of each class: two of a process, to train and to test; one photograph."""
    found: Classes = {}
    for process, several in _PARAMETERS.items():
        for options in several:
            draw: Callable[..., Any] = PROCESSES[process]
            words = "".join(f" {key} {value:g}" for key, value in options.items())
            found[process + words] = [
                _standard(np.asarray(draw((_FIELD, _FIELD), key=jax.random.key(seed), **options)))
                for seed in (0, 1)
            ]
    return found | {name: [_standard(getattr(data, name)())] for name in PHOTOGRAPHS}


def _standard(field: Field) -> Field:
    """Mean 0, variance 1, and a blur by which turning loses no detail that others have."""
    x = gaussian_filter(np.asarray(field, np.float64), _BLUR, mode="wrap")
    return (x - x.mean()) / x.std()


def upright(fields: Classes, rng: np.random.Generator) -> Sets:
    """Patches as they are, others in each split."""
    train, test = [], []
    for own in fields.values():
        several = [rng.permutation(_cut(field)) for field in own]
        train.append(several[0][:TRAIN])
        test.append(several[1][:TRAIN] if len(several) > 1 else several[0][TRAIN:])
    return _sets(train, test, rng)


def turned(fields: Classes, rng: np.random.Generator) -> Sets:
    """Patches as they are to train; to be tested, others at random angles."""
    train, test = [], []
    reach = math.ceil(SIDE / math.sqrt(2)) + 1  # of a patch at any angle
    for own in fields.values():
        if len(own) > 1:
            train.append(rng.permutation(_cut(own[0]))[:TRAIN])
            places = rng.uniform(0, _FIELD, (TRAIN, 2))
            test.append([_turned(own[1], place, rng.uniform(0, 360)) for place in places])
            continue
        photograph = own[0]
        edge = 3 * photograph.shape[0] // 4
        train.append(rng.permutation(_cut(photograph[:edge]))[:TRAIN])
        row = (edge + photograph.shape[0]) / 2
        columns = np.arange(reach, photograph.shape[1] - reach, 2 * reach)
        test.append(
            [
                _turned(photograph, np.array([row, column]), rng.uniform(0, 360))
                for column in columns
                for _ in range(4)
            ]
        )
    return _sets(train, test, rng)


def _cut(field: Field) -> Patches:
    """Patches that do not overlap."""
    rows, columns = (length // SIDE for length in field.shape)
    whole = field[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE)
    return whole.swapaxes(1, 2).reshape(-1, SIDE, SIDE)


def _turned(field: Field, place: Float[np.ndarray, "2"], degrees: float) -> Field:
    """A patch around a row and a column, at an angle, by splines of order 5."""
    angle = math.radians(degrees)
    matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    middle = np.full(2, (SIDE - 1) / 2)
    reach = math.ceil(SIDE / math.sqrt(2)) + 12  # with what a spline sees beyond
    first = np.floor(place).astype(int) - reach
    rows, columns = (np.arange(start, start + 2 * reach) for start in first)
    around = field.take(rows, 0, mode="wrap").take(columns, 1, mode="wrap")
    offset: Any = place - first - matrix @ middle
    return affine_transform(around, matrix, offset, (SIDE, SIDE), order=5, mode="nearest")


def _sets(train: list[Any], test: list[Any], rng: np.random.Generator) -> Sets:
    """All classes, with contrasts and brightnesses of their own."""
    labels = [np.repeat(np.arange(len(each)), list(map(len, each))) for each in (train, test)]
    lit = []
    for each in (train, test):
        whole = np.concatenate([np.asarray(patches) for patches in each])
        contrast = np.exp(rng.uniform(-math.log(2), math.log(2), len(whole)))
        brightness = rng.uniform(-1, 1, len(whole))
        lit.append((whole * contrast[:, None, None] + brightness[:, None, None]).astype(np.float32))
    return Sets(lit[0], labels[0], lit[1], labels[1])


def kinds() -> dict[str, tuple[PictureTransformer, Any]]:
    """Kinds of numbers, and what classifies them."""
    textures: dict[str, Any] = {"scales": _SCALES, "average": "picture", "log": True}
    four = ScatteringTransformer(**textures, angles=4)
    eight = ScatteringTransformer(**textures)
    turning = ScatteringTransformer(**textures, invariance="rotation")
    first = ScatteringTransformer(**textures, angles=4, order=1)
    shrunk = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    return {
        "scattering, 4 angles": (four, AffinePCA()),
        "scattering, 4 angles, order 1": (first, AffinePCA()),
        "scattering, 8 angles": (eight, AffinePCA()),
        "roto-translation scattering": (turning, AffinePCA()),
        "scattering, linear SVM": (eight, make_pipeline(StandardScaler(), LinearSVC())),
        "scattering, discriminants": (eight, shrunk),
        "power spectrum": (PowerSpectrum(), AffinePCA()),
        "power spectrum, discriminants": (PowerSpectrum(), shrunk),
        "power spectrum by |ω|": (PowerSpectrum(invariance="rotation"), AffinePCA()),
        "gray-level histogram": (GrayLevelHistogram(), AffinePCA()),
    }


def errors(sets: Sets) -> dict[str, float]:
    """Share of wrong patches by each kind of numbers."""
    rows: dict[str, tuple[Any, Any]] = {}
    found = {}
    for name, (transformer, classifier) in kinds().items():
        key = repr(transformer)
        if key not in rows:
            rows[key] = transformer.fit_transform(sets.train), transformer.transform(sets.test)
        train, test = rows[key]
        classifier.fit(train, sets.train_labels)
        found[name] = 1 - classifier.score(test, sets.test_labels)
    return found


def table(splits: int) -> list[dict[str, Any]]:
    """Rows of both tables."""
    fields = classes()
    rows = []
    for name, make in (("upright", upright), ("turned", turned)):
        each = [errors(make(fields, np.random.default_rng(split))) for split in range(splits)]
        for kind in each[0]:
            values = [one[kind] for one in each]
            row = {"tested": name, "numbers": kind, "classes": len(fields)}
            row |= {"error": float(np.mean(values)), "spread": float(np.std(values, ddof=1))}
            print(
                f"{name:8} {kind:30} {100 * row['error']:6.2f} ± {100 * row['spread']:.2f} %",
                flush=True,
            )
            rows.append(row)
    return rows


def keep(folder: Path) -> None:
    """Write the patches that train as a folder of classes, 8 bits, for ``synth classify``."""
    fields = classes()
    sets = upright(fields, np.random.default_rng(0))
    for name, label in zip(fields, range(len(fields)), strict=True):
        own = folder / name.replace(" ", "-")
        own.mkdir(parents=True, exist_ok=True)
        for index, patch in enumerate(sets.train[sets.train_labels == label]):
            levels = (128 + 24 * patch).round().clip(0, 255).astype(np.uint8)
            Image.fromarray(levels).save(own / f"{index:02d}.png")


def main() -> None:
    """Print both tables and keep them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.textures", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/textures.json"))
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if options.splits < 2:
        parser.error(f"--splits is {options.splits}, and must be 2 or more.")
    if options.keep:
        keep(options.keep)
        return
    save(table(options.splits), options.json, machine())


if __name__ == "__main__":
    main()
