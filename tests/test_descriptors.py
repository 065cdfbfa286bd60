"""Descriptors: laws for all of them, their noise, one of a user's own, several as one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth import (
    EXACT,
    Descriptor,
    GrayLevels,
    Joint,
    ScatteringMoments,
    ScatteringSpectra,
    Schedule,
    fit,
    joint,
    morlet_bank,
    synthesize,
)
from synth.descent.schedule import Stage
from synth.errors import InputError
from synth.statistics import MODELS, RectifiedCovariances, excess, unit_of
from synth.transforms.weighted import Observation

SHAPE = (32, 32)
BANK = morlet_bank(SHAPE, 3, 4)


class Roughness(Descriptor):
    """A descriptor of a user's own: mean squared differences of neighbors along each axis."""

    size: tuple[int, int] = eqx.field(static=True)

    @property
    def shape(self):
        return self.size

    def __call__(self, field):
        return jnp.stack([jnp.mean((field - jnp.roll(field, 1, axis)) ** 2) for axis in (0, 1)])

    def sampled(self, oversampling):
        return self

    def weights(self, target, unit):
        return jnp.full_like(target, 1 / unit["roughness"] ** 2)

    def residual(self, moments, target):
        return {"roughness": jnp.linalg.norm(moments - target)}


DESCRIPTORS = {
    "order 1": ScatteringMoments(BANK, max_order=1),
    "order 2": ScatteringMoments(BANK),
    "plain": ScatteringMoments(morlet_bank(SHAPE, 3, 4, tight=False)),
    "odd": ScatteringMoments(morlet_bank((27, 40), 2, 3)),
    "one scale": ScatteringMoments(morlet_bank((16, 16), 1, 2)),
    "spectra": ScatteringSpectra(BANK),
    "isotropic": ScatteringSpectra(BANK, isotropic=True),
    "odd spectra": ScatteringSpectra(morlet_bank((27, 40), 2, 3)),
    "rectified": RectifiedCovariances(BANK, reach=1, octaves=1),
    "odd rectified": RectifiedCovariances(morlet_bank((27, 40), 2, 3), reach=0, octaves=2),
    "gray levels": GrayLevels((27, 40)),
    "own": Joint({"own": Roughness(SHAPE), "moments": ScatteringMoments(BANK)}),
    "joint": Joint(
        {
            "moments": ScatteringMoments(BANK),
            "spectra": ScatteringSpectra(BANK),
            "gray_levels": GrayLevels(SHAPE),
        },
        {"moments": 0.3},
    ),
}
every_descriptor = pytest.mark.parametrize("name", DESCRIPTORS)

_measure = jax.jit(lambda descriptor, field: descriptor(field))


def skewed(shape, seed=0):
    """White noise of mean 0 and variance 1, skewed: c01 does not vanish."""
    field = (np.random.default_rng(seed).gamma(2.0, size=shape) - 2) / np.sqrt(2)
    return jnp.asarray(field, jnp.float32)


def zero(shape):
    return jnp.zeros(shape)


# Laws


@every_descriptor
def test_a_field_is_at_no_distance_from_itself_and_at_some_from_another(name):
    descriptor = DESCRIPTORS[name]
    first, other = (_measure(descriptor, skewed(descriptor.shape, seed)) for seed in (0, 1))
    residual = descriptor.residual(first, first)
    assert all(value.shape == () and float(value) == 0 for value in residual.values())
    apart = descriptor.residual(other, first)
    assert list(apart) == list(residual)
    empty = {"order2"} if name == "one scale" else set()
    assert all(1e-3 < float(apart[block]) < 1 for block in set(apart) - empty)


@every_descriptor
def test_the_noise_tells_how_far_apart_independent_fields_are(name):
    descriptor = DESCRIPTORS[name]
    squares, excesses = {}, []
    for seed in range(8):
        field, other = (skewed(descriptor.shape, 2 * seed + i) for i in (0, 1))
        model = fit(descriptor, np.asarray(field))
        noise = model.noise
        other = model.from_units(other)
        residual = descriptor.residual(_measure(descriptor, other), model.target)
        assert set(noise) == set(residual)
        excesses.append(float(excess(residual, noise)))
        for block, level in noise.items():
            squares.setdefault(block, []).append((float(residual[block]) ** 2, float(level) ** 2))
    if name == "one scale":
        assert all(found == 0 for found, _ in squares.pop("order2"))
    for block, pairs in squares.items():
        found, predicted = np.sqrt(np.mean(pairs, axis=0))
        assert 0.5 < found / predicted < 2, block
    assert 0.5 < np.median(excesses) < 2


@every_descriptor
@pytest.mark.parametrize("make", [skewed, zero])
def test_weights_are_finite_and_positive(name, make):
    descriptor = DESCRIPTORS[name]
    target = _measure(descriptor, make(descriptor.shape))
    noise = dict.fromkeys(descriptor.residual(target, target), jnp.asarray(0.1))
    weights = descriptor.weights(target, noise)
    assert jax.tree.structure(weights) == jax.tree.structure(target)
    for weight, number in zip(jax.tree.leaves(weights), jax.tree.leaves(target), strict=True):
        assert weight.shape == number.shape
        assert not jnp.iscomplexobj(weight)
        assert np.all(np.isfinite(weight))
        assert np.all(weight > 0)


@every_descriptor
def test_the_exact_one_has_nearly_the_same_moments(name):
    descriptor = DESCRIPTORS[name]
    exact = descriptor.sampled(EXACT)
    assert exact.shape == descriptor.shape
    field = skewed(descriptor.shape)
    fast, slow = _measure(descriptor, field), _measure(exact, field)
    assert jax.tree.structure(fast) == jax.tree.structure(slow)
    assert all(float(value) < 5e-3 for value in exact.residual(fast, slow).values())
    assert jax.tree.structure(exact.sampled(EXACT)) == jax.tree.structure(exact)


@pytest.mark.parametrize(
    "name", ["order 1", "order 2", "plain", "spectra", "isotropic", "rectified"]
)
def test_the_exact_one_has_whole_windows(name):
    descriptor = DESCRIPTORS[name]
    exact = descriptor.sampled(EXACT)
    bank = exact.bank
    assert bank.oversampling == EXACT
    assert exact.sampled(EXACT).bank is bank
    for band in (*bank.first, *bank.second, bank.lowpass):
        assert band.grid == descriptor.shape
    for sizes in ("shape", "num_scales", "num_angles", "tight"):
        assert getattr(bank, sizes) == getattr(descriptor.bank, sizes)
    for option in {"max_order", "isotropic"} & set(vars(descriptor)):
        assert getattr(exact, option) == getattr(descriptor, option)


@pytest.mark.parametrize(
    "name", ["spectra", "isotropic", "odd spectra", "rectified", "gray levels"]
)
def test_the_loss_is_the_sum_of_squared_residuals_in_units_of_the_noise(name):
    descriptor = DESCRIPTORS[name]
    field, other = (skewed(descriptor.shape, seed) for seed in (0, 1))
    model = fit(descriptor, np.asarray(field), exponents=(0, 0))
    loss, residual = model.loss(other)
    squares = [(residual[block] / model.unit[block]) ** 2 for block in residual]
    assert float(loss) == pytest.approx(float(sum(squares)), rel=1e-3)


@pytest.mark.parametrize("name", ["order 1", "order 2", "plain", "odd", "one scale"])
def test_each_order_weighs_one_plus_its_relative_part(name):
    descriptor = DESCRIPTORS[name]
    target = _measure(descriptor, skewed(descriptor.shape))
    weights = descriptor.weights(target, scalars(order1=0.3, order2=0.4))
    for w, s in list(zip(weights.orders(), target.orders(), strict=True))[1:]:
        assert w.shape == s.shape
        if s.size:
            # Doubling an order is a relative difference of 1: 1 of its own and 10 of the norm.
            assert float(jnp.sum(w * s**2)) == pytest.approx(11 / 0.25, rel=1e-4)


def test_order_1_leaves_out_order_2():
    bank = DESCRIPTORS["order 1"].bank
    moments = _measure(DESCRIPTORS["order 1"], skewed(SHAPE))
    assert moments.order2.size == 0
    assert moments.flatten().size == 1 + bank.num_scales * bank.num_angles + 1


# Noise and excess


PATTERNS = {
    "stripes": np.tile(np.sin(2 * np.pi * np.arange(32) / 8), (32, 1)),
    "checkers": np.indices(SHAPE).sum(axis=0) // 4 % 2 * 1.0,
    "two dots": np.isin(np.arange(1024), (100, 116)).reshape(SHAPE) * 1.0,
}


@pytest.mark.parametrize("pattern", PATTERNS)
@every_descriptor
def test_noise_of_patterns_without_any_is_bounded(name, pattern):
    descriptor = DESCRIPTORS[name]
    height, width = descriptor.shape
    field = np.tile(PATTERNS[pattern], (2, 2))[:height, :width]
    model = fit(descriptor, field)
    least, worst = 1e-3 * (1 - 1e-6), {}
    for block, level in model.noise.items():
        assert least <= float(level) < np.inf
        assert least <= float(model.unit[block]) <= float(level)
        worst[block] = float(model.unit[block])
    limits = {block: float(level) for block, level in descriptor.most_noise.items()}
    assert all(worst[block] <= level * (1 + 1e-6) for block, level in limits.items())
    assert all(np.all(np.isfinite(weight)) for weight in jax.tree.leaves(model.weights))


def scalars(**values):
    return {name: jnp.asarray(value, jnp.float32) for name, value in values.items()}


def test_excess_by_hand():
    unit = scalars(a=0.1, b=0.2)
    residual = scalars(a=0.1, b=0.6, unknown=99.0)  # which has no unit, and does not count
    assert float(excess(residual, unit)) == pytest.approx(3)
    assert float(excess(scalars(a=0.5, b=0.6), unit)) == pytest.approx(5)
    assert float(excess(scalars(a=0.0, b=0.0), unit)) == 0
    assert np.isnan(float(excess(scalars(a=np.nan, b=0.0), unit)))


def test_noise_beyond_a_fifth_counts_as_a_fifth_where_moments_are_relative():
    joined = DESCRIPTORS["joint"]
    assert set(joined.most_noise) == {"moments/order1", "moments/order2"}
    noise = scalars(gray_levels=3.0)
    noise |= {"moments/order1": jnp.asarray(0.7), "moments/order2": jnp.asarray(0.1)}
    noise |= {"spectra/c01": jnp.asarray(5.0)}
    wanted = {"gray_levels": 3, "moments/order1": 0.2, "moments/order2": 0.1, "spectra/c01": 5}
    got = {name: float(level) for name, level in unit_of(joined, noise).items()}
    assert got == pytest.approx(wanted)
    assert set(DESCRIPTORS["order 1"].most_noise) == {"order1"}
    assert DESCRIPTORS["spectra"].most_noise == DESCRIPTORS["gray levels"].most_noise == {}


def test_a_model_counts_in_noise_up_to_that_limit():
    field = jnp.zeros(SHAPE).at[:16, :16].set(100 * skewed((16, 16)))
    model = fit(DESCRIPTORS["joint"], np.asarray(field))
    assert float(model.noise["moments/order2"]) > 0.2
    assert float(model.unit["moments/order2"]) == pytest.approx(0.2)
    assert model.unit == unit_of(model.descriptor, model.noise)


# Pictures that may have borders and holes


@every_descriptor
def test_a_whole_periodic_picture_is_observed_as_a_field(name):
    descriptor = DESCRIPTORS[name]
    field = skewed(descriptor.shape)
    picture = Observation(field, jnp.ones(descriptor.shape), jnp.asarray((True, True)))
    plain = _measure(descriptor, field)
    observed = jax.jit(lambda one, seen: one.observe(seen))(descriptor, picture)
    assert jax.tree.structure(observed) == jax.tree.structure(plain)
    assert all(float(value) < 1e-5 for value in descriptor.residual(observed, plain).values())


@every_descriptor
@pytest.mark.parametrize("corner", [(0, 0), (8, 5)])
def test_a_piece_is_measured_whatever_its_level_and_contrast(name, corner):
    descriptor = DESCRIPTORS[name]
    field = skewed(descriptor.shape)
    piece = jax.jit(lambda one, x: one.piece(x, jnp.asarray(corner)))
    plain, scaled = piece(descriptor, field), piece(descriptor, 3 * field + 2)
    whole = _measure(descriptor, field)
    assert jax.tree.structure(plain) == jax.tree.structure(whole)
    assert all(float(value) < 1e-4 for value in descriptor.residual(scaled, plain).values())
    apart = descriptor.residual(plain, whole)
    assert all(np.isfinite(float(value)) for value in apart.values())


@every_descriptor
def test_quadrants_are_measured_on_a_grid_of_their_own(name):
    descriptor = DESCRIPTORS[name]
    field, target = skewed(descriptor.shape), _measure(descriptor, skewed(descriptor.shape))
    piece = jax.jit(lambda one, x: one.piece(x, jnp.asarray((0, 8))))
    own, repeated = piece(descriptor.of_quadrants(), field), piece(descriptor, field)
    halved = tuple(n // 2 for n in descriptor.shape)
    assert descriptor.of_quadrants().shape == (descriptor.shape if name == "own" else halved)
    assert jax.tree.structure(own) == jax.tree.structure(repeated)
    moved = jax.tree.map(lambda t, a, b: t + a - b, target, own, repeated)
    apart = [float(value) for value in descriptor.residual(moved, target).values()]
    assert np.isfinite(apart).all()
    if name.split()[0] != "odd":  # there a quadrant is no period of the picture that it fills
        assert max(apart) < 0.01


# Schedules


@every_descriptor
def test_only_gray_levels_are_eased(name):
    descriptor = DESCRIPTORS[name]
    model = fit(descriptor, np.asarray(skewed(descriptor.shape)))
    eased = Stage(gray_levels=0.25).of(model).weights

    def factors(path, _):
        gray = name == "gray levels" or "'gray_levels'" in jax.tree_util.keystr(path)
        return 0.25 if gray else 1.0

    expected = jax.tree_util.tree_map_with_path(factors, model.weights)
    for got, weight, factor in zip(
        *map(jax.tree.leaves, (eased, model.weights, expected)), strict=True
    ):
        np.testing.assert_allclose(got, factor * np.asarray(weight), rtol=1e-6)
    eases = any(stage.gray_levels < 1 for stage in Schedule.usual(descriptor).stages)
    assert eases == (name in ("gray levels", "joint"))


# Several as one


def test_a_joint_has_the_blocks_and_the_weights_of_its_parts():
    whole = DESCRIPTORS["joint"]
    first, other = (_measure(whole, skewed(SHAPE, seed)) for seed in (0, 1))
    residual = whole.residual(other, first)
    unit = dict.fromkeys(residual, jnp.asarray(0.1))
    weights = whole.weights(first, unit)
    for name, part in whole.parts.items():
        own = part.residual(other[name], first[name])
        named = {f"{name}/{block}": value for block, value in own.items()}
        named = own if name == "gray_levels" else named
        assert named.items() <= residual.items()
        factor = 0.3 if name == "moments" else 1
        level = dict.fromkeys(own, jnp.asarray(0.1))
        wanted = jax.tree.map(lambda w, f=factor: f * w, part.weights(first[name], level))
        jax.tree.map(np.testing.assert_array_equal, weights[name], wanted)
    assert whole.sampled(EXACT).importance == whole.importance


def test_parts_that_cannot_be_joined_are_refused():
    one, other = GrayLevels((16, 16)), GrayLevels((16, 20))
    message = r"The parts are for fields of \[\(16, 16\), \(16, 20\)\]: give one shape to all"
    with pytest.raises(ValueError, match=message):
        Joint({"a": one, "b": other})
    with pytest.raises(ValueError, match="There is no part: give one descriptor at least"):
        Joint({})
    with pytest.raises(ValueError, match=r"There is no part c among \['a'\]"):
        Joint({"a": one}, {"c": 2.0})
    with pytest.raises(ValueError, match="The name 'a/b' has a slash"):
        Joint({"a/b": one})


def test_two_parts_of_one_kind_stand_side_by_side():
    parts = {"fine": ScatteringMoments(morlet_bank(SHAPE, 2, 6)), "coarse": ScatteringMoments(BANK)}
    both = Joint(parts, {"coarse": 0.5})
    field, other = (skewed(SHAPE, seed) for seed in (0, 1))
    model = fit(both, np.asarray(field), exponents=(0, 0))
    loss, residual = model.loss(other)
    alone = {name: fit(part, np.asarray(field), exponents=(0, 0)) for name, part in parts.items()}
    losses = {name: one.loss(other) for name, one in alone.items()}
    blocks = [f"{part}/{block}" for part in parts for block in alone[part].noise]
    assert set(residual) == set(model.noise) == set(blocks)
    for part, one in alone.items():
        for block, level in one.noise.items():
            assert float(model.noise[f"{part}/{block}"]) == pytest.approx(float(level), rel=1e-5)
            wanted = float(losses[part][1][block])
            assert float(residual[f"{part}/{block}"]) == pytest.approx(wanted, rel=1e-4)
    wanted = float(losses["fine"][0] + 0.5 * losses["coarse"][0])
    assert float(loss) == pytest.approx(wanted, rel=1e-4)


def test_a_joint_may_be_a_part():
    inner = Joint({"gray_levels": GrayLevels(SHAPE), "own": Roughness(SHAPE)})
    outer = Joint({"inner": inner, "own": Roughness(SHAPE)})
    noise = fit(outer, np.asarray(skewed(SHAPE))).noise
    assert set(noise) == {"inner/gray_levels", "inner/own/roughness", "own/roughness"}
    target = _measure(outer, skewed(SHAPE))
    assert jax.tree.structure(outer.weights(target, noise)) == jax.tree.structure(target)


@pytest.mark.parametrize(
    ("descriptor", "block"),
    [(Roughness(SHAPE), "roughness"), (DESCRIPTORS["own"], "own/roughness")],
)
def test_a_descriptor_of_one_s_own_descends(descriptor, block):
    field = skewed(SHAPE)
    target = np.asarray(field + 0.8 * jnp.roll(field, 1, 1))  # smoother along rows
    model = fit(descriptor, target, exponents=(0, 0))
    schedule = Schedule.usual(descriptor, tolerance=1e-9, max_steps=30)
    texture = synthesize(model, key=jax.random.key(0), schedule=schedule, start="pixels")
    assert texture.losses[-1] < 0.1 * texture.losses[0]
    assert set(texture.residual) == set(texture.unit) >= {block}
    differences = [
        np.mean((texture.field - np.roll(texture.field, 1, axis)) ** 2) for axis in (0, 1)
    ]
    wanted = [np.mean((target - np.roll(target, 1, axis)) ** 2) for axis in (0, 1)]
    np.testing.assert_allclose(differences, wanted, rtol=0.02)


# The ladder


def test_names_stand_for_parts():
    full = joint("full", shape=(16, 16), scales=2, angles=3)
    assert list(full.parts) == ["moments", "spectra", "gray_levels"]
    assert full.parts["moments"].max_order == 2
    banks = [full.parts[name].bank for name in ("moments", "spectra")]
    assert all((bank.num_scales, bank.num_angles) == (2, 3) for bank in banks)
    first = joint("scattering1", shape=(16, 16), scales=2, angles=3, gray_levels=True)
    assert list(first.parts) == ["moments", "gray_levels"]
    assert first.parts["moments"].max_order == 1
    turned = joint("spectra", shape=(16, 16), scales=2, angles=3, isotropic=True)
    assert list(turned.parts) == ["spectra"]
    assert turned.parts["spectra"].isotropic


@pytest.mark.parametrize("names", [("scattering1", "scattering"), ("scattering", "scattering1")])
def test_of_two_models_the_one_that_keeps_more_counts(names):
    assert joint(*names, shape=(16, 16), scales=2, angles=3).parts["moments"].max_order == 2


def test_by_default_the_spectra_have_one_scale_less():
    full = joint("full", shape=(16, 20))
    sizes = [
        (full.parts[name].bank.num_scales, full.parts[name].bank.num_angles)
        for name in ("moments", "spectra")
    ]
    assert sizes == [(4, 8), (3, 4)]


@pytest.mark.parametrize("names", [(), ("scatering",), ("full", "gaussian")])
def test_a_model_that_is_not_on_the_ladder_is_refused(names):
    message = "There is no model .*: choose scattering1, scattering, spectra, full"
    with pytest.raises(InputError, match=message):
        joint(*names, shape=(16, 16))


def test_moments_weigh_less_beside_others_than_alone():
    def importance(*models, **options):
        return joint(*models, shape=(16, 16), scales=1, angles=2, **options).importance

    assert importance("scattering") == {"moments": 1}
    assert importance("scattering", gray_levels=True) == {"moments": 0.3, "gray_levels": 1}
    assert importance("full") == {"moments": 0.3, "spectra": 1, "gray_levels": 1}
    assert importance("rectified") == {"moments": 0.3, "rectified": 30, "gray_levels": 1}
    every = {"moments": 0.3, "spectra": 1, "rectified": 10, "gray_levels": 1}
    assert importance("full+rectified") == importance("full", "rectified") == every


@pytest.mark.parametrize("name", MODELS)
def test_gray_levels_keep_the_tolerance_and_are_eased_in(name):
    sizes = {"shape": (16, 16), "scales": 1, "angles": 1}
    plain, gray = (
        Schedule.usual(joint(name, **sizes, gray_levels=levels)) for levels in (False, True)
    )
    phases = "spectra" in MODELS[name]
    with_levels = "gray_levels" in MODELS[name]
    tolerance = 0.45 if phases else 0.3 if name == "rectified" else 0.2
    assert gray.tolerance == plain.tolerance == tolerance
    eased = [stage.gray_levels for stage in gray.stages]
    assert eased == [0.01, 0.1, 1]
    bounds = [stage.bounds for stage in gray.stages]
    assert bounds == (["none", "none", "model"] if phases else ["model"] * 3)
    free = [stage.bounds for stage in plain.stages]
    assert free == (bounds if with_levels else ["target", "model"])
