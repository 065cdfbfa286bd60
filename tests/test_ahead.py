"""Work that is begun in threads, and programs that are compiled there."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import picture

from synth import Schedule, descend, drain, fit, joint
from synth.app import programs as kept
from synth.app.ahead import ahead
from synth.app.images import load
from synth.app.options import Options
from synth.app.runs import generate
from synth.descent import compile_descent
from synth.errors import InputError
from synth.parallel import programs


def where():
    return threading.get_ident()


def by_a_thread(begin, function):
    """Begin a function, and wait until a thread is at work, if one ever is."""
    at_work = threading.Event()

    def told():
        at_work.set()
        return function()

    begun = begin(told)
    at_work.wait(1)
    return begun.result()


class TestAhead:
    def test_a_thread_does_it_in_the_mesh_of_the_run(self):
        axis = jax.sharding.AxisType.Auto
        with jax.set_mesh(jax.make_mesh((1,), ("angle",), (axis,))), ahead() as begin:
            thread, mesh = by_a_thread(begin, lambda: (where(), jax.sharding.get_mesh()))
            assert thread != where()
            assert mesh == jax.sharding.get_mesh()

    def test_who_waits_does_what_no_thread_has_begun(self, monkeypatch):
        monkeypatch.setattr("synth.app.ahead.cores", lambda: 2)
        at_work, go = threading.Event(), threading.Event()

        def held():
            at_work.set()
            return go.wait(60) and where()

        with ahead() as begin:
            first, second = begin(held), begin(where)
            at_work.wait(60)
            assert second.result() == where()
            go.set()
            assert first.result() != where()

    @pytest.mark.parametrize("number", [1, 2, 64])
    def test_a_core_is_left_to_the_run(self, monkeypatch, number):
        monkeypatch.setattr("synth.app.ahead.cores", lambda: number)
        at_once = min(max(1, number - 1), 4)
        barrier = threading.Barrier(at_once + 1)
        with ahead() as begin:
            several = [begin(barrier.wait, 60) for _ in range(at_once)]
            barrier.wait(60)  # all of them are at work
            assert len({one.result() for one in several}) == at_once

    @pytest.mark.parametrize("alone", ["processes", "settings"])
    def test_without_threads_it_is_done_when_it_is_asked_for(self, monkeypatch, alone):
        if alone == "processes":
            monkeypatch.setattr(jax, "process_count", lambda: 2)
            assert self._begun_here()
        else:
            assert not self._begun_here()
            with jax.default_matmul_precision("float32"):
                assert self._begun_here()

    @staticmethod
    def _begun_here():
        with ahead() as begin:
            return by_a_thread(begin, where) == where()

    def test_errors_come_with_the_result(self):
        def refuse():
            raise InputError("No.")

        with ahead() as begin, pytest.raises(InputError, match="No"):
            begin(refuse).result()

    def test_what_has_not_begun_at_the_end_never_does(self, monkeypatch):
        monkeypatch.setattr("synth.app.ahead.cores", lambda: 2)
        done, go = [], threading.Event()
        with ahead() as begin:
            first = begin(go.wait, 60)
            begin(done.append, 1)
            late = begin
        go.set()
        assert first.result()
        late(done.append, 2)
        assert not done


@pytest.fixture
def keeper(monkeypatch):
    """A keeper of programs that counts what it makes, by the function's name."""
    made, usages = [], {}
    lock = threading.Lock()

    def keep(function, usage):
        usages[function.__name__] = usage
        found = {}

        def find(arguments):
            if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(arguments)):
                return None
            leaves, structure = jax.tree.flatten(arguments)
            name = str((structure, [(leaf.shape, leaf.dtype) for leaf in leaves]))
            with lock:
                if name not in found:
                    made.append(function.__name__)
                    donated = kept._places(function, usage.donated, arguments)
                    flat = jax.jit(
                        lambda *leaves: function(*jax.tree.unflatten(structure, leaves)[0]),
                        donate_argnums=donated,
                    )
                    found[name] = lambda given: flat(*jax.tree.leaves(given))
            return found[name]

        return find

    monkeypatch.setattr(programs, "_keepers", [keep])
    return made, usages


@pytest.fixture(scope="module")
def model():
    descriptor = joint("scattering", shape=(32, 32), scales=2, angles=2, gray_levels=True)
    return fit(descriptor, picture("foam", (32, 32)))


SCHEDULE = Schedule(0.0, max_steps=20, min_steps=0)


@pytest.mark.parametrize("together", [False, True])
def test_a_descent_needs_no_program_that_was_not_compiled_ahead(keeper, model, together):
    made, usages = keeper
    compile_descent(model, count=2, together=together)
    assert sorted(made) == ["_advance", "_look"]
    keys = jax.random.split(jax.random.key(0), 2)
    drain(descend(model, keys=keys, schedule=SCHEDULE, together=together))
    assert {name: made.count(name) for name in ("_advance", "_look")} == {"_advance": 1, "_look": 1}
    assert usages["_advance"] == ("states", False)
    assert usages["_look"] == (None, True)


def test_states_give_their_memory_to_the_next_ones(monkeypatch, model):
    from synth.descent import loop

    given, advance = [], loop._advance

    def watched(followed, solver, states, steps):
        given.append(states)
        return advance(followed, solver, states, steps)

    monkeypatch.setattr(loop, "_advance", watched)
    looks = []
    keys = jax.random.split(jax.random.key(0), 1)
    drain(descend(model, keys=keys, schedule=SCHEDULE), looks.append)
    assert len(given) == len(looks) == 2
    assert all(states.variable.is_deleted() for states in given)
    assert all(np.isfinite(look.field).all() for look in looks)
    assert all(np.isfinite(level).all() for look in looks for level in look.residual.values())


def test_what_runs_seldom_is_not_optimized_on_a_processor(monkeypatch):
    little, much = np.zeros(9), np.broadcast_to(np.float32(0), 2**24)
    rare, usual = programs.Usage(rare=True), programs.Usage()
    off = kept._options(rare, ((little, 3), {"by": 2.0}))
    level = {"xla_backend_optimization_level": "0"}  # of a newer JAX, and of an older one more
    assert off in (level, level | {"xla_cpu_use_fusion_emitters": False})
    assert jax.jit(jnp.sin).lower(0.0).compile(compiler_options=off)(0.0) == 0
    some = {"xla_backend_optimization_level": "1"}
    assert kept._options(rare, ((much,), {})) == some
    assert kept._options(usual, ((much,), {})) == some
    small = kept._options(usual, ((little,), {}))
    is_older = jax.__version_info__ < (0, 11)
    assert small == some | ({"xla_cpu_use_fusion_emitters": False} if is_older else {})
    assert jax.jit(jnp.sin).lower(0.0).compile(compiler_options=small)(0.0) == 0
    monkeypatch.setattr(kept, "_devices", lambda: {type("Chip", (), {"platform": "gpu"})})
    assert kept._options(rare, ((little,), {})) == {}


def test_donated_leaves_are_those_of_the_argument():
    def function(a, states, b=None):
        return a, states, b

    pair = (1.0, 2.0)
    assert kept._places(function, "states", ((pair, pair, 3.0), {})) == (2, 3)
    assert kept._places(function, "states", ((pair,), {"b": 3.0, "states": pair})) == (3, 4)
    assert kept._places(function, None, ((pair, pair), {})) == ()


def test_a_run_whose_coarser_levels_cannot_be_fitted_has_fewer(monkeypatch):
    from synth.app import fitted

    whole = fitted.coarser

    def coarser(task, level):
        if level == 1:
            raise InputError("Too few pixels.")
        return whole(task, level)

    monkeypatch.setattr(fitted, "coarser", coarser)
    options = Options("foam", size=64, levels=3, models=("scattering",), scales=3, angles=2)
    shapes = set()
    drain(generate(load("foam", size=64), options), lambda look: shapes.add(look.progress.shape))
    assert shapes == {(64, 64)}
