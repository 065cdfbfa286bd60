"""Normal maps among the channels of a texture: vectors that have unit length, and keep it."""

import numpy as np
from jaxtyping import Float

from synth.app.texture import Texture

__all__ = ["length_error", "normal_maps", "unit_normals"]

_TOLERANCE = 0.03  # of the length: 8 bits round it by 1 %
_SHARE = 0.99  # of the pixels


def normal_maps(texture: Texture) -> tuple[str, ...]:
    """Names of the parts of a texture that are normal maps."""
    return tuple(part.name for _, part in _maps(texture))


def length_error(field: Float[np.ndarray, "c h w"], texture: Texture) -> float:
    """Root mean square of |n| − 1 over the pixels of all normal maps; 0 if there are none.

    Args:
        field: in the texture's units.
        texture: which tells which channels are normals.
    """
    errors = [
        np.linalg.norm(_vectors(field[channels], part), axis=0) - 1
        for channels, part in _maps(texture)
    ]
    return float(np.sqrt(np.mean(np.square(errors)))) if errors else 0.0


def unit_normals(field: Float[np.ndarray, "c h w"], texture: Texture) -> Float[np.ndarray, "c h w"]:
    """A field whose normals have unit length; other channels stay as they are.

    Args:
        field: in the texture's units.
        texture: which tells which channels are normals.
    """
    whole = field.copy()
    for channels, part in _maps(texture):
        vectors = _vectors(field[channels], part)
        length = np.linalg.norm(vectors, axis=0)
        unit = vectors / np.where(length > 0, length, 1)
        low, high = _ends(part)
        whole[channels] = low + (unit + 1) / 2 * (high - low)
    return whole


def _maps(texture: Texture) -> list[tuple[slice, Texture]]:
    """Channels of every part that is a normal map."""
    found, start = [], 0
    for part in texture.split():
        channels = slice(start, start + part.num_channels)
        start = channels.stop
        if _are_normals(part):
            found.append((channels, part))
    return found


def _are_normals(part: Texture) -> bool:
    """Whether the vectors of three channels have unit length."""
    if part.num_channels != 3:
        return False
    length = np.linalg.norm(_vectors(part.field, part), axis=0)
    length = length[~np.isnan(length)]
    return bool(np.mean(np.abs(length - 1) < _TOLERANCE) > _SHARE)


def _vectors(field: Float[np.ndarray, "3 h w"], part: Texture) -> Float[np.ndarray, "3 h w"]:
    """Components from −1 to 1."""
    low, high = _ends(part)
    return 2 * (field - low) / (high - low) - 1


def _ends(part: Texture) -> tuple[float, float]:
    """Levels that stand for −1 and 1: the ends of whole numbers, and themselves of others."""
    return (0, np.iinfo(part.dtype).max) if part.dtype.kind == "u" else (-1, 1)
