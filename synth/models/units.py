"""Units of a target: between its own channels and the standardized fields of the models."""

import operator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

__all__ = ["Units"]

Numbers = Float[Array, "..."] | Float[np.ndarray, "..."] | float
Field = Float[Array, "..."] | Float[np.ndarray, "..."]


class Units(eqx.Module):
    """An affine map, x = mean + scale · y, and its inverse.

    One channel is counted in its standard deviation. Several channels d become k ≤ d principal
    components, see ``transforms.components``; a single component counts as one channel, and its
    fields have no axis of channels.

    Attributes:
        mean: of the target; of several channels one each.
        scale: standard deviation of the target; of several channels the matrix ``d k``.
        inverse: of several channels the matrix ``k d``; None of one.
    """

    mean: Numbers
    scale: Numbers
    inverse: Numbers | None = None

    @property
    def channels(self) -> tuple[int, ...]:
        """Number of channels of the target, as the first part of a shape; none of one."""
        return () if self.inverse is None else (len(self.mean),)  # pyright: ignore[reportArgumentType]

    def to(self, field: Field) -> Any:  # noqa: ANN401 - as the field
        """A standardized field ``*k h w`` in the target's units, ``*d h w``; any numbers of one."""
        if self.inverse is None:
            return self.mean + self.scale * field
        components = field.reshape(-1, *field.shape[-2:])
        return self.mean[:, None, None] + _product(self.scale, components)  # pyright: ignore

    def of(self, field: Field) -> Any:  # noqa: ANN401 - as the field
        """A field ``*d h w`` in the target's units, standardized: ``*k h w``."""
        if self.inverse is None:
            return (field - self.mean) / self.scale
        components = _product(self.inverse, field - self.mean[:, None, None])  # pyright: ignore
        return components if len(components) > 1 else components[0]

    def clipped(self, field: Field, low: Numbers, high: Numbers) -> Any:  # noqa: ANN401 - as the field
        """A standardized field, clipped to bounds in the target's units.

        Deviations from the mean are clipped, so that a mean far from 0 costs no digits. Where
        channels have fewer components, what is clipped is brought back to these, and may lie
        beyond the bounds.
        """
        if self.inverse is None:
            return jnp.clip(field, (low - self.mean) / self.scale, (high - self.mean) / self.scale)
        deviations = _product(self.scale, field.reshape(-1, *field.shape[-2:]))
        low, high = ((end - self.mean)[:, None, None] for end in (low, high))  # pyright: ignore
        components = _product(self.inverse, jnp.clip(deviations, low, high))
        return components if len(components) > 1 else components[0]


def _product(matrix: Any, field: Any) -> Any:  # noqa: ANN401 - arrays of NumPy or JAX
    """A small matrix at every pixel, in full precision on every device.

    Written out: a processor's sum over an axis that is not the last takes twenty times as long.
    """
    numbers = jnp if isinstance(matrix, jax.Array) or isinstance(field, jax.Array) else np
    return numbers.stack([sum(map(operator.mul, row, field)) for row in matrix])
