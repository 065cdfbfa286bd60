"""Descriptors: a field in, named moments out. One file each."""

from synth.statistics.descriptor import Descriptor, Moments, Residual, excess
from synth.statistics.gray_levels import GrayLevels
from synth.statistics.joint import Joint
from synth.statistics.moments import ScatteringMoments
from synth.statistics.registry import MODELS, NUM_ANGLES, joint
from synth.statistics.spectra import ScatteringSpectra

__all__ = [
    "MODELS",
    "NUM_ANGLES",
    "Descriptor",
    "GrayLevels",
    "Joint",
    "Moments",
    "Residual",
    "ScatteringMoments",
    "ScatteringSpectra",
    "excess",
    "joint",
]
