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
    Limits,
    ScatteringMoments,
    ScatteringSpectra,
    fit,
    joint,
    morlet_bank,
    synthesize,
)
from synth.errors import InputError
from synth.statistics import MODELS, excess

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

    def exact(self):
        return self

    def weights(self, target, noise):
        return jnp.full_like(target, 1 / noise["roughness"] ** 2)

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
        noise = descriptor.noise(field)
        residual = descriptor.residual(_measure(descriptor, other), _measure(descriptor, field))
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
def test_exact_has_nearly_the_same_moments(name):
    descriptor = DESCRIPTORS[name]
    exact = descriptor.exact()
    assert exact.shape == descriptor.shape
    field = skewed(descriptor.shape)
    fast, slow = _measure(descriptor, field), _measure(exact, field)
    assert jax.tree.structure(fast) == jax.tree.structure(slow)
    assert all(float(value) < 5e-3 for value in exact.residual(fast, slow).values())
    assert jax.tree.structure(exact.exact()) == jax.tree.structure(exact)


@pytest.mark.parametrize("name", ["order 1", "order 2", "plain", "spectra", "isotropic"])
def test_exact_has_whole_windows(name):
    descriptor = DESCRIPTORS[name]
    exact = descriptor.exact()
    bank = exact.bank
    assert bank.oversampling == EXACT
    assert exact.exact().bank is bank
    for band in (*bank.first, *bank.second, bank.lowpass):
        assert band.grid == descriptor.shape
    for sizes in ("shape", "num_scales", "num_angles", "tight"):
        assert getattr(bank, sizes) == getattr(descriptor.bank, sizes)
    for option in {"max_order", "isotropic"} & set(vars(descriptor)):
        assert getattr(exact, option) == getattr(descriptor, option)


@pytest.mark.parametrize("name", ["spectra", "isotropic", "odd spectra", "gray levels"])
def test_the_loss_is_the_sum_of_squared_residuals_in_units_of_the_noise(name):
    descriptor = DESCRIPTORS[name]
    field, other = (skewed(descriptor.shape, seed) for seed in (0, 1))
    model = fit(descriptor, np.asarray(field), exponent=0.0)
    loss, residual = model.loss(other)
    squares = [(residual[block] / model.noise[block]) ** 2 for block in residual]
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


@pytest.mark.parametrize("shape", [(8, 10), (9, 11)])
def test_noise_by_hand(shape):
    field = np.full(shape, 100.0)  # an odd last line belongs to no quadrant
    for level, row, column in ((0, 0, 0), (0.1, 0, 5), (0.2, 4, 0), (0.4, 4, 5)):
        field[row : row + 4, column : column + 5] = level
    noise = GrayLevels(shape).noise(jnp.asarray(field, jnp.float32))
    squares = np.array([1, 4, 16, 1, 9, 4]) / 100  # of the differences of six pairs
    assert float(noise["gray_levels"]) == pytest.approx(np.sqrt(np.mean(squares)) / 2)


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
    levels = descriptor.noise(jnp.asarray(field - field.mean(), jnp.float32)).values()
    assert all(1e-3 <= float(level) * (1 + 1e-6) <= 1 + 1e-6 for level in levels)


def scalars(**values):
    return {name: jnp.asarray(value, jnp.float32) for name, value in values.items()}


def test_excess_by_hand():
    noise = scalars(a=0.1, b=0.2)
    residual = scalars(a=0.1, b=0.6, unknown=99.0)  # which has no noise, and does not count
    assert float(excess(residual, noise)) == pytest.approx(np.sqrt((1 + 9) / 2))
    assert float(excess(scalars(a=0.0, b=0.0), noise)) == 0
    assert np.isnan(float(excess(scalars(a=np.nan, b=0.0), noise)))


def test_noise_beyond_a_fifth_counts_as_a_fifth_where_moments_are_relative():
    field = jnp.zeros(SHAPE).at[:16, :16].set(100 * skewed((16, 16)))
    noise = {name: float(level) for name, level in DESCRIPTORS["joint"].noise(field).items()}
    assert noise["gray_levels"] == 1
    moments = [noise[f"moments/{name}"] for name in ("total", "order0", "order1", "order2")]
    assert moments == pytest.approx([0.2] * 4)


@every_descriptor
def test_only_gray_levels_are_eased(name):
    descriptor = DESCRIPTORS[name]
    target = _measure(descriptor, skewed(descriptor.shape))
    noise = dict.fromkeys(descriptor.residual(target, target), jnp.asarray(0.1))
    weights = descriptor.weights(target, noise)
    eased = descriptor.eased(weights, 0.25)
    assert descriptor.bounded == (name in ("gray levels", "joint"))
    levels = weights if name == "gray levels" else None
    if name == "joint":
        levels = weights["gray_levels"]
        np.testing.assert_allclose(eased.pop("gray_levels"), 0.25 * levels)
        del weights["gray_levels"]
    if name == "gray levels":
        np.testing.assert_allclose(eased, 0.25 * levels)
    else:
        jax.tree.map(np.testing.assert_array_equal, eased, weights)


# Several as one


def test_a_joint_has_the_blocks_and_the_weights_of_its_parts():
    whole = DESCRIPTORS["joint"]
    first, other = (_measure(whole, skewed(SHAPE, seed)) for seed in (0, 1))
    residual = whole.residual(other, first)
    noise = dict.fromkeys(residual, jnp.asarray(0.1))
    weights = whole.weights(first, noise)
    for name, part in whole.parts.items():
        own = part.residual(other[name], first[name])
        named = {f"{name}/{block}": value for block, value in own.items()}
        named = own if name == "gray_levels" else named
        assert named.items() <= residual.items()
        factor = 0.3 if name == "moments" else 1
        level = dict.fromkeys(own, jnp.asarray(0.1))
        wanted = jax.tree.map(lambda w, f=factor: f * w, part.weights(first[name], level))
        jax.tree.map(np.testing.assert_array_equal, weights[name], wanted)
    assert whole.exact().importance == whole.importance


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
    model = fit(both, np.asarray(field), exponent=0.0)
    loss, residual = model.loss(other)
    alone = {name: fit(part, np.asarray(field), exponent=0.0) for name, part in parts.items()}
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
    noise = outer.noise(skewed(SHAPE))
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
    model = fit(descriptor, target, exponent=0.0)
    limits = Limits(tolerance=1e-9, max_steps=30)
    texture = synthesize(model, key=jax.random.key(0), limits=limits, start="pixels")
    assert texture.losses[-1] < 0.1 * texture.losses[0]
    assert set(texture.residual) == set(texture.noise) >= {block}
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


def test_gray_levels_loosen_the_tolerance_and_bound_the_fields():
    for name in MODELS:
        sizes = {"shape": (16, 16), "scales": 1, "angles": 1}
        plain, gray = (joint(name, **sizes, gray_levels=levels) for levels in (False, True))
        assert 0 < plain.tolerance <= gray.tolerance < 1
        assert gray.bounded
        assert plain.sees_phases == gray.sees_phases == (name in ("spectra", "full"))
        assert plain.bounded == (name == "full")
