"""Scattering moments as a descriptor: distance, weights, the exact measure."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth import EXACT, Residual, Scattering, ScatteringMoments, morlet_bank

BANKS = {
    "tight": morlet_bank((32, 32), 3, 4),
    "plain": morlet_bank((32, 32), 3, 4, tight=False),
    "odd": morlet_bank((27, 40), 2, 3),
    "one scale": morlet_bank((16, 16), 1, 2),
}
every_bank = pytest.mark.parametrize("name", BANKS)

_measure = jax.jit(lambda descriptor, field: descriptor(field))


def numbers(order0, order1, residual, order2):
    parts = (order0, order1, residual, order2)
    return Scattering(*(None if x is None else jnp.asarray(x, jnp.float32) for x in parts))


TARGET = numbers(0.0, [[3, 0], [0, 4]], 0.0, [[[0, 12], [0, 0]]])


def white(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


# Residual


def test_residual_by_hand():
    moments = numbers(0.5, [[3, 1], [0, 4]], 2.0, [[[0, 12], [3, 0]]])
    residual = ScatteringMoments(BANKS["tight"]).residual(moments, TARGET)
    assert float(residual.order0) == 0.5  # the target's mean is zero: in standard deviations
    assert float(residual.order1) == pytest.approx(np.sqrt(1 + 4) / 5)
    assert float(residual.order2) == pytest.approx(3 / 12)
    assert float(residual.total) == pytest.approx(np.sqrt(0.25 + 5 + 9) / 13)


def test_residual_without_a_residual_band():
    target = numbers(0.0, [[3.0], [4.0]], None, np.zeros((1, 1, 1)))
    moments = numbers(0.0, [[3.0], [3.0]], None, np.zeros((1, 1, 1)))
    residual = ScatteringMoments(BANKS["plain"]).residual(moments, target)
    assert float(residual.total) == pytest.approx(1 / 5)
    assert float(residual.order2) == 0


def test_residual_of_a_target_without_moments_is_finite():
    zero = jax.tree.map(jnp.zeros_like, TARGET)
    residual = ScatteringMoments(BANKS["tight"]).residual(TARGET, zero)
    assert float(residual.total) == pytest.approx(13)


@pytest.mark.parametrize(
    ("total", "orders", "largest"),
    [
        (0.25, (0.5, 0.5, 0.5), 0.25),  # each order may have twice the total's tolerance
        (0.5, (0.0, 0.0, 0.0), 0.5),
        (0.125, (0.0, 0.25, 0.0), 0.125),
        (0.0, (1.0, 0.0, 0.0), 0.5),
        (0.0, (0.0, 1.0, 0.0), 0.5),
        (0.0, (0.0, 0.0, 1.0), 0.5),
    ],
)
def test_the_largest_of_total_and_orders_is_bounded(total, orders, largest):
    residual = Residual(*(jnp.asarray(x, jnp.float32) for x in (total, *orders)))
    assert float(residual.largest()) == largest
    assert bool(residual.within(largest))
    assert not bool(residual.within(largest * 0.99))


def test_nothing_but_equality_is_within_zero():
    zero, tiny = jnp.zeros(()), jnp.asarray(1e-30)
    assert bool(Residual(zero, zero, zero, zero).within(0.0))
    assert not bool(Residual(zero, zero, tiny, zero).within(0.0))


def test_a_residual_that_is_not_finite_is_not_within():
    nan = jnp.asarray(jnp.nan)
    assert not bool(Residual(nan, nan, nan, nan).within(1.0))


# Weights


def test_weights_by_hand():
    target = numbers(0.0, [[3, 1], [2, 2]], 5.0, [[[1, 2], [3, 4]]])
    moments = numbers(0.5, [[4, 1], [2, 0]], 6.0, [[[1, 2], [3, 6]]])
    weights = ScatteringMoments(BANKS["tight"]).weights(target)

    def part(w, a, b):
        return float(jnp.sum(w * (a - b) ** 2))

    got = jax.tree.map(part, weights, moments, target)
    # 5 moments of order 1: mean squares 5 and 4 per scale, 25 of the residual band.
    own1, norm1 = (1 / 5 + 4 / 4 + 1 / 25) / 5, 9 + 1 + 4 + 4 + 25
    assert got.order1 + got.residual == pytest.approx(own1 + 10 * (1 + 4 + 1) / norm1)
    assert got.order2 == pytest.approx(4 / 7.5 / 4 + 10 * 4 / 30)
    assert got.order0 == pytest.approx(0.25)


@every_bank
def test_each_order_weighs_one_plus_its_relative_part(name):
    descriptor = ScatteringMoments(BANKS[name])
    target = _measure(descriptor, white(descriptor.shape))
    weights = descriptor.weights(target)
    for w, s in list(zip(weights.orders(), target.orders(), strict=True))[1:]:
        assert w.shape == s.shape
        assert np.all(np.isfinite(w))
        if s.size:
            # Doubling an order is a relative difference of 1: 1 of its own and 10 of the norm.
            assert float(jnp.sum(w * s**2)) == pytest.approx(11, rel=1e-4)


@every_bank
def test_weights_of_vanishing_moments_are_finite(name):
    descriptor = ScatteringMoments(BANKS[name])
    target = _measure(descriptor, jnp.zeros(descriptor.shape))
    weights = descriptor.weights(target).flatten()
    assert np.all(np.isfinite(weights))
    assert np.all(weights > 0)


# The descriptor


@every_bank
def test_a_field_is_at_no_distance_from_itself_and_at_some_from_another(name):
    descriptor = ScatteringMoments(BANKS[name])
    first, other = (_measure(descriptor, white(descriptor.shape, seed)) for seed in (0, 1))
    assert float(descriptor.residual(first, first).total) == 0
    assert 1e-3 < float(descriptor.residual(other, first).total) < 0.5


@every_bank
def test_exact_has_whole_windows_and_nearly_the_same_moments(name):
    descriptor = ScatteringMoments(BANKS[name])
    exact = descriptor.exact()
    bank = exact.bank
    assert bank.oversampling == EXACT
    assert exact.exact() is exact
    for band in (*bank.first, *bank.second, bank.lowpass):
        assert band.grid == descriptor.shape
    for sizes in ("shape", "num_scales", "num_angles", "tight"):
        assert getattr(bank, sizes) == getattr(descriptor.bank, sizes)
    field = white(descriptor.shape)
    residual = exact.residual(_measure(descriptor, field), _measure(exact, field))
    assert bool(residual.within(5e-3))
