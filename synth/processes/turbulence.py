"""Freely decaying two-dimensional turbulence: round vortices of both signs among thin filaments.

The reference texture of the project. A smooth random vorticity is left to itself for some tens
of turnover times under the equation in `_vorticity`, by the time scheme in `_runge_kutta`; this
module chooses the beginning, the length of the steps and the end.
"""

from typing import Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, PRNGKeyArray

from synth.processes._check import check_positive, check_shape
from synth.processes._grid import gaussian_spectrum, resample
from synth.processes._runge_kutta import SplitEquation, rk4_step
from synth.processes._vorticity import Vorticity

# RK4 is stable on the imaginary axis up to 2.83, and the fastest mode turns at π |u|: the bound
# is 0.90 pixels per step.
PIXELS_PER_STEP = 0.7

# The time that is left, and the half spectra.
Clock = tuple[Float[Array, ""], Complex[Array, "*n m k"]]


@runtime_checkable
class Flow(SplitEquation, Protocol):
    """An equation of something that flows, and knows how long a step may be."""

    def stable_step(self, state: Complex[Array, "*n m k"], courant: float, /) -> Float[Array, ""]:
        """Return the time in which nothing moves further than `courant` pixels."""
        ...


def turbulence(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    wavelength: float = 48.0,
    age: float = 40.0,
    viscosity: float = 3.0,
    order: int = 4,
) -> Float[Array, "h w"]:
    """Return the vorticity of developed two-dimensional turbulence, of zero mean and variance one.

    ∂ω/∂t + u·∇ω = -ν (-Δ)^p ω on the torus, from a Gaussian vorticity of unit variance at t = 0.

    Args:
        shape: height and width in pixels, any size from 16; odd and rectangular ones too.
        key: random key; it chooses the initial vorticity.
        wavelength: dominant wavelength of the initial vorticity in pixels, which sets the size
            and the number of the vortices; good values 24 to 64.
        age: time in units of the inverse of the initial rms vorticity; below 10 the filaments
            have not formed, after 100 few vortices are left; good values 20 to 60.
        viscosity: damping rate of the finest mode, ν π^2p, in units of the initial rms
            vorticity; less grows speckle at the pixel scale, more blurs the filaments; good
            values 3 to 30.
        order: p, the power of the Laplacian; 1 and 2 blur the filaments, 8 grows speckle; good
            values 3 to 6.

    Returns:
        The vorticity, shape (height, width), in units of its standard deviation.

    Raises:
        InputError: the shape is too small or a number is not positive.

    Example:
        >>> turbulence((16, 24), key=jax.random.key(0), age=1.0).shape
        (16, 24)

    Source: McWilliams (1984), The emergence of isolated coherent vortices in turbulent flow,
        J. Fluid Mech. 146, 21-43, whose experiment this repeats with a narrower initial band.
    """
    height, width = check_shape(shape)
    check_positive(wavelength=wavelength, age=age, viscosity=viscosity, order=order)
    equation = Vorticity.on_torus((height, width), viscosity=viscosity, order=order)
    amplitude = initial_amplitude(equation, wavelength)
    return _develop(equation, amplitude, jnp.float32(age), (height, width), key=key)


def initial_amplitude(equation: Vorticity, wavelength: float) -> Float[Array, "m k"]:
    """Return the amplitude of a vorticity whose energy is peaked at one wavelength.

    E(k) ∝ k^6 / (k + 2 k₀)^18 has its maximum at k₀ = 2π / wavelength; in the plane
    |ω̂|² ∝ k² E(k) / k.

    Args:
        equation: whose modes they are.
        wavelength: of the maximum, in pixels.

    Returns:
        The amplitude of each mode, up to a factor; zero beyond the resolved ones.

    Example:
        >>> equation = Vorticity.on_torus((16, 16), viscosity=3.0, order=2)
        >>> initial_amplitude(equation, 8.0).shape
        (24, 13)
    """
    peak = 2 * np.pi / wavelength
    k = np.hypot(np.asarray(equation.ky), np.asarray(equation.kx)) / peak
    amplitude = np.sqrt(k**7 / ((k + 2) / 3) ** 18)
    return equation.resolved * jnp.asarray(amplitude, jnp.float32)


@eqx.filter_jit
def _develop(
    equation: Vorticity,
    amplitude: Float[Array, "m k"],
    age: Float[Array, ""],
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
) -> Float[Array, "h w"]:
    """Draw the beginning, at unit variance; roll it out; return the end, at unit variance."""
    end = evolve(equation, beginning_of(equation, amplitude, key=key), age)
    vorticity = resample(end, equation.samples, shape)
    return vorticity / jnp.std(vorticity)


def beginning_of(
    equation: Vorticity, amplitude: Float[Array, "m k"], *, key: PRNGKeyArray
) -> Complex[Array, "m k"]:
    """Draw a Gaussian vorticity.

    Args:
        equation: whose modes they are.
        amplitude: of each mode, up to a factor.
        key: random key.

    Returns:
        The half spectrum of a vorticity of variance one.

    Example:
        >>> equation = Vorticity.on_torus((16, 16), viscosity=3.0, order=2)
        >>> beginning_of(equation, equation.resolved, key=jax.random.key(0)).shape
        (24, 13)
    """
    drawn = gaussian_spectrum(amplitude, equation.samples, key=key)
    rms = jnp.std(jnp.fft.irfft2(drawn, s=equation.samples))
    return drawn / rms


def evolve(
    equation: Flow, beginning: Complex[Array, "*n m k"], age: Float[Array, ""]
) -> Complex[Array, "*n m k"]:
    """Roll an equation out to an age, each step as long as stability allows.

    Args:
        equation: of the flow, and of what flows with it.
        beginning: half spectra at time zero.
        age: time of the end.

    Returns:
        Half spectra at the end.

    Example:
        >>> equation = Vorticity.on_torus((16, 16), viscosity=3.0, order=2)
        >>> still = jnp.zeros((24, 13), jnp.complex64)
        >>> float(jnp.max(jnp.abs(evolve(equation, still, jnp.float32(1.0)))))
        0.0
    """

    def unfinished(state: Clock) -> Bool[Array, ""]:
        return state[0] > 0

    def advance(state: Clock) -> Clock:
        left, spectra = state
        dt = jnp.minimum(left, equation.stable_step(spectra, PIXELS_PER_STEP))
        return left - dt, rk4_step(equation, spectra, dt)

    return jax.lax.while_loop(unfinished, advance, (age, beginning))[1]
