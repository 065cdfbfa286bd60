"""Bands of a spectrum: windows of the centered Fourier square and what is done with them.

A window of the spectrum, inverse transformed alone, samples x⋆ψ on a coarser grid, times a
wave that neither the modulus nor a covariance sees. Derivatives are written by hand where
automatic differentiation would pad and add full arrays; filters count as constant.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, Inexact, Int

from synth.parallel.mesh import largest_divisor, room
from synth.transforms.filters import Band

__all__ = [
    "Average",
    "Keep",
    "add_windows",
    "bandpass",
    "bandpasses",
    "centered_spectrum",
    "each_chunk",
    "first_layer",
    "half_spectrum",
    "mean",
    "modulus",
    "resize",
    "resize_half",
    "right_half",
    "scan_chunks",
    "windows",
]


_BYTES = 8  # of a complex number

Carry = TypeVar("Carry")
Leaves = TypeVar("Leaves")
Out = TypeVar("Out")

Average = Callable[[Float[Array, "*p n m"]], Float[Array, "..."]]
"""What is kept of maps: one number each, or fewer points."""

Keep = Callable[[Float[Array, "l n m"]], Inexact[Array, "l ..."]]
"""What is kept of the spectra of maps, map by map."""


@jax.custom_jvp
def modulus(z: Complex[Array, "*p"]) -> Float[Array, "*p"]:
    """Modulus |z|, with the derivative 0 where z = 0.

    Args:
        z: complex numbers.

    Returns:
        Their absolute values, same shape.
    """
    return jnp.sqrt(z.real**2 + z.imag**2)


@modulus.defjvp
def _modulus_jvp(
    primals: tuple[Complex[Array, "*p"]], tangents: tuple[Complex[Array, "*p"]]
) -> tuple[Float[Array, "*p"], Float[Array, "*p"]]:
    (z,), (dz,) = primals, tangents
    radius = modulus(z)
    phase = z / jnp.where(radius > 0, radius, 1)
    return radius, phase.real * dz.real + phase.imag * dz.imag


def mean(maps: Float[Array, "*p n m"]) -> Float[Array, "*p"]:
    """Average over the picture."""
    return maps.mean((-2, -1))


def centered_spectrum(
    maps: Float[Array, "*p n m"], box: tuple[int, int]
) -> Complex[Array, "*p a b"]:
    """Fourier coefficients of real maps, on the centered box of the lowest frequencies.

    Args:
        maps: real fields.
        box: height and width of the box; zeros stand where the maps have no frequencies.

    Returns:
        The coefficients, that of the mean at (a // 2, b // 2).
    """
    half, rows = half_spectrum(maps), maps.shape[-2]
    height, width = (min(size, n) for size, n in zip(box, maps.shape[-2:], strict=True))
    first, columns = rows // 2 - height // 2, width // 2
    right = half[..., first : first + height, : width - columns]
    # What is left of the zero is what is right of it, conjugated and turned by half a turn.
    left = half[..., 1 : columns + 1]
    if rows % 2 == 0:
        left = jnp.roll(left, -1, axis=-2)
    left = left[..., rows - first - height : rows - first, :]
    return resize(jnp.concatenate([jnp.flip(left, (-2, -1)).conj(), right], axis=-1), box)


def right_half(maps: Float[Array, "*p n m"], box: tuple[int, int]) -> Complex[Array, "*p a b"]:
    """The columns of ``centered_spectrum`` from the zero on; the others repeat them, conjugated.

    Args:
        maps: real fields.
        box: height and width of the box, which are odd.
    """
    columns = (maps.shape[-1] + 1) // 2
    return resize_half(half_spectrum(maps)[..., :columns], (box[0], box[1] // 2 + 1))


def resize_half(half: Inexact[Array, "*p n m"], grid: tuple[int, int]) -> Inexact[Array, "*p a b"]:
    """Crop a right half, or pad it with zeros, to other numbers of rows and columns."""
    rows, columns = half.shape[-2:]
    return _padded(half, [_centered_edges(rows, grid[0]), (0, grid[1] - columns)])


@jax.custom_vjp
def half_spectrum(maps: Float[Array, "*p n m"]) -> Complex[Array, "*p n k"]:
    """Fourier coefficients of real maps from the column of the zero on, the rows centered."""
    rows, columns = maps.shape[-2:]
    half = jnp.fft.rfft2(maps * _alternating(rows) / (rows * columns))
    return jnp.fft.fftshift(half, axes=-2) if rows % 2 else half


def _half_spectrum_forward(
    maps: Float[Array, "*p n m"],
) -> tuple[Complex[Array, "*p n k"], Float[Array, "0 m"]]:
    return half_spectrum(maps), jnp.zeros((0, maps.shape[-1]), maps.dtype)


def _half_spectrum_backward(
    like: Float[Array, "0 m"], cotangent: Complex[Array, "*p n k"]
) -> tuple[Float[Array, "*p n m"]]:
    rows, columns = cotangent.shape[-2], like.shape[-1]
    half = jnp.fft.ifftshift(cotangent.conj(), axes=-2) if rows % 2 else cotangent.conj()
    # The real part of a transform is that of the Hermitian part of what is transformed; of the
    # columns only those of the zero and of the highest frequency hold their own opposites.
    last = (columns + 1) // 2
    parts = [_hermitian(half[..., :1]), half[..., 1:last] / 2, _hermitian(half[..., last:])]
    maps = jnp.fft.irfft2(jnp.concatenate(parts, axis=-1), s=(rows, columns))
    return (maps * _alternating(rows),)


half_spectrum.defvjp(_half_spectrum_forward, _half_spectrum_backward)


def _hermitian(column: Complex[Array, "*p n _"]) -> Complex[Array, "*p n _"]:
    """Hermitian part of columns that hold their own opposites."""
    return (column + jnp.roll(jnp.flip(column, -2), 1, axis=-2).conj()) / 2


def _alternating(rows: int) -> Int[Array, "n 1"]:
    """Signs that shift a spectrum by half its length; ones, if the number of rows is odd."""
    return (1 - 2 * (jnp.arange(rows) % 2) * (rows % 2 == 0))[:, None]


def resize(spectrum: Inexact[Array, "*p n m"], grid: tuple[int, int]) -> Inexact[Array, "*p a b"]:
    """Crop a centered spectrum, or pad it with zeros, to the frequencies of another grid."""
    sizes = zip(spectrum.shape[-2:], grid, strict=True)
    return _padded(spectrum, [_centered_edges(old, new) for old, new in sizes])


def _centered_edges(old: int, new: int) -> tuple[int, int]:
    """How many frequencies an axis gains at both ends; negative numbers are lost."""
    before = new // 2 - old // 2
    return before, new - old - before


def _padded(
    spectrum: Inexact[Array, "*p n m"], edges: Sequence[tuple[int, int]]
) -> Inexact[Array, "*p a b"]:
    """Zeros at the ends of the last two axes, or so many numbers less."""
    every = [(0, 0, 0)] * (spectrum.ndim - 2) + [(*ends, 0) for ends in edges]
    return lax.pad(spectrum, jnp.zeros((), spectrum.dtype), every)


def windows(
    spectra: Inexact[Array, "*p n m"], starts: Int[Array, "l 2"], grid: tuple[int, int]
) -> Inexact[Array, "l *p a b"]:
    """The parts of centered spectra that begin at the frequencies ``starts``."""
    if grid == spectra.shape[-2:]:
        return jnp.broadcast_to(spectra, (len(starts), *spectra.shape))
    sizes = (*spectra.shape[:-2], *grid)
    return jax.vmap(lambda start: lax.dynamic_slice(spectra, _index(spectra, start), sizes))(starts)


def add_windows(
    spectra: Inexact[Array, "*p n m"], parts: Inexact[Array, "l *p a b"], starts: Int[Array, "l 2"]
) -> Inexact[Array, "*p n m"]:
    """Transpose of ``windows``, added to ``spectra`` in place, one after the other."""
    if parts.shape[-2:] == spectra.shape[-2:]:
        return spectra + parts.sum(0)

    def add(total: Inexact[Array, "*p n m"], one: tuple[Array, Array]) -> tuple[Array, None]:
        part, start = one
        index = _index(total, start)
        part = part + lax.dynamic_slice(total, index, part.shape)
        return lax.dynamic_update_slice(total, part, index), None

    return lax.scan(add, spectra, (parts, starts))[0]


def _index(spectra: Inexact[Array, "*p n m"], start: Int[Array, "2"]) -> tuple[Array, ...]:
    n, m = spectra.shape[-2:]
    zeros = [jnp.zeros((), start.dtype)] * (spectra.ndim - 2)
    return *zeros, start[0] + n // 2, start[1] + m // 2


def bandpass(
    spectra: Complex[Array, "p n m"], filters: Float[Array, "l a b"], starts: Int[Array, "l 2"]
) -> Complex[Array, "l p a b"]:
    """x⋆ψ_l on the grid of its window, times a wave that the modulus does not see."""
    grid = filters.shape[1], filters.shape[2]
    parts = windows(spectra, starts, grid) * filters[:, None]
    return jnp.fft.ifft2(parts, norm="forward")


@jax.custom_vjp
def bandpasses(spectrum: Complex[Array, "n m"], band: Band) -> Complex[Array, "l a b"]:
    """x⋆ψ_l of one spectrum, for every angle of one band."""
    return bandpass(spectrum[None], band.filters, band.starts)[:, 0]


def _bandpasses_forward(
    spectrum: Complex[Array, "n m"], band: Band
) -> tuple[Complex[Array, "l a b"], tuple[Complex[Array, "n m"], Band]]:
    return bandpasses(spectrum, band), (spectrum, band)


def _bandpasses_backward(
    saved: tuple[Complex[Array, "n m"], Band], cotangent: Complex[Array, "l a b"]
) -> tuple[Complex[Array, "n m"], None]:
    spectrum, band = saved
    parts = jnp.fft.ifft2(cotangent, norm="forward") * band.filters
    return add_windows(jnp.zeros_like(spectrum), parts, band.starts), None


bandpasses.defvjp(_bandpasses_forward, _bandpasses_backward)


def each_chunk(function: Callable[[tuple[Array, Array]], Out], band: Band, count: int) -> Out:
    """A function of filters and their starts, applied to a chunk of angles at a time.

    Args:
        function: of a chunk; its results have the angles' axis first.
        band: whose filters they are.
        count: to how many spectra a filter is applied.

    Returns:
        The results of all angles.
    """
    leaves = band.filters, band.starts
    _, out = scan_chunks(lambda _, one: (None, function(one)), None, leaves, band, count)
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), out)


def scan_chunks(
    function: Callable[[Carry, Leaves], tuple[Carry, Out]],
    first: Carry,
    leaves: Leaves,
    band: Band,
    count: int,
) -> tuple[Carry, Out]:
    """``lax.scan`` over chunks of angles, which are the first axis of every leaf."""
    size = _chunk_size(band, count)
    chunks = jax.tree.map(lambda leaf: leaf.reshape(-1, size, *leaf.shape[1:]), leaves)
    return lax.scan(function, first, chunks, unroll=size == len(band.starts))


def _chunk_size(band: Band, count: int) -> int:
    """How many angles are filtered at once.

    Args:
        band: of so many angles.
        count: to how many spectra a filter is applied.
    """
    num_angles = len(band.starts)
    fit = room().step // (band.grid_size * count * _BYTES)
    return largest_divisor(num_angles, fit)


def first_layer(
    spectrum: Complex[Array, "n m"],
    bands: Sequence[Band],
    average: Average,
    kept: Sequence[Keep],
) -> tuple[Float[Array, "j l ..."], list[Inexact[Array, "l ..."]]]:
    """Averages of |x⋆ψ_{j,l}|, and what is kept of their spectra.

    Args:
        spectrum: of x, centered.
        bands: one per scale.
        average: of maps.
        kept: what is kept of the spectra of scales 0, 1, … len(kept) − 1.

    Returns:
        The averages, and what is kept per scale.
    """
    averages, spectra = [], []
    for band, keep in zip_longest(bands, kept):
        several = _layer(spectrum, band, average, keep)
        averages.append(several[0])
        spectra += several[1:]
    return jnp.stack(averages), spectra


def _layer(
    spectrum: Complex[Array, "n m"], band: Band, average: Average, keep: Keep | None
) -> tuple[Array, ...]:
    """Averages of |x⋆ψ_l| of one scale, and what is kept of their spectra, if anything is.

    All angles at once, unless their maps would be many: then a chunk at a time, and the derivative
    makes them again.
    """

    def some(chunk: tuple[Array, Array]) -> tuple[Array, ...]:
        maps = modulus(bandpasses(spectrum, Band(*chunk, band.box)))
        return (average(maps), *([] if keep is None else [keep(maps)]))

    if len(band.starts) * band.grid_size * _BYTES < room().first:
        return some((band.filters, band.starts))
    return each_chunk(jax.checkpoint(some), band, 1)
