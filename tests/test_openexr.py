"""OpenEXR: which channels are read, and what is said where they cannot be."""

import sys

import numpy as np
import pytest

from synth.app.images import load
from synth.errors import InputError

openexr = pytest.importorskip("OpenEXR")

RNG = np.random.default_rng(0)
SHAPE = (24, 30)
ALPHA = np.where(np.arange(30) < 6, 0, 1)[None, :].repeat(24, 0)
FLOATS = RNG.normal(size=(4, *SHAPE)).astype(np.float32)


def written(path, channels):
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    channels = {name: np.ascontiguousarray(each) for name, each in channels.items()}
    openexr.File(header, channels).write(str(path))
    return path


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("layer", ["", "view."])
def test_color(kind, layer, tmp_path):
    red, green, blue = values = FLOATS[:3].astype(kind)
    named = {f"{layer}{role}": each for role, each in zip("RGB", values, strict=True)}
    texture = load(written(tmp_path / "a.exr", named))
    np.testing.assert_array_equal(texture.field, [red, green, blue])
    assert texture.dtype == kind
    clear = {**named, f"{layer}A": ALPHA.astype(kind)}
    texture = load(written(tmp_path / "b.exr", clear))
    assert np.isnan(texture.field[:, :, :6]).all()
    np.testing.assert_array_equal(texture.field[:, :, 6:], values[:, :, 6:])


def test_other_channels(tmp_path):
    gray = load(written(tmp_path / "a.exr", {"Y": FLOATS[0]}))
    np.testing.assert_array_equal(gray.field, FLOATS[:1])
    names = {"Z": FLOATS[3], "B": FLOATS[2], "G": FLOATS[1], "R": FLOATS[0]}
    np.testing.assert_array_equal(load(written(tmp_path / "b.exr", names)).field, FLOATS[:4])
    layers = {"one.R": FLOATS[0], "two.R": FLOATS[1]}
    np.testing.assert_array_equal(load(written(tmp_path / "c.exr", layers)).field, FLOATS[:2])


def test_that_cannot_be_read(tmp_path, monkeypatch):
    path = written(tmp_path / "a.exr", {"R": FLOATS[0], "G": FLOATS[1], "B": FLOATS[2]})
    cut = tmp_path / "b.exr"
    cut.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="b.exr cannot be read as a picture"):
        load(cut)
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(InputError, match="package is missing: install it with pip install Op"):
        load(path)


def test_of_several_parts_or_too_many_pixels(tmp_path, monkeypatch):
    parts = [openexr.Part({"name": name}, {"Y": FLOATS[0]}) for name in "ab"]
    openexr.File(parts).write(str(tmp_path / "a.exr"))
    with pytest.raises(InputError, match="a.exr holds 2 parts: give a picture of one part"):
        load(tmp_path / "a.exr")
    monkeypatch.setattr("synth.app.decoding._MOST_VALUES", 700)
    path = written(tmp_path / "b.exr", {"Y": FLOATS[0]})
    with pytest.raises(InputError, match="b.exr has more pixels than"):
        load(path)
