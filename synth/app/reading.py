"""A file → pictures of gray levels, NaN where a pixel is missing, checked and resized."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.app.decoding import decode
from synth.app.resampling import resampled
from synth.errors import InputError

__all__ = [
    "Picture",
    "check_alike",
    "check_usual",
    "check_values",
    "masked",
    "notes",
    "read",
    "resized",
]

_LEAST_SIDE = 16
_USUAL_SIDE = 1024  # larger pictures must be asked for with a size
_MOST_SIDE = 8192
_LEAST_VALID = 0.25  # of the pixels
_MOST_COLORS = 4
_LUMA = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709; of gamma-coded values, as they are


class Picture(NamedTuple):
    """A picture on its way to be a field.

    Attributes:
        gray: levels in the file's own units; NaN where a pixel is missing.
        name: of the file.
        dtype: of the file.
        colored: whether it had colors.
    """

    gray: Float[np.ndarray, "h w"]
    name: str
    dtype: np.dtype
    colored: bool = False


def read(content: bytes, path: Path) -> list[Picture]:
    """Read the pictures of a file.

    Args:
        content: of the file.
        path: of the file, for its name and ending.

    Returns:
        One; or several, of gray arrays of three axes and TIFFs of several pages.

    Raises:
        InputError: if the file holds no picture, or one that is too small.
    """
    pages = _pages(decode(content, path), path)
    _check_sides(pages[0].shape[:2], path.name)
    return [_picture(page, path.name) for page in pages]


def masked(pictures: list[Picture], content: bytes, path: Path) -> list[Picture]:
    """Take pixels out of pictures where a mask is not white.

    Args:
        pictures: of one size.
        content: of the mask's file, valid over half of its range; or an array of true and false.
        path: of that file.

    Raises:
        InputError: if it holds no single picture of that size.
    """
    (mask, *more) = read(content, path)
    if more:
        raise InputError(f"{path.name} holds {1 + len(more)} pictures: give one mask for all.")
    if mask.gray.shape != pictures[0].gray.shape:
        raise InputError(
            f"The mask {path.name} has {_size(mask)} pixels and {pictures[0].name} "
            f"{_size(pictures[0])}: give a mask of the picture's size."
        )
    valid = mask.gray > _top(mask.dtype) / 2
    return [each._replace(gray=np.where(valid, each.gray, np.nan)) for each in pictures]


def check_alike(pictures: list[Picture]) -> None:
    """Make sure that pictures can be of one process.

    Raises:
        InputError: if their sizes or types differ.
    """
    first = pictures[0]
    for other in pictures[1:]:
        if other.gray.shape != first.gray.shape:
            raise InputError(
                f"{other.name} has {_size(other)} pixels and {first.name} {_size(first)}: give "
                "pictures of one size."
            )
        if other.dtype != first.dtype:
            raise InputError(
                f"{other.name} holds {other.dtype} values and {first.name} {first.dtype}: give "
                "pictures of one type."
            )


def check_usual(picture: Picture) -> None:
    """Refuse a picture that takes long, unless its size was asked for.

    Raises:
        InputError: if it is too large.
    """
    longest = max(picture.gray.shape)
    if longest > _USUAL_SIDE:
        raise InputError(
            f"{picture.name} has {_size(picture)} pixels, which takes long: give a size, for "
            f"instance 512 to shrink it or {longest} to use every pixel."
        )


def check_values(picture: Picture) -> None:
    """Make sure that a picture can be a texture.

    Raises:
        InputError: if it holds infinite values, hardly any pixel, or no contrast.
    """
    gray, name = picture.gray, picture.name
    infinite = np.abs(gray) > np.finfo(np.float32).max
    if infinite.any():
        raise InputError(
            f"{name} holds values that are infinite or over 3.4e38 ({np.sum(infinite)} of them): "
            "replace them by finite ones, or by NaN where pixels are missing."
        )
    missing = int(np.isnan(gray).sum())
    if missing > (1 - _LEAST_VALID) * gray.size:
        raise InputError(
            f"{name} misses {missing:,} of {gray.size:,} pixels: a texture needs a quarter of them "
            "at least."
        )
    known = gray[~np.isnan(gray)].astype(np.float32)
    if np.ptp(known) == 0:
        raise InputError(f"{name} is constant ({known[0]:g} everywhere): a texture needs contrast.")


def resized(picture: Picture, size: int, periodic: tuple[bool, bool]) -> Picture:
    """Bring the longest side to a size in pixels, see ``resampled``.

    Raises:
        InputError: if a side, or the contrast, becomes too small.
    """
    if not _LEAST_SIDE <= size <= _MOST_SIDE:
        raise InputError(
            f"The size {size} is out of range: give {_LEAST_SIDE} to {_MOST_SIDE} pixels."
        )
    scale = size / max(picture.gray.shape)
    if scale == 1:
        return picture
    height, width = (max(1, round(n * scale)) for n in picture.gray.shape)
    name = f"{picture.name}, resized to {size},"
    _check_sides((height, width), name)
    small = resampled(picture.gray, (height, width), periodic)
    check_values(picture._replace(gray=small, name=name))
    return picture._replace(gray=small)


def notes(pictures: list[Picture]) -> tuple[str, ...]:
    """What must be known about pictures, in sentences."""
    said = []
    if len(pictures) > 1:
        said.append(f"{len(pictures)} pictures of one process.")
    if any(picture.colored for picture in pictures):
        said.append("Color was turned into luma (ITU-R BT.709).")
    missing = sum(int(np.isnan(picture.gray).sum()) for picture in pictures)
    total = sum(picture.gray.size for picture in pictures)
    if missing:
        said.append(f"{missing:,} of {total:,} pixels ({100 * missing / total:.1f} %) are missing.")
    return tuple(said)


def _pages(array: np.ndarray, path: Path) -> list[np.ndarray]:
    """The pictures in an array, height × width, with colors last."""
    if array.dtype.kind not in "buif":
        raise InputError(f"{path} holds {array.dtype} values: give real numbers.")
    while array.ndim > 2 and len(array) == 1:  # one frame, as GIF and TIFF have it
        array = array[0]
    if array.ndim == 2 or (array.ndim == 3 and 1 <= array.shape[2] <= _MOST_COLORS):
        return [array]
    if array.ndim == 3 and len(array):
        return list(array)
    raise InputError(
        f"{path} has the shape {array.shape}: give one picture, height × width, gray or color, or "
        "several gray ones, one after the other."
    )


def _picture(page: np.ndarray, name: str) -> Picture:
    """Gray levels of a page; those under half of its alpha are missing."""
    array, valid = page.astype(np.float64), np.True_
    if array.ndim == 2:
        return Picture(array, name, page.dtype)
    if array.shape[2] in (2, 4):
        valid, array = array[..., -1] >= _top(page.dtype) / 2, array[..., :-1]
    colored = bool(np.ptp(array, axis=2).max() > 0)
    gray = array @ _LUMA if colored else array[..., 0]
    return Picture(np.where(valid, gray, np.nan), name, page.dtype, colored)


def _top(dtype: np.dtype) -> int:
    """White of pictures of a type; floats are from 0 to 1, and 16 bits may be stored as more."""
    return min(np.iinfo(dtype).max, 2**16 - 1) if dtype.kind in "ui" else 1


def _check_sides(shape: tuple[int, ...], name: str) -> None:
    if min(shape) < _LEAST_SIDE:
        raise InputError(
            f"{name} has {shape[0]} × {shape[1]} pixels: a texture needs at least "
            f"{_LEAST_SIDE} on each side."
        )


def _size(picture: Picture) -> str:
    height, width = picture.gray.shape
    return f"{height} × {width}"
