"""Figures: arrays in, a Matplotlib ``Figure`` out; nothing is shown, saved or remembered.

They stand at the end of the flow, where the report, the gallery and the notebooks take them.
Figures are laid out in pixels, so that a pixel of a picture covers a whole number of pixels of
the page: save one with ``figure.savefig(path)``, at its own resolution.
"""

from synth.app.figures.areas import areas
from synth.app.figures.bank import filter_bank
from synth.app.figures.coefficients import coefficients
from synth.app.figures.comparison import comparison
from synth.app.figures.confusion import confusion
from synth.app.figures.dots import scoreboard
from synth.app.figures.progress import progress
from synth.app.figures.sheet import Row, gallery
from synth.app.figures.stability import stability
from synth.app.figures.strip import strip
from synth.app.figures.windowed import windowed

__all__ = [
    "Row",
    "areas",
    "coefficients",
    "comparison",
    "confusion",
    "filter_bank",
    "gallery",
    "progress",
    "scoreboard",
    "stability",
    "strip",
    "windowed",
]
