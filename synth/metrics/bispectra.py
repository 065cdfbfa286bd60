"""Couplings of three waves: bicoherence of rings, by moments of band-passed fields."""

import numpy as np
from jaxtyping import Bool, Float

from synth.metrics._statistic import Wraps
from synth.transforms.estimate import taper
from synth.transforms.fourier import radial_frequency

_TOP = 2 * np.pi / 3  # above it, triples of waves close around the torus of frequencies
_FEWEST = 20  # waves of a ring; fewer make more noise than news
_FEWEST_LONG = 8
_FLOOR = 1e-4  # power per wave, 40 dB below white noise: what is darker does not count


def describe_equilateral(
    field: Float[np.ndarray, "h w"], periodic: Wraps
) -> Float[np.ndarray, " ring"]:
    """Bicoherence ⟨x_a³⟩ / ⟨x_a²⟩^(3/2) of half-octave rings a: triangles of three like sides.

    It is multiplied by the root of the ring's number of waves, so that the noise of a Gaussian
    field is the same in all rings.

    Args:
        field: in the target's units.
        periodic: axes that are not are tapered.

    Source:
        R. Scoccimarro, "Fast estimators for redshift-space clustering", Phys. Rev. D 92
        (2015), 083532, for moments of band-passed fields.
    """
    waves = _Waves(field, periodic)
    values = []
    for ring in _rings(field.shape):
        x, power = waves.take(ring)
        values.append(waves.weight(ring) * (x * x * x).mean() / power**1.5)
    return np.array(values)


def describe_squeezed(
    field: Float[np.ndarray, "h w"], periodic: Wraps
) -> Float[np.ndarray, " ring"]:
    """Bicoherence ⟨x_l x_a²⟩ / (⟨x_l²⟩^(1/2) ⟨x_a²⟩) of rings a and all waves l ≥ 4 times longer.

    It says whether small waves are stronger where the long ones are high. The root of the
    number of waves is multiplied as for equal sides.

    Args:
        field: in the target's units.
        periodic: axes that are not are tapered.
    """
    waves = _Waves(field, periodic)
    values = []
    for low, high in _rings(field.shape):
        long = (0.0, low / 4)
        if waves.inside(long).sum() >= _FEWEST_LONG:
            (x, power), (y, slow) = waves.take((low, high)), waves.take(long)
            coupling = (y * x * x).mean() / (slow**0.5 * power)
            values.append(waves.weight((low, high)) * coupling)
    return np.array(values)


class _Waves:
    """Fourier transform of a field, its mean left out, from which rings are taken.

    A taper t is divided by ⟨t²⟩^(1/2), so that white noise of variance 1 keeps its power.
    """

    def __init__(self, field: Float[np.ndarray, "h w"], periodic: Wraps) -> None:
        self.shape = field.shape
        weights = taper(field.shape, periodic)
        faded = weights * (field - np.sum(weights * field) / np.sum(weights))
        self.spectrum = np.fft.rfft2(faded / np.sqrt(np.mean(weights**2)))
        self.radius = _radius(self.shape)

    def inside(self, ring: tuple[float, float]) -> Bool[np.ndarray, "h w"]:
        """Where low < |ω| ≤ high."""
        return (self.radius > ring[0]) & (self.radius <= ring[1])

    def weight(self, ring: tuple[float, float]) -> float:
        """Root of the number of waves of a ring."""
        return float(np.sqrt(self.inside(ring).sum()))

    def take(self, ring: tuple[float, float]) -> tuple[Float[np.ndarray, "h w"], float]:
        """Field of the waves of a ring, and its power with the least that counts added."""
        chosen = self.inside(ring)
        half = self.spectrum * chosen[:, : self.spectrum.shape[1]]
        x = np.fft.irfft2(half, s=self.shape)
        return x, float((x**2).mean()) + _FLOOR * chosen.mean()


def _radius(shape: tuple[int, ...]) -> Float[np.ndarray, "h w"]:
    height, width = shape
    return np.fft.ifftshift(radial_frequency((height, width)))


def _rings(shape: tuple[int, ...]) -> list[tuple[float, float]]:
    """Half-octaves below a third of the sampling rate, down to those with too few waves."""
    radius = _radius(shape)
    rings = []
    high = _TOP
    while ((radius > high / 2**0.5) & (radius <= high)).sum() >= _FEWEST:
        rings.append((high / 2**0.5, high))
        high /= 2**0.5
    return rings
