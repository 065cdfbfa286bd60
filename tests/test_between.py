"""Covariances between channels: against the oracle, gradients, laws, borders and holes."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from fields import picture, white

from synth import EXACT, morlet_bank, scattering_spectra
from synth.transforms.between import between, channel_spectra, pairs
from synth.transforms.weighted import Observation, between_weighted

SHAPE = (32, 32)
BLOCKS = ("power", "outside", "modulus", "phase")

_bank = cache(morlet_bank)
_observed = jax.jit(between_weighted)


def channels(shape, count=3, seed=0):
    """A picture, its smooth and shifted copy with noise, and noise along its edges."""
    noise = white((2, *shape), seed)
    one = picture("foam", shape)
    two = np.roll(one, (1, 2), (0, 1)) + 0.5 * noise[0]
    three = np.abs(one) * noise[1] - 0.3 * one
    return np.stack([one, two, three])[:count]


def single(field):
    return jnp.asarray(field, jnp.float32)


def keys(count, scales, angles):
    """Names of the numbers of every block, in order; the oracle has the same."""
    waves = [(j, a) for j in range(scales) for a in range(angles)]
    chosen = range(count)
    power = [(j, a, c, d) for j, a in waves for c in chosen for d in chosen]
    outside = [(end, c, d) for end in (0, 1) for c in chosen for d in chosen]
    phase = [
        (k, m, c, d, j, a)
        for k, m in waves
        for c in chosen
        for d in chosen
        for j, a in waves
        if c != d and j <= k
    ]
    modulus = [
        (c, k, m, d, j, a)
        for k in range(scales)
        for c in chosen
        for m in range(angles)
        for d in chosen
        for j, a in waves
        if (j < k and c != d) or (j == k and c < d)
    ]
    return {"power": power, "outside": outside, "modulus": modulus, "phase": phase}


def by_name(found, bank, count):
    """Numbers of all blocks by their keys; those of swapped channels, too."""
    names = keys(count, bank.num_scales, bank.num_angles)
    tables = {
        name: dict(zip(names[name], np.ravel(getattr(found, name)).tolist(), strict=True))
        for name in BLOCKS
        if np.size(getattr(found, name))
    }
    for (c, k, m, d, j, a), value in list(tables["modulus"].items()):
        tables["modulus"][d, j, a, c, k, m] = value
    return tables


def assert_near(got, wanted, tolerance=1e-5):
    """Equal, measured against the largest number of each block."""
    for name in BLOCKS:
        one, other = (np.asarray(getattr(each, name)) for each in (got, wanted))
        largest = np.abs(other).max(initial=0)
        np.testing.assert_allclose(one, other, atol=tolerance * largest, err_msg=name)


# The oracle


CASES = [(SHAPE, 3, 4, 3), ((27, 40), 2, 3, 2)]


@pytest.mark.parametrize(("shape", "scales", "angles", "count"), CASES)
def test_all_blocks_equal_the_oracle(shape, scales, angles, count):
    field = channels(shape, count) + np.arange(1.0, 1 + count)[:, None, None]
    exact = _bank(shape, scales, angles, oversampling=EXACT)
    filters = oracles.bank(shape, scales, angles)
    wanted = oracles.between(field, filters)
    names = keys(count, scales, angles)
    for bank, tolerance in ((exact, 1e-5), (_bank(shape, scales, angles), 0.01)):
        found = channel_spectra(single(field), bank).between
        own = [wanted["power"][j, a, c, c] for j, a in _waves(bank) for c in range(count)]
        powers = np.diagonal(found.power, axis1=-2, axis2=-1).ravel()
        np.testing.assert_allclose(powers, own, rtol=tolerance)
        for name in BLOCKS:
            truth = np.array([wanted[name][key] for key in names[name]])
            numbers = np.asarray(getattr(found, name)).ravel()
            assert numbers.shape == truth.shape
            error = np.abs(numbers - truth)
            assert error.max() <= tolerance * np.abs(truth).max(), name


def _waves(bank):
    return [(j, a) for j in range(bank.num_scales) for a in range(bank.num_angles)]


@pytest.mark.parametrize("isotropic", [False, True])
@pytest.mark.parametrize(("shape", "scales", "angles", "count"), CASES)
def test_each_channel_has_its_own_spectra(shape, scales, angles, count, isotropic):
    field, bank = single(channels(shape, count)), _bank(shape, scales, angles)
    each = channel_spectra(field, bank, isotropic=isotropic).each
    for index, channel in enumerate(field):
        alone = scattering_spectra(channel, bank, isotropic=isotropic)
        for name, wanted in vars(alone).items():
            largest = float(jnp.abs(wanted).max()) + 1e-2
            got = getattr(each, name)[index]
            np.testing.assert_allclose(got, wanted, atol=1e-5 * largest, err_msg=name)


@pytest.mark.parametrize(("shape", "scales", "angles", "count"), CASES)
def test_without_phases_the_others_are_the_same(shape, scales, angles, count):
    field, bank = single(channels(shape, count)), _bank(shape, scales, angles)
    found, both = between(field, bank), channel_spectra(field, bank).between
    assert found.phase.shape == (0,)
    assert_near(found, eqx.tree_at(lambda b: b.phase, both, found.phase))


def test_pairs_are_counted_once():
    rows, columns = pairs(3, 1, 2)
    assert len(rows) == len(columns) == 3 * 4 + 6 * 4  # of scales (1, 1) and (1, 0)
    assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == len(rows)


def test_in_one_vector_are_all_numbers():
    found = channel_spectra(single(channels(SHAPE)), _bank(SHAPE, 3, 4)).between
    names = keys(3, 3, 4)
    sizes = {name: len(names[name]) for name in BLOCKS}
    assert found.flatten().size == sum(sizes.values()) + sizes["power"] + sizes["phase"]
    assert not jnp.iscomplexobj(found.flatten())


# Gradients


@pytest.mark.parametrize(
    ("measure", "shape", "oversampling"),
    [(channel_spectra, (16, 20), 0), (between, (15, 20), 0), (between, (15, 20), EXACT)],
)
def test_gradient_equals_finite_differences(measure, shape, oversampling):
    with jax.enable_x64(True):
        bank = morlet_bank(shape, 2, 2, dtype=jnp.float64, oversampling=oversampling)
        field, direction = (jnp.asarray(white((2, *shape), seed)) for seed in (0, 1))

        def numbers(x):
            found = measure(x, bank)
            found = found if measure is between else found.between
            return found.flatten()

        weights = np.random.default_rng(2).uniform(size=jax.eval_shape(numbers, field).shape)

        @jax.jit
        def value(x):
            return jnp.vdot(jnp.asarray(weights), jnp.cos(4 * numbers(x)))

        slope = jnp.vdot(jax.jit(jax.grad(value))(field), direction)
        step = 1e-5
        ahead, behind = (value(field + sign * step * direction) for sign in (1, -1))
        assert float(slope) == pytest.approx(float(ahead - behind) / (2 * step), rel=1e-6)


def test_the_gradient_at_constant_channels_is_finite_and_the_bank_counts_as_constant():
    bank = _bank((16, 16), 2, 2)
    field = jnp.ones((2, 16, 16)).at[1, 3, 4].set(0)

    @eqx.filter_grad
    def slopes(both):
        field, bank = both
        return channel_spectra(field, bank).between.flatten().sum()

    of_field, of_bank = slopes((field, bank))
    assert np.all(np.isfinite(of_field))
    assert all(np.all(np.asarray(leaf) == 0) for leaf in jax.tree.leaves(of_bank))


# Laws


def exact():
    return _bank(SHAPE, 3, 4, oversampling=EXACT)


def measured(field):
    return channel_spectra(single(field), exact()).between


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1)])
def test_permuted_channels_permute_the_numbers(order):
    field = channels(SHAPE)
    plain, turned = (by_name(measured(x), exact(), 3) for x in (field, field[list(order)]))
    places = {"power": (2, 3), "outside": (1, 2), "modulus": (0, 3), "phase": (2, 3)}
    for name, where in places.items():
        largest = max(map(abs, plain[name].values()))
        for key, value in turned[name].items():
            old = tuple(order[n] if place in where else n for place, n in enumerate(key))
            assert value == pytest.approx(plain[name][old], abs=1e-5 * largest), (name, key)


def test_units_of_channels_are_those_of_the_covariances():
    field, factor = channels(SHAPE), np.array([2.0, -3.0, 0.5])
    plain, scaled = (by_name(measured(x), exact(), 3) for x in (
        field, factor[:, None, None] * field + np.array([5.0, 0.0, -7.0])[:, None, None]
    ))  # fmt: skip
    size = np.abs(factor)
    expected = {
        "power": lambda j, a, c, d: factor[c] * factor[d],
        "outside": lambda end, c, d: factor[c] * factor[d],
        "modulus": lambda c, k, m, d, j, a: size[c] * size[d],
        "phase": lambda k, m, c, d, j, a: factor[c] * size[d],
    }
    for name, unit in expected.items():
        largest = max(map(abs, plain[name].values()))
        for key, value in scaled[name].items():
            wanted = unit(*key) * plain[name][key]
            assert value == pytest.approx(wanted, abs=1e-4 * largest), (name, key)


def test_a_shift_of_all_channels_changes_nothing():
    field = channels(SHAPE)
    assert_near(measured(np.roll(field, (5, -9), (1, 2))), measured(field), tolerance=1e-4)


def test_a_shift_of_one_channel_turns_the_phase_of_every_wave_that_is_shared():
    field, shift = channels(SHAPE), (2, -3)
    turned = measured(np.stack([field[0], np.roll(field[1], shift, (0, 1)), field[2]]))
    rows, columns = (2 * np.pi * np.fft.fftfreq(n) for n in SHAPE)
    phase = np.exp(1j * (shift[0] * rows[:, None] + shift[1] * columns))
    one, two, _ = np.fft.fft2(field - field.mean((1, 2), keepdims=True)) / field[0].size
    wavelets, _, _ = oracles.bank(SHAPE, 3, 4)
    wanted = np.sum(one * two.conj() * phase * wavelets**2, axis=(-2, -1))
    tolerance = 1e-5 * float(turned.power.real.max())
    np.testing.assert_allclose(turned.power[..., 0, 1], wanted, atol=tolerance)


def test_a_shift_of_one_channel_leaves_what_the_channels_are_alone():
    field = channels(SHAPE)
    moved = np.stack([field[0], np.roll(field[1], (4, 0), (0, 1)), field[2]])
    plain, other = (channel_spectra(single(x), exact()) for x in (field, moved))
    for name, wanted in vars(plain.each).items():
        largest = float(jnp.abs(wanted).max()) + 1e-2
        got = getattr(other.each, name)
        np.testing.assert_allclose(got, wanted, atol=1e-4 * largest, err_msg=name)
    size = np.asarray(plain.between.power.real)[..., 0, 0]
    change = np.abs(np.asarray(other.between.power - plain.between.power))
    assert change[..., 0, 1].max() > 0.1 * size.max()
    assert change[..., 0, 2].max() < 1e-4 * size.max()  # of the first and the third


def test_equal_channels_are_all_shared_and_independent_ones_are_not():
    noise = white((2, *SHAPE))
    twice = measured(noise[[0, 0, 1]])
    np.testing.assert_allclose(twice.power[..., 0, 1], twice.power[..., 0, 0], rtol=1e-4)
    apart = [measured(white((3, *SHAPE), seed)) for seed in range(24)]
    mean = np.mean([one.modulus for one in apart], axis=0)
    assert np.abs(mean).max() < 0.1 * float(twice.modulus.max())


def test_a_second_field_does_not_compile(compiled):
    bank = _bank((24, 16), 2, 2)
    channel_spectra(single(white((2, 24, 16))), bank)
    del compiled[:]
    channel_spectra(single(white((2, 24, 16), seed=1)), bank)
    assert not compiled


@pytest.mark.parametrize("measure", [between, channel_spectra])
def test_a_bank_of_another_shape_is_refused(measure):
    message = r"The field is \(32, 32\) but the bank was made for \(32, 48\): make a bank"
    with pytest.raises(ValueError, match=message):
        measure(jnp.zeros((2, 32, 32)), _bank((32, 48), 3, 4))


# Borders and holes


def pictured(field, *, wraps=(True, True), known=None):
    there = np.ones(np.shape(field)[-2:]) if known is None else known
    return Observation(single(field), single(there), jnp.asarray(wraps))


@pytest.mark.parametrize(("shape", "scales", "angles", "count"), CASES)
def test_of_a_whole_periodic_picture_all_is_as_on_the_torus(shape, scales, angles, count):
    field, bank = channels(shape, count), _bank(shape, scales, angles)
    plain = channel_spectra(single(field), bank).between
    weighted = _observed(pictured(field), bank)
    assert jax.tree.structure(weighted) == jax.tree.structure(plain)
    assert_near(weighted, plain)


def test_a_jump_that_channels_share_at_the_border_adds_nothing_to_fine_scales():
    bank = _bank(SHAPE, 3, 4)
    ramp = 3 * np.linspace(-1, 1, 32)[:, None] * np.ones(32)
    field = white((3, *SHAPE)) + ramp
    plain = channel_spectra(single(field), bank).between
    weighted = _observed(pictured(field, wraps=(False, True)), bank)
    shared = [np.abs(np.asarray(x.power)[0, :, 0, 1]).max() for x in (plain, weighted)]
    assert shared[1] < 0.5 * shared[0]


def test_what_is_in_a_hole_has_little_influence_on_fine_scales():
    bank = _bank(SHAPE, 3, 4)
    known = np.ones(SHAPE)
    known[8:24, 8:24] = 0
    field = channels(SHAPE)
    other = np.where(known > 0, field, 0)
    other[:, 13:19, 13:19] = 3 * white((6, 6))
    one, two = (_observed(pictured(x, known=known), bank) for x in (field, other))
    before, after = (
        np.asarray(by_name(x, bank, 3)["modulus"][0, 0, 0, 1, 0, 0]) for x in (one, two)
    )
    assert abs(after - before) < 0.1 * abs(before)
