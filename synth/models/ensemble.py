"""Fields of a moment model together: their mean moments are the target's, not those of each."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from synth.models.moments import MomentModel
from synth.models.reference import deviations, mean_of
from synth.models.samples import for_each
from synth.models.start import Start
from synth.statistics import Moments, Residual

__all__ = ["Descended", "Ensemble"]

_WEIGHT = 3.0  # of a spread that is not the noise's; 1 to 10 differ little
_FARTHEST = 1.4  # in units of the noise: farther from the mean no field is to be


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
        """Loss of the mean moments and of a wrong spread, and the residual of the mean.

        Σ w |D|² + 3 Σ (max(0, 1 − s / n)² + ⟨max(0, d / 1.4 n − 1)²⟩), D the distance of the mean
        of S from S*, d the deviations of the fields, block by block, s their root mean square,
        the spread, and n the noise between two fields of their size: what the reference says
        about the spread of true ones. Fields that vary less are driven apart, and a field that
        is farther than 1.4 n from the mean is drawn back.
        """

        @jax.checkpoint
        def moments(model: MomentModel, own: Float[Array, "*k h w"]) -> Moments:
            return model.descriptor(model.field(own))

        each = for_each(moments, self.one, variable)
        loss, residual = self.one.distance(mean_of(each))
        return loss + _WEIGHT * self._astray(each), residual

    def _astray(self, moments: Moments) -> Float[Array, ""]:
        """How far several sets of moments vary less, or one of them more, than the reference."""
        if len(jax.tree.leaves(moments)[0]) == 1:
            return jnp.zeros(())
        each = deviations(self.one.descriptor, moments, self.one.target)
        noise = self.one.reference.spread
        ratios = jnp.stack([each[name] / level for name, level in noise.items()])
        lacks = jax.nn.relu(1 - jnp.sqrt(jnp.mean(ratios**2, 1)))
        exceeds = jax.nn.relu(ratios / _FARTHEST - 1)
        return jnp.sum(lacks**2 + jnp.mean(exceeds**2, 1))


Descended = MomentModel | Ensemble
"""What a solver descends on: one field, or several together."""
