"""Half-spectrum arithmetic on a periodic picture, shared by the processes that live in Fourier.

Wavenumbers are in radians per pixel of the *picture*, whatever grid they are sampled on, so
that a length of 24 pixels means the same in a field of 64² and in one of 1024².
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, PRNGKeyArray


def wavenumbers(
    shape: tuple[int, int], *, samples: tuple[int, int] | None = None
) -> tuple[Float[np.ndarray, "m 1"], Float[np.ndarray, "1 k"]]:
    """Return the wavenumbers of a real field's half spectrum (`jnp.fft.rfft2`).

    k_y = 2π m / height, k_x = 2π n / width.

    Args:
        shape: height and width of the torus in pixels.
        samples: rows and columns it is sampled on; `shape` itself unless told.

    Returns:
        k_y as a column and k_x as a row, in radians per pixel; NumPy arrays in double precision,
        so that what is built from them once costs no compilation.

    Example:
        >>> ky, kx = wavenumbers((16, 16))
        >>> ky.shape, kx.shape
        ((16, 1), (1, 9))
    """
    rows, columns = samples or shape
    # One period is `shape` pixels, hence the sample spacing shape / samples.
    ky = 2 * np.pi * np.fft.fftfreq(rows, shape[0] / rows)
    kx = 2 * np.pi * np.fft.rfftfreq(columns, shape[1] / columns)
    return ky[:, None], kx[None, :]


def gaussian_spectrum(
    amplitude: Float[Array, "m k"], rows_columns: tuple[int, int], *, key: PRNGKeyArray
) -> Complex[Array, "m k"]:
    """Draw the half spectrum of a stationary Gaussian field.

    x̂(k) = a(k) ŵ(k), with w white noise of unit variance: the spectrum of x is a².

    Args:
        amplitude: a, on the half spectrum.
        rows_columns: rows and columns of the grid.
        key: random key.

    Returns:
        The half spectrum of the field.

    Example:
        >>> flat = gaussian_spectrum(jnp.ones((16, 9)), (16, 16), key=jax.random.key(0))
        >>> flat.shape
        (16, 9)
    """
    return amplitude * jnp.fft.rfft2(jax.random.normal(key, rows_columns))


def resample(
    spectrum: Complex[Array, "m k"], samples: tuple[int, int], shape: tuple[int, int]
) -> Float[Array, "h w"]:
    """Sample a band-limited field, given by its half spectrum on a finer grid, on its pixels.

    Args:
        spectrum: half spectrum on the finer grid, zero beyond the pixels' band.
        samples: rows and columns of the finer grid.
        shape: height and width of the picture in pixels.

    Returns:
        The field on its pixels.

    Example:
        >>> fine = jnp.fft.rfft2(jnp.ones((24, 24)))
        >>> float(resample(fine, (24, 24), (16, 16))[0, 0])
        1.0
    """
    height, width = shape
    top, bottom = (height + 1) // 2, height // 2
    rows = jnp.concatenate([spectrum[:top], spectrum[spectrum.shape[0] - bottom :]])
    scale = height * width / (samples[0] * samples[1])
    return jnp.fft.irfft2(scale * rows[:, : width // 2 + 1], s=shape)


def resized(fields: Float[Array, "c r s"], shape: tuple[int, int]) -> Float[Array, "c h w"]:
    """Sample smooth fields on another number of rows and columns of the same torus.

    Args:
        fields: channels first; what is finer than the pixels or the samples is left out.
        shape: height and width in pixels.

    Returns:
        The fields on the pixels.

    Example:
        >>> resized(jnp.ones((2, 18, 20)), (16, 24)).shape
        (2, 16, 24)
    """
    for axis, side in ((1, shape[0]), (2, shape[1])):
        scale = side / fields.shape[axis]
        fields = scale * jnp.fft.irfft(jnp.fft.rfft(fields, axis=axis), n=side, axis=axis)
    return fields


def cloud(
    shape: tuple[int, int],
    outer: float,
    *,
    slope: float,
    key: PRNGKeyArray,
) -> Float[Array, "h w"]:
    """Draw a stationary Gaussian field with a power law beyond an outer scale.

    S(k) ∝ (|k|² + k_o²)^(-slope / 2),  k_o = 2π / outer.

    Args:
        shape: height and width in pixels.
        outer: outer scale in pixels; what is coarser is as weak as at that scale.
        slope: how fast finer modes fall off; 2 is rough down to the pixel, 4 has fine grain, 6
            and more are smooth.
        key: random key.

    Returns:
        The field, of mean zero and expected variance one.

    Example:
        >>> cloud((16, 24), 8.0, slope=3.0, key=jax.random.key(0)).shape
        (16, 24)
    """
    ky, kx = wavenumbers(shape)
    spectrum = (ky**2 + kx**2 + (2 * np.pi / outer) ** 2) ** (-slope / 2)
    return normal_field(spectrum, shape, key=key)


def highest_one(exponent: Float[np.ndarray, "m k"]) -> Float[np.ndarray, "m k"]:
    """Return the spectrum exp(exponent) up to a factor, its highest mode 1, without the mean.

    On a small torus no mode may be near the peak: the nearest ones then have all the power.

    Args:
        exponent: of the modes of the half spectrum; that of the mean is not looked at.

    Returns:
        The spectrum, for `normal_field`.

    Example:
        >>> highest_one(np.array([[0.0, -2000.0]])).tolist()
        [[0.0, 1.0]]
    """
    exponent = exponent.copy()
    exponent[0, 0] = -np.inf
    return np.exp(exponent - exponent.max())


def normal_field(
    spectrum: Float[np.ndarray, "m k"], shape: tuple[int, int], *, key: PRNGKeyArray
) -> Float[Array, "h w"]:
    """Draw a stationary Gaussian field of a given power spectrum and of unit variance.

    Args:
        spectrum: power of the modes of the half spectrum, in any unit; that of the mean is not
            looked at.
        shape: height and width in pixels.
        key: random key.

    Returns:
        The field, of mean zero and expected variance one.

    Example:
        >>> normal_field(np.ones((16, 13)), (16, 24), key=jax.random.key(0)).shape
        (16, 24)
    """
    spectrum = spectrum.copy()
    spectrum[0, 0] = 0
    # A half spectrum holds the columns 0 and, in even widths, the last once, all others twice.
    once = spectrum[:, 0].sum() + (spectrum[:, -1].sum() if shape[1] % 2 == 0 else 0.0)
    variance = (2 * spectrum.sum() - once) / (shape[0] * shape[1])
    amplitude = jnp.asarray(np.sqrt(spectrum / variance), jnp.float32)
    return jnp.fft.irfft2(gaussian_spectrum(amplitude, shape, key=key), s=shape)
