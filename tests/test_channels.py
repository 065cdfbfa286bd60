"""Pictures of several channels: how they are read, joined and refused."""

import zlib

import imagecodecs
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from PIL import Image

from synth.app.arguments import ChannelsName
from synth.app.bundled import find
from synth.app.images import Part, load
from synth.errors import InputError

RNG = np.random.default_rng(0)
SHAPE = (24, 30)
COLOR8 = RNG.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
COLOR16 = RNG.integers(0, 65536, (*SHAPE, 3), dtype=np.uint16)
ALPHA = np.where(np.arange(30) < 6, 0, 1)[None, :].repeat(24, 0)
BANDS = RNG.integers(0, 65536, (5, *SHAPE), dtype=np.uint16)
FLOATS = RNG.normal(size=(8, *SHAPE)).astype(np.float32)
HOLE = (3, 4)


def written(path, array, **options):
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, array, **options)
    elif array.dtype == np.uint16 and array.ndim == 3:
        path.write_bytes(imagecodecs.png_encode(array))
    else:
        iio.imwrite(path, array)
    return path


def channels_of(color):
    return np.moveaxis(color, 2, 0).astype(np.float32)


def with_alpha(array):
    alpha = (ALPHA * np.iinfo(array.dtype).max).astype(array.dtype)
    return np.dstack([array, alpha])


class TestColor:
    @pytest.mark.parametrize("color", [COLOR8, COLOR16])
    @pytest.mark.parametrize("ending", ["png", "tif", "npy"])
    def test_three_channels_in_all_bits(self, color, ending, tmp_path):
        options = {"photometric": "rgb"} if ending == "tif" else {}
        texture = load(written(tmp_path / f"a.{ending}", color, **options))
        np.testing.assert_array_equal(texture.field, channels_of(color))
        assert texture.field.dtype == np.float32
        assert (texture.dtype, texture.num_channels, texture.notes) == (color.dtype, 3, ())
        assert texture.all_parts == texture.parts == (Part("a", 3, color.dtype),)

    @pytest.mark.parametrize("color", [COLOR8, COLOR16])
    @pytest.mark.parametrize("number", [1, 3])
    @pytest.mark.parametrize("ending", ["png", "tif", "npy"])
    def test_alpha_is_a_mask(self, color, number, ending, tmp_path):
        array = with_alpha(color[..., :number])
        options = {}
        if ending == "tif":
            kind = "rgb" if number == 3 else "minisblack"
            options = {"photometric": kind, "planarconfig": 1, "extrasamples": ["unassalpha"]}
        texture = load(written(tmp_path / f"a.{ending}", array, **options))
        assert (texture.dtype, texture.num_channels) == (color.dtype, number)
        assert np.isnan(texture.field[:, :, :6]).all()
        expected = channels_of(color)[:number, :, 6:]
        np.testing.assert_array_equal(texture.field[:, :, 6:], expected)
        *guessed, missing = texture.notes
        assert missing == "144 of 720 pixels (20.0 %) are missing."
        assert len(guessed) == (ending == "npy")  # which does not tell what its values are

    @pytest.mark.parametrize("color", [COLOR8, COLOR16])
    @pytest.mark.parametrize("ending", ["png", "tif", "npy"])
    def test_gray_that_is_stored_as_color_is_gray(self, color, ending, tmp_path):
        array = np.repeat(color[..., :1], 3, axis=2)
        options = {"photometric": "rgb"} if ending == "tif" else {}
        texture = load(written(tmp_path / f"a.{ending}", array, **options))
        np.testing.assert_array_equal(texture.field, color[None, ..., 0])
        assert (texture.notes, texture.parts) == ((), (Part("a", 1, color.dtype),))

    def test_gray_in_one_of_two_pictures_stays_color(self, tmp_path):
        gray = np.repeat(COLOR8[..., :1], 3, axis=2)
        paths = [written(tmp_path / "a.png", gray), written(tmp_path / "b.png", COLOR8)]
        assert load(paths).fields.shape == (2, 3, *SHAPE)
        assert load(paths[:1] * 2).fields.shape == (2, 1, *SHAPE)
        paths.append(written(tmp_path / "c.png", COLOR8[..., 0]))
        with pytest.raises(InputError, match="c.png and a.png have 1 and 3 channels: give pictur"):
            load(paths)
        assert load(paths, gray=True).fields.shape == (3, 1, *SHAPE)

    def test_sixteen_bits_of_color_become_luma_in_all_bits(self, tmp_path):
        texture = load(written(tmp_path / "a.png", COLOR16), gray=True)
        luma = COLOR16 @ np.array([0.2126, 0.7152, 0.0722])
        np.testing.assert_allclose(texture.field[0], luma, rtol=1e-6)
        assert (texture.dtype, texture.parts) == (np.uint16, (Part("a", 1, np.dtype(np.uint16)),))
        assert texture.notes == ("Color was turned into luma (ITU-R BT.709).",)

    def test_a_color_of_sixteen_bits_may_stand_for_transparency(self, tmp_path):
        content = imagecodecs.png_encode(COLOR16)
        chunk = b"tRNS" + COLOR16[HOLE].astype(">u2").tobytes()
        chunk = (6).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
        (tmp_path / "a.png").write_bytes(content[:33] + chunk + content[33:])
        texture = load(tmp_path / "a.png")
        assert np.argwhere(np.isnan(texture.field[0])).tolist() == [list(HOLE)]
        assert np.nanmax(texture.field) > 255

    def test_a_small_file_of_too_many_pixels_is_refused(self, tmp_path):
        content = bytearray(imagecodecs.png_encode(COLOR16))
        content[16:24] = (60_000).to_bytes(4) * 2
        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(InputError, match=r"has more pixels than \d+, the most that are read"):
            load(tmp_path / "a.png")

    @pytest.mark.parametrize(
        ("ending", "mode"),
        [
            ("jpg", "RGB"),
            ("jpg", "CMYK"),
            ("gif", "P"),
            ("png", "P"),
            ("tif", "P"),
            ("tif", "CMYK"),
        ],
    )
    def test_other_encodings(self, ending, mode, tmp_path):
        rows, columns = np.indices((64, 64)) / 64
        smooth = np.stack([rows, columns, 1 - rows], axis=2)
        smooth = np.round(40 + 170 * smooth).astype(np.uint8)
        picture = Image.fromarray(smooth).convert(mode, palette=Image.Palette.ADAPTIVE)
        picture.save(tmp_path / f"a.{ending}")
        texture = load(tmp_path / f"a.{ending}")
        assert (texture.num_channels, texture.dtype) == (3, np.uint8)
        assert np.abs(texture.field - channels_of(smooth)).mean() < 12

    def test_one_channel_may_be_constant_but_not_all(self, tmp_path):
        color = COLOR8.copy()
        color[..., 1] = 7
        texture = load(written(tmp_path / "a.png", color), size=60)
        assert np.unique(texture.field[1]) == [7]
        color[:] = (5, 6, 7)
        with pytest.raises(InputError, match=r"is constant \(5, 6, 7 everywhere\): a texture need"):
            load(written(tmp_path / "b.png", color))


class TestTiff:
    @pytest.mark.parametrize("number", [2, 3, 4, 5])
    @pytest.mark.parametrize("planar", ["contig", "separate"])
    @pytest.mark.parametrize("compression", [None, "lzw"])
    def test_bands(self, number, planar, compression, tmp_path):
        bands = BANDS[:number]
        array = bands if planar == "separate" else np.moveaxis(bands, 0, 2)
        path = written(
            tmp_path / "a.tif",
            array,
            photometric="minisblack",
            planarconfig=planar,
            compression=compression,
        )
        texture = load(path)
        np.testing.assert_array_equal(texture.fields, bands[None].astype(np.float32))
        assert (texture.dtype, texture.notes) == (np.uint16, ())

    def test_color_and_more(self, tmp_path):
        path = written(tmp_path / "a.tif", np.moveaxis(BANDS, 0, 2), photometric="rgb")
        np.testing.assert_array_equal(load(path).field, BANDS)
        infrared = np.moveaxis(BANDS[:4], 0, 2)
        options = {"photometric": "rgb", "extrasamples": ["unspecified"]}
        path = written(tmp_path / "b.tif", infrared, **options)
        np.testing.assert_array_equal(load(path).field, BANDS[:4])

    def test_an_axis_of_channels(self, tmp_path):
        path = written(
            tmp_path / "a.tif", BANDS, photometric="minisblack", metadata={"axes": "CYX"}
        )
        np.testing.assert_array_equal(load(path).field, BANDS)
        stack = np.stack([BANDS, BANDS[::-1]])
        path = written(
            tmp_path / "b.tif", stack, photometric="minisblack", metadata={"axes": "TCYX"}
        )
        np.testing.assert_array_equal(load(path).fields, stack)

    def test_pages_are_pictures_unless_they_are_said_to_be_channels(self, tmp_path):
        path = written(tmp_path / "a.tif", BANDS, photometric="minisblack")
        texture = load(path)
        assert texture.fields.shape == (5, 1, *SHAPE)
        assert texture.notes == (
            "Taken for 5 pictures of one process: give --channels if they are channels of one.",
        )
        np.testing.assert_array_equal(load(path, channels="first").field, BANDS)

    def test_of_pages_in_color_the_first_counts_unless_all_are_asked_for(self, tmp_path):
        pages = np.stack([COLOR8, COLOR8[::-1], COLOR8[:, ::-1]])
        path = written(tmp_path / "a.tif", pages, photometric="rgb")
        texture = load(path)
        np.testing.assert_array_equal(texture.field, channels_of(COLOR8))
        first = "The first of 3 pictures in color was taken"
        assert texture.notes == (f"{first}: give --channels last to take all of a.tif.",)
        every = load(path, channels="last")
        np.testing.assert_array_equal(every.fields, np.moveaxis(pages, 3, 1))
        assert every.notes == ("3 pictures of one process.",)


def test_of_an_animation_the_first_picture_counts_unless_all_are_asked_for(tmp_path):
    first = np.repeat(np.arange(0, 250, 50, dtype=np.uint8), 6)[None, :].repeat(24, 0)
    pages = [np.dstack([first, first[:, ::-1], shade * first]) for shade in (0, 1)]
    images = [Image.fromarray(page) for page in pages]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:])
    texture = load(tmp_path / "a.gif")
    np.testing.assert_array_equal(texture.field, channels_of(pages[0]))
    assert texture.notes[0].startswith("The first of 2 pictures in color was taken")
    assert load(tmp_path / "a.gif", channels="last").fields.shape == (2, 3, *SHAPE)


class TestArrays:
    @pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 8])
    @pytest.mark.parametrize("axis", [*ChannelsName, "first", "last"])
    def test_channels_where_they_are_said_to_be(self, number, axis, tmp_path):
        values = FLOATS[:number]
        array = values if axis == "first" else np.moveaxis(values, 0, 2)
        texture = load(written(tmp_path / "a.npy", array), channels=axis)
        np.testing.assert_array_equal(texture.fields, values[None])
        assert texture.notes == ()

    @pytest.mark.parametrize("axis", ["first", "last"])
    def test_of_several_pictures(self, axis, tmp_path):
        stack = FLOATS.reshape(4, 2, *SHAPE)
        array = stack if axis == "first" else np.moveaxis(stack, 1, 3)
        texture = load(written(tmp_path / "a.npy", array), channels=axis)
        np.testing.assert_array_equal(texture.fields, stack)
        assert texture.notes == ("4 pictures of one process.",)

    @pytest.mark.parametrize("number", [2, 8, 9])
    def test_gray_pictures_if_nothing_is_said(self, number, tmp_path):
        stack = RNG.normal(size=(number, *SHAPE))
        texture = load(written(tmp_path / "a.npy", stack))
        assert texture.fields.shape == (number, 1, *SHAPE)
        question = ": give --channels if they are channels of one."
        taken = f"Taken for {number} pictures of one process{question}"
        plain = f"{number} pictures of one process."
        assert texture.notes == (plain if number > 8 else taken,)

    def test_a_file_that_tells_needs_no_option(self, tmp_path):
        path = written(tmp_path / "a.png", with_alpha(COLOR8))
        np.testing.assert_array_equal(load(path, channels="first").field, load(path).field)
        gray = written(tmp_path / "b.npy", FLOATS[0])
        np.testing.assert_array_equal(load(gray, channels="first").field, FLOATS[:1])

    @pytest.mark.parametrize("channels", [2, 4])
    def test_values_that_are_no_transparency_must_be_told(self, tmp_path, channels):
        path = written(tmp_path / "a.npy", np.moveaxis(9 * FLOATS[:channels], 0, 2))
        message = f"a.npy has {channels} values per pixel, .* say --channels last"
        with pytest.raises(InputError, match=message):
            load(path)
        assert load(path, channels="last").num_channels == channels

    def test_values_that_are_taken_for_transparency_are_named(self, tmp_path):
        opaque = np.ones(SHAPE)
        opaque[HOLE] = 0
        path = written(tmp_path / "a.npy", np.dstack([FLOATS[0], opaque]))
        texture = load(path)
        assert texture.num_channels == 1
        assert "The last value of every pixel of a.npy was taken for tr" in texture.notes[0]
        assert np.isnan(texture.field[0]).sum() == 1

    def test_three_that_are_no_color_are_pictures_each(self, tmp_path):
        first = load(written(tmp_path / "a.npy", FLOATS[:3]), channels="first")
        color = load(written(tmp_path / "b.npy", np.moveaxis(FLOATS[:3], 0, 2)))
        (one,), (other,) = first.parts, color.parts
        assert one.pictures == ("a-1", "a-2", "a-3")
        assert other.pictures == ("b",)

    def test_a_bundled_array_is_the_same_by_its_path(self, monkeypatch):
        path = find("scalar-turbulence")
        monkeypatch.chdir(path.parent.parent)
        relative = load(f"{path.parent.name}/{path.name}")
        np.testing.assert_array_equal(relative.fields, load("scalar-turbulence").fields)

    def test_equal_values_are_no_gray(self, tmp_path):
        path = written(tmp_path / "a.npy", np.repeat(FLOATS[:1], 3, axis=0))
        assert load(path, channels="first").num_channels == 3

    @pytest.mark.parametrize(
        ("shape", "options", "message"),
        [
            ((9, 24, 30), {"channels": "first"}, "a.npy has 9 channels: give 1 to 8 of them, or"),
            ((24, 30, 9), {"channels": "last"}, "a.npy has 9 channels: give 1 to 8 of them, or"),
            ((5, 24, 30), {"channels": "last"}, "a.npy has 30 channels: give 1 to 8 of them, or"),
            ((0, 24, 30), {"channels": "first"}, "a.npy has 0 channels: give 1 to 8 of them, or"),
            ((5, 9, 30), {"channels": "first"}, "has 9 × 30 pixels: a texture needs at least 16"),
            ((24, 30, 5), {}, "on each side, or, if its last axis holds channels, say so"),
            ((2, 3, 24, 30), {}, r"has the shape \(2, 3, 24, 30\): .* say which axis holds the c"),
            ((2, 2, 3, 24, 30), {"channels": "first"}, "give one picture, height × width, gray"),
            ((5, 24, 30), {"channels": "first", "gray": True}, "has 5 channels that are no colors"),
        ],
    )
    def test_that_do_not_fit(self, shape, options, message, tmp_path):
        path = written(tmp_path / "a.npy", RNG.normal(size=shape))
        with pytest.raises(InputError, match=message) as caught:
            load(path, **options)
        assert "\n" not in str(caught.value)


class TestMissing:
    def test_in_one_channel_is_in_all(self, tmp_path):
        values = FLOATS.copy()
        values[2][HOLE] = np.nan
        values[:, 5, 6] = np.nan
        texture = load(written(tmp_path / "a.npy", values), channels="first")
        expected = FLOATS.copy()
        expected[:, HOLE[0], HOLE[1]] = expected[:, 5, 6] = np.nan
        np.testing.assert_array_equal(texture.field, expected)
        assert texture.notes == (
            "1 of 720 pixels missed some channels, and now miss all.",
            "2 of 720 pixels (0.3 %) are missing.",
        )

    def test_color_with_a_hole_is_still_color(self, tmp_path):
        color = np.moveaxis(FLOATS[:3], 0, 2).copy()
        color[3, 4, 1] = np.nan
        path = written(tmp_path / "a.npy", color)
        assert load(path).num_channels == 3
        luma = load(path, gray=True)
        assert np.argwhere(np.isnan(luma.field[0])).tolist() == [list(HOLE)]
        assert luma.notes[0].startswith("Color was turned into luma")

    def test_by_a_mask_in_color_or_gray(self, tmp_path):
        valid = np.indices(SHAPE)[1] >= 10
        path = written(tmp_path / "a.png", COLOR8)
        for name, mask in (("m.npy", valid), ("m.png", np.dstack([255 * valid] * 3))):
            kind = bool if name == "m.npy" else np.uint8
            texture = load(path, mask=written(tmp_path / name, mask.astype(kind)))
            np.testing.assert_array_equal(
                texture.field, np.where(valid, channels_of(COLOR8), np.nan)
            )
        bands = np.moveaxis(BANDS, 0, 2)
        many = written(tmp_path / "m.tif", bands, photometric="minisblack", planarconfig="contig")
        with pytest.raises(InputError, match="m.tif has 5 channels that are no colors"):
            load(path, mask=many)

    @pytest.mark.parametrize("side", [15, 60])
    def test_resized_channel_by_channel(self, side, tmp_path):
        values = FLOATS[:2].repeat(2, 1).repeat(2, 2) * np.array([1, 1000])[:, None, None]
        values[1, 8:20, 8:20] = np.nan
        path = written(tmp_path / "a.npy", values)
        size = {"size": 2 * side, "periodic": True}
        texture = load(path, channels="first", **size)
        holes = np.isnan(values).any(axis=0)
        for own, channel in zip(texture.field, values, strict=True):
            alone = load(written(tmp_path / "b.npy", np.where(holes, np.nan, channel)), **size)
            np.testing.assert_array_equal(own, alone.field[0])


class TestBeside:
    def test_channels_are_appended(self, tmp_path):
        photo = written(tmp_path / "photo.png", with_alpha(COLOR8))
        height = FLOATS[0].copy()
        height[HOLE] = height[10, 20] = np.nan
        height = written(tmp_path / "height.npy", height)
        texture = load(photo, beside=[height, written(tmp_path / "wet.png", COLOR16[..., 0])])
        holes = np.isnan(texture.field).any(axis=0)
        expected = np.stack([*channels_of(COLOR8), FLOATS[0], COLOR16[..., 0].astype(np.float32)])
        np.testing.assert_array_equal(texture.field, np.where(holes, np.nan, expected))
        assert holes.sum() == 144 + 1
        assert texture.parts == (
            Part("photo", 3, np.dtype(np.uint8)),
            Part("height", 1, np.dtype(np.float32)),
            Part("wet", 1, np.dtype(np.uint16)),
        )
        assert (texture.name, texture.dtype) == ("photo", np.uint8)
        assert texture.notes == (
            "5 channels: 3 of photo, 1 of height, 1 of wet.",
            "145 of 720 pixels missed some channels, and now miss all.",
            "145 of 720 pixels (20.1 %) are missing.",
        )
        assert texture.sha256 != load(photo).sha256

    def test_a_mask_counts_for_all(self, tmp_path):
        paths = [written(tmp_path / f"{name}.npy", FLOATS[i]) for i, name in enumerate("ab")]
        mask = written(tmp_path / "m.npy", np.indices(SHAPE)[0] > 4)
        texture = load(paths[0], beside=paths[1:], mask=mask, size=60, gray=True)
        assert np.isnan(texture.field[:, :9]).all()
        assert not np.isnan(texture.field[:, 10:]).any()

    def test_parts_are_textures_of_their_own(self, tmp_path):
        photo = written(tmp_path / "photo.png", COLOR8)
        height = written(tmp_path / "height.npy", FLOATS[0])
        first, second = load(photo, beside=[height]).split()
        np.testing.assert_array_equal(first.fields, load(photo).fields)
        np.testing.assert_array_equal(second.fields, load(height).fields)
        assert (second.name, second.dtype, second.num_channels) == ("height", np.float32, 1)

    @pytest.mark.parametrize(
        ("first", "second", "message"),
        [
            ("eight.png", "small.png", "small.png has 20 × 30 pixels and eight.png 24 × 30: give"),
            ("eight.png", "eight.png", "Two of the files are named eight: rename one, since what"),
            ("eight.png", "eight.tif", "Two of the files are named eight: rename one, since what"),
            ("eight.png", "stack.npy", "stack.npy is one of 8 pictures, .* say which axis holds"),
            ("stack.npy", "eight.png", "stack.npy is one of 8 pictures, .* say which axis holds"),
            ("bands.tif", "more.tif", "The files have 10 channels together: give up to 8"),
            ("bands.tif", "bands-2.npy", "Two of the files are named bands-2: rename one"),
            ("eight.png", "no.png", "There is no picture no.png"),
        ],
    )
    def test_that_do_not_fit(self, first, second, message, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        bands = {"photometric": "minisblack", "planarconfig": "separate"}
        for name, array, options in (
            ("eight.png", COLOR8, {}),
            ("eight.tif", COLOR8, {"photometric": "rgb"}),
            ("small.png", COLOR8[:20], {}),
            ("stack.npy", FLOATS, {}),
            ("bands.tif", BANDS, bands),
            ("more.tif", BANDS, bands),
            ("bands-2.npy", FLOATS[0], {}),
        ):
            written(tmp_path / name, array, **options)
        with pytest.raises(InputError, match=message):
            load(first, beside=[second])

    def test_a_file_of_several_in_color_stands_beside_none(self, tmp_path):
        pages = np.stack([COLOR8, COLOR8[::-1]])
        path = written(tmp_path / "a.tif", pages, photometric="rgb")
        with pytest.raises(InputError, match="a.tif holds 2 pictures in color, and only single"):
            load(written(tmp_path / "b.png", COLOR8), beside=[path])

    def test_several_pictures_have_none_beside_them(self, tmp_path):
        path = written(tmp_path / "a.png", COLOR8)
        with pytest.raises(InputError, match="a.png is one of 2 pictures, .* others: give one.$"):
            load([path, path], beside=[written(tmp_path / "b.png", COLOR8)])
