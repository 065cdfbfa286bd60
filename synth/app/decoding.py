"""Bytes of a picture → array, by decoders that neither start a program nor open another file.

The name of a file says nothing of its content: PostScript named ``.png`` would reach Ghostscript,
which runs it. So only the formats of a short list are opened.
"""

import importlib
import warnings
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple

import imagecodecs
import imageio.v3 as iio
import numpy as np
import tifffile
from PIL import Image
from tifffile import EXTRASAMPLE, PHOTOMETRIC

from synth.errors import InputError

__all__ = ["MOST_COLORS", "Decoded", "colors", "decode"]

MOST_COLORS = 4
"""Length of an axis of color at most: red, green, blue and alpha."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_EXR = b"v/1\x01"
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "JPEG2000", "AVIF")  # EPS runs a program
_MODES = {"CMYK": "RGB"}
_CLEAR_MODES = _MODES | {"P": "RGBA", "RGB": "RGBA", "L": "LA", "1": "LA"}
_COLOR_TYPES = (2, 4, 6)  # of PNG: color, gray with alpha, color with alpha
_ALPHA = (EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA)
_MOST_VALUES = 4 * 8192 * 8192


class Decoded(NamedTuple):
    """The array of a file, with what the file says about its last axis.

    Attributes:
        array: as it is in the file: pages first, if there are several, and channels last.
        last: what the last of three or more axes holds: gray or color, perhaps with alpha; or
            values that are no color; None if the file does not tell.
        alpha: which of the channels is transparency.
    """

    array: np.ndarray
    last: Literal["colors", "values"] | None = None
    alpha: int | None = None


def decode(content: bytes, path: Path) -> Decoded:
    """Decode a picture, or a NumPy array if the path ends in ``.npy``.

    Args:
        content: of the file.
        path: of the file, for its ending and for errors.

    Raises:
        InputError: if this is no picture of a format that is read, or has too many pixels.
    """
    try:
        with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
            if path.suffix.lower() == ".npy":
                return Decoded(_array(content))
            return _exr(content, path) if content.startswith(_EXR) else _picture(content)
    except InputError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path} has more pixels than {Image.MAX_IMAGE_PIXELS}, the most that are read: crop "
            "it, or shrink it with another program."
        ) from error
    except Exception as error:  # decoders of foreign files fail in any way they like
        raise InputError(
            f"{path} cannot be read as a picture: give a PNG, JPEG, TIFF or another image file, "
            "or a NumPy .npy array."
        ) from error


def colors(array: np.ndarray) -> Decoded:
    """An array whose last axis is color: gray or red, green and blue, and alpha after them."""
    channels = array.shape[-1]
    return Decoded(array, "colors", channels - 1 if channels in (2, 4) else None)


def _array(content: bytes) -> np.ndarray:
    array = np.load(BytesIO(content), allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise TypeError("an archive of arrays")
    return array


def _picture(content: bytes) -> Decoded:
    if content.startswith(_TIFF):
        return _tiff(content)
    return _pillow(content, _FORMATS)


def _tiff(content: bytes) -> Decoded:
    """Read by tifffile, which keeps floats, 16 bits of color, bands and pages; or by Pillow.

    Palettes and print colors are left to Pillow.
    """
    with suppress(Exception), tifffile.TiffFile(BytesIO(content)) as tiff:
        page, series = tiff.pages.first, tiff.series[0]
        plain = page.photometric in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB)
        if plain and series.size <= _MOST_VALUES:
            return _banded(series.asarray(), series.axes, page)
    return _pillow(content, ("TIFF",))


def _banded(array: np.ndarray, axes: str, page: tifffile.TiffPage) -> Decoded:
    """Bring the samples of a pixel (S), or else the channels (C) of a TIFF, to the last axis."""
    if "S" not in axes:
        if "C" not in axes:
            return Decoded(array)
        return Decoded(np.moveaxis(array, axes.index("C"), -1), "values")
    array = np.moveaxis(array, axes.index("S"), -1)
    first = array.shape[-1] - len(page.extrasamples)
    clear = [first + i for i, extra in enumerate(page.extrasamples) if extra in _ALPHA]
    usual = 3 if page.photometric == PHOTOMETRIC.RGB else 1
    plain = array.shape[-1] - len(clear) == usual
    return Decoded(array, "colors" if plain else "values", next(iter(clear), None))


def _exr(content: bytes, path: Path) -> Decoded:
    """Read the channels of an OpenEXR file: colors first, then others by name."""
    try:
        openexr = importlib.import_module("OpenEXR")
    except ImportError as error:
        raise InputError(
            f"{path} is an OpenEXR picture, for which a package is missing: install it with "
            "pip install OpenEXR."
        ) from error
    with openexr.File(BytesIO(content), separate_channels=True, header_only=True) as file:
        low, high = file.header()["dataWindow"]
        width, height = (high - low + 1).tolist()
        if width * height * len(file.header()["channels"]) > _MOST_VALUES:
            raise Image.DecompressionBombError("an OpenEXR picture")
    with openexr.File(BytesIO(content), separate_channels=True) as file:
        if len(file.parts) > 1:
            raise InputError(f"{path} holds {len(file.parts)} parts: give a picture of one part.")
        return _by_role({name: each.pixels for name, each in file.channels().items()})


def _by_role(pixels: dict[str, np.ndarray]) -> Decoded:
    """Bring channels that are named, such as ``R`` or ``layer.R``, to the last axis."""
    names = {name.rpartition(".")[2]: name for name in pixels}
    if len(names) < len(pixels):  # several layers have such a name
        names = {name: name for name in pixels}
    roles = sorted(names, key=lambda role: (*"RGBA", role).index(role))
    array = np.stack([pixels[names[role]] for role in roles], axis=-1)
    plain = [role for role in roles if role != "A"] in (["R", "G", "B"], ["Y"])
    alpha = roles.index("A") if "A" in roles else None
    return Decoded(array, "colors" if plain else "values", alpha)


def _pillow(content: bytes, formats: tuple[str, ...]) -> Decoded:
    """Decode if the content, not the name, is of one of these formats.

    Colors that stand for transparency become an alpha channel.
    """
    with Image.open(BytesIO(content), formats=formats) as image:
        clear = image.info.get("transparency")
        mode = (_MODES if clear is None else _CLEAR_MODES).get(image.mode)  # None: as it is
        if image.format == "PNG" and content[16:26] in _deep_colors(*image.size):
            return colors(imagecodecs.png_decode(content))
    array = iio.imread(content, plugin="pillow", mode=mode)
    if array.ndim == 2 and isinstance(clear, int):  # 16 bits, of which Pillow has no such mode
        opaque = np.where(array == clear, 0, 2**16 - 1).astype(array.dtype)
        return colors(np.dstack([array, opaque]))
    return colors(array) if array.ndim > 2 and array.shape[-1] <= MOST_COLORS else Decoded(array)


def _deep_colors(width: int, height: int) -> list[bytes]:
    """How PNGs of such a size begin that have alpha or color of 16 bits, which Pillow cuts to 8."""
    sides = width.to_bytes(4) + height.to_bytes(4)
    return [sides + bytes((16, kind)) for kind in _COLOR_TYPES]
