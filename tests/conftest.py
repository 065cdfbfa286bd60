"""Runtime shape checks for every annotated function, and a look at the compiler."""

import gc
import os
import tempfile

import jax
import pytest
from compiler import UNOPTIMIZED
from jax import monitoring
from jaxtyping import install_import_hook

# Kept for the whole session: modules of the package are imported when they are first used.
install_import_hook("synth", "checked.checked")

# What the commands compile here stays out of the user's cache.
_programs = tempfile.TemporaryDirectory()
os.environ["SYNTH_CACHE_DIR"] = _programs.name

os.environ["XLA_FLAGS"] = " ".join((UNOPTIMIZED, os.environ.get("XLA_FLAGS", "")))

# A command that is called in this process finds JAX in use, on one device.
jax.config.update("jax_num_cpu_devices", 1)
jax.devices()

_KEEPING = ("compilation_cache_dir", "persistent_cache_min_compile_time_secs")
_KEEPING += ("persistent_cache_min_entry_size_bytes",)

_compiled = []

# Every compiled program maps memory, and Linux allows a process 65,530 mappings by default:
# beyond them the compiler crashes. So many programs are kept, then all are let go.
_MOST_PROGRAMS = 1500
_held = []


def _listen(event, _, fun_name="", **__):
    if event == "/jax/core/compile/backend_compile_duration":
        _compiled.append(fun_name)
        _held.append(fun_name)


monitoring.register_event_duration_secs_listener(_listen)


@pytest.fixture(autouse=True, scope="module")
def _as_before_the_module():
    """What a command of a fixture settles about kept programs ends with the module."""
    yield from _settings_restored()


@pytest.fixture(autouse=True)
def _as_before():
    """What a command settles about kept programs ends with the test."""
    yield from _settings_restored()


def _settings_restored():
    before = {name: jax.config.values[f"jax_{name}"] for name in _KEEPING}
    yield
    for name, value in before.items():
        jax.config.update(f"jax_{name}", value)


@pytest.fixture(autouse=True, scope="module")
def _let_go():
    """Programs of the files before, when they are many."""
    if len(_held) > _MOST_PROGRAMS:
        jax.clear_caches()
        gc.collect()
        del _held[:]


@pytest.fixture
def compiled():
    """Names of the programs that were compiled since the test began; to be emptied at will."""
    del _compiled[:]
    return _compiled


@pytest.fixture
def synth(capsys):
    """Run the command line in this process: exit code, standard output, standard error."""

    from synth.app import cli  # after the hook

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        return ended.value.code, *capsys.readouterr()

    return run
