"""Reaction and diffusion: worms and spots that two substances settle into, in colors of both.

The texture of one wavelength and no direction. `_runge_kutta` rolls the equation out on a grid as
coarse as the pattern allows; the pattern is then sampled on the pixels and colored by a small
table of colors, whose one side is one substance and whose other side is what the second substance
has to say beyond the first.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int, PRNGKeyArray

from synth.processes._check import check_positive, check_shape, check_within
from synth.processes._color import along, mix, palette, to_srgb
from synth.processes._grid import cloud, wavenumbers
from synth.processes._runge_kutta import rk4_step
from synth.transforms.fourier import good_length

# Diffusivities of the two substances, in square units of length per unit of time, and the
# wavelength of the default pattern in these units of length.
DIFFUSION = (0.16, 0.08)
WAVELENGTH = 11.5
# Samples per wavelength, at which the pattern no longer depends on their number.
SAMPLES = 9
# The fastest reaction has a rate of 0.3; the scheme is stable up to 2.8 over that.
STEP = 4.0
# From little to much of the second substance; rows: the first one lags, agrees, is ahead.
COLORS = (
    palette("14213d", "1f5f74", "7cc0a4", "f4f1de"),
    palette("1b1b3a", "693668", "e07a5f", "f6d89a"),
    palette("2d0f2e", "8c1c4b", "d1495b", "edae49"),
)


class GrayScott(eqx.Module):
    """The Gray-Scott equation on the modes of a sampling grid.

    ∂u/∂t = D_u Δu - u v² + F (1 - u),  ∂v/∂t = D_v Δv + u v² - (F + k) v.

    Source: Gray & Scott (1984), Chem. Eng. Sci. 39, 1087-1097; Pearson (1993), Complex patterns
        in a simple system, Science 261, 189-192.
    """

    linear: Float[Array, "2 m k"]
    feed: Float[Array, ""]
    samples: tuple[int, int] = eqx.field(static=True)

    def nonlinear(self, state: Complex[Array, "2 m k"], /) -> Complex[Array, "2 m k"]:
        """Return the reaction and the feed, per unit of time."""
        first, second = self.to_grid(state)
        reaction = jnp.fft.rfft2(first * second**2)
        feed = self.feed * math.prod(self.samples)
        return jnp.stack([-reaction, reaction]).at[0, 0, 0].add(feed)

    def to_grid(self, state: Complex[Array, "2 m k"]) -> Float[Array, "2 r c"]:
        """Return u and v on the sampling grid."""
        return jnp.fft.irfft2(state, s=self.samples)


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
        >>> reaction_diffusion((32, 48), key=jax.random.key(0), age=100.0).shape
        (3, 32, 48)

    Source: Pearson (1993), Complex patterns in a simple system, Science 261, 189-192.
    """
    height, width = check_shape(shape)
    check_positive(age=age)
    check_within(4.0, 4096.0, wavelength=wavelength)
    check_within(0.01, 0.08, feed=feed)
    check_within(0.04, 0.07, kill=kill)
    equation = _equation((height, width), wavelength, feed, kill)
    steps = jnp.int32(math.ceil(age / STEP))
    return _settle(equation, steps, (height, width), key=key)


def _equation(shape: tuple[int, int], wavelength: float, feed: float, kill: float) -> GrayScott:
    """Return the equation on a grid of about as many samples per wavelength as it needs."""
    rows, columns = (good_length(math.ceil(SAMPLES * side / wavelength)) for side in shape)
    ky, kx = wavenumbers(shape, samples=(rows, columns))
    square = (ky**2 + kx**2) * (wavelength / WAVELENGTH) ** 2
    linear = np.stack([-DIFFUSION[0] * square - feed, -DIFFUSION[1] * square - feed - kill])
    return GrayScott(jnp.asarray(linear, jnp.float32), jnp.float32(feed), (rows, columns))


@eqx.filter_jit
def _settle(
    equation: GrayScott,
    steps: Int[Array, ""],
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
) -> Float[Array, "3 h w"]:
    """Roll the equation out from smooth noise of about the pattern's scale."""

    def advance(_: Int[Array, ""], state: Complex[Array, "2 m k"]) -> Complex[Array, "2 m k"]:
        return rk4_step(equation, state, STEP)

    noise = cloud(equation.samples, float(SAMPLES), slope=8.0, key=key)
    second = 0.25 * jax.nn.sigmoid(4 * noise)
    beginning = jnp.fft.rfft2(jnp.stack([1 - 2 * second, second]))
    end = equation.to_grid(jax.lax.fori_loop(0, steps, advance, beginning))
    return jnp.moveaxis(to_srgb(_color(_resized(end, shape))), -1, 0)


def _resized(fields: Float[Array, "c r s"], shape: tuple[int, int]) -> Float[Array, "c h w"]:
    """Sample smooth fields on another number of rows and columns of the same torus."""
    for axis, side in ((1, shape[0]), (2, shape[1])):
        scale = side / fields.shape[axis]
        fields = scale * jnp.fft.irfft(jnp.fft.rfft(fields, axis=axis), n=side, axis=axis)
    return fields


def _color(substances: Float[Array, "2 h w"]) -> Float[Array, "h w 3"]:
    """Return the colors of a table at two coordinates of variance one, without correlation."""
    first, second = (field - jnp.mean(field) for field in substances)
    spread = jnp.maximum(jnp.std(second), 1e-4)
    ahead = first - second * jnp.mean(first * second) / spread**2
    much, ahead = second / spread, ahead / jnp.maximum(jnp.std(ahead), 1e-5)
    little, usual, more = (along(colors, 0.5 + much / 3.2) for colors in COLORS)
    side = jnp.clip(ahead / 2, -1, 1)
    return mix(mix(usual, little, jnp.maximum(-side, 0)), more, jnp.maximum(side, 0))
