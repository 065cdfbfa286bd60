"""A foam: gray cells of similar size behind bright walls.

The texture of closed contours. Seeds scattered at random are moved to the centers of their cells
a few times, which evens the cells out; the walls follow the exact bisectors between seeds.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from synth.processes._check import check_positive, check_shape, check_within

# The darkest and the brightest cell; walls are 1.
CELL_GRAYS = (0.0, 0.55)
# A row of pixels looks at the seeds of a band this many cells to either side. Even among seeds
# that nobody moved, a disk of that radius is empty with probability exp(-16 π).
BAND = 4.0
# A torus narrower than this many cells is tiled, so that no cell is its own neighbor.
NARROW = 4.0


class Seeds(eqx.Module):
    """Seeds on a torus, and the tiling of that torus in which no cell meets itself."""

    points: Float[Array, "n 2"]
    shape: tuple[int, int] = eqx.field(static=True)
    copies: tuple[int, int] = eqx.field(static=True)

    def tiled(self) -> Float[Array, "m 2"]:
        """Return the seeds of all copies, the original ones first."""
        offsets = jnp.stack(jnp.meshgrid(*map(jnp.arange, self.copies), indexing="ij"), -1)
        shifts = offsets.reshape(-1, 1, 2) * jnp.array(self.shape, jnp.float32)
        return (self.points + shifts).reshape(-1, 2)

    def beside(self, y: Float[Array, ""]) -> Int[Array, "m"]:
        """Return the numbers, among the tiled seeds, of those in a band around a row."""
        tiled = self.tiled()
        rows = self.shape[0] * self.copies[0]
        mean_number = len(tiled) * min(1.0, 2 * BAND * self.spacing() / rows)
        away = jnp.abs(self.shortest(tiled - jnp.stack([y, 0.0 * y]))[:, 0])
        # Half as many again, for the scatter of the number of seeds in a band.
        return jax.lax.top_k(-away, min(len(tiled), math.ceil(1.5 * mean_number)))[1]

    def spacing(self) -> float:
        """Return the side of a square of a cell's mean area, in pixels."""
        return math.sqrt(self.shape[0] * self.shape[1] / len(self.points))

    def shortest(self, difference: Float[Array, "*n 2"]) -> Float[Array, "*n 2"]:
        """Return a difference of places by the shortest way around the tiled torus."""
        period = jnp.array(self.shape, jnp.float32) * jnp.array(self.copies, jnp.float32)
        return difference - period * jnp.round(difference / period)


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
    seeds = _scatter((height, width), cell, key=place)
    grays = jax.random.uniform(
        shade, (len(seeds.points),), minval=CELL_GRAYS[0], maxval=CELL_GRAYS[1]
    )
    return _draw(_even_out(seeds, jnp.int32(rounds)), grays, jnp.float32(wall))


def num_cells(shape: tuple[int, int], cell: float) -> int:
    """Return the number of cells in a foam.

    Args:
        shape: height and width in pixels.
        cell: side of a square of a cell's mean area, in pixels.

    Returns:
        height · width / cell², rounded, and at least one.

    Example:
        >>> num_cells((240, 240), 24.0)
        100
    """
    return max(1, round(shape[0] * shape[1] / cell**2))


def _scatter(shape: tuple[int, int], cell: float, *, key: PRNGKeyArray) -> Seeds:
    unit = jax.random.uniform(key, (num_cells(shape, cell), 2))
    copies = (-int(-NARROW * cell // shape[0]), -int(-NARROW * cell // shape[1]))
    return Seeds(unit * jnp.array(shape, jnp.float32), shape, copies)


@eqx.filter_jit
def _even_out(seeds: Seeds, rounds: Int[Array, ""]) -> Seeds:
    """Move every seed to the center of its cell, a number of times."""

    def move(_: Int[Array, ""], points: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
        return _centers(Seeds(points, seeds.shape, seeds.copies))

    points = jax.lax.fori_loop(0, rounds, move, seeds.points)
    return Seeds(points, seeds.shape, seeds.copies)


def _centers(seeds: Seeds) -> Float[Array, "n 2"]:
    """Return the centers of the cells, each next to its own seed."""
    tiled, count = seeds.tiled(), len(seeds.points)

    def row(y: Float[Array, ""]) -> Float[Array, "n 3"]:
        beside = seeds.beside(y)
        ways = _ways(seeds, tiled[beside], y)
        nearest = jnp.argmin(jnp.sum(ways**2, -1), axis=1)
        own = jnp.take_along_axis(ways, nearest[:, None, None], axis=1)[:, 0]
        weighed = jnp.concatenate([own, jnp.ones((len(own), 1))], axis=1)
        return jax.ops.segment_sum(weighed, beside[nearest] % count, count)

    sums = jnp.sum(jax.lax.map(row, jnp.arange(seeds.shape[0], dtype=jnp.float32)), axis=0)
    return seeds.points + sums[:, :2] / jnp.maximum(sums[:, 2:], 1)


@eqx.filter_jit
def _draw(seeds: Seeds, grays: Float[Array, "n"], wall: Float[Array, ""]) -> Float[Array, "h w"]:
    tiled = seeds.tiled()

    def row(y: Float[Array, ""]) -> Float[Array, "w"]:
        beside = seeds.beside(y)
        ways = _ways(seeds, tiled[beside], y)
        squares = jnp.sum(ways**2, -1)
        nearest = jnp.argmin(squares, axis=1)
        distance = _wall_distance(seeds, tiled[beside], squares, nearest)
        cover = jnp.clip(wall / 2 - distance + 0.5, 0, 1)
        return cover + (1 - cover) * grays[beside[nearest] % len(grays)]

    return jax.lax.map(row, jnp.arange(seeds.shape[0], dtype=jnp.float32))


def _ways(seeds: Seeds, tiled: Float[Array, "m 2"], y: Float[Array, ""]) -> Float[Array, "w m 2"]:
    """Return the way from every seed to every pixel of one row."""
    x = jnp.arange(seeds.shape[1], dtype=jnp.float32)
    pixels = jnp.stack([jnp.full_like(x, y), x], axis=-1)
    return seeds.shortest(pixels[:, None] - tiled)


def _wall_distance(
    seeds: Seeds,
    tiled: Float[Array, "m 2"],
    squares: Float[Array, "w m"],
    nearest: Int[Array, "w"],
) -> Float[Array, "w"]:
    """Return the distance of each pixel to the closest bisector of its cell."""
    between = jnp.sqrt(jnp.sum(seeds.shortest(tiled[nearest][:, None] - tiled) ** 2, -1))
    least = jnp.take_along_axis(squares, nearest[:, None], axis=1)
    # A seed has no bisector with itself.
    bisector = jnp.where(between > 0, (squares - least) / (2 * jnp.maximum(between, 1e-6)), jnp.inf)
    return jnp.min(bisector, axis=1)
