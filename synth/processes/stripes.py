"""Stripes with defects: a narrow band of waves along one direction, with dislocations in it.

The texture of order that is broken in places, as on a zebra or on blown sand. `_runge_kutta` rolls
the Swift-Hohenberg equation out from noise on a grid as coarse as the stripes allow; where two
stripes of the start meet one, an end is left that wanders slowly and meets its opposite late.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int, PRNGKeyArray

from synth.processes._check import check_positive, check_shape, check_within
from synth.processes._grid import highest_one, normal_field, resized, wavenumbers
from synth.processes._runge_kutta import rk4_step
from synth.transforms.fourier import good_length

# Growth rate of the stripes. A smaller one gives finer bands of waves and slower growth.
DRIVE = 0.3
# Samples per wavelength; the third harmonic, of a hundredth of the stripes, is resolved.
SAMPLES = 7
# The fastest rate is three times that of growth; the scheme is stable up to 2.8 over that.
STEP = 1.0
# The start is smooth noise of this standard deviation.
START = 0.1


class SwiftHohenberg(eqx.Module):
    """The Swift-Hohenberg equation with a preferred direction, on the modes of a grid.

    ∂u/∂t = r u - (1 + Δ)² u + a ∂_t² u - u³, lengths in units of wavelength / 2π and ∂_t the
    derivative along the stripes.

    Source: Swift & Hohenberg (1977), Hydrodynamic fluctuations at the convective instability,
        Phys. Rev. A 15, 319-328; Pesch & Kramer (1986), Z. Phys. B 63, 121-130 (a direction).
    """

    linear: Float[Array, "m k"]
    samples: tuple[int, int] = eqx.field(static=True)

    def nonlinear(self, state: Complex[Array, "m k"], /) -> Complex[Array, "m k"]:
        """Return growth and saturation, per unit of time."""
        # Growth stands here and not in the linear part: rounding errors in a half spectrum that
        # no real field has, which saturation cannot see, would grow without bound there.
        grid = jnp.fft.irfft2(state, s=self.samples)
        return jnp.fft.rfft2(DRIVE * grid - grid**3)


def stripes(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    wavelength: float = 12.0,
    angle: float = 20.0,
    order: float = 0.2,
    age: float = 60.0,
) -> Float[Array, "h w"]:
    """Return parallel stripes with dislocations, by the Swift-Hohenberg equation.

    ∂u/∂t = r u - (1 + Δ)² u + a ∂_t² u - u³ from a random start, with r = 0.3, lengths in units
    of wavelength / 2π, and ∂_t the derivative along the stripes.

    Args:
        shape: height and width in pixels, any size from 16; on a torus that is narrower than a
            wavelength there may be no stripes.
        key: random key; it chooses the start, and with it the places of the defects.
        wavelength: distance of neighboring stripes in pixels; good values 8 to 24, and at most
            a tenth of the side.
        angle: of the stripes, in degrees from a row, growing towards increasing row indices.
        order: a, how much the angle is preferred, 0 to 10: at 0 there is none, and stripes curve
            as in a fingerprint; good values 0.02 (they meander) to 1 (straight).
        age: time from the start in units of the equation; stripes have formed at 20, and the
            longer, the fewer defects: at 12 pixels and order 0.2, about 9 in 128² at 30, 3 at
            100, 2 at 300. Good values 30 to 200.

    Returns:
        The field, shape (height, width): about ±0.63 on the stripes, of expected mean zero.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> stripes((32, 48), key=jax.random.key(0), age=10.0).shape
        (32, 48)

    Source: Swift & Hohenberg (1977), Hydrodynamic fluctuations at the convective instability,
        Phys. Rev. A 15, 319-328.
    """
    height, width = check_shape(shape)
    check_positive(age=age)
    check_within(4.0, 4096.0, wavelength=wavelength)
    check_within(-360.0, 360.0, angle=angle)
    check_within(0.0, 10.0, order=order)
    equation = _equation((height, width), wavelength, angle, order)
    ky, kx = wavenumbers((height, width), samples=equation.samples)
    exponent = -0.5 * (ky**2 + kx**2) * (wavelength / (2 * math.pi)) ** 2
    start = START * normal_field(highest_one(exponent), equation.samples, key=key)
    return _settle(equation, start, jnp.int32(math.ceil(age / STEP)), (height, width))


def _equation(
    shape: tuple[int, int], wavelength: float, angle: float, order: float
) -> SwiftHohenberg:
    """Return the equation on a grid of about as many samples per wavelength as it needs."""
    rows, columns = (good_length(math.ceil(SAMPLES * side / wavelength)) for side in shape)
    unit = wavelength / (2 * math.pi)
    ky, kx = (unit * k for k in wavenumbers(shape, samples=(rows, columns)))
    along = math.sin(math.radians(angle)) * ky + math.cos(math.radians(angle)) * kx
    linear = -((1 - ky**2 - kx**2) ** 2) - order * along**2
    return SwiftHohenberg(jnp.asarray(linear, jnp.float32), (rows, columns))


@eqx.filter_jit
def _settle(
    equation: SwiftHohenberg,
    start: Float[Array, "m n"],
    steps: Int[Array, ""],
    shape: tuple[int, int],
) -> Float[Array, "h w"]:
    def advance(_: Int[Array, ""], state: Complex[Array, "m k"]) -> Complex[Array, "m k"]:
        return rk4_step(equation, state, STEP)

    end = jax.lax.fori_loop(0, steps, advance, jnp.fft.rfft2(start))
    return resized(jnp.fft.irfft2(end, s=equation.samples)[None], shape)[0]
