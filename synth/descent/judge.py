"""The residual that is reported: of a field as it is written, in the target's units."""

from collections.abc import Sequence
from functools import partial

from jaxtyping import Array, Float

from synth.models import MomentModel
from synth.models.reference import mean_of, moments_on_torus, spread, stacked
from synth.parallel.mesh import whole
from synth.parallel.programs import compiled
from synth.statistics import Descriptor, Moments, Residual

__all__ = ["Judge"]


class Judge:
    """Moments and residual of fields, held against a model's reference.

    No picture is measured again. Maps are sampled as in the descent: exact moments change a
    residual by up to 0.005 of the noise, where tolerances are 0.2 and more.

    Args:
        model: whose reference it is.
    """

    def __init__(self, model: MomentModel) -> None:
        self._model = model

    @property
    def target(self) -> Moments:
        """Moments of the reference."""
        return self._model.target

    def __call__(self, field: Float[Array, "*c h w"]) -> tuple[Moments, Residual]:
        """Moments of a field, and their distance from the target's.

        Args:
            field: in the target's units.

        Returns:
            Moments of the field standardized like the target, and the residual.
        """
        moments = self._moments(field)
        return moments, _distance(self._model.descriptor, moments, self.target)

    def together(self, fields: Float[Array, "b *c h w"]) -> tuple[Moments, Residual]:
        """Moments of every field, and the distance of their mean from the target's.

        Args:
            fields: in the target's units.

        Returns:
            Moments with a leading axis of fields, and the residual of the mean.
        """
        each = stacked([self._moments(field) for field in fields])
        return each, _distance(self._model.descriptor, mean_of(each), self.target)

    def spread(self, moments: Sequence[Moments]) -> Residual:
        """How far apart several fields are, block by block.

        Args:
            moments: of two or more fields, as a call has them.

        Returns:
            Root mean square distance between two of them, in the units of the residual.
        """
        return _spread(self._model.descriptor, stacked(moments), self.target)

    def _moments(self, field: Float[Array, "*c h w"]) -> Moments:
        return moments_on_torus(self._model.descriptor, self._model.from_units(field))


@partial(compiled, rare=True)
def _spread(descriptor: Descriptor, moments: Moments, target: Moments) -> Residual:
    return whole(spread(descriptor, moments, target))


@partial(compiled, rare=True)
def _distance(descriptor: Descriptor, moments: Moments, target: Moments) -> Residual:
    return whole(descriptor.residual(moments, target))
