"""Reaction and diffusion: worms and spots that two substances settle into, in colors of both.

The texture of one wavelength and no direction. `_gray_scott` lets the substances settle; the
pattern is colored by a small table of colors, whose one side is one substance and whose other side
is what the second substance has to say beyond the first.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from synth.processes._color import along, mix, palette, to_srgb
from synth.processes._gray_scott import settled

# From little to much of the second substance; rows: the first one lags, agrees, is ahead.
COLORS = (
    palette("14213d", "1f5f74", "7cc0a4", "f4f1de"),
    palette("1b1b3a", "693668", "e07a5f", "f6d89a"),
    palette("2d0f2e", "8c1c4b", "d1495b", "edae49"),
)


def reaction_diffusion(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    wavelength: float = 12.0,
    feed: float = 0.038,
    kill: float = 0.0615,
    age: float = 10000.0,
) -> Float[Array, "3 h w"]:
    """Return a pattern of the Gray-Scott equation in colors of both substances.

    ∂u/∂t = D_u Δu - u v² + F (1 - u),  ∂v/∂t = D_v Δv + u v² - (F + k) v, from a random start.
    The color is read off a table, at v in one direction and at u less its regression on v in the
    other: gray alone does not tell it.

    Args:
        shape: height and width in pixels, any size from 16; on a torus that is narrower than a
            wavelength there may be no pattern.
        key: random key; it chooses the beginning.
        wavelength: distance of neighboring worms or spots in pixels; good values 8 to 24, and at
            most a twentieth of the side, so that a picture holds many independent places.
        feed: F, the rate at which the first substance is fed; with `kill` it chooses the pattern:
            worms and few spots at (0.038, 0.0615), labyrinth at (0.037, 0.06), spots at (0.035,
            0.0635), and at many other pairs nothing at all.
        kill: k, the rate at which the second substance is taken away beyond the feed.
        age: time from the start in units of the equation; worms have filled the plane at 2000,
            and change little after 10000.

    Returns:
        Red, green and blue (sRGB, encoded), shape (3, height, width), between 0 and 1.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> import jax
        >>> reaction_diffusion((32, 48), key=jax.random.key(0), age=100.0).shape
        (3, 32, 48)

    Source: Pearson (1993), Complex patterns in a simple system, Science 261, 189-192.
    """
    return _color(settled(shape, key=key, wavelength=wavelength, feed=feed, kill=kill, age=age))


@eqx.filter_jit
def _color(substances: Float[Array, "2 h w"]) -> Float[Array, "3 h w"]:
    """Return the colors of a table at two coordinates of variance one, without correlation."""
    first, second = (field - jnp.mean(field) for field in substances)
    spread = jnp.maximum(jnp.std(second), 1e-4)
    ahead = first - second * jnp.mean(first * second) / spread**2
    much, ahead = second / spread, ahead / jnp.maximum(jnp.std(ahead), 1e-5)
    little, usual, more = (along(colors, 0.5 + much / 3.2) for colors in COLORS)
    side = jnp.clip(ahead / 2, -1, 1)
    mixed = mix(mix(usual, little, jnp.maximum(-side, 0)), more, jnp.maximum(side, 0))
    return jnp.moveaxis(to_srgb(mixed), -1, 0)
