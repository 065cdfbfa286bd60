"""Runtime shape checks for every annotated function, and a look at the compiler."""

import os
import tempfile

import pytest
from jax import monitoring
from jaxtyping import install_import_hook

# Kept for the whole session: modules of the package are imported when they are first used.
install_import_hook("synth", "checked.checked")

# What the commands compile here stays out of the user's cache.
_programs = tempfile.TemporaryDirectory()
os.environ["SYNTH_CACHE_DIR"] = _programs.name

_compiled = []


def _listen(event, _, fun_name="", **__):
    if event == "/jax/core/compile/backend_compile_duration":
        _compiled.append(fun_name)


monitoring.register_event_duration_secs_listener(_listen)


@pytest.fixture
def compiled():
    """Names of the programs that were compiled since the test began; to be emptied at will."""
    del _compiled[:]
    return _compiled
