"""Where JAX computes: cores of the processor, devices that are not there, other processes."""

import os
import subprocess
import sys

import jax
import pytest
from fields import run_command as run

from synth.app import runtime
from synth.errors import InputError

COUNT = """
import jax
from synth.app import runtime
runtime.choose("cpu", {})
print(jax.local_device_count(), runtime.cores())
"""


@pytest.mark.parametrize("asked", [None, 1, 3])
@pytest.mark.parametrize("setting", [None, "JAX_NUM_CPU_DEVICES", "XLA_FLAGS"])
def test_a_processor_is_divided_into_its_cores(asked, setting):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("JAX_")}
    if setting:
        flag = "--xla_force_host_platform_device_count=5"
        environment[setting] = flag if setting == "XLA_FLAGS" else "5"
    ended = subprocess.run(
        [sys.executable, "-c", COUNT.format(asked)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    count, cores = map(int, ended.stdout.split())
    assert count == (asked or (5 if setting else min(cores, 8)))
    assert 1 <= cores <= os.cpu_count()


def test_jax_in_use_stays_as_it_is():
    count = jax.local_device_count()
    runtime.choose("cpu")
    assert jax.local_device_count() == count
    with pytest.raises(InputError, match=rf"64 devices were asked for: choose 1 to {count}\."):
        runtime.choose("cpu", 64)


def test_a_process_without_others_says_how_to_start_them(tmp_path):
    ended = run("generate", "turbulence", "--distributed", "--out", str(tmp_path / "out"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("synth: The processes of a distributed run do not meet (")
    assert "set JAX_COORDINATOR_ADDRESS" in ended.stderr
    assert not (tmp_path / "out").exists()
