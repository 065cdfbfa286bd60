"""The Gray-Scott equation: two substances that settle into worms, labyrinths or spots.

`_runge_kutta` rolls the equation out on a grid as coarse as the pattern allows; the substances are
then sampled on the pixels. What they look like is up to the processes that call it.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int, PRNGKeyArray

from synth.processes._check import check_positive, check_shape, check_within
from synth.processes._grid import cloud, resized, wavenumbers
from synth.processes._runge_kutta import rk4_step
from synth.transforms.fourier import good_length

# Diffusivities of the two substances, in square units of length per unit of time, and the
# wavelength of the worms' pattern in these units of length.
DIFFUSION = (0.16, 0.08)
WAVELENGTH = 11.5
# Samples per wavelength, at which the pattern no longer depends on their number.
SAMPLES = 9
# The fastest reaction has a rate of 0.3; the scheme is stable up to 2.8 over that.
STEP = 4.0


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


def settled(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    wavelength: float,
    feed: float,
    kill: float,
    age: float,
) -> Float[Array, "2 h w"]:
    """Return both substances some time after a random start.

    Args:
        shape: height and width in pixels, any size from 16.
        key: random key; it chooses the beginning.
        wavelength: pixels to which `WAVELENGTH` units of length are stretched, 4 to 4096.
        feed: F, 0.01 to 0.08.
        kill: k, 0.04 to 0.07.
        age: time from the start in units of the equation.

    Returns:
        u and v, shape (2, height, width), both between 0 and about 1.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> pattern = {"wavelength": 12.0, "feed": 0.037, "kill": 0.06, "age": 100.0}
        >>> settled((32, 48), key=jax.random.key(0), **pattern).shape
        (2, 32, 48)

    Source: Pearson (1993), Complex patterns in a simple system, Science 261, 189-192.
    """
    height, width = check_shape(shape)
    check_positive(age=age)
    check_within(4.0, 4096.0, wavelength=wavelength)
    check_within(0.01, 0.08, feed=feed)
    check_within(0.04, 0.07, kill=kill)
    equation = on_torus((height, width), wavelength, feed, kill)
    return _settle(equation, jnp.int32(math.ceil(age / STEP)), (height, width), key=key)


def on_torus(shape: tuple[int, int], wavelength: float, feed: float, kill: float) -> GrayScott:
    """Return the equation on a grid of about as many samples per wavelength as it needs.

    Args:
        shape: height and width of the torus in pixels.
        wavelength: pixels to which `WAVELENGTH` units of length are stretched.
        feed: F.
        kill: k.

    Returns:
        The equation; times are in its own units.

    Example:
        >>> on_torus((24, 24), 12.0, 0.04, 0.06).samples
        (18, 18)
    """
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
) -> Float[Array, "2 h w"]:
    """Roll the equation out from smooth noise of about the pattern's scale."""

    def advance(_: Int[Array, ""], state: Complex[Array, "2 m k"]) -> Complex[Array, "2 m k"]:
        return rk4_step(equation, state, STEP)

    noise = cloud(equation.samples, float(SAMPLES), slope=8.0, key=key)
    second = 0.25 * jax.nn.sigmoid(4 * noise)
    beginning = jnp.fft.rfft2(jnp.stack([1 - 2 * second, second]))
    end = equation.to_grid(jax.lax.fori_loop(0, steps, advance, beginning))
    return resized(end, shape)
