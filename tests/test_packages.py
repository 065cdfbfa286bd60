"""How the packages hang together: what imports what, what is public, a checkout not installed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import synth
from synth.app import versions
from synth.parallel import programs

ROOT = Path(__file__).parents[1]
CORE = ("transforms.scattering", "statistics", "models", "descent", "metrics", "processes")
CORE += ("parallel", "parallel.mesh", "parallel.programs")

NOT_INSTALLED = """
from importlib import metadata
installed = metadata.version

def version(name):
    if name == "synth":
        raise metadata.PackageNotFoundError(name)
    return installed(name)

metadata.version = version
"""


def python(code, tmp_path):
    """What a new process prints that has this checkout on its path, and stands elsewhere."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SYNTH_CACHE_DIR": str(tmp_path)},
    ).stdout


def test_the_core_does_not_import_the_application(tmp_path):
    imports = "".join(f"import synth.{name}\n" for name in CORE)
    application = "[name for name in sys.modules if name.startswith('synth.app')]"
    assert python(f"import sys\n{imports}print({application})", tmp_path) == "[]\n"


def test_public_names_are_listed_before_they_are_imported(tmp_path):
    listed = python("import sys, synth\nprint(*dir(synth), 'jax' in sys.modules)", tmp_path)
    assert listed.split() == [*sorted(synth.__all__), "False"]
    assert sorted(name for names in synth._HOMES.values() for name in names) == dir(synth)


def test_a_checkout_that_is_not_installed_runs(tmp_path):
    imports = "from synth.app import cli, gallery, programs, record\n"
    told = "from synth.app.versions import version\nprint(version('synth'), version('jax'))"
    unknown, jax_version = python(f"{NOT_INSTALLED}{imports}{told}", tmp_path).split()
    assert unknown == "unknown"
    assert jax_version == versions.version("jax") != "unknown"


def test_a_keeper_is_asked_for_programs_and_may_have_none(monkeypatch):
    monkeypatch.setattr(programs, "_keepers", [])
    functions, asked = [], []

    def keeper(function, usage):
        del usage
        functions.append(function.__name__)

        def find(arguments):
            asked.append(arguments)
            return None if "plain" in arguments[1] else lambda _: "kept"

        return find

    @programs.compiled
    def double(x, plain=0):
        return 2 * x + plain

    assert double(np.float32(3)) == 6
    programs.use(keeper)
    assert double(np.float32(3)) == "kept"
    assert double(np.float32(3), plain=1) == 7
    assert functions == ["double"]
    assert asked == [((3,), {}), ((3,), {"plain": 1})]
