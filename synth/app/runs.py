"""One run as data: a texture and options in, new textures and their scores out.

``generate`` is a generator of what a person wants to see meanwhile; ``synth.app.record`` writes
what it returns.
"""

import math
from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Key

from synth.app.clock import Clock
from synth.app.images import Texture, load
from synth.descent import Judge, Outcome, Progress, Schedule, Synthesis, descend
from synth.descent.solvers import LBFGS, Adam
from synth.errors import InputError
from synth.metrics import Scoreboard, compare
from synth.models import GaussianModel, MomentModel, fit, fit_gaussian
from synth.parallel.mesh import common_mesh
from synth.statistics import MODELS, NUM_ANGLES, Residual, joint

__all__ = ["LADDER", "Candidate", "Look", "Options", "Result", "check_seed", "generate", "read"]

Method = Literal["lbfgs", "adam"]

LADDER = ("gaussian", *MODELS)
"""Models from the least to the most that is kept of the target."""

_MOST_SAMPLES = 64
_JUDGED_BY = ("scattering",)  # models whose moments judge a Gaussian that is alone


@dataclass(frozen=True)
class Options:
    """What a run is asked for.

    Attributes:
        image: path or bundled name of the target.
        others: of further pictures of the same process.
        size: longest side to which the target is resized, pixels; as it is by default.
        periodic: whether rows and columns of the target wrap; found out by default.
        mask: path of a picture that is white where the target's pixels are valid.
        seed: of all random numbers of the first sample; the next ones take the next seeds.
        samples: number of textures of each model.
        scales: number of scales J; by default as many as fit, and one less for spectra.
        angles: number of angles L; by default 8 for moments and 4 for spectra.
        models: names in ``LADDER``; the Gaussian is always shown.
        gray_levels: whether every moment model matches the gray levels; ``full`` always does.
        isotropic: whether spectra are averaged over rotations.
        max_steps: most loss evaluations.
        tolerance: residual that every block must reach, in units of its estimation noise; by
            default the usual one of the model's descriptor, as ``Schedule.usual`` says.
        solver: descent method.
        device: where it computes, as it was asked for.
        devices: how many devices of each process share the work; by default those of the mesh
            that is set, or else all in a distributed run, as many of a processor as share
            evenly, and otherwise one.
    """

    image: str
    others: tuple[str, ...] = ()
    size: int | None = None
    periodic: tuple[bool, bool] | None = None
    mask: str | None = None
    seed: int = 0
    samples: int = 1
    scales: int | None = None
    angles: int | None = None
    models: tuple[str, ...] = ("scattering",)
    gray_levels: bool = False
    isotropic: bool = False
    max_steps: int = 1000
    tolerance: float | None = None
    solver: Method = "lbfgs"
    device: str = "auto"
    devices: int | None = None

    def __post_init__(self) -> None:
        for model in self.models:
            _check_name("model", model, LADDER)
        _check_name("solver", self.solver, get_args(Method))
        if self.tolerance is not None and not 0 < self.tolerance < math.inf:
            raise InputError(f"The tolerance {self.tolerance} is not positive: 0.1 is usual.")
        if self.max_steps < 1:
            raise InputError(f"{self.max_steps} steps were asked for: allow at least 1.")
        if not 1 <= self.samples <= _MOST_SAMPLES:
            raise InputError(f"{self.samples} samples were asked for: choose 1 to {_MOST_SAMPLES}.")
        if self.devices is not None and self.devices < 1:
            raise InputError(f"{self.devices} devices were asked for: choose at least 1.")
        if self.isotropic and not {"spectra", "full"} & set(self.models):
            raise InputError("Only spectra can be isotropic: choose the model spectra or full.")
        if self.gray_levels and not self.descents:
            raise InputError(
                "A Gaussian cannot match gray levels: choose another model, such as scattering."
            )
        check_seed(self.seed)
        check_seed(self.seed + self.samples - 1)

    @property
    def descents(self) -> tuple[str, ...]:
        """Moment models that were asked for, in the order of the ladder."""
        return tuple(name for name in MODELS if name in self.models)


class Candidate(NamedTuple):
    """A field beside the target.

    Attributes:
        field: in the target's units.
        moments: of the field, standardized like the target, by the exact transform; by part.
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
        options: what was asked for.
        target_moments: of the reference, by part.
        noise: their estimation noise.
        unit: noise that residuals are counted in; less where the noise is over its limit.
        candidates: what was drawn, by the model's name, a sample per seed.
        scoreboard: held-out statistics; None if no sample is finite.
        clock: that tells what took how long.
        mesh: over how many devices samples and angles were split; empty if over none.
    """

    texture: Texture
    options: Options
    target_moments: dict[str, Any]
    noise: Residual
    unit: Residual
    candidates: dict[str, tuple[Candidate, ...]]
    scoreboard: Scoreboard | None
    clock: Clock
    mesh: dict[str, int]

    @property
    def seconds(self) -> dict[str, float]:
        """What took how long, so far."""
        return self.clock.seconds()

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
        lines = {name: _verdict(samples) for name, samples in self.descents.items()}
        if len(lines) == 1:
            return next(iter(lines.values()))
        return " ".join(f"{name}: {line}" for name, line in lines.items())


def read(options: Options) -> Texture:
    """The target that the options name.

    Raises:
        InputError: if it cannot be used, as ``images.load`` says.
    """
    return load(
        (options.image, *options.others),
        size=options.size,
        periodic=options.periodic,
        mask=options.mask,
    )


def generate(
    texture: Texture, options: Options, clock: Clock | None = None
) -> Generator[Look, None, Result]:
    """Fit and sample the models that the options ask for, and score them.

    Args:
        texture: the target.
        options: what is asked for.
        clock: that has been running since the program started.

    Yields:
        Progress of the descents, chunk by chunk; nothing for a Gaussian alone.

    Returns:
        Everything that ``record.write`` needs (as the generator's return value).

    Raises:
        InputError: if the options do not fit the picture.
    """
    run, mesh = _stages(texture, options, clock or Clock()), _mesh(options)
    while True:
        try:
            with jax.set_mesh(mesh) if mesh else nullcontext():
                look = next(run)
        except StopIteration as end:
            return end.value
        yield look


def _stages(texture: Texture, options: Options, clock: Clock) -> Generator[Look, None, Result]:
    """Fit, sample and score on the devices of the mesh that is set."""
    seeds = np.arange(options.seed, options.seed + options.samples)
    keys = jax.vmap(lambda seed: jax.random.split(jax.random.key(seed)))(seeds)
    judged = _fit(texture, options, *(options.descents or _JUDGED_BY))
    judge = Judge(judged)
    gaussian = fit_gaussian(texture.fields[:, 0], periodic=texture.periodic)
    descended: dict[str, tuple[Candidate, ...]] = {}
    for name in options.descents:
        model = judged if len(options.descents) == 1 else _fit(texture, options, name)
        run = descend(
            model,
            keys=keys[:, 1],
            solver=LBFGS() if options.solver == "lbfgs" else Adam(),
            schedule=Schedule.usual(
                model.descriptor, tolerance=options.tolerance, max_steps=options.max_steps
            ),
            judge=judge,
        )
        with clock.phase("descend"):
            samples = yield from _named(run, name, clock)
        descended[name] = tuple(_descended(sample) for sample in samples)
    drawn = _sampled(gaussian, keys[:, 0])
    candidates = {"gaussian": tuple(_drawn(field, judge) for field in drawn), **descended}
    with clock.phase("score"):
        scoreboard = _score(texture, candidates)
    mesh = dict(jax.sharding.get_mesh().shape)
    return Result(
        texture=texture,
        options=options,
        target_moments=judge.target,
        noise=judged.noise,
        unit=judged.unit,
        candidates=candidates,
        scoreboard=scoreboard,
        clock=clock,
        mesh=mesh,
    )


def check_seed(seed: int) -> None:
    """Refuse a seed that JAX does not take.

    Raises:
        InputError: if it is negative or has more than 32 bits.
    """
    if not 0 <= seed < 2**32:
        raise InputError(f"The seed {seed} is out of range: choose 0 to {2**32 - 1}.")


def _check_name(what: str, given: str, names: tuple[str, ...]) -> None:
    if given not in names:
        raise InputError(
            f"There is no {what} {given}: choose {', '.join(names[:-1])} or {names[-1]}."
        )


def _verdict(samples: tuple[Synthesis, ...]) -> str:
    """The sentence of the sample that went worst, and how many did not."""
    failed = [one for one in samples if one.outcome != Outcome.CONVERGED]
    if len(samples) == 1 or not failed:
        longest = max(samples, key=lambda one: one.evaluations)
        return (
            longest.verdict if len(samples) == 1 else f"{len(samples)} samples. {longest.verdict}"
        )
    return f"{len(failed)} of {len(samples)} samples did not converge. {failed[0].verdict}"


def _fit(texture: Texture, options: Options, *models: str) -> MomentModel:
    """Moment model of the target with all that any of the named models matches."""
    height, width = texture.fields.shape[-2:]
    descriptor = joint(
        *models,
        shape=(height, width),
        scales=options.scales,
        angles=options.angles,
        gray_levels=options.gray_levels,
        isotropic=options.isotropic,
    )
    return fit(descriptor, texture.fields[:, 0], periodic=texture.periodic)


def _mesh(options: Options) -> Mesh | None:
    """The devices that share the work, if there are several and the caller has not set a mesh."""
    if options.devices is None and not jax.sharding.get_mesh().empty:
        return None
    samples = options.samples if options.descents else 1
    parts = {part for name in options.descents or _JUDGED_BY for part in MODELS[name]}
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


@jax.jit
def _sampled(model: GaussianModel, keys: Key[Array, " b"]) -> Float[Array, "b h w"]:
    return jax.vmap(lambda key: model.sample(key=key))(keys)


def _drawn(field: Float[Array, "h w"], judge: Judge) -> Candidate:
    return Candidate(np.asarray(field, np.float32)[None], *judge(field), None)


def _descended(sample: Synthesis) -> Candidate:
    field = np.asarray(sample.field, np.float32)[None]
    return Candidate(field, sample.moments, sample.residual, sample)


def _score(texture: Texture, candidates: dict[str, tuple[Candidate, ...]]) -> Scoreboard | None:
    """Score what is finite."""
    fields = {
        name: [one.field[0] for one in samples if np.isfinite(one.field).all()]
        for name, samples in candidates.items()
    }
    judgeable = {name: each for name, each in fields.items() if each}
    if not judgeable:
        return None
    target, *others = texture.fields[:, 0]
    return compare(target, judgeable, reals=others, periodic=texture.periodic)
