"""Pixels that new fields keep: what is drawn beside them, and from which Gaussian fields."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from synth.errors import InputError
from synth.models.check import check_given
from synth.models.gaussian import GaussianModel

__all__ = ["Kept", "Surroundings", "surroundings", "widest"]

_FILLINGS = 12
_SEED = 0x6B657074


class Kept(eqx.Module):
    """Pixels that are given, and how freely the others move.

    A Gaussian field has a mean and a variance at every pixel, given the pixels that are known.
    Next to these the variance is small: what is drawn goes on from what is kept.

    Attributes:
        pixels: in the target's units; 0 where they are free.
        free: which ones are drawn.
        mean: of the standardized Gaussian field, given the others.
        gain: its variance relative to that of a free field, the mean over all pixels as far from
            the kept ones, at most 1 and never falling with the distance; 0 at kept pixels.
    """

    pixels: Float[Array, "*d h w"]
    free: Bool[Array, "h w"]
    mean: Float[Array, "*k h w"]
    gain: Float[Array, "*k h w"]

    def drawn(self, field: Float[Array, "*k h w"]) -> Float[Array, "*k h w"]:
        """A standardized field, held to the mean as far as the variance says."""
        return self.mean + self.gain * field

    def undrawn(self, field: Float[Array, "*k h w"]) -> Float[Array, "*k h w"]:
        """The inverse of ``drawn`` where pixels are free, and 0 elsewhere."""
        positive = self.gain > 0
        return jnp.where(positive, (field - self.mean) / jnp.where(positive, self.gain, 1), 0)


class Surroundings(NamedTuple):
    """What is kept, and what a Gaussian model makes of it.

    Attributes:
        kept: pixels, conditional mean and variance.
        fillings: fields with the kept pixels, all others drawn, in the target's units.
        samples: as many fields of the model that keep nothing, components drawn one by one, too.
        share: of the pixels that are free.
    """

    kept: Kept
    fillings: tuple[Float[Array, "*d h w"], ...]
    samples: tuple[Float[Array, "*d h w"], ...]
    share: float


def surroundings(
    gaussian: GaussianModel,
    field: Float[np.ndarray, "*_ _ _"],
    margin: Bool[np.ndarray, "_ _"] | None,
) -> Surroundings:
    """Keep the pixels of a field, and what the Gaussian model draws in a margin.

    Args:
        gaussian: of the target, for fields of this shape.
        field: in the target's units; NaN where pixels are not given.
        margin: which of these are drawn here, once.

    Raises:
        InputError: if the field has another shape, no missing pixel, or nothing else.
    """
    given = np.array(field, np.float32)
    whole = (*gaussian.units.channels, *gaussian.shape)
    check_given(given, whole)
    if margin is not None and margin.shape != gaussian.shape:
        raise InputError(f"The margin has the shape {margin.shape}: give that of the field.")
    keys = jax.random.split(jax.random.key(_SEED), _FILLINGS + 1)
    if margin is not None:
        given = np.where(margin, np.asarray(gaussian.complete(given, key=keys[-1])), given)
        check_given(given, whole)
    free = np.asarray(np.isnan(given).any(tuple(range(given.ndim - 2))))
    fillings = tuple(gaussian.complete(given, key=key) for key in keys[:-1])
    units = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), gaussian.units)
    mean = units.of(gaussian.expect(given))
    variance = np.mean([(units.of(np.asarray(one)) - mean) ** 2 for one in fillings], axis=0)
    gains = [_by_distance(each, free) for each in variance.reshape(-1, *free.shape)]
    kept = Kept(
        pixels=jnp.asarray(np.where(free, 0, given), float),
        free=jnp.asarray(free),
        mean=jnp.asarray(mean, float),
        gain=jnp.asarray(np.reshape(gains, variance.shape), float),
    )
    samples = tuple(gaussian.apart().sample(key=key) for key in keys[:-1])
    return Surroundings(kept, fillings, samples, float(free.mean()))


def widest(free: Bool[np.ndarray, "h w"]) -> float:
    """Width of the widest part of holes, in pixels, on the torus."""
    return 2 * float(_distances(free).max())


def _by_distance(
    variance: Float[np.ndarray, "h w"], free: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """Means over free pixels at one distance from those that are kept; at most 1, never falling."""
    distance = np.round(_distances(free)).astype(int)
    counts = np.maximum(np.bincount(distance.ravel()), 1)
    means = np.bincount(distance.ravel(), variance.ravel()) / counts
    rising = np.minimum(np.maximum.accumulate(means), 1)
    return np.where(free, np.maximum(rising[distance], np.finfo(np.float32).eps), 0)


def _distances(free: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Distance of every pixel from the nearest one that is kept, on the torus, in pixels."""
    from scipy.ndimage import distance_transform_edt

    half = [(n // 2, n - n // 2) for n in free.shape]
    around = np.asarray(distance_transform_edt(np.pad(free, half, mode="wrap")))
    inside = tuple(
        slice(before, before + n) for (before, _), n in zip(half, free.shape, strict=True)
    )
    return around[inside]
