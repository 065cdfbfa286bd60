"""A file → pictures of one or several channels, checked and resized."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from synth.app.decoding import MOST_COLORS, Decoded, colors, decode
from synth.app.texture import Part
from synth.errors import InputError
from synth.transforms.components import MOST_CHANNELS
from synth.transforms.resampling import resampled

__all__ = [
    "Axis",
    "Picture",
    "check_alike",
    "check_size",
    "check_usual",
    "check_values",
    "half_of_white",
    "notes",
    "read",
    "resized",
    "takes_axis",
]

Axis = Literal["first", "last"]
"""Which axis of the array of a picture holds its channels."""

_LEAST_SIDE = 16
_USUAL_SIDE = 1024  # larger pictures must be asked for with a size
_MOST_SIDE = 8192
_LEAST_VALID = 0.25  # of the pixels


class Picture(NamedTuple):
    """A picture on its way to be a field.

    Attributes:
        values: of its channels, in the file's own units; NaN where one is missing.
        name: of the file.
        parts: which channels come from which file.
        rgb: whether the channels are red, green and blue.
        luma: whether color was turned into luma.
        partly: number of pixels that were missing in some channels, but not in all.
        untold: whether its file leaves open if its gray pictures are channels of one.
        left_out: number of further pictures in color in its file.
        guessed: whether its last channel, of an array, was taken for transparency.
    """

    values: Float[np.ndarray, "c h w"]
    name: str
    parts: tuple[Part, ...]
    rgb: bool = False
    luma: bool = False
    partly: int = 0
    untold: bool = False
    left_out: int = 0
    guessed: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return self.values.shape[1], self.values.shape[2]

    @property
    def size(self) -> str:
        """Height and width in words."""
        return f"{self.shape[0]} × {self.shape[1]}"

    @property
    def dtype(self) -> np.dtype:
        """Type of the first file."""
        return self.parts[0].dtype


def read(content: bytes, path: Path, channels: Axis | None = None) -> list[Picture]:
    """Read the pictures of a file.

    Args:
        content: of the file.
        path: of the file, for its name and ending.
        channels: which axis of arrays of three axes or more holds channels, all of them values;
            files that tell by themselves, such as PNG, need not fit.

    Returns:
        One; or several, of gray arrays of three axes and TIFFs of several pages, and of arrays
        of four axes. Of several in color, only the first, if ``channels`` is not given.

    Raises:
        InputError: if the file holds no picture, or one that is too small, or has too many
            channels.
    """
    found = _told(decode(content, path), path, channels)
    pages = _pages(found, path)
    _check_page(pages[0], found, path)
    if found.last == "colors" and channels is None:
        return [_picture(pages[0], found, path)._replace(left_out=len(pages) - 1)]
    untold = found.last is None and 1 < len(pages) <= MOST_CHANNELS
    return [_picture(page, found, path)._replace(untold=untold) for page in pages]


def takes_axis(content: bytes, path: Path) -> bool:
    """Whether it matters which axis is said to hold channels: no PNG of one picture asks that.

    Args:
        content: of the file.
        path: of the file, for its name and ending.

    Raises:
        InputError: if the file holds no picture.
    """
    found = decode(content, path)
    if found.last is None:
        return found.array.ndim > 2
    return found.array.ndim > 3 and len(found.array) > 1


def check_alike(pictures: list[Picture]) -> None:
    """Make sure that pictures can be of one process.

    Raises:
        InputError: if their sizes, types or channels differ.
    """
    first = pictures[0]
    for other in pictures[1:]:
        if other.shape != first.shape:
            raise InputError(
                f"{other.name} has {other.size} pixels and {first.name} {first.size}: give "
                "pictures of one size."
            )
        if other.dtype != first.dtype:
            raise InputError(
                f"{other.name} holds {other.dtype} values and {first.name} {first.dtype}: give "
                "pictures of one type."
            )
        if len(other.values) != len(first.values):
            raise InputError(
                f"{other.name} and {first.name} have {len(other.values)} and {len(first.values)} "
                "channels: give pictures of the same channels, or take all of them as gray."
            )


def check_usual(picture: Picture) -> None:
    """Refuse a picture that takes long, unless its size was asked for.

    Raises:
        InputError: if it is too large.
    """
    longest = max(picture.shape)
    if longest > _USUAL_SIDE:
        raise InputError(
            f"{picture.name} has {picture.size} pixels, which takes long: give a size, for "
            f"instance 512 to shrink it or {longest} to use every pixel."
        )


def check_values(picture: Picture) -> None:
    """Make sure that a picture can be a texture.

    Raises:
        InputError: if it holds infinite values, hardly any pixel, or no contrast in any channel.
    """
    values, name = picture.values, picture.name
    infinite = np.abs(values) > np.finfo(np.float32).max
    if infinite.any():
        raise InputError(
            f"{name} holds values that are infinite or over 3.4e38 ({np.sum(infinite)} of them): "
            "replace them by finite ones, or by NaN where pixels are missing."
        )
    holes = np.isnan(values).any(axis=0)
    missing = int(holes.sum())
    if missing > (1 - _LEAST_VALID) * holes.size:
        raise InputError(
            f"{name} misses {missing:,} of {holes.size:,} pixels: a texture needs a quarter of "
            "them at least."
        )
    known = values[:, ~holes].astype(np.float32)
    if not np.ptp(known, axis=1).any():
        levels = ", ".join(f"{channel[0]:g}" for channel in known)
        raise InputError(f"{name} is constant ({levels} everywhere): a texture needs contrast.")


def check_size(size: int) -> None:
    """Refuse a size to which no picture is resized.

    Raises:
        InputError: if it is out of range.
    """
    if not _LEAST_SIDE <= size <= _MOST_SIDE:
        raise InputError(
            f"The size {size} is out of range: give {_LEAST_SIDE} to {_MOST_SIDE} pixels."
        )


def resized(picture: Picture, size: int, periodic: tuple[bool, bool]) -> Picture:
    """Bring the longest side to a size in pixels, channel by channel, see ``resampled``.

    Raises:
        InputError: if a side, or the contrast, becomes too small.
    """
    check_size(size)
    scale = size / max(picture.shape)
    if scale == 1:
        return picture
    height, width = (max(1, round(n * scale)) for n in picture.shape)
    name = f"{picture.name}, resized to {size},"
    _check_sides((height, width), name)
    small = np.stack([resampled(each, (height, width), periodic) for each in picture.values])
    check_values(picture._replace(values=small, name=name))
    return picture._replace(values=small)


def notes(pictures: list[Picture]) -> tuple[str, ...]:
    """What must be known about pictures, in sentences."""
    said, first = [], pictures[0]
    if any(picture.untold for picture in pictures):
        said.append(
            f"Taken for {len(pictures)} pictures of one process: give --channels if they are "
            "channels of one."
        )
    elif len(pictures) > 1:
        said.append(f"{len(pictures)} pictures of one process.")
    said += [
        f"The first of {1 + picture.left_out} pictures in color was taken: give --channels last "
        f"to take all of {picture.name}."
        for picture in pictures
        if picture.left_out
    ]
    said += [
        f"The last value of every pixel of {picture.name} was taken for transparency: give "
        "--channels last if it is a channel."
        for picture in pictures
        if picture.guessed
    ]
    if len(first.parts) > 1:
        each = ", ".join(f"{part.channels} of {part.name}" for part in first.parts)
        said.append(f"{len(first.values)} channels: {each}.")
    if any(picture.luma for picture in pictures):
        said.append("Color was turned into luma (ITU-R BT.709).")
    total = sum(picture.values[0].size for picture in pictures)
    if partly := sum(picture.partly for picture in pictures):
        said.append(f"{partly:,} of {total:,} pixels missed some channels, and now miss all.")
    if missing := sum(int(np.isnan(picture.values).any(axis=0).sum()) for picture in pictures):
        said.append(f"{missing:,} of {total:,} pixels ({100 * missing / total:.1f} %) are missing.")
    return tuple(said)


def half_of_white(dtype: np.dtype) -> float:
    """Half of the range of a type; floats are from 0 to 1, 16 bits may be stored as more."""
    return min(np.iinfo(dtype).max, 2**16 - 1) / 2 if dtype.kind in "ui" else 0.5


def _told(found: Decoded, path: Path, channels: Axis | None) -> Decoded:
    """An array with its channels last, as its file, the option or else its shape tells."""
    array = found.array
    if array.dtype.kind not in "buif":
        raise InputError(f"{path} holds {array.dtype} values: give real numbers.")
    if found.last is not None or array.ndim < 3:
        return found
    if channels is not None:
        return Decoded(np.moveaxis(array, -3 if channels == "first" else -1, -1), "values")
    while array.ndim > 2 and len(array) == 1:  # one frame, as GIF and TIFF have it
        array = array[0]
    colored = array.ndim == 3 and 1 <= array.shape[2] <= MOST_COLORS
    if not colored:
        return Decoded(array)
    found = colors(array)
    if found.alpha is not None and not _may_be_alpha(array[..., found.alpha]):
        raise InputError(
            f"{path.name} has {array.shape[2]} values per pixel, of which the last is no "
            "transparency, 0 to 1: say --channels last if all of them are channels."
        )
    return found


def _may_be_alpha(values: Shaped[np.ndarray, "h w"]) -> bool:
    """Whether values may be a transparency: levels from 0 on, or floats from 0 to 1."""
    most = 1 if values.dtype.kind == "f" else np.inf
    return not bool(np.any((values < 0) | (values > most)))


def _pages(found: Decoded, path: Path) -> list[Shaped[np.ndarray, "h w *c"]]:
    """The pictures in an array, height × width, with channels last."""
    array, axes = found.array, 2 if found.last is None else 3
    while array.ndim > axes and len(array) == 1:
        array = array[0]
    if array.ndim in (2, axes):
        return [array]
    if array.ndim == axes + 1 and len(array):
        return list(array)
    raise InputError(
        f"{path} has the shape {array.shape}: give one picture, height × width, gray or color, or "
        "several gray ones, one after the other, or say which axis holds the channels."
    )


def _check_page(page: Shaped[np.ndarray, "h w *c"], found: Decoded, path: Path) -> None:
    """Refuse sides or a number of channels that no texture has."""
    channels = page.shape[2] - (found.alpha is not None) if page.ndim == 3 else 1
    if not 1 <= channels <= MOST_CHANNELS:
        raise InputError(
            f"{path.name} has {channels} channels: give 1 to {MOST_CHANNELS} of them, or say "
            "which other axis holds them."
        )
    hint = ""
    if found.last is None and page.shape[1] <= MOST_CHANNELS:
        hint = ", or, if its last axis holds channels, say so"
    _check_sides(page.shape[:2], path.name, hint)


def _picture(page: Shaped[np.ndarray, "h w *c"], found: Decoded, path: Path) -> Picture:
    """Channels of a page; pixels under half of its alpha are missing."""
    values = np.moveaxis(np.atleast_3d(page.astype(np.float64)), 2, 0)
    if page.ndim == 3 and found.alpha is not None:
        opaque = values[found.alpha] >= half_of_white(page.dtype)
        values = np.where(opaque, np.delete(values, found.alpha, axis=0), np.nan)
    three = len(values) == 3
    rgb = three and found.last == "colors"
    part = Part(path.stem, len(values), page.dtype, apart=three and not rgb)
    guessed = found.alpha is not None and path.suffix.lower() == ".npy"
    return Picture(values, path.name, (part,), rgb, guessed=guessed)


def _check_sides(shape: tuple[int, ...], name: str, hint: str = "") -> None:
    if min(shape) < _LEAST_SIDE:
        raise InputError(
            f"{name} has {shape[0]} × {shape[1]} pixels: a texture needs at least "
            f"{_LEAST_SIDE} on each side{hint}."
        )
