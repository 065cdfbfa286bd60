"""Units of several channels: there and back, with arrays of NumPy and of JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import white

from synth.models.units import Units
from synth.transforms.components import principal_components

CHANNELS = np.array([3.0, 0.1, 20.0])[:, None, None] * white((3, 12, 16)) + 5


def units_of(numbers):
    found = principal_components(CHANNELS)
    return Units(*(numbers.asarray(each) for each in (found.mean, found.scale, found.inverse)))


@pytest.mark.parametrize("own", [np, jnp])
@pytest.mark.parametrize("given", [np, jnp])
def test_there_and_back(own, given):
    units, field = units_of(own), given.asarray(CHANNELS)
    components = units.of(field)
    np.testing.assert_allclose(np.var(components, axis=(1, 2)), 1, rtol=1e-4)
    np.testing.assert_allclose(units.to(components), CHANNELS, rtol=1e-4, atol=1e-4)
    assert isinstance(components, np.ndarray) == (own is given is np)


def test_units_may_be_arguments_of_a_program_and_fields_constants():
    components = np.asarray(units_of(np).of(CHANNELS))
    found = jax.jit(lambda units: units.to(components))(units_of(jnp))
    np.testing.assert_allclose(found, CHANNELS, rtol=1e-4, atol=1e-4)


def test_what_is_within_the_bounds_stays():
    units = units_of(jnp)
    components = units.of(jnp.asarray(CHANNELS))
    low, high = (jnp.asarray(end((1, 2))) for end in (CHANNELS.min, CHANNELS.max))
    np.testing.assert_allclose(units.clipped(components, low, high), components, atol=1e-4)
    clipped = units.to(units.clipped(3 * components, low, high))
    assert np.all(clipped <= high[:, None, None] + 1e-3)
    assert np.all(clipped >= low[:, None, None] - 1e-3)
