"""The residual that is reported: of a field as it is written, in the target's units."""

from jaxtyping import Array, Float

from synth.models import MomentModel
from synth.models.reference import moments_on_torus
from synth.parallel.mesh import whole
from synth.parallel.programs import compiled
from synth.statistics import Descriptor, Moments, Residual

__all__ = ["Judge"]


class Judge:
    """Moments and residual of fields, held against a model's reference.

    No picture is measured again. Maps are sampled as in the descent: exact moments change a
    residual by at most 0.001 of the noise.

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
        descriptor = self._model.descriptor
        moments = moments_on_torus(descriptor, self._model.from_units(field))
        return moments, _distance(descriptor, moments, self.target)


@compiled
def _distance(descriptor: Descriptor, moments: Moments, target: Moments) -> Residual:
    return whole(descriptor.residual(moments, target))
