"""What a moment model matches: a field in, named moments out.

A descriptor also says how much each moment weighs in the loss, and how far apart two sets of
them are, block by block. A new one is a subclass; ``Joint`` makes one of several.
"""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

__all__ = ["Descriptor", "Moments", "Residual", "estimation_noise", "excess"]

Moments = Any
"""A record (pytree) of arrays, the same for every field of one shape."""

Residual = dict[str, Float[Array, ""]]
"""Distance of two sets of moments, by the name of a block; zero where they agree."""

_LEAST_NOISE = 1e-6
_MOST_NOISE = 0.2  # a larger estimate says that the picture is too small to tell


class Descriptor(eqx.Module):
    """Moments of fields of one shape; fields have mean 0 and variance 1, about."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""

    @abstractmethod
    def __call__(self, field: Float[Array, "h w"]) -> Moments:
        """Moments of one field."""

    @abstractmethod
    def exact(self) -> "Descriptor":
        """The same moments without subsampling: slower, the measure that is reported."""

    @abstractmethod
    def weights(self, target: Moments, noise: Residual) -> Moments:
        """Weights w of the loss Σ w |S − S*|², frozen at the target's moments S*.

        Args:
            target: the target's moments.
            noise: their estimation noise, by block, as ``residual`` measures it.

        Returns:
            A real weight per moment.
        """

    @abstractmethod
    def residual(self, moments: Moments, target: Moments) -> Residual:
        """Distance of ``moments`` from those of the target, block by block."""


def estimation_noise(descriptor: Descriptor, field: Float[Array, "h w"]) -> Residual:
    """Difference that two independent fields of this size would show, by block.

    The field is cut into four quadrants, each repeated to the full size; moments are averages
    over the picture, so that their differences between independent fields shrink as one over
    the square root of the area: half of those between quadrants.

    Args:
        descriptor: the moments in question.
        field: a field of the descriptor's shape, standardized.

    Returns:
        Root mean square over the ordered pairs of quadrants, halved.
    """
    height, width = (max(1, n // 2) for n in field.shape)

    def repeated(row: int, column: int) -> Float[Array, "h w"]:
        piece = field[row : row + height, column : column + width]
        missing = [(0, n - m) for n, m in zip(field.shape, piece.shape, strict=True)]
        return jnp.pad(piece, missing, mode="wrap")

    pieces = [descriptor(repeated(r, c)) for r in (0, height) for c in (0, width)]
    pairs = [(a, b) for a in pieces for b in pieces if a is not b]
    residuals = [descriptor.residual(*pair) for pair in pairs]
    return jax.tree.map(
        lambda *all_: jnp.sqrt(jnp.mean(jnp.square(jnp.stack(all_)))) / 2, *residuals
    )


def excess(residual: Residual, noise: Residual) -> Float[Array, ""]:
    """Residual in units of the estimation noise, rms over blocks; noise beyond 0.2 counts as 0.2.

    Args:
        residual: of a field; blocks that have no noise here do not count.
        noise: of the target, from ``estimation_noise``.

    Returns:
        0 for equal moments, about 1 for an independent field of the same texture.
    """
    ratios = [
        residual[name] / jnp.clip(level, _LEAST_NOISE, _MOST_NOISE) for name, level in noise.items()
    ]
    return jnp.sqrt(jnp.mean(jnp.square(jnp.stack(ratios))))
