"""Waves of one length, exponentiated: bright crests in groups on a dark, calm ground.

The texture of a narrow band that is not Gaussian: `_grid` draws the waves, the exponential makes
crests sharp and troughs flat, and their beats into patches of strong and of weak contrast.
"""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from synth.processes._check import check_shape, check_within
from synth.processes._grid import highest_one, normal_field, wavenumbers


def waves(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    wavelength: float = 16.0,
    bandwidth: float = 0.15,
    contrast: float = 0.8,
) -> Float[Array, "h w"]:
    """Return a log-normal field of waves of about one length, in all directions.

    x = exp(σ g - σ² / 2), with g a stationary Gaussian field of mean zero, variance one and
    spectrum ∝ exp(-(|k| - k_0)² / (2 b² k_0²)), k_0 = 2π / wavelength.

    Args:
        shape: height and width in pixels, any size from 16.
        key: random key.
        wavelength: mean length of the waves in pixels, at least 2; good values 6 to a tenth of
            the side.
        bandwidth: b, standard deviation of their wavenumbers over the mean, 0.01 to 1; good
            values 0.05 (crests keep their distance over many waves) to 0.3 (blobs of many sizes).
        contrast: σ, standard deviation of the logarithm, 0 to 4; good values 0.3 (nearly
            Gaussian) to 1.5 (rare bright crests).

    Returns:
        The field, shape (height, width), positive, of expected value 1 and expected variance
        exp(σ²) - 1.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> import jax
        >>> waves((16, 24), key=jax.random.key(0), wavelength=6.0).shape
        (16, 24)

    Source: Longuet-Higgins (1957), The statistical analysis of a random, moving surface, Phil.
        Trans. R. Soc. A 249, 321-387 (waves); Coles & Jones (1991), Mon. Not. R. Astron. Soc.
        248, 1-13 (the exponential of a Gaussian field).
    """
    height, width = check_shape(shape)
    check_within(2.0, 4096.0, wavelength=wavelength)
    check_within(0.01, 1.0, bandwidth=bandwidth)
    check_within(0.0, 4.0, contrast=contrast)
    field = normal_field(_ring((height, width), wavelength, bandwidth), (height, width), key=key)
    return jnp.exp(contrast * field - contrast**2 / 2)


def _ring(shape: tuple[int, int], wavelength: float, bandwidth: float) -> Float[np.ndarray, "m k"]:
    """Return the spectrum of the waves, up to a factor."""
    away = np.hypot(*wavenumbers(shape)) * wavelength / (2 * math.pi) - 1
    return highest_one(-0.5 * (away / bandwidth) ** 2)
