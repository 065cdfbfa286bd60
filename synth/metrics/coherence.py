"""How channels go together, octave by octave: as waves, and as strengths of waves."""

from itertools import combinations

import numpy as np
from jaxtyping import Bool, Complex, Float

from synth.metrics._statistic import Wraps
from synth.transforms.estimate import taper
from synth.transforms.fourier import centered_frequencies

_CORNER = np.pi * np.sqrt(2)
_FEWEST = 20  # waves of a ring; fewer make more noise than news
_FLOOR = 1e-4  # power per wave, 40 dB below white noise: what is darker does not count


def describe_coherence(
    field: Float[np.ndarray, "k h w"], periodic: Wraps
) -> Float[np.ndarray, "pair ring 3"]:
    """Coherence ⟨x̂ ŷ*⟩ / (⟨|x̂|²⟩ ⟨|ŷ|²⟩)^(1/2) of pairs of components over octave rings.

    The imaginary part changes its sign with ω. It is averaged over the waves that run down,
    and over those that run right: it sees in which direction a component lies displaced. All
    parts are multiplied by the root of the ring's number of waves, so that the noise of
    incoherent components is the same in all rings.

    Args:
        field: components in the target's units.
        periodic: axes that are not are tapered.

    Returns:
        Real part, imaginary part of waves down, of waves to the right.

    Source:
        J. S. Bendat and A. G. Piersol, "Random data" (1971), for coherence.
    """
    spectra, _ = _spectra(field, periodic)
    down, right = _frequencies(field.shape)
    values = []
    for ring in _rings(field.shape):
        waves = spectra[:, ring]
        unit = np.sqrt((np.abs(waves) ** 2).mean(1) + _FLOOR)
        signs = np.sign(np.stack([down[ring], right[ring]]))
        root = np.sqrt(waves.shape[1])
        for one, other in combinations(waves / unit[:, None], 2):
            cross = one * other.conj()
            values.append(root * np.append(cross.real.mean(), (signs * cross.imag).mean(1)))
    return np.reshape(values, (-1, _pairs(field), 3)).swapaxes(0, 1)


def describe_moduli(
    field: Float[np.ndarray, "k h w"], periodic: Wraps
) -> Float[np.ndarray, "pair ring"]:
    """Correlation coefficients of the amplitudes of pairs of components in octave rings.

    The amplitude of a band-passed field x is (x² + |r|²)^(1/2), where r is its Riesz transform
    x̂ iω/|ω|: the modulus of an analytic signal, for all directions alike. Two components have
    correlated amplitudes where both are busy at the same places, whatever their phases. The
    root of the ring's number of waves is multiplied as for the coherence.

    Args:
        field: components in the target's units.
        periodic: axes that are not are tapered; the taper's own fading is taken out.

    Source:
        M. Felsberg and G. Sommer, "The monogenic signal", IEEE Trans. Signal Process. 49
        (2001), for the amplitude.
    """
    spectra, weights = _spectra(field, periodic)
    down, right = _frequencies(field.shape)
    turn = (1j * down - right) / np.maximum(np.hypot(down, right), np.pi / max(down.shape))
    values = []
    for ring in _rings(field.shape):
        x, riesz = (np.fft.ifft2(spectra * each, norm="ortho") for each in (ring, ring * turn))
        amplitude = np.sqrt(x.real**2 + np.abs(riesz) ** 2)
        level = (weights * amplitude).mean((1, 2), keepdims=True)
        varying = amplitude - level * weights
        unit = np.sqrt((varying**2).mean((1, 2), keepdims=True) + _FLOOR * ring.mean())
        root = np.sqrt(ring.sum())
        values += [root * (one * other).mean() for one, other in combinations(varying / unit, 2)]
    return np.reshape(values, (-1, _pairs(field))).T


def _pairs(field: Float[np.ndarray, "k h w"]) -> int:
    return len(field) * (len(field) - 1) // 2


def _spectra(
    field: Float[np.ndarray, "k h w"], periodic: Wraps
) -> tuple[Complex[np.ndarray, "k h w"], Float[np.ndarray, "h w"]]:
    """Spectra of components without their means, and the taper t that they are seen through.

    t is divided by ⟨t²⟩^(1/2), so that white noise of variance 1 keeps its power of 1 per wave.
    """
    weights = taper((field.shape[1], field.shape[2]), periodic)
    means = (weights * field).sum((1, 2), keepdims=True) / weights.sum()
    weights = weights / np.sqrt(np.mean(weights**2))
    return np.fft.fft2(weights * (field - means), norm="ortho"), weights


def _frequencies(shape: tuple[int, ...]) -> tuple[Float[np.ndarray, "h w"], ...]:
    """Frequencies down the rows and along them, in FFT order."""
    rows, columns = (np.fft.ifftshift(centered_frequencies(n)) for n in shape[1:])
    return np.meshgrid(rows, columns, indexing="ij")


def _rings(shape: tuple[int, ...]) -> list[Bool[np.ndarray, "h w"]]:
    """Octaves of |ω| from the corners of the Fourier square down to those with too few waves."""
    radius = np.hypot(*_frequencies(shape))
    rings, high = [], _CORNER * (1 + 1e-9)
    while np.count_nonzero(ring := (radius > high / 2) & (radius <= high)) >= _FEWEST:
        rings.append(ring)
        high /= 2
    return rings
