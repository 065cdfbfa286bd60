"""Judges that the loop never sees: held-out statistics of fields, beside their target.

`compare` is the scoreboard: distances of candidates from the target by every statistic of
`STATISTICS`, and for several channels of `CHANNEL_STATISTICS`, in units of the distance between
two real pieces. `copying` looks for the target itself in a candidate, `foreign_colors` for colors
that the target does not have. All of it is NumPy.
"""

from synth.metrics._statistic import Statistic
from synth.metrics.colors import foreign_colors
from synth.metrics.copies import Copying, copying
from synth.metrics.increments import flatness
from synth.metrics.jumps import border_jump, seam_jump
from synth.metrics.marginals import kurtosis, skewness
from synth.metrics.power import radial_spectrum, spectrum_error
from synth.metrics.registry import CHANNEL_STATISTICS, STATISTICS
from synth.metrics.scoreboard import Score, Scoreboard, compare

__all__ = [
    "CHANNEL_STATISTICS",
    "STATISTICS",
    "Copying",
    "Score",
    "Scoreboard",
    "Statistic",
    "border_jump",
    "compare",
    "copying",
    "flatness",
    "foreign_colors",
    "kurtosis",
    "radial_spectrum",
    "seam_jump",
    "skewness",
    "spectrum_error",
]
