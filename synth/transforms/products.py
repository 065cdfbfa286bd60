"""Sums over frequencies: products of the spectra of real fields, as every scale sees them.

A covariance over the whole picture is a sum over frequencies (Parseval), so that a wavelet whose
output is only correlated needs no inverse FFT: all spectra that feed it are cut to its band and
multiplied with each other, a matrix product weighted by |ψ̂|². Half of the frequencies tell all
of a real field, see ``responses``. Devices share the angles of the first layer, then the combs of
frequencies: each gives every other one the combs of its own moduli, and the sums are added.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Complex, Float

from synth.parallel.mesh import ANGLE, WHOLE, exchanged, largest_divisor, room, share, split, whole
from synth.transforms.filters import Band, FilterBank
from synth.transforms.responses import Response, combed
from synth.transforms.windows import first_layer, half_spectrum, mean, resize_half

__all__ = ["combs_of_maps", "combs_of_spectrum", "products", "products_of_scales", "times"]

_BYTES = 4  # of a real number
_ARRAYS = 8  # of the size of a part that are at work at once

Sums = TypeVar("Sums")


def products_of_scales(
    spectra: Complex[Array, "c h w"],
    bank: FilterBank,
    sums: Callable[[Float[Array, "2 c n q r s"], Response], Sums],
) -> tuple[Float[Array, "c j l"], list[Sums]]:
    """Means of the moduli, and for every scale k sums over the frequencies that ψ_k sees.

    Args:
        spectra: of real fields of mean 0, centered; one per channel.
        bank: of their shape.
        sums: of combs of each field and of its moduli |x⋆ψ_{j,l}|, j ≤ k, in this order, and the
            response on these combs. Its results are sums over the combs.

    Returns:
        S1 of every channel, and the results of ``sums`` of all combs per scale.
    """
    angles = bank.num_angles
    by_scale = bank.with_responses().responses

    def work(
        spectra: Complex[Array, "c h w"],
        first: Sequence[Band],
        by_scale: Sequence[Response],
    ) -> tuple[Float[Array, "c j l"], list[Sums]]:
        kept = [partial(_kept, grid=each.grid, combs=angles) for each in by_scale]
        moduli, waves = _mapped(partial(first_layer, bands=first, average=mean, kept=kept), spectra)
        own = share(combs_of_spectrum(spectra, by_scale[0].grid, angles), ANGLE, 2)
        stack, found = own[:, :, None], []
        for wave, response in zip(_all_angles(waves), by_scale, strict=True):
            new = jnp.moveaxis(wave, 2, 0)
            stack = jnp.concatenate([resize_half(stack, response.grid), new], axis=2)
            found.append(sums(stack, response))
        return moduli, jax.tree.map(lambda leaf: leaf[None], found)

    shared = split(
        work,
        ANGLE,
        angles,
        in_specs=(WHOLE, PartitionSpec(ANGLE), PartitionSpec(None, ANGLE)),
        out_specs=(PartitionSpec(None, None, ANGLE), PartitionSpec(ANGLE)),
    )
    moduli, found = shared(spectra, bank.first, by_scale)
    # Each device's own sums, to be added: the derivative of a sum inside would be added again.
    return whole((moduli, jax.tree.map(lambda leaf: leaf.sum(0), found)))


def _all_angles(
    waves: Sequence[Float[Array, "c _ 2 _ _ _"]],
) -> list[Float[Array, "c _ 2 _ _ _"]]:
    """All angles on some combs, for some angles on all combs: one exchange for all scales."""
    flat = [wave.reshape(*wave.shape[:4], -1) for wave in waves]
    ends = np.cumsum([each.shape[-1] for each in flat])[:-1]
    given = exchanged(jnp.concatenate(flat, axis=-1), ANGLE, given=3, gained=1)
    parts = zip(jnp.split(given, ends, axis=-1), waves, strict=True)
    return [part.reshape(*part.shape[:4], *wave.shape[4:]) for part, wave in parts]


def _mapped(function: Callable[[Array], Sums], every: Array) -> Sums:
    """``lax.map``; without a loop for one alone, which would copy what it keeps."""
    if len(every) > 1:
        return lax.map(function, every)
    return jax.tree.map(lambda leaf: leaf[None], function(every[0]))


def _kept(
    maps: Float[Array, "*p n m"], grid: tuple[int, int], combs: int
) -> Float[Array, "*p 2 q r s"]:
    """``combs_of_maps``, map by map."""
    return jnp.moveaxis(combs_of_maps(maps, grid, combs), 0, -4)


def combs_of_maps(
    maps: Float[Array, "*p n m"], grid: tuple[int, int], combs: int
) -> Float[Array, "2 *p q r s"]:
    """Real and imaginary parts of the spectra of real maps, the right half, by combs.

    Args:
        maps: real fields.
        grid: rows of a comb, and columns.
        combs: how many.
    """
    return _combed(half_spectrum(maps), grid, combs)


def combs_of_spectrum(
    spectra: Complex[Array, "*p h w"], grid: tuple[int, int], combs: int
) -> Float[Array, "2 *p q r s"]:
    """The same of centered spectra of real fields on all frequencies of the picture."""
    columns = spectra.shape[-1]
    right = spectra[..., columns // 2 :]
    if columns % 2 == 0:  # the highest frequency is its own opposite
        right = jnp.concatenate([right, spectra[..., :1]], axis=-1)
    return _combed(right, grid, combs)


def _combed(
    half: Complex[Array, "*p n m"], grid: tuple[int, int], combs: int
) -> Float[Array, "2 *p q r s"]:
    rows, columns = grid
    half = resize_half(half, (rows * combs, columns))
    return jnp.stack([combed(half.real, combs), combed(half.imag, combs)])


def products(stack: Float[Array, "2 n q r s"], response: Response) -> Complex[Array, "m n n"]:
    """Σ |ψ_m|² X_r X_s* of all fields r, s over the frequencies of some combs, for each angle m.

    Args:
        stack: real and imaginary parts of their spectra, by combs.
        response: on these combs; it counts as constant.

    Returns:
        The sums; those of all combs are ⟨(x_r⋆ψ_m)(x_s⋆ψ_m)*⟩.
    """
    flat = stack.reshape(*stack.shape[:2], -1)
    angles = len(response.even)
    return _products(flat, response.even.reshape(angles, -1), response.odd.reshape(angles, -1))


Weights = Float[Array, "m f"]


@jax.custom_vjp
def _products(stack: Float[Array, "2 n f"], even: Weights, odd: Weights) -> Complex[Array, "m n n"]:
    """Σ e Re(X_r X_s*) + i o Im(X_r X_s*): real matrix products, of parts that caches hold."""
    return _products_forward(stack, even, odd)[0]


Saved = tuple[Float[Array, "2 n f"], Weights, Weights]


def _products_forward(
    stack: Float[Array, "2 n f"], even: Weights, odd: Weights
) -> tuple[Complex[Array, "m n n"], Saved]:
    def add(
        total: tuple[Array, Array], part: Saved, _: Array | int
    ) -> tuple[Float[Array, "mn n"], Float[Array, "mn n"]]:
        planes, even, odd = part
        turned = planes.swapaxes(1, 2)
        same = times(_each(even, planes), turned)
        crossed = times(_each(odd, planes[1:]), turned[:1])
        return total[0] + same.sum(0), total[1] + crossed[0]

    n, angles = stack.shape[1], len(even)
    nothing = jnp.zeros((angles * n, n), stack.dtype)
    found = _over_parts(add, (nothing, nothing), stack, even, odd)
    real, crossed = (each.reshape(angles, n, n) for each in found)
    return lax.complex(real, crossed - crossed.swapaxes(1, 2)), (stack, even, odd)


def _products_backward(
    saved: Saved, cotangent: Complex[Array, "m n n"]
) -> tuple[Float[Array, "2 n f"], None, None]:
    stack, even, odd = saved
    n = stack.shape[1]

    def beside(matrices: Float[Array, "m n n"]) -> Float[Array, "n mn"]:
        return matrices.swapaxes(0, 1).reshape(n, -1)

    # JAX's cotangent of a complex number is that of its real part less i times the other's.
    real, imag = cotangent.real, -cotangent.imag
    even_slopes = beside(real + real.swapaxes(1, 2))
    crossed = imag - imag.swapaxes(1, 2)
    odd_slopes = jnp.stack([beside(crossed.swapaxes(1, 2)), beside(crossed)])
    every_even = jnp.broadcast_to(even_slopes, odd_slopes.shape)

    def put(total: Float[Array, "2 n _"], part: Saved, start: Array | int) -> Array:
        planes, even, odd = part
        slopes = times(every_even, _each(even, planes))
        slopes += times(odd_slopes, _each(odd, planes[::-1]))
        return lax.dynamic_update_slice_in_dim(total, slopes, start, axis=2)

    return _over_parts(put, jnp.zeros_like(stack), stack, even, odd), None, None


_products.defvjp(_products_forward, _products_backward)


def _over_parts(
    function: Callable[[Sums, Saved, Array | int], Sums],
    first: Sums,
    stack: Float[Array, "2 n f"],
    even: Weights,
    odd: Weights,
) -> Sums:
    """A function of what it gave before, of a part of the frequencies, and of where that begins."""
    count = stack.shape[2]
    fit = room().step // (_BYTES * _ARRAYS * len(even) * stack.shape[1])
    size = largest_divisor(count, fit)
    if size == count:
        return function(first, (stack, even, odd), 0)

    def step(total: Sums, start: Array) -> tuple[Sums, None]:
        cut = partial(lax.dynamic_slice_in_dim, start_index=start, slice_size=size, axis=-1)
        return function(total, (cut(stack), cut(even), cut(odd)), start), None

    return lax.scan(step, first, size * jnp.arange(count // size))[0]


def _each(weights: Weights, planes: Float[Array, "p n f"]) -> Float[Array, "p mn f"]:
    """Real or imaginary parts under the weights of every angle."""
    return (weights[:, None] * planes[:, None]).reshape(len(planes), -1, planes.shape[-1])


def times(a: Float[Array, "*p n f"], b: Float[Array, "*p f m"]) -> Float[Array, "*p n m"]:
    """Matrix products A B, in full precision on every device."""
    return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)
