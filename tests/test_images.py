"""Pictures: what is read, what is refused and in which words, what is written back."""

import zlib
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from PIL import Image

from synth.app.images import (
    COLOR_PHOTOGRAPHS,
    PHOTOGRAPHS,
    bundled,
    load,
    pictures,
)
from synth.errors import InputError

RNG = np.random.default_rng(0)
GRAY8 = RNG.integers(0, 256, (24, 30), dtype=np.uint8)
GRAY16 = RNG.integers(0, 65536, (24, 30), dtype=np.uint16)
COLOR = RNG.integers(0, 256, (24, 30, 3), dtype=np.uint8)
ALPHA = np.full((24, 30, 1), 255, np.uint8)
FLOAT = RNG.normal(size=(24, 30))


def waves(shape, periods):
    rows, columns = (np.arange(n) / n for n in shape)
    return np.add.outer(np.cos(2 * np.pi * periods * rows), np.sin(2 * np.pi * periods * columns))


def written(path, array):
    np.save(path, array) if path.suffix == ".npy" else iio.imwrite(path, array)
    return path


class TestBundled:
    @pytest.mark.parametrize("name", ["turbulence", "turbulence.png"])
    def test_bare_names_work_anywhere(self, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        texture = load(name)
        assert texture.field.shape == (1, 256, 256)
        assert texture.field.dtype == np.float32
        assert (texture.name, texture.dtype, texture.notes) == ("turbulence", np.uint16, ())

    def test_a_file_of_that_name_comes_first(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        written(tmp_path / "turbulence.png", GRAY8)
        assert load("turbulence.png").field.shape == (1, 24, 30)

    @pytest.mark.parametrize("name", bundled())
    def test_the_index_tells_the_truth(self, name):
        texture, table = load(name), bundled()[name]
        assert list(texture.fields.shape) == [1, table.get("channels", 1), *table["shape"]]
        assert texture.periodic == (table["periodic"],) * 2
        assert texture.sha256 == table["sha256"]

    @pytest.mark.parametrize("name", PHOTOGRAPHS)
    def test_photographs_come_with_scikit_image(self, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        texture = load(name, size=64)
        assert texture.field.shape == (1, 64, 64)
        assert (texture.name, texture.dtype, texture.periodic) == (name, np.uint8, (False, False))
        np.testing.assert_array_equal(load(f"{name}.png", size=64).field, texture.field)
        whole = load(name)
        assert whole.field.shape == (1, 512, 512)
        assert whole.sha256 == texture.sha256
        assert texture.field.mean() == pytest.approx(whole.field.mean(), rel=0.01)

    @pytest.mark.parametrize("name", COLOR_PHOTOGRAPHS)
    def test_photographs_in_color_too(self, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        texture = load(Path(name).stem, size=max(COLOR_PHOTOGRAPHS[name]))
        assert texture.field.shape == (3, *COLOR_PHOTOGRAPHS[name])
        assert (texture.dtype, texture.notes) == (np.uint8, ())
        assert load(name, size=64).sha256 == texture.sha256

    def test_every_picture_of_the_folder(self):
        names = [path.name for path in pictures()]
        assert names[: len(bundled())] == [table["file"] for table in bundled().values()]
        assert all(load(path).name for path in pictures())


class TestFormats:
    @pytest.mark.parametrize("array", [GRAY8, GRAY16, FLOAT, GRAY8[..., None] > 99])
    def test_arrays(self, array, tmp_path):
        texture = load(written(tmp_path / "a.npy", array))
        np.testing.assert_array_equal(texture.field[0], array.reshape(24, 30).astype(np.float32))
        assert texture.dtype == array.dtype

    @pytest.mark.parametrize("array", [GRAY8, GRAY16])
    @pytest.mark.parametrize("ending", ["png", "tif"])
    def test_gray_pictures(self, array, ending, tmp_path):
        texture = load(written(tmp_path / f"a.{ending}", array))
        np.testing.assert_array_equal(texture.field[0], array)
        assert texture.dtype == array.dtype

    @pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16, np.uint32])
    def test_gray_tiffs_of_any_kind(self, kind, tmp_path):
        array = (100 * FLOAT).astype(kind)
        tifffile.imwrite(tmp_path / "a.tif", array)
        np.testing.assert_array_equal(load(tmp_path / "a.tif").field[0], array.astype(np.float32))

    def test_color_tiffs_keep_sixteen_bits(self, tmp_path):
        color = np.repeat(GRAY16[..., None], 3, axis=2)
        tifffile.imwrite(tmp_path / "a.tif", color, photometric="rgb")
        np.testing.assert_array_equal(load(tmp_path / "a.tif").field[0], GRAY16)

    def test_of_tiffs_with_pages_in_color_the_first_counts(self, tmp_path):
        pages = [Image.fromarray(page) for page in (COLOR, COLOR[::-1])]
        pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
        alone = load(written(tmp_path / "b.png", COLOR))
        np.testing.assert_array_equal(load(tmp_path / "a.tif").fields, alone.fields)

    @pytest.mark.parametrize("ending", ["webp", "bmp", "ppm", "jp2"])
    def test_other_formats(self, ending, tmp_path):
        smooth = np.round(127 + 60 * waves((24, 30), 1)).astype(np.uint8)
        Image.fromarray(np.repeat(smooth[..., None], 3, axis=2)).save(tmp_path / f"a.{ending}")
        assert np.abs(load(tmp_path / f"a.{ending}").field[0] - smooth).mean() < 12

    def test_color_becomes_luma_if_asked_for(self, tmp_path):
        texture = load(written(tmp_path / "a.png", COLOR), gray=True)
        red, green, blue = np.moveaxis(COLOR.astype(float), 2, 0)
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        np.testing.assert_allclose(texture.field[0], luma, rtol=1e-6)
        assert texture.notes == ("Color was turned into luma (ITU-R BT.709).",)

    def test_gray_in_color_keeps_its_levels(self, tmp_path):
        texture = load(written(tmp_path / "a.png", np.repeat(GRAY8[..., None], 3, axis=2)))
        np.testing.assert_array_equal(texture.field[0], GRAY8)
        assert texture.notes == ()

    def test_opaque_alpha_is_ignored(self, tmp_path):
        texture = load(written(tmp_path / "a.png", np.concatenate([GRAY8[..., None], ALPHA], 2)))
        np.testing.assert_array_equal(texture.field[0], GRAY8)
        assert texture.notes == ()

    @pytest.mark.parametrize("colors", [GRAY8[..., None], COLOR])
    def test_pixels_under_half_of_alpha_are_missing(self, colors, tmp_path):
        alpha = np.where(np.arange(30) < 6, 127, 128 + np.arange(30)).astype(np.uint8)
        alpha = np.broadcast_to(alpha[:, None], (24, 30, 1))
        texture = load(written(tmp_path / "a.png", np.concatenate([colors, alpha], 2)))
        opaque = load(written(tmp_path / "b.png", colors[..., 0] if len(colors.T) == 1 else colors))
        assert np.isnan(texture.field[0, :, :6]).all()
        np.testing.assert_array_equal(texture.field[..., 6:], opaque.field[..., 6:])
        assert texture.notes == (*opaque.notes, "144 of 720 pixels (20.0 %) are missing.")

    @pytest.mark.parametrize("mode", ["P", "RGB"])
    def test_a_color_may_stand_for_transparency(self, mode, tmp_path):
        blocks = np.repeat(np.array([0, 100, 200], np.uint8), 10)[None, :, None]
        picture = Image.fromarray(np.broadcast_to(blocks, (24, 30, 3)).copy())
        picture = picture.convert(mode, palette=Image.Palette.ADAPTIVE)
        picture.save(tmp_path / "a.png", transparency=picture.getpixel((15, 0)))
        field = load(tmp_path / "a.png").field[0]
        assert np.isnan(field[:, 10:20]).all()
        assert not np.isnan(field[:, 20:]).any()

    @pytest.mark.parametrize("array", [GRAY8, GRAY16])
    def test_a_gray_level_may_stand_for_transparency(self, array, tmp_path):
        level = int(array[2, 3])
        Image.fromarray(array).save(tmp_path / "a.png", transparency=level)
        np.testing.assert_array_equal(np.isnan(load(tmp_path / "a.png").field[0]), array == level)

    @pytest.mark.parametrize(
        ("ending", "mode"),
        [("jpg", "RGB"), ("jpg", "CMYK"), ("gif", "P"), ("png", "P"), ("tif", "P")],
    )
    def test_other_encodings_of_color(self, ending, mode, tmp_path):
        smooth = np.round(127 + 60 * waves((24, 30), 1)).astype(np.uint8)
        path = tmp_path / f"a.{ending}"
        picture = Image.fromarray(np.repeat(smooth[..., None], 3, axis=2))
        picture.convert(mode, palette=Image.Palette.ADAPTIVE).save(path)
        assert np.abs(load(path).field[0] - smooth).mean() < 12

    def test_the_content_counts_and_not_the_ending(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(iio.imwrite("<bytes>", GRAY8, extension=".bmp"))
        np.testing.assert_array_equal(load(path).field[0], GRAY8)

    def test_black_and_white(self, tmp_path):
        Image.fromarray(GRAY8 > 127).save(tmp_path / "a.png")
        np.testing.assert_array_equal(load(tmp_path / "a.png").field[0], GRAY8 > 127)


class TestResize:
    @pytest.mark.parametrize("side", [64, 256])
    def test_a_periodic_wave_goes_around_the_border(self, side, tmp_path):
        path = written(tmp_path / "a.npy", waves((128, 128), 3))
        texture = load(path, size=side)
        # Pixels have centers: those of the new grid lie between those of the old one.
        shift = 0.5 / side - 0.5 / 128
        grid = 2 * np.pi * 3 * (np.arange(side) / side + shift)
        expected = np.add.outer(np.cos(grid), np.sin(grid))
        np.testing.assert_allclose(texture.field[0], expected, atol=0.02)
        assert texture.notes == (f"Resized to {side} × {side} pixels.",)
        assert texture.periodic == (True, True)

    def test_the_border_of_other_pictures_is_mirrored(self, tmp_path):
        ramp = np.add.outer(np.arange(128.0), np.zeros(64))
        texture = load(written(tmp_path / "a.npy", ramp), size=32)
        assert texture.field.shape == (1, 32, 16)
        assert not texture.periodic[0]
        np.testing.assert_allclose(texture.field[0, :, 3], 4 * np.arange(32) + 1.5, atol=1)

    @pytest.mark.parametrize("side", [64, 256])
    def test_two_gray_levels_stay_the_extremes(self, side, tmp_path):
        blocks = np.where(np.indices((128, 128)).sum(axis=0) // 32 % 2, 7.0, -3.0)
        field = load(written(tmp_path / "a.npy", blocks), size=side).field
        assert (field.min(), field.max()) == (-3, 7)

    def test_axes_wrap_on_their_own(self, tmp_path):
        whole = load("turbulence").field[0]
        once = load(written(tmp_path / "a.npy", whole[:100]), size=128)
        assert once.periodic == (False, True)
        rolled = load(written(tmp_path / "b.npy", np.roll(whole[:100], 64, axis=1)), size=128)
        np.testing.assert_allclose(
            np.roll(once.field, 32, axis=2), rolled.field, atol=1e-3 * np.ptp(whole)
        )

    @pytest.mark.parametrize("side", [64, 200])
    def test_missing_pixels_stay_missing_and_disturb_nothing(self, side, tmp_path):
        whole = 1000 + waves((128, 128), 3)
        holed = whole.copy()
        holed[32:64, 32:80] = np.nan
        texture = load(written(tmp_path / "a.npy", holed), size=side)
        plain = load(written(tmp_path / "b.npy", whole), size=side).field[0]
        missing = np.isnan(texture.field[0])
        assert missing.mean() == pytest.approx(32 * 48 / 128**2, rel=0.05)
        assert missing[round(0.3 * side), round(0.4 * side)]
        assert np.abs(texture.field[0] - plain)[~missing].max() < 0.6  # of 4, at the rim
        assert np.median(np.abs(texture.field[0] - plain)[~missing]) < 0.01
        assert texture.periodic == (True, True)

    def test_the_same_size_changes_nothing(self):
        texture = load("foam", size=256)
        np.testing.assert_array_equal(texture.field, load("foam").field)
        assert texture.notes == ()


class TestBorders:
    def test_found_out(self, tmp_path):
        whole = load("turbulence").field[0]
        cases = {(256, 256): (True, True), (100, 200): (False, False), (256, 128): (True, False)}
        for (height, width), periodic in cases.items():
            path = written(tmp_path / "a.npy", whole[:height, :width])
            assert load(path).periodic == periodic

    @pytest.mark.parametrize(
        ("told", "axes"),
        [(False, (False, False)), (True, (True, True)), ((True, False), (True, False))],
    )
    def test_or_told(self, told, axes):
        assert load("turbulence", periodic=told).periodic == axes


class TestMask:
    @pytest.mark.parametrize("white", [True, 255, 65535])
    def test_black_is_missing(self, white, tmp_path):
        valid = np.indices((24, 30))[1] >= 10
        ending = "npy" if white is True else "png"
        kind = {True: bool, 255: np.uint8, 65535: np.uint16}[white]
        mask = written(tmp_path / f"m.{ending}", valid.astype(kind) * kind(white))
        texture = load(written(tmp_path / "a.png", GRAY8), mask=mask)
        np.testing.assert_array_equal(texture.field[0], np.where(valid, GRAY8, np.nan))
        assert texture.notes == ("240 of 720 pixels (33.3 %) are missing.",)
        assert texture.sha256 != load(tmp_path / "a.png").sha256

    def test_of_several_pictures(self, tmp_path):
        mask = written(tmp_path / "m.npy", np.indices((24, 30))[0] > 4)
        stack = load(
            written(tmp_path / "a.npy", np.stack([FLOAT, FLOAT.T.reshape(24, 30)])), mask=mask
        )
        assert np.isnan(stack.fields[:, :, :5]).all()
        assert not np.isnan(stack.fields[:, :, 5:]).any()

    @pytest.mark.parametrize(
        ("mask", "message"),
        [
            (np.ones((30, 24), bool), "The mask m.npy has 30 × 24 pixels and a.png 24 × 30: give"),
            (np.ones((3, 24, 30)), "m.npy holds 3 pictures: give one mask for all"),
            (np.indices((24, 30))[1] < 7.0, "a.png misses 552 of 720 pixels: a texture needs a"),
        ],
    )
    def test_that_does_not_fit(self, mask, message, tmp_path):
        with pytest.raises(InputError, match=message):
            load(written(tmp_path / "a.png", GRAY8), mask=written(tmp_path / "m.npy", mask))


class TestSeveral:
    def test_files(self, tmp_path):
        paths = [
            written(tmp_path / f"{name}.png", GRAY8 // part) for name, part in (("a", 1), ("b", 2))
        ]
        texture = load(paths)
        np.testing.assert_array_equal(texture.fields[:, 0], [GRAY8, GRAY8 // 2])
        np.testing.assert_array_equal(texture.field[0], GRAY8)
        assert (texture.name, texture.notes) == ("a", ("2 pictures of one process.",))
        assert texture.sha256 != load(paths[::-1]).sha256

    @pytest.mark.parametrize("ending", ["npy", "tif"])
    def test_stacks(self, ending, tmp_path):
        stack = RNG.integers(0, 65536, (3, 24, 30), dtype=np.uint16)
        path = tmp_path / f"a.{ending}"
        np.save(path, stack) if ending == "npy" else tifffile.imwrite(
            path, stack, photometric="minisblack"
        )
        texture = load(path)
        np.testing.assert_array_equal(texture.fields[:, 0], stack)
        question = "give --channels if they are channels of one."
        assert texture.notes == (f"Taken for 3 pictures of one process: {question}",)
        assert load(path, size=60).fields.shape == (3, 1, 48, 60)

    def test_an_axis_is_periodic_if_it_is_in_all(self, tmp_path):
        whole = load("turbulence-512").field[0]
        paths = [
            written(tmp_path / f"{i}.npy", part)
            for i, part in enumerate((whole[:256], whole[256:]))
        ]
        assert load(paths).periodic == (False, True)
        paths = ["turbulence", written(tmp_path / "c.png", whole[:256, :256].astype(np.uint16))]
        assert load(paths).periodic == (False, False)

    def test_that_do_not_fit(self, tmp_path):
        first = written(tmp_path / "a.png", GRAY8)
        with pytest.raises(
            InputError, match=r"b.png has 20 × 30 pixels and a.png 24 × 30: give pict"
        ):
            load([first, written(tmp_path / "b.png", GRAY8[:20])])
        with pytest.raises(
            InputError, match="c.png holds uint16 values and a.png uint8: give pict"
        ):
            load([first, written(tmp_path / "c.png", GRAY16)])
        with pytest.raises(InputError, match="No picture was given: give the path of one"):
            load([])


def holed():
    holes = FLOAT.copy()
    holes[3, 4], holes[5, 6] = np.nan, np.inf
    return holes


PNG = iio.imwrite("<bytes>", COLOR, extension=".png")
BAD = {  # file or what is in it, size, what is said of it
    "missing": ("no.png", None, r"There is no picture no\.png: give the path of an existing file"),
    "near miss": ("turbulance.png", None, r"did you mean turbulence\.png\?"),
    "folder": (".", None, "is a folder: give the path of one picture"),
    "text": (b"hello", None, "cannot be read as a picture: give a PNG"),
    "empty": (b"", None, "cannot be read as a picture"),
    "cut off": (PNG[:300], None, "cannot be read as a picture"),
    "pickle": (np.array([{}], object), None, "cannot be read as a picture"),
    "complex": (FLOAT * 1j, None, "holds complex128 values: give real numbers"),
    "four axes": (np.ones((2, 20, 20, 3)), None, r"has the shape \(2, 20, 20, 3\): give one"),
    "one axis": (FLOAT[0], None, r"has the shape \(30,\): give one picture"),
    "no pixel": (FLOAT[:0], None, "has 0 × 30 pixels: a texture needs at least 16"),
    "small": (FLOAT[:15], None, "has 15 × 30 pixels: a texture needs at least 16"),
    "large": (np.tile(FLOAT, (50, 1)), None, "has 1200 × 30 pixels, which takes long: give a size"),
    "constant": (0 * FLOAT + 7, None, r"is constant \(7 everywhere\): a texture needs contrast"),
    "infinite": (holed(), None, r"infinite or over 3.4e38 \(1 of them\): replace them by finite"),
    "huge": (1e300 * FLOAT, None, "or over 3.4e38 .*: replace them by finite ones"),
    "no number": (
        FLOAT * np.nan,
        None,
        "a.npy misses 720 of 720 pixels: a texture needs a quarter",
    ),
    "size": (FLOAT, 15, "The size 15 is out of range: give 16 to 8192 pixels"),
    "great size": (FLOAT, 10**9, "The size 1000000000 is out of range: give 16"),
    "thin": (FLOAT[:, :20].repeat(4, 0), 40, "resized to 40, has 40 × 8 pixels: a texture needs"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_said_in_one_sentence(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source, size, message = BAD[case]
    if isinstance(source, bytes):
        (tmp_path / "a.png").write_bytes(source)
        source = "a.png"
    elif isinstance(source, np.ndarray):
        np.save("a.npy", source)
        source = "a.npy"
    with pytest.raises(InputError, match=message) as caught:
        load(source, size=size)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"%!PS-Adobe-3.0 EPSF-3.0", bytes.fromhex("c5d0d3c6")])
def test_postscript_by_any_name_starts_nothing(content, tmp_path, monkeypatch):
    def started(*_, **__):
        pytest.fail("A program was started.")

    box = b"\n%%BoundingBox: 0 0 32 32\n%%EndComments\n%%EOF\n"
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", started)
    monkeypatch.setattr("subprocess.Popen", started)
    monkeypatch.setattr("os.posix_spawn", started)
    for name in ("evil.png", "evil.tif", "evil.eps"):
        (tmp_path / name).write_bytes(content + box)
        with pytest.raises(InputError, match=f"{name} cannot be read as a picture: give a PNG"):
            load(tmp_path / name)


@pytest.mark.parametrize("side", [10_000, 60_000])  # beyond Pillow's warning, and its error
def test_a_small_file_of_too_many_pixels_is_refused(side, tmp_path):
    content = bytearray(iio.imwrite("<bytes>", GRAY8, extension=".png"))
    content[16:24] = side.to_bytes(4) * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=r"has more pixels than \d+, the most that are read: crop"):
        load(tmp_path / "a.png")


def test_an_archive_of_arrays_is_no_picture(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        np.savez(file, a=FLOAT)
    with pytest.raises(InputError, match="cannot be read as a picture"):
        load(tmp_path / "a.npy")


def test_an_empty_array_file(tmp_path):
    (tmp_path / "a.npy").touch()
    with pytest.raises(InputError, match="cannot be read as a picture"):
        load(tmp_path / "a.npy")
