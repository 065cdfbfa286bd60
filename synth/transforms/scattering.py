"""The wavelet-modulus cascade: a field in, its scattering coefficients out.

    x ──► |x⋆ψ_{j,l}| ──► ||x⋆ψ_{j,l}|⋆ψ_{k,m}|,  k > j,

each layer averaged over the whole picture (``scatter``, the moments) or locally by φ_J
(``scatter_local``). Band j of a layer is cut out of the spectrum before its inverse FFT, so
coarse bands cost little, and all maps that feed scale k share batched FFTs, over as many angles
as the caches hold.
"""

from collections.abc import Callable, Sequence
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
    Average,
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

__all__ = ["Path", "Scattering", "paths", "scatter", "scatter_local"]


class Scattering(eqx.Module):
    """Scattering coefficients up to order 2, by name.

    Global averages have the shapes below; local ones carry two more axes, ``n m``, the grid
    on which φ_J is sampled.

    Attributes:
        order0: average of x.
        order1: averages of |x⋆ψ_{j,l}|, per scale j and angle l.
        residual: average of |x⋆r|, r the residual band of a tight bank; None without one.
        order2: averages of ||x⋆ψ_{j,l}|⋆ψ_{k,m}|, per pair p = (j, k), j < k, ordered by k
            and then by j, and per angles l and m.
    """

    order0: Float[Array, "..."]
    order1: Float[Array, "j l ..."]
    residual: Float[Array, "..."] | None
    order2: Float[Array, "p l m ..."]

    def orders(self) -> tuple[Float[Array, "n0"], Float[Array, "n1"], Float[Array, "n2"]]:
        """All numbers of each order, flat; the residual band is the last of order 1."""
        first = [self.order1.ravel()] + ([] if self.residual is None else [self.residual.ravel()])
        return self.order0.ravel(), jnp.concatenate(first), self.order2.ravel()

    def flatten(self) -> Float[Array, " n"]:
        """All numbers in one vector, in the order of ``paths`` for global averages."""
        return jnp.concatenate(self.orders())


class Path(NamedTuple):
    """Which coefficient a number is.

    Attributes:
        order: 0, 1 or 2.
        scales: j of each wavelet on the path, first layer first; −1 is the residual band.
        angles: angle πl/L of each wavelet, radians; the wave of angle 0 runs along a row.
        frequencies: center frequency of each wavelet, radians per pixel.
    """

    order: int
    scales: tuple[int, ...]
    angles: tuple[float, ...]
    frequencies: tuple[float, ...]


def paths(bank: FilterBank) -> list[Path]:
    """Table of the coefficients of a bank, a row each, in the order of ``flatten``.

    Args:
        bank: the bank that ``scatter`` was given.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> table = paths(morlet_bank((32, 32), num_scales=2, num_angles=4))
        >>> len(table), table[1].scales, round(table[1].frequencies[0], 3)
        (26, (0,), 2.356)
    """
    scales, angles = range(bank.num_scales), range(bank.num_angles)

    def path(*steps: tuple[int, int]) -> Path:
        return Path(
            order=len(steps),
            scales=tuple(j for j, _ in steps),
            angles=tuple(np.pi * k / bank.num_angles for _, k in steps),
            frequencies=tuple(XI / 2**j for j, _ in steps),
        )

    residual = [] if bank.residual is None else [Path(1, (-1,), (0.0,), (np.pi * np.sqrt(2),))]
    return [
        path(),
        *(path((j, a)) for j in scales for a in angles),
        *residual,
        *(path((j, a), (k, b)) for k in scales for j in range(k) for a in angles for b in angles),
    ]


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
    return _cascade(field, lax.stop_gradient(bank), mean, _mean_modulus, max_order)


@jax.jit
def scatter_local(field: Float[Array, "h w"], bank: FilterBank) -> Scattering:
    """Windowed scattering coefficients S_J x: the same cascade averaged locally by φ_J.

    S_J x(u) = (x⋆φ_J, |x⋆ψ_{j,l}|⋆φ_J, ||x⋆ψ_{j,l}|⋆ψ_{k,m}|⋆φ_J)(u). Derivatives are as those
    of ``scatter``: the bank counts as constant.

    Args:
        field: one channel, in any unit.
        bank: a bank of the field's shape.

    Returns:
        Coefficients with two more axes ``n m``, the grid ``bank.lowpass.grid``: point (a, b)
        lies at pixel (a·h/n, b·w/m). Their mean over the grid is ``scatter``'s moment.

    Raises:
        ValueError: if the bank is made for another shape.

    Source:
        J. Bruna and S. Mallat (2013), Eq. 8.
    """
    bank = lax.stop_gradient(bank)
    lowpass = bank.lowpass

    def average(maps: Float[Array, "*p n m"]) -> Float[Array, "*p a b"]:
        smooth = centered_spectrum(maps, lowpass.grid) * lowpass.filters[0]
        return jnp.fft.ifft2(jnp.fft.ifftshift(smooth, axes=(-2, -1)), norm="forward").real

    def second(stack: Complex[Array, "p n m"], band: Band) -> Float[Array, "l p a b"]:
        return each_chunk(lambda chunk: average(modulus(bandpass(stack, *chunk))), band, len(stack))

    return _cascade(field, bank, average, second, max_order=2)


SecondLayer = Callable[[Complex[Array, "p n m"], Band], Float[Array, "m p ..."]]


def _cascade(
    field: Float[Array, "h w"],
    bank: FilterBank,
    average: Average,
    second_layer: SecondLayer,
    max_order: int,
) -> Scattering:
    """The two layers; ``second_layer`` averages |·⋆ψ_k| for every angle of one band."""
    bank.check(field.shape)
    spectrum = centered_spectrum(field, bank.shape)
    wavelets = split(
        partial(_wavelets, average=average, second_layer=second_layer),
        ANGLE,
        bank.num_angles,
        in_specs=(WHOLE, PartitionSpec(ANGLE), WHOLE),
        out_specs=PartitionSpec(None, ANGLE),
    )
    order1, order2 = whole(wavelets(spectrum, bank.first, bank.second if max_order > 1 else ()))
    if not order2:
        order2 = [jnp.zeros((0, bank.num_angles, *order1.shape[1:]), order1.dtype)]
    residual = None
    if bank.residual is not None:
        residual = average(modulus(bandpasses(spectrum, bank.residual)))[0]
    return Scattering(average(field), order1, residual, jnp.concatenate(order2))


def _wavelets(
    spectrum: Complex[Array, "h w"],
    first: Sequence[Band],
    second: Sequence[Band],
    average: Average,
    second_layer: SecondLayer,
) -> tuple[Float[Array, "j l ..."], list[Float[Array, "_ l m ..."]]]:
    """Coefficients of all paths that begin with an angle of ``first``; order 2 by k."""
    kept = [partial(centered_spectrum, box=band.box) for band in second]
    order1, layers = first_layer(spectrum, first, average, kept)
    order2, stack = [], jnp.zeros((0, *spectrum.shape), spectrum.dtype)
    for k, (band, layer) in enumerate(zip(second, layers, strict=True), start=1):
        stack = jnp.concatenate([resize(each, band.box) for each in (stack, layer)])
        averages = second_layer(stack, band)
        by_scale = averages.reshape(len(averages), k, -1, *averages.shape[2:])
        order2.append(jnp.moveaxis(by_scale, 0, 2))
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
