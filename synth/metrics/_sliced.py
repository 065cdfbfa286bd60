"""Sliced Wasserstein distances: laws in many dimensions, compared along random lines."""

import numpy as np
from jaxtyping import Float

_QUANTILES = 512


def lines(dimensions: int, count: int = 64) -> Float[np.ndarray, "d count"]:
    """Directions of unit length, uniform on the sphere and the same at every call.

    Args:
        dimensions: of the space.
        count: how many.
    """
    drawn = np.random.default_rng(dimensions).normal(size=(dimensions, count))
    return (drawn / np.linalg.norm(drawn, axis=0)).astype(np.float32)


def quantiles(
    points: Float[np.ndarray, "n d"],
    directions: Float[np.ndarray, "d count"],
    most: int | None = None,
) -> Float[np.ndarray, "count q"]:
    """Quantiles of the projections of points on lines, at most 512 per line.

    Their mean absolute difference is the sliced Wasserstein-1 distance, up to the coarseness
    of the quantiles.

    Args:
        points: samples of a law.
        directions: as ``lines`` returns them, or scaled.
        most: quantiles to take, at most 512, whatever the number of points; otherwise at most
            one per point.

    Source:
        J. Rabin, G. Peyré, J. Delon, M. Bernot, "Wasserstein barycenter and its application
        to texture mixing", SSVM (2011).
    """
    # Not a product of matrices: its threads would wait for those that measure other fields.
    along = np.einsum("dl,nd->ln", directions.astype(points.dtype), points)
    ordered = np.sort(along, axis=1)
    count = min(_QUANTILES, most or len(points))
    return ordered[:, ((np.arange(count) + 0.5) * len(points) / count).astype(int)]
