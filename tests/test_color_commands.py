"""Commands on pictures in several channels: scores, galleries, what is said, what is refused."""

import json
import re
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmarks.scoreboard import NAMES
from synth.app import contest, gallery, record
from synth.app.clock import Clock
from synth.app.display import Display, closing_table
from synth.app.images import Part, Texture, bundled
from synth.app.options import Options
from synth.app.runs import Result
from synth.app.tasks import prepare
from synth.errors import InputError

SIDE = 32
LUMA = np.array([0.2126, 0.7152, 0.0722])
QUICK = ("--scales", 2, "--angles", 2, "--model", "gaussian")


def blobs(seed, shape=(SIDE, SIDE)):
    """A periodic picture in color, of 8 bits: red and green go together, blue does not."""
    drawn = np.random.default_rng(seed).normal(size=(3, *shape))
    red, other, blue = (gaussian_filter(one, 1.2, mode="wrap") for one in drawn)
    color = np.stack([red, 0.8 * red + 0.4 * other, blue], axis=2)
    return np.clip(127 + 150 * color, 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Pictures in color and in gray, and arrays, in the working directory."""
    for name, seed in (("target", 0), ("one", 1), ("other", 2)):
        color = blobs(seed)
        iio.imwrite(tmp_path / f"{name}.png", color)
        np.save(tmp_path / f"luma-of-{name}.npy", color @ LUMA)
    gray = blobs(3)[..., 0]
    iio.imwrite(tmp_path / "gray.png", gray)
    iio.imwrite(tmp_path / "stored.png", np.dstack([gray] * 3))
    iio.imwrite(tmp_path / "copy.png", np.roll(blobs(0), (9, 5), (0, 1)))
    iio.imwrite(tmp_path / "wide.png", blobs(4, (SIDE, 48)))
    flat = np.full((SIDE, SIDE), 90, np.uint8)
    iio.imwrite(tmp_path / "red.png", np.dstack([gray, flat, flat]))
    waves = np.random.default_rng(0).normal(size=(9, SIDE, SIDE))
    np.save(tmp_path / "nine.npy", waves)
    np.save(tmp_path / "three.npy", waves[:3])
    np.save(tmp_path / "plane.npy", waves[3])
    np.save(tmp_path / "five.npy", waves[:5])
    np.save(tmp_path / "infinite.npy", np.where(waves[:3] == waves[0, 0, 0], np.inf, waves[:3]))
    (tmp_path / "more").mkdir()
    iio.imwrite(tmp_path / "more" / "target.png", gray)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scores(out):
    text = (Path(out.splitlines()[-1]) / "scores.json").read_text(encoding="utf-8")
    return json.loads(text)["models"]


class TestCompare:
    def test_colors_are_scored_and_foreign_ones_counted(self, folder, synth):
        code, out, err = synth("compare", "target.png", "one.png", "copy.png")
        assert (code, err) == (0, "")
        one, copy = scores(out).values()
        assert {"colors", "color patches 1", "coherence"} <= set(one["ratios"])
        assert copy["foreign"] == [0]
        assert 0 <= one["foreign"][0] < 0.2
        assert [copy["copying"][0]["copied"], one["copying"][0]["copied"]] == [True, False]
        assert re.search(r"pixels of foreign colors +│ +\d+\.\d% │ +0\.0% │", out)
        assert re.search(r"copies of the target +│ +0 │ +1 │", out)

    def test_a_gray_candidate_has_three_channels_alike(self, folder, synth):
        _, out, _ = synth("compare", "target.png", "gray.png", "stored.png", "one.png")
        gray, stored, one = scores(out).values()
        assert gray == stored
        assert gray["foreign"][0] > 0
        assert gray["ratios"]["colors"][0] > one["ratios"]["colors"][0]

    def test_in_gray_all_pictures_are_luma(self, folder, synth):
        _, out, _ = synth("compare", "--gray", "target.png", "one.png", "gray.png")
        _, again, _ = synth("compare", "luma-of-target.npy", "luma-of-one.npy")
        gray, luma = scores(out), scores(again)
        assert gray["one"]["foreign"] is None
        assert "foreign" not in out
        for name, ratio in luma["luma-of-one"]["ratios"].items():
            assert gray["one"]["ratios"][name] == pytest.approx(ratio, rel=1e-2, abs=1e-3)

    def test_a_gray_target_takes_candidates_in_gray(self, folder):
        entries = contest.read("gray.png", ["one.png"])
        np.testing.assert_allclose(entries.fields["one"][0][0], blobs(1) @ LUMA / 255, rtol=1e-5)

    def test_real_pictures_in_color_set_the_floor(self, folder):
        entries = contest.read("target.png", ["one.png"], ["other.png", "copy.png"])
        assert [field.shape for field in entries.reals] == [(3, SIDE, SIDE)] * 2
        assert not contest.judge(entries).pieces

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("target.png", "wide.png"), "wide.png has 32 × 48 pixels and the target 32 × 32"),
            (("target.png", "three.npy", "--channels", "first"), "holds float64 values and the"),
            (("three.npy", "plane.npy", "--channels", "first"), "1 channel and the target 3: give"),
            (("three.npy", "five.npy", "--channels", "first"), "has 5 channels and the target 3"),
            (("target.png", "one.png", "--channels", "first"), "target.png needs no axis of chan"),
            (("three.npy", "--gray", "three.npy", "--channels", "first"), "that are no colors"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, folder, synth, arguments, words):
        before = sorted(folder.rglob("*"))
        code, out, err = synth("compare", *arguments)
        assert (code, out) == (2, "")
        assert re.fullmatch(rf"synth: [^\n]*{re.escape(words)}[^\n]*\n", err)
        assert sorted(folder.rglob("*")) == before


BAD = {
    "nine": (("nine.npy", "--channels", "first"), "nine.npy has 9 channels: give 1 to 8 of them"),
    "axis": (("three.npy", "--channels", "last"), "three.npy has 32 channels: give 1 to 8 of them"),
    "told": (("target.png", "--channels", "first"), "target.png needs no axis of channels: leave"),
    "plane": (("plane.npy", "--channels", "last"), "plane.npy needs no axis of channels: leave"),
    "sizes": (("target.png", "--with", "wide.png"), "wide.png has 32 × 48 pixels and target.png"),
    "many": (("five.npy", "--with", "three.npy", "--with", "target.png", "--channels", "first"),
             "The files have 11 channels together: give up to 8"),
    "names": (("target.png", "--with", "more/target.png"), "Two of the files are named target: re"),
    "stack": (("target.png", "--with", "three.npy"), "three.npy is one of 3 pictures, and only"),
    "others": (("target.png", "one.png", "--with", "gray.png"), "Several pictures of one process"),
    "unlike": (("target.png", "gray.png"), "gray.png and target.png have 1 and 3 channels: give"),
    "gray": (("three.npy", "--channels", "first", "--gray"), "3 channels that are no colors, and"),
    "infinite": (("infinite.npy", "--channels", "first"), "holds values that are infinite"),
    "start": (("target.png", "--start", "gray.png"), "gray.png has 1 channel and the target 3"),
    "mix": (("target.png", "--mix", "gray.png"), "gray has 1 channel and the target 3"),
    "flat mix": (("target.png", "--mix", "red.png"), "red make 1 principal component and those of"),
    "mix with": (("target.png", "--with", "gray.png", "--mix", "one.png"), "Pictures beside the f"),
    "whole": (("target.png", "--inpaint"), "target misses no pixel: say which ones to fill"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_one_sentence(case, folder, synth):
    before = sorted(folder.rglob("*"))
    arguments, words = BAD[case]
    code, out, err = synth("generate", *arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"synth: [^\n]*{re.escape(words)}[^\n]*\n", err)
    assert sorted(folder.rglob("*")) == before


def test_an_interrupt_while_writing_leaves_nothing(folder, synth, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(record.figures, "comparison", interrupt)
    before = sorted(folder.rglob("*"))
    code, out, err = synth("generate", "target.png", *QUICK, "--out", "new")
    assert (code, out, err) == (130, "", "synth: interrupted, nothing was written.\n")
    assert sorted(folder.rglob("*")) == before


class TestProcess:
    def test_color_is_one_picture(self, synth, tmp_path):
        code, out, _ = synth("process", "colored_foam", "--size", 32, "--out", tmp_path)
        assert (code, out) == (0, f"{tmp_path / 'colored_foam-32-seed0.npy'}\n")
        assert np.load(out.strip()).shape == (3, 32, 32)
        picture = iio.imread(tmp_path / "colored_foam-32-seed0.png")
        assert picture.shape == (32, 32, 3)

    def test_other_channels_are_a_picture_each(self, synth, tmp_path):
        _, out, _ = synth("process", "scalar_turbulence", "--size", 32, "--out", tmp_path)
        assert np.load(out.strip()).shape == (2, 32, 32)
        names = [path.name for path in (tmp_path / "scalar_turbulence-32-seed0").iterdir()]
        assert sorted(names) == ["channel-1.png", "channel-2.png"]


def test_a_gallery_of_gray_color_and_channels(folder):
    options = Options("", size=SIDE, scales=2, angles=2, models=("gaussian",))
    sources = ["gray.png", "target.png", "scalar-turbulence"]
    entries = list(gallery.make(sources, options, folder / "made"))
    assert [entry.code for entry in entries] == [0, 0, 0]
    rows = [gallery._row(entry.folder) for entry in entries]
    assert [row.groups for row in rows] == [None, (3,), (1, 1)]
    assert [len(row.fields["gaussian"]) for row in rows] == [1, 3, 2]
    path = gallery.save(entries, folder / "made")
    assert iio.imread(path).shape[0] > 1000
    assert all(entry.found for entry in gallery.make(sources, options, folder / "made"))


def test_benchmarks_of_gray_pictures_leave_out_color_and_parts_of_it():
    assert "turbulence" in NAMES
    tables = [bundled()[name] for name in NAMES if name in bundled()]
    assert all(table.get("channels", 1) == 1 for table in tables)
    assert not any("part" in table for table in tables)


def texture(channels, parts=()):
    fields = np.random.default_rng(0).normal(size=(1, channels, 16, 20)).astype(np.float32)
    notes = ("7 channels: 3 of albedo, 3 of normal, 1 of height.",) if parts else ()
    return Texture("leaves", fields, (True, True), fields.dtype, "", notes, parts)


def test_what_was_read_tells_channels(capsys):
    parts = tuple(Part(name, 3, np.dtype(np.uint8)) for name in ("albedo", "normal"))
    with Display() as display:
        display.target(texture(7, (*parts, Part("height", 1, np.dtype(np.uint16)))))
    assert capsys.readouterr().err.splitlines() == [
        "leaves: 16 × 20 pixels, 7 channels, periodic.",
        "7 channels: 3 of albedo, 3 of normal, 1 of height.",
    ]


BLOCKS = [
    *(f"moments/{channel}/order{order}" for channel in (1, 2, 3) for order in (1, 2)),
    *(f"spectra/each/{channel}/{name}" for channel in (1, 2, 3) for name in ("c01", "c11")),
    *("spectra/between/power", "spectra/between/phase", "between/power", "colors"),
]
ROWS = [
    *("residual, moments, order 1", "residual, moments, order 2"),
    *("residual, spectra, C01", "residual, spectra, C11"),
    *("residual, between, power", "residual, between, phase", "residual, colors"),
    *("spectrum error", "skewness", "kurtosis", "flatness at 1 px"),
    *("jump across border / inside", "jump, drawn–kept / inside"),
]


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_of_the_closing_table_are_lines_of_a_narrow_terminal(channels, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    numbers = {"skewness": 0.0, "kurtosis": 3.0, "flatness": {"1": 3.0}}
    jumps = {"seam_jump": 1.0, "border_jump": 1.1}
    levels = {name: 0.1 * (1 + index % 3) for index, name in enumerate(BLOCKS)}
    model = {"residual": levels, "spectrum_error_db": 0.5, **numbers, **jumps}
    report = {
        "noise": levels,
        "unit": levels,
        "target": numbers,
        "models": dict.fromkeys(("gaussian", "scattering", "full"), model),
    }
    monkeypatch.setattr(record, "manifest", lambda _: report)
    target, options = texture(channels), Options("leaves")
    layout = prepare(target, options).layout
    closing_table(Result(target, None, options, layout, (), {}, {}, {}, {}, {}, None, Clock(), {}))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [line.split("│")[1].strip() for line in lines if line.startswith("│")] == ROWS
    assert ("Spectrum to flatness: of the first principal component." in lines) == (channels > 1)
    (colors,) = (line for line in lines if "colors" in line)
    value = levels["colors"]
    assert f"noise {value:.2%} │ {value:>8.2%}" in colors


def test_a_contest_of_arrays_takes_the_axis_that_is_told(folder):
    entries = contest.read("three.npy", ["three.npy"], channels="first")
    assert entries.target.fields.shape == (1, 3, SIDE, SIDE)
    with pytest.raises(InputError, match="needs no axis of channels"):
        contest.read("target.png", ["one.png"], channels="last")
