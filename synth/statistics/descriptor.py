"""What a moment model matches: a field in, named moments out.

A descriptor also says how much each moment weighs in the loss, and how far apart two sets of
them are, block by block. A new one is a subclass; ``Joint`` makes one of several.
"""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

__all__ = ["Descriptor", "Moments", "Residual", "excess"]

Moments = Any
"""A record (pytree) of arrays, the same for every field of one shape."""

Residual = dict[str, Float[Array, ""]]
"""Distance of two sets of moments, by the name of a block; zero where they agree.

Of several descriptors as one, a block is named ``part/block``."""

_LEAST_NOISE = 1e-3  # patterns that repeat exactly have none


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
            noise: their estimation noise, from ``noise``.

        Returns:
            A real weight per moment.
        """

    @abstractmethod
    def residual(self, moments: Moments, target: Moments) -> Residual:
        """Distance of ``moments`` from those of the target, block by block."""

    def noise(self, field: Float[Array, "h w"]) -> Residual:
        """Estimation noise: the difference that two independent fields of this size would show.

        The field is cut into four quadrants, each repeated to the full size; moments are
        averages over the picture, so that their differences between independent fields shrink
        as one over the square root of the area: half of those between quadrants.

        Args:
            field: a field of the descriptor's shape, standardized.

        Returns:
            Per block, root mean square over the ordered pairs of quadrants, halved; at least
            0.001 and at most ``most_noise``.
        """
        return self.measure(field)[1]

    def measure(self, field: Float[Array, "h w"]) -> tuple[Moments, Residual]:
        """Moments of a field, and their estimation noise as ``noise`` defines it.

        ``fit`` compiles this: what ``__call__``, ``residual`` and ``weights`` do must be traceable.
        """
        every = lax.map(self, jnp.stack([field, *_pieces(field)]))
        whole, *pieces = (jax.tree.map(lambda leaf: leaf[i], every) for i in range(5))  # noqa: B023
        residuals = [self.residual(a, b) for a in pieces for b in pieces if a is not b]

        def level(*values: Float[Array, ""]) -> Float[Array, ""]:
            half = jnp.sqrt(jnp.mean(jnp.square(jnp.stack(values)))) / 2
            return jnp.clip(half, _LEAST_NOISE, self.most_noise)

        return whole, jax.tree.map(level, *residuals)

    @property
    def most_noise(self) -> float:
        """Noise that a larger estimate counts as: the picture is too small to tell."""
        return 1.0

    @property
    def tolerance(self) -> float:
        """Residual in units of the noise below which held-out statistics stay as they are."""
        return 0.05

    @property
    def bounded(self) -> bool:
        """Whether new fields end within the target's range; then weights are eased at first."""
        return False

    @property
    def sees_phases(self) -> bool:
        """Whether moments depend on phases across scales, hence on sign; moduli alone do not."""
        return False

    def eased(self, weights: Moments, factor: float) -> Moments:
        """Weights for the early stages of a descent, asked for if the descriptor is bounded.

        Args:
            weights: from ``weights``.
            factor: of those that would trap the descent.
        """
        del factor
        return weights


@jax.jit
def excess(residual: Residual, noise: Residual) -> Float[Array, ""]:
    """Residual in units of the estimation noise, rms over blocks.

    Args:
        residual: of a field; blocks that have no noise here do not count.
        noise: of the target, from ``Descriptor.noise``.

    Returns:
        0 for equal moments, about 1 for an independent field of the same texture.
    """
    ratios = [residual[name] / level for name, level in noise.items()]
    return jnp.sqrt(jnp.mean(jnp.square(jnp.stack(ratios))))


def _pieces(field: Float[Array, "h w"]) -> list[Float[Array, "h w"]]:
    """The quadrants of a field, each repeated to the full size."""
    height, width = (max(1, n // 2) for n in field.shape)

    def repeated(row: int, column: int) -> Float[Array, "h w"]:
        piece = field[row : row + height, column : column + width]
        missing = [(0, n - m) for n, m in zip(field.shape, piece.shape, strict=True)]
        return jnp.pad(piece, missing, mode="wrap")

    return [repeated(row, column) for row in (0, height) for column in (0, width)]
