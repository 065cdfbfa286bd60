"""Covariances between the channels of a field: of their waves, and of the moduli of these.

    ⟨x_c⋆ψ (x_d⋆ψ)*⟩,   ⟨|x_c⋆ψ₁| |x_d⋆ψ₂|⟩ − ⟨|x_c⋆ψ₁|⟩⟨|x_d⋆ψ₂|⟩,   ⟨x_c⋆ψ₂ (|x_d⋆ψ₁|⋆ψ₂)*⟩,

c ≠ d. The first tells which waves the channels share and how these are shifted, the second
whether their edges coincide, the third on which side of an edge of one channel another one is
high. All are sums over frequencies (Parseval), as in ``spectra``.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Complex, Float

from synth.parallel.mesh import ANGLE, WHOLE, split, whole
from synth.transforms.filters import Band, FilterBank
from synth.transforms.spectra import planes, products
from synth.transforms.windows import centered_spectrum, first_layer, mean, resize, windows

__all__ = ["Between", "between", "between_of", "pairs"]


class Between(eqx.Module):
    """Covariances between channels, in the product of the channels' units.

    Attributes:
        own: ⟨|x_c⋆ψ_{j,l}|²⟩, the powers that the others are counted in.
        power: ⟨x_c⋆ψ_{j,l} (x_d⋆ψ_{j,l})*⟩ per pair of channels p = (c, d), c < d.
        outside: covariance above the wavelets, in the residual band, and below them, by φ_J.
        modulus: covariance of |x_c⋆ψ_{k,m}| and |x_d⋆ψ_{j,l}|, j ≤ k, see ``pairs``.
        phase: ⟨x_c⋆ψ_{k,m} (|x_d⋆ψ_{j,l}|⋆ψ_{k,m})*⟩, j ≤ k and c ≠ d, by k and then m, c, d, j
            and l.
    """

    own: Float[Array, "j l c"]
    power: Complex[Array, "j l p"]
    outside: Float[Array, "2 p"]
    modulus: Float[Array, " u"]
    phase: Complex[Array, " v"]


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
    return np.nonzero(kept)


@jax.jit
def between(field: Float[Array, "c h w"], bank: FilterBank) -> Between:
    """Covariances between the channels of a field on the torus.

    Derivatives are those with respect to the field, in reverse mode; the bank counts as
    constant, its gradient is 0.

    Args:
        field: channels, each in any unit.
        bank: a bank of their shape.

    Returns:
        The covariances.

    Raises:
        ValueError: if the bank is made for another shape.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> noise = np.random.default_rng(0).normal(size=(32, 32))
        >>> twice = jnp.asarray(np.stack([noise, noise]), float)
        >>> found = between(twice, morlet_bank((32, 32), num_angles=4))
        >>> bool(jnp.allclose(found.power[..., 0], found.own[..., 0], rtol=1e-4))
        True

    Source:
        E. Allys et al., "New interpretable statistics for large-scale structure analysis and
        generation", Phys. Rev. D 102 (2020), for covariances of wavelet transforms; their form
        between channels is that of S. Cheng et al., PNAS Nexus 3 (2024), Eqs. 5–9.
    """
    bank.check(field.shape[-2:])
    bank = lax.stop_gradient(bank)
    bands = (bank.first[0], *bank.second)
    spectra = centered_spectrum(field - mean(field)[:, None, None], bank.shape)

    def layers_of(
        spectra: Complex[Array, "c h w"], first: Sequence[Band]
    ) -> list[Complex[Array, "c l _ _"]]:
        boxes = [band.box for band in bands]
        return lax.map(lambda one: first_layer(one, first, mean, boxes)[1], spectra)

    layers = split(
        layers_of,
        ANGLE,
        bank.num_angles,
        in_specs=(WHOLE, PartitionSpec(ANGLE)),
        out_specs=PartitionSpec(None, ANGLE),
    )
    moduli = whole(layers(spectra, bank.first))
    stacks = [[resize(each, band.box) for each in moduli[: k + 1]] for k, band in enumerate(bands)]
    return between_of([spectra] * (len(bands) + 2), stacks, bank)


def between_of(
    spectra: Sequence[Complex[Array, "c h w"]],
    moduli: Sequence[Sequence[Complex[Array, "c l _ _"]]],
    bank: FilterBank,
) -> Between:
    """Covariances out of spectra.

    Args:
        spectra: centered, of all channels, as the wavelets of each scale see them; then as the
            residual band does, and φ_J.
        moduli: of each scale k the spectra of |x_c⋆ψ_{j,l}| for j ≤ k, on the box of band k.
        bank: of the wavelets.
    """
    bands = (bank.first[0], *bank.second)
    upper = np.triu_indices(spectra[0].shape[0], 1)
    power, modulus, phase = [], [], []
    for seen, finer, band in zip(spectra, moduli, bands, strict=False):
        waves = jnp.stack(finer, axis=1)
        num_channels, num_scales, num_angles = waves.shape[:3]
        waves = waves.reshape(num_channels * num_scales * num_angles, *waves.shape[3:])
        own = resize(seen, band.box)
        stack = planes(jnp.concatenate([own, waves]))
        correlated = split(
            products, ANGLE, bank.num_angles, in_specs=(WHOLE, PartitionSpec(ANGLE)),
            out_specs=PartitionSpec(ANGLE),
        )  # fmt: skip
        matrix = whole(correlated(stack, band))
        power.append(matrix[:, :num_channels, :num_channels])
        phase.append(_others(matrix[:, :num_channels, num_channels:], num_channels))
        modulus.append(_covariances(waves, num_channels, num_scales - 1, num_angles))
    powers = jnp.stack(power)
    return Between(
        own=jnp.diagonal(powers, axis1=-2, axis2=-1).real,
        power=powers[..., upper[0], upper[1]],
        outside=jnp.stack(
            [
                _band_covariance(spectra[-2], bank.residual),
                _band_covariance(spectra[-1], bank.lowpass),
            ]
        ),
        modulus=jnp.concatenate(modulus),
        phase=jnp.concatenate(phase),
    )


def _others(matrix: Complex[Array, "m c n"], num_channels: int) -> Complex[Array, " v"]:
    """Products of a channel with the moduli of the other ones."""
    by_channel = matrix.reshape(*matrix.shape[:2], num_channels, -1)
    rows, columns = np.nonzero(~np.eye(num_channels, dtype=bool))
    return by_channel[:, rows, columns].ravel()


def _covariances(
    waves: Complex[Array, "n a b"], num_channels: int, scale: int, num_angles: int
) -> Float[Array, " u"]:
    """Covariances of the moduli of scale k with those of all j ≤ k, of other channels."""
    height, width = waves.shape[-2:]
    flat = planes(waves.at[:, height // 2, width // 2].set(0))
    flat = jnp.moveaxis(flat, 0, 1).reshape(len(waves), -1)
    coarse = flat.reshape(num_channels, scale + 1, num_angles, -1)[:, scale]
    coarse = coarse.reshape(num_channels * num_angles, -1)
    matrix = jnp.matmul(coarse, flat.T, precision=lax.Precision.HIGHEST)
    return matrix[pairs(num_channels, scale, num_angles)]


def _band_covariance(spectra: Complex[Array, "c h w"], band: Band | None) -> Float[Array, " p"]:
    """Covariances of channels in a band of one real filter; 0 without one."""
    rows, columns = np.triu_indices(len(spectra), 1)
    if band is None:
        return jnp.zeros(len(rows), spectra.real.dtype)
    part = planes((windows(spectra, band.starts, band.grid) * band.filters[:, None])[0])
    flat = jnp.moveaxis(part, 0, 1).reshape(len(spectra), -1)
    matrix = jnp.matmul(flat, flat.T, precision=lax.Precision.HIGHEST)
    return matrix[rows, columns]
