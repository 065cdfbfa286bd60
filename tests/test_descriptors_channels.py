"""Descriptors of several channels: laws for all of them, permuted channels, units, base."""

import math
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import white

from synth import (
    EXACT,
    GrayLevels,
    Joint,
    ScatteringMoments,
    Schedule,
    fit,
    joint,
    morlet_bank,
)
from synth.descent.schedule import Stage
from synth.errors import InputError
from synth.statistics import (
    BetweenChannels,
    Colors,
    EachChannel,
    evenly,
    excess,
    matches,
)
from synth.transforms.weighted import Observation

SHAPE, OTHER = (16, 20), (24, 16)
BANK = morlet_bank(SHAPE, 2, 2)
SIZES = {"shape": SHAPE, "scales": 2, "angles": 2}

DESCRIPTORS = {
    "each": EachChannel(
        Joint({"moments": ScatteringMoments(BANK), "gray_levels": GrayLevels(SHAPE)}), 2
    ),
    "first": EachChannel(ScatteringMoments(BANK), 3, first=1),
    "between": BetweenChannels(BANK, 3),
    "spectra": joint("spectra", channels=2, gray_levels=True, **SIZES),
    "spectra of three": joint("spectra", channels=3, gray_levels=True, **SIZES),
    "colors": Colors(SHAPE, 3),
}
every_descriptor = pytest.mark.parametrize("name", DESCRIPTORS)

_measure = jax.jit(lambda descriptor, field: descriptor(field))


@cache
def channels(count, seed=0, shape=SHAPE):
    """Skewed channels of mean 0 and variance 1, each of them partly the one before, shifted."""
    fields = np.random.default_rng(seed).gamma(2.0, size=(count, *shape))
    for index in range(1, count):
        fields[index] += np.roll(fields[index - 1], (0, 1), (0, 1))
    fields -= fields.mean((1, 2), keepdims=True)
    return jnp.asarray(fields / fields.std((1, 2), keepdims=True), jnp.float32)


def field_of(descriptor, seed=0, shape=SHAPE):
    return channels(descriptor.num_channels, seed, shape)


@cache
def moments_of(name, seed=0):
    return _measure(DESCRIPTORS[name], field_of(DESCRIPTORS[name], seed))


@cache
def model_of(name, seed=0):
    descriptor = DESCRIPTORS[name]
    return fit(descriptor, np.asarray(field_of(descriptor, seed)))


def assert_alike(got, wanted):
    assert jax.tree.structure(got) == jax.tree.structure(wanted)
    for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype


# Laws


@every_descriptor
def test_a_field_is_at_no_distance_from_itself_and_at_some_from_another(name):
    first, other = (moments_of(name, seed) for seed in (0, 1))
    residual = DESCRIPTORS[name].residual(first, first)
    assert all(value.shape == () and float(value) == 0 for value in residual.values())
    apart = DESCRIPTORS[name].residual(other, first)
    assert list(apart) == list(residual)
    assert all(1e-3 < float(value) < 2 for value in apart.values())


@every_descriptor
def test_a_shift_of_all_channels_changes_nothing(name):
    descriptor = DESCRIPTORS[name]
    exact, field = descriptor.sampled(EXACT), field_of(descriptor)
    plain, moved = (_measure(exact, x) for x in (field, jnp.roll(field, (7, -9), (1, 2))))
    assert all(float(value) < 1e-4 for value in exact.residual(moved, plain).values())


@every_descriptor
def test_the_noise_tells_how_far_apart_independent_fields_are(name):
    ratios, excesses = {}, []
    for seed in range(8):
        model = model_of(name, 2 * seed)
        descriptor = model.descriptor
        other = model.from_units(field_of(descriptor, 2 * seed + 1))
        residual = descriptor.residual(_measure(descriptor, other), model.target)
        assert set(model.noise) == set(residual)
        assert all(float(level) > 0 for level in model.noise.values())
        excesses.append(float(excess(residual, model.noise)))
        for block, level in model.noise.items():
            ratios.setdefault(block, []).append(float(residual[block]) / float(level))
    assert all(0.4 < np.median(each) < 2 for each in ratios.values()), ratios
    assert 0.5 < np.median(excesses) < 4  # of up to thirty blocks the worst


@every_descriptor
def test_weights_are_finite_and_none_is_negative(name):
    descriptor = DESCRIPTORS[name]
    zero = _measure(descriptor, jnp.zeros(descriptor.field_shape))
    for target in (moments_of(name), zero):
        noise = dict.fromkeys(descriptor.residual(target, target), jnp.asarray(0.1))
        weights = descriptor.weights(target, noise)
        assert jax.tree.structure(weights) == jax.tree.structure(target)
        for weight, number in zip(jax.tree.leaves(weights), jax.tree.leaves(target), strict=True):
            assert weight.shape == number.shape
            assert not jnp.iscomplexobj(weight)
            assert np.all(np.isfinite(weight))
            assert np.all(weight >= 0)


@every_descriptor
def test_the_gradient_of_the_loss_is_finite_and_that_of_differences(name):
    model = model_of(name)
    slope = jax.jit(jax.grad(lambda z: model.loss(z)[0]))
    z, direction = (model.variable(field_of(model.descriptor, seed)) for seed in (1, 2))
    gradient = slope(z)
    assert np.all(np.isfinite(gradient))
    assert np.all(np.isfinite(slope(jnp.zeros_like(z))))
    loss = jax.jit(lambda z: model.loss(z)[0])
    step = 1e-3
    ahead, behind = (float(loss(z + sign * step * direction)) for sign in (1, -1))
    wanted = (ahead - behind) / (2 * step)
    assert float(jnp.vdot(gradient, direction)) == pytest.approx(wanted, rel=0.02)


@every_descriptor
def test_the_exact_one_has_nearly_the_same_moments(name):
    descriptor = DESCRIPTORS[name]
    exact = descriptor.sampled(EXACT)
    assert exact.field_shape == descriptor.field_shape
    slow = _measure(exact, field_of(descriptor))
    assert_alike(slow, moments_of(name))
    assert all(float(v) < 5e-3 for v in exact.residual(moments_of(name), slow).values())


@every_descriptor
def test_on_another_shape_moments_are_as_many_as_are_carried_there(name):
    descriptor = DESCRIPTORS[name]
    other = descriptor.on(OTHER)
    assert other.field_shape == (descriptor.num_channels, *OTHER)
    carried = descriptor.carried(moments_of(name), OTHER)
    there = jax.eval_shape(other, jnp.zeros(other.field_shape))
    assert_alike(carried, there)
    back = jax.tree.structure(other.on(SHAPE).residual(moments_of(name), moments_of(name)))
    assert back == jax.tree.structure(descriptor.residual(moments_of(name), moments_of(name)))


@every_descriptor
def test_mixed_moments_end_at_those_that_are_mixed(name):
    descriptor = DESCRIPTORS[name]
    ends = [moments_of(name, seed) for seed in (0, 1)]
    for share, end in ((1.0, ends[0]), (0.0, ends[1])):
        mixed = descriptor.mixed(ends, [share, 1 - share])
        assert_alike(mixed, end)
        assert all(float(value) < 1e-5 for value in descriptor.residual(mixed, end).values())
    middle = descriptor.mixed(ends, [0.5, 0.5])
    way = [descriptor.residual(middle, end) for end in ends]
    whole = descriptor.residual(ends[1], ends[0])
    assert all(float(way[0][block]) < float(whole[block]) for block in whole)


@every_descriptor
def test_a_whole_periodic_picture_is_observed_as_a_field(name):
    descriptor = DESCRIPTORS[name]
    picture = Observation(field_of(descriptor), jnp.ones(SHAPE), jnp.asarray((True, True)))
    observed = jax.jit(lambda one, seen: one.observe(seen))(descriptor, picture)
    assert_alike(observed, moments_of(name))
    assert all(float(v) < 1e-5 for v in descriptor.residual(observed, moments_of(name)).values())


@every_descriptor
def test_a_piece_is_measured_whatever_its_levels_and_contrasts(name):
    descriptor = DESCRIPTORS[name]
    piece = jax.jit(lambda one, x: one.piece(x, jnp.asarray((8, 5))))
    scales = jnp.arange(1.0, 1 + descriptor.num_channels)[:, None, None]
    plain = piece(descriptor, field_of(descriptor))
    scaled = piece(descriptor, scales * field_of(descriptor) + 2 * scales)
    assert_alike(plain, moments_of(name))
    assert all(float(value) < 1e-4 for value in descriptor.residual(scaled, plain).values())
    apart = descriptor.residual(plain, moments_of(name))
    assert all(np.isfinite(float(value)) for value in apart.values())


@every_descriptor
def test_quadrants_are_measured_on_a_grid_of_their_own(name):
    descriptor = DESCRIPTORS[name]
    piece = jax.jit(lambda one, x: one.piece(x, jnp.asarray((0, 8))))
    own, repeated = (
        piece(one, field_of(descriptor)) for one in (descriptor.of_quadrants(), descriptor)
    )
    assert descriptor.of_quadrants().shape == tuple(n // 2 for n in SHAPE)
    assert_alike(own, repeated)
    moved = jax.tree.map(lambda t, a, b: t + a - b, moments_of(name), own, repeated)
    assert all(float(v) < 0.01 for v in descriptor.residual(moved, moments_of(name)).values())


@every_descriptor
def test_only_gray_levels_and_colors_are_eased(name):
    model = model_of(name)
    eased = Stage(gray_levels=0.25).of(model).weights

    def factors(path, _):
        words = jax.tree_util.keystr(path)
        levels = name == "colors" or "'gray_levels'" in words or "'colors'" in words
        return 0.25 if levels else 1.0

    wanted = jax.tree_util.tree_map_with_path(factors, model.weights)
    for got, weight, factor in zip(
        *map(jax.tree.leaves, (eased, model.weights, wanted)), strict=True
    ):
        np.testing.assert_allclose(got, factor * np.asarray(weight), rtol=1e-6)
    eases = any(stage.gray_levels < 1 for stage in Schedule.usual(model.descriptor).stages)
    assert eases == matches(model.descriptor, (GrayLevels, Colors))


# Blocks and their names


@pytest.mark.parametrize("name", ["each", "between", "spectra", "spectra of three"])
def test_permuted_channels_permute_the_blocks(name):
    descriptor = DESCRIPTORS[name]
    count = descriptor.num_channels
    order = np.roll(np.arange(count), 1)
    fields = [field_of(descriptor, seed) for seed in (0, 1)]
    plain = descriptor.residual(*(_measure(descriptor, x) for x in fields))
    plain.pop("colors", None)  # whose directions are not permuted
    turned = descriptor.residual(*(_measure(descriptor, x[order]) for x in fields))

    def moved(block):
        words = block.split("/")
        number = [i for i, word in enumerate(words) if word.isdigit()]
        for i in number:
            words[i] = str(int(np.flatnonzero(order == int(words[i]) - 1)[0]) + 1)
        return "/".join(words)

    assert {moved(block) for block in plain} == set(turned) - {"colors"}
    for block, value in plain.items():
        assert float(turned[moved(block)]) == pytest.approx(float(value), rel=1e-4), block


def test_blocks_are_named_by_channel():
    assert set(DESCRIPTORS["each"].residual(moments_of("each"), moments_of("each"))) == {
        f"{channel}/{block}"
        for channel in (1, 2)
        for block in ("moments/order1", "moments/order2", "gray_levels")
    }
    assert set(DESCRIPTORS["each"].most_noise) == {
        f"{channel}/moments/order{order}" for channel in (1, 2) for order in (1, 2)
    }
    assert set(DESCRIPTORS["each"].noise_of_quadrants) == {"1/gray_levels", "2/gray_levels"}
    full = DESCRIPTORS["spectra"].residual(moments_of("spectra"), moments_of("spectra"))
    spectra = {f"spectra/each/{c}/{b}" for c in (1, 2) for b in ("power", "modulus", "c01", "c11")}
    between = {f"spectra/between/{block}" for block in ("power", "modulus", "phase")}
    assert set(full) == spectra | between | {"colors"}


def test_of_the_first_channels_alone_others_do_not_count():
    first, field = DESCRIPTORS["first"], field_of(DESCRIPTORS["first"])
    own = _measure(first.own, field[0])
    for one, alone in zip(*map(jax.tree.leaves, (moments_of("first"), own)), strict=True):
        np.testing.assert_allclose(one, np.asarray(alone)[None], rtol=1e-6)
    residual = first.residual(moments_of("first"), moments_of("first"))
    assert set(residual) == {"1/order1", "1/order2"}
    assert first.of_channels(2).first == 1
    assert joint("full", channels=3, **SIZES).parts["moments"].first == 1
    assert joint("scattering", "full", channels=3, **SIZES).parts["moments"].first is None
    with pytest.raises(InputError, match="first 0 channels were asked for: give 1 or more"):
        EachChannel(ScatteringMoments(BANK), 3, first=0)


def test_another_number_of_colors_is_evenly_spaced():
    colors = np.arange(8.0).reshape(2, 4)
    np.testing.assert_array_equal(evenly(colors, 2), [[1, 3], [5, 7]])
    np.testing.assert_array_equal(evenly(jnp.asarray(colors), 4), colors)
    assert evenly(colors, 0).shape == (2, 0)


def test_colors_weigh_as_much_as_the_gray_levels_of_all_channels():
    colors = Colors((16, 16), 3)
    target = colors(jnp.asarray(np.random.default_rng(0).normal(size=(3, 16, 16)), float))
    weights = colors.weights(target, {"colors": jnp.asarray(0.5)})
    moved = target + 0.5
    distance = colors.residual(moved, target)["colors"]
    loss = jnp.sum(weights * (moved - target) ** 2)
    np.testing.assert_allclose(loss, 3 * (distance / 0.5) ** 2, rtol=1e-5)


def test_weights_of_a_channel_are_those_of_a_field():
    each, own = DESCRIPTORS["each"], DESCRIPTORS["each"].own
    target = moments_of("each")
    names = each.residual(target, target)
    unit = {name: jnp.asarray(0.1 * (1 + index)) for index, name in enumerate(names)}
    weights = each.weights(target, unit)
    for index in range(2):
        alone = jax.tree.map(lambda leaf: leaf[index], target)  # noqa: B023
        levels = {
            name.removeprefix(f"{index + 1}/"): level
            for name, level in unit.items()
            if name.startswith(f"{index + 1}/")
        }
        wanted = own.weights(alone, levels)
        got = jax.tree.map(lambda leaf: leaf[index], weights)  # noqa: B023
        for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


def test_directions_are_unit_vectors_apart_from_each_other():
    for count in (2, 3, 8):
        directions = Colors(SHAPE, count).directions
        assert directions.shape == (4 * count, count)
        np.testing.assert_array_equal(directions[:count], np.eye(count))
        np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, rtol=1e-12)
        cosines = np.abs(directions @ directions.T) - 2 * np.eye(4 * count)
        assert cosines.max() < 0.98
    np.testing.assert_array_equal(Colors(SHAPE, 3).directions, Colors(OTHER, 3).directions)


def test_colors_see_which_values_go_together():
    field = np.sort(white((3, math.prod(SHAPE))), axis=1).reshape(3, *SHAPE)
    mixed = np.stack([field[0], field[1], np.flip(field[2])])
    colors = DESCRIPTORS["colors"]
    together, apart = (_measure(colors, jnp.asarray(x, jnp.float32)) for x in (field, mixed))
    np.testing.assert_allclose(together[:3], apart[:3], rtol=1e-6)
    assert float(colors.residual(apart, together)["colors"]) > 0.2


# Other numbers of channels


@pytest.mark.parametrize("model", ["scattering", "full"])
def test_of_one_channel_it_is_the_gray_model(model):
    three, gray = joint(model, channels=3, **SIZES), joint(model, **SIZES)
    one = three.of_channels(1)
    assert one.field_shape == SHAPE
    assert list(one.importance.values()) == list(gray.importance.values())
    field = channels(1)[0]
    got, wanted = (jax.tree.leaves(_measure(each, field)) for each in (one, gray))
    for a, b in zip(sorted(got, key=np.shape), sorted(wanted, key=np.shape), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_of_another_number_of_channels(name):
    descriptor = DESCRIPTORS[name]
    assert descriptor.of_channels(5).field_shape == (5, *SHAPE)
    same = descriptor.of_channels(descriptor.num_channels)
    assert jax.tree.structure(same) == jax.tree.structure(descriptor)
    one = descriptor.of_channels(1)
    assert one is None if name == "between" else one.field_shape == SHAPE


def test_what_is_between_channels_alone_is_nothing_of_one():
    field = np.stack([np.asarray(channels(1)[0])] * 3)
    for descriptor in (DESCRIPTORS["between"], Joint({"between": DESCRIPTORS["between"]})):
        with pytest.raises(InputError, match="channels have a single component, and the descri"):
            fit(descriptor, field)


def test_a_joint_of_other_numbers_of_channels_is_refused():
    with pytest.raises(ValueError, match="The parts are for fields of .*: give one shape to all"):
        Joint({"a": Colors(SHAPE, 3), "b": Colors(SHAPE, 2)})
    for count in (0, 9):
        with pytest.raises(InputError, match=f"{count} channels were asked for: give 1 to 8"):
            joint("full", shape=SHAPE, channels=count)
    with pytest.raises(InputError, match="1 channels was asked for: give 2 or more"):
        Colors(SHAPE, 1)
    with pytest.raises(InputError, match="Moments of each channel are those of one: give such"):
        EachChannel(Colors(SHAPE, 2), 2)


# Units, and the base of the channels


def residuals(model, field):
    units = model.from_units(jnp.asarray(field, jnp.float32))
    return model.descriptor.residual(_measure(model.descriptor, units), model.target)


def test_the_unit_of_a_channel_changes_nothing():
    descriptor = DESCRIPTORS["spectra"]
    factor = np.array([255.0, -0.01])[:, None, None]
    target, sample = (np.asarray(field_of(descriptor, seed), np.float64) for seed in (0, 1))
    plain = fit(descriptor, np.abs(factor) * target + 2 * factor)
    same = fit(descriptor, target)
    one, other = residuals(plain, np.abs(factor) * sample + 2 * factor), residuals(same, sample)
    for block, value in other.items():
        assert float(one[block]) == pytest.approx(float(value), rel=1e-3), block
        assert float(plain.noise[block]) == pytest.approx(float(same.noise[block]), rel=1e-3)


HADAMARD = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2

ORDERS = (0, 1, 2, 3), (2, 0, 3, 1)


def in_base(sources, order):
    """Four channels of equal variances whose components are sources of variance 4, 2, 1.2, 0.8."""
    spread = np.sqrt([4.0, 2.0, 1.2, 0.8])[:, None, None] * sources
    return np.einsum("cd,dhw->chw", HADAMARD, spread[list(order)])


def test_a_rotation_of_channels_of_equal_variances_leaves_their_components():
    sources = np.asarray(channels(4), np.float64).reshape(4, -1)
    values, axes = np.linalg.eigh(np.cov(sources, bias=True))
    sources = (axes.T @ sources / np.sqrt(values)[:, None]).reshape(4, *SHAPE)
    sample = np.asarray(channels(4, seed=1), np.float64)
    descriptor = joint("scattering1", channels=4, **SIZES)
    models = [fit(descriptor, in_base(sources, order)) for order in ORDERS]
    assert not np.allclose(models[0].gaussian.units.scale, models[1].gaussian.units.scale)
    plain, turned = (
        residuals(model, in_base(sample, order))
        for model, order in zip(models, ORDERS, strict=True)
    )
    for block, value in plain.items():
        assert float(turned[block]) == pytest.approx(float(value), rel=1e-3), block
        noise = [float(model.noise[block]) for model in models]
        assert noise[1] == pytest.approx(noise[0], rel=1e-3), block
