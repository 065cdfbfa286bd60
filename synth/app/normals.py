"""Maps of normals among the channels of a texture: vectors that have unit length, and keep it."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from synth.app.texture import Part, Texture

__all__ = ["length_error", "marked", "unit_normals"]

_TOLERANCE = 0.03  # of the length: 8 bits round it by 1 %
_SHARE = 0.99  # of the pixels


def marked(texture: Texture) -> Texture:
    """A texture whose parts say whether they are maps of normals.

    It must have the pixels of its files: vectors that are averaged over an edge are shorter.
    """
    parts = [
        part._replace(normals=_are_normals(own.field, part))
        for part, own in zip(texture.all_parts, texture.split(), strict=True)
    ]
    return texture._replace(parts=tuple(parts))


def length_error(field: Float[np.ndarray, "c h w"], texture: Texture) -> float:
    """Root mean square of |n| − 1 over the pixels of all maps of normals; 0 if there are none.

    Args:
        field: in the texture's units.
        texture: which tells which channels are normals.
    """
    errors = [
        np.linalg.norm(_vectors(field[channels], part), axis=0) - 1
        for channels, part in _maps(texture)
    ]
    return float(np.sqrt(np.mean(np.square(errors)))) if errors else 0.0


def unit_normals(
    field: Float[np.ndarray, "*n c h w"], texture: Texture
) -> Float[np.ndarray, "*n c h w"]:
    """Fields whose normals have unit length; other channels stay as they are.

    Args:
        field: one or several, in the texture's units; NaN where a pixel is missing.
        texture: which tells which channels are normals.
    """
    whole = field.copy()
    for channels, part in _maps(texture):
        vectors = _vectors(field[..., channels, :, :], part)
        length = np.linalg.norm(vectors, axis=-3, keepdims=True)
        unit = vectors / np.where(length > 0, length, 1)
        low, high = _ends(part)
        whole[..., channels, :, :] = low + (unit + 1) / 2 * (high - low)
    return whole


def _maps(texture: Texture) -> Iterator[tuple[slice, Part]]:
    """Channels of every part that is a map of normals."""
    for channels, part in zip(texture.slices, texture.all_parts, strict=True):
        if part.normals:
            yield channels, part


def _are_normals(field: Float[np.ndarray, "c h w"], part: Part) -> bool:
    """Whether the vectors of three channels have unit length."""
    if len(field) != 3:
        return False
    length = np.linalg.norm(_vectors(field, part), axis=0)
    length = length[~np.isnan(length)]
    return bool(np.mean(np.abs(length - 1) < _TOLERANCE) > _SHARE)


def _vectors(field: Float[np.ndarray, "*n 3 h w"], part: Part) -> Float[np.ndarray, "*n 3 h w"]:
    """Components from −1 to 1."""
    low, high = _ends(part)
    return 2 * (field - low) / (high - low) - 1


def _ends(part: Part) -> tuple[float, float]:
    """Levels that stand for −1 and 1: the ends of whole numbers, and themselves of others."""
    return (0, np.iinfo(part.dtype).max) if part.dtype.kind == "u" else (-1, 1)
