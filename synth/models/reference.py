"""The reference: what a picture, or several of one process, say about the moments of the process.

Pictures are measured once, carefully: over the points that their wavelets reach from inside,
with the noise that is left in what they say. Nothing looks at the pictures again.
"""

from collections.abc import Callable, Sequence
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Inexact

from synth.parallel.mesh import everywhere, undivided, whole
from synth.parallel.programs import compiled
from synth.statistics import Descriptor, Moments, Residual
from synth.transforms.cross import cross_root
from synth.transforms.filters import half_of
from synth.transforms.weighted import Observation

__all__ = ["Reference", "mean_of", "moments_on_torus", "refer", "spread", "stacked"]

_SAMPLES = 4  # Gaussian fields that calibrate the noise
_SEED = 0x7265666572  # not one that pictures and masks are drawn from
_LEAST_NOISE = 1e-3  # patterns that repeat exactly have none


class Reference(eqx.Module):
    """Moments of a process, as far as its pictures tell.

    Attributes:
        moments: means over the pictures.
        noise: estimation noise of every block: the difference that two independent pictures of
            this size show; of new fields of another size, that between a picture and a field.
        area: of the pictures, over that of new fields.
    """

    moments: Moments
    noise: Residual
    area: Float[Array, ""] = eqx.field(converter=lambda a: jnp.asarray(a, float), default=1.0)

    @property
    def spread(self) -> Residual:
        """Noise between two new fields: with a picture they have √((1 + area)/2) times its own."""
        factor = jnp.sqrt(2 * self.area / (1 + self.area))
        return {name: factor * level for name, level in self.noise.items()}


def refer(
    descriptor: Descriptor,
    pictures: Sequence[Sequence[Observation]],
    spectrum: Inexact[np.ndarray, "*k h w"],
    *,
    on_torus: bool,
) -> Reference:
    """Measure pictures of one process.

    The noise is that among quadrants, times the ratio of the noise among whole pictures to that
    among quadrants for Gaussian fields of the same spectrum: coarse scales have few independent
    waves in a picture and hardly fewer in a quadrant. Of several pictures the differences among
    themselves count too, the more the more there are.

    Args:
        descriptor: of their shape.
        pictures: standardized; of each one as many fields as its missing pixels were drawn
            times, which count as one in the mean.
        spectrum: of the process, per frequency, in FFT order; of several components their
            cross spectra.
        on_torus: whether all of them wrap along both axes and miss no pixel.

    Returns:
        The reference: means over the pictures.
    """
    measure = _measured_on_torus if on_torus else _measured
    with undivided():
        every = stacked([stacked(drawn) for drawn in pictures])
        samples = _samples(spectrum, pictures[0][0])
        measured = measure(descriptor, descriptor.of_quadrants(), every, samples)
    return Reference(*everywhere(measured))


@partial(compiled, rare=True)
def moments_on_torus(descriptor: Descriptor, field: Float[Array, "*k h w"]) -> Moments:
    """Moments of a standardized field on the torus."""
    return whole(descriptor(field))


@partial(compiled, rare=True)
def _measured(
    descriptor: Descriptor, of_quadrants: Descriptor, pictures: Observation, samples: Observation
) -> tuple[Moments, Residual]:
    return _with_noise((descriptor, of_quadrants), descriptor.observe, pictures, samples)


@partial(compiled, rare=True)
def _measured_on_torus(
    descriptor: Descriptor, of_quadrants: Descriptor, pictures: Observation, samples: Observation
) -> tuple[Moments, Residual]:
    def observe(picture: Observation) -> Moments:
        return descriptor(picture.field)

    return _with_noise((descriptor, of_quadrants), observe, pictures, samples)


def _with_noise(
    descriptors: tuple[Descriptor, Descriptor],
    observe: Callable[[Observation], Moments],
    pictures: Observation,
    samples: Observation,
) -> tuple[Moments, Residual]:
    """Mean moments of the pictures, and the noise of one of them.

    Args:
        descriptors: of whole pictures, and of quadrants.
        observe: measures a whole one.
        pictures: as many of each as it was drawn.
        samples: Gaussian fields.
    """
    descriptor, of_quadrants = descriptors
    count, draws = pictures.field.shape[:2]
    joined = _joined(pictures, samples)
    each = lax.map(observe, joined)  # pictures and samples in one loop, which is compiled once
    every = jax.tree.map(
        lambda leaf: leaf[: count * draws].reshape(count, draws, *leaf.shape[1:]).mean(1), each
    )
    mean = mean_of(every)

    def distances(moments: Moments) -> Residual:
        return spread(descriptor, moments, mean)

    among = lax.map(lambda field: distances(_quadrants(of_quadrants, field)), joined.field)

    def among_quadrants(some: slice) -> Residual:
        return jax.tree.map(lambda values: jnp.sqrt(jnp.mean(values[some] ** 2)), among)

    parts = among_quadrants(slice(count * draws))
    parts_of_samples = among_quadrants(slice(count * draws, None))
    whole_samples = distances(jax.tree.map(lambda leaf: leaf[count * draws :], each))

    def level(name: str) -> Float[Array, ""]:
        part, full, sample = parts[name], whole_samples[name], parts_of_samples[name]
        if name in descriptor.noise_of_quadrants:
            return descriptor.noise_of_quadrants[name] * part
        # A third of it from the spectrum alone: four quadrants are few.
        return full * jnp.sqrt((1 + 2 * (part / jnp.maximum(sample, _LEAST_NOISE)) ** 2) / 3)

    noise = {name: level(name) for name in parts}
    if count > 1:
        noise = jax.tree.map(
            lambda one, several: jnp.sqrt((one**2 + (count - 1) * several**2) / count),
            noise,
            distances(every),
        )
    return mean, jax.tree.map(lambda level: jnp.maximum(level, _LEAST_NOISE), noise)


def _joined(pictures: Observation, samples: Observation) -> Observation:
    """Every draw of every picture, and then the samples."""
    return jax.tree.map(
        lambda several, others: jnp.concatenate([several.reshape(-1, *others.shape[1:]), others]),
        pictures,
        samples,
    )


def _quadrants(of_quadrants: Descriptor, field: Float[Array, "*k h w"]) -> Moments:
    height, width = half_of((field.shape[-2], field.shape[-1]))
    corners = jnp.asarray([(row, column) for row in (0, height) for column in (0, width)])
    return lax.map(lambda corner: of_quadrants.piece(field, corner), corners)


def spread(descriptor: Descriptor, moments: Moments, target: Moments) -> Residual:
    """Root mean square distance between two of several sets of moments, in the target's units.

    Args:
        descriptor: whose moments they are.
        moments: with a leading axis of two or more sets.
        target: in whose units distances are.

    Returns:
        A distance per block, to be compared with the estimation noise.
    """
    each = deviations(descriptor, moments, target)
    return jax.tree.map(lambda block: jnp.sqrt(jnp.mean(block**2)), each)


def deviations(
    descriptor: Descriptor, moments: Moments, target: Moments
) -> dict[str, Float[Array, " n"]]:
    """Distance of each of n sets of moments from their mean, times √(2n / (n − 1)).

    Args:
        descriptor: whose moments they are.
        moments: with a leading axis of two or more sets.
        target: in whose units distances are.

    Returns:
        Distances per block, whose root mean square is the ``spread``.
    """
    middle = mean_of(moments)

    def distance(one: Moments) -> Residual:
        moved = jax.tree.map(lambda t, a, b: t + a - b, target, one, middle)
        return descriptor.residual(moved, target)

    distances = lax.map(distance, moments)
    return jax.tree.map(lambda each: each * jnp.sqrt(2 * len(each) / (len(each) - 1)), distances)


def mean_of(moments: Moments) -> Moments:
    """Mean of several sets of moments, of which a leading axis is."""
    return jax.tree.map(lambda leaf: leaf.mean(0), moments)


def stacked(trees: Sequence[Moments]) -> Moments:
    """Several sets of moments as one, with a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def _samples(spectrum: Inexact[np.ndarray, "*k h w"], like: Observation) -> Observation:
    """Standardized Gaussian fields of the spectrum, with the borders and holes of a picture."""
    shape = like.field.shape
    noise = np.fft.fft2(np.random.default_rng(_SEED).normal(size=(_SAMPLES, *shape)))
    if len(shape) > 2:
        root = np.asarray(cross_root(jnp.asarray(spectrum)))
        fields = np.fft.ifft2(np.einsum("cdhw,ndhw->nchw", root, noise)).real
    else:
        fields = np.fft.ifft2(noise * np.sqrt(spectrum.astype(np.float64))).real
    fields /= fields.std((-2, -1), keepdims=True)
    return stacked(
        [Observation(jnp.asarray(f, like.field.dtype), like.known, like.wraps) for f in fields]
    )
