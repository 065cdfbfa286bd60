"""Colors of new fields: brought to those of the target, on a lattice and exactly."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import white

from synth import fit, joint
from synth.descent.schedule import Stage
from synth.models.gamut import Finish
from synth.transforms.palette import Palette

SHAPE = (48, 48)


def curve(seed=0):
    """Colors along a bent line, of 8 bits: most of their cube is empty."""
    place = np.tanh(white(SHAPE, seed))
    return np.round(np.stack([128 + 90 * place, 40 + 160 * place**2, 200 - 90 * place]))


@cache
def model_of(name="scattering1", **options):
    sizes = {"shape": SHAPE, "channels": 3, "scales": 1, "angles": 1}
    return fit(joint(name, **sizes, gray_levels=True), curve().astype(np.float32), **options)


def rows(field):
    return np.asarray(field, np.float64).reshape(len(field), -1).T


@cache
def palette():
    return Palette.of(rows(curve()))


def anything(seed=3):
    """Colors all over the cube."""
    return np.random.default_rng(seed).uniform(0, 255, (3, *SHAPE))


def test_projected_colors_are_the_target_s_even_when_rounded():
    assert palette().are_foreign(rows(anything())).mean() > 0.9
    moved = palette().projected(rows(anything()))
    assert not palette().are_foreign(moved).any()
    assert not palette().are_foreign(np.round(moved)).any()
    np.testing.assert_allclose(palette().projected(moved), moved, atol=1e-6)


def test_colors_of_the_target_are_left_alone():
    np.testing.assert_array_equal(palette().projected(rows(curve())), rows(curve()))


def test_the_lattice_shifts_as_the_palette_does():
    model = model_of()
    far = np.clip(
        curve() + 12 * white((3, *SHAPE), seed=1), *np.asarray(model.range)[..., None, None]
    )
    got = model.gaussian.units.to(model.gamut(model.from_units(jnp.asarray(far, float))))
    wanted = palette().projected(rows(far))
    before, after = (np.abs(rows(each) - wanted).mean() for each in (far, got))
    assert after < 0.35 * before


def test_colors_off_the_lattice_come_back_to_the_target_s():
    model = model_of()
    far = jnp.full((len(model.levels), *SHAPE), 40.0)
    moved = np.asarray(model.gamut(far))
    low, high = np.asarray(model.levels.min(1)), np.asarray(model.levels.max(1))
    size = (high - low)[:, None, None]
    assert np.all(moved >= low[:, None, None] - 0.2 * size)
    assert np.all(moved <= high[:, None, None] + 0.2 * size)


@pytest.mark.parametrize("seed", [1, 2])
def test_finished_fields_have_no_foreign_color(seed):
    model = model_of()
    field = model.to_units(model.field(model.start(key=jax.random.key(seed))))
    finished = Finish(model)(field)
    assert not palette().are_foreign(rows(np.round(finished))).any()


def test_a_stage_without_bounds_shifts_nothing():
    free = Stage(bounds="none").of(model_of())
    field = 40 * jnp.asarray(white((len(free.levels), *SHAPE)), float)
    np.testing.assert_allclose(free.field(free.variable(field)), field, atol=1e-3)


def test_given_bounds_leave_no_gamut():
    assert model_of(bounds=(0.0, 255.0)).gamut is None
