"""Descriptors: a field in, named moments out. One file each."""

from synth.statistics.between_channels import BetweenChannels
from synth.statistics.channel_spectra import SpectraOfChannels
from synth.statistics.channels import EachChannel
from synth.statistics.colors import Colors, evenly
from synth.statistics.descriptor import Descriptor, Moments, Residual, excess, unit_of
from synth.statistics.gray_levels import GrayLevels, mixed_levels, quantiles
from synth.statistics.joint import Joint, matches
from synth.statistics.ladder import MODELS, NUM_ANGLES, joint
from synth.statistics.rectified_covariances import RectifiedCovariances
from synth.statistics.scattering_moments import ScatteringMoments
from synth.statistics.scattering_spectra import ScatteringSpectra

__all__ = [
    "MODELS",
    "NUM_ANGLES",
    "BetweenChannels",
    "Colors",
    "Descriptor",
    "EachChannel",
    "GrayLevels",
    "Joint",
    "Moments",
    "RectifiedCovariances",
    "Residual",
    "ScatteringMoments",
    "ScatteringSpectra",
    "SpectraOfChannels",
    "evenly",
    "excess",
    "joint",
    "matches",
    "mixed_levels",
    "quantiles",
    "unit_of",
]
