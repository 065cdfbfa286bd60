"""The sort of integers: as that of floating-point numbers, and its derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import white
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.statistics._ordered import ordered

_ordered = jax.jit(ordered)
_pull = jax.jit(lambda x, slope: jax.vjp(ordered, x)[1](slope)[0])
_plain = jax.jit(lambda x, slope: jax.vjp(jnp.sort, x)[1](slope)[0])

law = settings(max_examples=20, deadline=None, derandomize=True)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)


@law
@given(st.lists(numbers, min_size=12, max_size=12))
def test_any_numbers_are_sorted(values):
    given = np.array(values, np.float32)
    np.testing.assert_array_equal(_ordered(jnp.asarray(given)), np.sort(given))


@pytest.mark.parametrize("seed", range(3))
def test_the_derivative_is_that_of_a_sort(seed):
    values, slope = (jnp.asarray(one, jnp.float32) for one in white((2, 500), seed))
    np.testing.assert_array_equal(_pull(values, slope), _plain(values, slope))
    inverse = np.argsort(np.argsort(np.asarray(values)))
    np.testing.assert_array_equal(_pull(values, slope), np.asarray(slope)[inverse])


def test_double_precision():
    with jax.enable_x64(True):
        values = jnp.asarray(white(500) * np.array([1e-300, 1.0])[np.arange(500) % 2])
        slope = jnp.asarray(white(500, seed=1))
        assert values.dtype == ordered(values).dtype == np.float64
        np.testing.assert_array_equal(ordered(values), np.sort(np.asarray(values)))
        np.testing.assert_array_equal(_pull(values, slope), _plain(values, slope))


def test_zeros_of_both_signs_and_numbers_next_to_them():
    tiny = np.float32(1e-42)  # which some compilers flush to 0
    values = np.array([0.0, tiny, -0.0, 1.0, -tiny, 0.0, -1.0, -0.0], np.float32)
    found = np.asarray(ordered(jnp.asarray(values)))
    np.testing.assert_array_equal(found, np.sort(values))
    assert np.signbit(found).tolist() == [True] * 4 + [False] * 4


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_the_derivative_at_a_zero_is_that_of_its_place(zero):
    values = jnp.asarray([2.0, zero, -3.0, 1.0])
    slope = jnp.arange(1.0, 5.0)
    np.testing.assert_array_equal(_pull(values, slope), [4, 2, 1, 3])


def test_of_equal_values_all_have_one_derivative():
    found = _pull(jnp.asarray([1.0, 0.0, 1.0, 2.0, 0.0]), jnp.arange(1.0, 6.0))
    np.testing.assert_array_equal(found, [3, 1, 3, 5, 1])


@pytest.mark.parametrize("sign", [1, -1])
def test_nan_goes_to_an_end_and_infinities_stand_before_it(sign):
    nan = np.copysign(np.float32(np.nan), sign)
    values = np.array([1, nan, -np.inf, np.inf, -2], np.float32)
    found = np.asarray(_ordered(jnp.asarray(values)))
    assert np.isnan(found[-1 if sign > 0 else 0])
    np.testing.assert_array_equal(found[np.isfinite(found)], [-2, 1])
    np.testing.assert_array_equal(found[~np.isnan(found)], [-np.inf, -2, 1, np.inf])


def test_many_rows_at_once():
    rows, slopes = (jnp.asarray(one, jnp.float32) for one in white((2, 3, 50)))
    many = jax.jit(jax.vmap(ordered))
    np.testing.assert_array_equal(many(rows), np.sort(np.asarray(rows), -1))
    gradient = jax.grad(lambda x: jnp.sum(many(x) * slopes))(rows)
    wanted = jax.grad(lambda x: jnp.sum(jnp.sort(x) * slopes))(rows)
    np.testing.assert_array_equal(gradient, wanted)
    one_by_one = jax.grad(lambda x: jnp.sum(jax.lax.map(ordered, x) * slopes))(rows)
    np.testing.assert_array_equal(one_by_one, wanted)


@pytest.mark.parametrize("count", [0, 1])
def test_of_few_values_too(count):
    values = jnp.ones(count)
    np.testing.assert_array_equal(ordered(values), values)
    np.testing.assert_array_equal(jax.grad(lambda x: ordered(x).sum())(values), values)
