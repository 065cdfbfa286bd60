"""Files ↔ fields: pictures in, textures out, and the pictures that come with the package."""

import difflib
import hashlib
import math
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import imageio.v3 as iio
import numpy as np
from jaxtyping import Float
from PIL import Image

from synth.app.decoding import decode
from synth.errors import InputError

__all__ = ["PHOTOGRAPHS", "Texture", "bundled", "load", "pictures", "save_png"]

PHOTOGRAPHS = ("brick", "grass", "gravel")
"""Names of photographs that come with scikit-image, read from there."""

_LEAST_SIDE = 16
_USUAL_SIDE = 1024  # larger pictures must be asked for with a size
_MOST_SIDE = 8192
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709


class Texture(NamedTuple):
    """A picture as a field.

    Attributes:
        name: file name without its ending.
        field: gray levels in the file's own units, one channel.
        periodic: whether opposite borders match.
        dtype: of the file, so that pictures are written back as they came.
        sha256: of the file's bytes.
        notes: what was done to the picture on the way, in sentences.
    """

    name: str
    field: Float[np.ndarray, "c h w"]
    periodic: bool
    dtype: np.dtype
    sha256: str
    notes: tuple[str, ...] = ()


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


def load(source: str | Path, *, size: int | None = None, periodic: bool | None = None) -> Texture:
    """Read a picture, from a path or by the bare name of a bundled one.

    PNG, JPEG, TIFF and other formats of ``decoding``, and ``.npy`` arrays. Color becomes
    luminance (ITU-R BT.709).

    Args:
        source: path, or a name such as ``"turbulence.png"`` or ``"turbulence"``.
        size: longest side in pixels to which the picture is resized.
        periodic: whether opposite borders match; found out by default.

    Returns:
        The picture as a field, float32, with what must be known about it.

    Raises:
        InputError: if there is no such picture, or it cannot be a texture: not an image,
            not finite, constant, under 16 pixels, over 1024 pixels without ``size``.

    Example:
        >>> load("turbulence").field.shape
        (1, 256, 256)
    """
    path = _find(source)
    raw = _read(path)
    _check_sides(raw.shape[:2], path.name)
    gray, notes = _gray(raw)
    _check_values(gray, path.name)
    if periodic is None:
        periodic = _borders_match(gray)
    if size is not None:
        gray, note = _resize(gray, size, periodic, path.name)
        notes += note
    elif max(gray.shape) > _USUAL_SIDE:
        raise InputError(
            f"{path.name} has {gray.shape[0]} × {gray.shape[1]} pixels, which takes long: give a "
            f"size, for instance 512 to shrink it or {max(gray.shape)} to use every pixel."
        )
    return Texture(
        name=path.stem,
        field=gray[None].astype(np.float32),
        periodic=periodic,
        dtype=raw.dtype,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        notes=notes,
    )


def save_png(path: Path, field: Float[np.ndarray, "h w"], texture: Texture) -> None:
    """Write a field as PNG on the gray scale of a texture.

    Levels of an 8- or 16-bit picture are kept and clipped to its range; others are mapped
    to 16 bits, the texture's least value to black and its largest to white.

    Args:
        path: file to be written.
        field: in the texture's units.
        texture: whose gray scale it is.
    """
    dtype = texture.dtype if texture.dtype in (np.uint8, np.uint16) else np.dtype(np.uint16)
    top = np.iinfo(dtype).max
    levels = np.nan_to_num(np.asarray(field, np.float64))
    if dtype != texture.dtype:
        low, high = float(texture.field.min()), float(texture.field.max())
        levels = (levels - low) / (high - low) * top
    iio.imwrite(path, np.clip(np.round(levels), 0, top).astype(dtype), extension=".png")


@cache
def _textures() -> Path:
    """Folder of the bundled pictures, of an installed wheel or of a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "textures"
    return inside if inside.is_dir() else package.parent / "textures"


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


def _read(path: Path) -> np.ndarray:
    array = decode(path.read_bytes(), path)
    if array.dtype.kind not in "buif":
        raise InputError(f"{path} holds {array.dtype} values: give real numbers.")
    while array.ndim > 2 and len(array) == 1:  # one frame, as GIF and TIFF have it
        array = array[0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (1, 2, 3, 4)):
        raise InputError(
            f"{path} has the shape {array.shape}: give one picture, height × width, gray or color."
        )
    return array


def _gray(raw: np.ndarray) -> tuple[Float[np.ndarray, "h w"], tuple[str, ...]]:
    array = raw.astype(np.float64)
    if array.ndim == 2:
        return array, ()
    notes = ()
    if array.shape[2] in (2, 4):
        if np.ptp(array[..., -1]) > 0:
            notes = ("Transparency was left out.",)
        array = array[..., :-1]
    if array.shape[2] == 1 or np.ptp(array, axis=2).max() == 0:
        return array[..., 0], notes
    return array @ _LUMINANCE, ("Color was turned into luminance (ITU-R BT.709).", *notes)


def _check_sides(shape: tuple[int, ...], name: str) -> None:
    if min(shape) < _LEAST_SIDE:
        raise InputError(
            f"{name} has {shape[0]} × {shape[1]} pixels: a texture needs at least "
            f"{_LEAST_SIDE} on each side."
        )


def _check_values(gray: Float[np.ndarray, "h w"], name: str) -> None:
    finite = np.abs(gray) <= np.finfo(np.float32).max
    if not finite.all():
        raise InputError(
            f"{name} holds {np.sum(~finite)} values that are NaN, infinite or over 3.4e38: "
            "replace them by finite ones."
        )
    if np.ptp(gray.astype(np.float32)) == 0:
        raise InputError(
            f"{name} is constant ({gray.flat[0]:g} everywhere): a texture needs contrast."
        )


def _borders_match(gray: Float[np.ndarray, "h w"]) -> bool:
    """Whether the jump across the border is like the differences of neighbors inside.

    It may be as large as between any two lines inside: a wave may be steepest at the border.
    """

    def match(axis: int) -> bool:
        lines = np.moveaxis(gray, axis, 0)
        jump = ((lines[0] - lines[-1]) ** 2).mean()
        inside = (np.diff(lines, axis=0) ** 2).mean(axis=1)
        return bool(jump <= max(2 * inside.mean(), 1.1 * inside.max()))

    return match(0) and match(1)


def _resize(
    gray: Float[np.ndarray, "h w"], size: int, periodic: bool, name: str
) -> tuple[Float[np.ndarray, "a b"], tuple[str, ...]]:
    """Lanczos resampling, around the border of a periodic picture."""
    if not _LEAST_SIDE <= size <= _MOST_SIDE:
        raise InputError(
            f"The size {size} is out of range: give {_LEAST_SIDE} to {_MOST_SIDE} pixels."
        )
    scale = size / max(gray.shape)
    if scale == 1:
        return gray, ()
    height, width = (max(1, round(n * scale)) for n in gray.shape)
    _check_sides((height, width), f"{name}, resized to {size},")
    pad = math.ceil(4 / min(scale, 1))
    padded = np.pad(gray, pad, mode="wrap" if periodic else "reflect")
    box = (pad, pad, pad + gray.shape[1], pad + gray.shape[0])
    image = Image.fromarray(padded.astype(np.float32))
    resized = image.resize((width, height), Image.Resampling.LANCZOS, box=box)
    array = np.asarray(resized, np.float64).clip(gray.min(), gray.max())  # no ringing
    _check_values(array, f"{name}, resized to {size},")
    return array, (f"Resized to {height} × {width} pixels.",)
