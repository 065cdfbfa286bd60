"""The gray levels of a field as a descriptor: its marginal distribution, as sorted values."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from synth.statistics.descriptor import Descriptor, Residual

__all__ = ["GrayLevels"]


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
        return jnp.sort(field.ravel())

    def exact(self) -> "GrayLevels":
        """The same: nothing is approximated."""
        return self

    def weights(self, target: Float[Array, " n"], noise: Residual) -> Float[Array, " n"]:
        """Equal weights: the loss is the squared distance in units of its noise."""
        return jnp.full_like(target, 1 / (target.size * noise["gray_levels"] ** 2))

    def residual(self, moments: Float[Array, " n"], target: Float[Array, " n"]) -> Residual:
        """Wasserstein-2 distance of the marginal distributions."""
        return {"gray_levels": jnp.sqrt(jnp.mean((moments - target) ** 2))}

    @property
    def tolerance(self) -> float:
        """Sorted values come last, and nobody sees what is left of them then."""
        return 0.2

    @property
    def bounded(self) -> bool:
        """Yes: no value beyond the target's extremes."""
        return True

    def eased(self, weights: Float[Array, " n"], factor: float) -> Float[Array, " n"]:
        """All weights times the factor: where levels are few, pixels must cross rare ones."""
        return factor * weights
