"""Fields that the transforms are held against their oracles on."""

import numpy as np

from synth.images import load


def white(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def picture(name, shape):
    """A bundled picture repeated to a shape, of mean 0 and variance 1."""
    field = load(name).field[0].astype(np.float64)
    tiled = np.tile(field, (2, 2))[: shape[0], : shape[1]]
    return (tiled - tiled.mean()) / tiled.std()
