"""Scattering spectra: covariances of a field and its moduli, which see sign and alignment.

    x ──► |x⋆ψ₁|,   ⟨x⋆ψ₃ (|x⋆ψ₂|⋆ψ₃)*⟩,   ⟨|x⋆ψ₁|⋆ψ₃ (|x⋆ψ₂|⋆ψ₃)*⟩,   j₁ ≤ j₂ ≤ j₃.

The second layer needs no inverse FFT, see ``products``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float, Inexact, Int

from synth.transforms.filters import XI, Band, FilterBank
from synth.transforms.products import products, products_of_scales
from synth.transforms.windows import centered_spectrum, mean, windows

__all__ = [
    "Covariance",
    "Spectra",
    "band_power",
    "scattering_spectra",
    "spectra_of",
    "spectra_paths",
]


class Spectra(eqx.Module):
    """Scattering spectra, by name, in the field's unit (means, moduli) and its square.

    Averaged over angles, the axes ``l`` of powers and moduli and ``m`` have length 1, the
    angles of c01 and c11 are those relative to ψ₃, and all numbers are real.

    Attributes:
        mean: ⟨x⟩.
        power: P = ⟨|x⋆ψ_{j,l}|²⟩ per scale j and angle l.
        above: ⟨|x⋆r|²⟩, r the residual band above the wavelets; 0 without one.
        below: ⟨|(x − ⟨x⟩)⋆φ_J|²⟩, the power below the wavelets.
        modulus: S1 = ⟨|x⋆ψ_{j,l}|⟩.
        c01: ⟨x⋆ψ_{k,m} (|x⋆ψ_{j,l}|⋆ψ_{k,m})*⟩ per pair p = (j, k), j ≤ k, ordered by k and
            then by j, and per angles l and m.
        c11: ⟨|x⋆ψ₁|⋆ψ_{k,m} (|x⋆ψ₂|⋆ψ_{k,m})*⟩, ordered by k; u runs over the pairs of waves
            (j₁, l₁) ≤ (j₂, l₂) with j₂ ≤ k, in lexical order.
    """

    mean: Float[Array, ""]
    power: Float[Array, "j l"]
    above: Float[Array, ""]
    below: Float[Array, ""]
    modulus: Float[Array, "j l"]
    c01: Inexact[Array, "p _ m"]
    c11: Inexact[Array, "u _"]

    def flatten(self) -> Float[Array, " n"]:
        """All numbers in one vector, in the order of ``spectra_paths``.

        Real parts of c01 and c11 come first, then the imaginary ones, if there are any. The
        product of a modulus with itself is a power and has none.
        """
        lines = [self.mean, self.power, self.above, self.below, self.modulus]
        lines += [self.c01.real, self.c11.real]
        if jnp.iscomplexobj(self.c11):
            mixed = _mixed(num_scales=len(self.power), num_angles=self.c01.shape[1])
            lines += [self.c01.imag, self.c11.imag[mixed]]
        return jnp.concatenate([line.ravel() for line in lines])


class Covariance(NamedTuple):
    """Which number of the scattering spectra it is.

    Attributes:
        name: ``mean``, ``power``, ``above``, ``below``, ``modulus``, ``c01`` or ``c11``.
        scales: scale of each wavelet, in the order of its definition.
        angles: angle of each wavelet, radians; relative to the last one when averaged.
        frequencies: center frequency of each wavelet, radians per pixel.
        imaginary: whether it is the imaginary part.
    """

    name: str
    scales: tuple[int, ...] = ()
    angles: tuple[float, ...] = ()
    frequencies: tuple[float, ...] = ()
    imaginary: bool = False


def spectra_paths(bank: FilterBank, *, isotropic: bool = False) -> list[Covariance]:
    """Table of the scattering spectra of a bank, a row each, in the order of ``flatten``.

    Args:
        bank: the bank that ``scattering_spectra`` was given.
        isotropic: whether it averaged over angles.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> table = spectra_paths(morlet_bank((32, 32), num_scales=2, num_angles=4))
        >>> len(table), table[19].name, table[-1].scales, table[-1].imaginary
        (435, 'c01', (1, 1, 1), True)
    """
    scales, last = range(bank.num_scales), range(1 if isotropic else bank.num_angles)
    angles = range(bank.num_angles)

    def row(name: str, *waves: tuple[int, int], imaginary: bool = False) -> Covariance:
        return Covariance(
            name,
            scales=tuple(j for j, _ in waves),
            angles=tuple(np.pi * a / bank.num_angles for _, a in waves),
            frequencies=tuple(XI / 2**j for j, _ in waves),
            imaginary=imaginary,
        )

    def products(imaginary: bool) -> list[Covariance]:
        first = [
            row("c01", (j, a), (k, b), imaginary=imaginary)
            for k in scales
            for j in range(k + 1)
            for a in angles
            for b in last
        ]
        waves = [[(j, a) for j in range(k + 1) for a in angles] for k in scales]
        nearest = 1 if imaginary else 0  # the product of a modulus with itself is real
        second = [
            row("c11", one, two, (k, b), imaginary=imaginary)
            for k in scales
            for index, one in enumerate(waves[k])
            for two in waves[k][index + nearest :]
            for b in last
        ]
        return first + second

    return [
        row("mean"),
        *(row("power", (j, a)) for j in scales for a in last),
        row("above"),
        row("below"),
        *(row("modulus", (j, a)) for j in scales for a in last),
        *products(imaginary=False),
        *([] if isotropic else products(imaginary=True)),
    ]


@jax.jit(static_argnames="isotropic")
def scattering_spectra(
    field: Float[Array, "h w"], bank: FilterBank, *, isotropic: bool = False
) -> Spectra:
    """Scattering spectra of a field on the torus.

    Derivatives are those with respect to the field, in reverse mode; the bank counts as
    constant, its gradient is 0.

    Args:
        field: one channel, in any unit.
        bank: a bank of the field's shape.
        isotropic: average over rotations of the field by multiples of π/L, at fixed
            differences of angles. Rotation by π conjugates the covariances, so that their
            imaginary parts average to 0.

    Returns:
        The spectra, as covariances: ``normalized`` by a target in ``synth.statistics``.

    Raises:
        ValueError: if the bank is made for another shape.

    Example:
        >>> import jax.numpy as jnp
        >>> from synth.transforms.filters import morlet_bank
        >>> spectra = scattering_spectra(jnp.ones((32, 32)), morlet_bank((32, 32)))
        >>> float(spectra.mean), round(float(spectra.power.max()), 6)
        (1.0, 0.0)

    Source:
        S. Cheng, R. Morel, E. Allys, B. Ménard and S. Mallat, "Scattering spectra models for
        physics", PNAS Nexus 3 (2024), Eqs. 5–9.
    """
    bank.check(field.shape)
    bank = lax.stop_gradient(bank)
    level = mean(field)
    spectrum = centered_spectrum(field - level, bank.shape)
    (s1,), matrices = products_of_scales(
        spectrum[None], bank, lambda stack, response: products(stack[:, 0], response)
    )
    above = jnp.zeros_like(level)
    if bank.residual is not None:
        above = band_power(spectrum, bank.residual)
    below = band_power(spectrum, bank.lowpass)
    return spectra_of((level, above, below), s1, matrices, isotropic=isotropic)


def spectra_of(
    levels: tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]],
    modulus: Float[Array, "j l"],
    matrices: Sequence[Complex[Array, "m _ _"]],
    *,
    isotropic: bool,
) -> Spectra:
    """Spectra by name, out of the products for every scale of ψ₃.

    Args:
        levels: mean, power above the wavelets and power below them.
        modulus: S1.
        matrices: by ``products``, of the field and all moduli that feed a scale.
        isotropic: average over rotations.
    """
    level, above, below = levels
    num_angles = modulus.shape[1]
    turned = [_turn(matrix, isotropic) for matrix in matrices]
    return Spectra(
        mean=level,
        power=jnp.stack([matrix[:, 0, 0].real for matrix in turned]),
        above=above,
        below=below,
        modulus=modulus.mean(1, keepdims=True) if isotropic else modulus,
        c01=_first_row(turned, num_angles),
        c11=jnp.concatenate([_upper(matrix[:, 1:, 1:]) for matrix in turned]),
    )


def _turn(matrix: Complex[Array, "m n n"], isotropic: bool) -> Inexact[Array, "a n n"]:
    """Average over m of products of waves at fixed angles relative to m, if asked for."""
    if not isotropic:
        return matrix
    angles, size = matrix.shape[:2]
    waves = np.arange(size - 1)
    relative = np.arange(angles)[:, None] + waves % angles
    turned = 1 + waves // angles * angles + relative % angles
    index = np.concatenate([np.zeros((angles, 1), int), turned], axis=1)
    rows = np.arange(angles)[:, None, None]
    return matrix[rows, index[:, :, None], index[:, None, :]].real.mean(0, keepdims=True)


def _first_row(matrices: list[Inexact[Array, "m _ _"]], num_angles: int) -> Inexact[Array, "p l m"]:
    """Products of x⋆ψ₃ with the moduli, of every k, as one table of pairs."""
    rows = [matrix[:, 0, 1:] for matrix in matrices]
    tables = [jnp.moveaxis(row.reshape(len(row), -1, num_angles), 0, -1) for row in rows]
    return jnp.concatenate(tables)


def _upper(matrix: Inexact[Array, "m n n"]) -> Inexact[Array, "u m"]:
    rows, columns = np.triu_indices(matrix.shape[-1])
    return matrix[:, rows, columns].T


def _mixed(num_scales: int, num_angles: int) -> Int[np.ndarray, " v"]:
    """Rows of c11 that are products of two different moduli."""
    upper = [np.triu_indices((k + 1) * num_angles) for k in range(num_scales)]
    return np.flatnonzero(np.concatenate([rows != columns for rows, columns in upper]))


def band_power(spectrum: Complex[Array, "h w"], band: Band) -> Float[Array, ""]:
    """Power of a field, given by its centered spectrum, in a band of one filter."""
    part = (windows(spectrum, band.starts, band.grid) * band.filters)[0]
    return jnp.sum(part.real**2 + part.imag**2)
