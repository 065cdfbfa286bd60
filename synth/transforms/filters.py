"""Wavelet filter banks in the Fourier domain: what the cascade multiplies spectra with.

A bank belongs to one grid shape. Every wavelet is stored on a window of the Fourier square
that holds its band: the modulus does not see a shift of frequency, so the inverse FFT of
the window alone samples |x⋆ψ| on a coarser grid, whatever the size of the picture. Maps of
the first layer are transformed once more, so their windows are wider than those of the
second layer, of which only averages are taken.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from synth.errors import InputError
from synth.transforms.kernels import EXACTLY, Kernels, kernels_of
from synth.transforms.responses import Response, response_of
from synth.transforms.wavelets import (
    SIGMA,
    XI,
    Patch,
    center_of,
    corner_of,
    cut,
    gaussian,
    mean_energy,
    morlet,
    sum_on,
    window_of,
)

__all__ = [
    "EXACT",
    "MAPS",
    "SIGMA",
    "XI",
    "Band",
    "FilterBank",
    "half_of",
    "max_scales",
    "morlet_bank",
    "num_points",
    "shared_scales",
]

EXACT = 99
"""An ``oversampling`` at which no map is subsampled, whatever the size of the picture."""

MAPS = -1
"""An ``oversampling`` for ``scatter_local``: narrower windows, if there are 4 angles or more; its
maps are right to 2 %, of 2 angles, as by default, to 3 %."""

_LEAST_SUM = 0.5  # where the Littlewood–Paley sum is smaller, the residual band completes it
_MOST_ANGLES = 64
_ROUGHLY = 2e-3  # right is the low-pass of maps, as a share of its maximum
_ANGLES_OF_MAPS = 4  # wavelets of fewer are too wide for narrower windows, and one for any window
_LEAN = 0.8  # windows lean to low frequencies, where most fields have their energy


class Band(eqx.Module):
    """Filters of one scale, each on its window of the centered Fourier square.

    Attributes:
        filters: transfer functions, real; one per angle.
        starts: lowest frequency of each window, rows first, in cycles per picture.
        box: height and width of the smallest centered box that holds all the windows.
    """

    filters: Float[Array, "l n m"]
    starts: Int[Array, "l 2"]
    box: tuple[int, int] = eqx.field(static=True)

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the window: the grid on which the band is sampled."""
        return self.filters.shape[-2:]  # pyright: ignore[reportReturnType]

    @property
    def grid_size(self) -> int:
        """Number of points of the grid."""
        return math.prod(self.grid)


class _Sampling(NamedTuple):
    """Samples per 2^j pixels, 2^J of the low-pass, and the fewest along an axis."""

    first: tuple[float, int] = (2.0, 96)
    second: tuple[float, int] = (1.125, 16)
    lowpass: tuple[float, int] = (4.0, 16)


_USUAL, _OF_MAPS = _Sampling(), _Sampling((1.5, 16), (1.0, 12), (3.0, 12))


class FilterBank(eqx.Module):
    """Morlet wavelets ψ_{j,l}, low-pass φ_J and residual band of one grid shape.

    Attributes:
        first: one band per scale j = 0 … J−1, sampled for the first layer.
        second: one band per scale j = 1 … J−1, sampled for the second layer.
        lowpass: the one filter φ_J.
        residual: the one high-pass filter that completes a tight bank, or None.
        shape: height and width of the pictures, pixels.
        tight: whether the Littlewood–Paley sum is 1 on the whole Fourier square.
        oversampling: windows are 2^oversampling times as wide as the default ones, or ``MAPS``.
        kernels: the low-pass as a sum of products, for local averages.
        responses: |ψ|² of every scale, for covariances; empty unless ``with_responses``.
    """

    first: tuple[Band, ...]
    second: tuple[Band, ...]
    lowpass: Band
    residual: Band | None
    shape: tuple[int, int] = eqx.field(static=True)
    tight: bool = eqx.field(static=True)
    oversampling: int = eqx.field(static=True)
    kernels: Kernels
    responses: tuple[Response, ...] = ()

    @property
    def num_scales(self) -> int:
        """Number of scales J."""
        return len(self.first)

    @property
    def num_angles(self) -> int:
        """Number of angles L in a half-turn."""
        return self.first[0].filters.shape[0]

    @property
    def num_points(self) -> int:
        """Number of points of the maps of both layers, |x⋆ψ₁| and ||x⋆ψ₁|⋆ψ₂|."""
        per_angle = sum(band.grid_size for band in self.first)
        pairs = sum(k * band.grid_size for k, band in enumerate(self.second, start=1))
        return self.num_angles * per_angle + self.num_angles**2 * pairs

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse fields of another shape.

        Raises:
            ValueError: if the bank was made for another shape.
        """
        if shape != self.shape:
            raise ValueError(
                f"The field is {shape} but the bank was made for {self.shape}: "
                f"make a bank with morlet_bank({shape})."
            )

    def on(self, shape: tuple[int, int]) -> "FilterBank":
        """The same wavelets for pictures of another shape.

        Args:
            shape: height and width of the pictures, pixels.

        Raises:
            InputError: if there are more scales than ``shared_scales`` of both shapes, so that
                the coarsest wavelets would meet other frequencies than those of the picture.
        """
        if shape == self.shape:
            return self
        most = shared_scales(self.shape, shape)
        if self.num_scales > most:
            raise InputError(
                f"The coarsest of {self.num_scales} scales sees other waves in {_size(shape)} "
                f"pixels than in {_size(self.shape)}: make the descriptor with scales={most}."
            )
        return self._remade(shape, self.oversampling)

    def halved(self) -> "FilterBank":
        """The same wavelets for pictures of half the height and width, see ``half_of``.

        Of even sides they are the same filters at every second frequency: a picture has the
        coefficients of one that it fills four times over, as far as the windows are alike. All
        scales stay, so that the coarsest wavelet may be longer than the picture.
        """
        return self._remade(half_of(self.shape), self.oversampling)

    def sampled(self, oversampling: int) -> "FilterBank":
        """The same filters on windows that are 2^oversampling times as wide as the default ones.

        At ``EXACT`` they are the whole square, and no map is subsampled; for ``MAPS`` see there.
        """
        if oversampling == self.oversampling:
            return self
        return self._remade(self.shape, oversampling)

    def with_responses(self) -> "FilterBank":
        """The bank with its ``responses``, so that covariances need not make them at each call."""
        if self.responses:
            return self
        bands = (self.first[0], *self.second)
        each = (response_of(b.filters, b.starts, b.box, self.shape) for b in bands)
        return replace(self, responses=tuple(each))

    def _remade(self, shape: tuple[int, int], oversampling: int) -> "FilterBank":
        sizes, dtype = (self.num_scales, self.num_angles), self.lowpass.filters.dtype
        bank = _bank(shape, *sizes, self.tight, oversampling, dtype)
        return bank.with_responses() if self.responses else bank


def half_of(shape: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a quadrant; the middle line of an odd side belongs to none.

    Args:
        shape: height and width of the whole, pixels.
    """
    height, width = (max(1, n // 2) for n in shape)
    return height, width


def max_scales(shape: tuple[int, int]) -> int:
    """Largest number of scales of a picture, ⌊log₂ min(h, w)⌋.

    Args:
        shape: height and width in pixels.

    Example:
        >>> max_scales((200, 300))
        7
    """
    return int(math.log2(min(shape)))


def shared_scales(*shapes: tuple[int, int]) -> int:
    """Largest number of scales whose wavelets see the same in fields of all of these shapes.

    That is ``max_scales`` of the smallest, or one less if the shapes differ: the wavelet that is
    as long as a field meets a single wave of it, and its rms differs up to 3-fold from one grid
    to another. At the next scale that is 1 % on average over angles.

    Args:
        shapes: heights and widths in pixels.

    Example:
        >>> shared_scales((256, 256)), shared_scales((256, 256), (1024, 512))
        (8, 7)
    """
    return max(1, min(map(max_scales, shapes)) - (len(set(shapes)) > 1))


def num_points(shape: tuple[int, int], num_scales: int, num_angles: int) -> int:
    """``FilterBank.num_points`` of a bank that is not made yet.

    Args:
        shape: height and width of the pictures, pixels.
        num_scales: J.
        num_angles: L.
    """
    first = sum(math.prod(window_of(shape, j, _USUAL.first, 0)) for j in range(num_scales))
    second = (j * math.prod(window_of(shape, j, _USUAL.second, 0)) for j in range(1, num_scales))
    return num_angles * first + num_angles**2 * sum(second)


def morlet_bank(
    shape: tuple[int, int],
    num_scales: int | None = None,
    num_angles: int = 8,
    *,
    tight: bool = True,
    oversampling: int = 0,
    dtype: DTypeLike = jnp.float32,
) -> FilterBank:
    """Bank of Morlet wavelets and a Gaussian low-pass filter.

    ψ̂_{j,l}(ω) = ĝ(2^j r_{−θ}ω − (ξ, 0)) − κ ĝ(2^j r_{−θ}ω), θ = πl/L, l = 0 a wave along a
    row, with ĝ(ω) = exp(−σ²(ω₁² + ω₂²/s²)/2), ξ = 3π/4, σ = 0.8, slant s = 4/L, κ such that
    the mean is zero, all periodized with period 2π;
    φ̂_J(ω) = exp(−(0.8·2^{J−1})² |ω|²/2). A tight bank is divided by √max(A, ½),
    A(ω) = |φ̂|² + ½ Σ (|ψ̂(ω)|² + |ψ̂(−ω)|²), and completed by a residual band
    √(1 − A′) that sees what the wavelets miss, mostly the corners.

    Args:
        shape: height and width of the pictures, pixels; any size from 2 on.
        num_scales: J, at most ``max_scales(shape)``, which is the default.
        num_angles: L, angles in a half-turn.
        tight: renormalize and complete; otherwise the plain Morlet bank.
        oversampling: 0 is fast (see ``DESIGN.md`` for its error); each unit doubles the
            sampling of the maps along both axes; ``EXACT`` does not subsample at all, ``MAPS``
            is fastest, for ``scatter_local``.
        dtype: of the filters.

    Returns:
        The bank.

    Raises:
        InputError: if ``num_scales`` or ``num_angles`` is out of range.

    Example:
        >>> morlet_bank((64, 96), num_angles=4).num_scales
        6

    Source:
        J. Bruna and S. Mallat, "Invariant scattering convolution networks", IEEE PAMI 35
        (2013), Sec. 2; M. Andreux et al., "Kymatio", JMLR 21 (2020), for the parameters.
    """
    num_scales = _check_sizes(shape, num_scales, num_angles)
    return _bank(shape, num_scales, num_angles, tight, oversampling, dtype)


def _bank(
    shape: tuple[int, int],
    num_scales: int,
    num_angles: int,
    tight: bool,
    oversampling: int,
    dtype: DTypeLike,
) -> FilterBank:
    """A bank of checked sizes, whose scales may be more than ``max_scales``."""
    if oversampling < MAPS:
        raise InputError(f"The oversampling {oversampling} is less than {MAPS}, the least.")
    sampling, doubled = _USUAL, max(oversampling, 0)
    if oversampling == MAPS and num_angles >= _ANGLES_OF_MAPS:
        sampling = _OF_MAPS
    if num_angles == 1:
        doubled = EXACT
    scales = range(num_scales)
    wavelets = [[morlet(shape, j, k, num_angles) for k in range(num_angles)] for j in scales]
    lowpass = gaussian(shape, num_scales)
    oriented = sum_on(shape, (Patch(v**2, corner) for row in wavelets for v, corner in row))
    total = mean_energy(lowpass**2, oriented)
    gain = 1 / np.sqrt(np.maximum(total, _LEAST_SUM)) if tight else np.ones(shape)
    residual = np.sqrt(np.maximum(0, 1 - total * gain**2))
    evened = [
        [Patch(v * cut(Patch(gain, (0, 0)), corner, v.shape), corner) for v, corner in row]
        for row in wavelets
    ]

    def band(j: int, density: tuple[float, int]) -> Band:
        centers = [center_of(shape, j, k, num_angles, _LEAN) for k in range(num_angles)]
        window = window_of(shape, j, density, doubled)
        return _band(evened[j], shape, centers=centers, window=window, dtype=dtype)

    def even(full: Float[np.ndarray, "h w"], window: tuple[int, int]) -> Band:
        return _band([Patch(full, (0, 0))], shape, centers=[(0.0, 0.0)], window=window, dtype=dtype)

    smooth = window_of(shape, num_scales, sampling.lowpass, doubled)
    averaging = cut(Patch(lowpass * gain, (0, 0)), corner_of(shape, (0.0, 0.0), smooth), smooth)
    tolerance = _ROUGHLY if oversampling == MAPS else EXACTLY
    return FilterBank(
        first=tuple(band(j, sampling.first) for j in scales),
        second=tuple(band(j, sampling.second) for j in scales[1:]),
        lowpass=even(lowpass * gain, smooth),
        kernels=kernels_of(averaging, tolerance=tolerance, dtype=dtype),
        residual=even(residual, shape) if tight else None,
        shape=shape,
        tight=tight,
        oversampling=oversampling,
    )


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[0]} × {shape[1]}"


def _check_sizes(shape: tuple[int, int], num_scales: int | None, num_angles: int) -> int:
    most = max_scales(shape)
    num_scales = most if num_scales is None else num_scales
    if not 1 <= num_scales <= most:
        raise InputError(
            f"{num_scales} scales do not fit a picture of {_size(shape)} pixels: choose "
            f"1 to {most} (log2 of the shorter side), or a larger picture."
        )
    if not 1 <= num_angles <= _MOST_ANGLES:
        raise InputError(
            f"{num_angles} angles were asked for: choose 1 to {_MOST_ANGLES}; 8 is usual."
        )
    return num_scales


def _band(
    filters: Sequence[Patch],
    shape: tuple[int, int],
    *,
    centers: Sequence[tuple[float, float]],
    window: tuple[int, int],
    dtype: DTypeLike,
) -> Band:
    """Windows around each center, of filters on the square of a shape."""
    corners = [corner_of(shape, center, window) for center in centers]
    values = [cut(filter_, at, window) for filter_, at in zip(filters, corners, strict=True)]
    starts = np.array(corners) - np.array(shape) // 2
    height, width = np.minimum(shape, 2 * np.maximum(-starts, starts + window).max(0))
    return Band(
        # Converted by JAX, each shape would be a program of its own.
        filters=jnp.asarray(np.stack(values).astype(dtype), dtype),
        starts=jnp.asarray(starts.astype(np.int32), jnp.int32),
        box=(int(height), int(width)),
    )
