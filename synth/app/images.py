"""Files ↔ fields: pictures in, textures out, and the pictures that come with the package."""

import difflib
import hashlib
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from synth.app.borders import found_periodic
from synth.app.reading import (
    Picture,
    check_alike,
    check_usual,
    check_values,
    masked,
    notes,
    read,
    resized,
)
from synth.errors import InputError
from synth.transforms.estimate import Periodic, axes_of

__all__ = [
    "PHOTOGRAPHS",
    "Texture",
    "bundled",
    "in_range_of",
    "load",
    "load_start",
    "pictures",
    "save_png",
]

PHOTOGRAPHS = ("brick", "grass", "gravel")
"""Names of photographs that come with scikit-image, read from there."""


class Texture(NamedTuple):
    """One or several pictures of one process, as fields.

    Attributes:
        name: of the first file, without its ending.
        fields: n pictures of gray levels in the file's own units, one channel; NaN where a pixel
            is missing.
        periodic: whether the axes wrap, in the order of the array's: that of the rows
            (vertical), that of the columns (horizontal).
        dtype: of the file, so that pictures are written back as they came.
        sha256: of the file's bytes; of several files, a mask last: of their digests, one after
            the other.
        notes: what was done to the pictures on the way, in sentences.
    """

    name: str
    fields: Float[np.ndarray, "n c h w"]
    periodic: tuple[bool, bool]
    dtype: np.dtype
    sha256: str
    notes: tuple[str, ...] = ()

    @property
    def field(self) -> Float[np.ndarray, "c h w"]:
        """The first picture."""
        return self.fields[0]

    @property
    def axes(self) -> str:
        """Which axes wrap, in a word: x (the horizontal one), y, xy or none."""
        rows, columns = self.periodic
        return "x" * columns + "y" * rows or "none"


def bundled() -> dict[str, dict]:
    """Pictures that come with the package: the tables of ``textures/index.toml`` by name."""
    return tomllib.loads((_textures() / "index.toml").read_text(encoding="utf-8"))


def pictures() -> list[Path]:
    """Every picture in the folder of the bundled ones: these first, then whatever was added."""
    files = [path for path in _textures().iterdir() if path.suffix != ".toml"]
    order = [table["file"] for table in bundled().values()]
    rank = {name: index for index, name in enumerate(order)}
    seen = [path for path in files if path.is_file() and not path.name.startswith(".")]
    return sorted(seen, key=lambda path: (rank.get(path.name, len(order)), path.name))


def load(
    source: str | Path | Sequence[str | Path],
    *,
    size: int | None = None,
    periodic: Periodic | None = None,
    mask: str | Path | None = None,
) -> Texture:
    """Read one or several pictures of one process, from paths or by the names of bundled ones.

    PNG, JPEG, TIFF and other formats of ``decoding``, and ``.npy`` arrays. A gray array of three
    axes, or a TIFF of several pages, is a stack of pictures, unless its last axis has a length of
    at most 4, which is color. Color becomes luma (ITU-R BT.709). Pixels are missing where
    they are NaN, where alpha is under half of its range, and where a mask is.

    Args:
        source: path, or a name such as ``"turbulence.png"`` or ``"turbulence"``; or several, of
            pictures of one shape and type.
        size: longest side in pixels to which the pictures are resized.
        periodic: whether rows and columns wrap, or both; found out by default, and then true of
            an axis if it is true in all pictures.
        mask: path of a picture of the same size, white (over half of its range) where pixels are
            valid; ``.npy`` of true and false, too.

    Returns:
        The pictures as fields, float32, with what must be known about them.

    Raises:
        InputError: if there is no such picture, or it cannot be a texture: not an image,
            infinite, constant, three quarters of it missing, under 16 pixels, over 1024 pixels
            without ``size``; or if pictures or mask do not fit together.

    Example:
        >>> load("turbulence").field.shape
        (1, 256, 256)
    """
    paths = [_find(each) for each in _listed(source)]
    given, digest = _pictures(paths, None if mask is None else _find(mask))
    wraps = _wraps([picture.gray for picture in given], periodic)
    said = notes(given)
    if size is None:
        check_usual(given[0])
    else:
        before = given[0].gray.shape
        given = [resized(picture, size, wraps) for picture in given]
        height, width = given[0].gray.shape
        if (height, width) != before:
            said += (f"Resized to {height} × {width} pixels.",)
    return Texture(
        name=paths[0].stem,
        fields=np.stack([picture.gray for picture in given])[:, None].astype(np.float32),
        periodic=wraps,
        dtype=given[0].dtype,
        sha256=digest,
        notes=said,
    )


def load_start(
    source: str | Path, texture: Texture, shape: tuple[int, int]
) -> Float[np.ndarray, "h w"]:
    """Read a field to start from, in a texture's units.

    Args:
        source: path of a picture, or a bundled name.
        texture: in whose range it is brought.
        shape: height and width that it must have, pixels.

    Raises:
        InputError: if there is no such picture, or it is none of such a type and shape, or it has
            missing or infinite pixels.
    """
    path = _find(source)
    given, *more = read(path.read_bytes(), path)
    values = in_range_of(given.gray, f"The start {path.name}", given.dtype, texture.dtype)
    if more or values.shape != shape:
        height, width = given.gray.shape
        raise InputError(
            f"The start {path.name} holds {1 + len(more)} picture{'s' * bool(more)} of {height} × "
            f"{width} pixels: give one of {shape[0]} × {shape[1]}."
        )
    if not np.isfinite(values).all():
        raise InputError(f"The start {path.name} has missing pixels: give a whole field.")
    return values.astype(np.float32)


def in_range_of(
    values: Float[np.ndarray, "*n"], name: str, given: np.dtype, wanted: np.dtype
) -> Float[np.ndarray, "*n"]:
    """Values of one type in the unit of another: white of 8 bits is white of 16.

    Args:
        values: of a picture.
        name: of it.
        given: its type.
        wanted: the target's type.

    Raises:
        InputError: if only one of them is a picture's, of 8 or 16 bits, and they are not both
            floating.
    """
    if given == wanted or given.kind == wanted.kind == "f":
        return values
    if {given, wanted} <= {np.dtype(np.uint8), np.dtype(np.uint16)}:
        return values * np.float32(np.iinfo(wanted).max / np.iinfo(given).max)
    raise InputError(
        f"{name} holds {given} values and the target {wanted}: give pictures of one type."
    )


def save_png(path: Path, field: Float[np.ndarray, "h w"], texture: Texture) -> None:
    """Write a field as PNG on the gray scale of a texture.

    Levels of an 8- or 16-bit picture are kept and clipped to its range; others are mapped
    to 16 bits, the texture's least value to black and its largest to white. Missing pixels of a
    field are transparent; one that holds no number at all is black.

    Args:
        path: file to be written.
        field: in the texture's units; NaN where a pixel is missing.
        texture: whose gray scale it is.
    """
    dtype = texture.dtype if texture.dtype in (np.uint8, np.uint16) else np.dtype(np.uint16)
    top = np.iinfo(dtype).max
    levels = np.asarray(field, np.float64)
    if dtype != texture.dtype:
        low, high = float(np.nanmin(texture.fields)), float(np.nanmax(texture.fields))
        levels = (levels - low) / (high - low) * top
    gray = np.clip(np.round(np.nan_to_num(levels)), 0, top).astype(dtype)
    missing = np.isnan(levels)
    if missing.any() and not missing.all():
        _save_holed(path, gray, missing)
    else:
        Image.fromarray(gray).save(path, format="PNG")


def _save_holed(path: Path, gray: np.ndarray, missing: Bool[np.ndarray, "h w"]) -> None:
    """Write with an alpha channel; of 16 bits, with a level that stands for missing pixels.

    Pillow cannot write an alpha channel of 16 bits.
    """
    if gray.dtype == np.uint8:
        alpha = np.where(missing, 0, 255).astype(np.uint8)
        Image.fromarray(np.dstack([gray, alpha])).save(path, format="PNG")
        return
    unused = np.setdiff1d(np.arange(2**16), gray[~missing])
    level = int(unused[0]) if unused.size else 0
    gray = np.where(missing, level, gray if unused.size else np.maximum(gray, 1))
    Image.fromarray(gray.astype(np.uint16)).save(path, format="PNG", transparency=level)


@cache
def _textures() -> Path:
    """Folder of the bundled pictures, of an installed wheel or of a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "textures"
    return inside if inside.is_dir() else package.parent / "textures"


def _listed(source: str | Path | Sequence[str | Path]) -> list[str | Path]:
    listed = [source] if isinstance(source, str | Path) else list(source)
    if not listed:
        raise InputError("No picture was given: give the path of one, or a bundled name.")
    return listed


def _find(source: str | Path) -> Path:
    path = Path(source)
    if path.is_file():
        return path
    if path.name == str(source):
        for table in bundled().values():
            if path.name in (table["file"], Path(table["file"]).stem):
                return _textures() / table["file"]
        if path.stem in PHOTOGRAPHS and path.suffix in ("", ".png"):
            return Path(str(files("skimage.data"))) / f"{path.stem}.png"
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the path of one picture.")
    raise InputError(_not_found(path))


def _not_found(path: Path) -> str:
    names = [table["file"] for table in bundled().values()]
    names += [f"{name}.png" for name in PHOTOGRAPHS]
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near else f"bundled pictures are {', '.join(names)}."
    return (
        f"There is no picture {path}: give the path of an existing file, or a bundled name; {hint}"
    )


def _pictures(paths: list[Path], mask: Path | None) -> tuple[list[Picture], str]:
    """The pictures of files, without what a mask leaves out, and the digest of all bytes."""
    contents = [path.read_bytes() for path in paths]
    each = [read(content, path) for content, path in zip(contents, paths, strict=True)]
    given = list(chain.from_iterable(each))
    check_alike(given)
    if mask is not None:
        contents.append(mask.read_bytes())
        given = masked(given, contents[-1], mask)
    for picture in given:
        check_values(picture)
    return given, _digest(contents)


def _wraps(grays: list[Float[np.ndarray, "h w"]], given: Periodic | None) -> tuple[bool, bool]:
    """Which axes wrap, as it was told or as it is seen in all pictures."""
    if given is not None:
        return axes_of(given)
    rows, columns = zip(*map(found_periodic, grays), strict=True)
    return all(rows), all(columns)


def _digest(contents: list[bytes]) -> str:
    digests = [hashlib.sha256(content) for content in contents]
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(each.digest() for each in digests)).hexdigest()
