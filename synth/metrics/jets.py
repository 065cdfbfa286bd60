"""Joint laws of value, slope and curvatures, seen through Gaussians of three widths."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float

from synth.metrics._sliced import lines, quantiles
from synth.metrics._statistic import Wraps, mean_absolute, smooth
from synth.transforms.palette import some

_MOST = 8192  # points per field
_LEAST_SHARE = 0.05  # of the other's deviation: keeps distances from a flat reference finite
_UNSEEN = 1e-3  # in the target's standard deviations


def describe_jets(sigma: float) -> Callable[..., Float[np.ndarray, "n 4"]]:
    """The function that describes one scale.

    Args:
        sigma: width of the Gaussian in pixels.

    Source:
        J. J. Koenderink, A. J. van Doorn, "Representation of local geometry in the visual
        system", Biol. Cybern. 55 (1987).
    """
    return partial(_describe, sigma=sigma)


def jet_distance(reference: Float[np.ndarray, "n 4"], other: Float[np.ndarray, "n 4"]) -> float:
    """Sliced Wasserstein-1 distance of two jets, coordinates in the reference's deviations.

    Args:
        reference: as described.
        other: as described.
    """
    own, foreign = reference.std(axis=0), other.std(axis=0)
    unit = np.maximum(np.maximum(own, _LEAST_SHARE * foreign), _UNSEEN)
    scaled = lines(4, 32) / unit[:, None]
    return mean_absolute(quantiles(reference, scaled), quantiles(other, scaled))


def _describe(
    field: Float[np.ndarray, "h w"], periodic: Wraps, *, sigma: float
) -> Float[np.ndarray, "n 4"]:
    """Value, modulus of the gradient, larger and smaller eigenvalue of the Hessian."""
    x = field.astype(np.float32)

    def derivative(rows: int, columns: int) -> np.ndarray:
        return smooth(x, sigma, periodic, (rows, columns)).ravel()

    slope = np.hypot(derivative(1, 0), derivative(0, 1))
    down, across, mixed = derivative(2, 0), derivative(0, 2), derivative(1, 1)
    middle, radius = (down + across) / 2, np.hypot((down - across) / 2, mixed)
    jets = np.stack([derivative(0, 0), slope, middle + radius, middle - radius], axis=1)
    return some(jets, _MOST)
