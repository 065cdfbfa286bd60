"""`synth classify`: folders of classes, classifiers that are kept, and what cannot be used."""

import json
import pickle
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra classify has it")

from synth.app import classes, cli
from synth.app.albums import album, read
from synth.descent import drain
from synth.errors import InputError
from synth.learning import kept

FAST = ("--scales", "2", "--angles", "2")
COUNT = 6


def blobs(kind, seed, shape=(24, 24)):
    """Gray levels of 8 bits: white noise, waves along the rows, or long edges."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(shape)
    if kind == "waves":
        noise = 3 * np.sin(np.arange(shape[1]) * 0.9 + rng.uniform(0, 6)) + 0.3 * noise
    if kind == "edges":
        noise = np.sign(noise.cumsum(0).cumsum(1) + rng.normal())
        noise[0, 0] *= -1  # no picture is constant
    return (128 + 25 * noise).clip(0, 255).astype(np.uint8)


def write(folder, kinds=("edges", "noise", "waves"), count=COUNT, **options):
    """A folder of classes."""
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
        for seed in range(count):
            Image.fromarray(blobs(kind, seed, **options)).save(folder / kind / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("classes") / "blobs")


@pytest.fixture(scope="module")
def ran(folder, tmp_path_factory):
    """The command on a folder, with a classifier that it keeps."""
    parent = tmp_path_factory.mktemp("out")
    model = parent / "blobs.model"
    arguments = ("classify", str(folder), *FAST, "--out", str(parent), "--save", str(model))
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as ended, redirect_stdout(out), redirect_stderr(err):
        cli.main(arguments)
    assert ended.value.code == 0, err.getvalue()
    return Path(out.getvalue().splitlines()[-1]), model, out.getvalue(), err.getvalue()


def settings(**options):
    return classes.Settings(**{"scales": 2, "angles": 2, **options})


def learned(own, **options):
    return classes.learn(drain(classes.judge(own, settings(**options))))


class TestFolder:
    def test_writes_a_picture_and_a_report(self, ran):
        made, model, out, err = ran
        assert {path.name for path in made.iterdir()} == {"confusion.png", "classes.json"}
        assert re.fullmatch(r"blobs-classes-\d{8}-\d{6}(-\d+)?", made.name)
        assert str(model) in err
        assert "18 pictures of 3 classes" in out
        assert iio.imread(made / "confusion.png").shape[1] > 800

    def test_the_report_says_what_was_found_for_each_picture(self, ran, folder):
        report = json.loads((ran[0] / "classes.json").read_text(encoding="utf-8"))
        assert report["classes"] == {"edges": COUNT, "noise": COUNT, "waves": COUNT}
        assert len(report["pictures"]) == 18
        for kind in ("scattering", "power spectrum", "gray-level histogram"):
            found = [one["found"][kind] == one["class"] for one in report["pictures"]]
            error = report["errors"][kind]
            assert error["wrong"] == found.count(False)
            low, high = error["interval"]
            assert low <= error["wrong"] / 18 <= high
            assert error["error"] == pytest.approx(np.mean(error["folds"]))
        assert report["errors"]["scattering"]["wrong"] <= 1
        counts = np.zeros((3, 3), int)
        names = list(report["classes"])
        for one in report["pictures"]:
            counts[names.index(one["class"]), names.index(one["found"]["scattering"])] += 1
        assert report["confusion"] == counts.tolist()
        assert report["chance"] == pytest.approx(2 / 3)
        files = {Path(one["file"]) for one in report["pictures"]}
        assert files == set(folder.rglob("*.png"))

    def test_labels_that_mean_nothing_are_not_told_apart(self, folder):
        """No fold trains on what it is tested on."""
        own = drain(album(folder))
        mixed = own._replace(labels=np.random.default_rng(0).permutation(own.labels))
        verdict = drain(classes.judge(mixed, settings()))
        for told in verdict.told.values():
            assert told.errors.mean() > 0.3

    def test_another_seed_makes_other_folds(self, folder):
        own = drain(album(folder))
        mixed = own._replace(labels=np.random.default_rng(0).permutation(own.labels))
        one, two = (drain(classes.judge(mixed, settings(seed=seed))) for seed in (0, 1))
        assert (one.told["scattering"].found != two.told["scattering"].found).any()

    def test_rotations_make_one_class_of_turned_pictures(self, tmp_path):
        """Trained on upright waves: those that are turned are nearest to them all the same."""
        upright = drain(album(write(tmp_path / "a", kinds=("noise", "waves"))))
        turned = drain(read(sorted((tmp_path / "a" / "waves").iterdir())))
        turned = turned._replace(fields=turned.fields.swapaxes(-1, -2))
        model = learned(upright, rotations=True, angles=4)
        assert {each.name for each in classes.classified(model, turned)} == {"waves"}

    def test_windows_tell_where(self, tmp_path):
        """A spot above and one below have the same averages over the whole picture."""
        for kind in ("above", "below"):
            (tmp_path / kind).mkdir()
            for seed in range(COUNT):
                x = np.random.default_rng(seed).normal(100, 3, (32, 32))
                row = (8 if kind == "above" else 24) + seed % 3 - 1
                x[row - 3 : row + 3, 13:19] += 100
                Image.fromarray(x.astype(np.uint8)).save(tmp_path / kind / f"{seed}.png")
        own = drain(album(tmp_path))
        assert drain(classes.judge(own, settings(windows=True))).told["scattering"].wrong == 0
        assert drain(classes.judge(own, settings())).told["scattering"].wrong > 0


class TestPictures:
    def test_what_cannot_be_used_is_named(self, tmp_path, synth):
        folder = write(tmp_path / "some", kinds=("noise", "waves"))
        (folder / "noise" / "notes.txt").write_text("no picture")
        (folder / "noise" / ".hidden").write_text("not looked at")
        (folder / "empty").mkdir()
        (folder / "single").mkdir()
        Image.fromarray(blobs("edges", 0)).save(folder / "single" / "only.png")
        Image.fromarray(blobs("noise", 9, (16, 16))[:, :8]).save(folder / "waves" / "tiny.png")
        holes = np.random.default_rng(0).random((24, 24))
        holes[3, 3] = np.nan
        np.save(folder / "waves" / "holes.npy", holes)
        code, out, err = synth("classify", folder, *FAST, "--out", tmp_path / "out")
        assert code == 0, err
        words = " ".join(err.split())
        for name in ("notes.txt", "tiny.png", "holes.npy"):
            assert f"{name}" in words
        assert ".hidden" not in words
        assert "The class empty has no pictures that can be used and needs 5" in words
        assert "The class single has 1 picture that can be used and needs 5" in words
        report = json.loads((Path(out.splitlines()[-1]) / "classes.json").read_text("utf-8"))
        assert sorted(Path(file).name for file in report["skipped"]) == [
            "holes.npy",
            "notes.txt",
            "tiny.png",
        ]
        assert report["classes"] == {"noise": COUNT, "waves": COUNT}

    def test_of_larger_ones_the_middle_counts(self, tmp_path):
        for index, shape in enumerate(((24, 30), (28, 24))):
            Image.fromarray(blobs("noise", index, shape)).save(tmp_path / f"{index}.png")
        pictures = drain(read(sorted(tmp_path.iterdir())))
        assert pictures.form.shape == (24, 24)
        first, second = (blobs("noise", n, s) for n, s in enumerate(((24, 30), (28, 24))))
        np.testing.assert_allclose(pictures.fields[0, 0] * 255, first[:, 3:27], rtol=1e-5)
        np.testing.assert_allclose(pictures.fields[1, 0] * 255, second[2:26], rtol=1e-5)
        assert "24 × 30 to 28 × 24 pixels: of each the middle counts, 24 × 24" in pictures.notes[0]

    def test_a_far_smaller_one_is_skipped(self, tmp_path):
        for index, side in enumerate((64, 60, 20)):
            Image.fromarray(blobs("noise", index, (side, side))).save(tmp_path / f"{index}.png")
        pictures = drain(read(sorted(tmp_path.iterdir())))
        assert pictures.form.shape == (60, 60)
        assert [path.name for path in pictures.skipped] == ["2.png"]

    @pytest.mark.parametrize(("colored", "channels"), [(1, 1), (3, 3)])
    def test_color_and_gray_are_brought_to_what_most_are(self, tmp_path, colored, channels):
        for index in range(4):
            x = np.stack([blobs("noise", 10 * index + k) for k in range(3)], -1)
            x = x if index < colored else x[..., 0]
            Image.fromarray(x).save(tmp_path / f"{index}.png")
        pictures = drain(read(sorted(tmp_path.iterdir())))
        assert pictures.fields.shape == (4, channels, 24, 24)
        assert not pictures.skipped
        last = pictures.fields[3]
        np.testing.assert_array_equal(last, np.broadcast_to(last[:1], last.shape))
        assert any("turned into gray" in note for note in pictures.notes) == (channels == 1)

    def test_bits_do_not_matter_and_arrays_do_not_mix_with_pictures(self, tmp_path):
        x = blobs("noise", 0)
        Image.fromarray(x).save(tmp_path / "a8.png")
        Image.fromarray(x.astype(np.uint16) * 257).save(tmp_path / "b16.png")
        np.save(tmp_path / "c.npy", x / 255.0)
        pictures = drain(read(sorted(tmp_path.iterdir())))
        np.testing.assert_allclose(pictures.fields[0], pictures.fields[1], rtol=1e-6)
        assert [path.name for path in pictures.skipped] == ["c.npy"]

    def test_too_many_for_the_memory_are_refused(self, tmp_path, monkeypatch):
        write(tmp_path / "a", kinds=("noise",))
        monkeypatch.setattr("synth.app.albums._MEMORY", 0.0)
        with pytest.raises(InputError, match="6 files take too much memory"):
            drain(read(sorted((tmp_path / "a" / "noise").iterdir())))

    def test_files_that_cannot_be_opened_are_skipped(self, tmp_path, monkeypatch):
        folder = write(tmp_path / "a", kinds=("noise",)) / "noise"
        whole = Path.read_bytes

        def closed(path):
            if path.name == "2.png":
                raise PermissionError(13, "Permission denied")
            return whole(path)

        monkeypatch.setattr(Path, "read_bytes", closed)
        pictures = drain(read(sorted(folder.iterdir())))
        assert list(pictures.skipped.values()) == ["2.png cannot be read (Permission denied)."]
        assert len(pictures.files) == COUNT - 1

    def test_pages_of_a_file_are_told(self, tmp_path):
        np.save(tmp_path / "several.npy", np.random.default_rng(0).random((6, 24, 24)))
        pictures = drain(read([tmp_path / "several.npy"]))
        assert pictures.fields.shape == (6, 1, 24, 24)
        assert "several.npy holds 6 pictures" in pictures.notes[0]

    def test_why_a_class_is_left_out_is_told(self, tmp_path):
        folder = write(tmp_path / "a", kinds=("noise", "waves"))
        (folder / "large").mkdir()
        (folder / "large" / "0.png").write_text("none")
        own = drain(album(folder))
        assert "large has no pictures" in own.pictures.notes[-1]
        assert "cannot be read as a picture" in own.pictures.notes[-1]


class TestClassifier:
    def test_finds_classes(self, ran, folder, tmp_path, synth):
        _, model, _, _ = ran
        own = [folder / kind / "0.png" for kind in ("edges", "noise", "waves")]
        broken = tmp_path / "broken.png"
        broken.write_text("none")
        code, out, err = synth("classify", model, *own, broken, "--out", tmp_path / "out")
        assert code == 0, err
        assert "broken.png cannot be read" in " ".join(err.split())
        made = Path(out.splitlines()[-1])
        assert made.name.startswith("blobs-classified-")
        report = json.loads((made / "classes.json").read_text(encoding="utf-8"))
        assert [one["name"] for one in report["pictures"]] == ["edges", "noise", "waves"]
        for one in report["pictures"]:
            near, far = sorted(one["distances"].values())[:2]
            assert one["distances"][one["name"]] == near
            assert one["margin"] == pytest.approx(1 - near / far)
        assert list(report["skipped"]) == [str(broken)]

    def test_is_the_same_when_it_is_read_again(self, folder, tmp_path):
        own = drain(album(folder))
        for options in ({}, {"windows": True}, {"rotations": True}):
            model = learned(own, **options)
            kept.save(model, tmp_path / "model")
            again = kept.load(tmp_path / "model")
            assert again.names == model.names
            fields = own.pictures.fields
            np.testing.assert_array_equal(again.distances(fields), model.distances(fields))
        assert {path.name for path in tmp_path.iterdir()} == {"model"}

    def test_takes_pictures_of_its_own_kind(self, folder, tmp_path):
        """Color becomes gray, larger ones are cut, smaller ones are skipped."""
        model = learned(drain(album(folder)))
        gray = blobs("waves", 7, (30, 40))
        Image.fromarray(np.stack([gray] * 3, -1) // np.array([1, 2, 1], np.uint8)).save(
            tmp_path / "color.png"
        )
        Image.fromarray(blobs("waves", 7, (20, 40))).save(tmp_path / "flat.png")
        pictures = drain(classes.read_for(model, sorted(tmp_path.iterdir())))
        assert pictures.fields.shape == (1, 1, 24, 24)
        assert [path.name for path in pictures.skipped] == ["flat.png"]
        assert classes.classified(model, pictures)[0].name == "waves"

    @pytest.mark.parametrize("damage", ["about", "means", "names"])
    def test_a_file_whose_parts_do_not_fit_is_refused(self, ran, tmp_path, damage):
        with np.load(ran[1]) as file:
            arrays = dict(file)
        header = json.loads(arrays["header"].tobytes())
        if damage == "means":
            arrays["means"] = arrays["means"][:, :-1]
        else:
            header[damage] = {} if damage == "about" else header["names"][:-1]
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        with (tmp_path / "damaged").open("wb") as file:
            np.savez(file, **arrays)
        with pytest.raises(InputError, match="is no classifier"):
            kept.load(tmp_path / "damaged")

    def test_runs_nothing_of_its_file(self, tmp_path):
        """A pickle within is refused, not run."""
        path, ran = tmp_path / "evil", tmp_path / "ran"

        class Evil:
            def __reduce__(self):
                return (Path.touch, (ran,))

        with path.open("wb") as file:
            np.savez(file, header=np.array(Evil(), dtype=object))
        with pytest.raises(InputError, match="is no classifier"):
            kept.load(path)
        path.write_bytes(pickle.dumps(Evil()))
        with pytest.raises(InputError, match="is no classifier"):
            kept.load(path)
        assert not ran.exists()


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("nowhere",), "There is no nowhere"),
            (("nowhere", "--save", "m"), "There is no nowhere"),
            (("{folder}", "--size", "5"), "The size 5 is out of range"),
            (("{folder}", "--out", "{folder}/new"), "lies within"),
            (("{empty}",), "The folders are empty"),
            (("{one}",), "has 1 subfolder, and two classes are needed"),
            (("{folder}", "a.png"), "is a folder of classes and takes no further pictures"),
            (("{folder}", "--folds", "1"), "1 folds were asked for"),
            (("{folder}", "--folds", "7"), "needs two classes of 7 pictures at least"),
            (("{folder}", "--scales", "9"), "9 scales do not fit"),
            (("{folder}", "--scales", "0"), "0 scales do not fit"),
            (("{folder}", "--angles", "0"), "0 angles were asked for"),
            (("{folder}", "--seed", "-1"), "seed -1 is out of range"),
            (("{folder}", "--save", "{folder}"), "is a folder: give the name of a file"),
            (("{folder}", "--save", "{folder}/noise/0.png"), "is no classifier"),
            (("{folder}", "--save", "{folder}/x/y"), "There is no folder"),
            (("{folder}/noise/0.png", "a.png"), "is no classifier"),
            (("{model}",), "No pictures were given"),
            (("{model}", "--scales", "2", "a.png"), "leave out --scales"),
            (("{model}", "--save", "b", "a.png"), "leave out --save"),
            (("{model}", "nowhere.png"), "There is no picture"),
        ],
    )
    def test_ends_in_a_sentence(self, arguments, words, ran, folder, tmp_path, synth):
        one = tmp_path / "one"
        (one / "a").mkdir(parents=True)
        places = {"one": one, "folder": folder, "model": ran[1]}
        for name in ("a", "b"):
            (tmp_path / "empty" / name).mkdir(parents=True)
        places["empty"] = tmp_path / "empty"
        given = [argument.format(**places) for argument in arguments]
        where = () if "--out" in given else ("--out", tmp_path / "out")
        code, out, err = synth("classify", *given, *where)
        assert (code, out) == (2, "")
        assert words in " ".join(err.split())
        assert "Traceback" not in err
        assert not (tmp_path / "out").exists()
        assert not (folder / "new").exists()

    def test_without_scikit_learn_it_says_so(self, folder, monkeypatch, synth):
        command = sys.modules["synth.app.commands.classify"]
        monkeypatch.setattr(command, "find_spec", lambda _: None)
        code, _, err = synth("classify", folder)
        assert code == 2
        assert "pip install 'synth[classify]'" in " ".join(err.split())
