"""What the choices of the descent are worth: variable, start, stages, weights, memory, scales.

    python -m benchmarks.ablation [NAME ...] [--model full] [--size 256] [--steps 300]

One choice is changed at a time. Per picture: evaluations and seconds to the
model's tolerance (– if not within the limit) and, at that point, the overall score of the
statistics that were not matched and the radial spectrum error.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from benchmarks.report import save
from benchmarks.scoreboard import SIZE, real_fields
from synth import (
    LBFGS,
    Joint,
    MomentModel,
    Outcome,
    ScatteringMoments,
    Schedule,
    descend,
    drain,
    fit,
    joint,
    load,
    morlet_bank,
)
from synth.app.clock import Clock
from synth.app.images import Texture
from synth.metrics import compare, spectrum_error
from synth.models import Start
from synth.statistics import MODELS
from synth.transforms.estimate import Periodic

NAMES = ("turbulence", "sparse", "cascade", "ising", "foam", "brick", "grass", "gravel")


class Variant(NamedTuple):
    """One way to descend; the default values are those of the package."""

    exponent: float = 0.5
    start: Start = "skewed"
    memory: int = 20
    importance: float = 0.3  # of the moments in the full model
    staged: bool = True  # False: the model itself from the first evaluation on
    coarse: bool = False  # half the resolution first, and from its field on the model itself
    tight: bool = True
    relative: bool = False  # moments weighed by their relative residual alone


VARIANTS = (
    Variant(),
    Variant(exponent=0.0),
    Variant(exponent=0.25),
    Variant(exponent=1.0),
    Variant(start="gaussian"),
    Variant(start="pixels"),
    Variant(memory=5),
    Variant(memory=40),
    Variant(importance=1.0),
    Variant(staged=False),
    Variant(coarse=True),
    Variant(tight=False),
    Variant(relative=True),
)


def fitted(
    field: Float[np.ndarray, "h w"], model: str, variant: Variant, periodic: Periodic
) -> MomentModel:
    """Moment model of a field, with the variant's weights and bank."""
    parts = dict(joint(model, shape=field.shape).parts)
    if not variant.tight and isinstance(parts.get("moments"), ScatteringMoments):
        parts["moments"] = ScatteringMoments(morlet_bank(field.shape, tight=False))
    importance = {"moments": variant.importance} if "moments" in parts else {}
    joined = Joint(parts, importance)
    fit_ = fit(joined, field, exponent=variant.exponent, periodic=periodic)
    return _relative(fit_) if variant.relative else fit_


def _relative(model: MomentModel) -> MomentModel:
    """Weights of the moments such that their loss is their squared relative residual."""
    weights, target = model.weights["moments"], model.target["moments"]
    total = jnp.sum(weights.flatten() * target.flatten() ** 2)
    even = total / jnp.sum(target.flatten() ** 2)
    replaced = jax.tree.map(lambda w: jnp.full_like(w, even), weights)
    return eqx.tree_at(lambda m: m.weights["moments"], model, replaced)


def measure(texture: Texture, model: str, variant: Variant, steps: int) -> dict[str, Any]:
    """Descend once and say how far it went.

    Args:
        texture: the target.
        model: name of the ladder.
        variant: how to descend.
        steps: most evaluations.
    """
    target = texture.field[0]
    whole = fitted(target, model, variant, texture.periodic)
    schedule = Schedule.usual(whole.descriptor, max_steps=steps)
    solver = LBFGS(variant.memory)
    key, evaluations, clock = jax.random.key(0)[None], 0.0, Clock()
    start: Start | Array = variant.start
    if not variant.staged:  # as from a field that is given
        start = whole.to_units(whole.field(whole.start(key=key[0])))[None]
    if variant.coarse:
        start, evaluations = _coarse_start(whole, texture, model, variant, key)
    (synthesis,) = drain(descend(whole, keys=key, solver=solver, schedule=schedule, start=start))
    spent = clock.seconds()
    field = np.asarray(synthesis.field)
    reals = real_fields(texture.name) if len(target) == SIZE else []
    board = compare(target, {"it": [field]}, reals=reals, periodic=texture.periodic)
    return {
        "name": texture.name,
        "size": len(target),
        "model": model,
        **variant._asdict(),
        "reached": synthesis.outcome is Outcome.CONVERGED,
        "evaluations": round(synthesis.evaluations + evaluations),
        "seconds": round(spent["total"] - spent["compile"], 1),
        "excess": synthesis.excess,
        "score": float(board.scores["it"].overall[0]),
        "spectrum_error_db": spectrum_error(target, field, periodic=texture.periodic),
    }


def _coarse_start(
    whole: MomentModel, texture: Texture, model: str, variant: Variant, key: PRNGKeyArray
) -> tuple[Array, float]:
    """A texture of half the resolution, with noise beyond; and the evaluations that it cost."""
    field = texture.field[0]
    height, width = (n // 2 for n in field.shape)
    spectrum = np.fft.fftshift(np.fft.fft2(field))[_middle(field.shape, (height, width))]
    small = np.fft.ifft2(np.fft.ifftshift(spectrum)).real / 4
    coarse = fitted(small, model, variant, texture.periodic)
    schedule = Schedule.usual(coarse.descriptor, max_steps=150)
    (half,) = drain(descend(coarse, keys=key, solver=LBFGS(variant.memory), schedule=schedule))
    noise = whole.to_units(whole.field(whole.start(key=key[0])))
    mixed = np.fft.fftshift(np.fft.fft2(np.asarray(noise)))
    inner = np.fft.fftshift(np.fft.fft2(np.asarray(half.field))) * 4
    mixed[_middle(field.shape, (height, width))] = inner
    start = np.fft.ifft2(np.fft.ifftshift(mixed)).real
    return jnp.asarray(start[None], jnp.float32), half.evaluations / 4


def _middle(shape: tuple[int, ...], inner: tuple[int, int]) -> tuple[slice, ...]:
    """The frequencies of a smaller grid in the centered square of a larger one."""
    first = [n // 2 - m // 2 for n, m in zip(shape, inner, strict=True)]
    return tuple(slice(a, a + m) for a, m in zip(first, inner, strict=True))


def main() -> None:
    """Measure every variant on every picture, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--model", default="full", choices=list(MODELS))
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/ablation.json"))
    options = parser.parse_args()
    results = []
    for name in options.names:
        texture = load(name, size=options.size)
        for variant in VARIANTS:
            row = measure(texture, options.model, variant, options.steps)
            results.append(row)
            changed = [
                f"{k}={v}" for k, v in variant._asdict().items() if v != VARIANTS[0]._asdict()[k]
            ]
            print(
                f"{name:11} {' '.join(changed) or 'default':18}"
                f" {row['evaluations'] if row['reached'] else '–':>6}"
                f" {row['seconds']:5.0f} s  excess {row['excess']:.3f}  score {row['score']:.3f}"
                f"  spectrum {row['spectrum_error_db']:.2f} dB",
                flush=True,
            )
            save(results, options.json)


if __name__ == "__main__":
    main()
