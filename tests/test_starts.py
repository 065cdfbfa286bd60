"""Fields to start from, and second targets: in the channels and units of the first."""

import imagecodecs
import numpy as np
import pytest

from synth.app.images import Part, Texture, in_units_of, load, load_start
from synth.errors import InputError

RNG = np.random.default_rng(0)
SHAPE = (24, 30)
COLOR8 = RNG.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
COLOR16 = RNG.integers(0, 65536, (*SHAPE, 3), dtype=np.uint16)
CLEAR = np.dstack([COLOR8, RNG.integers(0, 256, SHAPE, dtype=np.uint8)])
FLOATS = RNG.normal(size=(8, *SHAPE)).astype(np.float32)


def channels_of(color):
    return np.moveaxis(color, 2, 0).astype(np.float32)


def written(path, array):
    np.save(path, array) if path.suffix == ".npy" else path.write_bytes(
        imagecodecs.png_encode(np.ascontiguousarray(array))
    )
    return path


class TestStart:
    def test_has_the_target_s_channels_and_range(self, tmp_path):
        texture = load(written(tmp_path / "a.png", COLOR8))
        start = load_start(written(tmp_path / "b.png", COLOR16), texture, SHAPE)
        assert (start.shape, start.dtype) == ((3, *SHAPE), np.float32)
        np.testing.assert_allclose(start, channels_of(COLOR16) / 257, rtol=1e-6)
        gray = written(tmp_path / "c.png", np.repeat(COLOR8[..., :1], 3, axis=2))
        np.testing.assert_array_equal(load_start(gray, texture, SHAPE)[1], COLOR8[..., 0])

    def test_in_color_is_luma_for_a_gray_target(self, tmp_path):
        texture = load(written(tmp_path / "a.png", COLOR8[..., 0]))
        path = written(tmp_path / "b.png", COLOR8)
        start = load_start(path, texture, SHAPE)
        np.testing.assert_array_equal(start, load(path, gray=True).field[0])

    def test_of_values_with_or_without_the_option(self, tmp_path):
        path = written(tmp_path / "a.npy", FLOATS[:5])
        texture = load(path, channels="first")
        np.testing.assert_array_equal(load_start(path, texture, SHAPE), FLOATS[:5])
        path = written(tmp_path / "b.npy", np.moveaxis(FLOATS[:5], 0, 2))
        np.testing.assert_array_equal(load_start(path, texture, SHAPE, channels="last"), FLOATS[:5])

    def test_of_several_parts_is_in_their_units(self, tmp_path):
        photo = written(tmp_path / "a.png", COLOR8)
        texture = load(photo, beside=[written(tmp_path / "b.npy", FLOATS[0])])
        start = written(tmp_path / "c.npy", 100 * FLOATS[:4])
        np.testing.assert_array_equal(load_start(start, texture, SHAPE), 100 * FLOATS[:4])

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (
                COLOR8[..., 0],
                "The start b.png has 1 channel and the target 3: give pictures of",
            ),
            (COLOR8[:20], "The start b.png holds 1 picture of 20 × 30 pixels: give one of 24 × 30"),
            (CLEAR, "The start b.png has missing pixels: give a whole field"),
        ],
    )
    def test_that_does_not_fit(self, array, message, tmp_path):
        texture = load(written(tmp_path / "a.png", COLOR8))
        with pytest.raises(InputError, match=message):
            load_start(written(tmp_path / "b.png", array), texture, SHAPE)


class TestUnits:
    def test_of_parts(self):
        def texture(name, *kinds):
            fields = RNG.uniform(0, 200, (1, len(kinds), *SHAPE)).astype(np.float32)
            parts = tuple(Part(f"{i}", 1, np.dtype(kind)) for i, kind in enumerate(kinds))
            return Texture(name, fields, (True, True), parts[0].dtype, "", parts=parts)

        target = texture("target", np.uint8, np.float32)
        other = texture("other", np.uint16, np.float64)
        brought = in_units_of(other, target)
        np.testing.assert_allclose(brought.fields[:, 0], other.fields[:, 0] / 257, rtol=1e-6)
        np.testing.assert_array_equal(brought.fields[:, 1], other.fields[:, 1])
        assert (brought.parts, brought.dtype, brought.name) == (target.parts, np.uint8, "other")
        plain = texture("plain", np.float32, np.float32)._replace(parts=())
        np.testing.assert_array_equal(in_units_of(plain, target).fields, plain.fields)
        with pytest.raises(InputError, match="other holds float64 values and the target uint8"):
            in_units_of(texture("other", np.uint8, np.float64), texture("t", np.uint8, np.uint8))
        with pytest.raises(InputError, match="plain has 2 channels and the target 1: give"):
            in_units_of(plain, texture("target", np.float32))
