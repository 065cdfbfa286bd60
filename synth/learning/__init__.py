"""Scattering in scikit-learn's own form: pictures as numbers, and affine spaces that classify.

They need the extra ``classify``, for scikit-learn.
"""

from synth.learning.affine import AffinePCA
from synth.learning.histogram import GrayLevelHistogram
from synth.learning.spectrum import PowerSpectrum
from synth.learning.transformer import ScatteringTransformer

__all__ = ["AffinePCA", "GrayLevelHistogram", "PowerSpectrum", "ScatteringTransformer"]
