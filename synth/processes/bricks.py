"""A brick wall in running bond: courses of bricks, each shifted by half a brick, in mortar.

The texture of rows: order in two directions, and bricks that differ. The bond is a lattice that
closes on the torus; every brick lies in a cell of it, and is moved, sized and colored on its own.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from synth.processes._check import check_shape, check_within
from synth.processes._grid import cloud
from synth.processes._surface import closing, light, pieces_of

# Of the bricks: darkest and brightest; standard deviations of their places and sizes, as shares of
# the mortar, and of their angles, in radians.
BRICK_GRAYS = (0.18, 0.5)
OFF, SIZED, TURNED = 0.12, 0.12, 0.008
MORTAR_GRAY = 0.78
# Rounding of their corners, and how far their outlines wander, in pixels.
CORNER, WANDER = 1.2, 0.3


class Bond(eqx.Module):
    """The lattice of a bond on a torus.

    Down the torus once there are `rows` courses up and `lean` bricks back; across it once,
    `columns` bricks along and `climb` courses up. Both counts of courses are even.
    """

    shape: tuple[int, int] = eqx.field(static=True)
    rows: int = eqx.field(static=True)
    columns: int = eqx.field(static=True)
    climb: int = eqx.field(static=True)
    lean: int = eqx.field(static=True)

    @property
    def count(self) -> int:
        """Return the number of bricks on the torus."""
        return self.rows * self.columns + self.climb * self.lean

    @property
    def room(self) -> tuple[int, int]:
        """Return how many courses, and bricks in a course, numbers are given to."""
        return self.rows + abs(self.climb), self.columns + abs(self.lean)

    def size(self) -> tuple[float, float]:
        """Return height and length of a cell in pixels, both with the mortar."""
        height, width = self.shape
        course = math.hypot(self.rows / height, self.climb / width)
        return 1 / course, 1 / math.hypot(self.columns / width, self.lean / height)

    def numbers(self, course: Int[Array, "h w"], brick: Int[Array, "h w"]) -> Int[Array, "h w"]:
        """Return one number per brick, the same wherever the torus is entered."""
        down = (self.columns * course - self.climb * brick) // self.count
        across = (self.lean * course + self.rows * brick) // self.count
        course = course - down * self.rows - across * self.climb
        brick = brick + down * self.lean - across * self.columns
        return course % self.room[0] * self.room[1] + brick % self.room[1]


class Bricks(eqx.Module):
    """What differs between bricks: lengths in pixels, angles in radians."""

    place: Float[Array, "n 2"]
    size: Float[Array, "n 2"]
    angle: Float[Array, "n"]
    gray: Float[Array, "n"]
    shifts: Int[Array, "n 2"]


def bricks(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    length: float = 36.0,
    height: float = 14.0,
    mortar: float = 2.5,
    slant: float = 0.0,
) -> Float[Array, "h w"]:
    """Return a brick wall in running bond, lit from the upper left.

    Pixel (y, x) lies in course ⌊r⌋ at r = rows · y / h + climb · x / w, and there in brick
    ⌊columns · x / w - lean · y / h + ½ (⌊r⌋ mod 2)⌋, all four counts whole, those of courses even.

    Args:
        shape: height and width in pixels, any size from 16.
        key: random key; it chooses where the bond begins, and places, sizes, grays and grain of
            the bricks.
        length: of a brick with its mortar, in pixels, 4 to 4096; the nearest is taken that closes
            on the torus. Good values 16 to a quarter of the width.
        height: of a course with its mortar, in pixels, 4 to 4096; the nearest is taken that makes
            an even number of courses. Good values 8 to a sixth of the height.
        mortar: thickness of the joints in pixels, up to half of the smaller side of a brick; good
            values 1.5 to height / 4.
        slant: angle of the courses in degrees, -45 to 45, rising to the right if positive; the
            nearest is taken that closes on the torus, and may tilt bricks by a few degrees.

    Returns:
        Grays, shape (height, width), about 0 to 1: mortar near 0.8, bricks near 0.35.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> bricks((32, 48), key=jax.random.key(0)).shape
        (32, 48)

    Source: the project's own model.
    """
    sides = check_shape(shape)
    check_within(4.0, 4096.0, length=length, height=height)
    check_within(0.0, min(length, height) / 2, mortar=mortar)
    check_within(-45.0, 45.0, slant=slant)
    bond = running_bond(sides, length, height, slant)
    return _draw(bond, jnp.float32(mortar), key=key)


def running_bond(shape: tuple[int, int], length: float, height: float, slant: float) -> Bond:
    """Return the bond nearest to some sizes and an angle that closes on the torus.

    Args:
        shape: height and width of the torus in pixels.
        length: of a brick with its mortar, in pixels.
        height: of a course with its mortar, in pixels.
        slant: angle of the courses in degrees.

    Returns:
        The bond, of at least two courses and one brick.

    Example:
        >>> running_bond((256, 256), 36.0, 14.0, 0.0).count
        126
    """
    cosine, sine = math.cos(math.radians(slant)), math.sin(math.radians(slant))
    return Bond(
        shape,
        rows=closing(shape[0] * cosine, height, multiple=2),
        columns=closing(shape[1] * cosine, length),
        climb=2 * round(shape[1] * sine / (2 * height)),
        lean=round(shape[0] * sine / length),
    )


@eqx.filter_jit
def _draw(bond: Bond, mortar: Float[Array, ""], *, key: PRNGKeyArray) -> Float[Array, "h w"]:
    choose, wander, begin, surface = jax.random.split(key, 4)
    bricks = _choose(bond, mortar, key=choose)
    number, place = _cells(bond, key=begin)
    astray = WANDER * jnp.stack(
        [cloud(bond.shape, 6.0, slope=4.0, key=k) for k in jax.random.split(wander)], axis=-1
    )
    distance = _outlines(bricks, number, place + astray)
    return _paint(bricks, number, distance, shape=bond.shape, key=surface)


def _choose(bond: Bond, mortar: Float[Array, ""], *, key: PRNGKeyArray) -> Bricks:
    count = math.prod(bond.room)
    place, size, angle, gray, shifts = jax.random.split(key, 5)
    spread = jnp.clip(jax.random.normal(size, (count, 2)), -2, 2)
    off = jnp.clip(jax.random.normal(place, (count, 2)), -2, 2)
    low, high = BRICK_GRAYS
    return Bricks(
        place=OFF * mortar * off,
        size=jnp.array(bond.size()) - mortar * (1 + SIZED * spread),
        angle=TURNED * jax.random.normal(angle, (count,)),
        gray=low + (high - low) * jnp.median(jax.random.uniform(gray, (count, 3)), axis=1),
        shifts=jax.random.randint(shifts, (count, 2), 0, max(bond.shape)),
    )


def _cells(bond: Bond, *, key: PRNGKeyArray) -> tuple[Int[Array, "h w"], Float[Array, "h w 2"]]:
    """Return the number of every pixel's cell, and its place there: across courses, and along."""
    height, width = bond.shape
    begin = jax.random.uniform(key, (2,))
    down = (jnp.arange(height)[:, None] / height + begin[0]) * jnp.ones((1, width))
    right = (jnp.arange(width) / width + begin[1]) * jnp.ones((height, 1))
    across = bond.rows * down + bond.climb * right
    course = jnp.floor(across).astype(jnp.int32)
    along = bond.columns * right - bond.lean * down + 0.5 * (course % 2)
    brick = jnp.floor(along).astype(jnp.int32)
    inside = jnp.stack([across - course, along - brick], axis=-1) - 0.5
    return bond.numbers(course, brick), inside * jnp.array(bond.size())


def _outlines(
    bricks: Bricks, number: Int[Array, "h w"], place: Float[Array, "h w 2"]
) -> Float[Array, "h w"]:
    """Return the signed distance of every pixel to its brick's outline, negative inside."""
    away = place - bricks.place[number]
    turn = bricks.angle[number][..., None] * jnp.array([1.0, -1.0])
    beyond = jnp.abs(away + turn * away[..., ::-1]) - bricks.size[number] / 2 + CORNER
    outside = jnp.linalg.norm(jnp.maximum(beyond, 0), axis=-1)
    return outside + jnp.minimum(jnp.max(beyond, axis=-1), 0) - CORNER


def _paint(
    bricks: Bricks,
    number: Int[Array, "h w"],
    distance: Float[Array, "h w"],
    *,
    shape: tuple[int, int],
    key: PRNGKeyArray,
) -> Float[Array, "h w"]:
    """Return the grays of bricks and mortar, with light on edges and grain."""
    blotches, grain, sand = jax.random.split(key, 3)
    blotch = pieces_of(cloud(shape, 10.0, slope=3.5, key=blotches), number, bricks.shifts)
    rough = cloud(shape, 3.0, slope=2.5, key=grain)
    cover = jnp.clip(0.5 - distance, 0, 1)
    brick = bricks.gray[number] + 0.035 * blotch
    mortar = MORTAR_GRAY + 0.05 * cloud(shape, 5.0, slope=3.0, key=sand)
    relief = jnp.clip(-distance / 2, -0.5, 1) + 0.1 * rough
    return cover * brick + (1 - cover) * mortar + 0.22 * light(relief)
