"""New textures from one picture, by its wavelet scattering moments."""

from synth.filters import EXACT, FilterBank, littlewood_paley, max_scales, morlet_bank
from synth.models import GaussianModel, MomentModel, fit, fit_gaussian
from synth.scattering import Scattering, paths, scatter, scatter_local
from synth.solvers import LBFGS, Adam
from synth.statistics import Residual, ScatteringMoments
from synth.synthesis import Limits, Outcome, Synthesis, descend, synthesize

__all__ = [
    "EXACT",
    "LBFGS",
    "Adam",
    "FilterBank",
    "GaussianModel",
    "Limits",
    "MomentModel",
    "Outcome",
    "Residual",
    "Scattering",
    "ScatteringMoments",
    "Synthesis",
    "descend",
    "fit",
    "fit_gaussian",
    "littlewood_paley",
    "max_scales",
    "morlet_bank",
    "paths",
    "scatter",
    "scatter_local",
    "synthesize",
]
