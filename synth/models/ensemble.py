"""Fields of a moment model together: their mean moments are the target's, not those of each."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from synth.models.moments import MomentModel
from synth.models.reference import mean_of, spread
from synth.models.samples import for_each
from synth.models.start import Start
from synth.statistics import Moments, Residual

__all__ = ["Descended", "Ensemble"]

_APART = 3.0  # weight of a spread below the noise; 1 to 10 differ little


class Ensemble(eqx.Module):
    """B fields of one model, descended together: the mean of their moments is to be the target's.

    Moments of true fields vary from field to field. A field that has exactly those of one picture
    lacks this spread; of B fields of which only the mean is bound each one keeps its own. The class
    has the methods of ``MomentModel`` that a descent calls, for B fields instead of one.

    Attributes:
        one: the model of each field.

    Source:
        M. Häggbom, M. Karlsmark and J. Andén, "Mean-field microcanonical gradient descent",
        AISTATS (2025), PMLR 258.
    """

    one: MomentModel

    @property
    def unit(self) -> Residual:
        """Noise that residuals of the mean are counted in: that of one picture."""
        return self.one.unit

    def start(self, *, key: Key[Array, " b"], kind: Start = "skewed") -> Float[Array, "b *k h w"]:
        """Variables from which a descent starts: those of each key alone."""
        return for_each(lambda model, own: model.start(key=own, kind=kind), self.one, key)

    def variable(self, field: Float[Array, "b *k h w"]) -> Float[Array, "b *k h w"]:
        """Variables of standardized fields."""
        return for_each(lambda model, own: model.variable(own), self.one, field)

    def field(self, variable: Float[Array, "b *k h w"]) -> Float[Array, "b *k h w"]:
        """Standardized fields of variables."""
        return for_each(lambda model, own: model.field(own), self.one, variable)

    def to_units(self, field: Float[Array, "b *k h w"]) -> Float[Array, "b *d h w"]:
        """Standardized fields in the target's units."""
        return for_each(lambda model, own: model.to_units(own), self.one, field)

    def from_units(self, field: Float[Array, "b *d h w"]) -> Float[Array, "b *k h w"]:
        """Fields in the target's units, standardized."""
        return for_each(lambda model, own: model.from_units(own), self.one, field)

    def loss(self, variable: Float[Array, "b *k h w"]) -> tuple[Float[Array, ""], Residual]:
        """Loss of the mean moments and of too small a spread, and the residual of the mean.

        Σ w |D|² + 3 Σ max(0, 1 − s / n)², D the distance of the mean of S from S*, s the spread of
        a block over the fields, and n its noise between two fields of their size: what the
        reference says about the spread of true ones. Fields that vary less are driven apart.
        """

        @jax.checkpoint
        def moments(model: MomentModel, own: Float[Array, "*k h w"]) -> Moments:
            return model.descriptor(model.field(own))

        each = for_each(moments, self.one, variable)
        loss, residual = self.one.distance(mean_of(each))
        return loss + _APART * self._missing(each), residual

    def _missing(self, moments: Moments) -> Float[Array, ""]:
        """How much of the reference's spread that of several sets of moments lacks, squared."""
        if len(jax.tree.leaves(moments)[0]) == 1:
            return jnp.zeros(())
        spreads = spread(self.one.descriptor, moments, self.one.target)
        lacks = [
            jax.nn.relu(1 - spreads[k] / level) for k, level in self.one.reference.spread.items()
        ]
        return jnp.sum(jnp.square(jnp.stack(lacks)))


Descended = MomentModel | Ensemble
"""What a solver descends on: one field, or several together."""
