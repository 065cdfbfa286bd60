"""The gray levels of a field as a descriptor: its marginal distribution, as sorted values."""

import math
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from synth.statistics._ordered import ordered
from synth.statistics.descriptor import Descriptor, Residual, quadrant, repeated, standard
from synth.transforms.filters import half_of
from synth.transforms.weighted import Observation

__all__ = ["GrayLevels", "mixed_levels", "quantiles"]


class GrayLevels(Descriptor):
    """Sorted values of fields of one shape: polarity, skewness and every other marginal.

    The squared distance is that of Wasserstein, ∫ (F⁻¹(u) − F*⁻¹(u))² du.

    Attributes:
        size: height and width of the fields, pixels.
    """

    size: tuple[int, int] = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return self.size

    def __call__(self, field: Float[Array, "h w"]) -> Float[Array, " n"]:
        """All values in increasing order."""
        return ordered(field.ravel())

    def sampled(self, oversampling: int) -> "GrayLevels":
        """The same: nothing is approximated."""
        del oversampling
        return self

    def of_quadrants(self) -> "GrayLevels":
        """Those of quadrants, whose ``piece`` has as many numbers as the whole."""
        return GrayLevels(half_of(self.size))

    def on(self, shape: tuple[int, int]) -> "GrayLevels":
        """Those of fields of another shape."""
        return GrayLevels(shape)

    def carried(self, moments: Float[Array, " n"], shape: tuple[int, int]) -> Float[Array, " m"]:
        """As many quantiles as fields of another shape have pixels."""
        return quantiles(moments, math.prod(shape))

    def mixed(
        self, moments: Sequence[Float[Array, " n"]], shares: Sequence[float]
    ) -> Float[Array, " n"]:
        """Quantiles of the mixed law, which has the share aᵢ of each one's values."""
        return mixed_levels(moments, shares)

    def in_part(
        self, moved: Float[Array, " n"], leveled: Float[Array, "h w"]
    ) -> Float[Array, " n"]:
        """Sorted values of the kept part and the target's levels: they are no means."""
        del moved
        return self(leveled)

    def observe(self, picture: Observation) -> Float[Array, " n"]:
        """As many quantiles as there are pixels, of those that are there."""
        there = picture.known.ravel() > 0
        values = jnp.sort(jnp.where(there, picture.field.ravel(), jnp.inf))
        return quantiles(values, values.size, jnp.sum(there))

    def piece(self, field: Float[Array, "h w"], corner: Int[Array, "2"]) -> Float[Array, " n"]:
        """Sorted values of a quadrant, each as often as fills the full size."""
        whole = GrayLevels((field.shape[-2], field.shape[-1]))
        return whole(repeated(standard(quadrant(field, corner)), whole.size))

    @property
    def noise_of_quadrants(self) -> dict[str, float]:
        """The distance falls as the root of the area if the law is smooth, as the fourth if not.

        Quadrants differ twice as much as wholes in the first case, 1.4 times in the second,
        where few levels share all pixels. The second is taken: it is nearer on average.
        """
        return {"gray_levels": 0.5**0.5}

    def weights(self, target: Float[Array, " n"], unit: Residual) -> Float[Array, " n"]:
        """Equal weights: the loss is the squared distance in units of its noise."""
        return jnp.full_like(target, 1 / (target.size * unit["gray_levels"] ** 2))

    def residual(self, moments: Float[Array, " n"], target: Float[Array, " n"]) -> Residual:
        """Wasserstein-2 distance of the marginal distributions."""
        return {"gray_levels": jnp.sqrt(jnp.mean((moments - target) ** 2))}


def quantiles(
    levels: Float[Array, " n"], count: int, known: Int[Array, ""] | int | None = None
) -> Float[Array, " m"]:
    """Quantiles at (i + ½) / count of sorted values, interpolated between their midpoints.

    Args:
        levels: in increasing order.
        count: how many quantiles.
        known: how many of the values count, the first ones; all of them by default.
    """
    known = levels.size if known is None else known
    place = (jnp.arange(count) + 0.5) * (known / count) - 0.5
    low = jnp.clip(jnp.floor(place).astype(int), 0, known - 1)
    high = jnp.minimum(low + 1, known - 1)
    share = jnp.clip(place - low, 0, 1)
    return (1 - share) * levels[low] + share * levels[high]


def mixed_levels(
    levels: Sequence[Float[Array, " n"]], shares: Sequence[float]
) -> Float[Array, " n"]:
    """Quantiles of Σ aᵢ Fᵢ, the law of fields of several kinds in shares of their area.

    A mean of quantiles would have a smaller variance than each of the laws, and the powers of
    such a field a mean of theirs: no field has both.

    Args:
        levels: of each law, in increasing order, as many of each.
        shares: aᵢ, whose sum is 1.
    """
    used = [(share, np.asarray(each)) for share, each in zip(shares, levels, strict=True) if share]
    count = used[0][1].size
    values = np.concatenate([each for _, each in used])
    weights = np.concatenate([np.full(count, share / count) for share, _ in used])
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order]) - weights[order] / 2
    return jnp.asarray(np.interp((np.arange(count) + 0.5) / count, below, values[order]), float)
