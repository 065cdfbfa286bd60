"""Windowed scattering S_J x, a picture's representation: the cascade averaged locally by φ_J.

    x ──► |x⋆ψ_{j1}| ──► ||x⋆ψ_{j1}|⋆ψ_{j2}| ──► |||x⋆ψ_{j1}|⋆ψ_{j2}|⋆ψ_{j3}|,  j1 < j2 < j3,

every map averaged by φ_J and sampled once per stride. Where ``scatter`` keeps one number per path,
for a texture, ``scatter_local`` keeps where in the picture it was measured, for a shape.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Complex, Float, Inexact

from synth.errors import InputError
from synth.parallel.mesh import SAMPLE, WHOLE, room, split_if_even
from synth.transforms.filters import Band, FilterBank
from synth.transforms.fourier import good_length
from synth.transforms.kernels import averages
from synth.transforms.windows import (
    Average,
    bandpass,
    bandpasses,
    centered_spectrum,
    modulus,
    resize,
)

__all__ = ["MAX_ORDER", "Cascade", "padded_shape", "scatter_local", "sampled_locally"]

MAX_ORDER = 3
"""Wavelets on the longest path."""

Cascade = Callable[[Float[Array, "h w"], FilterBank, Average], Float[Array, "p n m"]]
"""All paths of a field on the torus of a bank, as the given average leaves them."""

_BYTES = 16  # of a point of all maps: complex, and its modulus
_AT_ONCE = 2  # times the maps that fit into the caches


def padded_shape(shape: tuple[int, int], num_scales: int) -> tuple[int, int]:
    """Shape of the bank by which ``scatter_local`` reflects a picture at its borders.

    The shortest quick FFT lengths that are multiples of 2^J and leave a margin of 2^J pixels,
    2.5 standard deviations of φ_J, on all sides.

    Args:
        shape: height and width of the pictures, pixels.
        num_scales: J.

    Example:
        >>> padded_shape((28, 32), 3)
        (48, 48)
    """
    unit = 2**num_scales
    height, width = (unit * good_length(math.ceil(n / unit) + 2) for n in shape)
    return height, width


@jax.jit(static_argnames=("stride", "max_order"))
def scatter_local(
    fields: Float[Array, "*b h w"],
    bank: FilterBank,
    *,
    stride: int | None = None,
    max_order: int = 2,
) -> Float[Array, "*b p n m"]:
    """Windowed scattering coefficients S_J x(u), sampled once per stride.

    S_J x(u) = (x⋆φ_J, |x⋆ψ_{j,l}|⋆φ_J, |x⋆r|⋆φ_J, ||x⋆ψ_{j,l}|⋆ψ_{k,m}|⋆φ_J, …)(u), scales
    growing along a path. Many pictures are one program, which takes a few at a time. Derivatives
    are those with respect to the fields; the bank counts as constant.

    Args:
        fields: one channel each, in any unit; leading axes are pictures of a batch.
        bank: of the fields' shape, if they lie on a torus; of their ``padded_shape``, if they are
            to be reflected at their borders. With ``oversampling=MAPS`` it is twice as fast and, of
            4 angles or more, right to 2 %, by default to 1 %, relative to the norm of an order; of
            2 angles both are right to 3 %.
        stride: pixels between coefficients, 2^J by default. With stride² times its square for
            each coefficient, a tight bank's ‖S_J x − S_J y‖ ≤ ‖x − y‖ holds at 2^J/4 and below;
            the bound is 1.004 times that at 2^J/2 and 1.3 times at 2^J, where 1.04 was met.
        max_order: wavelets on the longest path, 1 to 3.

    Returns:
        Coefficients in the fields' unit: p paths as in ``paths(bank, max_order)``, on a grid of
        n = ⌈h / stride⌉ by m = ⌈w / stride⌉ points. On a torus they are h/n and w/m pixels
        apart, beginning at pixel (0, 0); reflected fields have them a stride apart, with equal
        margins on either side.

    Raises:
        InputError: if the bank is made for another shape, or the stride or order is out of range.

    Example:
        >>> import jax.numpy as jnp
        >>> from synth.transforms.filters import morlet_bank
        >>> bank = morlet_bank(padded_shape((28, 28), 2), num_scales=2, num_angles=8)
        >>> scatter_local(jnp.ones((5, 28, 28)), bank).shape
        (5, 82, 7, 7)

    Source:
        J. Bruna and S. Mallat, "Invariant scattering convolution networks", IEEE PAMI 35
        (2013), Eq. 8.
    """
    if not 1 <= max_order <= MAX_ORDER:
        raise InputError(f"The order {max_order} is out of range: choose 1 to {MAX_ORDER}.")
    return sampled_locally(partial(_cascade, max_order=max_order), fields, bank, stride)


def sampled_locally(
    cascade: Cascade, fields: Float[Array, "*b h w"], bank: FilterBank, stride: int | None
) -> Float[Array, "*b p n m"]:
    """A cascade of many pictures, a few at a time, averaged once per stride.

    Args:
        cascade: of one picture.
        fields: as ``scatter_local`` takes them.
        bank: for it; it counts as constant.
        stride: pixels, or None for 2^J.

    Returns:
        The averages, on the grid of ``scatter_local``.

    Raises:
        InputError: if the bank is made for another shape, or the stride is out of range.
    """
    shape: tuple[int, int] = fields.shape[-2:]  # pyright: ignore[reportAssignmentType]
    stride = _checked(shape, bank, stride)
    several = fields.reshape(-1, *shape)

    def one(field: Float[Array, "h w"], bank: FilterBank) -> Float[Array, "p n m"]:
        sizes = list(zip(shape, bank.shape, strict=True))
        rows, columns = (_points(*each, stride) for each in sizes)
        average = partial(averages, kernels=bank.kernels, points=(rows, columns))
        padded = jnp.pad(field, [_margins(*each) for each in sizes], mode="reflect")
        return cascade(padded, bank, average)

    def each(fields: Float[Array, "b h w"], bank: FilterBank) -> Float[Array, "b p n m"]:
        size = min(len(fields), max(1, _AT_ONCE * room().step // (_BYTES * bank.num_points)))
        return lax.map(lambda field: one(field, bank), fields, batch_size=size)

    shared = split_if_even(
        each,
        SAMPLE,
        len(several),
        in_specs=(PartitionSpec(SAMPLE), WHOLE),
        out_specs=PartitionSpec(SAMPLE),
    )
    maps = shared(several, lax.stop_gradient(bank))
    return maps.reshape(*fields.shape[:-2], *maps.shape[1:])


def _checked(shape: tuple[int, int], bank: FilterBank, stride: int | None) -> int:
    """The stride, if all fits together."""
    padded = padded_shape(shape, bank.num_scales)
    if bank.shape not in (shape, padded):
        raise InputError(
            f"The fields are {shape} but the bank was made for {bank.shape}: make a bank with "
            f"morlet_bank({shape}, …) for a torus, or with morlet_bank({padded}, …), their "
            "padded_shape, to reflect them."
        )
    longest: int = 2**bank.num_scales
    stride = longest if stride is None else stride
    if not 1 <= stride <= longest:
        raise InputError(
            f"The stride {stride} does not suit {bank.num_scales} scales: choose 1 to {longest}."
        )
    return stride


def _cascade(
    field: Float[Array, "h w"], bank: FilterBank, average: Average, max_order: int
) -> Float[Array, "p n m"]:
    """All paths of one picture."""
    spectrum = centered_spectrum(field, bank.shape)
    found, layer = [average(field)[None]], {-1: spectrum[None]}
    for order in range(1, max_order + 1):
        # What is only averaged needs fewer samples than what is transformed once more.
        coarse = bank.second if order == max_order > 1 else bank.first[1:]
        several, layer = _layer(layer, [bank.first[0], *coarse], average, keep=order < max_order)
        found += several
        if order == 1 and bank.residual is not None:
            found.append(average(modulus(bandpasses(spectrum, bank.residual))))
    return jnp.concatenate(found)


def _margins(size: int, padded: int) -> tuple[int, int]:
    """Pixels that are reflected before and after a field."""
    before = (padded - size) // 2
    return before, padded - size - before


def _points(size: int, padded: int, stride: int) -> Float[np.ndarray, " n"]:
    """Where coefficients lie along an axis, as shares of it, margins included."""
    count = math.ceil(size / stride)
    if size == padded:
        return np.arange(count) / count
    first = (size - 1 - stride * (count - 1)) / 2
    return (_margins(size, padded)[0] + first + stride * np.arange(count)) / padded


def _layer(
    parents: Mapping[int, Complex[Array, "_ _ _"]],
    bands: Sequence[Band],
    average: Average,
    *,
    keep: bool,
) -> tuple[list[Float[Array, "_ n m"]], dict[int, Complex[Array, "_ _ _"]]]:
    """Averages of |u⋆ψ_k| of all maps u of finer scales, and the spectra of |u⋆ψ_k|, by scale.

    Args:
        parents: spectra of the maps u, by the scale of their last wavelet.
        bands: one per scale k.
        average: of maps.
        keep: whether spectra are returned.
    """
    found, spectra = [], {}
    for k, band in enumerate(bands):
        finer = [stack for scale, stack in parents.items() if scale < k]
        if not finer:
            continue
        stack = jnp.concatenate([resize(each, band.box) for each in finer])
        box = bands[k + 1].box if keep and k + 1 < len(bands) else None
        by_path = [_by_parent(each) for each in _averaged(stack, band, average, box)]
        found.append(by_path[0])
        spectra |= dict(zip([k], by_path[1:], strict=False))
    return found, spectra


def _averaged(
    stack: Complex[Array, "p a b"], band: Band, average: Average, box: tuple[int, int] | None
) -> list[Inexact[Array, "l p ..."]]:
    """Averages of |u⋆ψ_l| of every angle, one after the other, and their spectra on a box."""

    def one(filter_: tuple[Array, Array]) -> list[Array]:
        values, start = filter_
        maps = modulus(bandpass(stack, values[None], start[None])[0])
        return [average(maps), *([] if box is None else [centered_spectrum(maps, box)])]

    return lax.map(one, (band.filters, band.starts))


def _by_parent(leaf: Inexact[Array, "l p ..."]) -> Inexact[Array, "_ ..."]:
    """Paths in the order of their parents, angle after angle."""
    return jnp.moveaxis(leaf, 0, 1).reshape(-1, *leaf.shape[2:])
