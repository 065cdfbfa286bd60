"""The scattering moments as a descriptor."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from synth.statistics.banked import Banked
from synth.statistics.descriptor import Residual
from synth.transforms.scattering import Scattering, scatter
from synth.transforms.weighted import Observation, scatter_weighted

__all__ = ["ScatteringMoments"]

_MOST_NOISE = 0.2
_RELATIVE_WEIGHT = 10.0  # of the squared relative residual of each order
_LEAST_MOMENT = 1e-4  # of a field of variance 1; smaller moments count as if they were this


class ScatteringMoments(Banked):
    """The scattering moments of fields of one shape.

    Attributes:
        bank: the filter bank, which fixes shape, scales, angles and sampling.
        max_order: 1 or 2.
    """

    max_order: int = eqx.field(static=True, default=2)

    def __call__(self, field: Float[Array, "h w"]) -> Scattering:
        """Moments of one field."""
        return scatter(field, self.bank, max_order=self.max_order)

    def observe(self, picture: Observation) -> Scattering:
        """Moments of a picture that may have borders and holes."""
        return scatter_weighted(picture, self.bank, max_order=self.max_order)

    @property
    def most_noise(self) -> Residual:
        """A fifth: with the usual tolerance that asks for a residual of one percent."""
        limit = jnp.asarray(_MOST_NOISE)
        return {name: limit for name in ("order1", "order2")[: self.max_order]}

    def weights(self, target: Scattering, unit: Residual) -> Scattering:
        """Weights w of the loss Σ w (S − S*)², frozen at the target's moments S*.

        Each order contributes its mean squared relative difference, a moment counting
        relative to the rms, over angles, of those on the same scales: no pair of scales
        rules, and neither do tiny moments. To this is added the squared residual itself, and
        a hundred times the square of order 0, which only bounds can take from its target.
        """
        _, first, second = target.orders()
        scale = 1 / (unit["order1"] ** 2 + unit.get("order2", 0) ** 2)

        def weight(moments: Float[Array, "*p"], order: Float[Array, " n"], axes: tuple) -> Array:
            power = jnp.mean(moments**2, axes, keepdims=True)
            own = 1 / (order.size * jnp.maximum(power, _LEAST_MOMENT**2))
            relative = _RELATIVE_WEIGHT / jnp.maximum(jnp.sum(order**2), _LEAST_MOMENT**2)
            return jnp.broadcast_to(scale * (own + relative), moments.shape)

        return Scattering(
            order0=100 * scale * jnp.ones_like(target.order0),
            order1=weight(target.order1, first, (1,)),
            residual=None if target.residual is None else weight(target.residual, first, ()),
            order2=weight(target.order2, second, (1, 2)),
        )

    def residual(self, moments: Scattering, target: Scattering) -> Residual:
        """Relative distance ‖S − S*‖ / ‖S*‖ of every order that is matched.

        Order 0 is none of them: new fields have the target's mean by construction.
        """
        pairs = zip(moments.orders()[1:], target.orders()[1:], strict=True)

        def relative(one: Float[Array, " n"], other: Float[Array, " n"]) -> Float[Array, ""]:
            norm = jnp.linalg.norm(other)
            return jnp.linalg.norm(one - other) / jnp.where(norm > 0, norm, 1)

        distances = (relative(one, other) for one, other in pairs)
        return dict(zip(("order1", "order2")[: self.max_order], distances, strict=False))
