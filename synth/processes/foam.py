"""A foam: gray cells of similar size behind bright walls.

The texture of closed contours. `_cells` supplies the cells and the distance to their walls; this
module chooses the grays.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from synth.processes._cells import Seeds, even_out, look, num_cells, scatter
from synth.processes._check import check_positive, check_shape, check_within

__all__ = ["foam", "num_cells"]

# The darkest and the brightest cell; walls are 1.
CELL_GRAYS = (0.0, 0.55)


def foam(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    cell: float = 24.0,
    wall: float = 2.5,
    rounds: int = 3,
) -> Float[Array, "h w"]:
    """Return a periodic Voronoi foam: bright walls around cells of different grays.

    Pixel x belongs to the nearest seed a, and its distance to the wall is
    min_b (|x - b|² - |x - a|²) / (2 |a - b|).

    Args:
        shape: height and width in pixels, any size from 16.
        key: random key; it chooses the seeds and the grays.
        cell: side of a square of a cell's mean area, in pixels; good values 12 to 64. There
            are height · width / cell² cells, rounded, and at least one.
        wall: thickness of the walls in pixels; good values 1.5 to cell / 6.
        rounds: moves of the seeds to the centers of their cells (Lloyd); 0 gives cells of very
            unequal size, above 20 nearly a honeycomb; good values 1 to 8.

    Returns:
        Grays, shape (height, width): 1 on walls, between 0 and 0.55 inside cells.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> foam((16, 24), key=jax.random.key(0), cell=8.0).shape
        (16, 24)

    Source: Okabe, Boots, Sugihara & Chiu (2000), Spatial Tessellations, chapter 5 (Poisson
        Voronoi cells); Lloyd (1982), IEEE Trans. Inf. Theory 28, 129-137 (the rounds).
    """
    height, width = check_shape(shape)
    check_positive(cell=cell, wall=wall)
    check_within(0.0, 1000.0, rounds=rounds)
    place, shade = jax.random.split(key)
    seeds = scatter((height, width), cell, key=place)
    grays = jax.random.uniform(
        shade, (len(seeds.points),), minval=CELL_GRAYS[0], maxval=CELL_GRAYS[1]
    )
    return _draw(even_out(seeds, jnp.int32(rounds)), grays, jnp.float32(wall))


@eqx.filter_jit
def _draw(seeds: Seeds, grays: Float[Array, "n"], wall: Float[Array, ""]) -> Float[Array, "h w"]:
    cells = look(seeds)
    cover = jnp.clip(wall / 2 - cells.wall + 0.5, 0, 1)
    return cover + (1 - cover) * grays[cells.number]
