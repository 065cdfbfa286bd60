"""Compiled programs that are kept, and processes that do not meet."""

import os
import subprocess
import sys

import pytest
from platformdirs import user_cache_path

from synth import cli, runtime

MAIN = "from synth.cli import main; main()"
SMALL = ["generate", "turbulence", "--size", "32", "--scales", "2", "--angles", "2"]


def run(*arguments, **environment):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("JAX_")}
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**clean, **environment},
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path))
    return tmp_path / "programs"


def test_programs_are_in_the_user_s_cache_folder(monkeypatch):
    monkeypatch.delenv("SYNTH_CACHE_DIR")
    assert runtime.programs().folder == user_cache_path("synth", appauthor=False) / "programs"


def test_a_run_keeps_its_programs_unless_it_is_told_not_to(folder, tmp_path):
    options = [*SMALL, "--model", "gaussian", "--device", "cpu", "--out", str(tmp_path)]
    given = {"SYNTH_CACHE_DIR": str(folder.parent)}
    assert run(*options, "--no-cache", **given).returncode == 0
    assert runtime.programs() == (folder, 0, 0)
    assert run(*options, **given).returncode == 0
    kept = runtime.programs()
    assert kept.number > 0
    assert kept.size > 0
    assert run(*options, **given).returncode == 0
    assert runtime.programs().number == kept.number


def test_the_cache_command_shows_and_clears(folder, capsys):
    folder.mkdir()
    (folder / "my-notes.txt").write_text("stays")
    (folder / "jit_f-0-cache").write_bytes(bytes(1500))
    (folder / "jit_f-0-atime").write_bytes(b"")
    for arguments, words in ((["cache"], "1 program, 0.0 MB, in"), (["cache", "--clear"], "0 pro")):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        out, err = capsys.readouterr()
        assert (ended.value.code, out) == (0, f"{folder}\n")
        assert err.startswith(words)
    assert [file.name for file in folder.iterdir()] == ["my-notes.txt"]


def test_a_folder_that_cannot_be_made_is_no_reason_to_stop(tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    options = [*SMALL, "--model", "gaussian", "--device", "cpu", "--out", str(tmp_path / "out")]
    assert run(*options, SYNTH_CACHE_DIR=str(file)).returncode == 0


def test_a_process_without_others_says_how_to_start_them(tmp_path):
    ended = run(*SMALL, "--distributed", "--out", str(tmp_path / "out"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("synth: The processes of a distributed run do not meet (")
    assert "set JAX_COORDINATOR_ADDRESS" in ended.stderr
    assert not (tmp_path / "out").exists()
