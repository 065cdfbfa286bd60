"""What is drawn for a command: sizes, margins, kept pixels, mixes, costs, and what is refused."""

import json
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from benchmarks import uses
from synth.app import cost
from synth.app.arguments import pair
from synth.app.figures import strip
from synth.app.fitted import solver_of
from synth.app.images import load
from synth.app.options import Options
from synth.app.tasks import Layout, Overlap, overlap, prepare
from synth.errors import InputError

QUICK = ("--scales", 2, "--angles", 2, "--max-steps", 20, "--tolerance", 3)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A field of 32 × 40 pixels, one with a hole, a mask of it, one that is all but empty."""
    folder = tmp_path_factory.mktemp("pictures")
    x = load("foam", size=64).field[0][:32, :40].copy()
    np.save(folder / "whole.npy", x)
    hole = np.zeros(x.shape, bool)
    hole[10:20, 12:26] = True
    np.save(folder / "holed.npy", np.where(hole, np.nan, x))
    iio.imwrite(folder / "mask.png", np.where(hole, 0, 255).astype(np.uint8))
    nothing = np.zeros(x.shape, np.uint8)
    iio.imwrite(folder / "nothing.png", nothing)
    np.save(folder / "wide.npy", np.tile(x, (1, 2)))
    gray = np.round(255 * (x - x.min()) / np.ptp(x)).astype(np.uint8)
    iio.imwrite(folder / "eight.png", gray)
    return folder


def task(image, **also):
    options = Options(str(image), **also)
    texture = load(options.image, size=options.size, mask=options.mask, periodic=options.periodic)
    return prepare(texture, options)


class TestLayout:
    def test_a_texture_has_the_targets_size_and_tiles(self, pictures):
        layout = task(pictures / "whole.npy").layout
        assert layout.torus == layout.window == (32, 40)
        assert layout.tiles
        assert layout.kept is None

    def test_a_cropped_one_is_cut_out_of_a_larger_one(self, pictures):
        layout = task(pictures / "whole.npy", out_size=(50, 100), crop=True).layout
        assert layout.window == (50, 100)
        assert layout.torus[0] >= 66
        assert layout.torus[1] >= 125
        assert not layout.tiles
        assert layout.written(np.zeros((2, *layout.torus))).shape == (2, 50, 100)

    def test_a_hole_in_what_does_not_wrap_has_a_margin_around(self, pictures):
        layout = task(pictures / "holed.npy", inpaint=True, periodic=(True, False)).layout
        assert layout.window == (32, 40)
        assert layout.torus[0] == 32
        assert layout.torus[1] >= 72
        assert layout.margin is not None
        assert layout.margin.sum() == np.prod(layout.torus) - 32 * 40
        assert np.isnan(layout.kept).sum() == layout.margin.sum() + 10 * 14

    def test_what_wraps_has_none(self, pictures):
        layout = task(pictures / "holed.npy", inpaint=True, periodic=(True, True)).layout
        assert layout.torus == (32, 40)
        assert layout.margin is None
        assert layout.tiles

    def test_a_picture_is_continued_around_its_middle(self, pictures):
        layout = task(pictures / "whole.npy", inpaint=True, out_size=(48, 64)).layout
        whole = np.load(pictures / "whole.npy")
        assert layout.tiles
        np.testing.assert_array_equal(layout.kept[0, 8:40, 12:52], whole)
        assert np.isnan(layout.kept).sum() == 48 * 64 - whole.size

    def test_scales_fit_all_fields_and_the_hole(self, pictures):
        whole = pictures / "whole.npy"
        assert task(whole).scales is None
        assert task(whole, out_size=(100, 300)).scales == 4
        assert task(whole, out_size=(16, 40)).scales == 3
        assert task(whole, out_size=(100, 300), scales=2).scales == 2
        assert task(pictures / "holed.npy", inpaint=True, periodic=(True, True)).scales == 3

    def test_what_target_and_textures_have_in_common(self, pictures):
        texture = load(pictures / "whole.npy", periodic=True)
        common = overlap(texture, Layout((48, 40), (48, 40)))
        assert common == Overlap(
            (slice(0, 32), slice(0, 40)), (slice(0, 32), slice(0, 40)), (False, True)
        )
        cropped = overlap(texture, Layout((48, 40), (32, 40)))
        assert cropped.periodic == (False, True)
        holed = texture._replace(fields=texture.fields.copy())
        holed.fields[..., :20, :20] = np.nan
        smaller = overlap(holed, Layout((16, 16), (16, 16)))
        assert not np.isnan(holed.field[0][smaller.of_target]).any()

    @pytest.mark.parametrize(
        ("image", "also", "words"),
        [
            ("whole.npy", {"inpaint": True}, "misses no pixel"),
            ("holed.npy", {"inpaint": True, "out_size": (20, 60)}, "20 × 60 is smaller than"),
            ("holed.npy", {"inpaint": True, "tiles": 2}, "does not tile"),
            ("holed.npy", {"inpaint": True, "start": "whole.npy"}, "leave out start"),
            ("whole.npy", {"mix": "eight.png"}, "holds uint8 values and the target float"),
            ("whole.npy", {"start": "wide.npy"}, "of 32 × 80 pixels: give one of 32 × 40"),
            ("whole.npy", {"start": "holed.npy"}, "missing pixels"),
            ("whole.npy", {"out_size": (64, 64), "scales": 5}, "choose 1 to 4"),
            ("whole.npy", {"mix": "no.png"}, "There is no picture"),
        ],
    )
    def test_what_does_not_fit_together_is_refused(self, pictures, image, also, words):
        files = {k: str(pictures / v) if k in ("mix", "start") else v for k, v in also.items()}
        with pytest.raises(InputError, match=words):
            task(pictures / image, **files)

    def test_a_mask_that_leaves_nothing_is_refused(self, pictures):
        with pytest.raises(InputError, match="misses 1,280 of 1,280 pixels"):
            task(pictures / "whole.npy", mask=str(pictures / "nothing.png"), inpaint=True)

    def test_pictures_of_8_and_16_bits_mix(self, pictures):
        other = task(pictures / "eight.png", mix="foam").other
        assert other.dtype == np.uint8
        assert 200 < other.fields.max() <= 255

    def test_one_picture_is_filled(self, pictures):
        options = Options("a", inpaint=True)
        texture = load([pictures / "holed.npy", pictures / "whole.npy"])
        with pytest.raises(InputError, match="2 pictures were given and one can be filled"):
            prepare(texture, options)


class TestOptions:
    @pytest.mark.parametrize(
        ("given", "sides"), [("64", (64, 64)), ("200x600", (200, 600)), ("20×30", (20, 30))]
    )
    def test_sizes_are_read(self, given, sides):
        assert pair(given) == sides

    @pytest.mark.parametrize("given", ["big", "1x2x3", "x", "12.5", "-4", "", "²x30"])
    def test_what_is_no_size_is_refused(self, given):
        with pytest.raises(InputError, match="no size: give pixels"):
            pair(given)

    @pytest.mark.parametrize(
        ("also", "words"),
        [
            ({"out_size": (8, 64)}, "8 × 64 is out of range: give sides of 16 to 4096"),
            ({"out_size": (64, 5000)}, "64 × 5000 is out of range"),
            ({"tiles": 0}, "0 tiles were asked for"),
            ({"tiles": 2, "crop": True}, "cropped does not tile"),
            ({"mix": "b", "inpaint": True}, "Mixing keeps no pixels"),
            ({"mix": "b", "samples": 2}, "one texture per step"),
            ({"mix": "b", "steps": 1}, "1 steps of a mix"),
            ({"steps": 7}, "Steps are those of a mix"),
            ({"start": "b", "crop": True}, "no start for larger ones"),
            ({"start": "b", "samples": 2}, "Samples from one start are alike"),
            ({"start": "b", "models": ("gaussian",)}, "drawn directly"),
        ],
    )
    def test_uses_that_do_not_go_together_are_refused(self, also, words):
        with pytest.raises(InputError, match=words):
            Options("a", **also)


class TestCost:
    def test_more_pixels_and_samples_take_longer_and_more_memory(self, pictures, monkeypatch):
        monkeypatch.setattr(cost, "_seconds_per_point", lambda: 1e-8)

        def of(size, samples=1, models=("full",)):
            options = Options("a", out_size=(size, size), samples=samples, models=models)
            return cost.cost(prepare(load(pictures / "whole.npy"), options), options)

        small, large, several = of(64), of(512), of(64, samples=4)
        assert 30 < large.seconds / small.seconds < 130
        assert large.memory > small.memory
        assert several.seconds == pytest.approx(4 * small.seconds)
        assert several.memory > small.memory
        assert of(64, models=("gaussian",)).seconds < small.seconds / 20
        assert "GB of memory" in large.words

    def test_levels_spare_evaluations_of_moments(self, pictures, monkeypatch):
        monkeypatch.setattr(cost, "_seconds_per_point", lambda: 1e-8)

        def of(**also):
            options = Options("a", out_size=(512, 512), **also)
            return cost.cost(prepare(load(pictures / "whole.npy"), options), options).seconds

        assert of(levels=1) > 2 * of(levels=3)
        assert of(levels=1, gray_levels=True) == of(levels=3, gray_levels=True)

    @pytest.mark.parametrize(
        ("side", "samples", "pairs"),
        [(256, 1, 20), (640, 1, 20), (768, 1, 14), (256, 9, 14), (4096, 1, 8)],
    )
    def test_large_fields_remember_fewer_pairs(self, pictures, side, samples, pairs):
        also = {"out_size": (side, side), "samples": samples}
        image = str(pictures / "whole.npy")
        assert solver_of(task(image, **also), Options(image, **also)).memory == pairs

    def test_what_does_not_fit_is_refused_before_it_starts(self, synth, tmp_path, monkeypatch):
        monkeypatch.setattr(cost, "_free", lambda: 1e8)
        arguments = ("turbulence", "--size", 32, "--out-size", 64, "--out", tmp_path / "new")
        code, out, err = synth("generate", *arguments)
        assert (code, out) == (2, "")
        assert "GB of memory and 0.1 GB are free: give a smaller out-size" in err
        assert not (tmp_path / "new").exists()


class TestCommand:
    def run(self, synth, folder, *arguments, files):
        code, out, err = synth("generate", *arguments, *QUICK, "--out", folder)
        assert code == 0, err
        made = Path(out.splitlines()[-1])
        assert files <= {path.name for path in made.iterdir()}
        report = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
        with np.load(made / "fields.npz") as file:
            return report, dict(file), made, err

    @pytest.mark.parametrize("model", ["scattering", "full"])
    def test_another_size_and_tiles(self, synth, tmp_path, pictures, model):
        image = ("--out-size", "24x56", "--tiles", 2, "--model", model, pictures / "whole.npy")
        files = {f"{model}-tiles.png", "gaussian-tiles.png", "comparison.png", "scoreboard.png"}
        report, arrays, made, err = self.run(synth, tmp_path, *image, files=files)
        assert "The descent will take about" in err
        assert arrays[model].shape == arrays["gaussian"].shape == (1, 24, 56)
        assert report["output"]["shape"] == report["output"]["torus"] == [24, 56]
        tiled = iio.imread(made / f"{model}-tiles.png")
        np.testing.assert_array_equal(tiled[:24, :56], tiled[24:, 56:])
        assert {"seam_jump"} <= set(report["models"][model])

    def test_a_crop_does_not_tile(self, synth, tmp_path, pictures):
        report, arrays, *_ = self.run(
            synth, tmp_path, pictures / "whole.npy", "--crop", files={"scattering.png"}
        )
        assert arrays["scattering"].shape == (1, 32, 40)
        assert report["output"]["torus"] > [32, 40]
        assert "seam_jump" not in report["models"]["scattering"]

    @pytest.mark.parametrize("model", ["scattering", "full"])
    def test_a_hole_is_filled_and_the_rest_kept(self, synth, tmp_path, pictures, model):
        arguments = (pictures / "whole.npy", "--mask", pictures / "mask.png", "--inpaint")
        arguments += ("--samples", 2, "--model", model)
        report, arrays, *_ = self.run(synth, tmp_path, *arguments, files={"fillings.png"})
        whole, drawn = np.load(pictures / "whole.npy"), np.isnan(np.load(pictures / "holed.npy"))
        for name in ("gaussian", model):
            assert arrays[name].shape == (2, 1, 32, 40)
            for field in arrays[name][:, 0]:
                np.testing.assert_array_equal(field[~drawn], whole[~drawn])
                assert np.isfinite(field).all()
            assert np.abs(np.subtract(*arrays[name][:, 0]))[drawn].max() > 0
        assert report["output"]["kept"] == pytest.approx(1 - drawn.mean())
        assert report["models"][model]["border_jump"] < 3
        assert report["scores"] is None

    def test_a_picture_is_continued(self, synth, tmp_path, pictures):
        arguments = (pictures / "eight.png", "--inpaint", "--out-size", "48x64", "--tiles", 2)
        _, arrays, made, _ = self.run(
            synth, tmp_path, *arguments, files={"fillings.png", "scattering-tiles.png"}
        )
        picture = iio.imread(pictures / "eight.png")
        np.testing.assert_array_equal(iio.imread(made / "scattering.png")[8:40, 12:52], picture)
        assert arrays["scattering"].shape == (1, 48, 64)

    def test_a_mix_is_a_path(self, synth, tmp_path, pictures):
        np.save(tmp_path / "other.npy", np.load(pictures / "whole.npy")[::-1, ::-1] * 2 + 1)
        arguments = (pictures / "whole.npy", "--mix", tmp_path / "other.npy", "--steps", 3)
        files = {"mix.png", "scattering-1.png", "scattering-3.png", "gaussian-3.png"}
        report, arrays, made, _ = self.run(synth, tmp_path, *arguments, files=files)
        assert arrays["scattering"].shape == (3, 1, 32, 40)
        shares = [one["share"] for one in report["models"]["scattering"]["steps"]]
        assert shares == [0, 0.5, 1]
        means = arrays["scattering"].mean((1, 2, 3))
        assert (np.diff(means) > 0).all()
        assert report["scores"] is None
        assert report["mix"]["name"] == "other"
        for number in (1, 3):  # on a gray scale that holds both
            assert np.mean(iio.imread(made / f"scattering-{number}.png") == 2**16 - 1) < 0.1

    def test_a_mix_of_gaussians(self, synth, tmp_path, pictures):
        whole = pictures / "whole.npy"
        arguments = (whole, "--mix", whole, "--model", "gaussian", "--out", tmp_path)
        code, out, err = synth("generate", *arguments)
        assert code == 0, err
        assert "Drawn directly." in out

    def test_a_small_texture_is_scored_where_the_target_is_known(self, synth, tmp_path, pictures):
        x = np.load(pictures / "whole.npy")
        x[:18, :20] = np.nan
        np.save(tmp_path / "corner.npy", x)
        arguments = (tmp_path / "corner.npy", "--out-size", 16)
        report, *_ = self.run(synth, tmp_path, *arguments, files={"scoreboard.png"})
        assert report["scores"] is not None

    def test_a_start_is_followed(self, synth, tmp_path, pictures):
        arguments = (pictures / "whole.npy", "--start", pictures / "whole.npy")
        _, arrays, *_ = self.run(synth, tmp_path, *arguments, files={"scattering.png"})
        whole = np.load(pictures / "whole.npy")
        alike = np.corrcoef(arrays["scattering"].ravel(), whole.ravel())[0, 1]
        assert alike > 0.9

    def test_help_says_what_size_is_not(self, synth):
        _, out, _ = synth("generate", "--help")
        words = " ".join(out.replace("│", " ").split())
        assert "The texture's own size is --out-size." in words


class TestStrip:
    def test_rows_of_pictures(self):
        x = list(np.random.default_rng(0).normal(size=(2, 16, 24)))
        page = strip({"gaussian": x, "full": x}, ["a", "b"], title="Two")
        assert len(page.axes) == 4
        assert {text.get_text() for text in page.texts} >= {"gaussian", "full", "a", "b", "Two"}

    @pytest.mark.parametrize(
        ("rows", "words"),
        [
            ({}, "as many pictures in each row"),
            ({"a": [np.eye(8)]}, "as many pictures in each row as captions, 2"),
            ({"a": [np.eye(8), np.eye(9)]}, "differ in shape"),
        ],
    )
    def test_what_is_no_strip_is_refused(self, rows, words):
        with pytest.raises(ValueError, match=words):
            strip(rows, ["a", "b"])


class TestScripts:
    def test_squares_fill_a_field(self):
        field = np.arange(40 * 100).reshape(40, 100)
        squares = uses.cuts(field, 30)
        assert [square[0, 0] for square in squares] == [0, 30, 60]
        assert {square.shape for square in squares} == {(30, 30)}

    def test_a_spread_is_mean_deviation_and_ends(self):
        assert uses.spread([1.0, 2.0, 3.0]) == [2, 1, 1, 3]
        assert uses.spread([2.0]) == [2, 0, 2, 2]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("scripts/make_uses.py", "bend"), "There is no use bend: choose size, tiles"),
            (("-m", "benchmarks.uses", "bend"), "there is no part bend: choose sizes, holes"),
        ],
    )
    def test_what_there_is_not_is_refused(self, arguments, words):
        root = Path(__file__).parent.parent
        ended = subprocess.run(
            [sys.executable, *arguments], cwd=root, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 2
        assert words in ended.stderr
        assert "Traceback" not in ended.stderr
