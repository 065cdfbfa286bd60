"""One run as data: a texture and options in, new textures and their scores out.

``generate`` is a generator of what a person wants to see meanwhile; ``synth.app.record`` writes
what it returns.
"""

from collections.abc import Generator
from contextlib import nullcontext
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Key

from synth.app.ahead import Begin, ahead
from synth.app.clock import Clock
from synth.app.fitted import coarser_models, compile_ahead, levels, models, solver_of
from synth.app.images import Texture, check_axis, load
from synth.app.normals import unit_normals
from synth.app.options import JUDGED_BY, Options
from synth.app.tasks import Layout, Task, overlap, prepare
from synth.descent import Judge, Outcome, Progress, Schedule, Synthesis, descend_levels
from synth.metrics import Scoreboard, compare
from synth.models import GaussianModel, MomentModel
from synth.parallel.mesh import common_mesh
from synth.statistics import MODELS, NUM_ANGLES, Residual

__all__ = ["Candidate", "Look", "Result", "generate", "mesh_of", "read"]

_FEW = 4  # samples, from which on a spread is told
_MOST_MISSING = 0.5  # of the pixels of a part that is scored


class Candidate(NamedTuple):
    """A field beside the target.

    Attributes:
        field: in the target's units, as it is written.
        moments: of the field on the torus, standardized like the target; by part.
        residual: distance of the moments from the target's.
        descent: how it was reached; None for a Gaussian, which is drawn directly.
    """

    field: Float[np.ndarray, "c h w"]
    moments: dict[str, Any]
    residual: Residual
    descent: Synthesis | None


class Look(NamedTuple):
    """What a person wants to see of a run meanwhile: whose descent it is, and how far."""

    model: str
    progress: Progress


class Result(NamedTuple):
    """A finished run, before it is written.

    Attributes:
        texture: the target.
        other: the second target of a mix.
        options: what was asked for.
        layout: torus and part of it that is written.
        shares: of the second target in each step of a mix; empty otherwise.
        target_moments: of the reference, by part.
        noise: their estimation noise.
        unit: noise that residuals are counted in; less where the noise is over its limit.
        spreads: root mean square distance between two samples, by the model's name; empty of one
            sample, of mixes, and where pixels are kept.
        candidates: what was drawn, by the model's name, a sample per seed or step.
        scoreboard: held-out statistics; None if no sample is finite, of mixes, and where pixels
            of the target are kept.
        clock: that tells what took how long.
        mesh: over how many devices samples and angles were split; empty if over none.
    """

    texture: Texture
    other: Texture | None
    options: Options
    layout: Layout
    shares: tuple[float, ...]
    target_moments: dict[str, Any]
    noise: Residual
    unit: Residual
    spreads: dict[str, Residual]
    candidates: dict[str, tuple[Candidate, ...]]
    scoreboard: Scoreboard | None
    clock: Clock
    mesh: dict[str, int]

    @property
    def seconds(self) -> dict[str, float]:
        """What took how long, so far."""
        return self.clock.seconds()

    @property
    def drawn(self) -> Bool[np.ndarray, "a b"] | None:
        """Which pixels of the textures were drawn, if others were kept."""
        kept = self.layout.kept
        return None if kept is None else np.isnan(self.layout.written(kept)[0])

    @property
    def share_kept(self) -> float:
        """Share of the pixels of the textures that were kept."""
        return 0.0 if self.drawn is None else float(1 - self.drawn.mean())

    @property
    def descents(self) -> dict[str, tuple[Synthesis, ...]]:
        """How each moment model was sampled."""
        return {
            name: tuple(one.descent for one in samples if one.descent)
            for name, samples in self.candidates.items()
            if name in MODELS
        }

    @property
    def worst(self) -> Synthesis | None:
        """The first descent that did not converge, or else the last one; None for a Gaussian."""
        every = [one for samples in self.descents.values() for one in samples]
        failed = [one for one in every if one.outcome != Outcome.CONVERGED]
        return next(iter(failed + every[::-1]), None)

    @property
    def outcome(self) -> Outcome:
        """How the run ended; a Gaussian, which is drawn directly, cannot fail."""
        return Outcome.CONVERGED if self.worst is None else self.worst.outcome

    @property
    def verdict(self) -> str:
        """How the run ended, in a sentence per model."""
        if not self.descents:
            return "Drawn directly."
        what = "steps" if self.shares else "samples"
        lines = {
            name: _verdict(samples, what) + self._variation(name)
            for name, samples in self.descents.items()
        }
        if len(lines) == 1:
            return next(iter(lines.values()))
        return " ".join(f"{name}: {line}" for name, line in lines.items())

    def variation(self, name: str) -> float:
        """Spread of the samples of a model in units of the noise, median over the blocks."""
        ratios = [float(self.spreads[name][block] / self.noise[block]) for block in self.noise]
        return float(np.median(ratios))

    def _variation(self, name: str) -> str:
        """How much samples vary, if there are enough to ask."""
        if name not in self.spreads or len(self.candidates[name]) < _FEW:
            return ""
        words = f" Moments of two samples differ by {self.variation(name):.2f} of the noise"
        if self.options.ensemble:
            return f"{words}, median over the blocks."
        return (
            f"{words}, those of two pictures of the process by about 1: the samples are pictures "
            "alike; for error bars draw an ensemble (--ensemble)."
        )


def read(options: Options) -> Texture:
    """The target that the options name.

    Raises:
        InputError: if it cannot be used, as ``images.load`` says, or an axis of channels was
            given that no file needs.
    """
    further = [source for source in (options.mix, options.start) if source is not None]
    files = (options.image, *options.others, *options.beside, *further)
    check_axis(files, options.channels)
    return load(
        (options.image, *options.others),
        size=options.size,
        periodic=options.periodic,
        mask=options.mask,
        gray=options.gray,
        channels=options.channels,
        beside=options.beside,
    )


def generate(
    texture: Texture, options: Options, clock: Clock | None = None, task: Task | None = None
) -> Generator[Look, None, Result]:
    """Fit and sample the models that the options ask for, and score them.

    Args:
        texture: the target.
        options: what is asked for.
        clock: that has been running since the program started.
        task: what ``prepare`` made of texture and options, if that was done already.

    Yields:
        Progress of the descents, chunk by chunk; nothing for a Gaussian alone.

    Returns:
        Everything that ``record.write`` needs (as the generator's return value).

    Raises:
        InputError: if the options do not fit the picture.
    """
    task = task or prepare(texture, options)
    run, mesh = _with_threads(task, options, clock or Clock()), mesh_of(texture, options)
    while True:
        try:
            with jax.set_mesh(mesh) if mesh else nullcontext():
                look = next(run)
        except StopIteration as end:
            return end.value
        yield look


def _with_threads(task: Task, options: Options, clock: Clock) -> Generator[Look, None, Result]:
    with ahead() as begin:
        return (yield from _stages(task, options, clock, begin))


def _stages(
    task: Task, options: Options, clock: Clock, begin: Begin
) -> Generator[Look, None, Result]:
    """Fit, sample and score on the devices of the mesh that is set."""
    texture, layout = task.texture, task.layout
    seeds = np.arange(options.seed, options.seed + options.samples)
    keys = jax.vmap(lambda seed: jax.random.split(jax.random.key(seed)))(seeds)
    shares = tuple(np.linspace(0, 1, options.steps).tolist()) if task.other else ()
    begun = {name: coarser_models(task, options, shares, name, begin) for name in options.descents}
    with clock.phase("fit"):
        judged = models(task, options, shares, *(options.descents or JUDGED_BY))
        finest = {name: judged for name in options.descents}
        if len(finest) > 1:
            finest = {name: models(task, options, shares, name) for name in finest}
        every = {name: levels(finest[name], begun[name]) for name in finest}
    for several in every.values():
        begin(compile_ahead, several[0][-1], task, options)
    judges = [Judge(model) for model in judged]
    drawn: dict[str, list[Candidate]] = {"gaussian": []}
    for model, judge in zip(judged, judges, strict=True):
        drawn["gaussian"] += [_drawn(field, judge, task) for field in _sampled(model, keys[:, 0])]
    for name in options.descents:
        drawn[name] = []
        for several, judge in zip(every[name], judges, strict=True):
            run = descend_levels(
                several,
                keys=keys[:, 1],
                schedule=Schedule.usual(
                    several[-1].descriptor,
                    tolerance=options.tolerance,
                    max_steps=options.max_steps,
                    min_steps=options.min_steps,
                    solver=solver_of(task, options),
                ),
                start="skewed" if task.start is None else jnp.asarray(task.start, float)[None],
                judge=judge,
                together=options.ensemble,
            )
            with clock.phase("descend"):
                samples = yield from _named(run, name, clock)
            drawn[name] += [_descended(sample, task) for sample in samples]
    candidates = {name: tuple(each) for name, each in drawn.items()}
    with clock.phase("score"):
        judged_apart = shares or layout.kept is not None
        scoreboard = None if judged_apart else _score(texture, layout, candidates)
    return Result(
        texture=texture,
        other=task.other,
        options=options,
        layout=layout,
        shares=shares,
        target_moments=judges[0].target,
        noise=judged[0].noise,
        unit=judged[0].unit,
        spreads={} if judged_apart else _spreads(judges[0], candidates),
        candidates=candidates,
        scoreboard=scoreboard,
        clock=clock,
        mesh=dict(jax.sharding.get_mesh().shape),
    )


def _verdict(samples: tuple[Synthesis, ...], what: str) -> str:
    """The sentence of the sample or step that went worst, and how many did not."""
    failed = [one for one in samples if one.outcome != Outcome.CONVERGED]
    if failed and len(samples) > 1:
        return f"{len(failed)} of {len(samples)} {what} did not converge. {failed[0].verdict}"
    longest = max(samples, key=lambda one: one.evaluations)
    return longest.verdict if len(samples) == 1 else f"{len(samples)} {what}. {longest.verdict}"


def mesh_of(texture: Texture, options: Options) -> Mesh | None:
    """The devices that share the work, if there are several and the caller has not set a mesh."""
    if options.devices is None and not jax.sharding.get_mesh().empty:
        return None
    samples = options.samples if options.descents else 1
    parts = {part for name in options.descents or JUDGED_BY for part in MODELS[name]}
    if texture.num_channels > 1:  # what is between channels has the angles of spectra
        parts.add("spectra")
    angles = [options.angles or NUM_ANGLES[part] for part in parts if part in NUM_ANGLES]
    return common_mesh(options.devices, samples=samples, angles=angles)


def _named(
    run: Generator[Progress, None, tuple[Synthesis, ...]], model: str, clock: Clock
) -> Generator[Look, None, tuple[Synthesis, ...]]:
    """The same descent, with the model's name at every look."""
    while True:
        try:
            progress = next(run)
        except StopIteration as end:
            return end.value
        clock.mark("first_look")
        yield Look(model, progress)


def _sampled(model: MomentModel, keys: Key[Array, " b"]) -> list[Float[Array, "*c h w"]]:
    """Gaussian fields, with the pixels that the model keeps."""
    if model.kept is not None:
        return [model.complete(key=key) for key in keys]
    return list(_unbound(model.gaussian, keys))


@jax.jit
def _unbound(model: GaussianModel, keys: Key[Array, " b"]) -> Float[Array, "b *c h w"]:
    return jax.vmap(lambda key: model.sample(key=key))(keys)


def _drawn(field: Float[Array, "*c h w"], judge: Judge, task: Task) -> Candidate:
    return Candidate(_written(field, task), *judge(field), None)


def _descended(sample: Synthesis, task: Task) -> Candidate:
    return Candidate(_written(sample.field, task), sample.moments, sample.residual, sample)


def _written(field: Float[Array, "*c h w"], task: Task) -> Float[np.ndarray, "c a b"]:
    """The part of a field that is written, its normals of unit length where they were drawn."""
    array, layout = np.asarray(field, np.float32), task.layout
    whole = layout.written(array.reshape(-1, *array.shape[-2:]))
    unit = unit_normals(whole, task.texture)
    return (
        unit
        if layout.kept is None
        else np.where(np.isnan(layout.written(layout.kept)), unit, whole)
    )


def _spreads(judge: Judge, candidates: dict[str, tuple[Candidate, ...]]) -> dict[str, Residual]:
    """How far apart the samples of every model are."""
    return {
        name: judge.spread([one.moments for one in samples])
        for name, samples in candidates.items()
        if len(samples) > 1
    }


def _score(
    texture: Texture, layout: Layout, candidates: dict[str, tuple[Candidate, ...]]
) -> Scoreboard | None:
    """Score what is finite, on the part that target and textures have in common."""
    common = overlap(texture, layout)
    fields = {
        name: [one.field[:, *common.of_texture] for one in samples if np.isfinite(one.field).all()]
        for name, samples in candidates.items()
    }
    judgeable = {name: each for name, each in fields.items() if each}
    target, *others = texture.fields[:, :, *common.of_target]
    if not judgeable or np.isnan(target).mean() > _MOST_MISSING:
        return None
    return compare(target, judgeable, reals=others, periodic=common.periodic)
