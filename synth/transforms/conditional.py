"""Gaussian fields that are known in part: spectra on other grids, and samples given some pixels.

What a picture misses is drawn by this, and so are the fields that a hole is filled from.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from synth.transforms.fourier import on_rings, radial_power

__all__ = ["LEAST_POWER", "are_deep", "conditional_sample", "power_on"]

LEAST_POWER = 1e-6
"""Of white noise with the field's variance: darker waves are not told apart in missing pixels."""

_ITERATIONS = 200  # of the conjugate gradient
_ACCURACY = (1e-3, 1e-2)  # relative residual at which it ends, preconditioned in deep holes


def power_on(
    power: Float[np.ndarray, "h w"],
    shape: tuple[int, int],
    *,
    smoothed: int = 1,
    least: float = 0.0,
) -> Float[np.ndarray, "a b"]:
    """A power spectrum at the frequencies of another grid.

    The mean of each ring of |ω| is interpolated in logarithms, constant beyond the lowest and
    the highest frequency; what a frequency has relative to its ring is interpolated linearly.
    That tapers the covariance of the given grid to 0 at lags as long as its sides.

    Args:
        power: in FFT order.
        shape: of the new grid.
        smoothed: frequencies along each axis over which the relative power is averaged.
        least: power that a lower one counts as, relative to the mean.

    Returns:
        Power per frequency in FFT order.
    """
    from scipy.ndimage import map_coordinates, uniform_filter

    floor = max(least, 1e-15) * power.mean()
    radius, mean = radial_power(power)
    mean = np.maximum(mean, floor)
    relative = power / on_rings(power.shape, radius, mean)
    relative[0, 0] = 1
    smooth = uniform_filter(relative, smoothed, mode="wrap")
    places = [np.arange(n) * m / n for n, m in zip(shape, power.shape, strict=True)]
    nearby = map_coordinates(smooth, np.meshgrid(*places, indexing="ij"), order=1, mode="grid-wrap")
    return np.maximum(nearby * on_rings(shape, radius, mean), floor)


def are_deep(holes: Bool[np.ndarray, "h w"]) -> bool:
    """Whether most pixels of holes have no known neighbor."""
    from scipy.ndimage import binary_erosion

    return 2 * int(np.sum(binary_erosion(holes))) > int(np.sum(holes))


def conditional_sample(
    field: Float[np.ndarray, "h w"],
    known: Bool[np.ndarray, "h w"],
    power: Float[np.ndarray, "h w"],
    noise: Float[np.ndarray, "h w"],
    *,
    deep: bool,
) -> Float[np.ndarray, "h w"]:
    """A Gaussian sample on the torus, given the pixels that are known.

    x = s + E(x − s | known pixels), s a free sample. The unknown pixels of the difference
    d = x − s minimize its energy Σ |d̂|² / P, by conjugate gradients that begin with the field
    as it is. In deep holes they are preconditioned by P, which is nearly the inverse there.

    Args:
        field: of mean 0; what it holds at unknown pixels is where the gradients begin.
        known: where it is known.
        power: P of the process, per frequency, in FFT order; positive.
        noise: white noise of the free sample; zeros give the conditional mean.
        deep: what ``are_deep`` says of the unknown pixels.

    Returns:
        The field with its unknown pixels drawn.

    Source:
        B. Galerne and A. Leclaire, "Texture inpainting using efficient Gaussian conditional
        simulation", SIAM J. Imaging Sci. 10 (2017), Sec. 2.
    """
    import scipy.fft as sf
    from scipy.sparse.linalg import LinearOperator, cg

    unknown = ~known
    count = np.count_nonzero(unknown)
    half = power[:, : power.shape[1] // 2 + 1]

    def filtered(pixels: np.ndarray, gain: np.ndarray) -> np.ndarray:
        spectrum: Any = sf.rfft2(pixels, workers=-1)
        back: Any = sf.irfft2(spectrum * gain, s=power.shape, workers=-1)
        return back[unknown]

    def operator(gain: np.ndarray) -> Any:  # noqa: ANN401 - scipy's type has no arguments
        def restricted(vector: np.ndarray) -> np.ndarray:
            pixels = np.zeros(power.shape)
            pixels[unknown] = vector.ravel()
            return filtered(pixels, gain)

        return LinearOperator((count, count), matvec=restricted, dtype=np.float64)  # pyright: ignore[reportCallIssue]

    free = np.fft.ifft2(np.fft.fft2(noise) * np.sqrt(power)).real
    wanted = -filtered(np.where(known, field - free, 0), 1 / half)
    begin = np.nan_to_num(field - free)[unknown]
    solution, _ = cg(
        operator(1 / half),
        wanted,
        x0=begin,
        rtol=_ACCURACY[deep],
        maxiter=_ITERATIONS,
        M=operator(half) if deep else None,
    )
    filled = field.copy()
    filled[unknown] = free[unknown] + solution
    return filled
