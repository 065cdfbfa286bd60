"""The residual that is reported: measured by the exact transform, which the descent never uses."""

from functools import cached_property

from jaxtyping import Array, Float

from synth.models import MomentModel
from synth.parallel.mesh import whole
from synth.parallel.programs import compiled
from synth.statistics import Descriptor, Moments, Residual

__all__ = ["Judge"]


class Judge:
    """Moments and residual of fields by the exact transform, which the descent never uses.

    The bank and the target's moments are made when they are first asked for.

    Args:
        model: whose target it is.
        descriptor: other moments to be judged by; those of the model by default.
    """

    def __init__(self, model: MomentModel, descriptor: Descriptor | None = None) -> None:
        self._model = model
        self._fast = descriptor or model.descriptor

    @cached_property
    def _descriptor(self) -> Descriptor:
        return self._fast.exact()

    @cached_property
    def target(self) -> Moments:
        """Moments of the standardized target."""
        return _moments(self._descriptor, self._model.standard)

    def __call__(self, field: Float[Array, "h w"]) -> tuple[Moments, Residual]:
        """Moments of a field, and their distance from the target's.

        Args:
            field: in the target's units.

        Returns:
            Moments of the field standardized like the target, and the residual.
        """
        moments = _moments(self._descriptor, self._model.from_units(field))
        return moments, _distance(self._descriptor, moments, self.target)


@compiled
def _moments(descriptor: Descriptor, field: Float[Array, "h w"]) -> Moments:
    return whole(descriptor(field))


@compiled
def _distance(descriptor: Descriptor, moments: Moments, target: Moments) -> Residual:
    return whole(descriptor.residual(moments, target))
