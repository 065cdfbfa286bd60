"""Published settings of classification by scattering, from copies of the data that are at hand.

    python -m benchmarks.published mnist FOLDER [--splits 5] [--json FILE]
    python -m benchmarks.published curet FOLDER
    python -m benchmarks.published kth-tips FOLDER
    python -m benchmarks.published cifar-10 FOLDER

Nothing is downloaded. Results: not run here, as the project has no copy of these four sets; their
readers are tested on small files that are made up. Errors that were published, and what differs
here:

mnist: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and
``t10k-labels-idx1-ubyte``, or the same with ``.gz``. J = 3, L = 8, order 2, windows, affine spaces;
all 10,000 others test. Published (J. Bruna and S. Mallat, "Invariant scattering convolution
networks", IEEE PAMI 35 (2013), Table 4): 4.7 % with 300 training digits, 2.3 % with 1,000, 1.3 %
with 2,000, 1.03 % with 5,000; 0.43 % with all 60,000 and a Gaussian support vector machine. Here
as many of each digit train, and C and width of that machine are not tuned on them. It takes 13 s
with 4,000 digits on two cores, and about as the square of their number. Coefficients take 0.8 GB.

curet: 61 folders ``sample01`` … of 92 pictures, 200 × 200 pixels, as M. Varma and A. Zisserman cut
them. 46 of a class train, at random, all others test; logarithms of averages over the picture,
J = 5, affine spaces. Published (the same, Table 8): 0.2 %; Fourier spectrum 1 %; histograms 1 %.
Here the spectrum is the logarithm of Welch's estimate. The row of gray-level histograms has no
published error, as the histograms of the table are another method. Pictures take 0.9 GB, which
must be less than a quarter of the memory that is free.

kth-tips: 10 folders of 81 pictures, 200 × 200 pixels. 40 of a class train; as ``curet``, and with
wavelets along angles. Published (L. Sifre and S. Mallat, "Rotation, scaling and deformation
invariant scattering for texture discrimination", CVPR 2013): 0.6 %. That has averages over scales
and training pictures at several scales, which are no part of it here. Without them the authors'
program, ScatNet (``papers/RSDS/table_1.m``), notes 99.29 % of 410 pictures as right, hence an error
of 0.7 %. It keeps as many dimensions as training pictures, and scales pictures to 200 × 200 pixels;
here the dimension is cross-validated, and the middle of pictures is cut.

cifar-10: the binary version, ``data_batch_1.bin`` … ``data_batch_5.bin`` and ``test_batch.bin``.
J = 3, L = 8, order 2, windows, with wavelets along angles and without, each color on its own.
Published (E. Oyallon and S. Mallat, "Deep roto-translation scattering for object classification",
CVPR 2015, Table 1): 82.3 % are right, an error of 17.7 %. That is a Gaussian support vector machine
of features that are selected, of colors as YUV. Here a linear one, not tuned, has all of them, of
RGB. Coefficients take 1 to 2 GB, and the support vector machine about 10 GB more. The set has a
test of its own, and ``--splits`` does not count.

Paths are normalized by all pictures that may train, labels aside; those of ``curet`` and
``kth-tips`` by all pictures of the folder. Rows have the mean error, the standard deviation over
splits, and the seconds that classifiers took.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from benchmarks.published_sets import (
    BATCHES,
    CURET,
    KTH_TIPS,
    Folders,
    color_pictures,
    digits,
    texture_pictures,
)
from benchmarks.report import machine, save
from synth.errors import InputError
from synth.learning import AffinePCA, GrayLevelHistogram, PowerSpectrum, ScatteringTransformer
from synth.learning._pictures import PictureTransformer

_PUBLISHED_DIGITS = {300: 0.047, 1000: 0.023, 2000: 0.013, 5000: 0.0103}
_PUBLISHED_ALL_DIGITS = 0.0043
_PUBLISHED_CIFAR = 0.177
_SCALES, _TEXTURE_SCALES = 3, 5
_PENALTY = 1e-3  # C of linear support vector machines
_GAUSSIAN_PENALTY = 10.0

Rows = Float[np.ndarray, "n p"]
Labels = Int[np.ndarray, " n"]
Row = dict[str, Any]
Kinds = dict[str, tuple[PictureTransformer, float | None]]
"""Numbers of pictures, with the error that was published of them."""


class Sets(NamedTuple):
    """Numbers and classes of what trains and of what is tested."""

    train: Rows
    train_labels: Labels
    test: Rows
    test_labels: Labels


def _drawn(labels: Labels, count: int, splits: int) -> Iterator[Int[np.ndarray, " m"]]:
    """Which samples train in each split, so many of each class."""
    for split in range(splits):
        rng = np.random.default_rng(split)
        own = [rng.permutation(np.flatnonzero(labels == each)) for each in np.unique(labels)]
        yield np.concatenate([each[:count] for each in own])


def row(
    about: Row,
    sets: Iterable[Sets],
    classifier: Any,  # noqa: ANN401 - pipelines are no classifiers by type
    published: float | None,
) -> Row:
    """A row of the table, which is printed: share of wrong ones in each split.

    Args:
        about: set, kind of numbers, name of the classifier, how many train and are tested.
        sets: of each split.
        classifier: trained in each of them.
        published: error, or None.
    """
    start = time.perf_counter()
    each = []
    for own in sets:
        model: Any = clone(classifier)
        model.fit(own.train, own.train_labels)
        each.append(1 - float(model.score(own.test, own.test_labels)))
    error = float(np.mean(each))
    spread = float(np.std(each, ddof=1)) if len(each) > 1 else None
    words = "" if spread is None else f"± {100 * spread:.2f} "
    beside = "" if published is None else f", published {100 * published:.2f} %"
    print(
        f"{about['set']:9} {about['numbers']:28} {about['classifier']:13} {about['train']:6d} "
        f"train {100 * error:6.2f} {words}%{beside}",
        flush=True,
    )
    figures = {"error": error, "spread": spread, "splits": len(each), "published": published}
    return about | figures | {"seconds": time.perf_counter() - start}


def mnist(folder: Path, splits: int) -> list[Row]:
    """Rows of MNIST: some digits in several splits, then all of them."""
    pictures, labels = digits(folder, "train")
    others, test_labels = digits(folder, "t10k")
    transformer = ScatteringTransformer(scales=_SCALES)
    rows, test = transformer.fit_transform(pictures), transformer.transform(others)
    about = {"set": "MNIST", "numbers": "scattering, orders up to 2", "test": len(test)}
    spaces = about | {"classifier": "affine spaces"}
    table = []
    for size, published in _PUBLISHED_DIGITS.items():
        several = _drawn(labels, size // len(np.unique(labels)), splits)
        sets = (Sets(rows[own], labels[own], test, test_labels) for own in several)
        table.append(row(spaces | {"train": size}, sets, AffinePCA(), published))
    whole = [Sets(rows, labels, test, test_labels)]
    table.append(row(spaces | {"train": len(rows)}, whole, AffinePCA(), None))
    about |= {"classifier": "Gaussian SVM", "train": len(rows)}
    table.append(row(about, whole, SVC(C=_GAUSSIAN_PENALTY), _PUBLISHED_ALL_DIGITS))
    return table


def _textures(form: Folders, folder: Path, splits: int, kinds: Kinds) -> list[Row]:
    """Rows of a set of textures, one of each kind of numbers."""
    found = texture_pictures(form, folder)
    labels = found.labels
    table = []
    for name, (transformer, published) in kinds.items():
        rows = transformer.fit_transform(found.pictures.fields)
        several = [
            (own, np.setdiff1d(np.arange(len(labels)), own))
            for own in _drawn(labels, form.train, splits)
        ]
        about = {"set": form.name, "numbers": name, "classifier": "affine spaces"}
        about |= {"train": len(several[0][0]), "test": len(several[0][1])}
        sets = (Sets(rows[own], labels[own], rows[rest], labels[rest]) for own, rest in several)
        table.append(row(about, sets, AffinePCA(), published))
    return table


def _scattering(**options: Any) -> ScatteringTransformer:  # noqa: ANN401 - of the transformer
    """Logarithms of averages over whole pictures."""
    return ScatteringTransformer(scales=_TEXTURE_SCALES, average="picture", log=True, **options)


def curet(folder: Path, splits: int) -> list[Row]:
    """Rows of CUReT."""
    kinds: Kinds = {
        "scattering, orders up to 2": (_scattering(), 0.002),
        "scattering, order 1": (_scattering(order=1), None),
        "power spectrum": (PowerSpectrum(), 0.01),
        "gray-level histogram": (GrayLevelHistogram(), None),
    }
    return _textures(CURET, folder, splits, kinds)


def kth_tips(folder: Path, splits: int) -> list[Row]:
    """Rows of KTH-TIPS."""
    kinds: Kinds = {
        "roto-translation scattering": (_scattering(invariance="rotation"), 0.006),
        "scattering, orders up to 2": (_scattering(), None),
        "power spectrum": (PowerSpectrum(), None),
    }
    return _textures(KTH_TIPS, folder, splits, kinds)


def cifar(folder: Path, splits: int) -> list[Row]:
    """Rows of CIFAR-10, whose test is its own."""
    del splits
    pictures, labels = color_pictures(folder, BATCHES)
    others, test_labels = color_pictures(folder, ["test_batch.bin"])
    classifier = make_pipeline(StandardScaler(copy=False), LinearSVC(C=_PENALTY))  # rows are large
    kinds: Kinds = {
        "roto-translation scattering": (
            ScatteringTransformer(scales=_SCALES, invariance="rotation"),
            _PUBLISHED_CIFAR,
        ),
        "scattering, orders up to 2": (ScatteringTransformer(scales=_SCALES), None),
    }
    table = []
    for name, (transformer, published) in kinds.items():
        train = transformer.fit_transform(pictures)
        sets = [Sets(train, labels, transformer.transform(others), test_labels)]
        about = {"set": "CIFAR-10", "numbers": name, "classifier": "linear SVM"}
        about |= {"train": len(labels), "test": len(test_labels)}
        table.append(row(about, sets, classifier, published))
    return table


SETS: dict[str, Callable[[Path, int], list[Row]]] = {
    "mnist": mnist,
    "curet": curet,
    "kth-tips": kth_tips,
    "cifar-10": cifar,
}


def main() -> None:
    """Print the table of a set and keep it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("set", metavar="SET", help=", ".join(SETS))
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.set not in SETS:
        parser.error(f"There is no set {options.set}: choose {', '.join(SETS)}.")
    if options.splits < 1:
        parser.error(f"--splits is {options.splits}, and must be 1 or more.")
    if not options.folder.is_dir():
        parser.error(f"There is no folder {options.folder}: give the one that holds the set.")
    path = options.json or Path("benchmarks/results") / f"published-{options.set}.json"
    try:
        table = SETS[options.set](options.folder, options.splits)
    except InputError as error:
        parser.error(str(error))
    save(table, path, machine())


if __name__ == "__main__":
    main()
