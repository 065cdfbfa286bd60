"""The benchmark of texture classes: patches that do not overlap, and what turning does to them."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra classify has it")

from benchmarks import textures


@pytest.fixture(scope="module")
def fields():
    """Two fields of two processes, and a photograph; all of them small."""
    rng = np.random.default_rng(0)
    rows = np.arange(512)[:, None] + 0 * np.arange(512)
    waves = [
        np.sin(rows * 0.4 + phase) + 0.05 * rng.standard_normal((512, 512)) for phase in (0, 1)
    ]
    noise = [rng.standard_normal((512, 512)) for _ in range(2)]
    photograph = [rng.standard_normal((512, 512)).cumsum(1)]
    whole = {"waves": waves, "noise": noise, "photograph": photograph}
    return {name: [textures._standard(x) for x in own] for name, own in whole.items()}


def places(patches, field):
    """Where patches without light of their own lie in a field."""
    cut = textures._cut(field)
    normal = [(x - x.mean()) / x.std() for x in cut]
    found = []
    for patch in patches:
        own = (patch - patch.mean()) / patch.std()
        found.append(int(np.argmin([np.abs(own - x).max() for x in normal])))
    return found


def test_patches_tile_the_field(fields):
    field = fields["noise"][0]
    patches = textures._cut(field)
    assert patches.shape == (64, 64, 64)
    np.testing.assert_array_equal(patches[9], field[64:128, 64:128])


def test_what_is_tested_did_not_train(fields):
    sets = textures.upright(fields, np.random.default_rng(0))
    assert np.bincount(sets.train_labels).tolist() == [46, 46, 46]
    assert np.bincount(sets.test_labels).tolist() == [46, 46, 18]
    own = fields["photograph"][0]
    trained = places(sets.train[sets.train_labels == 2], own)
    tested = places(sets.test[sets.test_labels == 2], own)
    assert sorted(trained + tested) == list(range(64))
    for label, name in enumerate(("waves", "noise")):
        tested = sets.test[sets.test_labels == label]
        assert len(set(places(tested, fields[name][1]))) == 46  # all of the second field


def test_patches_have_a_light_of_their_own(fields):
    sets = textures.upright(fields, np.random.default_rng(0))
    noise = sets.train[sets.train_labels == 1]
    contrasts, brightnesses = noise.std((1, 2)), noise.mean((1, 2))
    assert contrasts.max() > 2.5 * contrasts.min()
    assert brightnesses.max() > 0.5
    assert brightnesses.min() < -0.5


@pytest.mark.parametrize("degrees", [0, 90, 180, 30])
def test_turning_is_turning(degrees):
    """Against the rotation of a wave, which is a wave of another direction."""
    rows, columns = np.indices((256, 256))
    field = np.cos(0.3 * rows)
    patch = textures._turned(field, np.array([128.5, 128.5]), degrees)
    u = np.indices((64, 64)) - 31.5
    angle = np.radians(degrees)
    expected = np.cos(0.3 * (128.5 + np.cos(angle) * u[0] - np.sin(angle) * u[1]))
    np.testing.assert_allclose(patch, expected, atol=1e-3)


def test_turned_patches_of_a_photograph_come_from_where_none_train():
    """Below its upper three quarters, which are even, it has noise."""
    marked = np.zeros((512, 512))
    marked[384:] = np.random.default_rng(0).standard_normal((128, 512))
    sets = textures.turned({"photograph": [marked]}, np.random.default_rng(0))
    assert sets.train.std((1, 2)).max() < 1e-6
    assert sets.test.std((1, 2)).min() > 0.3


def test_errors_are_shares_of_wrong_patches(fields, monkeypatch):
    names = ("scattering, 4 angles", "gray-level histogram")
    few = {name: kind for name, kind in textures.kinds().items() if name in names}
    monkeypatch.setattr(textures, "kinds", lambda: few)
    found = textures.errors(textures.upright(fields, np.random.default_rng(0)))
    assert found["scattering, 4 angles"] == 0
    assert found["gray-level histogram"] > 0.05
