"""The residual that is reported, by a denser sampling than that of the descent."""

from functools import cached_property

from jaxtyping import Array, Float

from synth.models import MomentModel
from synth.models.reference import FINE, moments_on_torus
from synth.parallel.mesh import whole
from synth.parallel.programs import compiled
from synth.statistics import Descriptor, Moments, Residual

__all__ = ["Judge"]


class Judge:
    """Moments and residual of fields, sampled more densely than the descent does it.

    They are held against the model's reference; no picture is measured again. The bank is made
    when it is first needed.

    Args:
        model: whose reference it is.
    """

    def __init__(self, model: MomentModel) -> None:
        self._model = model

    @cached_property
    def _descriptor(self) -> Descriptor:
        return self._model.descriptor.sampled(FINE)

    @property
    def target(self) -> Moments:
        """Moments of the reference."""
        return self._model.reference.fine

    def __call__(self, field: Float[Array, "h w"]) -> tuple[Moments, Residual]:
        """Moments of a field, and their distance from the target's.

        Args:
            field: in the target's units.

        Returns:
            Moments of the field standardized like the target, and the residual.
        """
        moments = moments_on_torus(self._descriptor, self._model.from_units(field))
        return moments, _distance(self._descriptor, moments, self.target)


@compiled
def _distance(descriptor: Descriptor, moments: Moments, target: Moments) -> Residual:
    return whole(descriptor.residual(moments, target))
