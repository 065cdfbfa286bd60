"""A multifractal cascade: bright where many independent causes, from coarse to fine, agree.

The texture of intermittency without edges. The exponential of a log-correlated Gaussian field is
the continuous form of multiplying independent weights from octave to octave; a fractional
integration turns the measure into a rough cloud. `_grid` supplies the Gaussian field.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from synth.processes._check import check_positive, check_shape, check_within
from synth.processes._grid import gaussian_spectrum, wavenumbers


def cascade(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    intermittency: float = 0.2,
    smoothness: float = 0.7,
    outer: float = 48.0,
) -> Float[Array, "h w"]:
    """Return a log-normal multifractal cascade, positive and of mean one.

    m = exp(X - Var X / 2),  S_X(k) = 2π λ² / (|k|² + k_o²),  so that Cov X(r) ≈ λ² ln(outer / r);
    with smoothness H > 0 the field is m integrated fractionally, m̂ (1 + |k|² / k_o²)^(-H/2).

    Args:
        shape: height and width in pixels, any size from 16.
        key: random key.
        intermittency: λ², the logarithmic slope of the covariance of ln m. Below 0.02 the field
            is nearly Gaussian; above 0.5 a picture is a few white pixels on black; good values
            0.05 to 0.3.
        smoothness: H; 0 is the cascade itself, whose gray levels suit a logarithm better than a
            screen; 0.7 looks like a nebula and fills the grays; good values 0.3 to 1.
        outer: outer scale in pixels, beyond which places do not know of each other; a fifth of
            the picture or less leaves room for several independent clouds.

    Returns:
        The field, shape (height, width), in units of its expected value.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> import jax
        >>> bool(jnp.all(cascade((16, 24), key=jax.random.key(0)) > 0))
        True

    Source: Rhodes & Vargas (2014), Gaussian multiplicative chaos and applications: a review,
        Probab. Surv. 11, section 2; the fractional integration is that of Schertzer & Lovejoy
        (1987), J. Geophys. Res. 92, 9693-9714.
    """
    height, width = check_shape(shape)
    check_positive(intermittency=intermittency, outer=outer)
    # At λ² = 4, twice the dimension, the measure of the continuum degenerates to zero.
    check_within(0.0, 4.0, intermittency=intermittency)
    check_within(0.0, 2.0, smoothness=smoothness)
    spectrum = log_spectrum((height, width), intermittency, outer)
    amplitude = jnp.asarray(np.sqrt(spectrum), jnp.float32)
    logarithm = gaussian_spectrum(amplitude, (height, width), key=key)
    gaussian = jnp.fft.irfft2(logarithm, s=(height, width))
    measure = jnp.exp(gaussian - log_variance((height, width), intermittency, outer) / 2)
    return measure if smoothness == 0 else _integrate(measure, smoothness, outer)


def log_spectrum(
    shape: tuple[int, int], intermittency: float, outer: float
) -> Float[np.ndarray, "m k"]:
    """Return the power spectrum of the cascade's logarithm on the half spectrum.

    S(k) = 2π λ² / (|k|² + k_o²),  k_o = 2π / outer; the inverse Fourier transform in the plane
    is λ² times a Bessel function, and λ² ln(1/r) between the pixel and the outer scale.

    Args:
        shape: height and width in pixels.
        intermittency: λ².
        outer: outer scale in pixels.

    Returns:
        S, per mode, in square pixels.
    """
    ky, kx = wavenumbers(shape)
    return 2 * np.pi * intermittency / (ky**2 + kx**2 + (2 * np.pi / outer) ** 2)


def log_variance(shape: tuple[int, int], intermittency: float, outer: float) -> float:
    """Return the variance of the cascade's logarithm, summed over the modes of the torus.

    Var X = Σ_k S(k) / (height · width).

    Args:
        shape: height and width in pixels.
        intermittency: λ².
        outer: outer scale in pixels.

    Returns:
        The variance.

    Example:
        >>> round(log_variance((256, 256), 0.1, 128.0), 2)
        0.43
    """
    spectrum = log_spectrum(shape, intermittency, outer)
    # A half spectrum holds the columns 0 and, in even widths, the last once, all others twice.
    once = spectrum[:, 0].sum() + (spectrum[:, -1].sum() if shape[1] % 2 == 0 else 0.0)
    return float((2 * spectrum.sum() - once) / (shape[0] * shape[1]))


def _integrate(measure: Float[Array, "h w"], order: float, outer: float) -> Float[Array, "h w"]:
    """Integrate fractionally; the gain is one at k = 0, so that the mean stays one."""
    height, width = measure.shape
    ky, kx = wavenumbers((height, width))
    gain = (1 + (ky**2 + kx**2) * (outer / (2 * np.pi)) ** 2) ** (-order / 2)
    return jnp.fft.irfft2(
        jnp.asarray(gain, jnp.float32) * jnp.fft.rfft2(measure), s=(height, width)
    )
