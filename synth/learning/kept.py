"""Classifiers as files: numbers and names alone, so that reading one runs none of its content."""

import json
import secrets
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from synth.errors import InputError
from synth.learning.affine import AffinePCA
from synth.learning.transformer import ScatteringTransformer

__all__ = ["Classifier", "check_path", "load", "save"]

_FORMAT = "synth classifier 1"
_FOREIGN = (ValueError, KeyError, TypeError, AttributeError, EOFError)
_FOREIGN += (zipfile.BadZipFile, zlib.error, NotImplementedError)


class Classifier(NamedTuple):
    """Pictures → classes.

    Attributes:
        transformer: of pictures to rows of numbers, fitted.
        spaces: of the classes, in the numbers' order of ``names``, fitted.
        names: of the classes.
        about: what else must be known of its pictures; as JSON takes it.
    """

    transformer: ScatteringTransformer
    spaces: AffinePCA
    names: tuple[str, ...]
    about: dict[str, Any]

    def distances(self, pictures: Float[np.ndarray, "n c h w"]) -> Float[np.ndarray, "n k"]:
        """Distance of each picture's coefficients from the affine space of each class."""
        return np.sqrt(self.spaces.distances(self.transformer.transform(pictures)))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of pictures, pixels."""
        return self.transformer.image_shape_


def save(classifier: Classifier, path: Path) -> None:
    """Write a classifier as one file, whole or not at all; a classifier that was there is replaced.

    Args:
        classifier: fitted.
        path: of the file, in a folder that is there.

    Raises:
        InputError: if the file cannot be written, or is there and holds no classifier.
    """
    check_path(path)
    transformer, spaces = classifier.transformer, classifier.spaces
    header = {
        "format": _FORMAT,
        "names": classifier.names,
        "about": classifier.about,
        "transformer": transformer.get_params(),
        "shape": transformer.image_shape_,
        "features": [transformer.n_features_in_, spaces.n_features_in_],
        "spaces": spaces.get_params(),
        "dimension": spaces.dimension_,
    }
    arrays: dict[str, np.ndarray] = {
        "header": np.frombuffer(json.dumps(header).encode(), np.uint8),
        "sizes": transformer.sizes_,
        "classes": np.asarray(spaces.classes_),
        "means": spaces.means_,
        **{f"directions{n}": each for n, each in enumerate(spaces.components_)},
    }
    hidden = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with hidden.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        hidden.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path} cannot be written ({reason}): choose another.") from error
    finally:
        hidden.unlink(missing_ok=True)


def check_path(path: Path) -> None:
    """Refuse a path at which no classifier can be kept.

    Raises:
        InputError: if its folder is not there, or something else lies there.
    """
    if not path.absolute().parent.is_dir():
        raise InputError(f"There is no folder {path.parent}: make it first, or choose another.")
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the name of a file for the classifier.")
    if path.exists():
        load(path)


def load(path: Path) -> Classifier:
    """Read a classifier.

    Args:
        path: of a file that ``save`` wrote.

    Raises:
        InputError: if it is none.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes().decode())
            if header["format"] != _FORMAT:
                raise ValueError(header["format"])
            arrays = {name: file[name] for name in file.files}
        return _made(header, arrays)
    except OSError as error:
        reason = error.strerror or "it is no such file"
        raise InputError(f"{path} cannot be read as a classifier ({reason}).") from error
    except _FOREIGN as error:
        raise InputError(
            f"{path} is no classifier: give a folder of classes to learn from, or a file that "
            "`synth classify FOLDER --save FILE` wrote."
        ) from error


def _made(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Classifier:
    """A classifier of what was kept of it."""
    transformer = ScatteringTransformer(**header["transformer"])
    transformer.image_shape_ = tuple(header["shape"])
    transformer.sizes_ = arrays["sizes"]
    spaces = AffinePCA(**header["spaces"])
    transformer.n_features_in_, spaces.n_features_in_ = header["features"]
    spaces.dimension_ = header["dimension"]
    spaces.classes_, spaces.means_ = arrays["classes"], arrays["means"]
    spaces.components_ = [arrays[f"directions{n}"] for n in range(len(spaces.classes_))]
    spaces.errors_ = np.empty(0)
    count, numbers = len(header["names"]), spaces.n_features_in_
    fit = [each.shape[1:] == (numbers,) for each in (spaces.means_, *spaces.components_)]
    if not (all(fit) and len(spaces.means_) == len(spaces.classes_) == count):
        raise ValueError("arrays of other shapes")
    if not {"channels", "ranged", "size", "gray"} <= header["about"].keys():
        raise ValueError("too little about its pictures")
    return Classifier(transformer, spaces, tuple(header["names"]), header["about"])
