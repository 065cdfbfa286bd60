"""The equation of two-dimensional turbulence, on the Fourier modes that a picture can show.

It stands between the initial vorticity and the time scheme (`_runge_kutta`), and knows neither.
Products are formed on a grid at least 3/2 finer than the picture: by the two-thirds rule every
mode up to the picture's own Nyquist wavenumber is then free of aliasing, and filaments reach
down to the pixel.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from synth.processes._grid import wavenumbers
from synth.transforms.fourier import good_length


class Vorticity(eqx.Module):
    """The Navier-Stokes equation for the vorticity of a flow in the plane.

    ∂ω/∂t + ∇·(u ω) = -ν (-Δ)^p ω,  u = (-∂ψ/∂y, ∂ψ/∂x),  Δψ = ω.

    Lengths are in pixels of the picture, time in units of the inverse of ω.

    Source: Canuto, Hussaini, Quarteroni & Zang (2007), Spectral Methods: Evolution to Complex
        Geometries, section 3.3 (vorticity form, de-aliasing).
    """

    ky: Float[Array, "m 1"]
    kx: Float[Array, "1 k"]
    linear: Float[Array, "m k"]
    resolved: Float[Array, "m k"]
    samples: tuple[int, int] = eqx.field(static=True)

    @classmethod
    def on_torus(cls, shape: tuple[int, int], *, viscosity: float, order: int) -> "Vorticity":
        """Build the equation on a torus.

        Args:
            shape: height and width in pixels.
            viscosity: ν π^(2p), the rate at which the finest mode is damped, per unit of time.
            order: p; 1 is a Newtonian fluid, more is hyperviscosity.

        Returns:
            The equation, on a sampling grid at least 3/2 as fine as the pixels.

        Example:
            >>> Vorticity.on_torus((64, 64), viscosity=10.0, order=2).samples
            (96, 96)
        """
        height, width = shape
        samples = (good_length(-(-3 * height // 2)), good_length(-(-3 * width // 2)))
        ky, kx = wavenumbers(shape, samples=samples)
        square = ky**2 + kx**2
        # A round cut treats all directions alike; it leaves out the ambiguous Nyquist modes.
        resolved = square < (0.9999 * np.pi) ** 2
        linear = -viscosity * resolved * (square / np.pi**2) ** order
        ky, kx, linear, resolved = (
            jnp.asarray(values, jnp.float32) for values in (ky, kx, linear, resolved)
        )
        return cls(ky, kx, linear, resolved, samples)

    def velocity(self, spectrum: Complex[Array, "m k"]) -> Float[Array, "2 r c"]:
        """Return the velocity that a vorticity induces.

        û = (-i k_y, i k_x) ψ̂,  ψ̂ = -ω̂ / |k|².

        Args:
            spectrum: ω̂.

        Returns:
            The x and y components on the sampling grid, in pixels per unit of time.
        """
        return self._to_grid(self.velocity_spectrum(spectrum))

    def velocity_spectrum(self, spectrum: Complex[Array, "m k"]) -> Complex[Array, "2 m k"]:
        """Return the half spectra û of the velocity that a vorticity induces.

        Args:
            spectrum: ω̂.

        Returns:
            The x and y components.
        """
        square = self.ky**2 + self.kx**2
        stream = -spectrum / jnp.where(square == 0, 1.0, square)
        return jnp.stack([-1j * self.ky * stream, 1j * self.kx * stream])

    def nonlinear(self, spectrum: Complex[Array, "m k"], /) -> Complex[Array, "m k"]:
        """Return the advection of the vorticity, -∇·(u ω), without aliasing.

        Args:
            spectrum: ω̂, zero outside the resolved modes.

        Returns:
            Its rate of change by advection, on the resolved modes.
        """
        return self.advected(spectrum, self.velocity(spectrum))

    def advected(
        self, spectrum: Complex[Array, "m k"], velocity: Float[Array, "2 r c"]
    ) -> Complex[Array, "m k"]:
        """Return how fast something changes that is carried by a velocity, -∇·(u c).

        Args:
            spectrum: ĉ, zero outside the resolved modes.
            velocity: u on the sampling grid, as `velocity` returns it.

        Returns:
            Its rate of change, on the resolved modes, without aliasing.
        """
        flux = jnp.fft.rfft2(velocity * self._to_grid(spectrum))
        return -1j * self.resolved * (self.kx * flux[0] + self.ky * flux[1])

    def stable_step(self, spectrum: Complex[Array, "m k"], courant: float) -> Float[Array, ""]:
        """Return the length of a time step at which nothing moves too far.

        Δt = courant / max |u|: in one step the fastest point moves `courant` pixels.

        Args:
            spectrum: ω̂.
            courant: pixels per step.

        Returns:
            Δt.
        """
        speed = jnp.sqrt(jnp.max(jnp.sum(self.velocity(spectrum) ** 2, axis=0)))
        return courant / jnp.maximum(speed, 1e-6)

    def _to_grid(self, spectrum: Complex[Array, "*n m k"]) -> Float[Array, "*n r c"]:
        return jnp.fft.irfft2(spectrum, s=self.samples)
