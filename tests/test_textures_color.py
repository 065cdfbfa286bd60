"""The example files of several channels, their record, and the script that writes both."""

import hashlib
import tomllib
from pathlib import Path

import imageio.v3 as iio
import jax
import numpy as np
import pytest

from scripts import make_textures
from synth.processes import CHANNEL_PROCESSES

TEXTURES = Path(__file__).parents[1] / "textures"
INDEX = tomllib.loads((TEXTURES / "index.toml").read_text())
OWN = sorted(name for name, entry in INDEX.items() if entry["process"] in CHANNEL_PROCESSES)
CHANNELS = {
    "colored_foam": 3,
    "leaves": 3,
    "reaction_diffusion": 3,
    "scalar_turbulence": 2,
    "material": 7,
}


def draw(name, shape, seed, **parameters):
    return np.asarray(CHANNEL_PROCESSES[name](shape, key=jax.random.key(seed), **parameters))


def stored(name):
    """Return the field values of a file, channels first."""
    entry = INDEX[name]
    path = TEXTURES / entry["file"]
    values = np.load(path) if path.suffix == ".npy" else iio.imread(path)
    if values.ndim == 3 and path.suffix == ".png":
        values = np.moveaxis(values, -1, 0)
    return entry["offset"] + entry["scale"] * values.astype(np.float64)


def test_every_process_has_its_files():
    assert {INDEX[name]["process"] for name in OWN} == set(CHANNEL_PROCESSES)
    parts = {INDEX[name]["part"] for name in OWN if INDEX[name]["process"] == "material"}
    assert parts == {"albedo", "normal", "height"}
    channels = {name: 0 for name in CHANNEL_PROCESSES}
    for name in OWN:
        channels[INDEX[name]["process"]] += INDEX[name].get("channels", 1)
    assert channels == CHANNELS


@pytest.mark.parametrize("name", OWN)
def test_index_describes_the_file(name):
    entry = INDEX[name]
    path = TEXTURES / entry["file"]
    values = stored(name)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
    assert path.stat().st_size < 530_000
    assert list(values.shape[-2:]) == entry["shape"]
    assert (len(values) if values.ndim == 3 else 1) == entry.get("channels", 1)
    assert entry["periodic"] is True
    assert entry["license"] == "CC0-1.0"


@pytest.mark.parametrize("name", sorted({*CHANNELS} - {"scalar_turbulence"}))
def test_files_are_remade_from_their_seed(name):
    recipe = next(recipe for recipe in make_textures.RECIPES if recipe.process == name)
    field = draw(name, (256, 256), recipe.seed)
    for file, part in zip(recipe.names, recipe.parts, strict=True):
        values = field[part.first : part.last]
        assert np.std(stored(file) - values) < 0.02 * np.std(values)


def test_stored_scalar_has_the_units_of_the_process():
    vorticity, scalar = stored("scalar-turbulence")
    assert vorticity.std() == pytest.approx(1, abs=1e-3)
    assert abs(scalar.mean()) < 1e-3
    assert 0.3 < scalar.std() < 2


def test_the_script_writes_files_and_their_entries(tmp_path, monkeypatch):
    monkeypatch.setattr(make_textures, "TEXTURES", tmp_path)
    recipe = make_textures.Recipe("material", 32, seed=1, parameters={"cell": 10.0})
    entries = make_textures.draw(recipe)
    assert list(entries) == ["material-32-albedo", "material-32-normal", "material-32-height"]
    make_textures._record(entries)
    assert tomllib.loads((tmp_path / "index.toml").read_text()) == entries
    field = draw("material", (32, 32), 1, cell=10.0)
    for (name, entry), part in zip(entries.items(), recipe.parts, strict=True):
        values = iio.imread(tmp_path / f"{name}.png")
        values = np.moveaxis(values, -1, 0) if values.ndim == 3 else values[None]
        found = entry["offset"] + entry["scale"] * values.astype(float)
        np.testing.assert_allclose(found, field[part.first : part.last], atol=entry["scale"])
