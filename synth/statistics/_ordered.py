"""Values in increasing order, with the derivative of a sort: fast on processors, too.

A sort of floating-point numbers asks XLA's processors for a comparison that knows NaN, and its
derivative for a second array that is sorted along. Sorting the same bits as integers, and looking
up ranks for the derivative, takes a quarter of the time.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

__all__ = ["ordered"]


@jax.custom_vjp
def ordered(values: Float[Array, " n"]) -> Float[Array, " n"]:
    """Sort values; the derivative is that of the permutation.

    Args:
        values: finite; NaN goes to an end. Of equal values all have the derivative of the first.

    Returns:
        The values in increasing order.
    """
    return _floats(jnp.sort(_integers(values)), values.dtype)


def _forward(values: Float[Array, " n"]) -> tuple[Float[Array, " n"], tuple[Array, Array]]:
    found = ordered(values)
    return found, (values, found)


def _backward(
    saved: tuple[Float[Array, " n"], Float[Array, " n"]], cotangent: Float[Array, " n"]
) -> tuple[Float[Array, " n"]]:
    values, found = saved
    return (cotangent[jnp.searchsorted(found, values, method="scan")],)


ordered.defvjp(_forward, _backward)


def _integers(values: Float[Array, " n"]) -> Int[Array, " n"]:
    """Bits as integers in the order of the values: of negative ones all bits but the sign turn."""
    kind = jnp.dtype(f"int{8 * values.dtype.itemsize}")
    return _turned(lax.bitcast_convert_type(values, kind))


def _floats(bits: Int[Array, " n"], kind: jnp.dtype) -> Float[Array, " n"]:
    return lax.bitcast_convert_type(_turned(bits), kind)


def _turned(bits: Int[Array, " n"]) -> Int[Array, " n"]:
    return jnp.where(bits < 0, bits ^ jnp.iinfo(bits.dtype).max, bits)
