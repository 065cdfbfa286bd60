"""Surfaces of built things: counts that close on the torus, light from one side, grain.

Shared by the processes of regular pieces (bricks, tiles, threads), which know their own geometry.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def closing(side: float, piece: float, *, multiple: int = 1) -> int:
    """Return how many pieces of about a given length close a side of the torus.

    Args:
        side: of the torus, in pixels.
        piece: length of a piece in pixels.
        multiple: what the number must be a multiple of, for the pattern to close.

    Returns:
        The nearest such multiple to side / piece, and at least one.

    Example:
        >>> closing(256, 14.0, multiple=2)
        18
    """
    return multiple * max(1, round(side / (piece * multiple)))


def light(height: Float[Array, "h w"]) -> Float[Array, "h w"]:
    """Return how much a surface on the torus leans towards a light from the upper left.

    (∂z/∂y + ∂z/∂x) / √2, with y down the picture and central differences.

    Args:
        height: z in pixels.

    Returns:
        Slope towards the light, positive where the surface faces it.

    Example:
        >>> light(jnp.zeros((16, 24)))[0, 0].item()
        0.0
    """
    down, right = ((jnp.roll(height, -1, axis) - jnp.roll(height, 1, axis)) / 2 for axis in (0, 1))
    return (down + right) / jnp.sqrt(2.0)


def pieces_of(
    field: Float[Array, "h w"], number: Int[Array, "h w"], shifts: Int[Array, "n 2"]
) -> Float[Array, "h w"]:
    """Return a field that every piece shows another place of.

    Args:
        field: a texture on the torus.
        number: which piece a pixel is of.
        shifts: rows and columns by which each piece looks aside, in pixels.

    Returns:
        The field, cut at the borders of pieces.

    Example:
        >>> zero = jnp.zeros((16, 24), jnp.int32)
        >>> pieces_of(jnp.eye(16, 24), zero, jnp.array([[1, 1]]))[0, 0].item()
        1.0
    """
    rows, columns = jnp.indices(field.shape)
    away = shifts[number]
    return field[(rows + away[..., 0]) % field.shape[0], (columns + away[..., 1]) % field.shape[1]]
