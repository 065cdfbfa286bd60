"""One run as data: a texture and options in, a folder of fields, pictures and numbers out.

``generate`` is a generator of what a person wants to see meanwhile; ``write`` makes the
folder, whole or not at all.
"""

import json
import math
import os
from collections.abc import Generator
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from synth import figures
from synth.clock import Clock
from synth.errors import InputError
from synth.filters import morlet_bank
from synth.folders import hidden_folder, publish
from synth.images import Texture, load, save_png
from synth.metrics import flatness, kurtosis, skewness, spectrum_error
from synth.models import MomentModel, fit, fit_gaussian
from synth.scattering import Scattering
from synth.solvers import LBFGS, Adam
from synth.statistics import Residual, ScatteringMoments
from synth.synthesis import Judge, Limits, Outcome, Progress, Synthesis, descend

__all__ = [
    "Candidate",
    "Options",
    "Result",
    "check_seed",
    "generate",
    "manifest",
    "read",
    "write",
    "write_field",
]

Model = Literal["scattering", "gaussian"]
Method = Literal["lbfgs", "adam"]

_VERSIONS = ("synth", "jax", "jaxlib", "optax", "equinox", "numpy")
_LAGS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Options:
    """What a run is asked for.

    Attributes:
        image: path or bundled name of the target.
        size: longest side to which the target is resized, pixels; as it is by default.
        periodic: whether the target's borders match; found out by default.
        seed: of all random numbers.
        scales: number of scales J; as many as fit by default.
        angles: number of angles L.
        model: ``scattering``, which shows the Gaussian beside it, or ``gaussian`` alone.
        max_steps: most loss evaluations.
        tolerance: relative residual of the moments to reach.
        solver: descent method.
        device: where it computes, as it was asked for.
    """

    image: str
    size: int | None = None
    periodic: bool | None = None
    seed: int = 0
    scales: int | None = None
    angles: int = 8
    model: Model = "scattering"
    max_steps: int = 1000
    tolerance: float = 1e-2
    solver: Method = "lbfgs"
    device: str = "auto"

    def __post_init__(self) -> None:
        for name, names in (("model", get_args(Model)), ("solver", get_args(Method))):
            if getattr(self, name) not in names:
                given = getattr(self, name)
                raise InputError(f"There is no {name} {given}: choose {' or '.join(names)}.")
        if not 0 < self.tolerance < math.inf:
            raise InputError(f"The tolerance {self.tolerance} is not positive: 0.01 is usual.")
        if self.max_steps < 1:
            raise InputError(f"{self.max_steps} steps were asked for: allow at least 1.")
        check_seed(self.seed)


class Candidate(NamedTuple):
    """A field beside the target, with its moments by the exact transform.

    Attributes:
        field: in the target's units.
        moments: of the field, standardized like the target.
        residual: distance of the moments from the target's.
    """

    field: Float[np.ndarray, "c h w"]
    moments: Float[np.ndarray, " p"]
    residual: Residual


class Result(NamedTuple):
    """A finished run, before it is written.

    Attributes:
        texture: the target.
        options: what was asked for.
        target_moments: of the standardized target.
        candidates: what was drawn, by the model's name.
        descent: how the moment model was sampled; None for a Gaussian alone.
        clock: that tells what took how long.
    """

    texture: Texture
    options: Options
    target_moments: Float[np.ndarray, " p"]
    candidates: dict[str, Candidate]
    descent: Synthesis | None
    clock: Clock

    @property
    def seconds(self) -> dict[str, float]:
        """What took how long, so far."""
        return self.clock.seconds()

    @property
    def outcome(self) -> Outcome:
        """How the run ended; a Gaussian, which is drawn directly, cannot fail."""
        return Outcome.CONVERGED if self.descent is None else self.descent.outcome

    @property
    def verdict(self) -> str:
        """How the run ended, in a sentence."""
        return "Drawn directly." if self.descent is None else self.descent.verdict


def read(options: Options) -> Texture:
    """The target that the options name.

    Raises:
        InputError: if it cannot be used, as ``images.load`` says.
    """
    return load(options.image, size=options.size, periodic=options.periodic)


def generate(
    texture: Texture, options: Options, clock: Clock | None = None
) -> Generator[Progress, None, Result]:
    """Fit and sample the models that the options ask for.

    Args:
        texture: the target.
        options: what is asked for.
        clock: that has been running since the program started.

    Yields:
        Progress of the descent, chunk by chunk; nothing for a Gaussian alone.

    Returns:
        Everything that ``write`` needs (as the generator's return value).

    Raises:
        InputError: if the options do not fit the picture.
    """
    clock = clock or Clock()
    target = texture.field[0]
    model = _fit(texture, options)
    judge = Judge(model)
    gaussian_key, noise_key = jax.random.split(jax.random.key(options.seed))
    gaussian = fit_gaussian(target, periodic=texture.periodic).sample(key=gaussian_key)
    candidates, descent = {}, None
    if options.model == "scattering":
        with clock.phase("descend"):
            descent = yield from descend(
                model,
                key=noise_key,
                solver=LBFGS() if options.solver == "lbfgs" else Adam(),
                limits=Limits(options.tolerance, options.max_steps),
                judge=judge,
            )
    moments, residual = judge(gaussian)
    candidates["gaussian"] = _candidate(gaussian, moments, residual)
    if descent is not None:
        parts = descent.field, descent.moments, descent.residual
        candidates["scattering"] = _candidate(*parts)
    target_moments = np.asarray(judge.target.flatten())
    return Result(texture, options, target_moments, candidates, descent, clock)


def numbers(field: Float[np.ndarray, "c h w"]) -> dict[str, Any]:
    """Marginal skewness and kurtosis of a field, and the flatness of its increments."""
    return {
        "skewness": skewness(field[0]),
        "kurtosis": kurtosis(field[0]),
        "flatness": dict(zip(map(str, _LAGS), flatness(field[0], _LAGS).tolist(), strict=True)),
    }


def check_seed(seed: int) -> None:
    """Refuse a seed that JAX does not take.

    Raises:
        InputError: if it is negative or has more than 32 bits.
    """
    if not 0 <= seed < 2**32:
        raise InputError(f"The seed {seed} is out of range: choose 0 to {2**32 - 1}.")


def write(result: Result, parent: Path) -> Path:
    """Write a run's folder, ``<name>-<time>``, whole or not at all.

    Args:
        result: of ``generate``.
        parent: folder in which the new one is made; it is made if there is none.

    Returns:
        The new folder.

    Raises:
        InputError: if the folder cannot be written.
    """
    with hidden_folder(parent) as hidden:
        _write_files(result, hidden)
        return publish(hidden, parent / f"{result.texture.name}-{datetime.now():%Y%m%d-%H%M%S}")


def write_field(field: Float[np.ndarray, "h w"], name: str, parent: Path) -> Path:
    """Write a field that no picture shows yet: ``<name>.npy``, and ``<name>.png`` in 16 bits.

    Args:
        field: periodic, in any unit.
        name: of the files, which replace older ones.
        parent: folder of the files; it is made if there is none.

    Returns:
        Path of the array.

    Raises:
        InputError: if the folder cannot be written.
    """
    texture = Texture(name, field[None], periodic=True, dtype=field.dtype, sha256="")
    with hidden_folder(parent) as hidden:
        save_png(hidden / f"{name}.png", field, texture)
        np.save(hidden / f"{name}.npy", field)
        for file in hidden.iterdir():
            file.replace(parent / file.name)
    return parent / f"{name}.npy"


def manifest(result: Result) -> dict[str, Any]:
    """Options, origin, timings, outcome and numbers of a run, ready for JSON."""
    texture, descent = result.texture, result.descent
    return {
        "outcome": result.outcome.value,
        "verdict": result.verdict,
        "options": asdict(result.options),
        "seed": result.options.seed,
        "input": {
            "name": texture.name,
            "sha256": texture.sha256,
            "shape": list(texture.field.shape),
            "periodic": texture.periodic,
            "notes": list(texture.notes),
        },
        "versions": {name: version(name) for name in _VERSIONS},
        "device": _device(),
        "seconds": result.seconds,
        "evaluations": 0 if descent is None else descent.evaluations,
        "target": numbers(texture.field),
        "models": {name: _report(texture, one) for name, one in result.candidates.items()},
    }


def _fit(texture: Texture, options: Options) -> MomentModel:
    shape = texture.field.shape[-2], texture.field.shape[-1]
    bank = morlet_bank(shape, options.scales, options.angles)
    return fit(ScatteringMoments(bank), texture.field[0], periodic=texture.periodic)


def _candidate(field: Array, moments: Scattering, residual: Residual) -> Candidate:
    channels = np.asarray(field, np.float32)[None]
    return Candidate(channels, np.asarray(moments.flatten()), residual)


def _report(texture: Texture, candidate: Candidate) -> dict[str, Any]:
    orders = ("total", "order0", "order1", "order2")
    return {
        "residual": {name: float(getattr(candidate.residual, name)) for name in orders},
        "spectrum_error_db": spectrum_error(texture.field[0], candidate.field[0]),
        **numbers(candidate.field),
    }


def _write_files(result: Result, folder: Path) -> None:
    texture = result.texture
    fields = {"target": texture.field, **{k: c.field for k, c in result.candidates.items()}}
    moments = {"target": result.target_moments}
    moments |= {k: c.moments for k, c in result.candidates.items()}
    for name, channels in fields.items():
        save_png(folder / f"{name}.png", channels[0], texture)
    arrays: dict[str, Any] = {f"moments_{name}": values for name, values in moments.items()}
    np.savez_compressed(folder / "fields.npz", **fields, **arrays)
    losses = None if result.descent is None else result.descent.losses
    figure = figures.comparison(
        {name: channels[0] for name, channels in fields.items()},
        losses,
        title=texture.name,
        note=result.verdict,
    )
    figure.savefig(folder / "comparison.png")
    text = json.dumps(_finite(manifest(result)), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same tree of values, with null for the NaN and infinities that JSON has not."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _device() -> str:
    (device,) = jnp.zeros(()).devices()  # not the first one, if another is the default
    return f"{device.platform}: {device.device_kind}, {os.cpu_count()} cores"
