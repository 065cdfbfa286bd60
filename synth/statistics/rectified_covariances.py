"""The covariances of rectified waves as a descriptor."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from synth.statistics.descriptor import Descriptor, Residual
from synth.transforms.filters import FilterBank
from synth.transforms.rectified import Rectified, rectified
from synth.transforms.weighted import Observation, rectified_weighted

__all__ = ["RectifiedCovariances"]

_LEAST_POWER = 1e-8  # of a field of variance 1; smaller powers count as if they were this


class RectifiedCovariances(Descriptor):
    """Covariances of rectified waves of fields of one shape.

    Attributes:
        bank: the filter bank, which fixes shape, scales, angles and sampling.
        reach: largest difference of two scales.
        octaves: number of distances of shifts.
    """

    bank: FilterBank
    reach: int = eqx.field(static=True)
    octaves: int = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return self.bank.shape

    def __call__(self, field: Float[Array, "h w"]) -> Rectified:
        """Covariances of one field."""
        return rectified(field, self.bank, reach=self.reach, octaves=self.octaves)

    def sampled(self, oversampling: int) -> "RectifiedCovariances":
        """The same covariances from maps that are sampled 2^oversampling times as densely."""
        return RectifiedCovariances(self.bank.sampled(oversampling), self.reach, self.octaves)

    def on(self, shape: tuple[int, int]) -> "RectifiedCovariances":
        """The same covariances of fields of another shape, see ``FilterBank.on``."""
        return RectifiedCovariances(self.bank.on(shape), self.reach, self.octaves)

    def observe(self, picture: Observation) -> Rectified:
        """Covariances of a picture that may have borders and holes."""
        return rectified_weighted(picture, self.bank, reach=self.reach, octaves=self.octaves)

    def weights(self, target: Rectified, unit: Residual) -> Rectified:
        """The mean squared correlation that is missing, in units of its noise."""
        count = sum(each.size for each in target.products)
        level = unit["rectified"]
        return jax.tree.map(
            lambda scale, each: jnp.broadcast_to(1 / (count * (level * scale) ** 2), each.shape),
            _scales(target),
            target,
        )

    def residual(self, moments: Rectified, target: Rectified) -> Residual:
        """Root mean square difference of the correlations R / √(P_{j,l} P_{k,m})."""
        correlations = jax.tree.map(
            lambda a, b, scale: ((a - b) / scale).ravel(), moments, target, _scales(target)
        )
        every = jnp.concatenate(correlations.products)
        return {"rectified": jnp.sqrt(jnp.mean(every**2))}


def _scales(target: Rectified) -> Rectified:
    """What each covariance is divided by: standard deviations of y, the same for all phases."""
    deviation = jnp.sqrt(jnp.maximum(target.power, _LEAST_POWER))
    scales = []
    for k, each in enumerate(target.products):
        finer = deviation[k + 1 - len(each) : k + 1]
        scales.append(finer[:, None, :, None, None] * deviation[k])
    return Rectified(tuple(scales))
