"""Models of a texture: what is kept of the target, and what new fields are drawn from it.

``GaussianModel`` keeps the power spectrum and is sampled directly; ``MomentModel`` keeps the
moments of a descriptor and is sampled by descent (``synth.descent``). Both can be put on another
shape, mixed, and given pixels to keep.
"""

from synth.models.fitting import fit
from synth.models.gaussian import GaussianModel, fit_gaussian
from synth.models.mixture import mix
from synth.models.moments import MomentModel
from synth.models.reference import Reference
from synth.models.start import Start

__all__ = ["GaussianModel", "MomentModel", "Reference", "Start", "fit", "fit_gaussian", "mix"]
