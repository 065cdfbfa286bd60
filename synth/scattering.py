"""The wavelet-modulus cascade: a field in, its scattering coefficients out.

    x ──► |x⋆ψ_{j,l}| ──► ||x⋆ψ_{j,l}|⋆ψ_{k,m}|,  k > j,

each layer averaged over the whole picture (``scatter``, the moments) or locally by φ_J
(``scatter_local``). Band j of a layer is cut out of the spectrum before its inverse FFT, so
coarse bands cost little, and all maps that feed scale k share one batched FFT per angle.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float

from synth.bands import (
    add_window,
    bandpass,
    bandpasses,
    centered_spectrum,
    modulus,
    resize,
)
from synth.filters import XI, Band, FilterBank

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
        >>> from synth.filters import morlet_bank
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
    with respect to the field, in reverse mode; the bank counts as constant.

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
        >>> from synth.filters import morlet_bank
        >>> moments = scatter(jnp.ones((32, 32)), morlet_bank((32, 32)))
        >>> float(moments.order0), round(float(moments.order1.max()), 6)
        (1.0, 0.0)

    Source:
        J. Bruna and S. Mallat, "Invariant scattering convolution networks", IEEE PAMI 35
        (2013), Eqs. 7–10.
    """
    return _cascade(field, bank, _mean, _mean_modulus if max_order > 1 else None)


@jax.jit
def scatter_local(field: Float[Array, "h w"], bank: FilterBank) -> Scattering:
    """Windowed scattering coefficients S_J x: the same cascade averaged locally by φ_J.

    S_J x(u) = (x⋆φ_J, |x⋆ψ_{j,l}|⋆φ_J, ||x⋆ψ_{j,l}|⋆ψ_{k,m}|⋆φ_J)(u).

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
    lowpass = bank.lowpass

    def average(maps: Float[Array, "*p n m"]) -> Float[Array, "*p a b"]:
        smooth = resize(centered_spectrum(maps), lowpass.grid) * lowpass.filters[0]
        return jnp.fft.ifft2(jnp.fft.ifftshift(smooth, axes=(-2, -1)), norm="forward").real

    def second(stack: Complex[Array, "p n m"], band: Band) -> Float[Array, "l p a b"]:
        return lax.map(
            lambda one: average(modulus(bandpass(stack, *one))), (band.filters, band.starts)
        )

    return _cascade(field, bank, average, second)


Average = Callable[[Float[Array, "*p n m"]], Float[Array, "..."]]
SecondLayer = Callable[[Complex[Array, "p n m"], Band], Float[Array, "m p ..."]]


def _cascade(
    field: Float[Array, "h w"], bank: FilterBank, average: Average, second_layer: SecondLayer | None
) -> Scattering:
    """The two layers; ``second_layer`` averages |·⋆ψ_k| over every angle of one band, if any."""
    bank.check(field.shape)
    spectrum = centered_spectrum(field)
    order1, order2 = [], []
    stack = jnp.zeros((0, *bank.shape), spectrum.dtype)
    for k, band in enumerate(bank.first):
        if k > 0 and second_layer:
            order2.append(second_layer(stack, bank.second[k - 1]))
        maps = modulus(bandpasses(spectrum, band))
        order1.append(average(maps))
        if k + 1 < bank.num_scales and second_layer:
            layers = (stack, centered_spectrum(maps))
            stack = jnp.concatenate([resize(layer, bank.second[k].box) for layer in layers])
    residual = None
    if bank.residual is not None:
        residual = average(modulus(bandpasses(spectrum, bank.residual)))[0]
    return Scattering(
        order0=average(field),
        order1=jnp.stack(order1),
        residual=residual,
        order2=_by_pairs(order2, order1[0]),
    )


def _by_pairs(
    order2: list[Float[Array, "m _ ..."]], first: Float[Array, "l ..."]
) -> Float[Array, "p l m ..."]:
    """Coefficients of every second scale, second angle first, as one table of pairs.

    ``first`` is a scale of order 1: without pairs it tells how many angles and what grid.
    """
    num_angles = first.shape[0]
    if not order2:
        return jnp.zeros((0, num_angles, *first.shape), first.dtype)
    split = [s.reshape(s.shape[0], -1, num_angles, *s.shape[2:]) for s in order2]
    return jnp.moveaxis(jnp.concatenate(split, axis=1), 0, 2)


def _mean(maps: Float[Array, "*p n m"]) -> Float[Array, "*p"]:
    return maps.mean((-2, -1))


@jax.custom_vjp
def _mean_modulus(stack: Complex[Array, "p n m"], band: Band) -> Float[Array, "l p"]:
    """⟨|x⋆ψ_l|⟩ of every spectrum of a stack, angle by angle, so that maps stay in cache."""
    return lax.map(lambda one: _mean(modulus(bandpass(stack, *one))), (band.filters, band.starts))


def _mean_modulus_forward(
    stack: Complex[Array, "p n m"], band: Band
) -> tuple[Float[Array, "l p"], tuple[Array, Array, Band]]:
    def one_angle(one: tuple[Array, Array]) -> tuple[Array, Array]:
        maps = bandpass(stack, *one)
        return _mean(modulus(maps)), maps

    means, maps = lax.map(one_angle, (band.filters, band.starts))
    return means, (stack, maps, band)


def _mean_modulus_backward(
    saved: tuple[Array, Array, Band], cotangent: Float[Array, "l p"]
) -> tuple[Complex[Array, "p n m"], None]:
    stack, maps, band = saved
    height, width = band.grid

    def add(
        total: Complex[Array, "p n m"], one: tuple[Array, Array, Array, Array]
    ) -> tuple[Array, None]:
        maps, filter_, start, weight = one
        energy = maps.real**2 + maps.imag**2
        scale = weight[:, None, None] * lax.rsqrt(jnp.where(energy > 0, energy, 1))
        slopes = jnp.fft.ifft2(jnp.conj(maps) * scale, norm="forward")
        return add_window(total, slopes * filter_, start), None

    weights = cotangent / (height * width)
    inputs = (maps, band.filters, band.starts, weights)
    return lax.scan(add, jnp.zeros_like(stack), inputs)[0], None


_mean_modulus.defvjp(_mean_modulus_forward, _mean_modulus_backward)
