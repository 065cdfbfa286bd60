"""Files → fields: pictures in, by their paths or by the names of those that are at hand."""

import hashlib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import Float

from synth.app.borders import found_periodic
from synth.app.bundled import (
    COLOR_PHOTOGRAPHS,
    PHOTOGRAPHS,
    bundled,
    find,
    has_channels_first,
    pictures,
)
from synth.app.channels import joined, masked, toned, united
from synth.app.normals import marked, unit_normals
from synth.app.reading import (
    Axis,
    Picture,
    check_usual,
    check_values,
    notes,
    read,
    resized,
    takes_axis,
)
from synth.app.saving import save, save_png
from synth.app.texture import Part, Texture, in_range_of, in_units_of
from synth.errors import InputError
from synth.transforms.estimate import Periodic, axes_of

__all__ = [
    "COLOR_PHOTOGRAPHS",
    "PHOTOGRAPHS",
    "Axis",
    "Part",
    "Texture",
    "bundled",
    "check_axis",
    "in_range_of",
    "in_units_of",
    "load",
    "load_start",
    "pictures",
    "save",
    "save_png",
]


def load(
    source: str | Path | Sequence[str | Path],
    *,
    size: int | None = None,
    periodic: Periodic | None = None,
    mask: str | Path | None = None,
    gray: bool = False,
    channels: Axis | None = None,
    beside: Sequence[str | Path] = (),
) -> Texture:
    """Read one or several pictures of one process, from paths or by the names of bundled ones.

    PNG, JPEG, TIFF, OpenEXR and other formats of ``decoding``, and ``.npy`` arrays. Color gives
    three channels, unless all pixels are gray; values stay as they are stored. An array of three
    axes, or a TIFF of several pages, is a stack of gray pictures, unless its last axis has a
    length of at most 4, which is color, or ``channels`` is given. Pixels are missing where any
    channel is NaN, where alpha is under half of its range, and where a mask is.

    Args:
        source: path, or a name such as ``"turbulence.png"`` or ``"turbulence"``; or several, of
            pictures of one shape and type.
        size: longest side in pixels to which the pictures are resized.
        periodic: whether rows and columns wrap, or both; found out by default, and then true of
            an axis if it is true in all pictures.
        mask: path of a picture of the same size, white (over half of its range) where pixels are
            valid; ``.npy`` of true and false, too.
        gray: whether color becomes luma (ITU-R BT.709).
        channels: which axis of an array of three axes holds the channels of one picture, up to
            8 of them; or, of four axes, those of several pictures, one after the other.
        beside: paths of further pictures of the same size, whose channels are appended to those
            of the only picture; each file keeps its type and units.

    Returns:
        The pictures as fields, float32, with what must be known about them.

    Raises:
        InputError: if there is no such picture, or it cannot be a texture: not an image,
            infinite, constant, three quarters of it missing, under 16 pixels, over 1024 pixels
            without ``size``, over 8 channels; or if pictures or mask do not fit together.

    Example:
        >>> load("turbulence").field.shape, load("coffee").field.shape
        ((1, 256, 256), (3, 400, 600))
    """
    if channels not in (None, *get_args(Axis)):
        raise InputError(f"There is no {channels} axis of channels: choose first or last.")
    given, digest = _pictures(_listed(source), list(beside), mask, gray, channels)
    return _texture(given, digest, size, periodic)


def check_axis(sources: Sequence[str | Path], channels: Axis | None) -> None:
    """Refuse to be told the axis of channels where no file leaves that open.

    Args:
        sources: paths or bundled names of all files of a command.
        channels: which axis was given; None if none was.

    Raises:
        InputError: if it was, in vain, or a file cannot be read.
    """
    paths = [find(source) for source in sources] if channels else []
    if paths and not any(takes_axis(path.read_bytes(), path) for path in paths):
        raise InputError(
            f"{paths[0].name} needs no axis of channels: leave out --channels, which is for .npy "
            "arrays of three axes and for pages of a TIFF."
        )


def load_start(
    source: str | Path,
    texture: Texture,
    shape: tuple[int, int],
    *,
    channels: Axis | None = None,
) -> Float[np.ndarray, "h w"] | Float[np.ndarray, "c h w"]:
    """Read a field to start from, in a texture's units.

    Args:
        source: path of a picture, or a bundled name; color becomes luma if the texture is gray.
        texture: in whose range it is brought.
        shape: height and width that it must have, pixels.
        channels: which axis of an array holds the channels, as ``load`` has it; if it is not
            given, an array of as many gray pictures as the texture has channels is one field.

    Returns:
        The field, of one axis more if the texture has several channels.

    Raises:
        InputError: if there is no such picture, or it is none of such a type, shape and number of
            channels, or it has missing or infinite pixels.
    """
    path = find(source)
    given = _read(path.read_bytes(), path, channels)
    wanted = texture.num_channels
    if wanted == 1:
        given = toned(given, gray=True)
    elif len(given) == wanted and given[0].untold:
        given = [_stacked(given)]
    whole = Texture(
        f"The start {path.name}",
        np.stack([picture.values for picture in given]),
        texture.periodic,
        given[0].dtype,
        sha256="",
    )
    values = in_units_of(whole, texture).fields
    if len(given) > 1 or given[0].shape != shape:
        raise InputError(
            f"The start {path.name} holds {len(given)} picture{'s' * (len(given) > 1)} of "
            f"{given[0].size} pixels: give one of {shape[0]} × {shape[1]}."
        )
    if not np.isfinite(values).all():
        raise InputError(f"The start {path.name} has missing pixels: give a whole field.")
    field = values[0].astype(np.float32)
    return field[0] if wanted == 1 else field


def _listed(source: str | Path | Sequence[str | Path]) -> list[str | Path]:
    listed = [source] if isinstance(source, str | Path) else list(source)
    if not listed:
        raise InputError("No picture was given: give the path of one, or a bundled name.")
    return listed


def _pictures(
    sources: list[str | Path],
    beside: list[str | Path],
    mask: str | Path | None,
    gray: bool,
    channels: Axis | None,
) -> tuple[list[Picture], str]:
    """The pictures of files, checked, without what a mask leaves out; the digest of all bytes."""
    paths = [find(source) for source in (*sources, *beside)]
    contents = [path.read_bytes() for path in paths]
    files = [_read(*file, channels) for file in zip(contents, paths, strict=True)]
    given = toned(list(chain.from_iterable(files[: len(sources)])), gray=gray)
    given = joined(given, [toned(file, gray=gray) for file in files[len(sources) :]])
    given = [united(picture) for picture in given]
    if mask is not None:
        path = find(mask)
        contents.append(path.read_bytes())
        given = masked(given, contents[-1], path)
    for picture in given:
        check_values(picture)
    return given, _digest(contents)


def _read(content: bytes, path: Path, channels: Axis | None) -> list[Picture]:
    """The pictures of a file; of bundled arrays it is known which axis holds channels."""
    return read(content, path, "first" if has_channels_first(path) else channels)


def _texture(
    given: list[Picture], digest: str, size: int | None, periodic: Periodic | None
) -> Texture:
    """Pictures as fields of a size, with what is known about them."""
    wraps = _wraps([picture.values for picture in given], periodic)
    texture = marked(_fields(given, digest, wraps))
    said = notes(given)
    said += tuple(
        f"{part.name} is a map of normals: new ones are brought to unit length."
        for part in texture.all_parts
        if part.normals
    )
    if size is None:
        check_usual(given[0])
        return texture._replace(notes=said)
    small = _fields([resized(picture, size, wraps) for picture in given], digest, wraps)
    small = small._replace(parts=texture.parts)
    if small.fields.shape != texture.fields.shape:
        height, width = small.fields.shape[-2:]
        small = small._replace(fields=unit_normals(small.fields, small))
        said += (f"Resized to {height} × {width} pixels.",)
    return small._replace(notes=said)


def _fields(given: list[Picture], digest: str, wraps: tuple[bool, bool]) -> Texture:
    """Pictures as fields."""
    parts = given[0].parts
    # One order of axes for all files, so that the same values are summed alike to the last bit.
    fields = np.stack([picture.values for picture in given]).astype(np.float32, order="C")
    return Texture(parts[0].name, fields, wraps, parts[0].dtype, digest, parts=parts)


def _stacked(pictures: list[Picture]) -> Picture:
    """Several gray pictures as channels of one."""
    first = pictures[0]
    values = np.concatenate([picture.values for picture in pictures])
    parts = (first.parts[0]._replace(channels=len(values)),)
    return first._replace(values=values, parts=parts, untold=False)


def _wraps(fields: list[Float[np.ndarray, "c h w"]], given: Periodic | None) -> tuple[bool, bool]:
    """Which axes wrap, as it was told or as it is seen in all pictures."""
    if given is not None:
        return axes_of(given)
    rows, columns = zip(*map(found_periodic, fields), strict=True)
    return all(rows), all(columns)


def _digest(contents: list[bytes]) -> str:
    digests = [hashlib.sha256(content) for content in contents]
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(each.digest() for each in digests)).hexdigest()
