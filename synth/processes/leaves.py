"""Dead leaves in colors: autumn leaves of all sizes that lie on and hide each other.

The texture of occlusion: edges everywhere, each with one side in front. Leaves are laid from the
front to the back until nothing behind them is seen any more, which gives a field of the model
itself and not of an approach to it.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from synth.processes._check import check_shape, check_within
from synth.processes._color import along, lit, mix, palette, smooth, to_srgb

# From wine red over rust and gold to olive, and what leaves turn to at their ends.
AUTUMN = palette("5a1f1c", "8f2d1c", "b8501f", "cf7f2b", "dbae48", "b9a24b", "7d7a3a")
BROWN = palette("54341f")[0]
# Decay of the shadow that a leaf casts around it, in pixels, and its darkness at the leaf.
SHADOW = 3.0
DARKNESS = 0.5
# The widest leaf over the mean one, and the standard deviation of a midrib's bend.
WIDEST = 1.3
BEND = 0.12
# A pixel is done once this share of it, or less, is still open.
OPEN = 1e-3
# So many leaves are laid before the next look at whether all pixels are done.
BATCH = 32


class Leaf(eqx.Module):
    """One leaf; lengths are in pixels, angles in radians, the rest are shares."""

    center: Float[Array, "2"]
    angle: Float[Array, ""]
    half: Float[Array, ""]
    slender: Float[Array, ""]
    bend: Float[Array, ""]
    hue: Float[Array, ""]
    turned: Float[Array, ""]
    light: Float[Array, ""]


class Pile(eqx.Module):
    """What is seen of the leaves so far: color, what is still open, light that reaches it."""

    color: Float[Array, "h w 3"]
    open: Float[Array, "h w"]
    light: Float[Array, "h w"]


class Sizes(eqx.Module):
    """Longest half-length in pixels, shortest over longest, width over length."""

    half: Float[Array, ""]
    smallest: Float[Array, ""]
    slender: Float[Array, ""]


def leaves(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    length: float = 56.0,
    smallest: float = 0.3,
    slender: float = 0.45,
) -> Float[Array, "3 h w"]:
    """Return a dead-leaves picture: autumn leaves on top of each other, all over the plane.

    Leaves fall at the points of a Poisson process in the plane and in time; a pixel shows the
    last that fell on it. Half-lengths r have the density ∝ r^-3 between two bounds, at which the
    model looks alike at all scales between them.

    Args:
        shape: height and width in pixels, any size from 16; a leaf longer than the torus is cut
            where it would meet itself.
        key: random key; it chooses places, angles, sizes, forms and colors.
        length: length of the largest leaves in pixels; good values 24 to a quarter of the side.
        smallest: length of the smallest leaves, as a share of the largest; good values 0.15 to
            0.6, below which single leaves are too small to be made out.
        slender: mean width of a leaf, as a share of its length, 0.05 to 1; good values 0.3 for
            willows to 0.8 for aspens.

    Returns:
        Red, green and blue (sRGB, encoded), shape (3, height, width), between 0 and 1.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> leaves((16, 24), key=jax.random.key(0), length=12.0).shape
        (3, 16, 24)

    Source: Matheron (1968), Schéma booléen séquentiel de partition aléatoire (the model); Lee,
        Mumford & Huang (2001), Occlusion models for natural images, Int. J. Comput. Vis. 41,
        35-59 (the exponent); Kendall & Thönnes (1999), Perfect simulation in stochastic
        geometry, Pattern Recognit. 32, 1569-1586 (from the front to the back).
    """
    height, width = check_shape(shape)
    check_within(4.0, 4096.0, length=length)
    check_within(0.1, 1.0, smallest=smallest)
    check_within(0.05, 1.0, slender=slender)
    sizes = Sizes(jnp.float32(length / 2), jnp.float32(smallest), jnp.float32(slender))
    # One window holds any leaf at any angle, and its shadow.
    reach = max(1.0, WIDEST * slender + 3 * BEND)
    side = 2 * math.ceil(reach * length / 2 + 3 * SHADOW) + 1
    window = (min(side, height), min(side, width))
    return _lay((height, width), window, sizes, key=key)


@eqx.filter_jit
def _lay(
    shape: tuple[int, int], window: tuple[int, int], sizes: Sizes, *, key: PRNGKeyArray
) -> Float[Array, "3 h w"]:
    """Lay leaves until no pixel is open, in batches."""

    def unfinished(state: tuple[Int[Array, ""], Pile]) -> Bool[Array, ""]:
        return jnp.max(state[1].open) > OPEN

    def lay(number: Int[Array, ""], pile: Pile) -> Pile:
        leaf = _draw_leaf(shape, sizes, key=jax.random.fold_in(key, number))
        return _put_behind(pile, leaf, window)

    def batch(state: tuple[Int[Array, ""], Pile]) -> tuple[Int[Array, ""], Pile]:
        number, pile = state
        return number + BATCH, jax.lax.fori_loop(number, number + BATCH, lay, pile)

    empty = Pile(jnp.zeros((*shape, 3)), jnp.ones(shape), jnp.ones(shape))
    pile = jax.lax.while_loop(unfinished, batch, (jnp.int32(0), empty))[1]
    return jnp.moveaxis(to_srgb(pile.color / (1 - pile.open)[..., None]), -1, 0)


def _draw_leaf(shape: tuple[int, int], sizes: Sizes, *, key: PRNGKeyArray) -> Leaf:
    # One call for all numbers: within the loop every call costs time of its own.
    uniform = jax.random.uniform(key, (7,))
    gauss = jax.random.normal(jax.random.fold_in(key, 1), (3,))
    # The inverse of the distribution function of r^-3 between smallest and 1.
    ratio = (1 + uniform[0] * (sizes.smallest**-2 - 1)) ** -0.5
    return Leaf(
        center=uniform[1:3] * jnp.array(shape, jnp.float32),
        angle=2 * jnp.pi * uniform[3],
        half=sizes.half * ratio,
        slender=sizes.slender * (0.7 + (WIDEST - 0.7) * uniform[4]),
        bend=BEND * jnp.clip(gauss[0], -3, 3),
        hue=uniform[5],
        turned=0.6 * uniform[6] ** 2,
        light=jnp.exp(0.18 * gauss[1]),
    )


def _put_behind(pile: Pile, leaf: Leaf, window: tuple[int, int]) -> Pile:
    """Fill what is still open of the leaf's window with it, and darken what will be behind it."""
    shape = pile.open.shape
    corner = jnp.round(leaf.center).astype(jnp.int32) - jnp.array(window) // 2
    rows, columns = (corner[axis] + jnp.arange(window[axis]) for axis in (0, 1))
    place = jnp.ix_(rows % shape[0], columns % shape[1])
    y, x = rows - leaf.center[0], columns - leaf.center[1]
    ahead = jnp.cos(leaf.angle) * x + jnp.sin(leaf.angle) * y[:, None]
    aside = jnp.cos(leaf.angle) * y[:, None] - jnp.sin(leaf.angle) * x
    distance, color = _paint(leaf, ahead / leaf.half, aside / leaf.half)
    cover = jnp.clip(0.5 - distance, 0, 1)
    before, light = pile.open[place], pile.light[place]
    seen = (before * cover)[..., None] * lit(color, light)
    shadow = 1 - DARKNESS * jnp.exp(-jnp.maximum(distance, 0) / SHADOW)
    return Pile(
        pile.color.at[place].add(seen),
        pile.open.at[place].set(before * (1 - cover)),
        pile.light.at[place].set(jnp.maximum(light * shadow, 0.2)),
    )


def _paint(
    leaf: Leaf, ahead: Float[Array, "p q"], aside: Float[Array, "p q"]
) -> tuple[Float[Array, "p q"], Float[Array, "p q 3"]]:
    """Return the signed distance to a leaf's outline in pixels, and its color.

    The midrib runs along `ahead` from -1 to 1, bent aside; the outline is round at the base and
    pointed at the tip.
    """
    aside = aside - leaf.bend * (1 - ahead**2)
    within = jnp.clip(ahead, -1, 1)
    # The largest value of (1 + a)^0.6 (1 - a)^1.1 is 1.24.
    breadth = leaf.slender * (1 + within) ** 0.6 * (1 - within) ** 1.1 / 1.24
    beyond = jnp.abs(ahead) - jnp.abs(within)
    distance = (
        leaf.half
        * jnp.hypot(jnp.abs(aside) - breadth, beyond)
        * jnp.where((jnp.abs(aside) < breadth) & (beyond == 0), -0.85, 0.85)
    )
    return distance, _color(leaf, ahead, aside, distance)


def _color(
    leaf: Leaf,
    ahead: Float[Array, "p q"],
    aside: Float[Array, "p q"],
    distance: Float[Array, "p q"],
) -> Float[Array, "p q 3"]:
    """Return the colors of a leaf: hue from midrib to rim, browned tip, fold and veins."""
    rim = jnp.exp(jnp.minimum(distance, 0) / (0.12 * leaf.half))
    color = along(AUTUMN, leaf.hue + 0.10 * ahead - 0.12 * rim)
    browned = leaf.turned * smooth(0.3 + 0.5 * ahead + 0.4 * rim)
    color = mix(color, jnp.asarray(BROWN, jnp.float32), browned)
    # The two halves are folded along the midrib; light comes from the top of the picture.
    fold = 0.16 * jnp.cos(leaf.angle) * jnp.tanh(aside / 0.05)
    midrib = jnp.exp(-((leaf.half * aside / 0.8) ** 2))
    lateral = jnp.cos(2 * jnp.pi * 3.5 * (ahead - 0.7 * jnp.abs(aside))) ** 8
    veins = 0.35 * midrib + 0.12 * lateral
    return lit(color, leaf.light * (1 - fold) * (1 - 0.25 * rim) * (1 + veins))
