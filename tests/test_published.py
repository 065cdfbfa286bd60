"""The benchmark of published settings: its readers on small files, what is refused, its tables."""

import gzip
import json
import sys

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra classify has it")

from benchmarks import published, published_sets
from synth.errors import InputError

SMALL = {"train": 60, "t10k": 20}
BATCH = 20


def strokes(labels, shape, seed=0):
    """A bar of 8 bits a picture, upright or lying by its class, at places of its own."""
    rng = np.random.default_rng(seed)
    found = rng.integers(0, 40, (len(labels), *shape), dtype=np.uint8)
    for picture, label in zip(found, labels, strict=True):
        turned = picture if label % 2 else picture.T
        at = rng.integers(shape[0] // 4, 3 * shape[0] // 4)
        turned[4:-4, at : at + 1 + label] = 220
    return found


def idx_bytes(values):
    lengths = b"".join(length.to_bytes(4, "big") for length in values.shape)
    return bytes((0, 0, 8, values.ndim)) + lengths + values.tobytes()


def write_mnist(folder, zipped=()):
    """Three digits, 28 × 28."""
    folder.mkdir(exist_ok=True)
    for seed, (part, count) in enumerate(SMALL.items()):
        labels = np.arange(count, dtype=np.uint8) % 3
        arrays = {"images-idx3": strokes(labels, (28, 28), seed), "labels-idx1": labels}
        for name, values in arrays.items():
            path, data = folder / f"{part}-{name}-ubyte", idx_bytes(values)
            if part in zipped:
                path, data = path.with_name(f"{path.name}.gz"), gzip.compress(data)
            path.write_bytes(data)
    return folder


def write_cifar(folder):
    """Two classes, 32 × 32, whose red is a bar."""
    folder.mkdir(exist_ok=True)
    for seed, name in enumerate((*published_sets.BATCHES, "test_batch.bin")):
        labels = np.arange(BATCH, dtype=np.uint8) % 2
        bars = strokes(labels, (32, 32), seed)
        colors = np.stack([bars, np.full_like(bars, 7), 255 - bars], 1)
        records = np.hstack([labels[:, None], colors.reshape(BATCH, -1)])
        (folder / name).write_bytes(records.tobytes())
    return folder


def write_textures(folder, form):
    """Pictures in color whose colors are gray, in folders as those of CUReT."""
    for label in range(form.classes):
        own = folder / f"sample{label + 1:02d}"
        own.mkdir(parents=True)
        labels = np.full(form.pictures, label)
        for number, picture in enumerate(strokes(labels, (20, 20), label)):
            Image.fromarray(picture).convert("RGB").save(own / f"{number}.png")
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Settings of sets that are made up."""
    monkeypatch.setattr(published_sets, "_DIGITS", SMALL)
    monkeypatch.setattr(published, "_PUBLISHED_DIGITS", {30: 0.047})
    monkeypatch.setattr(published_sets, "_BATCH", BATCH)
    monkeypatch.setattr(published, "_SCALES", 1)
    monkeypatch.setattr(published, "_TEXTURE_SCALES", 1)
    for name in ("CURET", "KTH_TIPS"):
        form = published_sets.Folders(name, classes=3, pictures=8, train=5)
        monkeypatch.setattr(published, name, form)


def spoil(path, change):
    """Change what a file holds, or delete it."""
    data = path.read_bytes()
    path.unlink()
    if change:
        path.write_bytes(change(data))


def ran(monkeypatch, path, *arguments):
    """The rows that the command keeps."""
    monkeypatch.setattr(sys, "argv", ["", *map(str, arguments), "--json", str(path)])
    published.main()
    return json.loads(path.read_text())["results"]


def refused(monkeypatch, capsys, *arguments):
    """What the command says to what it cannot use."""
    monkeypatch.setattr(sys, "argv", ["", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        published.main()
    assert end.value.code == 2
    said = capsys.readouterr().err.split("error: ")[1]
    assert said.count("\n") == 1
    return said


def test_idx_files_give_what_was_written_compressed_or_not(tmp_path):
    folder = write_mnist(tmp_path / "mnist", zipped=("t10k",))
    assert not (folder / "t10k-images-idx3-ubyte").exists()
    for seed, (part, count) in enumerate(SMALL.items()):
        pictures, labels = published_sets.digits(folder, part)
        np.testing.assert_array_equal(labels, np.arange(count) % 3)
        assert pictures.dtype == np.float32
        written = strokes(labels, (28, 28), seed)
        np.testing.assert_allclose(pictures * 255, written, rtol=1e-6)


def test_lengths_of_idx_files_are_big_endian(tmp_path):
    (tmp_path / "wide").write_bytes(bytes((0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 1, 2)) + bytes(258))
    assert published_sets.idx(tmp_path, "wide", 2).shape == (1, 258)


def test_cifar_files_hold_a_class_and_then_rows_of_each_color(tmp_path):
    folder = write_cifar(tmp_path / "cifar")
    pictures, labels = published_sets.color_pictures(folder, published_sets.BATCHES[:2])
    assert pictures.shape == (2 * BATCH, 3, 32, 32)
    np.testing.assert_array_equal(labels, np.tile([0, 1], BATCH))
    bars = np.concatenate([strokes(labels[:BATCH], (32, 32), seed) for seed in (0, 1)])
    np.testing.assert_allclose(pictures[:, 0] * 255, bars, rtol=1e-6)
    np.testing.assert_allclose(pictures[:, 1] * 255, 7, rtol=1e-6)
    np.testing.assert_allclose(pictures[:, 2] * 255, 255 - bars, rtol=1e-6)


def test_textures_are_gray_and_of_as_many_classes(tmp_path):
    folder = write_textures(tmp_path / "curet", published.CURET)
    (folder / "sample01" / "readme.txt").write_text("no picture")
    found = published_sets.texture_pictures(published.CURET, folder)
    assert found.names == ("sample01", "sample02", "sample03")
    assert found.pictures.fields.shape == (24, 1, 20, 20)
    np.testing.assert_array_equal(found.labels, np.repeat(np.arange(3), 8))
    written = strokes(np.full(8, 1), (20, 20), 1)
    np.testing.assert_allclose(found.pictures.fields[8:16, 0] * 255, written, atol=0.01)


def test_a_split_has_as_many_of_each_class_and_another_one_others():
    labels = np.arange(40) % 4
    one, other = published._drawn(labels, 3, 2)
    for own in (one, other):
        assert np.bincount(labels[own]).tolist() == [3] * 4
        assert len(set(own)) == 12
    assert set(one) != set(other)
    np.testing.assert_array_equal(one, next(published._drawn(labels, 3, 1)))


def test_a_table_of_mnist(monkeypatch, tmp_path, capsys):
    folder = write_mnist(tmp_path / "mnist", zipped=("train",))
    rows = ran(monkeypatch, tmp_path / "out" / "mnist.json", "mnist", folder, "--splits", 2)
    assert [row["train"] for row in rows] == [30, 60, 60]
    assert [row["splits"] for row in rows] == [2, 1, 1]
    assert [row["published"] for row in rows] == [0.047, None, 0.0043]
    assert [row["classifier"] for row in rows] == ["affine spaces"] * 2 + ["Gaussian SVM"]
    assert all(row["test"] == 20 and row["error"] < 0.3 for row in rows)
    assert [row["spread"] is None for row in rows] == [False, True, True]
    assert capsys.readouterr().out.count("published") == 2


@pytest.mark.parametrize(
    ("name", "form", "kinds", "errors"),
    [
        ("curet", "CURET", 4, [0.002, None, 0.01, None]),
        ("kth-tips", "KTH_TIPS", 3, [0.006, None, None]),
    ],
)
def test_tables_of_textures(monkeypatch, tmp_path, name, form, kinds, errors):
    folder = write_textures(tmp_path / name, getattr(published, form))
    rows = ran(monkeypatch, tmp_path / "textures.json", name, folder, "--splits", 2)
    assert len({row["numbers"] for row in rows}) == kinds
    assert [row["published"] for row in rows] == errors
    assert all((row["train"], row["test"], row["splits"]) == (15, 9, 2) for row in rows)
    assert rows[0]["error"] < 0.5


def test_a_table_of_cifar(monkeypatch, tmp_path):
    folder = write_cifar(tmp_path / "cifar")
    rows = ran(monkeypatch, tmp_path / "cifar.json", "cifar-10", folder)
    assert [row["published"] for row in rows] == [0.177, None]
    assert all((row["train"], row["test"], row["splits"]) == (100, 20, 1) for row in rows)
    assert rows[1]["error"] < 0.2


IMAGES = "train-images-idx3-ubyte"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (IMAGES, None, f"must hold {IMAGES} or {IMAGES}.gz"),
        (IMAGES, lambda data: b"\0\0\x08\1" + data[4:], "begins with 00000801, and an IDX file of"),
        (IMAGES, lambda data: data[:-1], "has 47,055 bytes and must have 47,056: copy the file"),
        (IMAGES, lambda data: data[:9], "has 9 bytes and must have 16"),
        (IMAGES, lambda _: b"", "begins with nothing"),
        (IMAGES, lambda _: idx_bytes(np.zeros((60, 28, 27), np.uint8)), "is of 60 × 28 × 27, and"),
        ("t10k-labels-idx1-ubyte", lambda data: data[:-1] + b"\x0a", "has classes 0 to 10"),
        ("t10k-labels-idx1-ubyte", lambda data: data + b"\0", "has 29 bytes and must have 28"),
    ],
)
def test_mnist_that_cannot_be_used(monkeypatch, capsys, tmp_path, name, change, message):
    path = write_mnist(tmp_path / "mnist") / name
    spoil(path, change)
    assert message in refused(monkeypatch, capsys, "mnist", path.parent)


def test_a_compressed_file_that_was_cut_off(tmp_path):
    whole = gzip.compress(idx_bytes(np.arange(200, dtype=np.uint8)))
    for data in (whole[:-20], whole[:3], b"no gzip", whole[:20] + b"\xff" * 40):
        (tmp_path / "labels.gz").write_bytes(data)
        with pytest.raises(InputError, match=r"labels.gz is no whole gzip file .*: copy the file"):
            published_sets.idx(tmp_path, "labels", 1)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("data_batch_3.bin", None, "data_batch_5.bin and test_batch.bin, the binary version"),
        ("test_batch.bin", lambda data: data[:-1], "has 61,459 bytes and must have 61,460"),
        ("data_batch_5.bin", lambda data: b"\x0b" + data[1:], "has classes 0 to 11, and must"),
    ],
)
def test_cifar_that_cannot_be_used(monkeypatch, capsys, tmp_path, name, change, message):
    path = write_cifar(tmp_path / "cifar") / name
    spoil(path, change)
    with pytest.raises(InputError) as error:
        published_sets.color_pictures(path.parent, (*published_sets.BATCHES, "test_batch.bin"))
    assert name in str(error.value)
    assert message in str(error.value)
    if not change:
        assert message in refused(monkeypatch, capsys, "cifar-10", path.parent)


def test_textures_that_cannot_be_used(monkeypatch, capsys, tmp_path):
    folder = write_textures(tmp_path / "curet", published.CURET)
    (folder / "sample02" / "3.png").write_bytes(b"no picture")
    said = refused(monkeypatch, capsys, "curet", folder)
    assert "sample02 has 7 pictures that can be used, and a class of CURET has 8" in said
    write_textures(folder / "more", published.CURET)
    said = refused(monkeypatch, capsys, "curet", folder)
    assert "has 4 classes with pictures, and CURET has 3: give the folder" in said
    said = refused(monkeypatch, capsys, "kth-tips", folder / "more" / "sample01")
    assert "has 0 subfolders, and two classes are needed at least" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["imagenet", "."], "There is no set imagenet: choose mnist, curet, kth-tips, cifar-10."),
        (["mnist", ".", "--splits", "0"], "--splits is 0, and must be 1 or more."),
        (["mnist", "nowhere"], "There is no folder nowhere: give the one that holds the set."),
    ],
)
def test_bad_options(monkeypatch, capsys, arguments, message):
    assert message in refused(monkeypatch, capsys, *arguments)


def test_help_is_the_docstring(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["", "--help"])
    with pytest.raises(SystemExit):
        published.main()
    assert "an error of 17.7 %." in capsys.readouterr().out
