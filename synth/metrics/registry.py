"""All held-out statistics, in the order of the tables.

A new statistic is a function that describes a field, and one line here. Fields of several
channels are measured by ``STATISTICS``, every component for itself, and by
``CHANNEL_STATISTICS``, all components together.
"""

from synth.metrics._statistic import Statistic, mean_absolute, rms
from synth.metrics.alignment import describe_alignment
from synth.metrics.bispectra import describe_equilateral, describe_squeezed
from synth.metrics.coherence import describe_coherence, describe_moduli
from synth.metrics.colors import describe_colors
from synth.metrics.increments import describe_flatness, describe_structure, prepare_moments
from synth.metrics.jets import describe_jets, jet_distance
from synth.metrics.marginals import describe_kurtosis, describe_skewness, describe_values
from synth.metrics.minkowski import describe_area, describe_euler, describe_perimeter
from synth.metrics.patches import describe_color_patches, describe_patches
from synth.metrics.power import describe_rings, describe_sectors, prepare_power

STATISTICS: dict[str, Statistic] = {
    "radial spectrum": Statistic(describe_rings, rms, prepare=prepare_power),
    "spectrum 2-D": Statistic(describe_sectors, rms, prepare=prepare_power),
    "wasserstein": Statistic(describe_values, mean_absolute, gaps=True),
    "skewness": Statistic(describe_skewness, rms, gaps=True),
    "kurtosis": Statistic(describe_kurtosis, rms, gaps=True),
    "structure functions": Statistic(describe_structure, rms, gaps=True, prepare=prepare_moments),
    "flatness": Statistic(describe_flatness, rms, gaps=True, prepare=prepare_moments),
    "equilateral bispectrum": Statistic(describe_equilateral, rms, least=16),
    "squeezed bispectrum": Statistic(describe_squeezed, rms, least=32),
    "area": Statistic(describe_area, mean_absolute, gaps=True),
    "perimeter": Statistic(describe_perimeter, mean_absolute),
    "Euler number": Statistic(describe_euler, mean_absolute),
    "patches 1": Statistic(describe_patches(1), mean_absolute, least=8),
    "patches 2": Statistic(describe_patches(2), mean_absolute, least=16),
    "patches 3": Statistic(describe_patches(3), mean_absolute, least=32),
    "patches 4": Statistic(describe_patches(4), mean_absolute, least=64),
    "jets 1": Statistic(describe_jets(1.0), jet_distance, least=8),
    "jets 2": Statistic(describe_jets(2.0), jet_distance, least=16),
    "jets 4": Statistic(describe_jets(4.0), jet_distance, least=32),
    "alignment": Statistic(describe_alignment, rms),
}

CHANNEL_STATISTICS: dict[str, Statistic] = {
    "colors": Statistic(describe_colors(0.0), mean_absolute, gaps=True),
    "colors, blur 1": Statistic(describe_colors(1.0), mean_absolute, least=8),
    "colors, blur 2": Statistic(describe_colors(2.0), mean_absolute, least=16),
    "colors, blur 4": Statistic(describe_colors(4.0), mean_absolute, least=32),
    "color patches 1": Statistic(describe_color_patches(1), mean_absolute, least=8),
    "color patches 2": Statistic(describe_color_patches(2), mean_absolute, least=16),
    "color patches 3": Statistic(describe_color_patches(3), mean_absolute, least=32),
    "coherence": Statistic(describe_coherence, rms, least=16),
    "coherence of moduli": Statistic(describe_moduli, rms, least=16),
}
