"""Pictures beside their target: what is read, refused and scored, by the command line and here."""

import json
import re
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synth.app import cli, contest
from synth.errors import InputError
from synth.metrics import STATISTICS, compare


def spots(seed, shape=(32, 40)):
    """Bright spots on black, of values from 0 to 1, periodic."""
    drawn = np.random.default_rng(seed).random(shape) < 0.03
    field = gaussian_filter(drawn.astype(float), 1.2, mode="wrap")
    return field / field.max()


def levels(field, dtype):
    return np.round(field * np.iinfo(dtype).max).astype(dtype)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a target, samples of two models, second real fields, and what fits not."""
    for name, seed in (("target", 0), ("model-1", 1), ("model-2", 2), ("other", 3)):
        iio.imwrite(tmp_path / f"{name}.png", levels(spots(seed), np.uint8))
    iio.imwrite(tmp_path / "copy.png", levels(np.roll(spots(0), (5, 9), (0, 1)), np.uint16))
    for seed in (4, 5):
        iio.imwrite(tmp_path / f"real{seed}.png", levels(spots(seed), np.uint16))
        np.save(tmp_path / f"array{seed}.npy", spots(seed))
    iio.imwrite(tmp_path / "wide.png", levels(spots(6, (32, 48)), np.uint8))
    iio.imwrite(tmp_path / "large.png", levels(spots(7, (64, 80)), np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def synth(capsys):
    """Run ``synth compare`` in this process: exit code, standard output, standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main(["compare", *map(str, arguments)])
        return ended.value.code, *capsys.readouterr()

    return run


def scores(out):
    folder = Path(out.splitlines()[-1])
    return folder, json.loads((folder / "scores.json").read_text(encoding="utf-8"))


class TestCommand:
    def test_scores_pictures_and_prints_the_folder_last(self, folder, synth):
        candidates = ("model-1.png", "model-2.png", "copy.png")
        code, out, err = synth("target.png", *candidates, "--out", "new/one")
        assert (code, err) == (0, "")
        made, report = scores(out)
        assert re.fullmatch(r"new/one/target-scores-\d{8}-\d{6}", str(made))
        assert {path.name for path in made.iterdir()} == {"scoreboard.png", "scores.json"}
        assert iio.imread(made / "scoreboard.png").shape[0] > 500
        assert report["pieces"]
        assert list(report["models"]) == ["model", "copy"]
        model, copy = report["models"].values()
        assert len(model["overall"]) == 2
        assert [one["copied"] for one in model["copying"]] == [False, False]
        (sign,) = copy["copying"]
        assert sign["copied"]
        assert sign["correlation"] > 0.99
        assert sign["coherence"] > 0.5
        words = " ".join(out.split())
        assert "1 = as two real pieces" in words
        assert re.search(r"overall │ \d+\.\d\d ± \d+\.\d\d │ +\d+\.\d\d │", words)
        assert re.search(r"copies of the target │ 0 │ 1 │", words)

    def test_second_real_pictures_set_the_floor(self, folder, synth):
        reals = ("--real", "real4.png", "--real", "real5.png")
        code, out, _ = synth("target.png", "other.png", *reals)
        assert code == 0
        made, report = scores(out)
        assert made.parent == Path("outputs")
        assert not report["pieces"]
        assert "1 = as two real fields" in " ".join(out.split())
        target, other = (levels(spots(seed), np.uint8) / 255 for seed in (0, 3))
        others = [levels(spots(seed), np.uint16) / 65535 for seed in (4, 5)]
        board = compare(target, {"other": [other]}, reals=others)
        assert set(report["floor"]) <= set(STATISTICS)
        for name, floor in board.floor.items():
            assert report["floor"][name] == pytest.approx(floor, rel=1e-3)
        overall = report["models"]["other"]["overall"]
        np.testing.assert_allclose(overall, board.scores["other"].overall, rtol=1e-3)

    def test_one_real_picture_is_not_enough(self, folder, synth):
        _, out, _ = synth("target.png", "other.png", "--real", "real4.png")
        assert scores(out)[1]["pieces"]

    def test_a_size_is_one_for_all(self, folder, synth):
        code, _, _ = synth("target.png", "large.png", "--size", "40")
        assert code == 0

    def test_a_failure_leaves_nothing(self, folder, synth, monkeypatch):
        def interrupt(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr(contest.figures, "scoreboard", interrupt)
        before = sorted(folder.iterdir())
        code, out, err = synth("target.png", "other.png", "--out", "new")
        assert (code, out, err) == (130, "", "synth: interrupted, nothing was written.\n")
        assert sorted(folder.iterdir()) == before


BAD = {
    "missing": (["target.png", "nowhere.png"], r"There is no picture nowhere\.png: give"),
    "no candidate": (["target.png"], r"Missing argument .*: see `synth compare --help`"),
    "shape": (
        ["target.png", "wide.png"],
        r"wide\.png has 32 × 48 pixels and the target 32 × 40: crop them to one size, or give",
    ),
    "shape of a real": (
        ["target.png", "other.png", "--real", "large.png"],
        r"large\.png has 64 × 80 pixels and the target 32 × 40",
    ),
    "unit": (
        ["target.png", "array4.npy"],
        r"array4\.npy holds float64 values and the target uint8: give both as pictures of 8",
    ),
    "unit of a real": (["array4.npy", "array5.npy", "--real", "real4.png"], "holds uint16 values"),
    "names": (
        ["target.png", *(f"{name}.png" for name in "abcdefg")],
        "7 different names were given: compare up to 6 at a time",
    ),
    "folder": (["target.png", "other.png", "--out", "wide.png"], "The folder wide.png cannot be"),
    "size": (["target.png", "other.png", "--size", "3"], "The size 3 is out of range"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_one_sentence(case, folder, synth):
    before = sorted(folder.iterdir())
    arguments, message = BAD[case]
    code, out, err = synth(*arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"synth: [^\n]*{message}[^\n]*\n", err)
    assert sorted(folder.iterdir()) == before


class TestRead:
    def test_numbers_at_the_end_are_samples(self, folder):
        entries = contest.read("target.png", ["model-1.png", "copy.png", "model-2.png"])
        assert {name: len(fields) for name, fields in entries.fields.items()} == {
            "model": 2,
            "copy": 1,
        }
        np.testing.assert_allclose(entries.fields["model"][1][0], levels(spots(2), np.uint8) / 255)

    def test_of_one_name_in_two_folders_are_two_models(self, folder):
        for name in ("a", "b"):
            (folder / name).mkdir()
            iio.imwrite(folder / name / "full-1.png", levels(spots(8), np.uint8))
        iio.imwrite(folder / "-1.png", levels(spots(9), np.uint8))
        sources = ["a/full-1.png", "b/full-1.png", "-1.png", "model-1.png"]
        assert list(contest.read("target.png", sources).fields) == [
            "a/full",
            "b/full",
            "-1",
            "model",
        ]

    def test_pictures_of_8_and_16_bits_have_one_unit(self, folder):
        entries = contest.read("target.png", ["copy.png"], ["real4.png"])
        np.testing.assert_allclose(
            entries.fields["copy"][0][0], np.roll(spots(0), (5, 9), (0, 1)), atol=1e-5
        )
        np.testing.assert_allclose(entries.reals[0][0], spots(4), atol=1e-5)

    def test_arrays_keep_their_unit(self, folder):
        np.save("far.npy", 7 * spots(8) - 3)
        entries = contest.read("array4.npy", ["far.npy"])
        np.testing.assert_allclose(entries.fields["far"][0][0], 7 * spots(8) - 3, rtol=1e-6)
        whole = np.round(1000 * spots(8)).astype(np.int32)
        np.save("whole.npy", whole)
        entries = contest.read("array4.npy", ["whole.npy"])
        np.testing.assert_array_equal(entries.fields["whole"][0][0], whole)

    def test_what_was_done_to_the_pictures_is_said(self, folder):
        color = np.dstack([levels(spots(seed), np.uint8) for seed in (0, 1, 2)])
        iio.imwrite("color.png", color)
        entries = contest.read("target.png", ["color.png"])
        assert entries.notes == ("color: Color was turned into luma (ITU-R BT.709).",)

    def test_the_target_is_in_the_same_unit(self, folder):
        target = contest.read("target.png", []).target
        np.testing.assert_allclose(target.field[0], levels(spots(0), np.uint8) / 255, rtol=1e-6)

    @pytest.mark.parametrize("periodic", [(True, False), (False, True)])
    def test_borders_are_the_targets_unless_told(self, folder, periodic):
        entries = contest.read("target.png", ["other.png"], periodic=periodic)
        assert entries.target.periodic == periodic
        with pytest.raises(InputError, match="has 32 × 48 pixels"):
            contest.read("target.png", [], ["wide.png"], periodic=periodic)

    def test_a_file_of_several_holds_samples(self, folder):
        np.save("stack.npy", np.stack([spots(seed) for seed in (0, 1, 2)]))
        entries = contest.read("stack.npy", ["stack.npy"], ["array4.npy"])
        assert entries.target.fields.shape == (3, 1, 32, 40)
        reals = np.concatenate(entries.reals)
        np.testing.assert_allclose(reals, [spots(seed) for seed in (1, 2, 4)], rtol=1e-6)
        assert len(entries.fields["stack"]) == 3

    def test_pixels_of_the_target_may_be_missing(self, folder):
        holed = np.where(spots(0) > 0.5, np.nan, spots(0))
        np.save("holed.npy", holed)
        entries = contest.read("holed.npy", ["array4.npy"])
        np.testing.assert_array_equal(np.isnan(entries.target.field[0]), np.isnan(holed))
