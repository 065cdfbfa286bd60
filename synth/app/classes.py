"""Classes of pictures: how well they are told apart, and a classifier that is kept."""

from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import binomtest
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from synth.app import figures
from synth.app.albums import Album, Form, Pictures, album, read
from synth.app.folders import hidden_folder, publish
from synth.app.options import check_seed
from synth.app.reading import check_size
from synth.app.record import write_report
from synth.errors import InputError
from synth.learning import AffinePCA, GrayLevelHistogram, PowerSpectrum, ScatteringTransformer
from synth.learning.kept import Classifier
from synth.transforms.filters import max_scales

__all__ = [
    "Found",
    "Settings",
    "Told",
    "Verdict",
    "album_of",
    "classified",
    "judge",
    "learn",
    "read_for",
    "write",
    "write_found",
]

_MOST_SCALES = 5  # of averages over whole pictures
_WINDOW_SCALES = 3
_ANGLES, _MOST_ANGLES = {False: 4, True: 8}, 32
_SPARE = 2  # scales fewer than fit, so that four windows of 2^J pixels lie along a side


class Settings(NamedTuple):
    """How pictures are told apart.

    Attributes:
        size: longest side to which they are resized.
        gray: whether color is turned into gray.
        scales: J; by default as many as leave room for four windows, up to 5, or 3 of windows.
        angles: L; by default 4, and 8 with rotations or windows.
        rotations: whether rotated pictures are of one class: invariants of rotations, too.
        windows: whether it matters where in a picture something is, as in digits: averages over
            windows of 2^J pixels instead of whole pictures.
        folds: of the cross-validation.
        seed: of its folds.
    """

    size: int | None = None
    gray: bool = False
    scales: int | None = None
    angles: int | None = None
    rotations: bool = False
    windows: bool = False
    folds: int = 5
    seed: int = 0

    @property
    def changed(self) -> list[str]:
        """Options that are not as by default."""
        usual = Settings()
        return [name for name in self._fields if getattr(self, name) != getattr(usual, name)]

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            InputError: with what is allowed.
        """
        if self.size is not None:
            check_size(self.size)
        if self.folds < 2:
            raise InputError(f"{self.folds} folds were asked for: give 2 or more, 5 are usual.")
        if self.angles is not None and not 1 <= self.angles <= _MOST_ANGLES:
            raise InputError(f"{self.angles} angles were asked for: choose 1 to {_MOST_ANGLES}.")
        check_seed(self.seed)


class Told(NamedTuple):
    """What one kind of numbers tells of an album.

    Attributes:
        found: index of the class that was found for each picture, when it did not train.
        wrong: number of pictures for which it is not their own.
        errors: share of wrong ones in each fold.
    """

    found: Int[np.ndarray, " n"]
    wrong: int
    errors: Float[np.ndarray, " k"]

    @property
    def interval(self) -> tuple[float, float]:
        """Of the error, at 95 %: Wilson's, as if pictures were independent."""
        ends = binomtest(self.wrong, len(self.found)).proportion_ci(method="wilson")
        return ends.low, ends.high


class Verdict(NamedTuple):
    """How well the classes of an album are told apart.

    Attributes:
        album: pictures and classes.
        settings: as they were used.
        told: by the kind of numbers: scattering first.
        transformer: of pictures to scattering coefficients, fitted to all of them.
        rows: the coefficients.
    """

    album: Album
    settings: Settings
    told: dict[str, Told]
    transformer: ScatteringTransformer
    rows: Float[np.ndarray, "n p"]

    @property
    def confusion(self) -> Int[np.ndarray, "k k"]:
        """Pictures of each class (rows) by the class that scattering found."""
        count = len(self.album.names)
        pairs = self.album.labels * count + self.told["scattering"].found
        return np.bincount(pairs, minlength=count**2).reshape(count, count)

    @property
    def chance(self) -> float:
        """Error of whoever always says the class of most pictures."""
        return 1 - float(np.bincount(self.album.labels).max()) / len(self.album.labels)


def album_of(folder: Path, settings: Settings) -> Generator[str, None, Album]:
    """Read a folder with a subfolder per class, see ``albums.album``."""
    settings.check()
    return album(folder, size=settings.size, gray=settings.gray, least=settings.folds)


def _settled(settings: Settings, shape: tuple[int, int]) -> Settings:
    """With the number of angles, and of scales that pictures of a shape have room for.

    Raises:
        InputError: if they have no room for those that were asked for.
    """
    room = max_scales(shape)
    scales = settings.scales
    if scales is None:
        usual = _WINDOW_SCALES if settings.windows else _MOST_SCALES
        scales = max(1, min(usual, room - _SPARE))
    if not 1 <= scales <= room:
        raise InputError(
            f"{scales} scales do not fit pictures of {shape[0]} × {shape[1]} pixels: "
            f"choose 1 to {room}."
        )
    angles = settings.angles or _ANGLES[settings.rotations or settings.windows]
    return settings._replace(scales=scales, angles=angles)


def judge(album: Album, settings: Settings) -> Generator[str, None, Verdict]:
    """Cross-validate affine spaces of scattering, of the power spectrum and of gray levels.

    What numbers are relative to, as the size of each path, is settled by all pictures, without
    their classes; affine spaces and their dimension by those of the folds that train.

    Args:
        album: pictures and classes.
        settings: how they are told apart.

    Yields:
        What is going on, in words.

    Returns:
        What each kind of numbers tells.
    """
    settings = _settled(settings, album.pictures.form.shape)
    invariance = "rotation" if settings.rotations else "translation"
    transformer = _transformer(settings)
    kinds = {
        "scattering": transformer,
        "power spectrum": PowerSpectrum(invariance=invariance),
        "gray-level histogram": GrayLevelHistogram(),
    }
    folds = StratifiedKFold(settings.folds, shuffle=True, random_state=settings.seed)
    rows, told = {}, {}
    for name, kind in kinds.items():
        yield f"telling classes apart by {name}"
        rows[name] = kind.fit_transform(album.pictures.fields)
        found = np.asarray(cross_val_predict(AffinePCA(), rows[name], album.labels, cv=folds))
        wrong = found != album.labels
        errors = [wrong[test].mean() for _, test in folds.split(rows[name], album.labels)]
        told[name] = Told(found, int(wrong.sum()), np.array(errors))
    return Verdict(album, settings, told, transformer, rows["scattering"])


def _transformer(settings: Settings) -> ScatteringTransformer:
    """Logarithms of averages over pictures, or averages over windows as they are."""
    return ScatteringTransformer(
        scales=settings.scales,
        angles=settings.angles,
        invariance="rotation" if settings.rotations else "translation",
        average="window" if settings.windows else "picture",
        log=not settings.windows,
    )


def learn(verdict: Verdict) -> Classifier:
    """A classifier by scattering that all pictures of an album train."""
    album, settings, form = verdict.album, verdict.settings, verdict.album.pictures.form
    about = {"channels": form.channels, "ranged": form.ranged}
    about |= {"size": settings.size, "gray": settings.gray, "pictures": len(album.labels)}
    spaces = AffinePCA().fit(verdict.rows, album.labels)
    return Classifier(verdict.transformer, spaces, album.names, about)


def read_for(classifier: Classifier, files: Sequence[Path]) -> Generator[str, None, Pictures]:
    """Read pictures as those were that a classifier learned from, see ``albums.read``."""
    about = classifier.about
    form = Form(about["channels"], about["ranged"], classifier.shape)
    gray = about["gray"] or about["channels"] == 1
    return read(files, size=about["size"], gray=gray, form=form)


def write(verdict: Verdict, parent: Path) -> Path:
    """Write a folder ``<name>-classes-<time>`` with ``confusion.png`` and ``classes.json``.

    Returns:
        The new folder.

    Raises:
        InputError: if the folder cannot be written.
    """
    name = verdict.album.name
    with hidden_folder(parent) as hidden:
        rows = {kind: (t.errors.mean(), t.errors.std(ddof=1)) for kind, t in verdict.told.items()}
        figure = figures.confusion(
            verdict.confusion, verdict.album.names, rows, title=name, chance=verdict.chance
        )
        figure.savefig(hidden / "confusion.png")
        write_report(_report(verdict), hidden / "classes.json")
        return publish(hidden, parent / f"{name}-classes")


def _report(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON has it."""
    names, pictures = verdict.album.names, verdict.album.pictures
    counts = Counter(verdict.album.labels.tolist())
    found = {kind: told.found for kind, told in verdict.told.items()}
    return {
        "folder": verdict.album.name,
        "classes": {name: counts[index] for index, name in enumerate(names)},
        "shape": pictures.form.shape,
        "channels": pictures.form.channels,
        "settings": verdict.settings._asdict(),
        "errors": {
            kind: {
                "wrong": told.wrong,
                "error": told.errors.mean(),
                "interval": told.interval,
                "folds": told.errors.tolist(),
            }
            for kind, told in verdict.told.items()
        },
        "chance": verdict.chance,
        "confusion": verdict.confusion.tolist(),
        "pictures": [
            {
                "file": str(file),
                "class": names[verdict.album.labels[index]],
                "found": {kind: names[each[index]] for kind, each in found.items()},
            }
            for index, file in enumerate(pictures.files)
        ],
        "skipped": {str(file): reason for file, reason in pictures.skipped.items()},
        "notes": pictures.notes,
    }


class Found(NamedTuple):
    """The class that a classifier finds for a picture.

    Attributes:
        file: of the picture.
        name: of the class whose affine space is nearest.
        second: of the next one.
        margin: 1 less the ratio of the two distances: near 0 neither, near 1 clearly the first.
        distances: from the space of each class, by its name.
    """

    file: Path
    name: str
    second: str
    margin: float
    distances: dict[str, float]


def classified(classifier: Classifier, pictures: Pictures) -> list[Found]:
    """The class of each picture."""
    found = []
    for file, distances in zip(pictures.files, classifier.distances(pictures.fields), strict=True):
        first, second = np.argsort(distances)[:2]
        margin = 1 - distances[first] / distances[second] if distances[second] else 0.0
        each = dict(zip(classifier.names, distances.tolist(), strict=True))
        found.append(
            Found(file, classifier.names[first], classifier.names[second], float(margin), each)
        )
    return found


def write_found(found: Sequence[Found], pictures: Pictures, *, name: str, parent: Path) -> Path:
    """Write a folder ``<name>-classified-<time>`` with ``classes.json``.

    Returns:
        The new folder.

    Raises:
        InputError: if the folder cannot be written.
    """
    report = {
        "classifier": name,
        "pictures": [{**each._asdict(), "file": str(each.file)} for each in found],
        "skipped": {str(file): reason for file, reason in pictures.skipped.items()},
        "notes": pictures.notes,
    }
    with hidden_folder(parent) as hidden:
        write_report(report, hidden / "classes.json")
        return publish(hidden, parent / f"{name}-classified")
