"""The order-2 scattering moments as a descriptor: what a moment model matches.

A descriptor maps a field to named moments, says how much each of them weighs in the loss,
and measures how far apart two sets of them are.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from synth.filters import EXACT, FilterBank, morlet_bank
from synth.scattering import Scattering, scatter

__all__ = ["Residual", "ScatteringMoments"]

_RELATIVE_WEIGHT = 10.0  # of the squared relative residual of each order
_LEAST_MOMENT = 1e-4  # of a field of variance 1; smaller moments count as if they were this


class Residual(eqx.Module):
    """Relative distance of two sets of scattering moments, over all orders and per order.

    ‖S − S*‖ / ‖S*‖ over the moments in question; order 0 of a field of mean zero has no
    norm, so that its distance is given in units of the target's standard deviation.
    """

    total: Float[Array, ""]
    order0: Float[Array, ""]
    order1: Float[Array, ""]
    order2: Float[Array, ""]

    def largest(self) -> Float[Array, ""]:
        """The largest of the total and half of each order: what a tolerance bounds."""
        orders = jnp.stack([self.order0, self.order1, self.order2])
        return jnp.maximum(self.total, jnp.max(orders) / 2)

    def within(self, tolerance: float) -> Bool[Array, ""]:
        """Whether the total is at most ``tolerance`` and each order at most twice that."""
        return self.largest() <= tolerance


class ScatteringMoments(eqx.Module):
    """The scattering moments of fields of one shape.

    Attributes:
        bank: the filter bank, which fixes shape, scales, angles and sampling.
    """

    bank: FilterBank

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return self.bank.shape

    def __call__(self, field: Float[Array, "h w"]) -> Scattering:
        """Moments of one field."""
        return scatter(field, self.bank)

    def exact(self) -> "ScatteringMoments":
        """The same moments without subsampling: slower, the measure that is reported."""
        bank = self.bank
        if bank.oversampling >= EXACT:
            return self
        sizes = bank.num_scales, bank.num_angles
        dtype = bank.lowpass.filters.dtype
        return ScatteringMoments(
            morlet_bank(bank.shape, *sizes, tight=bank.tight, oversampling=EXACT, dtype=dtype)
        )

    def weights(self, target: Scattering) -> Scattering:
        """Weights w of the loss Σ w (S − S*)², frozen at the target's moments S*.

        Each order contributes its mean squared relative difference, a moment counting
        relative to the rms, over angles, of those on the same scales: no pair of scales
        rules, and neither do tiny moments. To this is added the squared residual itself.

        Args:
            target: the target's moments.

        Returns:
            A weight per moment.
        """
        _, first, second = target.orders()

        def weight(moments: Float[Array, "*p"], order: Float[Array, " n"], axes: tuple) -> Array:
            power = jnp.mean(moments**2, axes, keepdims=True)
            own = 1 / (order.size * jnp.maximum(power, _LEAST_MOMENT**2))
            relative = _RELATIVE_WEIGHT / jnp.maximum(jnp.sum(order**2), _LEAST_MOMENT**2)
            return jnp.broadcast_to(own + relative, moments.shape)

        return Scattering(
            order0=jnp.ones_like(target.order0),
            order1=weight(target.order1, first, (1,)),
            residual=None if target.residual is None else weight(target.residual, first, ()),
            order2=weight(target.order2, second, (1, 2)),
        )

    def residual(self, moments: Scattering, target: Scattering) -> Residual:
        """Distance of ``moments`` from those of the target, ``target``."""
        squares = [
            (jnp.sum((a - b) ** 2), jnp.sum(b**2))
            for a, b in zip(moments.orders(), target.orders(), strict=True)
        ]
        (zero, _), (one, norm1), (two, norm2) = squares
        norm = norm1 + norm2

        def relative(distance: Float[Array, ""], norm: Float[Array, ""]) -> Float[Array, ""]:
            return jnp.sqrt(distance / jnp.where(norm > 0, norm, 1))

        return Residual(
            total=relative(zero + one + two, norm),
            order0=jnp.sqrt(zero),
            order1=relative(one, norm1),
            order2=relative(two, norm2),
        )
