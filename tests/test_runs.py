"""Runs: what lies in the folder, and that it is written whole or not at all."""

import json
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version

import imageio.v3 as iio
import jax
import numpy as np
import pytest

from synth.app import clock, folders, record
from synth.app.clock import Clock
from synth.app.folders import check_folder, hidden_folder
from synth.app.images import bundled, load
from synth.app.options import LADDER, Options
from synth.app.record import manifest, write, write_field
from synth.app.runs import generate, read
from synth.descent import drain
from synth.errors import InputError
from synth.metrics import kurtosis

OPTIONS = Options("turbulence", size=32, scales=3, angles=2, max_steps=12, tolerance=1e-4, seed=3)
BLOCKS = {f"moments/{block}" for block in ("order1", "order2")}
FILES = {
    "target.png",
    "gaussian.png",
    "scattering.png",
    "comparison.png",
    "scoreboard.png",
    "fields.npz",
    "manifest.json",
}


def drained(run):
    """What a descent yields, and what it returns."""
    looks = []
    return looks, drain(run, looks.append)


@pytest.fixture(scope="module")
def run():
    return drained(generate(read(OPTIONS), OPTIONS, Clock()))


@pytest.fixture(scope="module")
def result(run):
    return run[1]


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    return write(result, tmp_path_factory.mktemp("outputs") / "new" / "one")


@pytest.fixture(scope="module")
def report(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_options_name_all_that_is_read(tmp_path):
    mask = np.indices((256, 256))[1] > 63
    np.save(tmp_path / "mask.npy", mask)
    given = {"others": ("sparse",), "mask": str(tmp_path / "mask.npy"), "periodic": (True, False)}
    texture = read(replace(OPTIONS, size=None, **given))
    assert texture.fields.shape == (2, 1, 256, 256)
    np.testing.assert_array_equal(texture.fields[1], load("sparse", mask=given["mask"]).field)
    np.testing.assert_array_equal(~np.isnan(texture.field[0]), mask)
    assert texture.axes == "y"


class TestFolder:
    def test_name_and_files(self, folder):
        name, day, time = folder.name.split("-")
        assert (name, len(day), len(time)) == ("turbulence", 8, 6)
        assert {path.name for path in folder.iterdir()} == FILES
        assert [path.name for path in folder.parent.iterdir()] == [folder.name]

    def test_fields_are_in_the_targets_own_units(self, folder):
        arrays = np.load(folder / "fields.npz")
        np.testing.assert_array_equal(arrays["target"], load("turbulence", size=32).field)
        for name in ("target", "gaussian", "scattering"):
            assert arrays[name].shape == (1, 32, 32)
            assert arrays[name].dtype == np.float32
            assert arrays[f"moments_{name}"].ndim == 1
        deviation = arrays["target"].std()
        assert abs(arrays["scattering"].mean() - arrays["target"].mean()) < 0.1 * deviation
        assert arrays["scattering"].std() == pytest.approx(deviation, rel=0.2)

    @pytest.mark.parametrize("name", ["target", "gaussian", "scattering"])
    def test_pictures_have_the_targets_gray_scale(self, folder, name):
        picture = iio.imread(folder / f"{name}.png")
        field = np.load(folder / "fields.npz")[name][0].astype(float)
        assert picture.dtype == np.uint16
        np.testing.assert_allclose(picture, np.clip(field, 0, 65535), atol=0.51)

    def test_a_second_run_in_the_same_second_gets_a_number(self, result, tmp_path, monkeypatch):
        class Frozen:
            @staticmethod
            def now():
                return datetime(2026, 1, 2, 3, 4, 5)

        monkeypatch.setattr(folders, "datetime", Frozen)
        names = [write(result, tmp_path).name for _ in range(3)]
        stem = "turbulence-20260102-030405"
        assert names == [stem, f"{stem}-2", f"{stem}-3"]


class TestManifest:
    def test_origin(self, report):
        assert report["options"]["image"] == "turbulence"
        assert report["options"]["scales"] == 3
        assert report["seed"] == 3
        assert report["input"]["sha256"] == bundled()["turbulence"]["sha256"]
        assert report["input"]["shape"] == [1, 32, 32]
        assert report["input"]["periodic"] == "xy"
        assert (report["input"]["pictures"], report["input"]["missing"]) == (1, 0)
        assert report["input"]["notes"] == ["Resized to 32 × 32 pixels."]
        assert report["versions"]["jax"] == jax.__version__
        assert report["versions"]["synth"] == version("synth")
        assert report["device"].startswith(jax.devices()[0].platform)

    def test_ending(self, report):
        assert report["outcome"] == "step limit"
        assert report["verdict"].startswith("Ended at the step limit after 12 evaluations")
        assert report["evaluations"] == 12

    def test_seconds_add_up(self, report):
        seconds = report["seconds"]
        assert set(seconds) >= {"total", "import", "compile", "descend"}
        assert all(value >= 0 for value in seconds.values())
        parts = seconds["import"] + seconds["compile"] + seconds["descend"]
        assert parts <= seconds["total"] + 0.01

    def test_numbers_of_the_models(self, report, folder):
        arrays = np.load(folder / "fields.npz")
        assert set(report["models"]) == {"gaussian", "scattering"}
        for name, numbers in report["models"].items():
            assert set(numbers["residual"]) == BLOCKS
            assert numbers["spectrum_error_db"] > 0
            assert numbers["kurtosis"] == pytest.approx(kurtosis(arrays[name][0]))
            assert set(numbers["flatness"]) == {"1", "2", "4", "8"}
        for block in BLOCKS:
            drawn, descended = (
                report["models"][name]["residual"][block] for name in ("gaussian", "scattering")
            )
            assert descended < drawn

    def test_residual_is_that_of_the_moments_in_the_file(self, report, folder):
        arrays = np.load(folder / "fields.npz")
        order2 = slice(-3 * 2 * 2, None)  # pairs of scales and angles
        target = arrays["moments_target"][order2]
        distance = np.linalg.norm(arrays["moments_scattering"][order2] - target)
        told = report["models"]["scattering"]["residual"]["moments/order2"]
        assert told == pytest.approx(distance / np.linalg.norm(target), rel=0.01)

    def test_noise_is_told_as_measured_and_as_residuals_are_counted(self, report, result):
        assert set(report["noise"]) == set(report["unit"]) == BLOCKS
        for name, noise in report["noise"].items():
            assert noise == float(result.noise[name])
            assert report["unit"][name] == pytest.approx(min(noise, 0.2))
        (one,) = result.descents["scattering"]
        residual = report["models"]["scattering"]["residual"]
        excess = max(residual[name] / unit for name, unit in report["unit"].items())
        assert report["models"]["scattering"]["excess"] == pytest.approx(excess) == one.excess

    @pytest.mark.parametrize("where", [np.s_[:], np.s_[0, 3, 4]])
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_what_is_not_finite_is_null(self, result, tmp_path, where, value):
        (one,) = result.candidates["scattering"]
        field = one.field.copy()
        field[where] = value
        broken = (one._replace(field=field),)
        broken = result._replace(candidates={**result.candidates, "scattering": broken})
        text = (write(broken, tmp_path) / "manifest.json").read_text(encoding="utf-8")
        assert "NaN" not in text
        numbers = json.loads(text)["models"]["scattering"]
        for name in ("spectrum_error_db", "skewness", "kurtosis"):
            assert numbers[name] is None
        assert numbers["flatness"] == dict.fromkeys(("1", "2", "4", "8"))


class TestAtomicity:
    @pytest.mark.parametrize("error", [RuntimeError("no font"), KeyboardInterrupt()])
    @pytest.mark.parametrize("parents", ["", "new/one"])
    def test_a_failure_leaves_nothing(self, result, tmp_path, monkeypatch, error, parents):
        def fail(*_, **__):
            raise error

        monkeypatch.setattr(record.figures, "comparison", fail)
        with pytest.raises(type(error)):
            write(result, tmp_path / parents)
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_is_said_in_a_sentence(self, result, tmp_path, monkeypatch):
        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(record, "save", full)
        with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
            write(result, tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_other_files_stay(self, tmp_path):
        (tmp_path / "mine.txt").touch()
        with suppress(KeyError), hidden_folder(tmp_path) as hidden:
            (hidden / "half").mkdir()
            raise KeyError
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

    def test_a_folder_is_tried_without_a_trace(self, tmp_path):
        check_folder(tmp_path / "new" / "one")
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_is_a_file(self, tmp_path):
        (tmp_path / "mine.txt").touch()
        with pytest.raises(
            InputError, match=r"mine\.txt/one cannot be written \(Not a directory\)"
        ):
            check_folder(tmp_path / "mine.txt" / "one")

    def test_a_folder_that_may_not_be_written(self, tmp_path, monkeypatch):
        def denied(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(folders.tempfile, "TemporaryDirectory", denied)
        with pytest.raises(InputError, match=r"\(Permission denied\): choose another"):
            check_folder(tmp_path)


class TestGenerate:
    def test_looks_on_the_way(self, run):
        looks, result = run
        assert [look.progress.evaluations for look in looks] == [10, 12]
        assert {look.model for look in looks} == {"scattering"}
        assert looks[-1].progress.field.shape == (1, 32, 32)
        ((descent,),) = result.descents.values()
        assert len(descent.losses) == 12

    def test_a_gaussian_alone(self, result, tmp_path):
        options = Options("turbulence", size=32, scales=3, angles=2, models=("gaussian",), seed=3)
        looks, alone = drained(generate(read(options), options))
        assert looks == []
        field = alone.candidates["gaussian"][0].field
        np.testing.assert_array_equal(field, result.candidates["gaussian"][0].field)
        folder = write(alone, tmp_path)
        assert {path.name for path in folder.iterdir()} == FILES - {"scattering.png"}
        report = manifest(alone)
        assert (report["outcome"], report["evaluations"]) == ("converged", 0)
        assert set(report["models"]) == {"gaussian"}

    def test_another_seed_gives_another_texture(self, result):
        options = Options("turbulence", size=32, scales=3, angles=2, models=("gaussian",), seed=4)
        (other,) = drained(generate(read(options), options))[1].candidates["gaussian"]
        assert np.abs(other.field - result.candidates["gaussian"][0].field).max() > 0

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"tolerance": 0.0}, "The tolerance 0.0 is not positive: 0.2 is usual"),
            ({"tolerance": float("nan")}, "The tolerance nan is not positive"),
            ({"max_steps": 0}, "0 steps were asked for: allow at least 1"),
            ({"seed": -1}, "The seed -1 is out of range: choose 0 to 4294967295"),
            ({"seed": 2**32}, "is out of range"),
            (
                {"models": ("scattering", "scat")},
                re.escape(f"There is no model scat: choose {', '.join(LADDER[:-1])} or rectified"),
            ),
            ({"samples": 0}, "0 samples were asked for: choose 1 to 64"),
            ({"samples": 65}, "65 samples were asked for: choose 1 to 64"),
            ({"seed": 2**32 - 1, "samples": 2}, "The seed 4294967296 is out of range"),
            ({"angles": 0, "models": ("spectra",)}, "0 angles were asked for: choose 1 to 64"),
            ({"scales": 0, "models": ("spectra",)}, "0 scales do not fit a picture of 32"),
            ({"scales": 6}, "6 scales do not fit a picture of 32 × 32 pixels: choose 1 to 5"),
            ({"angles": 0}, "0 angles were asked for: choose 1 to 64"),
        ],
    )
    def test_options_that_cannot_be(self, change, message):
        def ask():
            options = Options("turbulence", size=32, **change)
            return drained(generate(read(options), options))

        with pytest.raises(InputError, match=message):
            ask()


class TestWriteField:
    def test_array_and_picture(self, tmp_path):
        field = np.random.default_rng(0).normal(size=(20, 24)).astype(np.float32)
        path = write_field(field, "noise", tmp_path / "new")
        np.testing.assert_array_equal(np.load(path), field)
        picture = iio.imread(path.with_suffix(".png"))
        assert (picture.min(), picture.max(), picture.dtype) == (0, 65535, np.uint16)
        assert len(list(path.parent.iterdir())) == 2


class TestClock:
    def test_compilation_is_told_apart(self):
        watch = Clock()
        with watch.phase("descend"):
            jax.jit(lambda x: jax.jit(lambda y: y**2 + 1.25)(x).sum())(
                np.ones(7)
            ).block_until_ready()
        seconds = watch.seconds()
        assert 0 < seconds["compile"] <= seconds["total"] + 0.002
        assert seconds["descend"] + 0.002 >= 0
        assert Clock().seconds()["compile"] == 0

    def test_what_lies_inside_counts_once(self, monkeypatch):
        monkeypatch.setattr(clock, "_compilations", defaultdict(list))
        now = iter([1.0, 2.0, 3.0, 10.0])
        monkeypatch.setattr(clock.time, "perf_counter", lambda: next(now))
        event = "/jax/core/compile/trace"
        clock._listen(event, 0.5)
        clock._listen(event, 0.5)
        clock._listen(event, 2.7)  # around both
        clock._listen(event, 1.0)
        clock._listen("/jax/other", 5.0)
        assert clock.compiling() == pytest.approx(3.7)

    def test_another_thread_s_compilations_count_where_they_are_waited_for(self, monkeypatch):
        monkeypatch.setattr(clock, "_compilations", defaultdict(list))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(clock._listen, "/jax/core/compile/x", 9.0).result()
            assert pool.submit(clock.compiling).result() == 9
        assert clock.compiling() == 0
        clock._listen(clock.WAITED, 0.25)
        assert clock.compiling() == 0.25

    def test_clocks_leave_no_listeners(self):
        from jax._src import monitoring

        before = len(monitoring.get_event_duration_listeners())
        [Clock() for _ in range(3)]
        assert len(monitoring.get_event_duration_listeners()) == before
