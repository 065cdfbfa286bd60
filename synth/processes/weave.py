"""Woven cloth: threads of two directions that pass over and under each other, plain or in twill.

The texture of two crossed gratings, of which one hides the other in turn. Threads are cylinders
that bend around each other; which lies higher is seen.
"""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from synth.errors import InputError
from synth.processes._check import check_shape, check_within
from synth.processes._grid import cloud, normal_field, wavenumbers
from synth.processes._surface import closing

# Mean gray of the threads that run down and of those that run across, and of what is below both.
GRAYS = (0.8, 0.62)
GAP_GRAY = 0.08
# Mean width of a thread over the distance of threads.
WIDTH = 0.94
# Standard deviations at irregularity 1: of widths as shares of the mean, of grays as shares, of
# places as shares of the distance of threads.
WIDER, BRIGHTER, ASTRAY = 0.2, 0.2, 0.25
# Fibers: standard deviation of the gray, and how much longer than wide they are.
FIBER, LONG = 0.07, 6.0
# Threads, of height one over their own middle, are told apart within this difference.
SHARP = 0.12
# The longest way of a thread over others.
MOST_OVER = 8


class Threads(eqx.Module):
    """Threads of one direction at every pixel, distances in units of that of neighbors."""

    number: Int[Array, "h w"]
    aside: Float[Array, "h w"]
    """Place across the thread; 0 is its middle, ±½ the border to its neighbors."""
    half: Float[Array, "h w"]
    """Half of its width here."""
    along: Float[Array, "h w"]
    """Place along it, in threads of the other direction."""
    gray: Float[Array, "h w"]


def weave(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    thread: float = 10.0,
    over: int = 1,
    irregularity: float = 0.4,
) -> Float[Array, "h w"]:
    """Return woven cloth, lit from the upper left.

    At the crossing of thread i down and thread j across, the former is on top where
    (i - j) mod 2n < n, n = over. A thread of half-width a, bent to heights s = ±1 at its
    crossings, has its surface at s + √(1 - (x / a)²), x across it; the higher one is seen.

    Args:
        shape: height and width in pixels, any size from 16.
        key: random key; it chooses where the weave begins, and widths, places, grays and fibers
            of the threads.
        thread: distance of neighboring threads in pixels, 3 to 4096; the nearest is taken that
            makes a multiple of 2n threads close on the torus, so that threads of the two
            directions may differ. Good values 6 to a twelfth of the side.
        over: n, of how many threads one passes over, then under: 1 is plain weave, 2 and 3 are
            twill, whose ribs run down to the right; up to 8.
        irregularity: of widths, places and grays, 0 to 1: 0 is machine-made, 0.3 to 0.7 are
            linen.

    Returns:
        Grays, shape (height, width), about 0 to 1.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> weave((32, 48), key=jax.random.key(0), over=2).shape
        (32, 48)

    Source: Grünbaum & Shephard (1980), Satins and twills: an introduction to the geometry of
        fabrics, Math. Mag. 53, 139-161 (which thread is on top).
    """
    height, width = check_shape(shape)
    check_within(3.0, 4096.0, thread=thread)
    if over not in range(1, MOST_OVER + 1):
        raise InputError(
            f"over is {over}; it must be a whole number from 1 to {MOST_OVER}:"
            " 1 is plain weave, 2 a common twill."
        )
    check_within(0.0, 1.0, irregularity=irregularity)
    across, down = (closing(side, thread, multiple=2 * int(over)) for side in (height, width))
    return _draw((height, width), (across, down), int(over), jnp.float32(irregularity), key=key)


@eqx.filter_jit
def _draw(
    shape: tuple[int, int],
    counts: tuple[int, int],
    over: int,
    irregularity: Float[Array, ""],
    *,
    key: PRNGKeyArray,
) -> Float[Array, "h w"]:
    begin, bend, warping, wefting = jax.random.split(key, 4)
    pixels = jnp.stack(jnp.meshgrid(*map(jnp.arange, shape), indexing="ij"))
    distance = jnp.array([side / count for side, count in zip(shape, counts, strict=True)])
    drift = ASTRAY * irregularity * jnp.stack(
        [cloud(shape, 6 * max(shape[0] / counts[0], 3), slope=4.0, key=k)
         for k in jax.random.split(bend)]
    )  # fmt: skip
    begin = jax.random.uniform(begin, (2,)) * jnp.array(counts)
    place = pixels / distance[:, None, None] + drift + begin[:, None, None]
    weft = _threads(place, 0, counts, irregularity, key=wefting)
    warp = _threads(place, 1, counts, irregularity, key=warping)

    def on_top(i: Int[Array, "h w"], j: Int[Array, "h w"]) -> Float[Array, "h w"]:
        return jnp.where((i - j) % (2 * over) < over, 1.0, -1.0)

    warp_bent = _bent(warp, lambda j: on_top(warp.number, j))
    weft_bent = _bent(weft, lambda i: -on_top(i, weft.number))
    return _seen(warp, weft, (warp_bent, weft_bent), distance)


def _threads(
    place: Float[Array, "2 h w"],
    axis: int,
    counts: tuple[int, int],
    irregularity: Float[Array, ""],
    *,
    key: PRNGKeyArray,
) -> Threads:
    """Return the threads that are counted along an axis, and so run along the other one."""
    wide, astray, bright, fibers = jax.random.split(key, 4)
    shape, count = (place.shape[1], place.shape[2]), counts[axis]
    number = jnp.floor(place[axis]).astype(jnp.int32)
    aside = place[axis] - number - 0.5
    number = number % count
    # Threads vary along their way over some crossings.
    pixel, length = jnp.indices(shape)[1 - axis], shape[1 - axis]
    way = 3.0 * length / counts[1 - axis]
    width = _slubs(count, length, way, key=wide)[number, pixel]
    shift = _slubs(count, length, way, key=astray)[number, pixel]
    shade = _slubs(count, length, way, key=bright)[number, pixel]
    fiber = _fibers(shape, axis, key=fibers)
    return Threads(
        number=number,
        aside=aside - 0.2 * ASTRAY * irregularity * shift,
        half=WIDTH / 2 * jnp.clip(1 + WIDER * irregularity * width, 0.6, 1.25),
        along=place[1 - axis],
        gray=GRAYS[1 - axis] * (1 + BRIGHTER * irregularity * shade) + FIBER * fiber,
    )


def _slubs(count: int, length: int, way: float, *, key: PRNGKeyArray) -> Float[Array, "n m"]:
    """Return one smooth periodic line per thread, half of it constant, of unit variance."""
    constant, varying = jax.random.split(key)
    frequency = np.fft.rfftfreq(length) * way
    keep = jnp.asarray(np.exp(-((np.pi * frequency) ** 2) / 2), jnp.float32).at[0].set(0)
    noise = jnp.fft.irfft(
        keep * jnp.fft.rfft(jax.random.normal(varying, (count, length))), n=length
    )
    noise = noise / jnp.maximum(jnp.std(noise), 1e-6)
    return (jax.random.normal(constant, (count, 1)) + noise) / math.sqrt(2)


def _fibers(shape: tuple[int, int], axis: int, *, key: PRNGKeyArray) -> Float[Array, "h w"]:
    """Return fine streaks along the threads that are counted along an axis."""
    k = wavenumbers(shape)
    across, along = k[axis], LONG * k[1 - axis]
    return normal_field((across**2 + along**2 + 0.5) ** -1.5, shape, key=key)


def _bent(
    threads: Threads, side: Callable[[Int[Array, "h w"]], Float[Array, "h w"]]
) -> Float[Array, "h w"]:
    """Return the height of the threads' middle, between the crossings before and behind."""
    way = threads.along - 0.5
    before = jnp.floor(way).astype(jnp.int32)
    share = way - before
    share = share**2 * (3 - 2 * share)
    return (1 - share) * side(before) + share * side(before + 1)


def _seen(
    warp: Threads,
    weft: Threads,
    bent: tuple[Float[Array, "h w"], Float[Array, "h w"]],
    distance: Float[Array, "2"],
) -> Float[Array, "h w"]:
    """Return the grays of what is on top: a thread down, a thread across, or what is below."""
    heights, grays, covers = [], [], []
    for threads, middle, pixels in zip((warp, weft), bent, distance[::-1], strict=True):
        off = jnp.clip(threads.aside / threads.half, -1, 1)
        round_ = jnp.sqrt(1 - off**2)
        heights.append(middle + round_)
        # Light from the upper left on a cylinder; what lies low is in the shadow of its neighbors.
        lit = (0.45 + 0.55 * round_ - 0.18 * off) * (0.7 + 0.3 * middle)
        grays.append(threads.gray * lit)
        covers.append(jnp.clip((threads.half - jnp.abs(threads.aside)) * pixels + 0.5, 0, 1))
    first = jax.nn.sigmoid((heights[0] - heights[1]) / SHARP)
    below = [
        cover * gray + (1 - cover) * GAP_GRAY for cover, gray in zip(covers, grays, strict=True)
    ]
    on_warp = covers[0] * grays[0] + (1 - covers[0]) * below[1]
    on_weft = covers[1] * grays[1] + (1 - covers[1]) * below[0]
    return first * on_warp + (1 - first) * on_weft
