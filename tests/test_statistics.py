"""Residuals, weights and normalizations of every descriptor, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

from synth import (
    GrayLevels,
    Scattering,
    ScatteringMoments,
    ScatteringSpectra,
    Spectra,
    morlet_bank,
)
from synth.transforms.weighted import Observation

BANK = morlet_bank((16, 16), 2, 2)


def scalars(**values):
    return {name: jnp.asarray(value, jnp.float32) for name, value in values.items()}


def skewed(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).gamma(2.0, size=shape) - 2, jnp.float32)


# Scattering moments by hand


def numbers(order0, order1, residual, order2):
    parts = (order0, order1, residual, order2)
    return Scattering(*(None if x is None else jnp.asarray(x, jnp.float32) for x in parts))


TARGET = numbers(0.0, [[3, 0], [0, 4]], 0.0, [[[0, 12], [0, 0]]])


def test_residual_by_hand():
    moments = numbers(0.5, [[3, 1], [0, 4]], 2.0, [[[0, 12], [3, 0]]])
    residual = ScatteringMoments(BANK).residual(moments, TARGET)
    assert list(residual) == ["order1", "order2"]  # order 0 is the target's by construction
    assert float(residual["order1"]) == pytest.approx(np.sqrt(1 + 4) / 5)
    assert float(residual["order2"]) == pytest.approx(3 / 12)


def test_residual_of_order_1_alone():
    moments = numbers(0.5, [[3, 1], [0, 4]], 2.0, [[[0, 12], [3, 0]]])
    residual = ScatteringMoments(BANK, max_order=1).residual(moments, TARGET)
    assert list(residual) == ["order1"]
    assert float(residual["order1"]) == pytest.approx(np.sqrt(5) / 5)


def test_residual_without_a_residual_band():
    target = numbers(0.0, [[3.0], [4.0]], None, np.zeros((1, 1, 1)))
    moments = numbers(0.0, [[3.0], [3.0]], None, np.zeros((1, 1, 1)))
    residual = ScatteringMoments(morlet_bank((16, 16), 2, 2, tight=False)).residual(moments, target)
    assert float(residual["order1"]) == pytest.approx(1 / 5)
    assert float(residual["order2"]) == 0


def test_residual_of_a_target_without_moments_is_finite():
    vanished = jax.tree.map(jnp.zeros_like, TARGET)
    residual = ScatteringMoments(BANK).residual(TARGET, vanished)
    assert float(residual["order1"]) == pytest.approx(5)
    assert float(residual["order2"]) == pytest.approx(12)


UNIT = scalars(order1=0.3, order2=0.4)  # 0.3² + 0.4² = ¼


def test_weights_by_hand():
    target = numbers(0.0, [[3, 1], [2, 2]], 5.0, [[[1, 2], [3, 4]]])
    moments = numbers(0.5, [[4, 1], [2, 0]], 6.0, [[[1, 2], [3, 6]]])
    weights = ScatteringMoments(BANK).weights(target, UNIT)

    def part(w, a, b):
        return float(jnp.sum(w * (a - b) ** 2)) / 4  # in units of the noise

    got = jax.tree.map(part, weights, moments, target)
    # 5 moments of order 1: mean squares 5 and 4 per scale, 25 of the residual band.
    own1, norm1 = (1 / 5 + 4 / 4 + 1 / 25) / 5, 9 + 1 + 4 + 4 + 25
    assert got.order1 + got.residual == pytest.approx(own1 + 10 * (1 + 4 + 1) / norm1)
    assert got.order2 == pytest.approx(4 / 7.5 / 4 + 10 * 4 / 30)
    assert got.order0 == pytest.approx(100 * 0.25)


# Scattering spectra by hand

ONE = morlet_bank((16, 16), 1, 2)


def spectra(power, modulus, c01, c11):
    lines = 0.0, power, 2.0, 3.0, modulus
    real = [jnp.asarray(x, jnp.float32) for x in lines]
    return Spectra(*real, *(jnp.asarray(x, jnp.complex64) for x in (c01, c11)))


TARGET_SPECTRA = spectra([[4.0, 9.0]], [[2.0, 3.0]], [[[1, 2], [3, 4j]]], [[4, 4], [1j, 6], [9, 9]])


def test_spectra_are_normalized_by_the_powers_of_the_target():
    descriptor = ScatteringSpectra(ONE)
    other = jax.tree.map(lambda x: 5 * x, TARGET_SPECTRA)
    normalized = descriptor.normalized(other, TARGET_SPECTRA)
    np.testing.assert_allclose(normalized.power, [[5, 5]])
    np.testing.assert_allclose(normalized.modulus, [[5, 5]])
    np.testing.assert_allclose((normalized.above, normalized.below), (5, 5))
    c01 = np.array([[1 / 4, 2 / 6], [3 / 6, 4j / 9]])
    np.testing.assert_allclose(normalized.c01[0], 5 * c01, rtol=1e-6)
    c11 = np.array([[1, 1], [1j / 6, 1], [1, 1]])
    np.testing.assert_allclose(normalized.c11, 5 * c11, rtol=1e-6)


def test_residual_of_spectra_by_hand():
    moments = spectra(
        [[8.0, 9.0]], [[2.0, 6.0]], [[[1, 2], [3, 4j + 18]]], [[4, 4], [7j, 6], [9, 9]]
    )
    residual = ScatteringSpectra(ONE).residual(moments, TARGET_SPECTRA)
    assert list(residual) == ["power", "modulus", "c01", "c11"]  # the mean is the target's
    assert float(residual["power"]) == pytest.approx(np.sqrt(1 / 4))  # two bands, above, below
    assert float(residual["modulus"]) == pytest.approx(np.sqrt(1 / 2))
    assert float(residual["c01"]) == pytest.approx(np.sqrt(2**2 / 4))
    assert float(residual["c11"]) == pytest.approx(np.sqrt(1 / 6))


@pytest.mark.parametrize("block", ["power", "modulus", "c01", "c11"])
def test_each_block_of_the_spectra_is_counted_in_its_own_unit(block):
    unit = dict.fromkeys(("power", "modulus", "c01", "c11"), jnp.asarray(1.0))
    descriptor = ScatteringSpectra(ONE)
    plain = descriptor.weights(TARGET_SPECTRA, unit)
    doubled = descriptor.weights(TARGET_SPECTRA, unit | {block: jnp.asarray(2.0)})
    fields = {"power": ("mean", "power", "above", "below")}.get(block, (block,))
    for name in ("mean", "power", "above", "below", "modulus", "c01", "c11"):
        wanted = getattr(plain, name) / (4 if name in fields else 1)
        np.testing.assert_allclose(getattr(doubled, name), wanted, rtol=1e-6)


# Gray levels


def test_gray_levels_are_at_the_distance_of_the_cheapest_transport():
    field, other = skewed((8, 9)), 0.5 * skewed((8, 9), 1) + 1
    descriptor = GrayLevels((8, 9))
    residual = descriptor.residual(descriptor(field), descriptor(other))
    cost = np.subtract.outer(np.ravel(field).astype(float), np.ravel(other)) ** 2
    plan = linear_sum_assignment(cost)
    assert float(residual["gray_levels"]) == pytest.approx(np.sqrt(cost[plan].mean()), rel=1e-5)
    assert float(residual["gray_levels"]) >= wasserstein_distance(np.ravel(field), np.ravel(other))


def test_gray_levels_do_not_see_where_a_pixel_is():
    field = skewed((27, 40))
    mixed = np.random.default_rng(1).permutation(np.ravel(field)).reshape(27, 40)
    descriptor = GrayLevels((27, 40))
    for other in (jnp.asarray(mixed), jnp.roll(field, (3, 5), (0, 1)), field[::-1]):
        np.testing.assert_array_equal(descriptor(other), descriptor(field))
    shifted = descriptor.residual(descriptor(field + 0.25), descriptor(field))
    assert float(shifted["gray_levels"]) == pytest.approx(0.25, rel=1e-5)
    assert float(descriptor.residual(descriptor(-field), descriptor(field))["gray_levels"]) > 0.3


def window(field, known, *, wraps=(True, True)):
    return Observation(field, jnp.asarray(known, jnp.float32), jnp.asarray(wraps))


@pytest.mark.parametrize("wraps", [(True, True), (False, True)])
def test_gray_levels_of_a_whole_picture_are_its_sorted_values(wraps):
    field = skewed((9, 14))
    observed = GrayLevels((9, 14)).observe(window(field, np.ones((9, 14)), wraps=wraps))
    np.testing.assert_allclose(observed, np.sort(np.ravel(field)), rtol=1e-6)


def test_gray_levels_of_half_a_picture_are_quantiles_of_that_half():
    field, known = skewed((8, 10)), np.zeros((8, 10))
    known[:, ::2] = 1
    observed = np.asarray(GrayLevels((8, 10)).observe(window(field, known)))
    there = np.sort(np.asarray(field)[:, ::2].ravel())
    places = (np.arange(80) + 0.5) * 40 / 80 - 0.5
    np.testing.assert_allclose(observed, np.interp(places, np.arange(40), there), rtol=1e-4)
    assert np.all(np.diff(observed) >= 0)
    hidden = jnp.where(known > 0, field, 1e6)
    np.testing.assert_array_equal(GrayLevels((8, 10)).observe(window(hidden, known)), observed)
