"""The covariances of rectified waves as a descriptor."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from synth.errors import InputError
from synth.statistics.banked import Banked
from synth.statistics.descriptor import Residual
from synth.transforms.filters import FilterBank
from synth.transforms.rectified import Rectified, num_rectified, rectified, shifts
from synth.transforms.weighted import Observation, rectified_weighted

__all__ = ["RectifiedCovariances"]

# Reach and octaves, to choose.
_SIZES = ((2, 4), (2, 3), (2, 2), (1, 2), (2, 1), (1, 1), (0, 1), (0, 0))
_SHARE = 4  # pixels per number, at least
_LEAST_POWER = 1e-8  # of a field of variance 1; smaller powers count as if they were this


class RectifiedCovariances(Banked):
    """Covariances of rectified waves of fields of one shape.

    Attributes:
        bank: the filter bank, which fixes shape, scales, angles and sampling.
        reach: largest difference of two scales.
        octaves: number of distances of shifts.
    """

    reach: int = eqx.field(static=True)
    octaves: int = eqx.field(static=True)

    @classmethod
    def of(cls, bank: FilterBank, octaves: int = 4) -> "RectifiedCovariances":
        """As many as are at most a quarter of the pixels, up to reach 2.

        Args:
            bank: a bank.
            octaves: most distances, up to 4.

        Raises:
            InputError: if even those without shifts, each of one scale, are more.
        """
        waves = bank.num_scales, bank.num_angles
        return cls(bank, *_largest(bank.shape, waves, most=(2, octaves)))

    def __call__(self, field: Float[Array, "h w"]) -> Rectified:
        """Covariances of one field."""
        return rectified(field, self.bank, reach=self.reach, octaves=self.octaves)

    def on(self, shape: tuple[int, int]) -> "RectifiedCovariances":
        """The same covariances of fields of another shape, see ``FilterBank.on``.

        Smaller fields have fewer: those that are at most a quarter of the pixels, and whose shifts
        are at most half a side.
        """
        return RectifiedCovariances(self.bank.on(shape), *self._sizes_on(shape))

    def carried(self, moments: Rectified, shape: tuple[int, int]) -> Rectified:
        """Those of the covariances that fields of another shape have, too."""
        reach, octaves = self._sizes_on(shape)
        count = len(shifts(0, octaves))
        return Rectified(tuple(each[-reach - 1 :, :, :, :count] for each in moments.products))

    def _sizes_on(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Reach and octaves for fields of another shape."""
        sizes = self.reach, self.octaves
        if math.prod(shape) >= math.prod(self.shape) and min(shape) >= min(self.shape):
            return sizes
        return _largest(shape, (self.bank.num_scales, self.bank.num_angles), most=sizes)

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


def _largest(
    shape: tuple[int, int], waves: tuple[int, int], *, most: tuple[int, int]
) -> tuple[int, int]:
    """Reach and octaves that suit a shape, given the numbers of scales and angles."""
    (scales, angles), farthest = waves, min(shape) / 2
    for reach, octaves in _SIZES:
        number = num_rectified(scales, angles, reach=reach, octaves=octaves)
        shift = max(map(max, shifts(scales - 1, octaves)))
        within = reach <= most[0] and octaves <= most[1] and shift <= farthest
        if within and number <= math.prod(shape) / _SHARE:
            return reach, octaves
    height, width = shape
    raise InputError(
        f"Rectified covariances of {scales} scales and {angles} angles are more than a quarter of "
        f"{height} × {width} pixels: give fewer angles or scales, or a larger picture."
    )


def _scales(target: Rectified) -> Rectified:
    """What each covariance is divided by: standard deviations of y, the same for all phases."""
    deviation = jnp.sqrt(jnp.maximum(target.power, _LEAST_POWER))
    scales = []
    for k, each in enumerate(target.products):
        finer = deviation[k + 1 - len(each) : k + 1]
        scales.append(finer[:, None, :, None, None] * deviation[k])
    return Rectified(tuple(scales))
