"""From seeded noise down to a field with the target's moments: steps, loop, verdict."""

from synth.descent.judge import Judge
from synth.descent.levels import descend_levels, num_levels
from synth.descent.loop import compile_descent, descend, drain, synthesize
from synth.descent.outcomes import Outcome, Progress, Synthesis
from synth.descent.schedule import Schedule, Stage
from synth.descent.solvers import LBFGS, Adam

__all__ = [
    "LBFGS",
    "Adam",
    "Judge",
    "Outcome",
    "Progress",
    "Schedule",
    "Stage",
    "Synthesis",
    "compile_descent",
    "descend",
    "descend_levels",
    "drain",
    "num_levels",
    "synthesize",
]
