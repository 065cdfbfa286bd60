"""Channels of pictures: color or gray, those of further files, and pixels that are missing."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from synth.app.reading import Picture, check_alike, half_of_white, read
from synth.errors import InputError
from synth.transforms.components import MOST_CHANNELS

__all__ = ["joined", "masked", "toned", "united"]

_LUMA = np.array([0.2126, 0.7152, 0.0722])  # of gamma-coded values, as they are


def toned(pictures: list[Picture], *, gray: bool) -> list[Picture]:
    """Pictures in color, or gray ones of a single channel.

    What is gray in all pictures, and stored as red, green and blue, is gray.

    Args:
        pictures: of one process, as they are read.
        gray: whether color becomes luma, 0.2126 red + 0.7152 green + 0.0722 blue.

    Raises:
        InputError: if the pictures do not fit together, or have channels that are no colors and
            are to be gray.

    Source:
        ITU-R BT.709.
    """
    if gray:
        pictures = [_gray(each) for each in pictures]
    elif not any(_is_colored(each) for each in pictures):
        pictures = [_single(each, each.values[0]) if each.rgb else each for each in pictures]
    check_alike(pictures)
    return pictures


def joined(pictures: list[Picture], further: list[list[Picture]]) -> list[Picture]:
    """Append the channels of further files to those of the only picture.

    Args:
        pictures: one of them, if there is anything to append.
        further: pictures of each further file, one of them.

    Raises:
        InputError: if there are more pictures than that, their sizes differ, their files have one
            name, or there are too many channels.
    """
    if not further:
        return pictures
    first, *others = (_only(each) for each in (pictures, *further))
    for other in others:
        if other.shape != first.shape:
            raise InputError(
                f"{other.name} has {other.size} pixels and {first.name} {first.size}: give files "
                "of one size to be drawn together."
            )
    parts = [part for each in (first, *others) for part in each.parts]
    names = [name for part in parts for name in part.pictures]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(
            f"Two of the files are named {twice[0]}: rename one, since what is drawn gets the "
            "names of the files."
        )
    values = np.concatenate([each.values for each in (first, *others)])
    if len(values) > MOST_CHANNELS:
        raise InputError(
            f"The files have {len(values)} channels together: give up to {MOST_CHANNELS}."
        )
    luma = any(each.luma for each in (first, *others))
    return [first._replace(values=values, parts=tuple(parts), rgb=False, luma=luma)]


def united(picture: Picture) -> Picture:
    """Take pixels that some channel misses out of all channels."""
    missing = np.isnan(picture.values)
    some, every = missing.any(axis=0), missing.all(axis=0)
    values = np.where(some, np.nan, picture.values)
    return picture._replace(values=values, partly=int((some & ~every).sum()))


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
    mask = _gray(mask)
    if mask.shape != pictures[0].shape:
        raise InputError(
            f"The mask {path.name} has {mask.size} pixels and {pictures[0].name} "
            f"{pictures[0].size}: give a mask of the picture's size."
        )
    valid = mask.values[0] > half_of_white(mask.dtype)
    return [each._replace(values=np.where(valid, each.values, np.nan)) for each in pictures]


def _gray(picture: Picture) -> Picture:
    if len(picture.values) == 1:
        return picture
    if not picture.rgb:
        raise InputError(
            f"{picture.name} has {len(picture.values)} channels that are no colors, and cannot be "
            "gray: give one of them."
        )
    if not _is_colored(picture):
        return _single(picture, picture.values[0])
    luma = np.moveaxis(picture.values, 0, 2) @ _LUMA
    return _single(picture, luma)._replace(luma=True)


def _is_colored(picture: Picture) -> bool:
    """Whether red, green and blue differ somewhere."""
    known = picture.values[:, ~np.isnan(picture.values).any(axis=0)]
    return picture.rgb and bool((known != known[0]).any())


def _single(picture: Picture, channel: Float[np.ndarray, "h w"]) -> Picture:
    """A picture of one channel, missing where any of the former ones was."""
    values = np.where(np.isnan(picture.values).any(axis=0), np.nan, channel)
    (part,) = picture.parts
    return picture._replace(values=values[None], parts=(part._replace(channels=1),), rgb=False)


def _only(pictures: list[Picture]) -> Picture:
    """The one picture of a list."""
    first, *more = pictures
    if first.left_out:
        raise InputError(
            f"{first.name} holds {1 + first.left_out} pictures in color, and only single ones can "
            "be drawn together with others: give one, or say --channels last to take all of them."
        )
    if more:
        hint = ", or say which axis holds its channels" if first.untold else ""
        raise InputError(
            f"{first.name} is one of {len(pictures)} pictures, and only single ones can be drawn "
            f"together with others: give one{hint}."
        )
    return first
