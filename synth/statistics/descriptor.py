"""What a moment model matches: a field in, named moments out.

A descriptor also says how much each moment weighs in the loss, and how far apart two sets of
them are, block by block. A new one is a subclass; ``Joint`` makes one of several.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from synth.errors import InputError
from synth.transforms.filters import half_of
from synth.transforms.weighted import Observation

__all__ = ["Descriptor", "Moments", "Residual", "excess", "unit_of"]

Moments = Any
"""A record (pytree) of arrays, the same for every field of one shape."""

Residual = dict[str, Float[Array, ""]]
"""Distance of two sets of moments, by the name of a block; zero where they agree.

Of several descriptors as one, a block is named ``part/block``."""


class Descriptor(eqx.Module):
    """Moments of fields of one shape; fields have mean 0 and variance 1, about.

    Fields of one channel are ``h w``, those of several ``c h w``.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""

    @property
    def num_channels(self) -> int:
        """Number of channels of the fields, 1 unless a descriptor says otherwise."""
        return 1

    @property
    def field_shape(self) -> tuple[int, ...]:
        """Shape of the fields: height and width, the number of channels before if it is not 1."""
        return self.shape if self.num_channels == 1 else (self.num_channels, *self.shape)

    def of_channels(self, count: int) -> "Descriptor | None":
        """The same moments of fields of another number of channels; None if there are none then.

        Args:
            count: of the channels.

        Raises:
            InputError: if it knows no other number; so does a descriptor that does not say
                otherwise.
        """
        if count == self.num_channels:
            return self
        raise InputError(
            f"{type(self).__name__} is for fields of {self.num_channels} channels and the field "
            f"has {count}: give it a method `of_channels`, or make a descriptor of these channels."
        )

    @abstractmethod
    def __call__(self, field: Float[Array, "*c h w"]) -> Moments:
        """Moments of one field on the torus."""

    @abstractmethod
    def sampled(self, oversampling: int) -> "Descriptor":
        """The same moments from maps that are sampled 2^oversampling times as densely."""

    def on(self, shape: tuple[int, int]) -> "Descriptor":
        """The same moments of fields of another shape.

        Args:
            shape: height and width of the fields, pixels.

        Raises:
            InputError: if there are none; so does a descriptor that does not say otherwise.
        """
        if shape == self.shape:
            return self
        raise InputError(
            f"{type(self).__name__} knows fields of {self.shape[0]} × {self.shape[1]} pixels "
            "only: give it a method `on` that makes it for another shape."
        )

    def carried(self, moments: Moments, shape: tuple[int, int]) -> Moments:
        """Moments of this descriptor as those of ``on(shape)``; means stay as they are."""
        del shape
        return moments

    def in_part(self, moved: Moments, leveled: Float[Array, "*c h w"]) -> Moments:
        """Target of fields of which a part is kept; means are those that are given.

        Args:
            moved: moments of the kept part and the target's for the rest, averaged.
            leveled: the kept part, and the target's gray levels in any order in the rest.
        """
        del leveled
        return moved

    def mixed(self, moments: Sequence[Moments], shares: Sequence[float]) -> Moments:
        """Moments of fields that are of several kinds in shares of their area: Σ aᵢ Sᵢ.

        Args:
            moments: of each kind.
            shares: aᵢ, whose sum is 1.
        """
        return jax.tree.map(
            lambda *each: jnp.asarray(sum(a * x for a, x in zip(shares, each, strict=True))),
            *moments,
        )

    def difference(self, moments: Moments, target: Moments) -> Moments:
        """What the loss squares: S − S*, or a linear map of it that the target fixes."""
        return jax.tree.map(lambda a, b: a - b, moments, target)

    @abstractmethod
    def weights(self, target: Moments, unit: Residual) -> Moments:
        """Weights w of the loss Σ w |D|², D the ``difference``, frozen at the target's moments S*.

        Args:
            target: the target's moments.
            unit: in which each block is counted: its estimation noise, up to ``most_noise``.

        Returns:
            A real weight per moment.
        """

    @abstractmethod
    def residual(self, moments: Moments, target: Moments) -> Residual:
        """Distance of ``moments`` from those of the target, block by block."""

    def observe(self, picture: Observation) -> Moments:
        """Moments of a picture that may have borders and holes.

        By default those of its completed field, as if it were on the torus.
        """
        return self(picture.field)

    def of_quadrants(self) -> "Descriptor":
        """What measures quadrants: the same moments on a grid of half the height and width.

        By default itself, on a quadrant that is repeated.
        """
        return self

    def piece(self, field: Float[Array, "*c h w"], corner: Int[Array, "2"]) -> Moments:
        """Moments of a quadrant, as far as they tell how much quadrants differ.

        The quadrant is standardized and repeated to the descriptor's shape.

        Args:
            field: twice as high and wide as a quadrant.
            corner: first row and column of the quadrant.
        """
        return self(repeated(standard(quadrant(field, corner)), self.shape))

    @property
    def noise_of_quadrants(self) -> dict[str, float]:
        """Noise of a block over that among quadrants, where Gaussian fields cannot tell it."""
        return {}

    @property
    def most_noise(self) -> Residual:
        """Noise of each block that a larger one counts as: the picture is too small to tell."""
        return {}


def quadrant(field: Float[Array, "*c h w"], corner: Int[Array, "2"]) -> Float[Array, "*c a b"]:
    """A quarter of a field; the middle line of an odd side may belong to none."""
    *channels, rows, columns = field.shape
    start = (*(0 for _ in channels), corner[0], corner[1])
    return jax.lax.dynamic_slice(field, start, (*channels, *half_of((rows, columns))))


def standard(part: Float[Array, "*c a b"]) -> Float[Array, "*c a b"]:
    """A part of a field, every channel brought to mean 0 and variance 1."""
    deviation = jnp.std(part, (-2, -1), keepdims=True)
    mean = jnp.mean(part, (-2, -1), keepdims=True)
    return (part - mean) / jnp.where(deviation > 0, deviation, 1)


def repeated(part: Float[Array, "*c a b"], shape: tuple[int, int]) -> Float[Array, "*c h w"]:
    """A part of a field, repeated to the full size."""
    missing = [(0, n - m) for n, m in zip(shape, part.shape[-2:], strict=True)]
    return jnp.pad(part, [(0, 0)] * (part.ndim - 2) + missing, mode="wrap")


def unit_of(descriptor: Descriptor, noise: Residual) -> Residual:
    """Noise in which residuals are counted: as it was measured, up to ``most_noise``."""
    most = descriptor.most_noise
    return {name: jnp.minimum(level, most.get(name, jnp.inf)) for name, level in noise.items()}


@jax.jit
def excess(residual: Residual, unit: Residual) -> Float[Array, ""]:
    """Residual of the worst block, in units of the estimation noise.

    Args:
        residual: of a field; blocks that have no unit here do not count.
        unit: of every block of the target.

    Returns:
        0 for equal moments, about 1 for an independent field of the same texture.
    """
    return jnp.max(jnp.stack([residual[name] / level for name, level in unit.items()]))
