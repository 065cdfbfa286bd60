"""Fields → PNG, on the gray scales and in the colors of a texture."""

from pathlib import Path

import imagecodecs
import numpy as np
from jaxtyping import Bool, Float, UInt
from PIL import Image

from synth.app.texture import Texture

__all__ = ["save", "save_png"]


def save(
    folder: Path, stem: str, field: Float[np.ndarray, "c h w"], texture: Texture
) -> list[Path]:
    """Write a field as the pictures that show its channels.

    One part of one or three channels is ``<stem>.png``. One part of another number is a picture
    per channel, ``<stem>/channel-1.png`` and so on, each on a gray scale of its own. Several
    parts are ``<stem>/<part>.png``, or ``<stem>/<part>-1.png`` and so on per channel.

    Args:
        folder: in which they are written; it must be there.
        stem: name of the picture, or of the folder of the pictures.
        field: in the texture's units; NaN where a pixel is missing.
        texture: whose types and gray scales they have.

    Returns:
        The files that were written, in the order of the channels.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> fields = np.random.default_rng(0).random((1, 2, 16, 16), np.float32)
        >>> noise = Texture("noise", fields, (True, True), fields.dtype, "")
        >>> with TemporaryDirectory() as folder:
        ...     [path.name for path in save(Path(folder), "target", noise.field, noise)]
        ['channel-1.png', 'channel-2.png']
    """
    first, *more = texture.all_parts
    if not more and first.in_one_picture:
        save_png(folder / f"{stem}.png", field, texture)
        return [folder / f"{stem}.png"]
    (folder / stem).mkdir(exist_ok=True)
    written = []
    for part, channels in zip(texture.split(), texture.slices, strict=True):
        (named,) = part.parts if more else (first._replace(name="channel"),)
        each = np.split(np.arange(channels.start, channels.stop), len(named.pictures))
        for name, own in zip(named.pictures, each, strict=True):
            written.append(folder / stem / f"{name}.png")
            save_png(written[-1], field[own], part._replace(fields=texture.fields[:, own]))
    return written


def save_png(
    path: Path,
    field: Float[np.ndarray, "h w"] | Float[np.ndarray, "c h w"],
    texture: Texture,
) -> None:
    """Write a field of one or three channels as PNG, in gray or in color.

    Levels of an 8- or 16-bit picture are kept and clipped to its range; others are mapped
    to 16 bits, the texture's least value to black and its largest to white; colors by one map,
    which keeps hues. Missing pixels of a field are transparent; one that holds no number at all
    is black.

    Args:
        path: file to be written.
        field: in the texture's units; NaN where a pixel is missing.
        texture: whose gray scale it is, of one part.

    Raises:
        ValueError: if it has another number of channels.
    """
    if field.ndim == 3 and len(field) not in (1, 3):
        raise ValueError(f"A PNG shows 1 or 3 channels, not {len(field)}: use save.")
    dtype = texture.dtype if texture.dtype in (np.uint8, np.uint16) else np.dtype(np.uint16)
    top = np.iinfo(dtype).max
    levels = np.asarray(field, np.float64).reshape(-1, *field.shape[-2:])
    if dtype != texture.dtype:
        low, high = float(np.nanmin(texture.fields)), float(np.nanmax(texture.fields))
        levels = (levels - low) / ((high - low) or 1) * top
    shown = np.clip(np.round(np.nan_to_num(levels)), 0, top).astype(dtype)
    missing = np.any(np.isnan(levels), axis=0, keepdims=True)[0]
    holes = missing if missing.any() and not missing.all() else None
    if len(shown) == 3:
        _save_color(path, np.moveaxis(shown, 0, 2), holes)
    elif holes is not None:
        _save_holed(path, shown[0], holes)
    else:
        Image.fromarray(shown[0]).save(path, format="PNG")


def _save_color(
    path: Path, color: UInt[np.ndarray, "h w 3"], holes: Bool[np.ndarray, "h w"] | None
) -> None:
    """Write red, green and blue, with an alpha channel if pixels are missing.

    Pillow cannot write colors of 16 bits.
    """
    if holes is not None:
        alpha = np.where(holes, 0, np.iinfo(color.dtype).max).astype(color.dtype)
        color = np.dstack([color, alpha])
    if color.dtype == np.uint8:
        Image.fromarray(color).save(path, format="PNG")
    else:
        path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(color)))


def _save_holed(
    path: Path, gray: UInt[np.ndarray, "h w"], missing: Bool[np.ndarray, "h w"]
) -> None:
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
