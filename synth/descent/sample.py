"""One descent among several: its losses, how far it has to go, when and how it ends."""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Array, Float

from synth.descent.outcomes import Outcome, Synthesis
from synth.descent.schedule import Schedule
from synth.statistics import Moments, Residual, excess

__all__ = ["CHUNK", "End", "Sample"]

CHUNK = 10
"""Evaluations between two looks at the outcome."""

End = tuple[Float[Array, "*c h w"], Moments, Residual]
"""A field as it is written, its moments, and their distance from the target's."""

_PATIENCE = 100  # evaluations of the last stage before its pace is looked at
_PACE = 6  # chunks over which the pace is measured
_IN_TIME = 1.5  # in good time: within so many times the evaluations done so far
_TINY = 1e-300


class Sample:
    """One descent: its losses, how far it has to go still, how it ended.

    Args:
        schedule: its tolerance and step limits.
        last: whether it begins in the last stage.

    Attributes:
        losses: loss after each evaluation.
        ended: the texture, once there is one.
    """

    def __init__(self, schedule: Schedule, *, last: bool) -> None:
        self.losses: Float[np.ndarray, " n"] = np.zeros(0)
        self.ended: Synthesis | None = None
        self._tolerance, self._max_steps = schedule.tolerance, schedule.max_steps
        self._min_steps, self._near = schedule.min_steps, None
        self.enter_stage(0, last=last)

    def enter_stage(self, evaluations: int, *, last: bool) -> None:
        """Begin to look at the residual anew, and in the last stage at the pace."""
        self._watched = evaluations + _PATIENCE if last else math.inf
        self._goal = self._tolerance
        self._excess: list[float] = []

    def steps(self) -> int:
        """Evaluations to be done in the next chunk."""
        return 0 if self.ended else min(CHUNK, self._max_steps - len(self.losses))

    def look(
        self,
        ending: Callable[[], End],
        excess_now: float,
        stalled: bool,
        unit: Residual,
    ) -> None:
        """End, if it is time.

        Args:
            ending: makes what the sample would end with now.
            excess_now: residual of the worst block in units of its noise.
            stalled: whether the solver cannot go on.
            unit: noise that each block is counted in.
        """
        if self.ended:
            return
        self._excess.append(excess_now)
        outcome, near = self._outcome(stalled), excess_now <= self._goal
        if outcome is None and near and len(self.losses) < self._min_steps:
            self._near = ending  # in case that it does not stay there
            return
        if outcome is None and not near:
            return
        field, moments, residual = ending()
        if outcome and self._near and float(excess(residual, unit)) > self._tolerance:
            before = self._near()
            if float(excess(before[2], unit)) <= self._tolerance:
                field, moments, residual = before
        if float(excess(residual, unit)) <= self._tolerance:
            outcome = Outcome.CONVERGED
        if outcome is not None:
            self.ended = Synthesis(
                field, outcome, residual, unit, moments, self.losses, self._tolerance
            )
        self._goal *= 0.9  # what is finished, clipped and rounded is a little farther off

    def _outcome(self, stalled: bool) -> Outcome | None:
        """Why the descent must end here, or None."""
        losses = self.losses
        if not np.isfinite(losses[-1]):
            return Outcome.NOT_FINITE
        if len(losses) >= self._max_steps:
            return Outcome.STEP_LIMIT
        return Outcome.STALLED if stalled or self._too_slow() else None

    def _too_slow(self) -> bool:
        """Whether at its pace the worst block would not reach the goal in good time.

        The loss goes as the square of the worst block; the faster of the two is the pace. With the
        tolerance 0 no pace is too slow.
        """
        done, far = len(self.losses), self._excess[-1]
        if done < self._watched or not 0 < self._goal < far:
            return False
        span = _PACE * CHUNK
        by_loss = _log(self.losses[-span - 1]) - _log(self.losses[-1])
        by_excess = 2 * (_log(self._excess[-_PACE - 1]) - _log(far))
        fallen = max(by_loss, by_excess) * _IN_TIME * done / span
        return fallen < 2 * math.log(far / self._goal)


def _log(value: float) -> float:
    return math.log(max(value, _TINY))
