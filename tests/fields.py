"""Fields that the transforms are held against their oracles on, and the command as users run it."""

import os
import subprocess
import sys

import numpy as np
from compiler import UNOPTIMIZED

from synth import load


def white(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def picture(name, shape):
    """A bundled picture repeated to a shape, of mean 0 and variance 1."""
    field = load(name).field[0].astype(np.float64)
    tiled = np.tile(field, (2, 2))[: shape[0], : shape[1]]
    return (tiled - tiled.mean()) / tiled.std()


def run_command(*arguments, **environment):
    """Run ``synth`` in a process of its own; the compiler does not optimize, its longest part."""
    program = "from synth.app.cli import main; main()"
    return run_python(program, *arguments, **{"XLA_FLAGS": UNOPTIMIZED, **environment})


def run_python(program, *arguments, **environment):
    """Run a program in a process of its own, without JAX's and XLA's settings of this one."""
    own = ("JAX_", "XLA_")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**clean, **environment},
    )
