"""Tiles: squares or hexagons of one size in grout, each of its own gray.

The texture of a honeycomb or a grid. `_cells` supplies the cells around the points of a lattice
and the distance to their borders; this module lays the lattice and chooses the grays.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from synth.errors import InputError
from synth.processes._cells import Seeds, look, sow
from synth.processes._check import check_shape, check_within
from synth.processes._grid import cloud
from synth.processes._surface import closing, light, pieces_of

# The darkest and the brightest tile, and the grout.
TILE_GRAYS = (0.35, 0.9)
GROUT_GRAY = 0.2
# Standard deviation of the tiles' places, as a share of their size, and of their slopes.
OFF, TILTED = 0.008, 0.0025
# Width of the sloping rim of a tile, in pixels.
RIM = 2.0


class Glaze(eqx.Module):
    """What differs between tiles."""

    gray: Float[Array, "n"]
    tilt: Float[Array, "n 2"]


def tiles(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    tile: float = 24.0,
    grout: float = 2.5,
    sides: int = 4,
) -> Float[Array, "h w"]:
    """Return square or hexagonal tiles of different grays in dark grout, lit from the upper left.

    Tiles are the Voronoi cells of a square or a hexagonal lattice that is stretched until it
    closes on the torus.

    Args:
        shape: height and width in pixels, any size from 16.
        key: random key; it chooses where the lattice begins, and grays, tilts and grain of the
            tiles.
        tile: side of a square of a tile's area, grout included, in pixels, 4 to 4096; the nearest
            numbers of rows and columns are taken that close on the torus, of hexagons an even
            number of rows. Good values 16 to a sixth of the side, so that hexagons stay regular.
        grout: width of the grout in pixels, up to half of `tile`; good values 2 to tile / 8.
        sides: of a tile, 4 or 6.

    Returns:
        Grays, shape (height, width), about 0 to 1: grout near 0.2, tiles between 0.3 and 1.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> tiles((32, 48), key=jax.random.key(0), tile=16.0, sides=6).shape
        (32, 48)

    Source: Okabe, Boots, Sugihara & Chiu (2000), Spatial Tessellations, section 2.1 (cells).
    """
    height, width = check_shape(shape)
    check_within(4.0, 4096.0, tile=tile)
    check_within(0.0, tile / 2, grout=grout)
    if sides not in (4, 6):
        raise InputError(f"sides is {sides}; tiles fill the plane with 4 or 6: choose one of them.")
    lattice, place, glaze, surface = jax.random.split(key, 4)
    points = centers((height, width), tile, sides)
    rows = len(np.unique(points[:, 0]))
    cell = (height / rows, width * rows / len(points))
    begin = jax.random.uniform(lattice, (2,)) * jnp.array([height, width])
    points = (
        jnp.asarray(points, jnp.float32)
        + begin
        + OFF * tile * jax.random.normal(place, points.shape)
    )
    seeds = sow(points, (height, width), (max(cell), max(cell)))
    return _draw(seeds, _choose(len(points), key=glaze), jnp.float32(grout), key=surface)


def centers(shape: tuple[int, int], tile: float, sides: int) -> Float[np.ndarray, "n 2"]:
    """Return the centers of the tiles of a lattice that closes on the torus.

    Args:
        shape: height and width in pixels.
        tile: side of a square of a tile's area, in pixels.
        sides: 4 or 6.

    Returns:
        Rows and columns in pixels, row by row.

    Example:
        >>> centers((32, 32), 16.0, 4).tolist()
        [[0.0, 0.0], [0.0, 16.0], [16.0, 0.0], [16.0, 16.0]]
    """
    # Neighbors in a row of hexagons of unit area are this far apart, and rows its inverse.
    apart = math.sqrt(2 / math.sqrt(3)) if sides == 6 else 1.0
    rows = closing(shape[0], tile / apart, multiple=2 if sides == 6 else 1)
    columns = closing(shape[1], tile * apart)
    row, column = (np.ravel(index).astype(float) for index in np.indices((rows, columns)))
    if sides == 6:
        column += row % 2 / 2
    return np.stack([row * shape[0] / rows, column * shape[1] / columns], axis=-1)


def _choose(count: int, *, key: PRNGKeyArray) -> Glaze:
    gray, tilt = jax.random.split(key)
    low, high = TILE_GRAYS
    return Glaze(
        gray=jax.random.uniform(gray, (count,), minval=low, maxval=high),
        tilt=TILTED * jax.random.normal(tilt, (count, 2)),
    )


@eqx.filter_jit
def _draw(
    seeds: Seeds, glaze: Glaze, grout: Float[Array, ""], *, key: PRNGKeyArray
) -> Float[Array, "h w"]:
    aside, veins, sand = jax.random.split(key, 3)
    cells = look(seeds)
    shifts = jax.random.randint(aside, (len(seeds.points), 2), 0, max(seeds.shape))
    vein = pieces_of(cloud(seeds.shape, 24.0, slope=3.5, key=veins), cells.number, shifts)
    tilt = jnp.sum(glaze.tilt[cells.number] * cells.way, axis=-1)
    tile = glaze.gray[cells.number] + 0.025 * vein + tilt
    distance = cells.wall - grout / 2
    cover = jnp.clip(distance + 0.5, 0, 1)
    joint = GROUT_GRAY + 0.04 * cloud(seeds.shape, 4.0, slope=2.5, key=sand)
    rim = jnp.clip(distance / RIM, -0.25, 1)
    return cover * tile + (1 - cover) * joint + 0.25 * light(rim)
