"""The record of the example pictures of one channel."""

import hashlib
import tomllib
from pathlib import Path

import imageio.v3 as iio
import jax
import numpy as np
import pytest

from scripts import make_textures
from synth.processes import PROCESSES

TEXTURES = Path(__file__).parents[1] / "textures"
INDEX = tomllib.loads((TEXTURES / "index.toml").read_text())
OWN = sorted(name for name, entry in INDEX.items() if entry.get("process") in PROCESSES)


def draw(name, shape, seed, **parameters):
    return np.asarray(PROCESSES[name](shape, key=jax.random.key(seed), **parameters))


def test_every_recipe_has_its_picture():
    assert set(OWN) == {r.name for r in make_textures.RECIPES if r.process in PROCESSES}
    assert {name.removesuffix("-512") for name in OWN if name.endswith("-512")} == {
        *("turbulence", "sparse", "cascade", "ising", "foam")
    }
    assert {"bricks", "weave", "labyrinth"} < set(OWN)


@pytest.mark.parametrize("name", OWN)
def test_index_describes_the_picture(name):
    entry = INDEX[name]
    path = TEXTURES / entry["file"]
    picture = iio.imread(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
    assert path.stat().st_size < 2**20
    assert list(picture.shape) == entry["shape"]
    assert picture.dtype == np.uint16
    assert (picture.min(), picture.max()) == (0, 65535)
    assert entry["periodic"] is True
    assert entry["license"] == "CC0-1.0"


@pytest.mark.parametrize("name", sorted({*OWN} & {*PROCESSES} - {"turbulence"}))
def test_picture_is_remade_from_its_seed(name):
    entry = INDEX[name]
    field = draw(name, tuple(entry["shape"]), entry["seed"], **entry["parameters"])
    stored = entry["offset"] + entry["scale"] * iio.imread(TEXTURES / entry["file"]).astype(float)
    assert np.std(stored - field) < 0.02 * np.std(field)


def test_turbulence_picture_has_the_units_of_the_process():
    entry = INDEX["turbulence"]
    stored = entry["offset"] + entry["scale"] * iio.imread(TEXTURES / entry["file"]).astype(float)
    assert stored.std() == pytest.approx(1, abs=1e-3)
    assert stored.mean() == pytest.approx(0, abs=1e-3)
