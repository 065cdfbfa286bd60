"""How far a descent is, how far it may go, and how it ended: the records of the loop."""

from dataclasses import replace
from enum import StrEnum

import equinox as eqx
import jax
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from synth.descent.schedule import Schedule
from synth.statistics import Moments, Residual, excess

__all__ = ["Outcome", "Progress", "Synthesis"]


class Outcome(StrEnum):
    """How a descent ended."""

    CONVERGED = "converged"
    STEP_LIMIT = "step limit"
    STALLED = "stalled"
    NOT_FINITE = "not finite"


class Progress(eqx.Module):
    """What a person wants to see after a chunk of steps, sample by sample.

    Of samples that descend together there is one loss and one residual, that of their mean.

    Attributes:
        losses: loss of the last accepted point after each evaluation so far.
        residual: residual of that point, by the fast transform.
        excess: that of the worst block, in units of its estimation noise.
        field: that point itself, in the target's units, within the bounds of the model; where
            an early stage has none, the residual is that without them.
        schedule: of this level.
    """

    losses: tuple[Float[np.ndarray, " _"], ...]
    residual: dict[str, Float[Array, " b"]]
    excess: Float[Array, " b"]
    field: Float[Array, "n *c h w"]
    schedule: Schedule

    @property
    def evaluations(self) -> int:
        """Loss evaluations so far, those of the longest descent."""
        return max(map(len, self.losses))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the field, pixels: less than the texture's on coarser levels."""
        height, width = self.field.shape[-2:]
        return height, width


class Synthesis(eqx.Module):
    """A new texture and how it was reached.

    Attributes:
        field: the texture, in the target's units.
        outcome: how the descent ended.
        residual: distance of the moments from the reference, block by block.
        unit: noise that each block is counted in.
        moments: the texture's moments, standardized like the target; none if it was not judged.
        losses: loss after each evaluation.
        tolerance: what the descent was to reach, in units of the noise.
        together: number of textures that descended together, 1 for one alone. The residual is
            that of the mean of their moments.
        coarser: numbers of loss evaluations on coarser levels before, the coarsest first.
    """

    field: Float[Array, "*c h w"]
    outcome: Outcome
    residual: Residual
    unit: Residual
    moments: Moments
    losses: Float[np.ndarray, " n"]
    tolerance: float
    together: int = 1
    coarser: tuple[int, ...] = ()

    def each(self) -> tuple["Synthesis", ...]:
        """Of a record of several fields with a leading axis one record per field."""
        count, every = len(self.field), (self.field, self.moments)
        # By indices that are not sent to the device.
        each = [
            jax.tree.map(lambda leaf, i=i: lax.index_in_dim(leaf, i, keepdims=False), every)
            for i in range(count)
        ]
        return tuple(
            replace(self, field=field, moments=moments, together=count) for field, moments in each
        )

    @property
    def evaluations(self) -> int:
        """Number of loss evaluations."""
        return len(self.losses)

    @property
    def excess(self) -> float:
        """Residual of the worst block in units of its noise: what the tolerance bounds."""
        return float(excess(self.residual, self.unit))

    @property
    def worst(self) -> str:
        """Name of the block that is farthest off, in units of its noise."""
        names = list(self.unit)
        return names[int(np.argmax([self.residual[name] / self.unit[name] for name in names]))]

    @property
    def verdict(self) -> str:
        """How it ended, in a sentence with a remedy where one is needed."""
        worst = (
            f"the worst block, {self.worst},"
            if self.together == 1
            else (f"of the mean of {self.together} textures the worst block, {self.worst},")
        )
        before = f" and {sum(self.coarser)} on coarser levels" if self.coarser else ""
        after = (
            f"after {self.evaluations} evaluations{before}: {worst} differs by {self.excess:.3f} "
            f"of its estimation noise, tolerance {self.tolerance:g}"
        )
        return {
            Outcome.CONVERGED: f"Converged {after}.",
            Outcome.STEP_LIMIT: f"Ended at the step limit {after}; allow more steps, or a "
            "larger tolerance.",
            Outcome.STALLED: f"Stalled {after}; the loss falls too slowly to get there: try "
            "another seed, fewer scales or angles, or a larger tolerance.",
            Outcome.NOT_FINITE: f"Stopped {after}; the loss is not finite: look for extreme "
            "values in the target, or use L-BFGS or a smaller learning rate.",
        }[self.outcome]
