"""Bands of a spectrum: windows of the centered Fourier square and what is done with them.

A window of the spectrum, inverse transformed alone, samples x⋆ψ on a coarser grid, times a
wave that neither the modulus nor a covariance sees. Derivatives are written by hand where
automatic differentiation would pad and add full arrays; filters count as constant.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, Int

from synth.filters import Band

__all__ = [
    "add_window",
    "bandpass",
    "bandpasses",
    "centered_spectrum",
    "modulus",
    "resize",
    "window",
]


@jax.custom_jvp
def modulus(z: Complex[Array, "*p"]) -> Float[Array, "*p"]:
    """Modulus |z|, with the derivative 0 where z = 0.

    Args:
        z: complex numbers.

    Returns:
        Their absolute values, same shape.
    """
    return jnp.sqrt(z.real**2 + z.imag**2)


@modulus.defjvp
def _modulus_jvp(
    primals: tuple[Complex[Array, "*p"]], tangents: tuple[Complex[Array, "*p"]]
) -> tuple[Float[Array, "*p"], Float[Array, "*p"]]:
    (z,), (dz,) = primals, tangents
    radius = modulus(z)
    phase = z / jnp.where(radius > 0, radius, 1)
    return radius, phase.real * dz.real + phase.imag * dz.imag


def centered_spectrum(maps: Float[Array, "*p n m"]) -> Complex[Array, "*p n m"]:
    """Fourier coefficients, those of the mean at (n // 2, m // 2)."""
    n, m = maps.shape[-2:]
    if n % 2 or m % 2:
        return jnp.fft.fftshift(jnp.fft.fft2(maps, norm="forward"), axes=(-2, -1))
    # A checkerboard of signs shifts the spectrum by half its length, without a copy.
    signs = 1 - 2 * ((jnp.arange(n)[:, None] + jnp.arange(m)) % 2)
    return jnp.fft.fft2(maps * signs.astype(maps.dtype), norm="forward")


def resize(spectrum: Complex[Array, "*p n m"], grid: tuple[int, int]) -> Complex[Array, "*p a b"]:
    """Crop a centered spectrum, or pad it with zeros, to the frequencies of another grid."""
    edges = [(0, 0, 0)] * (spectrum.ndim - 2)
    for old, new in zip(spectrum.shape[-2:], grid, strict=True):
        before = new // 2 - old // 2
        edges.append((before, new - old - before, 0))
    return lax.pad(spectrum, jnp.zeros((), spectrum.dtype), edges)


def window(
    spectra: Complex[Array, "p n m"], start: Int[Array, "2"], grid: tuple[int, ...]
) -> Complex[Array, "p a b"]:
    """The part of centered spectra that begins at frequency ``start``."""
    return lax.dynamic_slice(spectra, _index(spectra, start), (spectra.shape[0], *grid))


def add_window(
    spectra: Complex[Array, "p n m"], part: Complex[Array, "p a b"], start: Int[Array, "2"]
) -> Complex[Array, "p n m"]:
    """Transpose of ``window``, added to ``spectra`` in place."""
    part = part + window(spectra, start, part.shape[-2:])
    return lax.dynamic_update_slice(spectra, part, _index(spectra, start))


def _index(spectra: Complex[Array, "p n m"], start: Int[Array, "2"]) -> tuple[Array, ...]:
    n, m = spectra.shape[-2:]
    return jnp.zeros((), start.dtype), start[0] + n // 2, start[1] + m // 2


def bandpass(
    spectra: Complex[Array, "p n m"], filter_: Float[Array, "a b"], start: Int[Array, "2"]
) -> Complex[Array, "p a b"]:
    """x⋆ψ on the grid of its window, times a wave that the modulus does not see."""
    return jnp.fft.ifft2(window(spectra, start, filter_.shape) * filter_, norm="forward")


@jax.custom_vjp
def bandpasses(spectrum: Complex[Array, "n m"], band: Band) -> Complex[Array, "l a b"]:
    """x⋆ψ_l for every angle of one band."""
    windows = lax.map(
        lambda one: window(spectrum[None], one[1], band.grid)[0] * one[0],
        (band.filters, band.starts),
    )
    return jnp.fft.ifft2(windows, norm="forward")


def _bandpasses_forward(
    spectrum: Complex[Array, "n m"], band: Band
) -> tuple[Complex[Array, "l a b"], tuple[Complex[Array, "n m"], Band]]:
    return bandpasses(spectrum, band), (spectrum, band)


def _bandpasses_backward(
    saved: tuple[Complex[Array, "n m"], Band], cotangent: Complex[Array, "l a b"]
) -> tuple[Complex[Array, "n m"], None]:
    spectrum, band = saved
    windows = jnp.fft.ifft2(cotangent, norm="forward") * band.filters

    def add(total: Complex[Array, "1 n m"], one: tuple[Array, Array]) -> tuple[Array, None]:
        return add_window(total, one[0][None], one[1]), None

    total, _ = lax.scan(add, jnp.zeros_like(spectrum[None]), (windows, band.starts))
    return total[0], None


bandpasses.defvjp(_bandpasses_forward, _bandpasses_backward)
