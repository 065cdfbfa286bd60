"""The command line: exit codes, what goes to which stream, and what stays on the disk."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synth.app import cli, record
from synth.app.arguments import ModelName
from synth.app.images import PHOTOGRAPHS, bundled, load
from synth.app.options import LADDER
from synth.descent import Schedule
from synth.processes import CHANNEL_PROCESSES, PROCESSES
from synth.statistics import joint

FILES = {
    "target.png",
    "gaussian.png",
    "scattering.png",
    "comparison.png",
    "scoreboard.png",
    "fields.npz",
    "manifest.json",
}
SMALL = ("turbulence", "--size", "32", "--scales", "3", "--angles", "2", "--max-steps", "12")


def python(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, **options
    )


def plain(output):
    """What a terminal was sent, without colors and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.decode(errors="replace"))


def array_of(name):
    """A bundled picture of 32 × 32 pixels."""
    return load(name, size=32).field[0].copy()


def lenient_run(synth, folder, *arguments):
    """A small run that converges: its manifest, its arrays, and what was said."""
    small = ("--scales", 2, "--angles", 2, "--tolerance", 0.5, "--out", folder)
    code, out, err = synth("generate", *arguments, *small)
    assert code == 0, err
    made = Path(out.splitlines()[-1])
    assert {path.name for path in made.iterdir()} == FILES
    report = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    assert report["outcome"] == "converged"
    with np.load(made / "fields.npz") as file:
        arrays = dict(file)
    for name in ("gaussian", "scattering"):
        assert arrays[name].shape == (1, 32, 32)
        assert np.isfinite(arrays[name]).all()
    return report, arrays, err


class TestHelp:
    OPTIONS = (
        *("--seed", "--size", "--scales", "--angles", "--model", "--gray-levels", "--isotropic"),
        *("--samples", "--max-steps", "--tolerance", "--solver", "--periodic", "--mask"),
        *("--out", "--device"),
    )

    def test_names_every_option(self, synth):
        code, out, _ = synth("generate", "--help")
        assert code == 0
        assert set(self.OPTIONS) <= set(re.findall(r"--[a-z-]+", out))
        assert all(name in out for name in LADDER)

    def test_tells_the_usual_tolerances(self, synth):
        _, out, _ = synth("generate", "--help")
        words = " ".join(re.sub(r"[│┃|]", " ", out).split())

        def usual(model, **also):
            descriptor = joint(model, shape=(16, 16), scales=1, angles=1, **also)
            return f"{Schedule.usual(descriptor).tolerance:g}"

        assert usual("scattering") == usual("scattering", gray_levels=True)
        assert usual("spectra") == usual("full")
        told = f"{usual('scattering')}, with spectra {usual('spectra')}"
        told += f", of rectified {usual('rectified')}; of several channels "
        told += f"{usual('spectra', channels=3)}, with their joint law {usual('full', channels=3)}"
        assert usual("scattering", channels=3) == usual("spectra", channels=3)
        assert f"Default: {told}." in words

    def test_names_of_models_are_those_of_the_ladder(self):
        assert tuple(ModelName) == LADDER

    @pytest.mark.parametrize("arguments", [(), ("--help",)])
    def test_names_every_command(self, synth, arguments):
        code, out, err = synth(*arguments)
        assert (code, err) == (0, "")
        assert all(name in out for name in ("generate", "compare", "classify", "process", "list"))

    def test_waits_for_no_heavy_import(self):
        code = (
            "import sys, synth.app.cli\n"
            "try: synth.app.cli.main(['generate', '--help'])\n"
            "finally: print({'jax', 'numpy', 'matplotlib'} & set(sys.modules), file=sys.stderr)"
        )
        start = time.perf_counter()
        ended = python(code)
        assert time.perf_counter() - start < 1.5  # 0.2 s on an idle machine
        assert (ended.returncode, ended.stderr) == (0, "set()\n")


class TestGenerate:
    @pytest.mark.parametrize(
        ("tolerance", "code", "outcome"), [("1e-6", 3, "step limit"), ("0.9", 0, "converged")]
    )
    def test_writes_everything_and_prints_the_folder_last(
        self, synth, tmp_path, tolerance, code, outcome
    ):
        ended, out, err = synth("generate", *SMALL, "--tolerance", tolerance, "--out", tmp_path)
        folder = Path(out.splitlines()[-1])
        assert ended == code
        assert list(tmp_path.iterdir()) == [folder]
        assert {path.name for path in folder.iterdir()} == FILES
        report = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert report["outcome"] == outcome
        assert report["verdict"] in out
        assert err.splitlines() == [
            "turbulence: 32 × 32 pixels, periodic.",
            "Resized to 32 × 32 pixels.",
        ]
        for words in ("residual, moments, order 1", "residual, moments, order 2"):
            assert words in out
        for words in ("dB", "skewness", "kurtosis", "overall"):
            assert words in out
        assert re.search(r"target +┃ gaussian ┃ scattering", out)

    def test_models_may_be_given_twice_and_samples_be_drawn_together(self, synth, tmp_path):
        models = ("--model", "scattering1", "--model", "gaussian", "--model", "scattering1")
        code, out, _ = synth(
            *("generate", *SMALL, *models, "--samples", 2, "--gray-levels"),
            *("--tolerance", "3", "--out", tmp_path),
        )
        assert code == 0
        folder = Path(out.splitlines()[-1])
        names = ("gaussian", "scattering1")
        drawn = {f"{name}-{number}.png" for name in names for number in (1, 2)}
        alone = {"gaussian.png", "scattering.png"}
        assert {path.name for path in folder.iterdir()} == (FILES - alone) | drawn
        report = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert report["options"]["models"] == ["scattering1", "gaussian"]
        assert report["options"]["gray_levels"]
        assert list(report["models"]) == list(names)
        assert re.search(r"gaussian +┃ +scattering1", out)
        assert re.search(r"overall( +│ +\d+\.\d\d ± \d+\.\d\d){2}", out)
        assert "2 samples. Converged after" in " ".join(out.split())

    def test_the_gaussian_alone(self, synth, tmp_path):
        code, out, _ = synth("generate", *SMALL, "--model", "gaussian", "--out", tmp_path)
        assert code == 0
        names = {path.name for path in Path(out.splitlines()[-1]).iterdir()}
        assert names == FILES - {"scattering.png"}
        assert "Drawn directly." in out

    def test_a_masked_picture(self, synth, tmp_path):
        valid = np.ones((32, 32), bool)
        valid[4:14, 6:20] = False
        target = array_of("turbulence")
        np.save(tmp_path / "target.npy", target)
        iio.imwrite(tmp_path / "mask.png", np.where(valid, 255, 0).astype(np.uint8))
        report, arrays, err = lenient_run(
            synth, tmp_path, tmp_path / "target.npy", "--mask", tmp_path / "mask.png"
        )
        assert "140 of 1,024 pixels (13.7 %) are missing." in err
        assert report["input"]["missing"] == pytest.approx(140 / 1024)
        assert report["options"]["mask"] == str(tmp_path / "mask.png")
        np.testing.assert_array_equal(arrays["target"][0], np.where(valid, target, np.nan))
        same = target.copy()
        same[~valid] = -1e6  # what lies there is not looked at
        np.save(tmp_path / "target.npy", same)
        _, again, _ = lenient_run(
            synth, tmp_path, tmp_path / "target.npy", "--mask", tmp_path / "mask.png"
        )
        np.testing.assert_array_equal(again["scattering"], arrays["scattering"])

    def test_an_array_with_missing_pixels(self, synth, tmp_path):
        target = array_of("foam")
        target[20:25, 3:9] = np.nan
        np.save(tmp_path / "target.npy", target)
        report, arrays, err = lenient_run(synth, tmp_path, tmp_path / "target.npy")
        assert "30 of 1,024 pixels (2.9 %) are missing." in err
        assert report["input"]["missing"] == pytest.approx(30 / 1024)
        np.testing.assert_array_equal(arrays["target"][0], target)
        error = np.mean(arrays["scattering"]) - np.nanmean(target)
        assert abs(error) < 0.05 * np.nanstd(target)  # it ends clipped to the target's range

    def test_several_pictures(self, synth, tmp_path):
        one, other = array_of("foam"), np.rot90(array_of("foam")) + 10
        np.save(tmp_path / "one.npy", one)
        np.save(tmp_path / "other.npy", other)
        report, arrays, err = lenient_run(
            synth, tmp_path, tmp_path / "one.npy", tmp_path / "other.npy"
        )
        assert "2 pictures of one process." in err
        assert report["input"]["pictures"] == 2
        np.testing.assert_array_equal(arrays["target"][:, 0], np.stack([one, other]))
        error = np.mean(arrays["scattering"]) - np.mean([one, other])
        assert abs(error) < 0.05 * np.std([one, other])

    def test_an_error_of_ours_is_not_dressed_up(self, tmp_path, monkeypatch):
        def fail(*_):
            raise ZeroDivisionError

        monkeypatch.setattr(record, "write", fail)
        with pytest.raises(ZeroDivisionError):
            cli.main(["generate", *SMALL, "--model", "gaussian", "--out", str(tmp_path)])
        assert list(tmp_path.iterdir()) == []


BAD = {
    "missing": (["nowhere.png"], r"There is no picture nowhere\.png: give"),
    "no image": (["text.png"], "text.png cannot be read as a picture: give a PNG"),
    "constant": (["constant.npy"], "is constant .*: a texture needs contrast"),
    "infinite": (["infinite.npy"], "holds values that are infinite .*: replace them"),
    "axes": ([*SMALL, "--periodic", "z"], "'--periodic': 'z' is not one of 'x', 'y', 'xy', 'none'"),
    "no axes": ([*SMALL, "--no-periodic"], "No such option:? '?--no-periodic"),
    "mask": ([*SMALL, "--mask", "constant.npy"], "mask constant.npy has 40 × 40 pixels and tur"),
    "no mask": ([*SMALL, "--mask", "nowhere.png"], r"There is no picture nowhere\.png: give"),
    "small": (["small.npy"], "has 15 × 40 pixels: a texture needs at least 16"),
    "J": ([*SMALL, "--scales", "9"], "9 scales do not fit a picture of 32 × 32 pixels: choose"),
    "L": ([*SMALL, "--angles", "0"], "0 angles were asked for: choose 1 to 64"),
    "size": ([*SMALL, "--size", "3"], "The size 3 is out of range: give 16 to"),
    "seed": ([*SMALL, "--seed", "-1"], "The seed -1 is out of range: choose 0 to"),
    "tolerance": ([*SMALL, "--tolerance", "0"], "The tolerance 0.0 is not positive: 0.2 is usual"),
    "steps": ([*SMALL, "--max-steps", "0"], "0 steps were asked for: allow at least 1"),
    "folder": ([*SMALL, "--out", "text.png/new"], r"The folder text\.png/new cannot be written"),
    "model": ([*SMALL, "--model", "scat"], "'--model': 'scat' is not one of 'gaussian', 'scatteri"),
    "samples": ([*SMALL, "--samples", "0"], "0 samples were asked for: choose 1 to 64"),
    "device": ([*SMALL, "--device", "abacus"], "'--device': 'abacus' is not one of 'auto', 'cpu'"),
    "number": ([*SMALL, "--size", "wide"], "'--size'.* integer"),
    "option": ([*SMALL, "--sise", "32"], "No such option:? '?--sise.*see `synth generate --help`"),
    "nothing": ([], "Missing argument .*: see `synth generate --help`"),
    "unlike": (["foam", "brick"], "brick.png has 512 × 512 pixels and foam.png 256 × 256: give"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_one_sentence(case, synth, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("no picture")
    field = np.random.default_rng(0).normal(size=(40, 40))
    np.save("constant.npy", np.ones((40, 40)))
    np.save("small.npy", field[:15])
    field[0, 0] = np.inf
    np.save("infinite.npy", field)
    before = sorted(tmp_path.iterdir())
    arguments, message = BAD[case]
    code, out, err = synth("generate", *arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"synth: [^\n]*{message}[^\n]*\n", err)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("arguments", [["draw"], ["process", "--size", "32"], ["--loud"]])
def test_wrong_usage_of_the_rest(arguments, synth):
    code, out, err = synth(*arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"synth: [^\n]+: see `synth.* --help`\.\n", err)


def test_a_device_that_is_not_there(tmp_path):
    code = "from synth.app.cli import main; main()"
    arguments = ["generate", *SMALL, "--device", "tpu", "--out", str(tmp_path)]
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    sentence = "synth: JAX finds no tpu here: use --device cpu, or install the extra for it"
    assert ended.stderr.splitlines()[-1].startswith(sentence)
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


class TestInterrupt:
    def test_in_the_middle_of_the_descent(self, tmp_path):
        code = (
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from synth.app.cli import main; main()"
        )
        endless = ["--size", "64", "--scales", "3", "--angles", "2", "--tolerance", "1e-9"]
        out = tmp_path / "new"
        with subprocess.Popen(
            [sys.executable, "-c", code, "generate", "turbulence", *endless]
            + ["--max-steps", "1000000", "--out", str(out)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": "120"},
        ) as process:
            seen = b""
            while b"left" not in seen and process.poll() is None:
                seen += os.read(process.stderr.fileno(), 4096)
            process.send_signal(signal.SIGINT)
            stdout, rest = process.communicate(timeout=60)
        assert process.returncode == 130
        assert stdout == b""
        assert plain(rest).splitlines()[-1] == "synth: interrupted, nothing was written."
        assert b"Traceback" not in rest
        assert list(tmp_path.iterdir()) == []
        words = plain(seen)
        for word in (
            "loading",
            "compiling",
            "scattering, 64 × 64: ",
            "evaluations",
            "loss",
            "the worst block differs by",
            "of its noise, goal",
        ):
            assert word in words

    def test_while_writing(self, synth, tmp_path, monkeypatch):
        def interrupt(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr(record.figures, "comparison", interrupt)
        code, out, err = synth("generate", *SMALL, "--model", "gaussian", "--out", tmp_path / "a")
        assert (code, out, err) == (130, "", "synth: interrupted, nothing was written.\n")
        assert list(tmp_path.iterdir()) == []


class TestProcess:
    def test_writes_an_array_and_a_picture(self, synth, tmp_path):
        code, out, err = synth("process", "cascade", "--size", 32, "--seed", 2, "--out", tmp_path)
        assert (code, err) == (0, "")
        path = Path(out.splitlines()[-1])
        assert path == tmp_path / "cascade-32-seed2.npy"
        assert np.load(path).shape == (32, 32)
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {"cascade-32-seed2.npy", "cascade-32-seed2.png"}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["wood"], "There is no process wood: choose one of turbulence, "),
            (["cascade", "--size", "8"], r"shape is \(8, 8\); a process needs"),
            (["cascade", "--size", "5000"], "The size 5000 is too large: give 16 to 4096 pixels"),
            (["cascade", "--seed", "-3"], "The seed -3 is out of range: choose 0 to"),
        ],
    )
    def test_bad_input(self, synth, tmp_path, arguments, message):
        code, out, err = synth("process", *arguments, "--out", tmp_path / "new")
        assert (code, out) == (2, "")
        assert re.fullmatch(rf"synth: {message}[^\n]*\n", err)
        assert list(tmp_path.iterdir()) == []


def test_list_names_all_pictures_and_processes(synth):
    code, out, err = synth("list")
    assert (code, err) == (0, "")
    assert all(table["file"] in out for table in bundled().values())
    assert all(f"{name}.png" in out for name in PHOTOGRAPHS)
    assert "colored-foam.png        256 × 256, 3 channels\n" in out
    assert max(map(len, out.splitlines())) <= 80
    names = out.split("Processes, for `synth process`:")[1].replace(",", "").split()
    assert names == sorted({**PROCESSES, **CHANNEL_PROCESSES})
