"""Covariances of rectified waves at a distance: what edges and rows have in common from afar.

    y_{j,l,α}(u) = max(0, Re(e^{iα} x⋆ψ_{j,l}(u))),   α = 0, π/2, π, 3π/2,
    R = ⟨y_{j,l,α}(u) y_{k,m,0}(u − τ)⟩ − ⟨y_{j,l,α}⟩⟨y_{k,m,0}⟩,   j ≤ k ≤ j + reach.

A wave keeps its phase through the rectifier, which the modulus does not: R tells a line from
two, and where the next one is. Like all covariances they are sums over frequencies (Parseval),
in which a shift is a phase: for each scale k all spectra are cut to its octave, |ω| ≤ π/2^k, and
one matrix product has all its pairs and shifts.

Source:
    A. Brochard, S. Zhang and S. Mallat, "Generalized rectifier wavelet covariance models for
    texture synthesis", ICLR (2022).
"""

from collections.abc import Sequence
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec
from jax.typing import DTypeLike
from jaxtyping import Array, Complex, Float, Int

from synth.parallel.mesh import ANGLE, WHOLE, split, whole
from synth.transforms.filters import Band, FilterBank
from synth.transforms.products import times
from synth.transforms.windows import bandpasses, centered_spectrum, resize_half, right_half

__all__ = [
    "NUM_PHASES",
    "Rectified",
    "num_rectified",
    "octave",
    "rectified",
    "rectified_of",
    "rectified_waves",
    "shifts",
]

NUM_PHASES = 4
"""Number of phases α."""

_DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))


class Rectified(eqx.Module):
    """Covariances of rectified waves, in the square of the field's unit.

    Attributes:
        products: R for every scale k, fine to coarse: per finer scale j, the nearest last, phase
            α, angles l and m, and shift τ in the order of ``shifts``.
    """

    products: tuple[Float[Array, "_ a l s m"], ...]

    @property
    def power(self) -> Float[Array, "k l"]:
        """Variances of y_{k,l,0}."""
        return jnp.stack([jnp.diagonal(each[-1, 0, :, 0]) for each in self.products])

    def flatten(self) -> Float[Array, " n"]:
        """All numbers in one vector, scale by scale."""
        return jnp.concatenate([each.ravel() for each in self.products])


def shifts(scale: int, octaves: int) -> list[tuple[int, int]]:
    """Shifts τ of a scale k, pixels, rows first: 0, and 2^{k+i} along four directions.

    Args:
        scale: k.
        octaves: number of distances i = 0, 1, …; none leaves τ = 0 alone.
    """
    distances = [2 ** (scale + i) for i in range(octaves)]
    return [(0, 0)] + [(y * far, x * far) for far in distances for y, x in _DIRECTIONS]


def num_rectified(num_scales: int, num_angles: int, *, reach: int, octaves: int) -> int:
    """How many covariances there are.

    Args:
        num_scales: J.
        num_angles: L.
        reach: largest difference of two scales.
        octaves: number of distances.
    """
    pairs = sum(min(k, reach) + 1 for k in range(num_scales))
    return pairs * NUM_PHASES * num_angles**2 * (1 + len(_DIRECTIONS) * octaves)


@jax.jit(static_argnames=("reach", "octaves"))
def rectified(
    field: Float[Array, "h w"], bank: FilterBank, *, reach: int, octaves: int
) -> Rectified:
    """Covariances of rectified waves of a field on the torus.

    Args:
        field: of the bank's shape, in any unit.
        bank: whose first layer is used.
        reach: largest difference of two scales.
        octaves: number of distances.

    Returns:
        The covariances.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> bank = morlet_bank((32, 32), num_scales=2, num_angles=4)
        >>> field = jax.random.normal(jax.random.key(0), (32, 32))
        >>> rectified(field, bank, reach=1, octaves=1).products[1].shape
        (2, 4, 4, 5, 4)
    """
    spectrum = centered_spectrum(field, bank.shape)
    spectra = []
    for scale, band in enumerate(bank.first):
        waves = split(
            partial(_spectra, box=octave(bank.shape, scale)), ANGLE, bank.num_angles,
            in_specs=(WHOLE, PartitionSpec(ANGLE)), out_specs=PartitionSpec(None, ANGLE),
        )  # fmt: skip
        spectra.append(waves(spectrum, band))
    return rectified_of(spectra, bank.shape, reach=reach, octaves=octaves)


def rectified_waves(spectrum: Complex[Array, "h w"], band: Band) -> Float[Array, "a l n m"]:
    """y_{l,α} of one band, on its grid.

    Args:
        spectrum: of a field, centered.
        band: of one scale.
    """
    rows, columns = band.grid
    # The band begins at another frequency than 0: the wave that a modulus would not see.
    turns = [
        _phases(start[:, None] * jnp.arange(n), n, spectrum.dtype)
        for start, n in ((band.starts[:, 0], rows), (band.starts[:, 1], columns))
    ]
    z = bandpasses(spectrum, band) * turns[0][:, :, None] * turns[1][:, None, :]
    return jax.nn.relu(jnp.stack([z.real, -z.imag, -z.real, z.imag]))


def _phases(steps: Int[Array, "*p"], n: int, dtype: DTypeLike) -> Complex[Array, "*p"]:
    """e^{2πi k/n}, from a table: the compiler would take sines anew in every product with them."""
    table = np.exp(2j * np.pi * np.arange(n) / n).astype(dtype)
    return jnp.asarray(table)[steps % n]


def _spectra(
    spectrum: Complex[Array, "h w"], band: Band, *, box: tuple[int, int]
) -> Complex[Array, "a l n m"]:
    """Spectra of y_{l,α} less their means, the right half of a box."""
    waves = rectified_waves(spectrum, band)
    return right_half(waves - waves.mean((-2, -1), keepdims=True), box)


def rectified_of(
    spectra: Sequence[Complex[Array, "a l _ _"]],
    shape: tuple[int, int],
    *,
    reach: int,
    octaves: int,
) -> Rectified:
    """Covariances out of the spectra of y.

    Args:
        spectra: per scale the right half of its ``octave``.
        shape: of the field.
        reach: largest difference of two scales.
        octaves: number of distances.
    """
    correlated = split(
        partial(_correlations, shape=shape), ANGLE, spectra[0].shape[1],
        in_specs=(PartitionSpec(None, None, ANGLE), WHOLE, WHOLE),
        out_specs=PartitionSpec(None, None, ANGLE),
    )  # fmt: skip
    found = []
    for k, own in enumerate(spectra):
        finer = spectra[max(0, k - reach) : k + 1]
        grid = own.shape[-2], own.shape[-1]
        left = jnp.stack([resize_half(each, grid) for each in finer])
        found.append(whole(correlated(left, own[0], jnp.asarray(shifts(k, octaves)))))
    return Rectified(tuple(found))


def octave(shape: tuple[int, int], scale: int) -> tuple[int, int]:
    """Frequencies under π/2^k, which hold ψ_k but not its harmonics; an odd number, symmetric."""
    height, width = (((n >> scale) - 1) | 1 for n in shape)
    return height, width


def _correlations(
    left: Complex[Array, "j a l n m"],
    right: Complex[Array, "l_ n m"],
    by: Int[Array, "s 2"],
    *,
    shape: tuple[int, int],
) -> Float[Array, "j a l s l_"]:
    """⟨y(u) y′(u − τ)⟩ of all pairs and shifts, as a product of real matrices.

    Args:
        left: spectra of y, the right half.
        right: of y′.
        by: shifts τ, pixels.
        shape: of the field.
    """
    height, width = left.shape[-2:]
    # Spectra of real maps: what is left of the frequency 0 repeats what is right of it.
    frequencies = (jnp.arange(height) - height // 2, jnp.arange(width))
    down, along = (
        _phases(-turn[:, None] * each, n, left.dtype)
        for turn, each, n in zip(by.T, frequencies, shape, strict=True)
    )
    turned = right[:, None] * down[:, :, None] * along[:, None]
    counted = left * jnp.where(frequencies[1] > 0, 2, 1)

    def flat(maps: Complex[Array, "... n m"], leading: int) -> Float[Array, "_ _"]:
        both = jnp.stack([maps.real, maps.imag], axis=-3)
        return both.reshape(leading, -1)

    pairs = (*left.shape[:3], len(right), len(by))
    product = times(flat(counted, int(np.prod(pairs[:3]))), flat(turned, int(np.prod(pairs[3:]))).T)
    return jnp.moveaxis(product.reshape(pairs), 3, 4)
