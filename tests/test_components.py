"""Principal components of channels, and axes that are turned to those of another picture."""

import numpy as np
import pytest
from fields import white

from synth.models._standard import aligned, standardize
from synth.transforms.components import principal_components

SHAPE = (16, 20)
TURN = np.array([[1, 1], [1, -1]]) / np.sqrt(2)


def color(seed=0):
    """Three channels that share something, in units of their own."""
    fields = white((3, *SHAPE), seed)
    fields = fields + 0.5 * fields.mean(0)
    return fields * np.array([9.0, 0.02, 400.0])[:, None, None] + 70


def sources():
    """Two fields that are uncorrelated, of mean 0 and variance 1."""
    noise = white((2, *SHAPE))
    return principal_components(noise).of(noise)


def target(first, second, unit=(1.0, 1.0)):
    """Two channels of equal variances, their sum and their difference of given deviations."""
    spread = np.array([first, second])[:, None, None] * sources()
    return np.array(unit)[:, None, None] * np.einsum("ck,khw->chw", TURN, spread)


def test_components_are_uncorrelated_and_give_the_field_back():
    found = principal_components(color())
    components = found.of(color())
    np.testing.assert_allclose(np.cov(components.reshape(3, -1), bias=True), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(components.mean((1, 2)), 0, atol=1e-9)
    np.testing.assert_allclose(found.back(components), color(), rtol=1e-9)
    np.testing.assert_allclose(found.inverse @ found.scale, np.eye(3), atol=1e-9)


def test_axes_are_orthogonal_in_standard_deviations_and_bright_is_bright():
    found = principal_components(color())
    standard = found.scale / color().std((1, 2))[:, None]
    product = standard.T @ standard
    np.testing.assert_allclose(product, np.diag(np.diag(product)), atol=1e-9)
    np.testing.assert_allclose(np.diag(product) / 3, found.shares)
    assert np.all(np.diff(found.shares) < 0)
    assert found.shares.sum() == pytest.approx(1)
    assert np.all(standard.sum(0) > 0)


def test_what_rounding_to_levels_adds_has_no_component():
    """A tinted gray picture of 8 bits is one channel."""
    gray = np.clip(128 + 40 * white((64, 64)), 0, 255)
    tinted = np.round(np.stack([gray, 0.8 * gray, 0.6 * gray]))
    assert len(principal_components(tinted).shares) == 1
    assert len(principal_components(tinted / 255).shares) == 1
    hue = 3 * white((64, 64), seed=1)
    assert len(principal_components(np.round(np.stack([gray, gray + hue]))).shares) == 2


def test_few_levels_are_values_of_their_own():
    phases = (white((2, 64, 64)) > 0).astype(float)
    assert len(principal_components(phases).shares) == 2
    almost = np.stack([phases[0], np.where(white((64, 64), seed=1) > 2, 1 - phases[0], phases[0])])
    assert len(principal_components(almost).shares) == 2


@pytest.mark.parametrize("seed", range(4))
def test_of_two_channels_the_first_decides_the_sign_of_their_difference(seed):
    found = principal_components(white((2, *SHAPE), seed))
    axes = found.scale / np.linalg.norm(found.scale, axis=1, keepdims=True)
    difference = axes[:, np.argmin(np.abs(axes.sum(0)))]
    assert difference[0] > 0 > difference[1]


@pytest.mark.parametrize("value", [0.0, 7.1, -1e6])
def test_a_constant_channel_has_no_component(value):
    field = color()
    field[1] = value
    found = principal_components(field)
    assert found.scale.shape == (3, 2)
    assert np.all(found.scale[1] == 0)
    assert np.all(found.inverse[:, 1] == 0)
    np.testing.assert_allclose(found.back(found.of(field)), field, rtol=1e-9, atol=1e-9)


def test_a_combination_of_others_has_none_either():
    one, two, _ = color()
    found = principal_components(np.stack([one, two, 3 * one - 100 * two]))
    assert len(found.shares) == 2
    whole = found.back(found.of(np.stack([one, two, 3 * one - 100 * two])))
    np.testing.assert_allclose(whole[2], 3 * whole[0] - 100 * whole[1], atol=1e-6)


def test_missing_pixels_do_not_count():
    field = color()
    holes = field.copy()
    holes[1, 3:6] = np.nan
    rest = np.delete(field, slice(3, 6), axis=1)
    for one, other in zip(principal_components(holes), principal_components(rest), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    assert np.isnan(principal_components(holes).of(holes))[:, 3:6].all()
    stack = np.stack([color(0), color(1)])
    assert principal_components(stack).of(stack).shape == stack.shape


@pytest.mark.parametrize("unit", [(1.0, 1.0), (1e-3, 50.0)])
def test_components_are_turned_to_those_of_another_picture(unit):
    """Two sources whose variances change places change the order of the components."""
    given = target(1.0, 2.0, unit)
    one, other = (standardize(x, channels=True) for x in (target(2.0, 1.0, unit), given))
    products = np.einsum("khw,lhw->kl", one.fields[0], other.fields[0]) / sources()[0].size
    np.testing.assert_allclose(np.abs(products), [[0, 1], [1, 0]], atol=1e-9)
    turned = aligned(other, one.units)
    np.testing.assert_allclose(turned.fields, one.fields, atol=1e-9)
    np.testing.assert_allclose(turned.units.to(turned.fields[0]), given, atol=1e-9)
    np.testing.assert_allclose(turned.units.of(given), turned.fields[0], atol=1e-9)


def test_turned_components_stay_uncorrelated_of_variance_1():
    one, other = (standardize(color(seed), channels=True) for seed in (0, 1))
    turned = aligned(other, one.units)
    covariance = np.cov(turned.fields[0].reshape(3, -1), bias=True)
    np.testing.assert_allclose(covariance, np.eye(3), atol=1e-9)
    unit = color().std((1, 2))[:, None]
    far = [np.linalg.norm((x.units.scale - one.units.scale) / unit) for x in (other, turned)]
    assert far[1] <= far[0]


def test_a_single_component_is_turned_by_its_sign():
    field = white(SHAPE)
    one, other = (standardize(sign * np.stack([field, -field]), channels=True) for sign in (1, -1))
    for each, wanted in ((one, 1), (other, -1)):
        turned = aligned(each, one.units)
        assert turned.fields.shape == (1, *SHAPE)
        assert np.sum(turned.units.scale * one.units.scale) > 0
        np.testing.assert_allclose(turned.fields, wanted * one.fields, atol=1e-9)
        back = turned.units.to(turned.fields[0])
        np.testing.assert_allclose(back, wanted * np.stack([field, -field]), atol=1e-9)


def test_components_of_another_number_stay_as_they_are():
    flat = color()
    flat[2] = 0
    one, other = (standardize(x, channels=True) for x in (color(), flat))
    gray = standardize(color()[0])
    assert aligned(other, one.units) is other
    assert aligned(one, gray.units) is one
    assert aligned(gray, one.units) is gray
