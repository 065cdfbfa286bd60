"""The wavelet-modulus cascade: a field in, its scattering moments out.

    x ──► |x⋆ψ_{j,l}| ──► ||x⋆ψ_{j,l}|⋆ψ_{k,m}|,  k > j,

each layer averaged over the whole picture; ``windowed`` averages it locally. Band j of a layer is
cut out of the spectrum before its inverse FFT, so coarse bands cost little, and all maps that
feed scale k share batched FFTs, over as many angles as the caches hold.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Complex, Float

from synth.parallel.mesh import ANGLE, WHOLE, room, split, whole
from synth.transforms.filters import XI, Band, FilterBank
from synth.transforms.windows import (
    add_windows,
    bandpass,
    bandpasses,
    centered_spectrum,
    each_chunk,
    first_layer,
    mean,
    modulus,
    resize,
    scan_chunks,
)

_BYTES = 8  # of a complex number

__all__ = ["Path", "Scattering", "paths", "scatter"]


class Scattering(eqx.Module):
    """Scattering moments up to order 2, by name.

    Attributes:
        order0: average of x.
        order1: averages of |x⋆ψ_{j,l}|, per scale j and angle l.
        residual: average of |x⋆r|, r the residual band of a tight bank; None without one.
        order2: averages of ||x⋆ψ_{j,l}|⋆ψ_{k,m}|, per pair p = (j, k), j < k, ordered by k
            and then by j, and per angles l and m.
    """

    order0: Float[Array, ""]
    order1: Float[Array, "j l"]
    residual: Float[Array, ""] | None
    order2: Float[Array, "p l m"]

    def orders(self) -> tuple[Float[Array, "n0"], Float[Array, "n1"], Float[Array, "n2"]]:
        """All numbers of each order, flat; the residual band is the last of order 1."""
        first = [self.order1.ravel()] + ([] if self.residual is None else [self.residual.ravel()])
        return self.order0.ravel(), jnp.concatenate(first), self.order2.ravel()

    def flatten(self) -> Float[Array, " n"]:
        """All numbers in one vector, in the order of ``paths``."""
        return jnp.concatenate(self.orders())


class Path(NamedTuple):
    """Which coefficient a number is.

    Attributes:
        order: number of wavelets on the path, 0 to 3.
        scales: j of each wavelet, first layer first; −1 is the residual band.
        angles: angle πl/L of each wavelet, radians; the wave of angle 0 runs along a row.
        frequencies: center frequency of each wavelet, radians per pixel.
    """

    order: int
    scales: tuple[int, ...]
    angles: tuple[float, ...]
    frequencies: tuple[float, ...]


def paths(bank: FilterBank, max_order: int = 2) -> list[Path]:
    """Table of the coefficients of a bank, a row each.

    It is the order of ``Scattering.flatten`` and of the paths of ``scatter_local``: by order, then
    by the scale of the last wavelet, then as the paths without it, then by its angle.

    Args:
        bank: the bank that the transform was given.
        max_order: wavelets on the longest path.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> table = paths(morlet_bank((32, 32), num_scales=2, num_angles=4))
        >>> len(table), table[1].scales, round(table[1].frequencies[0], 3)
        (26, (0,), 2.356)
    """

    def path(*steps: tuple[int, int]) -> Path:
        return Path(
            order=len(steps),
            scales=tuple(j for j, _ in steps),
            angles=tuple(np.pi * k / bank.num_angles for _, k in steps),
            frequencies=tuple(XI / 2**j for j, _ in steps),
        )

    scales, angles = range(bank.num_scales), range(bank.num_angles)
    table, parents = [path()], [()]
    for order in range(1, max_order + 1):
        parents = [
            (*steps, (k, a))
            for k in scales
            for steps in parents
            if not steps or steps[-1][0] < k
            for a in angles
        ]
        table += [path(*steps) for steps in parents]
        if order == 1 and bank.residual is not None:
            table.append(Path(1, (-1,), (0.0,), (np.pi * np.sqrt(2),)))
    return table


@jax.jit(static_argnames="max_order")
def scatter(field: Float[Array, "h w"], bank: FilterBank, *, max_order: int = 2) -> Scattering:
    """Scattering moments: the order-2 cascade averaged over the whole picture.

    S = (⟨x⟩, ⟨|x⋆ψ_{j,l}|⟩, ⟨|x⋆r|⟩, ⟨||x⋆ψ_{j,l}|⋆ψ_{k,m}|⟩, j < k), convolutions on the
    torus. 1 + JL + L²J(J−1)/2 numbers, and one more for a tight bank. Derivatives are those
    with respect to the field, in reverse mode; the bank counts as constant, its gradient is 0.

    Args:
        field: one channel, in any unit; the moments have the same unit.
        bank: a bank of the field's shape.
        max_order: 1 leaves out order 2.

    Returns:
        The moments.

    Raises:
        ValueError: if the bank is made for another shape.

    Example:
        >>> import jax.numpy as jnp
        >>> from synth.transforms.filters import morlet_bank
        >>> moments = scatter(jnp.ones((32, 32)), morlet_bank((32, 32)))
        >>> float(moments.order0), round(float(moments.order1.max()), 6)
        (1.0, 0.0)

    Source:
        J. Bruna and S. Mallat, "Invariant scattering convolution networks", IEEE PAMI 35
        (2013), Eqs. 7–10.
    """
    return _cascade(field, lax.stop_gradient(bank), max_order)


def _cascade(field: Float[Array, "h w"], bank: FilterBank, max_order: int) -> Scattering:
    """Both layers, each device with the paths that begin with its own angles."""
    bank.check(field.shape)
    spectrum = centered_spectrum(field, bank.shape)
    wavelets = split(
        _wavelets,
        ANGLE,
        bank.num_angles,
        in_specs=(WHOLE, PartitionSpec(ANGLE), WHOLE),
        out_specs=PartitionSpec(None, ANGLE),
    )
    order1, order2 = whole(wavelets(spectrum, bank.first, bank.second if max_order > 1 else ()))
    if not order2:
        order2 = [jnp.zeros((0, bank.num_angles, order1.shape[1]), order1.dtype)]
    residual = None
    if bank.residual is not None:
        residual = mean(modulus(bandpasses(spectrum, bank.residual)))[0]
    return Scattering(mean(field), order1, residual, jnp.concatenate(order2))


def _wavelets(
    spectrum: Complex[Array, "h w"], first: Sequence[Band], second: Sequence[Band]
) -> tuple[Float[Array, "j l"], list[Float[Array, "_ l m"]]]:
    """Moments of all paths that begin with an angle of ``first``; order 2 by k."""
    kept = [partial(centered_spectrum, box=band.box) for band in second]
    order1, layers = first_layer(spectrum, first, mean, kept)
    order2, stack = [], jnp.zeros((0, *spectrum.shape), spectrum.dtype)
    for k, (band, layer) in enumerate(zip(second, layers, strict=True), start=1):
        stack = jnp.concatenate([resize(each, band.box) for each in (stack, layer)])
        means = _mean_modulus(stack, band)
        order2.append(jnp.moveaxis(means.reshape(len(means), k, -1), 0, 2))
    return order1, order2


@jax.custom_vjp
def _mean_modulus(stack: Complex[Array, "p n m"], band: Band) -> Float[Array, "l p"]:
    """⟨|x⋆ψ_l|⟩ of every spectrum of a stack."""
    return each_chunk(lambda chunk: mean(modulus(bandpass(stack, *chunk))), band, len(stack))


def _mean_modulus_forward(
    stack: Complex[Array, "p n m"], band: Band
) -> tuple[Float[Array, "l p"], tuple[Array, Array | None, Band]]:
    if band.grid_size * len(stack) * band.filters.shape[0] * _BYTES > room().second:
        return _mean_modulus(stack, band), (stack, None, band)

    def one_chunk(chunk: tuple[Array, Array]) -> tuple[Array, Array]:
        maps = bandpass(stack, *chunk)
        return mean(modulus(maps)), maps

    means, maps = each_chunk(one_chunk, band, len(stack))
    return means, (stack, maps, band)


def _mean_modulus_backward(
    saved: tuple[Array, Array | None, Band], cotangent: Float[Array, "l p"]
) -> tuple[Complex[Array, "p n m"], None]:
    stack, kept, band = saved

    def add(
        total: Complex[Array, "p n m"], one: tuple[Array, Array, Array, Array | None]
    ) -> tuple[Array, None]:
        filters, starts, weights, maps = one
        maps = bandpass(stack, filters, starts) if maps is None else maps
        energy = maps.real**2 + maps.imag**2
        scale = weights[..., None, None] * lax.rsqrt(jnp.where(energy > 0, energy, 1))
        slopes = jnp.fft.ifft2(jnp.conj(maps) * scale, norm="forward")
        return add_windows(total, slopes * filters[:, None], starts), None

    leaves = band.filters, band.starts, cotangent / band.grid_size, kept
    return scan_chunks(add, jnp.zeros_like(stack), leaves, band, len(stack))[0], None


_mean_modulus.defvjp(_mean_modulus_forward, _mean_modulus_backward)
