"""Power responses |ψ̂|² of bands, as sums over half of the frequencies need them.

The spectrum of a real field repeats itself, X(−ω) = X(ω)*. For real fields x and y

    Σ_ω |ψ̂(ω)|² X(ω) Y(ω)* = Σ_half e Re(X Y*) + i o Im(X Y*),
    e = |ψ̂(ω)|² + |ψ̂(−ω)|²,   o = |ψ̂(ω)|² − |ψ̂(−ω)|²,

where the half has the columns from the zero on. A column that holds its own opposites, that of
the zero and that of the highest frequency of an even side, counts one half.

The rows of the half are dealt out to L combs, one after the other, as many as there are angles:
row r belongs to comb r mod L. Cropping the half crops every comb, so that devices may have some
of the combs each.
"""

from types import ModuleType

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int, Shaped

__all__ = ["Response", "comb_grid", "combed", "response_of"]

Given = Array | np.ndarray

_MANY = 32  # rows of a comb, from which on their number is a multiple of 8, to be cut evenly


class Response(eqx.Module):
    """Power response of one band on the half of its box, by combs.

    Attributes:
        even: e of every angle m; axes are angle, comb, row of the comb and column.
        odd: o of every angle.
        count: how often each frequency counts in a sum of Re(X Y*) over all of the box: 2, or 1
            in columns that hold their own opposites; 0 at the frequency 0.
    """

    even: Float[Array, "m q r s"]
    odd: Float[Array, "m q r s"]
    count: Float[Array, "1 q r s"]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows of a comb, and columns."""
        return self.even.shape[-2:]  # pyright: ignore[reportReturnType]


def comb_grid(box: tuple[int, int], shape: tuple[int, int], combs: int) -> tuple[int, int]:
    """Rows of each comb, which are even, and columns of the half of a box.

    Args:
        box: height and width of a centered box of frequencies.
        shape: of the picture.
        combs: how many there are.
    """
    height, width = box
    below = height // 2 + (height % 2 if height == shape[0] else 1)  # the box and its opposite
    rows = 2 * -(-below // combs)
    rows += -rows % 8 if rows > _MANY else 0
    return rows, width // 2 + 1


def response_of(
    filters: Float[Array, "m a b"],
    starts: Int[Array, "m 2"],
    box: tuple[int, int],
    shape: tuple[int, int],
) -> Response:
    """The response of a band's filters, which are given on their windows.

    Args:
        filters: transfer functions, real.
        starts: lowest frequency of each window, rows first, in cycles per picture.
        box: that holds all the windows.
        shape: of the picture.

    Returns:
        The response.
    """
    xp = jnp if isinstance(filters, Tracer) else np
    combs = len(filters)
    rows, columns = comb_grid(box, shape, combs)
    down = np.arange(combs * rows) - combs * rows // 2
    along = np.arange(columns)
    apart = (along > 0) & (2 * along != shape[1])
    power = xp.asarray(filters) ** 2
    own, opposite = (_at(power, starts, sign * down, sign * along, shape, xp) for sign in (1, -1))
    half = np.where(apart, 1, 0.5).astype(filters.dtype)
    counted = ((down != 0)[:, None] | (along != 0)) & (np.abs(down) <= box[0] // 2)[:, None]
    count = (2 * half * counted).astype(filters.dtype)
    even, odd = ((own + sign * opposite) * half for sign in (1, -1))
    # Computed by JAX, each shape would be a program of its own.
    return Response(*(jnp.asarray(combed(each, combs)) for each in (even, odd, count[None])))


def combed(half: Shaped[Given, "*p n s"], combs: int) -> Shaped[Given, "*p q r s"]:
    """The rows of a half, dealt out to combs."""
    *leading, rows, columns = half.shape
    return half.reshape(*leading, rows // combs, combs, columns).swapaxes(-3, -2)


def _at(
    power: Float[Given, "m a b"],
    starts: Int[Array, "m 2"],
    down: Int[np.ndarray, " n"],
    along: Int[np.ndarray, " s"],
    shape: tuple[int, int],
    xp: ModuleType,
) -> Float[Given, "m n s"]:
    """|ψ̂|² of every angle at some frequencies, 0 outside its window and beyond the picture's."""
    wanted = ((down, shape[0], power.shape[1]), (along, shape[1], power.shape[2]))
    places, inside = [], []
    for axis, (frequencies, n, length) in enumerate(wanted):
        period = (frequencies + n // 2) % n - n // 2
        place = period - xp.asarray(starts)[:, axis, None]
        places.append(xp.clip(place, 0, length - 1))
        inside.append((place >= 0) & (place < length) & (2 * np.abs(frequencies) <= n))
    angles = np.arange(len(power))[:, None, None]
    values = power[angles, places[0][:, :, None], places[1][:, None, :]]
    return values * (inside[0][:, :, None] & inside[1][:, None, :])
