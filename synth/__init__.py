"""New textures from one picture, by its wavelet scattering statistics.

    joint("scattering", shape=…) → fit(descriptor, field) → synthesize(model, key=…)

Names are imported when they are first used: ``synth --help`` should not wait for JAX.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synth.app.images import load
    from synth.descent import (
        LBFGS,
        Adam,
        Judge,
        Outcome,
        Schedule,
        Synthesis,
        descend,
        descend_levels,
        drain,
        synthesize,
    )
    from synth.metrics import compare
    from synth.models import GaussianModel, MomentModel, fit, fit_gaussian, mix
    from synth.parallel.mesh import device_mesh
    from synth.statistics import (
        Descriptor,
        GrayLevels,
        Joint,
        ScatteringMoments,
        ScatteringSpectra,
        joint,
    )
    from synth.transforms.filters import (
        EXACT,
        MAPS,
        FilterBank,
        max_scales,
        morlet_bank,
        shared_scales,
    )
    from synth.transforms.littlewood_paley import littlewood_paley
    from synth.transforms.rotations import scatter_rotations
    from synth.transforms.scattering import Scattering, paths, scatter
    from synth.transforms.spectra import Spectra, scattering_spectra, spectra_paths
    from synth.transforms.windowed import padded_shape, scatter_local

_HOMES = {
    "app.images": ("load",),
    "descent": (
        "LBFGS",
        "Adam",
        "Judge",
        "Outcome",
        "Schedule",
        "Synthesis",
        "descend",
        "descend_levels",
        "drain",
        "synthesize",
    ),
    "metrics": ("compare",),
    "models": (
        "GaussianModel",
        "MomentModel",
        "fit",
        "fit_gaussian",
        "mix",
    ),
    "parallel.mesh": ("device_mesh",),
    "statistics": (
        "Descriptor",
        "GrayLevels",
        "Joint",
        "ScatteringMoments",
        "ScatteringSpectra",
        "joint",
    ),
    "transforms.filters": (
        "EXACT",
        "MAPS",
        "FilterBank",
        "max_scales",
        "morlet_bank",
        "shared_scales",
    ),
    "transforms.littlewood_paley": ("littlewood_paley",),
    "transforms.rotations": ("scatter_rotations",),
    "transforms.scattering": (
        "Scattering",
        "paths",
        "scatter",
    ),
    "transforms.spectra": (
        "Spectra",
        "scattering_spectra",
        "spectra_paths",
    ),
    "transforms.windowed": (
        "padded_shape",
        "scatter_local",
    ),
}

__all__ = [
    "EXACT",
    "LBFGS",
    "MAPS",
    "Adam",
    "Descriptor",
    "FilterBank",
    "GaussianModel",
    "GrayLevels",
    "Joint",
    "Judge",
    "MomentModel",
    "Outcome",
    "Scattering",
    "ScatteringMoments",
    "ScatteringSpectra",
    "Schedule",
    "Spectra",
    "Synthesis",
    "compare",
    "descend",
    "descend_levels",
    "device_mesh",
    "drain",
    "fit",
    "fit_gaussian",
    "joint",
    "littlewood_paley",
    "load",
    "max_scales",
    "mix",
    "morlet_bank",
    "padded_shape",
    "paths",
    "scatter",
    "scatter_local",
    "scatter_rotations",
    "scattering_spectra",
    "shared_scales",
    "spectra_paths",
    "synthesize",
]


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"synth.{module}"), name)
    raise AttributeError(f"module 'synth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
