"""Files ↔ fields: pictures in, textures out, and the pictures that come with the package."""

import difflib
import hashlib
import math
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import imageio.v3 as iio
import numpy as np
from jaxtyping import Float
from PIL import Image

from synth.errors import InputError

__all__ = ["Texture", "bundled", "load", "save_png"]

_LEAST_SIDE = 16
_MOST_SIDE = 1024  # larger pictures must be asked for with a size
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


def load(
    source: str | Path, *, size: int | None = None, periodic: bool | None = None
) -> Texture:
    """Read a picture, from a path or by the bare name of a bundled one.

    Any format of imageio, and ``.npy`` arrays. Color becomes luminance (ITU-R BT.709).

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
    gray, notes = _gray(raw, path)
    _check(gray, path)
    if periodic is None:
        periodic = _borders_match(gray)
    if size is not None:
        gray, note = _resize(gray, size, periodic)
        notes += note
        _check(gray, path)
    elif max(gray.shape) > _MOST_SIDE:
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
    levels = np.asarray(field, np.float64)
    if dtype != texture.dtype:
        low, high = float(texture.field.min()), float(texture.field.max())
        levels = (levels - low) / (high - low) * top
    iio.imwrite(path, np.clip(np.round(levels), 0, top).astype(dtype), extension=".png")


@cache
def _textures() -> Path:
    """Folder of the bundled pictures, of an installed wheel or of a checkout."""
    package = Path(__file__).parent
    inside = package / "textures"
    return inside if inside.is_dir() else package.parent / "textures"


def _find(source: str | Path) -> Path:
    path = Path(source)
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the path of one picture.")
    if path.name == str(source):
        for table in bundled().values():
            if path.name in (table["file"], Path(table["file"]).stem):
                return _textures() / table["file"]
    raise InputError(_not_found(path))


def _not_found(path: Path) -> str:
    names = [table["file"] for table in bundled().values()]
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near else f"bundled pictures are {', '.join(names)}."
    return f"There is no picture {path}: give the path of an existing file, or a bundled name; {hint}"


def _read(path: Path) -> np.ndarray:
    try:
        if path.suffix == ".npy":
            array = np.load(path, allow_pickle=False)
        else:
            array = iio.imread(path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path} cannot be read as a picture: give a PNG, JPEG, TIFF or another image file, "
            "or a NumPy .npy array."
        ) from error
    if array.dtype.kind not in "buif":
        raise InputError(f"{path} holds {array.dtype} values: give real numbers.")
    return array


def _gray(raw: np.ndarray, path: Path) -> tuple[Float[np.ndarray, "h w"], tuple[str, ...]]:
    array = raw.astype(np.float64)
    if array.ndim == 2:
        return array, ()
    if array.ndim == 3 and array.shape[2] in (1, 2):
        return array[..., 0], ()
    if array.ndim == 3 and array.shape[2] in (3, 4):
        gray = array[..., :3] @ _LUMINANCE
        if np.ptp(array[..., :3], axis=2).max() == 0:
            return array[..., 0], ()
        return gray, ("Color was turned into luminance (ITU-R BT.709).",)
    raise InputError(
        f"{path} has the shape {raw.shape}: give one picture, height × width, gray or color."
    )


def _check(gray: Float[np.ndarray, "h w"], path: Path) -> None:
    if min(gray.shape) < _LEAST_SIDE:
        raise InputError(
            f"{path.name} has {gray.shape[0]} × {gray.shape[1]} pixels: a texture needs at least "
            f"{_LEAST_SIDE} on each side."
        )
    if not np.isfinite(gray).all():
        count = int((~np.isfinite(gray)).sum())
        raise InputError(
            f"{path.name} holds {count} NaN or infinite values: replace them by finite ones."
        )
    if np.ptp(gray.astype(np.float32)) == 0:
        raise InputError(
            f"{path.name} is constant ({gray.flat[0]:g} everywhere): a texture needs contrast."
        )


def _borders_match(gray: Float[np.ndarray, "h w"]) -> bool:
    """Whether the jump across the border is like the differences of neighbors inside."""

    def ratio(axis: int) -> float:
        jump = np.take(gray, 0, axis) - np.take(gray, -1, axis)
        return float((jump**2).mean() / max((np.diff(gray, axis=axis) ** 2).mean(), 1e-30))

    return max(ratio(0), ratio(1)) < 2


def _resize(
    gray: Float[np.ndarray, "h w"], size: int, periodic: bool
) -> tuple[Float[np.ndarray, "h w"], tuple[str, ...]]:
    """Lanczos resampling, around the border of a periodic picture."""
    if size < _LEAST_SIDE:
        raise InputError(f"The size {size} is too small: give at least {_LEAST_SIDE} pixels.")
    scale = size / max(gray.shape)
    if scale == 1:
        return gray, ()
    height, width = (max(1, round(n * scale)) for n in gray.shape)
    pad = math.ceil(4 / min(scale, 1))
    padded = np.pad(gray, pad, mode="wrap" if periodic else "reflect")
    box = (pad, pad, pad + gray.shape[1], pad + gray.shape[0])
    image = Image.fromarray(padded.astype(np.float32))
    resized = image.resize((width, height), Image.Resampling.LANCZOS, box=box)
    return np.asarray(resized, np.float64), (f"Resized to {height} × {width} pixels.",)
