"""Local averages u⋆φ_J at chosen points of a picture, by a few small matrix products.

A low-pass filter is nearly a product of a function of rows and one of columns. As a sum of R such
products, φ̂(ω) = Σ_r a_r(ω₁) b_r(ω₂), it averages a map along its columns and then along its rows:
for few points that is quicker than two FFTs.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

__all__ = ["EXACTLY", "Kernels", "averages", "kernels_of"]

EXACTLY = 1e-6
"""The largest error of a low-pass that is as good as exact, as a share of its maximum."""


class Kernels(eqx.Module):
    """A real low-pass filter, φ̂(−ω) = φ̂(ω), as a sum of products.

    Attributes:
        rows: a_r at the frequencies −K … K of the rows, cycles per picture; even or odd.
        columns: b_r, likewise, of the same parity.
    """

    rows: Float[Array, "r k"]
    columns: Float[Array, "r m"]


def kernels_of(
    lowpass: Float[np.ndarray, "n m"], *, tolerance: float = EXACTLY, dtype: DTypeLike = jnp.float32
) -> Kernels:
    """The fewest products that add up to a filter.

    Args:
        lowpass: transfer function on a centered window of the Fourier square.
        tolerance: largest error of the sum, as a share of the filter's maximum.
        dtype: of the products.

    Returns:
        The products, those of singular values in decreasing order.
    """
    whole = _symmetric(_symmetric(lowpass, 0), 1)
    parts = [(whole + sign * whole[:, ::-1]) / 2 for sign in (1, -1)]
    pieces = [np.linalg.svd(part, full_matrices=False) for part in parts]
    rows = np.concatenate([u.T * s[:, None] for u, s, _ in pieces])
    columns = np.concatenate([v for *_, v in pieces])
    signs = np.repeat([1.0, -1.0], len(rows) // 2)[:, None]  # (i sin)(i sin) is negative
    order = np.argsort(-np.concatenate([s for _, s, _ in pieces]), stable=True)
    left, count = whole, 0
    while np.abs(left).max() > tolerance * whole.max():
        left = left - np.outer(rows[order[count]], columns[order[count]])
        count += 1
    kept = order[:count]
    products = (signs * rows)[kept], columns[kept]
    return Kernels(*(jnp.asarray(each.astype(dtype), dtype) for each in products))


def _symmetric(window: Float[np.ndarray, "n m"], axis: int) -> Float[np.ndarray, "_ _"]:
    """Frequencies −K … K of an axis: half of a lone −K, whose wave is that of K, goes to K."""
    if window.shape[axis] % 2:
        return window
    window = np.moveaxis(window, axis, 0)
    lone = window[:1] / 2
    return np.moveaxis(np.concatenate([lone, window[1:], lone]), 0, axis)


def averages(
    maps: Float[Array, "*p n m"],
    kernels: Kernels,
    points: tuple[Float[np.ndarray, " a"], Float[np.ndarray, " b"]],
) -> Float[Array, "*p a b"]:
    """u⋆φ at chosen rows and columns.

    Args:
        maps: u, sampled on any grid of the picture.
        kernels: of φ.
        points: rows and columns, as shares of the picture's height and width, from its first pixel.

    Returns:
        The averages.
    """
    down, along = (
        _kernel(products, at, n)
        for products, at, n in zip(
            (kernels.rows, kernels.columns), points, maps.shape[-2:], strict=True
        )
    )
    by_column = jnp.einsum("...uv,rbv->...urb", maps, along)
    return jnp.einsum("rau,...urb->...ab", down, by_column)


def _kernel(
    products: Float[Array, "r k"], at: Float[np.ndarray, " a"], size: int
) -> Float[Array, "r a n"]:
    """Σ_k a_r(k) (cos + sin) 2πk (point − pixel) / n: of an even a_r cosines alone, else sines."""
    reach = products.shape[1] // 2
    away = at[:, None] - np.arange(size) / size
    phases = 2 * np.pi * np.arange(-reach, reach + 1)[:, None, None] * away
    waves = jnp.asarray((np.cos(phases) + np.sin(phases)) / size, products.dtype)
    return jnp.einsum("rk,kan->ran", products, waves)
