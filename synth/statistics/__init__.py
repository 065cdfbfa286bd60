"""Descriptors: a field in, named moments out. One file each."""

from synth.statistics.moments import Residual, ScatteringMoments

__all__ = ["Residual", "ScatteringMoments"]
