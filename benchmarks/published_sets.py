"""Copies of published sets of pictures, read in the forms in which they are published."""

import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from synth.app.albums import Album, album
from synth.descent import drain
from synth.errors import InputError

__all__ = [
    "BATCHES",
    "CURET",
    "KTH_TIPS",
    "Folders",
    "color_pictures",
    "digits",
    "texture_pictures",
]

_DIGITS = {"train": 60_000, "t10k": 10_000}  # pictures in the files of MNIST
_DIGIT_SIDE = 28  # pixels
BATCHES = tuple(f"data_batch_{n}.bin" for n in range(1, 6))
_BATCH = 10_000  # pictures in a file of CIFAR-10
_COLOR = (3, 32, 32)  # of each: red, green and blue, a byte each
_UNSIGNED = 0x08  # the type of bytes in an IDX file

Labels = Int[np.ndarray, " n"]


class Folders(NamedTuple):
    """A set of textures: its name, classes, pictures of a class, and how many of them train."""

    name: str
    classes: int
    pictures: int
    train: int


CURET = Folders("CUReT", classes=61, pictures=92, train=46)
KTH_TIPS = Folders("KTH-TIPS", classes=10, pictures=81, train=40)


def idx(folder: Path, name: str, axes: int) -> UInt8[np.ndarray, "..."]:
    """Read an IDX file of bytes, compressed by gzip or not.

    Args:
        folder: where it lies.
        name: of the file, without ``.gz``.
        axes: of the array that it must hold.

    Raises:
        InputError: if there is none, or it holds anything else.

    Source:
        Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits".
    """
    path = folder / name
    compressed = path.with_name(f"{name}.gz")
    if not path.exists() and compressed.exists():
        path = compressed
    data = _bytes(path, f"{folder} must hold {name} or {name}.gz")
    start = 4 + 4 * axes
    magic = bytes((0, 0, _UNSIGNED, axes))
    if data[:4] != magic:
        raise InputError(
            f"{path} begins with {data[:4].hex() or 'nothing'}, and an IDX file of {axes} "
            f"{'axes' if axes > 1 else 'axis'} with {magic.hex()}: copy the file again."
        )
    shape = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(4, start, 4))
    _check_length(path, data, start + math.prod(shape))
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _bytes(path: Path, wanted: str) -> bytes:
    """What a file holds, uncompressed."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is no whole gzip file ({error}): copy the file again.") from error
    except OSError as error:
        reason = error.strerror or "it is no such file"
        raise InputError(f"{path} cannot be read ({reason}): {wanted}.") from error


def _check_length(path: Path, data: bytes, wanted: int) -> None:
    """Refuse a file that was cut off or goes on."""
    if len(data) != wanted:
        raise InputError(
            f"{path} has {len(data):,} bytes and must have {wanted:,}: copy the file again."
        )


def _check_labels(path: Path, labels: UInt8[np.ndarray, " n"]) -> None:
    """Refuse classes beyond the ten that both sets have, and a single one."""
    if labels.max() > 9 or labels.min() == labels.max():
        raise InputError(
            f"{path} has classes {labels.min()} to {labels.max()}, and must have 0 to 9: copy the "
            "file again."
        )


def digits(folder: Path, part: str) -> tuple[Float[np.ndarray, "n h w"], Labels]:
    """Pictures of MNIST, 0 to 1, and their digits.

    Args:
        folder: with the files.
        part: ``train`` or ``t10k``, as their names begin.

    Raises:
        InputError: if a file is missing, or is not as in MNIST.
    """
    names = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
    pictures, labels = idx(folder, names[0], 3), idx(folder, names[1], 1)
    count = _DIGITS[part]
    for name, found, wanted in (
        (names[0], pictures.shape, (count, _DIGIT_SIDE, _DIGIT_SIDE)),
        (names[1], labels.shape, (count,)),
    ):
        if found != wanted:
            raise InputError(
                f"{folder / name} is of {_words(found)}, and MNIST's is of {_words(wanted)}: give "
                "a folder with all of MNIST."
            )
    _check_labels(folder / names[1], labels)
    return pictures.astype(np.float32) / 255, labels.astype(int)


def _words(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{length:,}" for length in shape)


def color_pictures(
    folder: Path, names: Sequence[str]
) -> tuple[Float[np.ndarray, "n 3 h w"], Labels]:
    """Pictures of CIFAR-10, 0 to 1, and their classes: in files of a class and a picture in turn.

    Args:
        folder: with the files.
        names: of the files.

    Raises:
        InputError: if a file is missing, or is not as in the binary version.

    Source:
        A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009).
    """
    size = 1 + math.prod(_COLOR)
    several = []
    for name in names:
        path = folder / name
        wanted = f"{folder} must hold {BATCHES[0]} to {BATCHES[-1]} and test_batch.bin"
        data = _bytes(path, f"{wanted}, the binary version of CIFAR-10")
        _check_length(path, data, _BATCH * size)
        several.append(np.frombuffer(data, np.uint8).reshape(_BATCH, size))
        _check_labels(path, several[-1][:, 0])
    records = np.concatenate(several)
    pictures = records[:, 1:].reshape(-1, *_COLOR)
    return pictures.astype(np.float32) / 255, records[:, 0].astype(int)


def texture_pictures(form: Folders, folder: Path) -> Album:
    """Gray pictures of a set of textures.

    Args:
        form: classes and pictures that the set has.
        folder: with a folder per class.

    Raises:
        InputError: if the folder cannot be read, or has other classes or pictures.
    """
    found = drain(album(folder, gray=True))
    for note in (*found.pictures.skipped.values(), *found.pictures.notes):
        print(note, flush=True)
    counts = np.bincount(found.labels)
    if len(counts) != form.classes:
        raise InputError(
            f"{folder} has {len(counts)} classes with pictures, and {form.name} has "
            f"{form.classes}: give the folder that holds those of all its classes."
        )
    if (counts != form.pictures).any():
        at = int(np.argmax(counts != form.pictures))
        raise InputError(
            f"{folder / found.names[at]} has {counts[at]} pictures that can be used, and a class "
            f"of {form.name} has {form.pictures}: copy the folder again."
        )
    return found
