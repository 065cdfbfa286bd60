"""What accelerators ask for, as far as a machine without one can tell."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from fields import picture
from jax import export

from synth import Judge, Schedule, descend, drain, fit, joint
from synth.app.programs import keep
from synth.parallel import programs
from synth.statistics import MODELS

SHAPE = (16, 16)
KEYS = jax.random.split(jax.random.key(0), 2)
COLORS = 3


def model(name, channels=1):
    fields = [picture("turbulence", SHAPE), *np.random.default_rng(0).normal(size=(2, *SHAPE))]
    field = np.stack(fields) if channels > 1 else fields[0]
    return fit(joint(name, shape=SHAPE, channels=channels, scales=2, angles=2), field)


@pytest.fixture
def called(monkeypatch):
    """Compiled functions that are called, with their arguments."""
    calls = {}

    def keeper(function, usage):
        del usage

        def find(arguments):
            if not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(arguments)):
                calls.setdefault(function.__name__, (function, arguments))

        return find

    monkeypatch.setattr(programs, "_keepers", [keeper])
    return calls


@pytest.mark.parametrize(("name", "channels"), [*((name, 1) for name in MODELS), ("full", COLORS)])
def test_every_program_of_a_run_can_be_lowered_for_gpus_and_tpus(called, name, channels):
    fitted = model(name, channels)
    judge = Judge(fitted)
    short = Schedule.usual(fitted.descriptor, max_steps=130, tolerance=0.0)
    samples = drain(descend(fitted, keys=KEYS, schedule=short, judge=judge))
    judge.spread([one.moments for one in samples])
    wanted = {"_advance", "_look", "_restart", "_weights", "_distance", "_spread"}
    assert wanted <= set(called)
    for function, (given, named) in called.values():
        export.export(jax.jit(function), platforms=["cuda", "tpu"])(*given, **named)


@pytest.mark.parametrize(
    ("name", "channels", "together"),
    [("scattering", 1, False), ("full", 1, False), ("full", COLORS, False), ("full", 1, True)],
)
@pytest.mark.parametrize("kept", [False, True])
def test_a_descent_sends_nothing_to_the_device_between_its_chunks(
    name, channels, together, kept, monkeypatch, tmp_path
):
    if kept:
        monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.setattr(programs, "_keepers", [])
        keep()
    fitted = model(name, channels)
    schedule = Schedule.usual(fitted.descriptor, max_steps=130, tolerance=0.0)
    schedule = replace(schedule, judged=False)
    steps = descend(fitted, keys=KEYS, schedule=schedule, together=together)
    next(steps)
    with jax.transfer_guard_host_to_device("disallow"):
        ended = drain(steps)
    assert [one.evaluations for one in ended] == [130, 130]
