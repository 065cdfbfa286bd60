"""The scattering moments as a descriptor."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from synth.statistics.descriptor import Descriptor, Residual
from synth.transforms.filters import FilterBank
from synth.transforms.scattering import Scattering, scatter

__all__ = ["ScatteringMoments"]

_RELATIVE_WEIGHT = 10.0  # of the squared relative residual of each order
_LEAST_MOMENT = 1e-4  # of a field of variance 1; smaller moments count as if they were this


class ScatteringMoments(Descriptor):
    """The scattering moments of fields of one shape.

    Attributes:
        bank: the filter bank, which fixes shape, scales, angles and sampling.
        max_order: 1 or 2.
    """

    bank: FilterBank
    max_order: int = eqx.field(static=True, default=2)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return self.bank.shape

    def __call__(self, field: Float[Array, "h w"]) -> Scattering:
        """Moments of one field."""
        return scatter(field, self.bank, max_order=self.max_order)

    def exact(self) -> "ScatteringMoments":
        """The same moments without subsampling: slower, the measure that is reported."""
        return ScatteringMoments(self.bank.exact(), self.max_order)

    @property
    def most_noise(self) -> float:
        """A fifth: with the usual tolerance that asks for a residual of one percent."""
        return 0.2

    def weights(self, target: Scattering, noise: Residual) -> Scattering:
        """Weights w of the loss Σ w (S − S*)², frozen at the target's moments S*.

        Each order contributes its mean squared relative difference, a moment counting
        relative to the rms, over angles, of those on the same scales: no pair of scales
        rules, and neither do tiny moments. To this is added the squared residual itself, and
        a hundred times the square of order 0. All is in units of the noise.
        """
        _, first, second = target.orders()
        unit = 1 / (noise["order1"] ** 2 + noise.get("order2", 0) ** 2)

        def weight(moments: Float[Array, "*p"], order: Float[Array, " n"], axes: tuple) -> Array:
            power = jnp.mean(moments**2, axes, keepdims=True)
            own = 1 / (order.size * jnp.maximum(power, _LEAST_MOMENT**2))
            relative = _RELATIVE_WEIGHT / jnp.maximum(jnp.sum(order**2), _LEAST_MOMENT**2)
            return jnp.broadcast_to(unit * (own + relative), moments.shape)

        return Scattering(
            order0=100 * unit * jnp.ones_like(target.order0),
            order1=weight(target.order1, first, (1,)),
            residual=None if target.residual is None else weight(target.residual, first, ()),
            order2=weight(target.order2, second, (1, 2)),
        )

    def residual(self, moments: Scattering, target: Scattering) -> Residual:
        """Relative distance ‖S − S*‖ / ‖S*‖ over all orders and per order that is matched.

        Order 0 of a field of mean zero has no norm: its distance is in units of the target's
        standard deviation.
        """
        squares = [
            (jnp.sum((a - b) ** 2), jnp.sum(b**2))
            for a, b in zip(moments.orders(), target.orders(), strict=True)
        ]
        (zero, _), (one, norm1), (two, norm2) = squares
        norm = norm1 + norm2

        def relative(distance: Float[Array, ""], norm: Float[Array, ""]) -> Float[Array, ""]:
            return jnp.sqrt(distance / jnp.where(norm > 0, norm, 1))

        order1 = {"order0": jnp.sqrt(zero), "order1": relative(one, norm1)}
        if self.max_order == 1:
            return order1
        total = relative(zero + one + two, norm)
        return {"total": total, **order1, "order2": relative(two, norm2)}
