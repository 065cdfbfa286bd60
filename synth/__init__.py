"""New textures from one picture, by its wavelet scattering statistics.

    joint("scattering", shape=…) → fit(descriptor, field) → synthesize(model, key=…)

Names are imported when they are first used: ``synth --help`` should not wait for JAX.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synth.devices import device_mesh
    from synth.filters import EXACT, FilterBank, littlewood_paley, max_scales, morlet_bank
    from synth.metrics import compare
    from synth.models import GaussianModel, MomentModel, fit, fit_gaussian
    from synth.scattering import Scattering, paths, scatter, scatter_local
    from synth.solvers import LBFGS, Adam
    from synth.spectra import Spectra, scattering_spectra, spectra_paths
    from synth.statistics import (
        Descriptor,
        GrayLevels,
        Joint,
        ScatteringMoments,
        ScatteringSpectra,
        joint,
    )
    from synth.synthesis import Judge, Limits, Outcome, Synthesis, descend, drain, synthesize

_HOMES = {
    "filters": (
        "EXACT",
        "FilterBank",
        "littlewood_paley",
        "max_scales",
        "morlet_bank",
    ),
    "metrics": ("compare",),
    "models": (
        "GaussianModel",
        "MomentModel",
        "fit",
        "fit_gaussian",
    ),
    "scattering": (
        "Scattering",
        "paths",
        "scatter",
        "scatter_local",
    ),
    "solvers": (
        "LBFGS",
        "Adam",
    ),
    "spectra": (
        "Spectra",
        "scattering_spectra",
        "spectra_paths",
    ),
    "devices": ("device_mesh",),
    "statistics": (
        "Descriptor",
        "GrayLevels",
        "Joint",
        "ScatteringMoments",
        "ScatteringSpectra",
        "joint",
    ),
    "synthesis": (
        "Judge",
        "Limits",
        "Outcome",
        "Synthesis",
        "descend",
        "drain",
        "synthesize",
    ),
}

__all__ = [
    "EXACT",
    "LBFGS",
    "Adam",
    "Descriptor",
    "FilterBank",
    "GaussianModel",
    "GrayLevels",
    "Joint",
    "Judge",
    "Limits",
    "MomentModel",
    "Outcome",
    "Scattering",
    "ScatteringMoments",
    "ScatteringSpectra",
    "Spectra",
    "Synthesis",
    "compare",
    "descend",
    "device_mesh",
    "drain",
    "fit",
    "fit_gaussian",
    "joint",
    "littlewood_paley",
    "max_scales",
    "morlet_bank",
    "paths",
    "scatter",
    "scatter_local",
    "scattering_spectra",
    "spectra_paths",
    "synthesize",
]


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"synth.{module}"), name)
    raise AttributeError(f"module 'synth' has no attribute {name!r}")
