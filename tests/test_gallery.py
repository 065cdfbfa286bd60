"""The gallery: a row per picture, found again, and none that ends the rest."""

import importlib.util
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from synth.app import fitted, gallery
from synth.app.figures import Row
from synth.app.figures import gallery as figure_of
from synth.app.figures._parts import _NAMED
from synth.app.gallery import make, save
from synth.app.options import LADDER, Options
from synth.errors import InputError

SIZES = ("--size", "32", "--scales", "3", "--angles", "2", "--max-steps", "12")
SMALL = (*SIZES, "--model", "scattering")
OPTIONS = Options("", size=32, scales=3, angles=2, max_steps=12)


@pytest.fixture
def script(monkeypatch, capsys):
    """Run ``scripts/make_gallery.py`` here: exit code, standard output, standard error."""
    path = Path(__file__).parents[1] / "scripts" / "make_gallery.py"
    spec = importlib.util.spec_from_file_location("make_gallery", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["make_gallery.py", *map(str, arguments)])
        return module.main(), *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A gallery with one row, and what became of its picture."""
    folder = tmp_path_factory.mktemp("gallery")
    entries = list(make(["foam"], OPTIONS, folder))
    return folder, entries


def snapshot(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


class TestMake:
    def test_a_run_is_a_folder(self, made):
        folder, (entry,) = made
        assert entry.folder.parent == folder
        assert (entry.source, entry.found) == ("foam", False)
        assert entry.code == (0 if entry.words.startswith("Converged") else 3)
        assert (entry.folder / "manifest.json").is_file()

    def test_what_was_made_is_found_again(self, made):
        folder, (entry,) = made
        before = snapshot(folder)
        assert list(make(["foam"], OPTIONS, folder)) == [entry._replace(found=True)]
        assert snapshot(folder) == before

    @pytest.mark.parametrize("change", [{"seed": 1}, {"size": 33}, {"models": ("spectra",)}])
    def test_what_was_asked_for_otherwise_is_made_anew(self, made, change, monkeypatch):
        folder, _ = made
        monkeypatch.setattr(gallery, "generate", lambda *_: (look for look in ()))
        monkeypatch.setattr(gallery, "write", lambda *_: pytest.fail("as it should"))
        with pytest.raises(pytest.fail.Exception, match="as it should"):
            list(make(["foam"], replace(OPTIONS, **change), folder))

    def test_another_picture_of_the_same_name_is_made_anew(self, made, tmp_path):
        folder, (entry,) = made
        np.save(tmp_path / "foam.npy", np.random.default_rng(0).normal(size=(32, 32)))
        (other,) = make([tmp_path / "foam.npy"], OPTIONS, folder)
        assert not other.found
        assert other.folder != entry.folder

    def test_half_a_run_does_not_count(self, made, tmp_path):
        half = tmp_path / "foam-20260101-000000"
        half.mkdir()
        (half / "manifest.json").write_text('{"outcome": ')
        (entry,) = make(["foam"], OPTIONS, tmp_path)
        assert not entry.found
        assert half.is_dir()

    def test_a_bad_picture_does_not_end_the_rest(self, made, tmp_path):
        folder, _ = made
        (tmp_path / "text.png").write_text("no picture")
        bad, worse, good = make([tmp_path / "text.png", "nowhere", "foam"], OPTIONS, folder)
        assert (bad.folder, bad.code, worse.code) == (None, 2, 2)
        assert "cannot be read as a picture" in bad.words
        assert good.found

    def test_a_failure_of_ours_does_not_end_the_rest(self, made, monkeypatch):
        folder, _ = made

        def fail(*_, **__):
            raise MemoryError("64 GiB")

        monkeypatch.setattr(fitted, "fit", fail)
        bad, good = make(["ising", "foam"], OPTIONS, folder)
        assert (bad.folder, bad.code, bad.words) == (None, 1, "MemoryError: 64 GiB")
        assert good.found

    def test_a_folder_that_cannot_be_written(self, tmp_path):
        (tmp_path / "mine.txt").touch()
        with pytest.raises(InputError, match="cannot be written"):
            list(make(["foam"], OPTIONS, tmp_path / "mine.txt"))


class TestSave:
    def test_replaces_the_picture(self, made):
        folder, entries = made
        path = save(entries, folder)
        assert path == folder / "gallery.png"
        assert path.stat().st_size > 10_000
        assert save(entries, folder) == path
        assert not [path for path in folder.iterdir() if path.name.startswith(".")]

    def test_shows_a_model_that_measures_no_order_2(self, script, tmp_path):
        code, out, _ = script("foam", *SIZES, "--model", "scattering1", "--out", tmp_path)
        assert (code in (0, 3), out) == (True, f"{tmp_path / 'gallery.png'}\n")

    def test_needs_a_row(self, tmp_path):
        with pytest.raises(InputError, match="nothing to show"):
            save(list(make(["nowhere"], OPTIONS, tmp_path)), tmp_path)


class TestScript:
    def test_reports_bad_pictures_at_the_end(self, made, script):
        folder, _ = made
        code, out, err = script("nowhere.png", "foam", *SMALL, "--out", folder)
        assert (code, out) == (2, f"{folder / 'gallery.png'}\n")
        first, second, last = err.splitlines()
        assert first.startswith("1/2 nowhere.png (0 s): There is no picture")
        assert second.startswith("2/2 foam (found): ")
        assert last.startswith("make_gallery: nowhere.png is missing: There is no picture")

    def test_says_how_the_worst_row_ended(self, made, script):
        folder, (entry,) = made
        code, out, _ = script("foam", *SMALL, "--out", folder)
        assert (code, out) == (entry.code, f"{folder / 'gallery.png'}\n")

    def test_takes_every_picture_unless_told(self, script, monkeypatch, tmp_path):
        with pytest.raises(InputError, match="The seed -1 is out of range"):
            script("--seed", "-1", "--out", tmp_path)
        code, out, err = script("--size", "3", "--out", tmp_path / "new")
        assert (code, out) == (2, "")
        assert len(re.findall(r"^\d+/\d+ .*size 3 is out of range", err, re.M)) >= 10
        assert list(tmp_path.iterdir()) == []


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def row(shape, name="noise", note="128 × 128 pixels · converged after 200 evaluations"):
    fields = {"target": noise(shape), "gaussian": noise(shape, 1), "scattering": noise(shape, 2)}
    return Row(name, fields, {"gaussian": 0.3, "scattering": 0.01}, note)


class TestFigure:
    @pytest.mark.parametrize("shapes", [[(64, 64)], [(16, 16), (300, 90), (97, 131), (600, 600)]])
    def test_no_word_is_cut_and_nothing_overlaps(self, shapes):
        figure = figure_of([row(shape) for shape in shapes], title="A gallery", note="Note. " * 60)
        renderer = FigureCanvasAgg(figure).get_renderer()
        boxes = [
            text.get_window_extent(renderer)
            for text in figure.findobj(Text)
            if text.get_visible() and text.get_text().strip()
        ]
        assert len(boxes) == 2 + 3 + len(shapes) * (2 + 3 + 4 + 2 + 2 + 3 + 3)
        for box in boxes:
            assert box.x0 >= 0
            assert box.y0 >= 0
            assert box.x1 <= figure.bbox.x1
            assert box.y1 <= figure.bbox.y1
        things = boxes + [axes.bbox for axes in figure.axes]
        for index, one in enumerate(things):
            assert not any(one.overlaps(other) for other in things[:index])

    def test_a_row_has_the_gray_scale_of_its_target(self):
        rows = [row((32, 32)), row((40, 40))]
        rows[1].fields["target"][:] *= 100
        images = [axes.images[0] for axes in figure_of(rows).axes]
        scales = [(image.norm.vmin, image.norm.vmax) for image in images]
        assert len(images) == 6
        for index, one in enumerate(rows):
            span = tuple(np.percentile(one.fields["target"], (0.5, 99.5)))
            assert scales[3 * index : 3 * index + 3] == [span] * 3

    def test_a_field_that_failed_has_no_numbers(self):
        one = row((32, 32))
        one.fields["scattering"][:] = np.nan
        words = [text.get_text() for text in figure_of([one]).texts]
        assert sum("dB" in word for word in words) == 1
        assert "nan" not in " ".join(words)

    def test_errors_say_what_to_do(self):
        with pytest.raises(ValueError, match="pass at least one row"):
            figure_of([])
        alone = row((32, 32))._replace(fields={"target": noise((32, 32))})
        with pytest.raises(ValueError, match="2 different sets of fields"):
            figure_of([row((32, 32)), alone])


def test_every_rung_of_the_ladder_has_a_note_and_a_color():
    assert set(gallery._NOTES) == {"target", *LADDER}
    assert set(_NAMED) == set(LADDER)
