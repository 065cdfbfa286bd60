"""Programs that are kept: where, how many, and that they are found again."""

import dataclasses
import pickle
import shutil
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import run_command as run
from fields import run_python
from jax.experimental.compilation_cache import compilation_cache
from platformdirs import user_cache_path

from synth import device_mesh
from synth.app import cli, programs
from synth.parallel.programs import compiled

SMALL = ["generate", "turbulence", "--size", "32", "--scales", "2", "--angles", "2"]
LONG = ["--max-steps", "70", "--tolerance", "1e-9"]  # beyond the first stage


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path))
    return tmp_path / "programs"


def test_programs_are_in_the_user_s_cache_folder(monkeypatch):
    monkeypatch.delenv("SYNTH_CACHE_DIR")
    assert programs.kept().folder == user_cache_path("synth", appauthor=False) / "programs"


def test_a_run_keeps_its_programs_unless_it_is_told_not_to(folder, tmp_path):
    options = [*SMALL, "--model", "gaussian", "--device", "cpu", "--out", str(tmp_path)]
    given = {"SYNTH_CACHE_DIR": str(folder.parent)}
    assert run(*options, "--no-cache", **given).returncode == 0
    assert programs.kept() == (folder, 0, 0)
    assert run(*options, **given).returncode == 0
    kept = programs.kept()
    assert kept.number > 0
    assert kept.size > 0
    assert run(*options, **given).returncode == 0
    assert programs.kept().number == kept.number


def test_the_cache_command_shows_and_clears(folder, capsys):
    folder.mkdir()
    (folder / "my-notes.txt").write_text("stays")
    (folder / "jit_f-0-cache").write_bytes(bytes(1500))
    (folder / "jit_f-0-atime").write_bytes(b"")
    (folder / "f-0-trace").write_bytes(bytes(500))
    (folder / "f-0-trace-seal").write_bytes(bytes(32))
    (folder / "seal.key").write_bytes(bytes(32))
    for arguments, words in ((["cache"], "1 program, 0.0 MB, in"), (["cache", "--clear"], "0 pro")):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        out, err = capsys.readouterr()
        assert (ended.value.code, out) == (0, f"{folder}\n")
        assert err.startswith(words)
    assert [file.name for file in folder.iterdir()] == ["my-notes.txt"]


def test_a_compiled_program_that_this_user_s_runs_did_not_make_is_deleted(folder):
    folder.mkdir(mode=0o700)
    planted = folder / "jit_f-0-cache"
    planted.write_bytes(b"planted")
    programs.keep()
    assert not planted.exists()


def test_a_folder_that_cannot_be_made_is_no_reason_to_stop(tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    options = [*SMALL, "--model", "gaussian", "--device", "cpu", "--out", str(tmp_path / "out")]
    assert run(*options, SYNTH_CACHE_DIR=str(file)).returncode == 0


def test_the_same_command_twice_gives_the_same_fields_and_traces_nothing_new(folder, tmp_path):
    fields = []
    for name in ("first", "second"):
        out = tmp_path / name
        given = {"SYNTH_CACHE_DIR": str(folder.parent)}
        ended = run(*SMALL, *LONG, "--device", "cpu", "--out", str(out), **given)
        assert ended.returncode == 3, ended.stderr
        fields.append(np.load(next(out.glob("*/fields.npz")))["scattering"])
        traces = sorted(path.name.split("-")[0] for path in folder.glob("*-trace"))
        assert traces == [
            "advance",
            "distance",
            "from_noise",
            "look",
            "measured_on_torus",
            "moments_on_torus",
            "restart",
            "weights",
        ]
    np.testing.assert_array_equal(*fields)


AHEAD = """
import jax
import numpy as np
from synth import device_mesh
from synth.app import programs
from synth.parallel.programs import compiled

def double(x, y):
    return 2 * x, y + 1

programs.keep()
arrays = np.ones((2, 4), np.float32), np.ones(3, np.float32)
shapes = [jax.ShapeDtypeStruct(each.shape, each.dtype) for each in arrays]
with jax.set_mesh(device_mesh(angles=2)):
    everywhere = jax.device_put(arrays, jax.P())
    shared = jax.device_put(arrays[0], jax.P("angle")), everywhere[1]
    for given in (shapes, everywhere, shared, arrays):
        function = compiled(double)  # as another process would
        function.prepare(*given)
        if given is not shapes:
            np.testing.assert_array_equal(function(*given)[0], 2 * arrays[0])
print(len(list(programs.kept().folder.glob("jit_double-*-cache"))))
"""


def test_what_is_compiled_ahead_serves_arrays_wherever_they_are(folder):
    given = {"SYNTH_CACHE_DIR": str(folder.parent)}
    given["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    done = run_python(AHEAD, **given)
    assert (done.stdout, done.stderr) == ("1\n", "")


class Planted:
    """What runs code where it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("A planted file was run.",)


class TestCompiled:
    """A function whose trace is kept."""

    @pytest.fixture(autouse=True)
    def keeping(self, folder):
        programs.keep()

    @pytest.fixture
    def traced(self):
        return []

    @pytest.fixture
    def function(self, traced):
        def double(tree, by=2):
            traced.append(tree)
            return {"product": by * tree["x"], "kept": (tree["y"],)}

        return double

    TREE: ClassVar = {"x": np.arange(3.0, dtype=np.float32), "y": np.ones((2, 2), np.float32)}

    def check(self, result, factor=2):
        np.testing.assert_array_equal(result["product"], factor * self.TREE["x"])
        np.testing.assert_array_equal(result["kept"][0], self.TREE["y"])

    def test_it_is_traced_once_for_all_processes(self, function, traced, folder):
        for _ in range(2):  # a new function, as in a new process
            double = compiled(function)
            self.check(double(self.TREE))
            self.check(double(self.TREE, by=3), 3)
            self.check(double(self.TREE))
            assert len(traced) == 2
        assert len(list(folder.glob("double-*-trace"))) == 2

    def test_what_is_not_used_is_not_sent_to_the_devices(self, folder):
        def first(used, unused):
            return used + 1

        gone = jnp.ones(3)
        gone.delete()
        np.testing.assert_array_equal(compiled(first)(jnp.ones(2), gone), [2, 2])
        assert list(folder.glob("first-*-trace"))

    def test_what_it_depends_on_is_told_apart(self, function, traced):
        compiled(function)(self.TREE)
        compiled(function)({**self.TREE, "x": np.arange(4.0)})
        compiled(function)({**self.TREE, "x": np.arange(3)})
        with jax.enable_x64(True):
            compiled(function)(self.TREE)
        with jax.default_matmul_precision("highest"):
            compiled(function)(self.TREE)
        with jax.set_mesh(device_mesh()):
            compiled(function)(self.TREE)
        assert len(traced) == 6
        compiled(function)(self.TREE)
        assert len(traced) == 6

    def test_another_source_is_traced_anew(self, function, traced, monkeypatch):
        compiled(function)(self.TREE)
        monkeypatch.setattr(programs, "_SOURCE", "of another version")
        compiled(function)(self.TREE)
        assert len(traced) == 2

    @pytest.mark.parametrize("damage", [b"", b"no seal", pickle.dumps(Planted())])
    def test_a_damaged_or_planted_file_is_replaced(self, function, traced, folder, damage):
        compiled(function)(self.TREE)
        (file,) = folder.glob("double-*-trace")
        file.write_bytes(damage)
        self.check(compiled(function)(self.TREE))
        self.check(compiled(function)(self.TREE))
        assert len(traced) == 2

    def test_a_trace_under_another_name_is_not_used(self, function, traced, folder):
        compiled(function)(self.TREE)
        compiled(function)(self.TREE, by=np.float32(3))
        two, three = sorted(folder.glob("double-*-trace"), key=lambda file: file.stat().st_mtime)
        for file in (two, three):
            assert file.with_name(f"{file.name}-seal").exists()
        shutil.copy(two, three)
        shutil.copy(two.with_name(f"{two.name}-seal"), three.with_name(f"{three.name}-seal"))
        self.check(compiled(function)(self.TREE, by=np.float32(3)), 3)
        assert len(traced) == 3

    @pytest.fixture
    def restarted(self):
        """What JAX does with the folder in a new process."""

        def restart():
            compilation_cache.reset_cache()
            jax.clear_caches()
            programs.keep()

        yield restart
        compilation_cache.reset_cache()

    def test_damaged_bits_change_nothing(self, folder, restarted):
        @compiled
        def blurred(field):
            return {"field": jnp.fft.ifft2(jnp.fft.fft2(field) * 0.5).real, "sum": field.sum()}

        rng = np.random.default_rng(0)
        field = rng.normal(size=(16, 16)).astype(np.float32)
        restarted()
        wanted, flips = blurred(field), 0
        while flips < 200:
            programs._seal(programs.open_folder(folder))
            files = [file for file in folder.iterdir() if file.suffix != ".key" or flips % 3 == 0]
            assert {"cache", "trace", "seal"} <= {file.name.split("-")[-1] for file in files}
            for file in files:
                content = bytearray(file.read_bytes())
                content[rng.integers(len(content))] ^= 1 << rng.integers(8)
                file.write_bytes(content)
            flips += len(files)
            restarted()
            result = compiled(blurred.__wrapped__)(field)
            jax.tree.map(np.testing.assert_array_equal, result, wanted)

    def test_no_one_else_may_read_or_write_what_is_kept(self, function, folder):
        compiled(function)(self.TREE)
        programs._seal(programs.open_folder(folder))
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}

    def test_in_a_folder_that_others_can_write_nothing_is_kept(self, function, folder):
        folder.chmod(0o777)
        self.check(compiled(function)(self.TREE))
        assert not list(folder.glob("*-trace"))

    def test_a_key_that_others_could_have_read_is_replaced(self, function, traced, folder):
        compiled(function)(self.TREE)
        (folder / "seal.key").chmod(0o644)
        self.check(compiled(function)(self.TREE))
        assert len(traced) == 2
        assert (folder / "seal.key").stat().st_mode & 0o777 == 0o600

    def test_in_a_transformation_it_is_a_plain_function(self, function, folder):
        result = jax.vmap(compiled(function))(jax.tree.map(lambda x: x[None], self.TREE))
        self.check(jax.tree.map(lambda x: x[0], result))
        assert not list(folder.glob("*-trace"))

    def test_what_is_of_other_people_s_classes_is_only_compiled(self, function, folder):
        class Pair(NamedTuple):
            x: np.ndarray
            y: np.ndarray

            def __getitem__(self, name):
                return getattr(self, name)

        self.check(compiled(function)(Pair(**self.TREE)))
        assert not list(folder.glob("*-trace"))

    @pytest.mark.parametrize("step", ["export.export", "export.Exported.serialize"])
    def test_what_cannot_be_kept_is_compiled_all_the_same(
        self, function, folder, monkeypatch, step
    ):
        def fail(*_):
            raise NotImplementedError

        monkeypatch.setattr(f"jax.{step}", fail)
        self.check(compiled(function)(self.TREE))
        assert not list(folder.glob("*-trace"))

    def test_a_trace_for_other_devices_is_replaced(self, function, traced, folder, monkeypatch):
        compiled(function)(self.TREE)
        load = jax.export.deserialize

        def of_two_devices(stored):
            return dataclasses.replace(load(stored), nr_devices=2)

        monkeypatch.setattr("jax.export.deserialize", of_two_devices)
        self.check(compiled(function)(self.TREE))
        assert len(traced) == 2

    def test_several_processes_keep_none(self, function, folder, monkeypatch):
        monkeypatch.setattr(jax, "process_count", lambda: 2)
        self.check(compiled(function)(self.TREE))
        assert not list(folder.glob("*-trace"))

    def test_where_jax_was_told_to_keep_programs_traces_are_not_ours(
        self, function, folder, monkeypatch, tmp_path
    ):
        (tmp_path / "profile-trace").write_text("somebody's")
        monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
        programs.keep()
        self.check(compiled(function)(self.TREE))
        assert programs.kept() == (tmp_path, 0, 0)
        programs.forget()
        assert (tmp_path / "profile-trace").exists()
        assert not list(folder.glob("*-trace"))

    def test_nothing_is_kept_in_a_folder_that_is_gone_or_not_asked_for(
        self, function, folder, monkeypatch
    ):
        shutil.rmtree(folder)
        folder.write_text("not a folder")
        self.check(compiled(function)(self.TREE))
        monkeypatch.setenv("SYNTH_CACHE_DIR", str(folder.parent / "other"))
        self.check(compiled(function)(self.TREE))
        assert not (folder.parent / "other").exists()
