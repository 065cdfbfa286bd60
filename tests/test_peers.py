"""The benchmark of the neighbors: its protocol, with stand-ins, and what it says of a failure."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.peers.worker import turn

ROOT = Path(__file__).parent.parent

# Runs the real worker with peers of its own: two that are slow, one that fails, one that dies.
STUB = """
import os, sys, time
from pathlib import Path

path = Path(sys.argv.pop(2))
assert sys.argv.pop(1) == "-I"
sys.path.insert(0, str(path.parent))
import worker


def slow(target, start):
    def evaluate():
        print("what a library prints")
        time.sleep(0.3)
        return start - target

    return {"num_scales": 1, "num_angles": 2, "num_coefficients": 3}, evaluate


def failing(target, start):
    raise ValueError("no such\\nscale")


def dying(target, start):
    os._exit(3)


worker.PEERS.update({"kymatio": slow, "kymatio-torus": slow, "plenoptic": failing, "pywph": dying})
worker._environment = lambda name: {"version": "0.0"}
worker.main()
"""


def peers(python, path, *options):
    """Run the benchmark as a user does."""
    command = [sys.executable, "-m", "benchmarks.peers", "--python", python, "--json", path]
    return subprocess.run(
        [*map(str, command), "--size", "16", "--repeats", "1", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def stub(tmp_path):
    """An interpreter that runs the stub, whatever it is told to run."""
    script, python = tmp_path / "stub.py", tmp_path / "python"
    script.write_text(STUB)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    python.chmod(0o755)
    return python


def test_peers_are_timed_and_those_that_fail_are_left_out(stub, tmp_path):
    path = tmp_path / "peers.json"
    run = peers(stub, path)
    assert run.returncode == 0
    assert run.stderr.splitlines() == [
        "plenoptic is left out: ValueError: no such scale",
        "pywph is left out: its process ended with exit code 3",
    ]
    saved = json.loads(path.read_text())
    assert saved["machine"]["device"].startswith("cpu")
    assert [row["peer"] for row in saved["results"]] == ["kymatio", "kymatio-torus"]
    row = saved["results"][0]
    assert (row["version"], row["size"]) == ("0.0", 16)
    assert (row["num_scales"], row["num_angles"], row["num_coefficients"]) == (1, 2, 3)
    assert 0.3 < row["seconds_evaluation"] < 0.6
    assert row["ratio"] == row["seconds_evaluation"] / row["seconds_evaluation_synth"]
    assert row["ratio_range"] == [row["ratio"], row["ratio"]]
    assert row["ratio_fastest"] > 1


def test_an_environment_without_the_package(tmp_path):
    path = tmp_path / "peers.json"
    run = peers(sys.executable, path, "--peers", "pywph")
    assert run.returncode == 1
    left_out, nothing = run.stderr.splitlines()
    assert left_out.startswith("pywph is left out: ModuleNotFoundError: No module named")
    assert nothing == "No peer was measured, and nothing is written."
    assert not path.exists()


def test_what_is_no_python(tmp_path):
    path = tmp_path / "peers.json"
    run = peers("/bin/echo", path, "--peers", "kymatio")
    assert run.returncode == 1
    assert run.stderr.startswith("kymatio is left out: its process answered '-I ")
    assert not path.exists()


@pytest.mark.parametrize(
    ("python", "options", "message"),
    [
        ("/no/such/python", [], "no interpreter at /no/such/python: benchmarks/peers/README.md"),
        (sys.executable, ["--size", "100"], "--size is 100, and must be a power of two"),
        (sys.executable, ["--repeats", "0"], "--repeats is 0, and must be 1 or more"),
    ],
)
def test_bad_options(python, options, message, tmp_path):
    run = peers(python, tmp_path / "peers.json", *options)
    assert run.returncode == 2
    assert message in run.stderr
    assert not any(tmp_path.iterdir())


def test_a_turn_fills_its_time_and_is_one_evaluation_at_least():
    assert len(turn(lambda: time.sleep(0.02), least=0.05)) == 3
    assert len(turn(lambda: time.sleep(0.02), least=0.001)) == 1
