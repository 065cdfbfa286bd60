"""Bytes of a picture → array, by decoders that neither start a program nor open another file.

The name of a file says nothing of its content: PostScript named ``.png`` would reach Ghostscript,
which runs it. So only the formats of a short list are opened.
"""

import warnings
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import tifffile
from PIL import Image
from tifffile import PHOTOMETRIC, PLANARCONFIG

from synth.errors import InputError

__all__ = ["decode"]

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "JPEG2000", "AVIF")  # EPS runs a program
_MODES = {"CMYK": "RGB"}
_CLEAR_MODES = _MODES | {"P": "RGBA", "RGB": "RGBA", "L": "LA", "1": "LA"}
_MOST_VALUES = 4 * 8192 * 8192


def decode(content: bytes, path: Path) -> np.ndarray:
    """Decode a picture, or a NumPy array if the path ends in ``.npy``.

    Args:
        content: of the file.
        path: of the file, for its ending and for errors.

    Returns:
        The array as it is in the file: pages first, if there are several, and colors last.

    Raises:
        InputError: if this is no picture of a format that is read, or has too many pixels.
    """
    try:
        with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
            return _array(content) if path.suffix.lower() == ".npy" else _picture(content)
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


def _array(content: bytes) -> np.ndarray:
    array = np.load(BytesIO(content), allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise TypeError("an archive of arrays")
    return array


def _picture(content: bytes) -> np.ndarray:
    if content.startswith(_TIFF):
        return _tiff(content)
    return _pillow(content, _FORMATS)


def _tiff(content: bytes) -> np.ndarray:
    """Read by tifffile, which keeps floats, 16 bits of color and pages; what it cannot, by Pillow.

    Palettes, print colors and most compressions are left to Pillow; of pages in color it reads
    the first.
    """
    with suppress(Exception), tifffile.TiffFile(BytesIO(content)) as tiff:
        page, pages = tiff.pages.first, tiff.series[0]
        plain = page.photometric in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB)
        plain = plain and page.planarconfig == PLANARCONFIG.CONTIG
        if plain and pages.ndim < 4 and pages.size <= _MOST_VALUES:
            return pages.asarray()
    return _pillow(content, ("TIFF",))


def _pillow(content: bytes, formats: tuple[str, ...]) -> np.ndarray:
    """Decode if the content, not the name, is of one of these formats.

    Colors that stand for transparency become an alpha channel.
    """
    with Image.open(BytesIO(content), formats=formats) as image:
        clear = image.info.get("transparency")
        mode = (_MODES if clear is None else _CLEAR_MODES).get(image.mode)  # None: as it is
    array = iio.imread(content, plugin="pillow", mode=mode)
    if array.ndim == 2 and isinstance(clear, int):  # 16 bits, of which Pillow has no such mode
        return np.dstack([array, np.where(array == clear, 0, 2**16 - 1).astype(array.dtype)])
    return array
