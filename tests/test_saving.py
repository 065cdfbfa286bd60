"""Fields as pictures: gray levels, colors, parts, and one picture per channel."""

import imagecodecs
import imageio.v3 as iio
import numpy as np
import pytest

from synth.app.images import Part, Texture, load, save, save_png

RNG = np.random.default_rng(0)
SHAPE = (24, 30)
GRAY8 = RNG.integers(0, 256, SHAPE, dtype=np.uint8)
GRAY16 = RNG.integers(0, 65536, SHAPE, dtype=np.uint16)
COLOR8 = RNG.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
COLOR16 = RNG.integers(0, 65536, (*SHAPE, 3), dtype=np.uint16)
FLOAT = RNG.normal(size=SHAPE)
FLOATS = RNG.normal(size=(8, *SHAPE)).astype(np.float32)


def texture_of(fields, *parts, name="a"):
    fields = np.asarray(fields, np.float32)[None]
    return Texture(name, fields, (True, True), np.dtype(parts[0][2]), "", parts=tuple(parts))


def part(name, channels, kind):
    return Part(name, channels, np.dtype(kind))


def written(path, array):
    np.save(path, array) if path.suffix == ".npy" else path.write_bytes(
        imagecodecs.png_encode(np.ascontiguousarray(array))
    )
    return path


class TestGray:
    @pytest.mark.parametrize("array", [GRAY8, GRAY16])
    def test_levels_come_back_exactly(self, array, tmp_path):
        texture = load(written(tmp_path / "a.png", array))
        save_png(tmp_path / "b.png", texture.field[0], texture)
        again = iio.imread(tmp_path / "b.png")
        np.testing.assert_array_equal(again, array)
        assert again.dtype == array.dtype

    def test_levels_outside_are_clipped(self, tmp_path):
        texture = load(written(tmp_path / "a.png", GRAY8))
        save_png(tmp_path / "b.png", 3 * texture.field[0] - 200.4, texture)
        expected = np.clip(np.round(3 * GRAY8.astype(float) - 200.4), 0, 255)
        np.testing.assert_array_equal(iio.imread(tmp_path / "b.png"), expected)

    def test_other_units_span_sixteen_bits(self, tmp_path):
        texture = load(written(tmp_path / "a.npy", FLOAT))
        save_png(tmp_path / "b.png", texture.field[0], texture)
        levels = iio.imread(tmp_path / "b.png").astype(float)
        assert (levels.min(), levels.max()) == (0, 65535)
        span = np.ptp(FLOAT)
        np.testing.assert_allclose(FLOAT.min() + span * levels / 65535, FLOAT, atol=1e-5 * span)

    @pytest.mark.parametrize("array", [GRAY8, GRAY16, FLOAT])
    def test_missing_pixels_come_back_as_missing(self, array, tmp_path):
        mask = written(tmp_path / "m.npy", np.indices((24, 30)).sum(axis=0) % 5 > 0)
        ending = "npy" if array is FLOAT else "png"
        texture = load(written(tmp_path / f"a.{ending}", array), mask=mask)
        save_png(tmp_path / "b.png", texture.field[0], texture)
        again = load(tmp_path / "b.png").field
        if array is FLOAT:
            np.testing.assert_array_equal(np.isnan(again), np.isnan(texture.field))
        else:
            np.testing.assert_array_equal(again, texture.field)

    def test_missing_pixels_where_every_level_is_in_use(self, tmp_path):
        levels = np.arange(2**16).reshape(256, 256)
        stack = np.stack([levels, levels]).reshape(512, 256).astype(np.float32)
        stack[256:] = np.nan
        texture = load(written(tmp_path / "a.png", levels.astype(np.uint16)))
        save_png(tmp_path / "b.png", stack, texture)
        again = load(tmp_path / "b.png").field[0]
        np.testing.assert_array_equal(again, np.where(stack == 0, 1, stack))

    def test_what_is_not_a_number_is_drawn_black(self, tmp_path):
        texture = load(written(tmp_path / "a.png", GRAY8))
        save_png(tmp_path / "b.png", np.full((24, 30), np.nan), texture)
        assert not iio.imread(tmp_path / "b.png").any()


class TestColor:
    @pytest.mark.parametrize("color", [COLOR8, COLOR16])
    def test_comes_back_exactly(self, color, tmp_path):
        texture = load(written(tmp_path / "a.png", color))
        save_png(tmp_path / "b.png", texture.field, texture)
        again = imagecodecs.png_decode((tmp_path / "b.png").read_bytes())
        np.testing.assert_array_equal(again, color)
        assert again.dtype == color.dtype

    @pytest.mark.parametrize("color", [COLOR8, COLOR16])
    def test_holes_come_back_as_holes(self, color, tmp_path):
        texture = load(written(tmp_path / "a.png", color))
        field = texture.field.copy()
        field[:, 3:9, 4:20] = np.nan
        save_png(tmp_path / "b.png", field, texture)
        again = load(tmp_path / "b.png")
        np.testing.assert_array_equal(again.field, field)
        assert again.dtype == color.dtype
        save_png(tmp_path / "c.png", np.full_like(field, np.nan), texture)
        assert not imagecodecs.png_decode((tmp_path / "c.png").read_bytes()).any()

    def test_gray_that_was_stored_as_color_is_written_as_gray(self, tmp_path):
        texture = load(written(tmp_path / "a.png", np.repeat(COLOR8[..., :1], 3, axis=2)))
        assert save(tmp_path, "b", texture.field, texture) == [tmp_path / "b.png"]
        np.testing.assert_array_equal(iio.imread(tmp_path / "b.png"), COLOR8[..., 0])

    def test_levels_outside_are_clipped(self, tmp_path):
        texture = load(written(tmp_path / "a.png", COLOR8))
        save_png(tmp_path / "b.png", 3 * texture.field - 200.4, texture)
        expected = np.clip(np.round(3 * COLOR8.astype(float) - 200.4), 0, 255)
        np.testing.assert_array_equal(iio.imread(tmp_path / "b.png"), expected)

    def test_floats_share_one_scale_so_that_hues_stay(self, tmp_path):
        field = FLOATS[:3] * np.array([1, 2, 3])[:, None, None]
        texture = texture_of(field, part("a", 3, np.float32))
        save_png(tmp_path / "b.png", field, texture)
        levels = imagecodecs.png_decode((tmp_path / "b.png").read_bytes())
        assert levels.dtype == np.uint16
        expected = np.moveaxis((field - field.min()) / np.ptp(field) * 65535, 0, 2)
        np.testing.assert_allclose(levels, expected, atol=0.51)

    def test_other_channels_are_no_picture(self, tmp_path):
        with pytest.raises(ValueError, match="A PNG shows 1 or 3 channels, not 2: use save"):
            save_png(tmp_path / "b.png", FLOATS[:2], texture_of(FLOATS[:2], part("a", 2, "f4")))


class TestSave:
    @pytest.mark.parametrize("number", [1, 3])
    def test_one_picture(self, number, tmp_path):
        texture = texture_of(FLOATS[:number], part("a", number, np.float32))._replace(parts=())
        assert save(tmp_path, "new", texture.field, texture) == [tmp_path / "new.png"]
        save_png(tmp_path / "same.png", texture.field, texture)
        assert (tmp_path / "new.png").read_bytes() == (tmp_path / "same.png").read_bytes()

    def test_one_picture_per_channel_each_on_its_own_scale(self, tmp_path):
        field = FLOATS[:5] * np.array([1, 1000, 1, 1, 0])[:, None, None]
        texture = texture_of(field, part("a", 5, np.float32))
        paths = save(tmp_path, "new", field, texture)
        assert paths == [tmp_path / "new" / f"channel-{i}.png" for i in range(1, 6)]
        for path, channel in zip(paths[:4], field, strict=False):
            levels = iio.imread(path).astype(float)
            expected = (channel - channel.min()) / np.ptp(channel) * 65535
            np.testing.assert_allclose(levels, expected, atol=0.51)
        assert not iio.imread(paths[4]).any()

    def test_several_parts_in_their_own_types(self, tmp_path):
        field = np.stack([*np.moveaxis(COLOR8, 2, 0), FLOATS[0], *np.moveaxis(COLOR16, 2, 0)[:2]])
        parts = part("photo", 3, "u1"), part("height", 1, "f4"), part("wet", 2, "u2")
        texture = texture_of(field, *parts, name="photo")
        paths = save(tmp_path, "new", texture.field, texture)
        names = ["photo.png", "height.png", "wet-1.png", "wet-2.png"]
        assert paths == [tmp_path / "new" / name for name in names]
        np.testing.assert_array_equal(iio.imread(paths[0]), COLOR8)
        height = iio.imread(paths[1])
        assert (height.min(), height.max(), height.dtype) == (0, 65535, np.uint16)
        np.testing.assert_array_equal(iio.imread(paths[2]), COLOR16[..., 0])
        np.testing.assert_array_equal(iio.imread(paths[3]), COLOR16[..., 1])
