"""Borders: which axes are found periodic, of fields that are and of crops that are not."""

import numpy as np
import pytest

from synth.app.borders import found_periodic
from synth.app.images import PHOTOGRAPHS, bundled, load

RNG = np.random.default_rng(0)
PROCESSES = [name for name in bundled() if name.endswith("-512")]
MOST_WRONG = 0.05


def wave(n, periods, phase):
    return np.sin(2 * np.pi * periods * np.arange(n) / n + phase)


def rolled(name, number):
    field = load(name).field[0]
    for shift in np.random.default_rng(1).integers(0, field.shape[0], (number, 2)):
        yield np.roll(field, shift, axis=(0, 1))


@pytest.mark.parametrize("name", bundled())
def test_wherever_a_periodic_field_begins(name):
    found = [found_periodic(field) for field in rolled(name, 30)]
    assert np.mean(found) >= 1 - MOST_WRONG


@pytest.mark.parametrize("name", PROCESSES)
def test_crops_are_not(name):
    found = [found_periodic(field[:128, :128]) for field in rolled(name, 60)]
    assert np.mean(found) <= MOST_WRONG


@pytest.mark.parametrize("name", PROCESSES)
def test_a_crop_of_full_width_is_along_its_rows_alone(name):
    rows, columns = np.mean([found_periodic(field[:200]) for field in rolled(name, 20)], axis=0)
    assert rows <= MOST_WRONG
    assert columns >= 1 - MOST_WRONG


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_not(name):
    assert found_periodic(load(name).field[0]) == (False, False)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "ihc", "rocket"])
def test_photographs_in_color_are_not(name):
    assert found_periodic(load(name, size=256).field) == (False, False)


@pytest.mark.parametrize("unit", [1, 1e-6, 1e6])
def test_channels_are_taken_together_whatever_their_units(unit):
    tile = np.stack([load(f"{name}-512").field[0] for name in ("turbulence", "cascade", "foam")])
    tile = tile / tile.std(axis=(1, 2), keepdims=True) * np.array([1, unit, 1])[:, None, None]
    shift = RNG.integers(0, 512, 2)
    rolled = np.roll(tile, shift, axis=(1, 2))
    assert found_periodic(rolled) == (True, True)
    assert found_periodic(rolled[:, :200]) == (False, True)
    assert found_periodic(rolled[:, :200, :200]) == (False, False)
    assert found_periodic(np.stack([rolled[0], 0 * rolled[0] + 7])) == (True, True)


@pytest.mark.parametrize("name", PROCESSES)
def test_equal_channels_are_as_one(name):
    field = load(name).field[0][:300]
    field[RNG.random(field.shape) < 0.1] = np.nan
    assert found_periodic(np.stack([field, 100 - 3 * field])) == found_periodic(field)


@pytest.mark.parametrize("periods", [1, 2, 5])
@pytest.mark.parametrize("phase", [0, 0.5, np.pi / 2])
def test_waves_that_are_steepest_or_flat_at_the_border(periods, phase):
    along = wave(64, periods, phase)
    assert found_periodic(np.add.outer(along, along)) == (True, True)
    assert found_periodic(np.tile(along, (64, 1))) == (True, True)
    row, column = np.indices((64, 64)) / 64
    assert found_periodic(np.sin(2 * np.pi * (periods * row + 2 * column) + phase)) == (True, True)


def test_a_ramp_is_not():
    ramp = np.tile(np.arange(64.0)[:, None], 64)
    assert found_periodic(ramp) == (False, True)
    assert found_periodic(ramp + RNG.normal(size=(64, 64)))[0] is False
    assert found_periodic(ramp + ramp.T) == (False, False)


def test_nothing_at_the_border_is_no_jump():
    field = np.zeros((64, 64))
    field[20:40, 20:40] = RNG.normal(size=(20, 20))
    assert found_periodic(field) == (True, True)


def test_two_plateaus_are_not():
    steps = np.tile(np.repeat([0.0, 100.0, 200.0], 16), (48, 1))
    assert found_periodic(steps) == (True, False)


@pytest.mark.parametrize("name", PROCESSES)
def test_missing_pixels_are_left_out(name):
    field = load(name).field[0].copy()
    field[RNG.random(field.shape) < 0.3] = np.nan
    assert found_periodic(field) == (True, True)
    assert found_periodic(field[:200]) == (False, True)


def test_where_the_border_is_missing_nothing_can_be_seen():
    field = load("turbulence").field[0].copy()
    field[:3] = np.nan
    assert found_periodic(field) == (False, True)
