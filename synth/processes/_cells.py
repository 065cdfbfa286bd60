"""Cells around seeds on the torus: which cell a pixel is in, where it is there, how far its wall.

The geometry of every process made of cells, without any gray or color. Seeds are scattered at
random and moved to the centers of their cells a few times, which evens the cells out; walls are
the exact bisectors between seeds.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

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


class Cells(eqx.Module):
    """What every pixel knows of its cell; of one row, or of all rows of a picture."""

    number: Int[Array, "*h w"]
    """Number of the cell, of the seed nearest to the pixel."""
    way: Float[Array, "*h w 2"]
    """Way from that seed to the pixel, down and to the right, in pixels."""
    wall: Float[Array, "*h w"]
    """Distance to the closest bisector of the cell, in pixels."""


def num_cells(shape: tuple[int, int], cell: float) -> int:
    """Return the number of cells on a torus.

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


def scatter(shape: tuple[int, int], cell: float, *, key: PRNGKeyArray) -> Seeds:
    """Return independent seeds, uniform on the torus.

    Args:
        shape: height and width in pixels.
        cell: side of a square of a cell's mean area, in pixels.
        key: random key.

    Returns:
        As many seeds as `num_cells` says.

    Example:
        >>> scatter((16, 24), 8.0, key=jax.random.key(0)).points.shape
        (6, 2)
    """
    unit = jax.random.uniform(key, (num_cells(shape, cell), 2))
    return sow(unit * jnp.array(shape, jnp.float32), shape, cell)


def sow(
    points: Float[Array, "n 2"], shape: tuple[int, int], cell: float | tuple[float, float]
) -> Seeds:
    """Return seeds at given places.

    Args:
        points: rows and columns in pixels, anywhere: the torus is periodic.
        shape: height and width in pixels.
        cell: side of a square of a cell's mean area, in pixels; or height and width of cells.

    Returns:
        The seeds, on a torus that is tiled where it is narrow.

    Example:
        >>> sow(jnp.zeros((1, 2)), (16, 24), 20.0).copies
        (5, 4)
    """
    height, width = cell if isinstance(cell, tuple) else (cell, cell)
    copies = (-int(-NARROW * height // shape[0]), -int(-NARROW * width // shape[1]))
    return Seeds(points, shape, copies)


@eqx.filter_jit
def even_out(seeds: Seeds, rounds: Int[Array, ""]) -> Seeds:
    """Move every seed to the center of its cell, a number of times.

    Args:
        seeds: where they are.
        rounds: number of moves.

    Returns:
        The seeds, more evenly spread.

    Example:
        >>> seeds = scatter((16, 24), 8.0, key=jax.random.key(0))
        >>> even_out(seeds, jnp.int32(2)).points.shape
        (6, 2)

    Source: Lloyd (1982), IEEE Trans. Inf. Theory 28, 129-137.
    """

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


def look(seeds: Seeds, *, rounding: Float[Array, ""] | None = None) -> Cells:
    """Return the cells around seeds, pixel by pixel.

    Pixel x belongs to the nearest seed a; its distance to the bisector with seed b is
    d_b = (|x - b|² - |x - a|²) / (2 |a - b|), and to the wall min_b d_b.

    Args:
        seeds: on their torus.
        rounding: r, in pixels; where told, the distance is -r ln Σ_b exp(-d_b / r) instead, whose
            levels are the cells with their corners rounded to a radius of a few r.

    Returns:
        Numbers, ways and distances, shape (height, width); a rounded distance is smaller, and
        negative in corners.

    Example:
        >>> look(scatter((16, 24), 8.0, key=jax.random.key(0))).wall.shape
        (16, 24)

    Source: Okabe, Boots, Sugihara & Chiu (2000), Spatial Tessellations, section 2.1.
    """
    tiled = seeds.tiled()

    def row(y: Float[Array, ""]) -> Cells:
        beside = seeds.beside(y)
        ways = _ways(seeds, tiled[beside], y)
        squares = jnp.sum(ways**2, -1)
        nearest = jnp.argmin(squares, axis=1)
        bisectors = _bisectors(seeds, tiled[beside], squares, nearest)
        return Cells(
            number=beside[nearest] % len(seeds.points),
            way=jnp.take_along_axis(ways, nearest[:, None, None], axis=1)[:, 0],
            wall=jnp.min(bisectors, axis=1)
            if rounding is None
            else -rounding * jax.nn.logsumexp(-bisectors / rounding, axis=1),
        )

    return jax.lax.map(row, jnp.arange(seeds.shape[0], dtype=jnp.float32))


def _ways(seeds: Seeds, tiled: Float[Array, "m 2"], y: Float[Array, ""]) -> Float[Array, "w m 2"]:
    """Return the way from every seed to every pixel of one row."""
    x = jnp.arange(seeds.shape[1], dtype=jnp.float32)
    pixels = jnp.stack([jnp.full_like(x, y), x], axis=-1)
    return seeds.shortest(pixels[:, None] - tiled)


def _bisectors(
    seeds: Seeds,
    tiled: Float[Array, "m 2"],
    squares: Float[Array, "w m"],
    nearest: Int[Array, "w"],
) -> Float[Array, "w m"]:
    """Return the distance of each pixel to the bisectors of its own seed with all others."""
    between = jnp.sqrt(jnp.sum(seeds.shortest(tiled[nearest][:, None] - tiled) ** 2, -1))
    least = jnp.take_along_axis(squares, nearest[:, None], axis=1)
    # A seed has no bisector with itself.
    return jnp.where(between > 0, (squares - least) / (2 * jnp.maximum(between, 1e-6)), jnp.inf)
