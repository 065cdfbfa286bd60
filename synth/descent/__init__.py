"""From seeded noise down to a field with the target's moments: steps, loop, verdict."""

from synth.descent.exact import Judge
from synth.descent.loop import descend, drain, synthesize
from synth.descent.outcomes import Limits, Outcome, Progress, Synthesis
from synth.descent.solvers import LBFGS, Adam

__all__ = [
    "LBFGS",
    "Adam",
    "Judge",
    "Limits",
    "Outcome",
    "Progress",
    "Synthesis",
    "descend",
    "drain",
    "synthesize",
]
