"""The schedule: which stage is due, what it makes of a model, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth import GrayLevels, Joint, Schedule, fit, joint
from synth.descent import Stage
from synth.descent.schedule import MAX_STEPS
from synth.errors import InputError

SHAPE = (16, 16)
FREE_LAST = (Stage(0, bounds="target"), Stage(60))
EASED = (Stage(0, 0.01), Stage(60, 0.1), Stage(120))
EASED_FREE_FIRST = (Stage(0, 0.01, "none"), Stage(60, 0.1, "none"), Stage(120))


def descriptor(model, **also):
    return joint(model, shape=SHAPE, scales=1, angles=2, **also)


def picture():
    """A skewed field, in units of its own."""
    return 50 + 3 * np.random.default_rng(0).standard_normal(SHAPE) ** 3


@pytest.fixture(scope="module")
def full():
    return fit(descriptor("full"), picture())


@pytest.fixture(scope="module")
def plain():
    return fit(descriptor("scattering1"), picture())


# Which stage is due


@pytest.mark.parametrize(
    ("evaluations", "index"), [(0, 0), (10, 0), (59, 0), (60, 1), (119, 1), (120, 2), (10**6, 2)]
)
def test_a_stage_lasts_until_the_next_one_begins(evaluations, index):
    assert Schedule(stages=EASED).due(evaluations) == EASED[index]


def test_one_stage_is_always_due():
    assert Schedule().due(0) == Schedule().due(999) == Stage()


# What is usual


@pytest.mark.parametrize(
    ("model", "also", "tolerance", "stages", "fewest"),
    [
        ("scattering1", {}, 0.2, FREE_LAST, 20),
        ("scattering", {}, 0.2, FREE_LAST, 20),
        ("spectra", {}, 0.45, FREE_LAST, 20),
        ("scattering", {"gray_levels": True}, 0.2, EASED, 100),
        ("spectra", {"gray_levels": True}, 0.45, EASED_FREE_FIRST, 100),
        ("full", {}, 0.45, EASED_FREE_FIRST, 100),
        ("full+rectified", {}, 0.45, EASED_FREE_FIRST, 150),
        ("rectified", {}, 0.3, EASED, 150),
        ("scattering", {"channels": 3}, 0.3, FREE_LAST, 20),
        ("full", {"channels": 3}, 0.7, EASED_FREE_FIRST, 100),
    ],
)
def test_what_suits_a_descriptor(model, also, tolerance, stages, fewest):
    suited = descriptor(model, **also)
    usual = Schedule.usual(suited)
    assert (usual.tolerance, usual.stages, usual.max_steps) == (tolerance, stages, MAX_STEPS)
    assert usual.min_steps == fewest
    assert Schedule.usual(suited, tolerance=tolerance).min_steps == 0
    assert Schedule.usual(suited, tolerance=tolerance, min_steps=7).min_steps == 7


def test_tolerance_and_steps_may_be_others_in_the_same_stages():
    given = Schedule.usual(descriptor("full"), tolerance=0.0, max_steps=7)
    assert (given.tolerance, given.stages, given.max_steps) == (0, EASED_FREE_FIRST, 7)


# Stages of a model


def test_a_stage_of_the_usual_kind_is_the_model_itself(full):
    same = Stage(120).of(full)
    for one, other in zip(jax.tree.leaves(same), jax.tree.leaves(full), strict=True):
        np.testing.assert_array_equal(one, other)


def test_gray_levels_are_eased_and_nothing_else_is(full):
    eased = Stage(0, gray_levels=0.01).of(full)
    np.testing.assert_allclose(
        eased.weights["gray_levels"], 0.01 * full.weights["gray_levels"], rtol=1e-6
    )
    for part in ("moments", "spectra"):
        pairs = jax.tree.leaves(eased.weights[part]), jax.tree.leaves(full.weights[part])
        for one, other in zip(*pairs, strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(eased.bounds, full.bounds)
    variable = full.start(key=jax.random.key(0))
    losses = [float(model.loss(variable)[0]) for model in (eased, full)]
    gray = full.weights["gray_levels"]
    difference = full.descriptor(full.field(variable))["gray_levels"] - full.target["gray_levels"]
    wanted = 0.99 * float(jnp.sum(gray * difference**2))
    assert losses[1] - losses[0] == pytest.approx(wanted, rel=1e-2)


def test_gray_levels_on_their_own_and_within_parts_are_eased():
    alone = fit(GrayLevels(SHAPE), picture())
    np.testing.assert_allclose(Stage(0, 0.1).of(alone).weights, 0.1 * alone.weights, rtol=1e-6)
    nested = fit(Joint({"all": Joint({"levels": GrayLevels(SHAPE)})}), picture())
    eased = Stage(0, 0.1).of(nested).weights["all"]["levels"]
    np.testing.assert_allclose(eased, 0.1 * nested.weights["all"]["levels"], rtol=1e-6)


def test_without_gray_levels_nothing_is_eased(plain):
    eased = Stage(0, gray_levels=0.01).of(plain)
    for one, other in zip(jax.tree.leaves(eased), jax.tree.leaves(plain), strict=True):
        np.testing.assert_array_equal(one, other)


def test_bounds_are_those_of_the_model_none_or_also_the_target_s(plain, full):
    low, high = picture().min(), picture().max()
    wide = 1000 * (full.start(key=jax.random.key(0)) - 0.1)
    for model in (plain, full):
        np.testing.assert_array_equal(Stage(0, bounds="model").of(model).bounds, model.bounds)
        np.testing.assert_array_equal(Stage(0, bounds="none").of(model).bounds, [-np.inf, np.inf])
        target = Stage(0, bounds="target").of(model)
        np.testing.assert_allclose(target.bounds, [low, high], rtol=1e-5)
        field = target.to_units(target.field(wide))
        assert low - 1e-3 <= field.min() < field.max() <= high + 1e-3
    np.testing.assert_array_equal(plain.bounds, [-np.inf, np.inf])
    np.testing.assert_allclose(full.bounds, [low, high], rtol=1e-5)
    free = Stage(0, bounds="none").of(full).field(wide)
    assert np.ptp(free) > 100 * np.ptp(full.field(wide))


def test_the_target_s_range_widens_no_bounds_of_the_model():
    low, high = picture().min(), picture().max()
    given = (float(low) + 5, float(high) + 5)
    model = fit(descriptor("scattering1"), picture(), bounds=given)
    bounds = Stage(0, bounds="target").of(model).bounds
    np.testing.assert_allclose(bounds, [low + 5, high], rtol=1e-5)


def test_stages_of_a_descriptor_share_one_program(full):
    """Weights and bounds are arrays: what is compiled for one stage serves the others."""
    same = jax.tree.structure(full)
    assert all(jax.tree.structure(stage.of(full)) == same for stage in EASED_FREE_FIRST)


# What is refused

STAGES = r"The stages begin at \[.*\]: give increasing evaluations from 0 on, and a last stage"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tolerance": -0.1}, r"^The tolerance -0\.1 is negative: 0\.2 is usual\.$"),
        ({"tolerance": float("nan")}, "^The tolerance nan is "),
        ({"max_steps": 0}, r"^0 steps were asked for: allow at least 1\.$"),
        ({"stages": ()}, STAGES),
        ({"stages": (Stage(10),)}, STAGES),
        ({"stages": (Stage(0), Stage(20), Stage(10))}, STAGES),
        ({"stages": (Stage(0, 0.1), Stage(0))}, STAGES),
        ({"stages": (Stage(0), Stage(10, 0.5))}, STAGES),
        ({"stages": (Stage(0, bounds="none"),)}, STAGES),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        Schedule(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("arguments", [{"tolerance": -1.0}, {"max_steps": 0}, {"min_steps": -1}])
def test_the_usual_one_is_checked_too(arguments):
    with pytest.raises(InputError):
        Schedule.usual(descriptor("scattering1"), **arguments)
