"""Descriptors: a field in, named moments out. One file each."""

from synth.statistics.descriptor import Descriptor, Moments, Residual, estimation_noise, excess
from synth.statistics.gray_levels import GrayLevels
from synth.statistics.joint import Joint
from synth.statistics.moments import ScatteringMoments
from synth.statistics.registry import MODELS, TOLERANCES, joint
from synth.statistics.spectra import ScatteringSpectra

__all__ = [
    "MODELS",
    "TOLERANCES",
    "Descriptor",
    "GrayLevels",
    "Joint",
    "Moments",
    "Residual",
    "ScatteringMoments",
    "ScatteringSpectra",
    "estimation_noise",
    "excess",
    "joint",
]
