"""The same coefficients of a picture that has borders and holes: averages over what is there.

A picture is a window on a stationary field. Every field that a wavelet ψ_k is applied to, the
picture or a modulus of it, is multiplied by a weight that fades out where the picture ends,
over a width in proportion to 2^k, and less its mean under that weight:

    y_k = w_k (y − ⟨y⟩_w),   |y_k⋆ψ_k|² ≈ c_k |y⋆ψ_k|²,   c_k = w_k² ⋆ |ψ_k|² / ‖ψ_k‖².

Averages are Σ √c |y_k⋆ψ_k| / Σ c for moduli and Σ (y_k⋆ψ_k)(z_k⋆ψ_k)* / Σ w v for products.
Where ψ_k is short, that is the average over the points that it reaches from inside; where it
is as long as the picture, it is the tapered periodogram. The target is measured once by this;
a texture lives on the torus, where all weights are 1 and the plain transforms apply.
"""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Complex, Float

from synth.transforms.between import Between, between_of
from synth.transforms.estimate import WIDEST_RAMP, ramp
from synth.transforms.filters import SIGMA, Band, FilterBank
from synth.transforms.products import combs_of_maps, combs_of_spectrum, products, times
from synth.transforms.rectified import Rectified, octave, rectified_of, rectified_waves
from synth.transforms.scattering import Scattering
from synth.transforms.spectra import Spectra, band_power, spectra_of
from synth.transforms.windows import (
    bandpass,
    bandpasses,
    centered_spectrum,
    modulus,
    right_half,
)

__all__ = [
    "Observation",
    "between_weighted",
    "rectified_weighted",
    "scatter_weighted",
    "spectra_weighted",
]

_RAMP = 4.0  # pixels per 2^k over which a border is faded out
_SHARPNESS = 2  # power of the share of pixels that are there
_LEAST = 1e-3  # coverage below which a modulus is not scaled up any further


class Observation(eqx.Module):
    """A field that is a window on a process, with what is there of it.

    Attributes:
        field: standardized; missing pixels are completed. One channel, or several.
        known: 1 where a pixel is there and 0 where it is missing.
        wraps: whether the rows' axis and the columns' axis are periodic.
    """

    field: Float[Array, "*c h w"]
    known: Float[Array, "h w"]
    wraps: Bool[Array, "2"]


def _elongation(bank: FilterBank) -> float:
    """Length of a wavelet's envelope along its crests, relative to that across them."""
    return max(1.0, bank.num_angles / 4)


def _window(picture: Observation, bank: FilterBank, scale: int) -> Float[Array, "h w"]:
    """Weight of what ψ_k is applied to: 1 inside, fading to 0 at borders."""

    def axis(n: int, wraps: Bool[Array, ""]) -> Float[Array, " n"]:
        width = min(_RAMP * 2.0**scale * _elongation(bank), WIDEST_RAMP * n)
        return jnp.where(wraps, 1, jnp.asarray(ramp(n, width), picture.field.dtype))

    rows, columns = (axis(n, wraps) for n, wraps in zip(bank.shape, picture.wraps, strict=True))
    return rows[:, None] * columns


def _share(picture: Observation, bank: FilterBank, scale: int) -> Float[Array, "h w"]:
    """Share of pixels that are there under the wavelets of a scale, to a power.

    The power makes it small near holes that are as large as the wavelet, and the same
    everywhere if holes are small and many.
    """
    rows, columns = (2 * np.pi * np.fft.fftfreq(n) for n in bank.shape)
    width = SIGMA * 2.0**scale * np.sqrt(_elongation(bank) / 2)
    blur = np.exp(-(rows[:, None] ** 2 + columns**2) * width**2 / 2)
    smooth = jnp.fft.ifft2(jnp.fft.fft2(picture.known) * blur).real
    return jnp.clip(smooth, 0, 1) ** _SHARPNESS


def _on(full: Float[Array, "*p h w"], grid: tuple[int, int]) -> Float[Array, "*p a b"]:
    """A smooth field on a coarser grid."""
    if full.shape[-2:] == grid:
        return full
    half = centered_spectrum(full, grid)
    return jnp.fft.ifft2(jnp.fft.ifftshift(half, axes=(-2, -1)), norm="forward").real


def _coverage(square: Float[Array, "a b"], band: Band) -> Float[Array, "l a b"]:
    """w² ⋆ |ψ_l|² / ‖ψ_l‖² on the grid of the band."""
    wavelets = jnp.fft.ifft2(band.filters)
    energy = wavelets.real**2 + wavelets.imag**2
    energy = energy / jnp.sum(energy, (-2, -1), keepdims=True)
    spread = jnp.fft.ifft2(jnp.fft.fft2(square) * jnp.fft.fft2(energy)).real
    return jnp.maximum(spread, 0)


class _Layer(NamedTuple):
    """Moduli of one scale, as they would be without borders, their means, and their weight."""

    maps: Float[Array, "l a b"]
    means: Float[Array, " l"]
    share: Float[Array, "h w"]


def _centered(y: Float[Array, "*p n m"], weight: Float[Array, "n m"]) -> Float[Array, "*p n m"]:
    """Fields less their mean under a weight, times the weight: w (y − ⟨y⟩_w)."""
    mean = jnp.sum(weight * y, (-2, -1), keepdims=True) / jnp.sum(weight)
    return weight * (y - mean)


def _spectrum(field: Float[Array, "h w"], window: Float[Array, "h w"]) -> Complex[Array, "h w"]:
    return centered_spectrum(_centered(field, window), (field.shape[0], field.shape[1]))


def _layer(picture: Observation, bank: FilterBank, band: Band, scale: int) -> _Layer:
    window, share = _window(picture, bank, scale), _share(picture, bank, scale)
    maps = modulus(bandpasses(_spectrum(picture.field, window), band))
    coverage = _coverage(_on(window, band.grid) ** 2, band)
    weight = jnp.maximum(_on(share, band.grid), 0)
    total = jnp.sum(weight * coverage, (-2, -1))
    means = jnp.sum(weight * jnp.sqrt(coverage) * maps, (-2, -1)) / total
    return _Layer(maps / jnp.sqrt(jnp.maximum(coverage, _LEAST)), means, share)


def _layers(picture: Observation, bank: FilterBank) -> list[_Layer]:
    return [_layer(picture, bank, band, scale) for scale, band in enumerate(bank.first)]


def _weighted(layer: _Layer, window: Float[Array, "h w"]) -> Float[Array, "l a b"]:
    """Moduli less their mean, times the weight with which a coarser wavelet sees them."""
    grid = (layer.maps.shape[-2], layer.maps.shape[-1])
    return _centered(layer.maps, jnp.maximum(_on(window * layer.share, grid), 0))


def scatter_weighted(picture: Observation, bank: FilterBank, *, max_order: int = 2) -> Scattering:
    """Scattering moments of a picture with borders and holes, as ``scatter`` defines them.

    Args:
        picture: of the bank's shape.
        bank: a bank.
        max_order: 1 leaves out order 2.

    Returns:
        The moments: those of ``scatter`` where nothing is missing and both axes wrap.
    """
    layers, finest = _layers(picture, bank), _window(picture, bank, 0)
    order2 = [jnp.zeros((0, bank.num_angles, bank.num_angles), picture.field.dtype)]
    if max_order > 1:
        order2 += [
            _second(layers[:k], band, _window(picture, bank, k))
            for k, band in enumerate(bank.second, start=1)
        ]
    residual = None if bank.residual is None else _layer(picture, bank, bank.residual, 0).means[0]
    return Scattering(
        order0=jnp.sum(finest * picture.field) / jnp.sum(finest),
        order1=jnp.stack([layer.means for layer in layers]),
        residual=residual,
        order2=jnp.concatenate(order2),
    )


def _second(
    layers: Sequence[_Layer], band: Band, window: Float[Array, "h w"]
) -> Float[Array, "j l m"]:
    """⟨||x⋆ψ_{j,l}|⋆ψ_{k,m}|⟩ of all scales j < k."""
    stacks = [centered_spectrum(_weighted(layer, window), band.box) for layer in layers]
    squares = [jnp.maximum(_on((window * layer.share) ** 2, band.grid), 0) for layer in layers]

    def one(given: tuple[Array, Array]) -> Float[Array, "l m"]:
        stack, square = given

        def angle(given: tuple[Array, Array]) -> Float[Array, " l"]:
            filters, starts = (each[None] for each in given)
            coverage = _coverage(square, Band(filters, starts, band.box))[0]
            maps = modulus(bandpass(stack, filters, starts))[0]
            return jnp.sum(jnp.sqrt(coverage) * maps, (-2, -1)) / jnp.sum(coverage)

        return lax.map(angle, (band.filters, band.starts)).T

    return lax.map(one, (jnp.stack(stacks), jnp.stack(squares)))


def spectra_weighted(picture: Observation, bank: FilterBank, *, isotropic: bool = False) -> Spectra:
    """Scattering spectra of a picture with borders and holes, as ``scattering_spectra`` has them.

    Args:
        picture: of the bank's shape.
        bank: a bank.
        isotropic: average over rotations.

    Returns:
        The spectra: those of ``scattering_spectra`` where nothing is missing and both axes wrap.
    """
    field, layers = picture.field, _layers(picture, bank)
    windows = [_window(picture, bank, scale) for scale in range(bank.num_scales)]
    matrices, responses = [], bank.with_responses().responses
    for k, (response, window) in enumerate(zip(responses, windows, strict=True)):
        own = combs_of_spectrum(_spectrum(field, window)[None], response.grid, bank.num_angles)
        moduli = [
            combs_of_maps(_weighted(layer, window), response.grid, bank.num_angles)
            for layer in layers[: k + 1]
        ]
        stack = jnp.concatenate([own, *moduli], axis=1)
        shares = [jnp.ones_like(window), *(layer.share for layer in layers[: k + 1])]
        matrices.append(products(stack, response) / _overlap(window, shares, bank.num_angles))
    finest, coarsest = windows[0], windows[-1]
    level = jnp.sum(finest * field) / jnp.sum(finest)
    above = jnp.zeros_like(level)
    if bank.residual is not None:
        above = band_power(_spectrum(field, finest), bank.residual) / jnp.mean(finest**2)
    below = band_power(_spectrum(field, coarsest), bank.lowpass) / jnp.mean(coarsest**2)
    means = jnp.stack([layer.means for layer in layers])
    return spectra_of((level, above, below), means, matrices, isotropic=isotropic)


def between_weighted(picture: Observation, bank: FilterBank) -> Between:
    """Covariances between the channels of a picture with borders and holes.

    Every product is divided by the overlap of the weights, as in ``spectra_weighted``. Missing
    pixels are completed channel by channel, so that nothing is common to two channels there: the
    weight of a channel beside another one is 0 in holes.

    Args:
        picture: of several channels and the bank's shape.
        bank: a bank.

    Returns:
        The covariances: those of ``between`` where nothing is missing and both axes wrap.
    """
    scales, responses = range(bank.num_scales), bank.with_responses().responses
    seen = [_window(picture, bank, scale) for scale in scales]

    def of_channel(field: Float[Array, "h w"]) -> list[list[Float[Array, "2 l _ _ _"]]]:
        layers = _layers(Observation(field, picture.known, picture.wraps), bank)
        return [
            [
                combs_of_maps(_weighted(layer, seen[scale]), responses[scale].grid, bank.num_angles)
                for layer in layers[: scale + 1]
            ]
            for scale in scales
        ]

    moduli = lax.map(of_channel, picture.field)  # the loop is compiled once
    moduli = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 1), moduli)
    shares = [_share(picture, bank, scale) for scale in scales]

    def spectra(window: Float[Array, "h w"]) -> Complex[Array, "c h w"]:
        return jnp.stack([_spectrum(one, window) for one in picture.field])

    def overlap(scale: int) -> Float[Array, "_ _"]:
        weights = [picture.known, *shares[: scale + 1]]
        return _overlap(seen[scale], weights, bank.num_angles)

    return between_of(
        [*map(spectra, seen), spectra(seen[0]), spectra(seen[-1])],
        moduli,
        bank,
        overlaps=[overlap(scale) for scale in scales],
        squares=[jnp.mean(window**2) for window in seen],
    )


def rectified_weighted(
    picture: Observation, bank: FilterBank, *, reach: int, octaves: int
) -> Rectified:
    """Covariances of rectified waves of a picture with borders and holes.

    Every product is divided by that of the weights at the same shift.

    Args:
        picture: of the bank's shape.
        bank: a bank.
        reach: largest difference of two scales.
        octaves: number of distances.

    Returns:
        The covariances: those of ``rectified`` where nothing is missing and both axes wrap.
    """
    spectra, weights = [], []
    for scale, band in enumerate(bank.first):
        window, share = _window(picture, bank, scale), _share(picture, bank, scale)
        waves = rectified_waves(_spectrum(picture.field, window), band)
        coverage = _coverage(_on(window, band.grid) ** 2, band)
        weight = jnp.maximum(_on(window * share, band.grid), 0)
        seen = _centered(waves / jnp.sqrt(jnp.maximum(coverage, _LEAST)), weight)
        box = octave(bank.shape, scale)
        spectra.append(right_half(seen, box))
        weights.append(right_half(weight, box)[None, None])
    given = {"reach": reach, "octaves": octaves}
    products = rectified_of(spectra, bank.shape, **given).products
    overlaps = rectified_of(weights, bank.shape, **given).products
    return Rectified(
        tuple(r / jnp.maximum(o, _LEAST) for r, o in zip(products, overlaps, strict=True))
    )


def _overlap(
    window: Float[Array, "h w"], shares: Sequence[Float[Array, "h w"]], num_angles: int
) -> Float[Array, "n n"]:
    """⟨w v⟩ of the weights of the field and of all moduli of each scale, for every pair."""
    flat = (window * jnp.stack(shares)).reshape(len(shares), -1)
    means = times(flat, flat.T) / flat.shape[1]
    scales = np.concatenate([[0], np.repeat(np.arange(1, len(shares)), num_angles)])
    return means[scales][:, scales]
