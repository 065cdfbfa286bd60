"""The noise that a descent starts from."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

__all__ = ["Start", "StartNoise", "normal_levels", "skewed_spectrum"]

Start = Literal["skewed", "gaussian", "variable", "pixels"]
"""Noise that a descent starts from: a Gaussian sample of the target's radial spectrum whose gray
levels are as asymmetric as the target's, a Gaussian sample as it is, white noise in the variable
of the descent, or white noise in the pixels."""


class StartNoise(eqx.Module):
    """Which noise, for a compiled function, whose arguments are trees of arrays."""

    kind: Start = eqx.field(static=True)


def skewed_spectrum(
    sample: Complex[Array, "h w_"], levels: Float[Array, " n"], *, shape: tuple[int, int]
) -> Complex[Array, "h w_"]:
    """Spectrum of a field with that of a Gaussian sample, and the target's asymmetry.

    Args:
        sample: Fourier coefficients of a Gaussian sample on the half-plane of a real FFT.
        levels: the standardized target's gray levels in increasing order, as many as pixels.
        shape: of the field.

    Returns:
        The field's Fourier coefficients on the half-plane.
    """
    rank = jnp.argsort(jnp.argsort(jnp.fft.irfft2(sample, s=shape).ravel()))
    asymmetric = normal_levels(levels.size) + (levels + levels[::-1]) / 2
    phase = jnp.angle(jnp.fft.rfft2(asymmetric[rank].reshape(shape)))
    return jnp.abs(sample) * jnp.exp(1j * phase)


def normal_levels(count: int) -> Float[Array, " n"]:
    """Quantiles at (i + ½) / n of the normal law.

    The upper half is the lower one's mirror image: float32 has no numbers left between the last
    places of 4096² and 1.
    """
    low = jax.scipy.stats.norm.ppf((jnp.arange((count + 1) // 2) + 0.5) / count)
    return jnp.concatenate([low, -low[: count // 2][::-1]])
