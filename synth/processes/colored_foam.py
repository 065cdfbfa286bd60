"""A foam in colors: panes of one palette, each with a light of its own, behind dark walls.

The texture of closed contours whose gray alone does not tell a cell from its neighbor. `_cells`
supplies the cells; this module chooses the colors.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from synth.processes._cells import Cells, Seeds, even_out, look, scatter
from synth.processes._check import check_positive, check_shape, check_within
from synth.processes._color import along, lit, mix, palette, smooth, to_srgb

# From deep blue over sea green to amber and garnet.
PANES = palette("23427f", "2b7a9b", "4f9d8a", "c9b458", "d98a3d", "b4472f", "7d2a45")
WALL = palette("1d1a20")[0]
# How far along the palette a cell reaches beyond its own color.
DRIFT = 0.13


class Panes(eqx.Module):
    """What is drawn for each cell."""

    hue: Float[Array, "n"]
    brightness: Float[Array, "n"]
    angle: Float[Array, "n"]


def colored_foam(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    cell: float = 24.0,
    wall: float = 2.5,
    rounds: int = 3,
    variety: float = 1.0,
) -> Float[Array, "3 h w"]:
    """Return a periodic Voronoi foam in colors: jewel-like panes behind dark walls.

    Pixel x in the cell of seed a has the color p(h_a + δ s) under the light b_a (1 + 0.4 s), where
    p is the palette, and s runs from -1 to 1 across the cell in a direction of its own.

    Args:
        shape: height and width in pixels, any size from 16.
        key: random key; it chooses the seeds, and each cell's color, brightness and direction.
        cell: side of a square of a cell's mean area, in pixels; good values 12 to 64.
        wall: thickness of the walls in pixels; good values 1.5 to cell / 6.
        rounds: moves of the seeds to the centers of their cells (Lloyd); good values 1 to 8.
        variety: share of the palette that is used, around its middle; 0 paints all cells alike
            but for their light; good values 0.3 to 1.

    Returns:
        Red, green and blue (sRGB, encoded), shape (3, height, width), between 0 and 1.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> colored_foam((16, 24), key=jax.random.key(0), cell=8.0).shape
        (3, 16, 24)

    Source: Okabe, Boots, Sugihara & Chiu (2000), Spatial Tessellations, chapter 5 (Poisson
        Voronoi cells); Lloyd (1982), IEEE Trans. Inf. Theory 28, 129-137 (the rounds).
    """
    height, width = check_shape(shape)
    check_positive(cell=cell, wall=wall)
    check_within(0.0, 1000.0, rounds=rounds)
    check_within(0.0, 1.0, variety=variety)
    place, paint = jax.random.split(key)
    seeds = scatter((height, width), cell, key=place)
    panes = _choose(len(seeds.points), jnp.float32(variety), key=paint)
    return _draw(even_out(seeds, jnp.int32(rounds)), panes, jnp.float32(wall))


def _choose(count: int, variety: Float[Array, ""], *, key: PRNGKeyArray) -> Panes:
    hue, brightness, angle = jax.random.split(key, 3)
    return Panes(
        hue=0.5 + variety * jax.random.uniform(hue, (count,), minval=-0.5, maxval=0.5),
        brightness=jnp.exp(0.25 * jax.random.normal(brightness, (count,))),
        angle=jax.random.uniform(angle, (count,), maxval=2 * jnp.pi),
    )


@eqx.filter_jit
def _draw(seeds: Seeds, panes: Panes, wall: Float[Array, ""]) -> Float[Array, "3 h w"]:
    cells = look(seeds)
    inside = _glass(cells, panes, seeds.spacing())
    cover = jnp.clip(wall / 2 - cells.wall + 0.5, 0, 1)
    return jnp.moveaxis(to_srgb(mix(inside, jnp.asarray(WALL, jnp.float32), cover)), -1, 0)


def _glass(cells: Cells, panes: Panes, spacing: float) -> Float[Array, "h w 3"]:
    """Return the colors without walls: a drift of hue and light, and a dim rim."""
    angle = panes.angle[cells.number]
    ahead = jnp.sin(angle) * cells.way[..., 0] + jnp.cos(angle) * cells.way[..., 1]
    across = 2 * smooth(0.5 + 0.8 * ahead / spacing) - 1
    color = along(PANES, panes.hue[cells.number] + DRIFT * across)
    rim = 1 - 0.5 * jnp.exp(-cells.wall / (0.12 * spacing))
    return lit(color, panes.brightness[cells.number] * rim * (1 + 0.4 * across))
