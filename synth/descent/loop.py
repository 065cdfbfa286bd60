"""The loop: from seeded noise down to a field with the target's moments.

``descend`` is a generator that yields after each compiled chunk of steps and ends with how
it ended; command line, notebook and tests all consume it. ``synthesize`` drains it.
"""

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key, PRNGKeyArray, PyTree

from synth.descent.judge import Judge
from synth.descent.outcomes import Progress, Synthesis
from synth.descent.sample import CHUNK, End, Sample
from synth.descent.schedule import Schedule, Stage
from synth.descent.solvers import Solver, State
from synth.errors import InputError
from synth.models import MomentModel, Start
from synth.models.check import check_key, check_start
from synth.models.ensemble import Descended, Ensemble
from synth.models.gamut import Finish
from synth.models.samples import for_each
from synth.models.start import StartNoise
from synth.parallel.mesh import whole
from synth.parallel.programs import compiled
from synth.statistics import Residual, excess

__all__ = ["compile_descent", "descend", "drain", "synthesize"]

Look = TypeVar("Look")
Ended = TypeVar("Ended")


def descend(
    model: MomentModel,
    *,
    keys: Key[Array, " b"],
    schedule: Schedule | None = None,
    start: Start | Float[Array, "b *c h w"] = "skewed",
    judge: Judge | None = None,
    together: bool = False,
) -> Generator[Progress, None, tuple[Synthesis, ...]]:
    """Descend from seeded noise on Σ w |S x − S xₙ|², chunk by chunk.

    Noise follows the stages of the schedule; fields that are given descend on the model itself,
    unless the schedule is ``staged``.
    A model that keeps pixels starts from a Gaussian sample given these, instead of noise, and
    goes through all stages: a mean over the whole field may be near the target at once.

    Args:
        model: the target's moments.
        keys: a random key per sample, shape ``(b,)``; the same key gives the same texture
            on one machine. All samples descend in one compiled program.
        schedule: stages, tolerance, step limits and solver; by default those that suit the
            descriptor.
        start: which noise, or fields in the target's units, one per key.
        judge: the model's judge, if there is one already.
        together: whether only the mean of the samples' moments is to be the target's, as in
            ``models.ensemble``, instead of the moments of each.

    Yields:
        Progress after each chunk of steps.

    Returns:
        A texture per key (as the generator's return value).

    Raises:
        InputError: if fields and keys differ in number, or the devices of a mesh cannot share
            the samples, or the angles of the bank, evenly.

    Source:
        J. Bruna and S. Mallat, "Multiscale sparse microcanonical models", Math. Stat.
        Learn. 1 (2018), Sec. 4.
    """
    check_key(keys)
    check_start(start)
    if not isinstance(start, str) and len(start) != len(keys):
        raise InputError(f"{len(start)} fields to start from and {len(keys)} keys: give one each.")
    schedule = schedule or Schedule.usual(model.descriptor)
    solver, last = schedule.solver, schedule.stages[-1]
    end = _ender(model, judge or Judge(model), schedule, together)
    due = schedule.due(0) if schedule.staged or isinstance(start, str) else last
    followed = _followed(due, model, together)
    whole_model = Ensemble(model) if together else model
    states = _begin(followed, model, solver, keys, start)
    samples = [Sample(schedule, last=due == last) for _ in (keys[:1] if together else keys)]
    while True:
        evaluations = max(len(sample.losses) for sample in samples)
        if due != last and schedule.due(evaluations) != due:
            due = schedule.due(evaluations)
            running = jax.device_put(np.array([sample.ended is None for sample in samples]))
            before, followed = followed, _followed(due, model, together)
            states = _restart(before, followed, solver, states, running)
            for sample in samples:
                sample.enter_stage(evaluations, last=due == last)
        steps = np.array([sample.steps() for sample in samples], np.int32)
        states, chunk = _advance(followed, solver, states, jax.device_put(steps))
        for sample, losses, count in zip(samples, np.asarray(chunk), steps, strict=True):
            sample.losses = np.concatenate([sample.losses, losses[:count]])
        view = _look(followed, whole_model, solver, states)
        fields = _current(samples, view.fields)
        shown = _at(fields, 0) if together else fields
        all_losses = tuple(sample.losses for sample in samples)
        yield Progress(all_losses, view.residual, view.excess, shown, schedule)
        far, stalled = jax.device_get((view.excess, view.stalled))
        stalled = stalled & (due == last)  # what stalls is restarted by the next stage
        may_end = model.kept is None or due == last
        for index, sample in enumerate(samples):
            near = float(far[index]) if may_end else np.inf
            sample.look(partial(end, view, index), near, bool(stalled[index]), model.unit)
        ended = tuple(sample.ended for sample in samples if sample.ended is not None)
        if len(ended) == len(samples):
            return ended[0].each() if together else ended


def compile_descent(
    model: MomentModel, *, count: int, schedule: Schedule | None = None, together: bool = False
) -> None:
    """Compile the chunks and the looks of a descent, if there is a keeper of programs.

    A thread may do so while another one is at work. For keepers see ``parallel.programs``.

    Args:
        model: that samples will descend on, from noise.
        count: of the samples.
        schedule: as for ``descend``; its solver counts.
        together: as for ``descend``.
    """
    solver = (schedule or Schedule.usual(model.descriptor)).solver
    followed = _followed(Stage(), model, together)
    shape = (1, count) if together else (count,)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), shape))
    states = jax.eval_shape(_from_noise, followed, solver, keys, StartNoise("skewed"))
    steps = jax.ShapeDtypeStruct(shape[:1], np.int32)
    _advance.prepare(followed, solver, states, steps)
    _look.prepare(followed, Ensemble(model) if together else model, solver, states)


def _ender(
    model: MomentModel, judge: Judge, schedule: Schedule, together: bool
) -> "Callable[[_View, int], End]":
    """What a sample ends with, by a look and its index: its field, moments and residual."""
    finish = Finish(model)

    def end(view: "_View", index: int) -> End:
        field = _at(view.fields, index)
        if not schedule.judged:
            return field, {}, {name: _at(each, index) for name, each in view.residual.items()}
        if together:
            field = jnp.stack([finish(one) for one in field])
            return field, *judge.together(field)
        field = finish(field)
        return field, *judge(field)

    return end


def _at(several: Float[Array, "b *n"], index: int) -> Float[Array, "*n"]:
    """One of several, by an index that is not sent to the device."""
    return lax.index_in_dim(several, index, keepdims=False)


def _current(
    samples: Sequence[Sample], fields: Float[Array, "b *c h w"]
) -> Float[Array, "b *c h w"]:
    """The field of every sample: of one that has ended the field at its end."""
    if all(sample.ended is None for sample in samples):
        return fields
    return jnp.stack(
        [one.ended.field if one.ended else _at(fields, i) for i, one in enumerate(samples)]
    )


def synthesize(
    model: MomentModel,
    *,
    key: PRNGKeyArray,
    schedule: Schedule | None = None,
    start: Start = "skewed",
) -> Synthesis:
    """Draw one texture of a moment model: ``descend`` without a look in between.

    Args:
        model: the target's moments, from ``synth.models.fit``.
        key: random key of the noise.
        schedule: stages, tolerance, step limits and solver; by default those that suit the
            descriptor.
        start: which noise.

    Returns:
        The texture, with its outcome, residual and losses.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> from synth import ScatteringMoments, fit, morlet_bank, synthesize
        >>> noise = np.random.default_rng(0).normal(size=(32, 32))
        >>> model = fit(ScatteringMoments(morlet_bank((32, 32), num_angles=4)), noise)
        >>> synthesize(model, key=jax.random.key(1)).outcome.value
        'converged'
    """
    check_key(key)
    steps = descend(model, keys=key[None], schedule=schedule, start=start)
    return drain(steps)[0]


def drain(
    steps: Generator[Look, None, Ended], look: Callable[[Look], object] = lambda _: None
) -> Ended:
    """Run a generator such as ``descend`` to its end, looking at what it yields.

    Args:
        steps: yields progress, returns a result.
        look: called with every progress, to show it.

    Returns:
        What the generator returns.
    """
    while True:
        try:
            look(next(steps))
        except StopIteration as end:
            return end.value


def _followed(stage: Stage, model: MomentModel, together: bool) -> Descended:
    """What the solver descends on in a stage."""
    return Ensemble(stage.of(model)) if together else stage.of(model)


def _begin(
    followed: Descended,
    model: MomentModel,
    solver: Solver,
    keys: Key[Array, " b"],
    start: Start | Float[Array, "b *c h w"],
) -> State:
    """States before the first evaluation, sample by sample; or one of all together."""

    def grouped(each: Array) -> Array:
        return each[None] if _are_together(followed) else each

    if not isinstance(start, str):
        return _from_fields(followed, solver, grouped(start))
    if model.kept is not None:
        fields = jnp.stack([model.complete(key=key) for key in keys])
        return _from_fields(followed, solver, grouped(fields))
    return _from_noise(followed, solver, grouped(keys), StartNoise(start))


@partial(compiled, rare=True)
def _from_noise(
    model: Descended, solver: Solver, keys: Key[Array, "b *_"], noise: StartNoise
) -> State:
    def one(model: Descended, key: Key[Array, "*_"]) -> State:
        return solver.init(model, model.start(key=key, kind=noise.kind))

    return _for_each(one, model, keys)


@partial(compiled, rare=True)
def _from_fields(model: Descended, solver: Solver, fields: Float[Array, "b *c h w"]) -> State:
    def one(model: Descended, field: Float[Array, "*c h w"]) -> State:
        return solver.init(model, model.variable(model.from_units(field)))

    return _for_each(one, model, fields)


@partial(compiled, donated="states", rare=True)
def _restart(
    before: Descended,
    after: Descended,
    solver: Solver,
    states: State,
    running: Bool[Array, " b"],
) -> State:
    """States before the first evaluation of a new stage; samples that have ended keep theirs."""

    def one(models: tuple[Descended, Descended], given: tuple[State, Bool[Array, ""]]) -> State:
        (before, after), (state, runs) = models, given
        fresh = solver.init(after, after.variable(before.field(state.variable)))
        return jax.tree.map(lambda new, old: jnp.where(runs, new, old), fresh, state)

    return _for_each(one, (before, after), (states, running))


@partial(compiled, donated="states")
def _advance(
    model: Descended, solver: Solver, states: State, steps: Int[Array, " b"]
) -> tuple[State, Float[Array, "b n"]]:
    """A chunk of steps, of which only the first ``steps`` are done: one program for all."""

    def one(
        model: Descended, given: tuple[State, Int[Array, ""]]
    ) -> tuple[State, Float[Array, " n"]]:
        state, count = given

        def step(state: State, index: Int[Array, ""]) -> tuple[State, Float[Array, ""]]:
            state = lax.cond(index < count, lambda: solver.step(model, state), lambda: state)
            return state, state.loss

        return lax.scan(step, state, jnp.arange(CHUNK))

    states, losses = _for_each(one, model, (states, steps))
    return states, whole(losses)


class _View(NamedTuple):
    """What the loop sees of an ensemble after a chunk."""

    fields: Float[Array, "b *c h w"]
    residual: Residual
    excess: Float[Array, " b"]
    stalled: Bool[Array, " b"]


@partial(compiled, rare=True)
def _look(stage: Descended, model: Descended, solver: Solver, states: State) -> _View:
    """Fields within the bounds of the stage and of the model, and how far they are."""

    def one(models: tuple[Descended, Descended], state: State) -> _View:
        stage, model = models
        field = model.to_units(stage.field(state.variable))
        far = excess(state.residual, model.unit)
        residual = jax.tree.map(jnp.copy, state.residual)  # the state is donated afterwards
        return _View(field, residual, far, solver.stalled(state))

    return whole(_for_each(one, (stage, model), states))


Shared = TypeVar("Shared")
One = TypeVar("One")
Each = TypeVar("Each")


def _for_each(function: Callable[[Shared, One], Each], shared: Shared, samples: One) -> Each:
    """``for_each`` sample; an ensemble is one, and does so itself for its fields."""
    if not _are_together(shared):
        return for_each(function, shared, samples)
    ensemble = jax.tree.map(lambda leaf: leaf[0], samples)
    return jax.tree.map(lambda leaf: leaf[None], function(shared, ensemble))


def _are_together(tree: PyTree) -> bool:
    """Whether there is an ensemble in a tree."""
    nodes = jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, Ensemble))
    return any(isinstance(node, Ensemble) for node in nodes)
