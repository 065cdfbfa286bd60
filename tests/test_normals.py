"""Maps of normals: known by their length, and brought to it."""

import imageio.v3 as iio
import numpy as np
import pytest
from fields import white

from synth.app.images import load
from synth.app.normals import length_error, unit_normals

SHAPE = (48, 40)


def vectors(seed=0):
    """Normals of a rough height, one facet beside another."""
    slopes = np.round(2 * white((2, *SHAPE), seed))
    field = np.stack([*slopes, np.ones(SHAPE)])
    return field / np.linalg.norm(field, axis=0)


def texture_of(folder, field, name="a", **options):
    path = folder / f"{name}.png"
    iio.imwrite(path, np.moveaxis(np.round(127.5 * (field + 1)), 0, 2).astype(np.uint8))
    return load(path, **options)


def test_are_known_by_their_length(tmp_path):
    texture = texture_of(tmp_path, vectors())
    assert [part.normals for part in texture.parts] == [True]
    assert texture.notes[-1] == "a is a map of normals: new ones are brought to unit length."
    assert length_error(texture.field, texture) < 0.01


@pytest.mark.parametrize("factor", [0.9, 0.5])
def test_others_are_no_normals(tmp_path, factor):
    texture = texture_of(tmp_path, factor * vectors())
    assert not texture.parts[0].normals
    assert length_error(texture.field, texture) == 0
    np.testing.assert_array_equal(unit_normals(texture.field, texture), texture.field)


def test_are_known_before_the_picture_is_resized(tmp_path):
    """Averages over an edge are shorter, and are brought to unit length again."""
    texture = texture_of(tmp_path, vectors(), size=24)
    assert texture.field.shape == (3, 24, 20)
    assert texture.parts[0].normals
    assert length_error(texture.field, texture) < 1e-3


def test_keep_their_direction(tmp_path):
    texture = texture_of(tmp_path, vectors())
    short = 127.5 * (0.6 * vectors() + 1)
    assert length_error(short, texture) == pytest.approx(0.4, abs=1e-6)
    unit = unit_normals(short, texture)
    np.testing.assert_allclose(unit / 127.5 - 1, vectors(), atol=1e-6)


def test_holes_stay(tmp_path):
    texture = texture_of(tmp_path, vectors())
    holed = texture.field.copy()
    holed[:, 3, 4] = np.nan
    unit = unit_normals(holed, texture)
    assert np.isnan(unit[:, 3, 4]).all()
    assert np.isnan(unit).sum() == 3


def test_in_arrays_of_floats_they_are_from_minus_one_to_one(tmp_path):
    np.save(tmp_path / "a.npy", np.moveaxis(vectors(), 0, 2).astype(np.float32))
    assert load(tmp_path / "a.npy").parts[0].normals


def test_channels_beside_them_stay_as_they_are(tmp_path):
    normals = texture_of(tmp_path, vectors(), name="normals")
    assert normals.parts[0].normals
    iio.imwrite(
        tmp_path / "height.png", np.round(127.5 + 40 * white(SHAPE)).clip(0, 255).astype("u1")
    )
    texture = load(tmp_path / "height.png", beside=[tmp_path / "normals.png"])
    assert [part.normals for part in texture.parts] == [False, True]
    moved = unit_normals(0.8 * texture.field, texture)
    np.testing.assert_array_equal(moved[0], 0.8 * texture.field[0])
    assert length_error(moved, texture) < 1e-5
