"""Powers of radially averaged spectra: of one component, and matrices of several."""

import numpy as np
import pytest
from fields import white

from synth.transforms.cross import estimate_cross_spectrum
from synth.transforms.estimate import estimate_spectrum
from synth.transforms.fourier import radial_frequency
from synth.transforms.radial import radial_powers

SHAPE = (32, 40)


def radius(shape=SHAPE):
    return np.fft.ifftshift(radial_frequency(shape))


def colored(field):
    """The components with a spectrum that falls."""
    gain = 1 / (0.2 + radius(field.shape[-2:]))
    return np.fft.ifft2(np.fft.fft2(field) * gain).real


def shared(share):
    """Two components of variance 1; of the second, a share of the waves below 1 is the first's."""
    noise = colored(white((2, *SHAPE)))
    waves = np.fft.fft2(noise)
    part = np.where(radius() < 1, share, 0)
    waves[1] = part * waves[0] + np.sqrt(1 - part**2) * waves[1]
    field = np.fft.ifft2(waves).real
    return field / field.std((1, 2), keepdims=True)


def product(one, other):
    return np.einsum("cdhw,dehw->cehw", one, other)


def coherence(matrix):
    return matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1])


def test_powers_of_matrices_multiply():
    spectrum = estimate_cross_spectrum(shared(0.8))
    quarter, half, whole = radial_powers(spectrum, (1 / 4, 1 / 2, 1))
    assert whole.shape == (2, 2, 32, 21)
    np.testing.assert_allclose(product(quarter, quarter), half, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(product(half, half), whole, rtol=1e-9, atol=1e-12)


def test_of_independent_components_it_is_that_of_each():
    field = colored(white((2, *SHAPE)))
    spectrum = estimate_cross_spectrum(field)
    spectrum[0, 1] = spectrum[1, 0] = 0
    (found,) = radial_powers(spectrum, (0.5,))
    for index, one in enumerate(field):
        (wanted,) = radial_powers(estimate_spectrum(one), (0.5,))
        np.testing.assert_allclose(found[index, index], wanted, rtol=1e-6)
    assert np.abs(found[0, 1]).max() < 1e-12


@pytest.mark.parametrize("share", [-0.8, 0.8])
def test_the_coherence_is_that_of_the_ring(share):
    (matrix,) = radial_powers(estimate_cross_spectrum(shared(share)), (1,))
    found, half = coherence(matrix), radius()[:, :21]
    inside, beyond = (half > 0.4) & (half < 0.8), half > 1.2
    waves = half[inside] * SHAPE[0] / 2
    assert np.mean(found[inside] * (1 + 2 / waves)) == pytest.approx(share, abs=0.1)
    assert abs(found[beyond].mean()) < 0.1


def test_of_equal_components_there_is_an_inverse():
    field = colored(white((2, *SHAPE)))
    spectrum = estimate_cross_spectrum(field[[0, 0, 1]])
    values = np.linalg.eigvalsh(np.moveaxis(radial_powers(spectrum, (1,))[0], (0, 1), (-2, -1)))
    assert values.min() > 0
    assert (values[..., -1] / values[..., 0]).max() < 2000


def test_where_there_is_no_power_components_are_incoherent():
    """What is left in an empty band is rounding, and may be the same in all components."""
    spectrum = estimate_cross_spectrum(shared(0.8))
    empty = radius() > 2
    spectrum[:, :, empty] = 1e-15
    (matrix,) = radial_powers(spectrum, (1,))
    assert np.abs(coherence(matrix)[empty[:, :21] & (radius()[:, :21] > 2.2)]).max() < 1e-6
