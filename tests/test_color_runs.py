"""Runs of pictures in several channels, from files to the folder that is written."""

import contextlib
import io
import json
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import imageio.v3 as iio
import numpy as np
import pytest

from synth.app import cli, cost, runs
from synth.app.images import load
from synth.app.options import Options
from synth.app.tasks import prepare

SIDE = 32
QUICK = ("--scales", 2, "--angles", 2, "--max-steps", 20, "--tolerance", 3)
LEAST = ("--scales", 1, "--angles", 1)
DESCENT = ("--model", "scattering1", *QUICK)
GAUSSIAN = ("--model", "gaussian", *QUICK)
FILES = {"target.png", "gaussian.png", "comparison.png", "fields.npz", "manifest.json"}
MATERIAL = {"albedo.png": (32, 32, 3), "normal.png": (32, 32, 3), "height.png": (32, 32)}
LUMA = np.array([0.2126, 0.7152, 0.0722])
HOLE = np.zeros((SIDE, SIDE), bool)
HOLE[10:20, 12:24] = True


class Run(NamedTuple):
    """What a command has written and said."""

    folder: Path
    report: dict
    arrays: dict
    out: str
    err: str

    def picture(self, name):
        """Pixels of a file, as they are stored; Pillow would cut 16 bits of color to 8."""
        return imagecodecs.png_decode((self.folder / name).read_bytes())

    @property
    def names(self):
        return {str(p.relative_to(self.folder)) for p in self.folder.rglob("*") if p.is_file()}


def command(*arguments):
    """Run the command line in this process: exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main([str(argument) for argument in arguments])
    return ended.value.code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Pictures of 32 × 32 pixels, in color and other channels."""
    folder = tmp_path_factory.mktemp("files")
    color = load("colored-foam", size=SIDE).field.round().astype(np.uint8)
    rgb, gray = np.ascontiguousarray(np.moveaxis(color, 0, 2)), color[0]
    iio.imwrite(folder / "rgb.png", rgb)
    iio.imwrite(folder / "turned.png", np.rot90(rgb)[:, ::-1])
    iio.imwrite(folder / "dark.png", np.rot90(rgb)[:, ::-1] // 2)
    (folder / "deep.png").write_bytes(imagecodecs.png_encode(257 * rgb.astype(np.uint16)))
    iio.imwrite(folder / "holed.png", np.dstack([rgb, np.where(HOLE, 0, 255).astype(np.uint8)]))
    iio.imwrite(folder / "mask.png", np.where(HOLE, 0, 255).astype(np.uint8))
    iio.imwrite(folder / "gray.png", gray)
    iio.imwrite(folder / "stored.png", np.dstack([gray] * 3))
    np.save(folder / "luma.npy", rgb @ LUMA)
    flat = np.full_like(gray, 7)
    iio.imwrite(folder / "constant.png", np.dstack([flat, rgb[..., 1:]]))
    iio.imwrite(folder / "flat.png", flat.astype(np.uint16))
    waves = np.random.default_rng(0).normal(size=(8, SIDE, SIDE))
    np.save(folder / "eight.npy", waves.cumsum(0))
    partly = color.astype(np.float32)
    partly[1, HOLE] = np.nan
    np.save(folder / "partly.npy", partly)
    np.save(folder / "two.npy", np.stack([1e-3 * color[0], 300.0 - color[2]]))
    return folder


@pytest.fixture(scope="module")
def run(files, tmp_path_factory):
    """Run ``synth generate`` on these files, once for all tests that ask the same."""
    made = {}

    def run(*arguments):
        if arguments not in made:
            given = [files / one if (files / str(one)).is_file() else one for one in arguments]
            code, out, err = command("generate", *given, "--out", tmp_path_factory.mktemp("out"))
            assert code == 0, err
            folder = Path(out.splitlines()[-1])
            report = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            with np.load(folder / "fields.npz") as arrays:
                made[arguments] = Run(folder, report, dict(arrays), out, err)
        return made[arguments]

    return run


def levels(field):
    """Pixels of a field as an 8-bit picture in color has them."""
    return np.moveaxis(np.clip(np.round(field), 0, 255), 0, 2).astype(np.uint8)


class TestColor:
    def test_eight_bits(self, run, files):
        made = run("rgb.png", *DESCENT, "--tiles", 2)
        tiles = {f"{name}-tiles.png" for name in ("gaussian", "scattering1")}
        assert made.names == FILES | {"scattering1.png", "scoreboard.png"} | tiles
        np.testing.assert_array_equal(made.picture("target.png"), iio.imread(files / "rgb.png"))
        for name in ("target", "gaussian", "scattering1"):
            assert made.arrays[name].shape == (3, SIDE, SIDE)
            assert made.arrays[name].dtype == np.float32
            np.testing.assert_array_equal(
                made.picture(f"{name}.png"), levels(made.arrays[name]), strict=True
            )
        tiled = made.picture("scattering1-tiles.png")
        np.testing.assert_array_equal(tiled, np.tile(made.picture("scattering1.png"), (2, 2, 1)))
        assert iio.imread(made.folder / "comparison.png").shape[1] > 1000

    def test_the_manifest_tells_channels_and_parts(self, run):
        report = run("rgb.png", *DESCENT, "--tiles", 2).report
        part = {"name": "rgb", "channels": 3, "dtype": "uint8", "levels": [[0, 255]]}
        assert report["input"]["parts"] == [part]
        assert report["input"]["shape"] == [3, SIDE, SIDE]
        names = {f"moments/{channel}/order1" for channel in (1, 2, 3)}
        assert set(report["noise"]) == names | {"between/power", "between/modulus"}
        for numbers in report["models"].values():
            assert set(numbers["residual"]) == set(report["noise"])
            assert numbers["seam_jump"] > 0
        assert set(report["scores"]["models"]) == {"gaussian", "scattering1"}
        for score in report["scores"]["models"].values():
            assert len(score["foreign"]) == 1
            assert "colors" in score["ratios"]

    def test_moments_are_kept_by_channel(self, run):
        arrays = run("rgb.png", *DESCENT, "--tiles", 2).arrays
        for name in ("target", "gaussian", "scattering1"):
            assert arrays[f"moments_{name}"].shape[0] == 3
            assert arrays[f"between_{name}"].ndim == 1

    def test_sixteen_bits_are_the_same_texture(self, run):
        eight, deep = run("rgb.png", *DESCENT, "--tiles", 2), run("deep.png", *DESCENT)
        assert deep.picture("scattering1.png").dtype == np.uint16
        assert deep.picture("target.png").shape == (SIDE, SIDE, 3)
        error = deep.arrays["gaussian"] / 257 - eight.arrays["gaussian"]
        assert np.abs(error).max() < 0.1
        (part,) = deep.report["input"]["parts"]
        assert part["dtype"] == "uint16"

    def test_gray_that_is_stored_as_color_is_gray(self, run):
        stored, gray = run("stored.png", *DESCENT), run("gray.png", *DESCENT)
        assert stored.picture("scattering1.png").shape == (SIDE, SIDE)
        for name in ("target", "gaussian", "scattering1", "moments_scattering1"):
            np.testing.assert_array_equal(stored.arrays[name], gray.arrays[name])
        assert stored.report["scores"] == gray.report["scores"]
        assert gray.report["scores"]["models"]["gaussian"]["foreign"] is None

    def test_gray_on_demand_is_the_run_of_the_luma(self, run):
        made, luma = run("rgb.png", "--gray", *DESCENT), run("luma.npy", *DESCENT)
        assert "Color was turned into luma" in made.err
        assert made.picture("scattering1.png").dtype == np.uint8
        for name in ("target", "gaussian", "scattering1"):
            np.testing.assert_array_equal(made.arrays[name], luma.arrays[name])

    def test_a_constant_channel_stays_constant(self, run):
        made = run("constant.png", *GAUSSIAN)
        assert np.all(made.picture("gaussian.png")[..., 0] == 7)
        assert np.ptp(made.arrays["gaussian"][1]) > 50
        assert made.report["models"]["gaussian"]["seam_jump"] > 0

    def test_holes_are_drawn(self, run):
        made = run("holed.png", *GAUSSIAN)
        assert "120 of 1,024 pixels (11.7 %) are missing." in made.err
        np.testing.assert_array_equal(made.picture("target.png")[..., 3] == 0, HOLE)
        assert made.picture("gaussian.png").shape == (SIDE, SIDE, 3)
        assert np.isfinite(made.arrays["gaussian"]).all()

    @pytest.mark.parametrize("arguments", [("rgb.png", "--mask", "mask.png"), ("partly.npy",)])
    def test_masked_pixels_and_those_that_miss_a_channel_are_holes(self, run, arguments):
        # The array has its channels in front, as its shape does not tell.
        axis = ("--channels", "first") if "partly.npy" in arguments else ()
        made, holed = run(*arguments, *axis, *GAUSSIAN), run("holed.png", *GAUSSIAN)
        np.testing.assert_allclose(made.arrays["gaussian"], holed.arrays["gaussian"], atol=1e-3)
        said = "120 of 1,024 pixels missed some channels, and now miss all."
        assert (said in made.err) == bool(axis)


class TestChannels:
    def test_eight_channels(self, run):
        made = run("eight.npy", "--channels", "first", *GAUSSIAN, *LEAST)
        for name in ("target", "gaussian"):
            channels = {f"{name}/channel-{number}.png" for number in range(1, 9)}
            assert channels <= made.names
            assert made.arrays[name].shape == (8, SIDE, SIDE)
        drawn = made.picture("gaussian/channel-3.png")
        assert (drawn.dtype, drawn.shape) == (np.uint16, (SIDE, SIDE))
        (part,) = made.report["input"]["parts"]
        assert len(part["levels"]) == part["channels"] == 8

    def test_two_channels_have_a_gray_scale_each(self, run, files):
        made = run("two.npy", "--channels", "first", *GAUSSIAN)
        two = np.load(files / "two.npy")
        ends = [[channel.min(), channel.max()] for channel in two.astype(np.float32)]
        np.testing.assert_allclose(made.report["input"]["parts"][0]["levels"], ends)
        for number in (1, 2):
            picture = made.picture(f"target/channel-{number}.png")
            assert (picture.min(), picture.max()) == (0, 65535)
        mean = made.arrays["gaussian"].mean((1, 2))
        np.testing.assert_allclose(mean, two.mean((1, 2)), rtol=0.05)

    def test_a_constant_file_beside_is_written_back(self, run):
        made = run("rgb.png", "--with", "flat.png", *GAUSSIAN)
        assert "4 channels: 3 of rgb, 1 of flat." in made.err
        assert np.all(made.picture("gaussian/flat.png") == 7)
        assert "comparison.png" in made.names

    def test_a_material_comes_back_in_its_files(self, files, tmp_path_factory, run):
        named = tmp_path_factory.mktemp("material")
        for part in ("albedo", "normal", "height"):
            values = load(f"material-{part}", size=SIDE)
            top = np.iinfo(values.dtype).max
            field = np.moveaxis(np.clip(np.round(values.field), 0, top), 0, 2)
            iio.imwrite(named / f"{part}.png", np.squeeze(field.astype(values.dtype)))
        beside = ("--with", named / "normal.png", "--with", named / "height.png")
        limits = ("--max-steps", 150, "--tolerance", 3)
        made = run(named / "albedo.png", *beside, "--model", "full", *limits, *LEAST)
        for folder in ("target", "gaussian", "full"):
            assert {p.name for p in (made.folder / folder).iterdir()} == set(MATERIAL)
            for name, shape in MATERIAL.items():
                picture = made.picture(f"{folder}/{name}")
                assert (picture.shape, picture.dtype) == (shape, iio.imread(named / name).dtype)
        for name in MATERIAL:
            np.testing.assert_array_equal(made.picture(f"target/{name}"), iio.imread(named / name))
        assert "7 channels: 3 of albedo, 3 of normal, 1 of height." in made.err
        assert "normal is a map of normals: new ones are brought to unit length." in made.err
        for name in ("target", "full"):
            vectors = made.picture(f"{name}/normal.png") / 127.5 - 1
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=2), 1, atol=0.012)
        parts = made.report["input"]["parts"]
        assert [part["name"] for part in parts] == ["albedo", "normal", "height"]
        assert made.arrays["full"].shape == (7, SIDE, SIDE)


class TestUses:
    @pytest.mark.parametrize("use", [("--out-size", 48), ("--crop",)])
    def test_another_size(self, run, use):
        made = run("rgb.png", *use, *DESCENT)
        side = 48 if "--crop" not in use else SIDE
        assert made.report["output"]["torus"] == [48, 48]
        assert made.picture("scattering1.png").shape == (side, side, 3)
        assert made.arrays["scattering1"].shape == (3, side, side)
        assert "The descent will take about" in made.err

    def test_an_inpainted_picture_keeps_its_pixels(self, run, files):
        made = run("holed.png", "--inpaint", "--samples", 2, *DESCENT)
        assert "fillings.png" in made.names
        whole = iio.imread(files / "rgb.png")
        for name in ("gaussian", "scattering1"):
            assert made.arrays[name].shape == (2, 3, SIDE, SIDE)
            for number in (1, 2):
                drawn = made.picture(f"{name}-{number}.png")
                np.testing.assert_array_equal(drawn[~HOLE], whole[~HOLE])
            first, second = (field[:, HOLE] for field in made.arrays[name])
            assert np.abs(first - second).max() > 0
        assert made.report["output"]["kept"] == pytest.approx(1 - HOLE.mean())

    def test_a_mix_is_a_path_of_colors(self, run):
        made = run("rgb.png", "--mix", "dark.png", "--steps", 3, *DESCENT)
        assert {"mix.png", "scattering1-1.png", "scattering1-3.png"} <= made.names
        assert made.arrays["scattering1"].shape == (3, 3, SIDE, SIDE)
        assert made.report["scores"] is None
        fields = made.arrays["scattering1"]
        for numbers in (fields.mean((2, 3)), fields.std((2, 3))):
            np.testing.assert_allclose(numbers[2], numbers[0] / 2, rtol=0.1)
            np.testing.assert_allclose(numbers[1], 0.75 * numbers[0], rtol=0.1)

    def test_a_gray_target_takes_another_in_gray(self, run):
        made = run("gray.png", "--mix", "turned.png", "--steps", 2, *GAUSSIAN)
        assert made.arrays["gaussian"].shape == (2, 1, SIDE, SIDE)
        assert "turned: Color was turned into luma (ITU-R BT.709)." in made.err

    def test_a_start_in_color_is_followed(self, run):
        made = run("rgb.png", "--start", "rgb.png", *DESCENT)
        alike = np.corrcoef(made.arrays["scattering1"].ravel(), made.arrays["target"].ravel())
        assert alike[0, 1] > 0.9

    def test_several_pictures_of_one_process(self, run):
        made = run("rgb.png", "turned.png", *GAUSSIAN)
        assert "2 pictures of one process." in made.err
        assert made.arrays["target"].shape == (2, 3, SIDE, SIDE)
        mean = made.arrays["target"].mean((0, 2, 3))
        np.testing.assert_allclose(made.arrays["gaussian"].mean((1, 2)), mean, rtol=0.01)

    def test_samples_are_those_of_their_seeds(self, run):
        made = run("rgb.png", "--samples", 2, *DESCENT)
        assert made.arrays["scattering1"].shape == (2, 3, SIDE, SIDE)
        one = run("rgb.png", *DESCENT, "--tiles", 2).arrays["gaussian"]
        np.testing.assert_allclose(made.arrays["gaussian"][0], one, atol=0.1)
        assert len(made.report["scores"]["models"]["scattering1"]["foreign"]) == 2

    def test_isotropic_spectra(self, run):
        made = run("rgb.png", "--isotropic", "--model", "spectra", *QUICK)
        assert made.arrays["spectra"].shape == (3, SIDE, SIDE)
        plain = run("rgb.png", "--model", "spectra", *QUICK)
        few, all_ = (one.arrays["spectra_target"].size for one in (made, plain))
        assert few < all_
        blocks = {name.split("/")[1] for name in made.report["noise"]}
        assert blocks == {"each", "between"}

    @pytest.mark.parametrize(("name", "angles"), [("gray.png", {8}), ("rgb.png", {8, 4})])
    def test_devices_share_the_angles_between_channels_too(self, files, monkeypatch, name, angles):
        asked = {}
        monkeypatch.setattr(runs, "common_mesh", lambda _, **also: asked.update(also))
        runs.mesh_of(load(files / name), Options(name, models=("scattering",)))
        assert set(asked["angles"]) == angles


class TestCost:
    def of(self, files, name, monkeypatch, models=("full",)):
        monkeypatch.setattr(cost, "_seconds_per_point", lambda: 1e-8)
        options = Options(str(files / name), out_size=(512, 512), models=models)
        return cost.cost(prepare(load(options.image), options), options)

    @pytest.mark.parametrize("model", ["scattering1", "scattering", "spectra", "full"])
    def test_channels_take_longer_and_more_memory(self, files, monkeypatch, model):
        gray, color = (
            self.of(files, name, monkeypatch, (model,)) for name in ("gray.png", "rgb.png")
        )
        assert 3 <= color.seconds / gray.seconds < 12
        base = cost._BASE  # of color, ten curvature pairs are remembered instead of twenty
        assert 2.5 <= (color.memory - base) / (gray.memory - base) < 6

    def test_a_channel_that_does_not_vary_takes_nothing(self, files, monkeypatch):
        two, three = (self.of(files, name, monkeypatch) for name in ("constant.png", "rgb.png"))
        assert two.seconds / three.seconds == pytest.approx(2 / 3)
