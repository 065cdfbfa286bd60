"""The joint law of the channels at a pixel as a descriptor: its projections on fixed directions."""

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float, Int

from synth.parallel.mesh import ANGLE, WHOLE, split_if_even, whole
from synth.statistics._ordered import ordered
from synth.statistics.channels import check_count
from synth.statistics.descriptor import Descriptor, Residual, quadrant, repeated, standard
from synth.statistics.gray_levels import GrayLevels, mixed_levels, quantiles
from synth.transforms.filters import half_of
from synth.transforms.weighted import Observation

__all__ = ["Colors", "evenly"]

_PER_CHANNEL = 4  # directions

Numbers = Float[Array, "k n"] | Float[np.ndarray, "k n"]


class Colors(Descriptor):
    """Sorted projections of the channels on directions of their space.

    The mean squared distance over the directions is that of sliced Wasserstein. Marginals of
    channels alone say nothing of which values go together.

    Attributes:
        size: height and width of the fields, pixels.
        count: number of channels c.

    Source:
        J. Rabin, G. Peyré, J. Delon and M. Bernot, "Wasserstein barycenter and its application to
        texture mixing", SSVM (2011), Eq. 7.
    """

    size: tuple[int, int] = eqx.field(static=True)
    count: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        check_count(self.count)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return self.size

    @property
    def num_channels(self) -> int:
        """Number of channels."""
        return self.count

    def of_channels(self, count: int) -> Descriptor:
        """That of another number of channels; of one the gray levels are all there is."""
        return GrayLevels(self.size) if count == 1 else Colors(self.size, count)

    @property
    def directions(self) -> Float[np.ndarray, "s c"]:
        """Unit vectors, the channels' own axes first, the others as far apart as they come."""
        return _directions(self.count)

    def __call__(self, field: Float[Array, "c h w"]) -> Float[Array, "s n"]:
        """All projections, each in increasing order."""
        directions = jnp.asarray(self.directions, field.dtype)
        return _projections(field.reshape(self.count, -1), directions)

    def sampled(self, oversampling: int) -> "Colors":
        """The same: nothing is approximated."""
        del oversampling
        return self

    def of_quadrants(self) -> "Colors":
        """Those of quadrants, whose ``piece`` has as many numbers as the whole."""
        return Colors(half_of(self.size), self.count)

    def on(self, shape: tuple[int, int]) -> "Colors":
        """Those of fields of another shape."""
        return Colors(shape, self.count)

    def carried(self, moments: Float[Array, "s n"], shape: tuple[int, int]) -> Float[Array, "s m"]:
        """As many quantiles as fields of another shape have pixels."""
        return jnp.stack([quantiles(levels, math.prod(shape)) for levels in moments])

    def mixed(
        self, moments: Sequence[Float[Array, "s n"]], shares: Sequence[float]
    ) -> Float[Array, "s n"]:
        """Quantiles of the mixed laws, which have the share aᵢ of each one's colors."""
        by_direction = zip(*moments, strict=True)
        return jnp.stack([mixed_levels(levels, shares) for levels in by_direction])

    def in_part(
        self, moved: Float[Array, "s n"], leveled: Float[Array, "c h w"]
    ) -> Float[Array, "s n"]:
        """Sorted projections of the kept part and the target's colors: they are no means."""
        del moved
        return self(leveled)

    def observe(self, picture: Observation) -> Float[Array, "s n"]:
        """As many quantiles as there are pixels, of those that are there."""
        there = picture.known.ravel() > 0
        colors = picture.field.reshape(self.count, -1)

        def project(direction: Float[Array, " c"]) -> Float[Array, " n"]:
            along = jnp.sum(direction[:, None] * colors, axis=0)
            values = jnp.sort(jnp.where(there, along, jnp.inf))
            return quantiles(values, values.size, jnp.sum(there))

        return lax.map(project, jnp.asarray(self.directions, colors.dtype))

    def piece(self, field: Float[Array, "c h w"], corner: Int[Array, "2"]) -> Float[Array, "s n"]:
        """Sorted projections of a quadrant, each as often as fills the full size."""
        whole = Colors((field.shape[-2], field.shape[-1]), self.count)
        return whole(repeated(standard(quadrant(field, corner)), whole.size))

    @property
    def noise_of_quadrants(self) -> dict[str, float]:
        """As that of gray levels."""
        return {"colors": GrayLevels(self.size).noise_of_quadrants["gray_levels"]}

    def weights(self, target: Float[Array, "s n"], unit: Residual) -> Float[Array, "s n"]:
        """Equal weights: the loss is c times the squared distance in units of its noise."""
        return jnp.full_like(target, self.count / (target.size * unit["colors"] ** 2))

    def residual(self, moments: Float[Array, "s n"], target: Float[Array, "s n"]) -> Residual:
        """Sliced Wasserstein-2 distance of the joint laws."""
        return {"colors": jnp.sqrt(jnp.mean((moments - target) ** 2))}


@jax.jit
def _projections(
    colors: Float[Array, "c n"], directions: Float[Array, "s c"]
) -> Float[Array, "s n"]:
    """Sorted projections, a direction at a time, which devices share."""

    def own(colors: Float[Array, "c n"], directions: Float[Array, "l c"]) -> Float[Array, "l n"]:
        def project(direction: Float[Array, " c"]) -> Float[Array, " n"]:
            return ordered(jnp.sum(direction[:, None] * colors, axis=0))

        return lax.map(project, directions)

    some = PartitionSpec(ANGLE)
    shared = split_if_even(own, ANGLE, len(directions), in_specs=(WHOLE, some), out_specs=some)
    return whole(shared(colors, directions))


def _directions(count: int) -> Float[np.ndarray, "s c"]:
    """The axes, and so many more that each is the farthest of many random ones from the others."""
    found = list(np.eye(count))
    drawn = np.random.default_rng(count).normal(size=(2048, count))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    while len(found) < _PER_CHANNEL * count:
        found.append(drawn[np.argmin(np.abs(drawn @ np.array(found).T).max(1))])
    return np.array(found)


def evenly(colors: Numbers, count: int) -> Any:  # noqa: ANN401 - as the colors
    """Another number of colors: those in the places ⌊(i + ½) n / count⌋, i from 0.

    Args:
        colors: a column each, ``k n``.
        count: how many are wanted; more than there are if some are to stand twice.

    Returns:
        The colors, ``k count``.
    """
    place = (np.arange(count) + 0.5) * colors.shape[-1] / count
    return colors[..., place.astype(int)]
