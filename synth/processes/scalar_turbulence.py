"""Two-dimensional turbulence and what it stirs: a vorticity and a passive scalar, two channels.

The texture of two fields in different units that share their filaments, though not their values.
The flow is that of `turbulence`; the scalar, a temperature or a dye, is carried along a mean
gradient, from which the eddies draw tongues of both signs.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from synth.processes._check import check_positive, check_shape
from synth.processes._grid import resample
from synth.processes._vorticity import Vorticity
from synth.processes.turbulence import beginning_of, evolve, initial_amplitude


class Stirring(eqx.Module):
    """The equation of a vorticity and of a scalar on a mean gradient down the picture.

    ∂ω/∂t + u·∇ω = -ν (-Δ)^p ω,  ∂θ/∂t + u·∇θ = -κ (-Δ)^p θ - v,  with v the y component of u:
    the whole scalar is y + θ, of gradient one.
    """

    flow: Vorticity
    linear: Float[Array, "2 m k"]

    def nonlinear(self, state: Complex[Array, "2 m k"], /) -> Complex[Array, "2 m k"]:
        """Return the advection of both, and of the mean gradient."""
        vorticity, scalar = state
        velocity = self.flow.velocity(vorticity)
        along_gradient = self.flow.velocity_spectrum(vorticity)[1]
        return jnp.stack(
            [
                self.flow.advected(vorticity, velocity),
                self.flow.advected(scalar, velocity) - along_gradient,
            ]
        )

    def stable_step(self, state: Complex[Array, "2 m k"], courant: float) -> Float[Array, ""]:
        """Return the time in which nothing moves further than `courant` pixels."""
        return self.flow.stable_step(state[0], courant)


def scalar_turbulence(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    wavelength: float = 36.0,
    age: float = 30.0,
    viscosity: float = 3.0,
    diffusivity: float = 6.0,
    order: int = 4,
) -> Float[Array, "2 h w"]:
    """Return the vorticity of two-dimensional turbulence and a scalar that it stirs.

    ∂ω/∂t + u·∇ω = -ν (-Δ)^p ω,  ∂θ/∂t + u·∇θ = -κ (-Δ)^p θ - v, on the torus, from a Gaussian
    vorticity of unit variance and θ = 0. Mirrored left to right the process is itself with -ω, so
    that ω and θ have no correlation at any one place.

    Args:
        shape: height and width in pixels, any size from 16; odd and rectangular ones too.
        key: random key; it chooses the initial vorticity, and everything follows from it.
        wavelength: dominant wavelength of the initial vorticity in pixels; good values 24 to 64.
        age: time in units of the inverse of the initial rms vorticity; below 10 the scalar is
            blobs, later it is wound up in sheets and even inside vortices; good values 20 to 60.
        viscosity: damping rate of the vorticity's finest mode, ν π^2p, in units of the initial
            rms vorticity; good values 3 to 30.
        diffusivity: damping rate of the scalar's finest mode, κ π^2p, in the same units; good
            values 3 to 100.
        order: p, the power of the Laplacian in both; good values 3 to 6.

    Returns:
        Two channels, shape (2, height, width): the vorticity in units of its standard deviation,
        and the scalar's departure from its mean gradient, in units of that gradient times the
        wavelength: 1 came from one wavelength away. Both have mean zero.

    Raises:
        InputError: the shape is too small or a number is not positive.

    Example:
        >>> import jax
        >>> scalar_turbulence((16, 24), key=jax.random.key(0), age=1.0).shape
        (2, 16, 24)

    Source: McWilliams (1984), J. Fluid Mech. 146, 21-43 (the flow); Holzer & Siggia (1994),
        Turbulent mixing of a passive scalar, Phys. Fluids 6, 1820-1837 (a mean gradient in two
        dimensions).
    """
    height, width = check_shape(shape)
    check_positive(wavelength=wavelength, age=age, viscosity=viscosity, order=order)
    check_positive(diffusivity=diffusivity)
    flow = Vorticity.on_torus((height, width), viscosity=viscosity, order=order)
    linear = jnp.stack([flow.linear, flow.linear * (diffusivity / viscosity)])
    amplitude = initial_amplitude(flow, wavelength)
    ends = (jnp.float32(age), jnp.float32(wavelength))
    return _stir(Stirring(flow, linear), amplitude, ends, (height, width), key=key)


@eqx.filter_jit
def _stir(
    equation: Stirring,
    amplitude: Float[Array, "m k"],
    ends: tuple[Float[Array, ""], Float[Array, ""]],
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
) -> Float[Array, "2 h w"]:
    """Draw the beginning, roll it out to an age, return the end in its units."""
    age, wavelength = ends
    vorticity = beginning_of(equation.flow, amplitude, key=key)
    beginning = jnp.stack([vorticity, jnp.zeros_like(vorticity)])
    end = evolve(equation, beginning, age)
    vorticity, scalar = (resample(field, equation.flow.samples, shape) for field in end)
    return jnp.stack([vorticity / jnp.std(vorticity), scalar / wavelength])
