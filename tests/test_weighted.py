"""Pictures with borders and holes: nothing changes without, and averages keep to what is there."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import picture
from scipy.ndimage import gaussian_filter

from synth import morlet_bank, scatter, scattering_spectra
from synth.transforms.estimate import complete
from synth.transforms.fourier import radial_frequency
from synth.transforms.weighted import Observation, scatter_weighted, spectra_weighted

_scatter = jax.jit(scatter, static_argnames="max_order")
_weighted = jax.jit(scatter_weighted, static_argnames="max_order")
_spectra = jax.jit(scattering_spectra, static_argnames="isotropic")
_spectra_weighted = jax.jit(spectra_weighted, static_argnames="isotropic")

_bank = cache(morlet_bank)


def pictured(field, *, wraps=(True, True), known=None):
    there = np.ones(np.shape(field)) if known is None else known
    single = (jnp.asarray(array, jnp.float32) for array in (field, there))
    return Observation(*single, jnp.asarray(wraps))


def cascade(size, seed=0, slope=1.2, longest=64, skew=0.2):
    """A rough, skewed field on the torus with power at every scale up to the longest."""
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal((size, size)))
    radius = np.fft.ifftshift(radial_frequency((size, size)))
    gain = np.maximum(radius, 2 * np.pi / longest) ** -slope
    field = np.exp(skew * standard(np.fft.ifft2(noise * gain).real))
    return standard(field)


def standard(field):
    return (field - field.mean()) / field.std()


def relative(one, other):
    one, other = np.asarray(one), np.asarray(other)
    return np.linalg.norm(one - other) / np.linalg.norm(other)


@pytest.mark.parametrize(
    ("shape", "scales", "angles", "tight"),
    [
        ((64, 64), 4, 8, True),
        ((40, 56), 3, 4, True),
        ((27, 40), 2, 3, True),
        ((32, 32), 3, 4, False),
    ],
)
def test_moments_of_a_whole_periodic_picture_are_the_plain_ones(shape, scales, angles, tight):
    bank, field = _bank(shape, scales, angles, tight=tight), picture("foam", shape)
    plain = _scatter(jnp.asarray(field, jnp.float32), bank)
    weighted = _weighted(pictured(field), bank)
    assert jax.tree.structure(weighted) == jax.tree.structure(plain)
    for one, other in zip(weighted.orders()[1:], plain.orders()[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * float(jnp.max(other)))
    assert float(weighted.order0) == pytest.approx(float(plain.order0), abs=1e-5)


@pytest.mark.parametrize("isotropic", [False, True])
@pytest.mark.parametrize(("shape", "scales"), [((64, 64), 4), ((27, 40), 2)])
def test_spectra_of_a_whole_periodic_picture_are_the_plain_ones(shape, scales, isotropic):
    bank, field = _bank(shape, scales, 4), picture("foam", shape)
    plain = _spectra(jnp.asarray(field, jnp.float32), bank, isotropic=isotropic)
    weighted = _spectra_weighted(pictured(field), bank, isotropic=isotropic)
    assert jax.tree.structure(weighted) == jax.tree.structure(plain)
    for name, other in vars(plain).items():
        one, size = getattr(weighted, name), float(jnp.max(jnp.abs(other)))
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * max(size, 1), err_msg=name)


def test_order_1_alone_has_no_order_2():
    bank, field = _bank((32, 32), 3, 4), cascade(32)
    alone, both = (_weighted(pictured(field), bank, max_order=order) for order in (1, 2))
    assert alone.order2.size == 0
    np.testing.assert_allclose(alone.order1, both.order1, rtol=1e-6)


# Borders


@pytest.fixture(scope="module")
def large():
    """A smooth field: its crops jump at their borders by far more than neighbors differ."""
    return cascade(512, slope=1.5, longest=128)


@pytest.mark.parametrize("size", [64, 128])
def test_borders_add_nothing_to_fine_scales(large, size):
    scales, whole = 3, jnp.asarray(large, jnp.float32)
    truth = np.asarray(_scatter(whole, _bank(large.shape, scales, 8), max_order=1).order1)
    bank = _bank((size, size), scales, 8)
    starts = range(0, 512, 128)
    crops = [large[r : r + size, c : c + size] for r in starts for c in starts]
    plain = [_scatter(jnp.asarray(crop, jnp.float32), bank, max_order=1) for crop in crops]
    pieces = [pictured(crop, wraps=(False, False)) for crop in crops]
    weighted = [_weighted(piece, bank, max_order=1) for piece in pieces]
    for scale in (0, 1):
        off = [
            relative(np.mean([one.order1[scale] for one in each], axis=0), truth[scale])
            for each in (plain, weighted)
        ]
        assert off[1] < 0.5 * off[0], scale
        assert off[1] < 0.06, scale


@pytest.mark.parametrize("axis", [0, 1])
def test_a_border_counts_on_its_own_axis_alone(axis):
    field = np.roll(cascade(64), 7, axis) + 3 * np.moveaxis(
        np.broadcast_to(np.linspace(-1, 1, 64), (64, 64)), 1, axis
    )
    bank = _bank((64, 64), 3, 4)
    wraps = [(True, True), (axis != 0, axis != 1), (axis == 0, axis == 1)]
    found = [np.asarray(_weighted(pictured(field, wraps=each), bank).order1[0]) for each in wraps]
    across = 0 if axis == 1 else 2  # the angle whose waves vary along the axis
    whole, right, wrong = (each[across] for each in found)
    assert right < 0.9 * whole
    assert wrong > 0.95 * whole


# Missing pixels


def blobs(shape, share=0.2, seed=5):
    """True where a pixel is missing: blobs of about ten pixels across, on the torus."""
    smooth = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 4, mode="wrap")
    return smooth < np.quantile(smooth, share)


def windowed(field, missing, fill=None, wraps=(True, True)):
    """The picture of a field with holes, completed or filled with something else."""
    completed = complete(np.where(missing, np.nan, field), periodic=wraps)
    if fill is not None:
        completed = np.where(missing, fill, completed)
    return pictured(completed, known=~missing, wraps=wraps)


@pytest.mark.parametrize("seed", range(3))
def test_a_fifth_of_the_pixels_may_be_missing(seed):
    field = cascade(128, seed)
    missing = blobs(field.shape, seed=100 + seed)
    assert missing.mean() == pytest.approx(0.2, abs=0.01)
    bank = _bank(field.shape, 5, 4)
    whole = _scatter(jnp.asarray(field, jnp.float32), bank)
    holes = _weighted(windowed(field, missing), bank)
    off = np.abs(np.asarray(holes.order1).mean(1) / np.asarray(whole.order1).mean(1) - 1)
    assert off[:3].max() < 0.05
    assert off.max() < 0.1
    assert float(holes.residual) == pytest.approx(float(whole.residual), rel=0.05)
    other = _scatter(jnp.asarray(cascade(128, seed + 50), jnp.float32), bank)
    assert relative(holes.order2, whole.order2) < 0.8 * relative(other.order2, whole.order2)


@pytest.mark.parametrize("wraps", [(True, True), (False, False)])
def test_values_of_missing_pixels_have_no_influence(wraps):
    field = cascade(64)
    missing = blobs(field.shape)
    hidden = np.where(missing, 1e3 * np.random.default_rng(1).standard_normal((64, 64)), field)
    bank = _bank(field.shape, 4, 4)
    one, other = (windowed(each, missing, wraps=wraps) for each in (field, hidden))
    np.testing.assert_allclose(one.field, other.field, atol=1e-5)
    np.testing.assert_allclose(
        _weighted(one, bank).flatten(), _weighted(other, bank).flatten(), rtol=1e-5, atol=1e-6
    )


def test_points_amid_holes_do_not_count():
    field = cascade(128)
    missing = np.zeros(field.shape, bool)
    missing[32:96, 32:96] = True
    bank = _bank(field.shape, 2, 4)
    one, other = (windowed(field, missing) for _ in range(2))
    middle = np.asarray(other.field).copy()
    middle[48:80, 48:80] += 3 * np.random.default_rng(2).standard_normal((32, 32))
    other = pictured(middle, known=~missing)
    before, after = (_weighted(each, bank).orders() for each in (one, other))
    for first, second in zip(before, after, strict=True):
        np.testing.assert_allclose(second[1:], first[1:], rtol=2e-3, atol=1e-4)
