"""Shot noise: a few kinds of small shapes, scattered independently on a plain background.

The texture in which almost every pixel is empty and phases are everything. A Poisson number of
disks, rings, bars and crosses falls on the torus, dark or bright, turned at random, and their
grays add where they overlap.
"""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from synth.processes._check import check_positive, check_shape, check_within

Distance = Callable[[Float[Array, "p p"], Float[Array, "p p"]], Float[Array, "p p"]]

# Shapes are drawn in units of the radius, and a stroke is this thick.
STROKE = 0.3
SMALLEST = 0.6


def _box(y: Float[Array, "p p"], x: Float[Array, "p p"]) -> Float[Array, "p p"]:
    """Return the signed distance to a bar of half-length one along x."""
    return jnp.maximum(jnp.abs(x) - 1, jnp.abs(y) - STROKE / 2)


SHAPES: dict[str, Distance] = {
    "disk": lambda y, x: jnp.hypot(y, x) - 0.7,
    "ring": lambda y, x: jnp.abs(jnp.hypot(y, x) - 0.85) - STROKE / 2,
    "bar": _box,
    "cross": lambda y, x: jnp.minimum(_box(y, x), _box(x, y)),
}
# The area of each shape in units of the squared radius.
AREAS = {
    "disk": 0.49 * math.pi,
    "ring": 2 * math.pi * 0.85 * STROKE,
    "bar": 2 * STROKE,
    "cross": 4 * STROKE - STROKE**2,
}


class Shots(eqx.Module):
    """Shapes on a torus; those beyond the Poisson number have gray zero."""

    center: Float[Array, "n 2"]
    angle: Float[Array, "n"]
    radius: Float[Array, "n"]
    gray: Float[Array, "n"]
    kind: Int[Array, "n"]


def sparse(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    density: float = 4.0,
    radius: float = 8.0,
    bright: float = 0.5,
) -> Float[Array, "h w"]:
    """Return shot noise of disks, rings, bars and crosses on a background of zero.

    x(u) = Σ_n g_n f_n(u - u_n), the u_n a Poisson process of λ = density / (4 radius)² per pixel.

    Args:
        shape: height and width in pixels, any size from 16.
        key: random key; it chooses number, places, kinds, angles, sizes and grays.
        density: mean number of shapes in a square of four largest radii; good values 0.5 to 5,
            above which they pile up.
        radius: largest radius in pixels; sizes vary down to 0.6 of it; good values 6 to 20.
        bright: probability that a shape is brighter than the background and not darker.

    Returns:
        The field, shape (height, width): 0 on the background, and each shape adds its gray,
        of exponential size with mean 1; the expected value is zero at `bright` = 1/2.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> sparse((16, 24), key=jax.random.key(0), radius=3.0).shape
        (16, 24)

    Source: Rice (1944), Mathematical analysis of random noise, Bell Syst. Tech. J. 23,
        section 1.2 (shot noise and Campbell's theorem).
    """
    height, width = check_shape(shape)
    check_positive(density=density, radius=radius)
    check_within(0.0, 1.0, bright=bright)
    expected = density * height * width / (4 * radius) ** 2
    # Room for twelve standard deviations more than the mean.
    room = math.ceil(expected + 12 * math.sqrt(expected) + 12)
    count, scatter = jax.random.split(key)
    number = jax.random.poisson(count, expected)
    shots = _scatter((height, width), room, (number, jnp.float32(bright)), key=scatter)
    # One window holds any shape at any angle: its half-diagonal is below 1.1 radii.
    side = 2 * math.ceil(1.1 * radius + 1) + 1
    return _draw(shots, jnp.float32(radius), (height, width), side)


def expected_mean(density: float, bright: float) -> float:
    """Return the expected value of the field, by Campbell's theorem.

    E x = λ E[g] E[∫ f], the mean area taken over kinds and sizes.

    Args:
        density: as in `sparse`.
        bright: as in `sparse`.

    Returns:
        The expected gray; the radius cancels.

    Example:
        >>> expected_mean(1.0, 0.5)
        0.0

    Source: Rice (1944), Bell Syst. Tech. J. 23, section 1.2.
    """
    gray = 2 * bright - 1
    square = (1 + SMALLEST + SMALLEST**2) / 3
    return density / 16 * gray * square * sum(AREAS.values()) / len(AREAS)


@eqx.filter_jit
def _scatter(
    shape: tuple[int, int],
    room: int,
    chances: tuple[Int[Array, ""], Float[Array, ""]],
    *,
    key: PRNGKeyArray,
) -> Shots:
    """Draw `room` shots; `chances` say how many of them exist, and how likely each is bright."""
    number, bright = chances
    keys = jax.random.split(key, 6)
    sign = jnp.where(jax.random.bernoulli(keys[0], bright, (room,)), 1.0, -1.0)
    size = jax.random.exponential(keys[1], (room,))
    exists = jnp.arange(room) < number
    return Shots(
        center=jax.random.uniform(keys[2], (room, 2)) * jnp.array(shape, jnp.float32),
        angle=jax.random.uniform(keys[3], (room,), maxval=np.pi),
        radius=jax.random.uniform(keys[4], (room,), minval=SMALLEST),
        gray=jnp.where(exists, sign * size, 0.0),
        kind=jax.random.randint(keys[5], (room,), 0, len(SHAPES)),
    )


@eqx.filter_jit
def _draw(
    shots: Shots, radius: Float[Array, ""], shape: tuple[int, int], side: int
) -> Float[Array, "h w"]:
    """Add every shot to an empty torus, through a window around its center."""

    def add(field: Float[Array, "h w"], shot: Shots) -> tuple[Float[Array, "h w"], None]:
        corner = jnp.floor(shot.center).astype(jnp.int32) - side // 2
        rows, columns = (corner[axis] + jnp.arange(side) for axis in (0, 1))
        stamp = _stamp(shot, radius, rows - shot.center[0], columns - shot.center[1])
        place = jnp.ix_(rows % shape[0], columns % shape[1])
        return field.at[place].add(stamp), None

    return jax.lax.scan(add, jnp.zeros(shape), shots)[0]


def _stamp(
    shot: Shots, radius: Float[Array, ""], y: Float[Array, "p"], x: Float[Array, "p"]
) -> Float[Array, "p p"]:
    """Return one shape's gray on its window; a pixel's cover falls from 1 to 0 across its edge."""
    scale, cosine, sine = shot.radius * radius, jnp.cos(shot.angle), jnp.sin(shot.angle)
    along = (cosine * x[None, :] + sine * y[:, None]) / scale
    across = (cosine * y[:, None] - sine * x[None, :]) / scale
    distance = jax.lax.switch(shot.kind, list(SHAPES.values()), across, along)
    return shot.gray * jnp.clip(0.5 - scale * distance, 0, 1)
