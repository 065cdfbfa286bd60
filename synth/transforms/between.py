"""Fields of several channels: spectra of each, and covariances between them.

    ⟨x_c⋆ψ (x_d⋆ψ)*⟩,   ⟨|x_c⋆ψ₁| |x_d⋆ψ₂|⟩ − ⟨|x_c⋆ψ₁|⟩⟨|x_d⋆ψ₂|⟩,   ⟨x_c⋆ψ₂ (|x_d⋆ψ₁|⋆ψ₂)*⟩,

c ≠ d. The first tells which waves the channels share and how these are shifted, the second
whether their edges coincide, the third on which side of an edge of one channel another one is
high. All are sums over frequencies (Parseval), as in ``spectra``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float, Inexact

from synth.transforms.filters import Band, FilterBank
from synth.transforms.products import combs_of_spectrum, products, products_of_scales, times
from synth.transforms.responses import Response
from synth.transforms.spectra import Spectra, band_power, spectra_of
from synth.transforms.windows import centered_spectrum, mean, windows

__all__ = ["Between", "ChannelSpectra", "between", "between_of", "channel_spectra", "pairs"]


class Between(eqx.Module):
    """Covariances between channels, in the product of the channels' units.

    Attributes:
        power: ⟨x_c⋆ψ_{j,l} (x_d⋆ψ_{j,l})*⟩ for all c and d: a Hermitian matrix per wave, with the
            channels' own powers on its diagonal.
        outside: the same above the wavelets, in the residual band, and below them, by φ_J.
        modulus: covariance of |x_c⋆ψ_{k,m}| and |x_d⋆ψ_{j,l}|, j ≤ k, see ``pairs``.
        phase: ⟨x_c⋆ψ_{k,m} (|x_d⋆ψ_{j,l}|⋆ψ_{k,m})*⟩, j ≤ k and c ≠ d, by k and then m, c, d, j
            and l; empty where it is not asked for.
    """

    power: Inexact[Array, "j l c c"]
    outside: Float[Array, "2 c c"]
    modulus: Float[Array, " u"]
    phase: Inexact[Array, " v"]

    def flatten(self) -> Float[Array, " n"]:
        """All numbers in one vector, imaginary parts last."""
        lines = [self.power.real, self.outside, self.modulus, self.phase.real]
        lines += [self.power.imag, self.phase.imag]
        return jnp.concatenate([line.ravel() for line in lines])


class ChannelSpectra(NamedTuple):
    """Scattering spectra of every channel, and what is between them.

    Attributes:
        each: with one more axis ``c`` in front.
        between: covariances between the channels.
    """

    each: Spectra
    between: Between


def pairs(num_channels: int, scale: int, num_angles: int) -> tuple[np.ndarray, np.ndarray]:
    """Which moduli are compared at one scale k.

    Args:
        num_channels: c.
        scale: k.
        num_angles: L.

    Returns:
        Numbers of the waves (c, k, m) in an array ``c L``, and of (d, j, l) in one ``c k+1 L``:
        all with c ≠ d, of those with j = k the ones with c < d.
    """
    rows = np.arange(num_channels * num_angles)
    columns = np.arange(num_channels * (scale + 1) * num_angles)
    first = rows[:, None] // num_angles
    second, rest = np.divmod(columns, (scale + 1) * num_angles)
    finer = rest // num_angles < scale
    kept = np.where(finer, first != second, first < second)
    rows, columns = np.nonzero(kept)
    return rows, columns


@jax.jit(static_argnames="isotropic")
def channel_spectra(
    field: Float[Array, "c h w"], bank: FilterBank, *, isotropic: bool = False
) -> ChannelSpectra:
    """Scattering spectra of every channel of a field on the torus, and covariances between them.

    Derivatives are those with respect to the field, in reverse mode; the bank counts as
    constant, its gradient is 0.

    Args:
        field: channels, each in any unit.
        bank: a bank of their shape.
        isotropic: average the spectra of each channel over rotations.

    Returns:
        The spectra, as ``scattering_spectra`` has them of one channel, and the covariances.

    Raises:
        ValueError: if the bank is made for another shape.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> noise = np.random.default_rng(0).normal(size=(32, 32))
        >>> twice = jnp.asarray(np.stack([noise, noise]), float)
        >>> _, found = channel_spectra(twice, morlet_bank((32, 32), num_angles=4))
        >>> bool(jnp.allclose(found.power[..., 0, 1], found.power[..., 0, 0], rtol=1e-4))
        True

    Source:
        S. Cheng, R. Morel, E. Allys, B. Ménard and S. Mallat, "Scattering spectra models for
        physics", PNAS Nexus 3 (2024), Eqs. 5–9, of one channel; E. Allys et al., "New
        interpretable statistics for large-scale structure analysis and generation", Phys. Rev.
        D 102 (2020), for covariances of wavelet transforms.
    """
    bank = lax.stop_gradient(bank)
    levels, spectra = _spectra(field, bank)
    s1, found = products_of_scales(spectra, bank, _all_products)
    matrices, modulus = zip(*found, strict=True)

    def of_channel(channel: int) -> Spectra:
        above = jnp.zeros_like(levels[channel])
        if bank.residual is not None:
            above = band_power(spectra[channel], bank.residual)
        ends = levels[channel], above, band_power(spectra[channel], bank.lowpass)
        own = [matrix[:, channel, :, channel] for matrix in matrices]
        return spectra_of(ends, s1[channel], own, isotropic=isotropic)

    every = [of_channel(channel) for channel in range(len(field))]
    return ChannelSpectra(
        each=jax.tree.map(lambda *leaves: jnp.stack(leaves), *every),
        between=_assembled(matrices, modulus, (spectra, spectra), bank),
    )


@jax.jit
def between(field: Float[Array, "c h w"], bank: FilterBank) -> Between:
    """Covariances between the channels of a field on the torus, but for those of phases.

    Derivatives are as those of ``channel_spectra``.

    Args:
        field: channels, each in any unit.
        bank: a bank of their shape.

    Returns:
        The covariances, ``phase`` empty.

    Raises:
        ValueError: if the bank is made for another shape.
    """
    bank = lax.stop_gradient(bank)
    _, spectra = _spectra(field, bank)
    _, found = products_of_scales(spectra, bank, _own_products)
    matrices, modulus = zip(*found, strict=True)
    return _assembled(matrices, modulus, (spectra, spectra), bank)


def between_of(
    spectra: Sequence[Complex[Array, "c h w"]],
    moduli: Sequence[Sequence[Float[Array, "2 c l _ _ _"]]],
    bank: FilterBank,
    *,
    overlaps: Sequence[Float[Array, "_ _"]],
    squares: Sequence[Float[Array, ""]],
) -> Between:
    """Covariances out of weighted spectra that differ from scale to scale.

    Args:
        spectra: centered, of all channels, as the wavelets of each scale see them; then as the
            residual band does, and φ_J.
        moduli: of each scale k the combs of |x_c⋆ψ_{j,l}| for j ≤ k.
        bank: of the wavelets.
        overlaps: of each scale the mean products of the weights of two channels: of the channels
            themselves, and then of their moduli.
        squares: of each scale the mean square of a channel's weight.

    Returns:
        The covariances, every product over the overlap of its weights.
    """
    matrices, modulus = [], []
    own = np.eye(len(spectra[0]), dtype=bool)
    parts = zip(spectra[:-2], moduli, bank.with_responses().responses, strict=True)
    for k, (seen, finer, response) in enumerate(parts):
        waves = combs_of_spectrum(seen, response.grid, bank.num_angles)[:, :, None]
        matrix, covariances = _all_products(jnp.concatenate([waves, *finer], axis=2), response)
        matrices.append(matrix / overlaps[k][:, None, :])
        rows, columns = pairs(len(seen), k, bank.num_angles)
        common = overlaps[k][1:, 1:][
            k * bank.num_angles + rows % bank.num_angles, columns % ((k + 1) * bank.num_angles)
        ]
        modulus.append(covariances / common)
    found = _assembled(matrices, modulus, (spectra[-2], spectra[-1]), bank)
    common = jnp.stack([overlap[0, 0] for overlap in overlaps])[:, None, None]
    alone = jnp.stack(squares)[:, None, None]
    ends = jnp.where(own, alone, common)[jnp.asarray([0, -1])]
    factors = jnp.where(own, common / alone, 1)[:, None]
    return eqx.tree_at(
        lambda b: (b.power, b.outside), found, (found.power * factors, found.outside / ends)
    )


def _spectra(
    field: Float[Array, "c h w"], bank: FilterBank
) -> tuple[Float[Array, " c"], Complex[Array, "c h w"]]:
    """Means of the channels, and spectra of these less their means."""
    bank.check(field.shape[-2:])
    levels = mean(field)
    return levels, centered_spectrum(field - levels[:, None, None], bank.shape)


def _assembled(
    matrices: Sequence[Complex[Array, "m c _ c _"]],
    modulus: Sequence[Float[Array, " _"]],
    ends: tuple[Complex[Array, "c h w"], Complex[Array, "c h w"]],
    bank: FilterBank,
) -> Between:
    """Covariances by name, out of the products for every scale."""
    waves = jnp.stack([matrix[:, :, 0, :, 0] for matrix in matrices])
    rows, columns = np.nonzero(~np.eye(waves.shape[-1], dtype=bool))
    outside = [
        _band_covariance(spectra, band)
        for spectra, band in zip(ends, (bank.residual, bank.lowpass), strict=True)
    ]
    phase = [matrix[:, :, 0, :, 1:][:, rows, columns].ravel() for matrix in matrices]
    return Between(
        power=waves,
        outside=jnp.stack(outside),
        modulus=jnp.concatenate(modulus),
        phase=jnp.concatenate(phase),
    )


def _all_products(
    stack: Float[Array, "2 c n q r s"], response: Response
) -> tuple[Complex[Array, "m c n c n"], Float[Array, " u"]]:
    """Products of all fields of all channels, and covariances of the moduli."""
    return _products(stack, response), _covariances(stack[:, :, 1:], response)


def _own_products(
    stack: Float[Array, "2 c n q r s"], response: Response
) -> tuple[Complex[Array, "m c 1 c 1"], Float[Array, " u"]]:
    """Products of the channels themselves, and covariances of their moduli."""
    return _products(stack[:, :, :1], response), _covariances(stack[:, :, 1:], response)


def _products(
    stack: Float[Array, "2 c n q r s"], response: Response
) -> Complex[Array, "m c n c n"]:
    _, count, size = stack.shape[:3]
    matrix = products(stack.reshape(2, count * size, *stack.shape[3:]), response)
    return matrix.reshape(-1, count, size, count, size)


def _covariances(moduli: Float[Array, "2 c n q r s"], response: Response) -> Float[Array, " u"]:
    """Covariances of the moduli of scale k with those of all j ≤ k, of other channels."""
    _, count, size = moduli.shape[:3]
    num_angles = len(response.even)
    coarse = moduli[:, :, size - num_angles :] * response.count
    every = jnp.zeros((count * num_angles, count * size), moduli.dtype)
    for a, b in zip(coarse, moduli, strict=True):
        every += times(a.reshape(len(every), -1), b.reshape(count * size, -1).T)
    return every[pairs(count, size // num_angles - 1, num_angles)]


def _band_covariance(spectra: Complex[Array, "c h w"], band: Band | None) -> Float[Array, "c c"]:
    """Covariances of channels in a band of one real filter; 0 without one."""
    if band is None:
        return jnp.zeros((len(spectra), len(spectra)), spectra.real.dtype)
    part = (windows(spectra, band.starts, band.grid) * band.filters[:, None])[0]
    flat = jnp.stack([part.real, part.imag], axis=1).reshape(len(spectra), -1)
    return times(flat, flat.T)
