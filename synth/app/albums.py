"""A folder of classes → pictures of one shape with their classes; what cannot be read is told."""

from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from jaxtyping import Float, Int

from synth.app.images import load
from synth.errors import InputError

__all__ = ["Album", "Form", "Pictures", "album", "read"]

_RGB = 3
_MOST_NOTES = 5
_KNOWN = ("Resized", "Taken for")  # how notes begin of what was asked for, or is said otherwise
_SMALL = 0.5  # of the usual side: smaller pictures are left out
_MEMORY = 0.06  # of what is free: coefficients of windows take up to 16 times as much


class Form(NamedTuple):
    """What pictures must have in common.

    Attributes:
        channels: of each picture.
        ranged: whether values are of 8 or 16 bits, and so in units of their full range.
        shape: height and width, pixels; larger pictures are cut to their middle.
    """

    channels: int
    ranged: bool
    shape: tuple[int, int]


class Pictures(NamedTuple):
    """Pictures of one form.

    Attributes:
        fields: in units of the full range of 8 and 16 bits, others in their own.
        files: where each comes from.
        skipped: why other files give none, by file.
        notes: what was done to them, in sentences.
        form: what they have in common.
    """

    fields: Float[np.ndarray, "n c h w"]
    files: tuple[Path, ...]
    skipped: dict[Path, str]
    notes: tuple[str, ...]
    form: Form


class Album(NamedTuple):
    """Pictures of classes.

    Attributes:
        name: of the folder.
        pictures: of all classes.
        labels: index of the class of each.
        names: of the classes.
    """

    name: str
    pictures: Pictures
    labels: Int[np.ndarray, " n"]
    names: tuple[str, ...]


class _One(NamedTuple):
    """One picture as it is in its file."""

    file: Path
    values: Float[np.ndarray, "c h w"]
    ranged: bool
    notes: tuple[str, ...] = ()


def _classes_in(folder: Path) -> dict[str, list[Path]]:
    """Files of each class: of each subfolder, and what lies below it; hidden ones do not count.

    Raises:
        InputError: if there are not two subfolders.
    """
    try:
        below = sorted(each for each in folder.iterdir() if each.is_dir() and _seen(each, folder))
        found = {
            each.name: sorted(p for p in each.rglob("*") if p.is_file() and _seen(p, folder))
            for each in below
        }
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be read ({error.strerror}): give another."
        ) from error
    if len(found) < 2:
        number = f"{len(found)} subfolder{'s' * (len(found) != 1)}"
        raise InputError(
            f"{folder} has {number}, and two classes are needed at least: put the pictures of "
            "each class into a folder of its own."
        )
    return found


def album(
    folder: Path, *, size: int | None = None, gray: bool = False, least: int = 2
) -> Generator[str, None, Album]:
    """Read a folder of classes.

    Args:
        folder: with a subfolder per class.
        size: longest side to which pictures are resized.
        gray: whether color is turned into gray.
        least: pictures that a class must have; others are left out.

    Yields:
        What is going on, in words.

    Returns:
        Pictures and classes.

    Raises:
        InputError: if fewer than two classes are left.
    """
    classes = _classes_in(folder)
    files = [file for own in classes.values() for file in own]
    pictures = yield from read(files, size=size, gray=gray)
    of = [file.relative_to(folder).parts[0] for file in pictures.files]
    counts = Counter(of)
    names = [name for name in classes if counts[name] >= least]
    notes = [
        f"The class {name} has {_number(counts[name])} that can be used and needs {least}: it is "
        "left out."
        + next((f" {pictures.skipped[file]}" for file in own if file in pictures.skipped), "")
        for name, own in classes.items()
        if name not in names
    ]
    if len(names) < 2:
        raise InputError(
            " ".join(notes[:3]) + f" {folder.name} needs two classes of {least} pictures at least: "
            "add pictures, or give fewer folds."
        )
    own = [index for index, name in enumerate(of) if name in names]
    kept = pictures._replace(
        fields=pictures.fields[own],
        files=tuple(pictures.files[index] for index in own),
        notes=(*pictures.notes, *notes),
    )
    labels = np.array([names.index(of[index]) for index in own])
    return Album(folder.resolve().name, kept, labels, tuple(names))


def read(
    files: Sequence[Path],
    *,
    size: int | None = None,
    gray: bool = False,
    form: Form | None = None,
) -> Generator[str, None, Pictures]:
    """Read pictures and bring them to one form; a file of several gives several.

    Args:
        files: their paths.
        size: longest side to which pictures are resized.
        gray: whether color is turned into gray.
        form: that they must have; by default that of most of them, and the largest shape that all
            of these have room for.

    Yields:
        What is going on, in words.

    Raises:
        InputError: if no file can be used, or pictures take more memory than is free.
    """
    found, skipped = yield from _found_in(files, size=size, gray=gray)
    if not found:
        first = next(iter(skipped.values()), "The folders are empty.")
        words = f"None of {len(files)} files is a picture that can be used. {first}"
        raise InputError(first if len(files) == 1 else words)
    notes = _said(found)
    if form is None:
        several = sum(map(_in_color, found))
        if 0 < 2 * several < len(found):
            found = [
                _pictures_of(o.file, size=size, gray=True)[0] if _in_color(o) else o for o in found
            ]
            notes.append(f"{_number(several)} in color: turned into gray, as most are gray.")
    alike, wanted = _alike(found, skipped, form)
    shapes = {one.values.shape[1:] for one in alike}
    if shapes != {wanted.shape}:
        notes.append(
            f"Pictures have {_words(min(shapes))} to {_words(max(shapes))} pixels: of each the "
            f"middle counts, {_words(wanted.shape)}."
        )
    fields = np.stack([_middle(one.values, wanted.shape) for one in alike])
    return Pictures(fields, tuple(one.file for one in alike), skipped, tuple(notes), wanted)


def _found_in(
    files: Sequence[Path], *, size: int | None, gray: bool
) -> Generator[str, None, tuple[list[_One], dict[Path, str]]]:
    """The pictures of files, and why other files have none."""
    found: list[_One] = []
    skipped: dict[Path, str] = {}
    room = psutil.virtual_memory().available * _MEMORY
    for number, file in enumerate(files, 1):
        yield f"reading {number} of {len(files)} pictures"
        try:
            several = _pictures_of(file, size=size, gray=gray)
        except InputError as error:
            skipped[file] = str(error)
            continue
        except OSError as error:
            skipped[file] = f"{file.name} cannot be read ({error.strerror})."
            continue
        found.extend(several)
        room -= sum(one.values.nbytes for one in several)
        if room < 0:
            raise InputError(
                f"{len(files)} files take too much memory, the first {number} of them all that is "
                "free for pictures: give a smaller --size, or fewer files."
            )
    return found, skipped


def _pictures_of(file: Path, *, size: int | None, gray: bool) -> list[_One]:
    """The pictures of a file, in units of their full range."""
    texture = load(file.absolute(), size=size, gray=gray, periodic=(False, False))
    if np.isnan(texture.fields).any():
        raise InputError(f"{file.name} has missing pixels: give whole pictures.")
    fields = texture.in_range.astype(np.float32)
    return [_One(file, field, texture.has_range, texture.notes) for field in fields]


def _said(found: list[_One]) -> list[str]:
    """What must be known of files: how they were read, and which are several pictures."""
    notes = Counter(note for one in found for note in one.notes if not note.startswith(_KNOWN))
    said = [f"{_number(count)}: {note}" for note, count in notes.items()]
    pages = Counter(one.file for one in found)
    said += [
        f"{file.name} holds {count} pictures: some may train where others are tested."
        for file, count in pages.items()
        if count > 1
    ]
    return said[:_MOST_NOTES]


def _alike(
    found: list[_One], skipped: dict[Path, str], form: Form | None
) -> tuple[list[_One], Form]:
    """Pictures that have the form, or that of most; why others have not goes to ``skipped``."""
    if form is None:
        if any(map(_in_color, found)):
            found = [_colored(one) for one in found]
        kinds = Counter((len(one.values), one.ranged) for one in found)
        channels, ranged = kinds.most_common(1)[0][0]
        sides = np.median([one.values.shape[1:] for one in found], axis=0) * _SMALL
        least = (int(np.ceil(sides[0])), int(np.ceil(sides[1])))
    else:
        channels, ranged, least = form
        found = [_colored(one) if channels == _RGB else one for one in found]
    alike = []
    for one in found:
        count, *shape = one.values.shape
        reason = ""
        if count != channels:
            reason = f"has {count} channel{'s' * (count > 1)} and the others {channels}"
        elif one.ranged != ranged:
            kinds_ = ("arrays in units of their own", "pictures of 8 or 16 bits")
            reason = f"is one of the {kinds_[one.ranged]} and the others are {kinds_[ranged]}"
        elif min(np.subtract(shape, least)) < 0:
            reason = f"is of {shape[0]} × {shape[1]} pixels and needs {_words(least)} or more"
        if reason:
            skipped[one.file] = f"{one.file.name} {reason}."
        else:
            alike.append(one)
    if not alike:
        raise InputError(f"None of the pictures can be used. {next(iter(skipped.values()))}")
    shapes = [one.values.shape[1:] for one in alike]
    shape = form.shape if form else (min(h for h, _ in shapes), min(w for _, w in shapes))
    return alike, Form(channels, ranged, shape)


def _in_color(one: _One) -> bool:
    return one.ranged and len(one.values) == _RGB


def _colored(one: _One) -> _One:
    """A gray picture as one whose colors are gray: files in color whose pixels are gray, too."""
    if one.ranged and len(one.values) == 1:
        return one._replace(values=one.values.repeat(_RGB, axis=0))
    return one


def _middle(
    values: Float[np.ndarray, "c h w"], shape: tuple[int, int]
) -> Float[np.ndarray, "c a b"]:
    """The middle of a picture."""
    top, left = ((n - m) // 2 for n, m in zip(values.shape[1:], shape, strict=True))
    return values[:, top : top + shape[0], left : left + shape[1]]


def _seen(path: Path, folder: Path) -> bool:
    """Whether neither a file nor a folder around it is hidden."""
    return not any(part.startswith(".") for part in path.relative_to(folder).parts)


def _number(count: int) -> str:
    return f"{count or 'no'} picture{'s' * (count != 1)}"


def _words(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} × {shape[1]}"
