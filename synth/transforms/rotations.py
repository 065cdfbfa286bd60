"""Scattering along rotations: windowed averages that a rotation of the picture does not change.

    x ──► U_j(u, θ) = |x⋆ψ_{j,θ}|(u) ──► y(u, θ) = U_j(·, θ)⋆ψ_{k,θ+πm/L} ──► |y ⋆_θ ψ̄_q|,

averaged over u by φ_J and over θ. A rotation of x moves θ to another θ on its cycle, so it leaves
these averages alone. An average of |y| over θ would do that as well, but forget which directions
meet at one place; convolutions along θ remember it.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Complex, Float, Int

from synth.transforms.filters import SIGMA, XI, Band, FilterBank
from synth.transforms.windowed import sampled_locally
from synth.transforms.windows import (
    Average,
    bandpass,
    bandpasses,
    centered_spectrum,
    first_layer,
    modulus,
    resize,
)

__all__ = [
    "RotationPath",
    "num_rotations",
    "rotation_filters",
    "rotation_paths",
    "scatter_rotations",
]


class RotationPath(NamedTuple):
    """Which coefficient a map of ``scatter_rotations`` is.

    Attributes:
        order: number of wavelets on the path in the picture, 0 to 2.
        scales: j of each of them, first layer first; −1 is the residual band. Averaged over
            scales, (k − j,) at order 2 and nothing at order 1.
        angle: of the second wavelet, relative to the first, radians in [0, π); None below order 2.
        rotation: q of the wavelet along rotations; None if they are averaged.
    """

    order: int
    scales: tuple[int, ...] = ()
    angle: float | None = None
    rotation: int | None = None


def rotation_paths(bank: FilterBank, *, over_scales: bool = False) -> list[RotationPath]:
    """Table of the maps of ``scatter_rotations``, a row each.

    Order 0; at order 1 the averages, by j, then the residual band, then by j and q; at order 2
    by k, then by j (over scales: by k − j), then by relative angle, at each the average first
    and then by q.

    Args:
        bank: the bank that the transform was given.
        over_scales: as there.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> table = rotation_paths(morlet_bank((32, 32), num_scales=2, num_angles=4))
        >>> len(table), table[-1].scales, table[-1].rotation
        (18, (0, 1), 1)
    """
    scales, angles = range(bank.num_scales), np.pi * np.arange(bank.num_angles) / bank.num_angles
    single = [(j,) for j in scales]
    pairs = [(j, k) for k in scales for j in range(k)]
    if over_scales:
        single, pairs = [()], [(step,) for step in scales[1:]]
    once, twice = (range(num_rotations(turns * bank.num_angles)) for turns in (1, 2))
    return [
        RotationPath(0),
        *(RotationPath(1, steps) for steps in single),
        *([] if bank.residual is None else [RotationPath(1, (-1,))]),
        *(RotationPath(1, steps, None, q) for steps in single for q in once),
        *(
            RotationPath(2, steps, float(angle), q)
            for steps in pairs
            for angle in angles
            for q in (None, *twice)
        ),
    ]


@jax.jit(static_argnames=("stride", "over_scales"))
def scatter_rotations(
    fields: Float[Array, "*b h w"],
    bank: FilterBank,
    *,
    stride: int | None = None,
    over_scales: bool = False,
) -> Float[Array, "*b p n m"]:
    """Roto-translation scattering coefficients, sampled once per stride.

    With U_j(u, θ) = |x⋆ψ_{j,θ}|(u), which θ turns once in π, and
    y(u, θ) = U_j(·, θ)⋆ψ_{k,θ+πm/L}(u), j < k, once in 2π, they are x⋆φ_J; ⟨U_j⋆φ_J⟩_θ,
    |x⋆r|⋆φ_J and ⟨|U_j⋆φ_J ⋆_θ ψ̄_q|⟩_θ; ⟨|y ⋆_θ φ̄|⟩_θ⋆φ_J and ⟨|y ⋆_θ ψ̄_q|⟩_θ⋆φ_J. Wavelets
    along θ have one sign of frequency, as the other one has the same averages: y(θ+π) is the
    conjugate of y(θ). Derivatives are those with respect to the fields; the bank counts as
    constant.

    Args:
        fields: one channel each, in any unit; leading axes are pictures of a batch.
        bank: of the fields' shape, if they lie on a torus; of their ``padded_shape``, if they are
            to be reflected at their borders.
        stride: pixels between coefficients, 2^J by default.
        over_scales: average over j, at order 2 with k − j kept.

    Returns:
        Coefficients in the fields' unit: p paths as in ``rotation_paths``, on the grid of
        ``scatter_local``.

    Raises:
        InputError: if the bank is made for another shape, or the stride is out of range.

    Example:
        >>> import jax.numpy as jnp
        >>> from synth.transforms.filters import morlet_bank
        >>> bank = morlet_bank((32, 32), num_scales=2, num_angles=4)
        >>> scatter_rotations(jnp.ones((5, 32, 32)), bank).shape
        (5, 18, 8, 8)

    Source:
        L. Sifre and S. Mallat, "Rotation, scaling and deformation invariant scattering for
        texture discrimination", CVPR 2013, Secs. 3 and 4; E. Oyallon and S. Mallat, "Deep
        roto-translation scattering for object classification", CVPR 2015.
    """
    return sampled_locally(partial(_cascade, over_scales=over_scales), fields, bank, stride)


def num_rotations(size: int) -> int:
    """Number Q of wavelets along a cycle of angles.

    As many octaves as have their center frequency, ξ/2^q, at or above the slowest wave of the
    cycle, 2π/size: log₂(size) − 1 for powers of two. A coarser one would see only what the
    coarsest sees, weaker. There is one at least, unless the cycle is one angle.

    Args:
        size: angles in the cycle.

    Example:
        >>> [num_rotations(size) for size in (1, 2, 4, 8, 16)]
        [0, 1, 1, 2, 3]
    """
    return 0 if size == 1 else max(1, (3 * size // 4).bit_length() - 1)


def rotation_filters(
    size: int,
) -> tuple[Float[np.ndarray, " size"], Float[np.ndarray, "q size"]]:
    """Transfer functions of φ̄ and of the Morlet wavelets ψ̄_q along a cycle of angles, float64.

    Those of ``morlet_bank`` in one dimension, at scales 2^q angles, divided by √A, so that
    |φ̄(ν)|² + ½ Σ_q (|ψ̄_q(ν)|² + |ψ̄_q(−ν)|²) = 1.

    Args:
        size: angles in the cycle.

    Returns:
        φ̄ and ψ̄_q at ν = 0 … size − 1 waves per cycle.
    """
    count = num_rotations(size)
    lattice = 2 * np.pi * np.arange(-4, 5)
    frequencies = 2 * np.pi * np.fft.fftfreq(size)[:, None] + lattice

    def gaussian(q: int, center: float) -> Float[np.ndarray, " size"]:
        return np.exp(-((SIGMA * 2**q * (frequencies - center)) ** 2) / 2).sum(1)

    def morlet(q: int) -> Float[np.ndarray, " size"]:
        wave, envelope = gaussian(q, XI / 2**q), gaussian(q, 0.0)
        return wave - wave[0] / envelope[0] * envelope

    lowpass = gaussian(max(0, count - 1), 0.0)
    wavelets = np.array([morlet(q) for q in range(count)]).reshape(count, size)
    energy = (wavelets**2).sum(0)
    gain = 1 / np.sqrt(lowpass**2 + (energy + np.roll(energy[::-1], 1)) / 2)
    return lowpass * gain, wavelets * gain


def _circulants(transfers: Float[np.ndarray, "f t"]) -> Float[np.ndarray, "2 f t t"]:
    """Convolutions along a cycle as matrices, real and imaginary part, of transfer functions."""
    angles = np.arange(transfers.shape[1])
    kernels = np.fft.ifft(transfers)[:, (angles[:, None] - angles) % len(angles)]
    return np.stack([np.real(kernels), np.imag(kernels)])


def _turns(num_angles: int, dtype: DTypeLike) -> Float[Array, "s 2 r t"]:
    """Convolutions along θ in [0, 2π) of the maps y at θ in [0, π).

    The real part of y goes on after π as it began, the imaginary part as its negative: each is
    convolved with the kernel folded that way.

    Returns:
        For every θ in [0, π): the weights, for the real and for the imaginary part of y, of φ̄,
        then of all Re ψ̄_q, then of all Im ψ̄_q.
    """
    lowpass, wavelets = rotation_filters(2 * num_angles)
    kernels = np.concatenate([_circulants(lowpass[None])[0], *_circulants(wavelets)])
    own, opposite = np.split(kernels[:, :num_angles], 2, axis=2)
    folded = np.stack([own + opposite, own - opposite])
    return jnp.asarray(np.moveaxis(folded, 2, 0).astype(dtype), dtype)


def _cascade(
    field: Float[Array, "h w"], bank: FilterBank, average: Average, over_scales: bool
) -> Float[Array, "p n m"]:
    """All paths of one picture."""
    spectrum = centered_spectrum(field, bank.shape)
    kept = [partial(centered_spectrum, box=band.box) for band in bank.first[1:]]
    local, layers = first_layer(spectrum, bank.first, average, kept)
    means, waves = local.mean(1), _along_rotations(local)
    second = _second_layer(layers, bank.first[1:], average)
    if over_scales:
        means, waves = means.mean(0, keepdims=True), waves.mean(0, keepdims=True)
        second = [
            jnp.stack([maps[-d] for maps in second[d - 1 :]]).mean(0, keepdims=True)
            for d in range(1, bank.num_scales)
        ]
    found = [average(field)[None], means]
    if bank.residual is not None:
        found.append(average(modulus(bandpasses(spectrum, bank.residual))))
    found += [maps.reshape(-1, *local.shape[2:]) for maps in (waves, *second)]
    return jnp.concatenate(found)


def _along_rotations(local: Float[Array, "j l n m"]) -> Float[Array, "j q n m"]:
    """⟨|U_j⋆φ_J ⋆_θ ψ̄_q|⟩_θ."""
    matrices = _circulants(rotation_filters(local.shape[1])[1])
    real, imag = jnp.einsum("cqst,jtnm->cjqsnm", matrices.astype(local.dtype), local)
    return modulus(lax.complex(real, imag)).mean(2)


def _second_layer(
    layers: Sequence[Complex[Array, "l _ _"]], bands: Sequence[Band], average: Average
) -> list[Float[Array, "j l r n m"]]:
    """⟨|y ⋆_θ φ̄|⟩_θ⋆φ_J and ⟨|y ⋆_θ ψ̄_q|⟩_θ⋆φ_J of all j < k and relative angles, for every k.

    The windows are those of the first layer: waves in several directions add up along θ, so that
    the modulus oscillates faster than that of one.

    Args:
        layers: spectra of U_j at all angles, j = 0 … J − 2.
        bands: of the scales k = 1 … J − 1.
        average: of maps.
    """
    found = []
    for k, band in enumerate(bands, start=1):
        stack = jnp.stack([resize(layer, band.box) for layer in layers[:k]], axis=1)
        found.append(_pairs(stack, band, average))
    return found


def _pairs(
    stack: Complex[Array, "l j a b"], band: Band, average: Average
) -> Float[Array, "j l r n m"]:
    """The same of one k, given the spectra of all finer U_j."""
    num_angles = len(stack)
    turns = _turns(num_angles, band.filters.dtype)

    # The derivative makes the maps of one relative angle again: of all they would be many.
    @jax.checkpoint
    def one(relative: Int[Array, ""]) -> Float[Array, "j r n m"]:
        maps = _relative_to_first(stack, band, relative)
        # Beyond θ = π the second wavelet is the conjugate of the one stored.
        signs = 1 - 2 * (jnp.arange(num_angles) + relative >= num_angles)
        means = average(_mean_moduli(maps.real, maps.imag, turns.at[:, 1].multiply(signs)))
        return jnp.moveaxis(means, 1, 0)

    return jnp.moveaxis(lax.map(one, jnp.arange(num_angles)), 1, 0)


def _relative_to_first(
    stack: Complex[Array, "l j a b"], band: Band, relative: Int[Array, ""]
) -> Complex[Array, "l j n m"]:
    """U_j(·, θ)⋆ψ of every θ by the wavelet that stands at a relative angle, counted modulo π."""
    num_angles = len(stack)

    def one(turned: tuple[Int[Array, ""], Complex[Array, "j a b"]]) -> Complex[Array, "j n m"]:
        angle, spectra = turned
        at = (angle + relative) % num_angles
        start = band.starts[at]
        maps = bandpass(spectra, band.filters[at][None], start[None])[0]
        return maps * _carrier(start, band)

    return lax.map(one, (jnp.arange(num_angles), stack))


def _carrier(start: Int[Array, "2"], band: Band) -> Complex[Array, "n m"]:
    """The wave of a window's first frequency, which ``bandpass`` leaves out."""

    def wave(first: Int[Array, ""], size: int) -> Complex[Array, " n"]:
        # Whole turns are taken off while they are integers.
        phase = 2 * np.pi / size * (first * jnp.arange(size) % size).astype(band.filters.dtype)
        return lax.complex(jnp.cos(phase), jnp.sin(phase))

    rows, columns = (wave(start[axis], band.grid[axis]) for axis in (0, 1))
    return rows[:, None] * columns


@jax.custom_vjp
def _mean_moduli(
    real: Float[Array, "t j n m"], imag: Float[Array, "t j n m"], turns: Float[Array, "s 2 r t"]
) -> Float[Array, "q j n m"]:
    """⟨|y ⋆_θ φ̄|⟩_θ and ⟨|y ⋆_θ ψ̄_q|⟩_θ over [0, 2π), given y at θ in [0, π)."""

    def add(total: Array, weights: Float[Array, "2 r t"]) -> tuple[Array, None]:
        smooth, after, before = _turned((real, imag), weights)
        waves = (modulus(after) + modulus(before)) / 2
        return total + jnp.concatenate([modulus(smooth), waves]), None

    count = turns.shape[2] // 2 + 1
    total, _ = lax.scan(add, jnp.zeros((count, *real.shape[1:]), real.dtype), turns)
    return total / len(turns)


def _turned(
    parts: tuple[Float[Array, "t j n m"], Float[Array, "t j n m"]], weights: Float[Array, "2 r t"]
) -> tuple[Complex[Array, "1 j n m"], Complex[Array, "q j n m"], Complex[Array, "q j n m"]]:
    """Convolutions y ⋆_θ φ̄ at one θ, and y ⋆_θ ψ̄_q there and, conjugated, half a turn later.

    The latter are y ⋆_θ Re ψ̄ ± i y ⋆_θ Im ψ̄.
    """
    both = zip(weights, parts, strict=True)
    maps = lax.complex(*(jnp.einsum("rt,tjnm->rjnm", *each) for each in both))
    count = len(maps) // 2
    even, odd = maps[1 : count + 1], 1j * maps[count + 1 :]
    return maps[:1], even + odd, even - odd


def _mean_moduli_forward(real: Array, imag: Array, turns: Array) -> tuple[Array, tuple[Array, ...]]:
    return _mean_moduli(real, imag, turns), (real, imag, turns)


def _mean_moduli_backward(
    saved: tuple[Array, Array, Array], cotangent: Float[Array, "q j n m"]
) -> tuple[Array, Array, None]:
    *parts, turns = saved
    cotangent = cotangent / len(turns)

    def add(totals: tuple[Array, ...], weights: Array) -> tuple[tuple[Array, ...], None]:
        smooth, after, before = _turned((parts[0], parts[1]), weights)
        first = _phase(smooth) * cotangent[:1]
        one, other = (_phase(maps) * cotangent[1:] / 2 for maps in (after, before))
        slopes = jnp.concatenate([first, one + other, -1j * (one - other)])
        each = zip(totals, weights, (slopes.real, slopes.imag), strict=True)
        return tuple(t + jnp.einsum("rt,rjnm->tjnm", w, part) for t, w, part in each), None

    zero = jnp.zeros_like(parts[0])
    (real, imag), _ = lax.scan(add, (zero, zero), turns)
    return real, imag, None


def _phase(z: Complex[Array, "*p"]) -> Complex[Array, "*p"]:
    """Of every number z: z / |z|, or 0."""
    energy = z.real**2 + z.imag**2
    return z * lax.rsqrt(jnp.where(energy > 0, energy, 1))


_mean_moduli.defvjp(_mean_moduli_forward, _mean_moduli_backward)
