"""What the choices of the descent are worth: variable, start, levels, weights, memory.

    python -m benchmarks.ablation [NAME ...] [--model full] [--size 256] [--steps 300]
        [--only CHOICE ...] [--json FILE]

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
from jaxtyping import Float

from benchmarks.report import save
from benchmarks.scoreboard import SIZE, real_fields
from synth import (
    LBFGS,
    Joint,
    MomentModel,
    Outcome,
    ScatteringMoments,
    Schedule,
    descend_levels,
    drain,
    fit,
    joint,
    load,
    morlet_bank,
)
from synth.app.clock import Clock
from synth.app.fitted import holds_together
from synth.app.images import Texture
from synth.app.options import Options
from synth.app.tasks import coarser, prepare
from synth.descent import num_levels
from synth.metrics import compare, spectrum_error
from synth.models import Start
from synth.statistics import MODELS
from synth.transforms.estimate import Periodic

NAMES = ("turbulence", "sparse", "cascade", "ising", "foam", "brick", "grass", "gravel")


class Variant(NamedTuple):
    """One way to descend; the default values are those of the package."""

    exponents: tuple[float, float] | None = None
    start: Start = "skewed"
    memory: int = 20
    importance: float = 0.3  # of the moments in the full model
    staged: bool = True  # False: the model itself from the last level's first evaluation on
    levels: int | None = None  # of the resolution
    tight: bool = True
    relative: bool = False  # moments weighed by their relative residual alone


VARIANTS = (
    Variant(),
    Variant(exponents=(0, 0)),
    Variant(exponents=(0.25, 0)),
    Variant(exponents=(0.5, 0)),
    Variant(exponents=(0.5, 0.5)),
    Variant(exponents=(0.75, 0.5)),
    Variant(exponents=(1, 1)),
    Variant(start="gaussian"),
    Variant(start="pixels"),
    Variant(memory=5),
    Variant(memory=40),
    Variant(importance=1.0),
    Variant(staged=False),
    Variant(levels=1),
    Variant(tight=False),
    Variant(relative=True),
)


def fitted(
    field: Float[np.ndarray, "h w"],
    model: str,
    variant: Variant,
    periodic: Periodic,
    *,
    gray_levels: bool = False,
) -> MomentModel:
    """Moment model of a field, with the variant's weights and bank."""
    parts = dict(joint(model, shape=field.shape, gray_levels=gray_levels).parts)
    if not variant.tight and isinstance(parts.get("moments"), ScatteringMoments):
        parts["moments"] = ScatteringMoments(morlet_bank(field.shape, tight=False))
    importance = {"moments": variant.importance} if "moments" in parts else {}
    joined = Joint(parts, importance)
    fit_ = fit(joined, field, exponents=variant.exponents, periodic=periodic)
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
    target, models = texture.field[0], _models(texture, model, variant)
    clock = Clock()
    solver = LBFGS(variant.memory)
    schedule = Schedule.usual(models[-1].descriptor, max_steps=steps, min_steps=0, solver=solver)
    if not variant.staged:
        schedule = Schedule(schedule.tolerance, max_steps=steps, solver=solver)
    (synthesis,) = drain(
        descend_levels(
            models,
            keys=jax.random.key(0)[None],
            schedule=schedule,
            start=variant.start,
        )
    )
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
        "evaluations": synthesis.evaluations,
        "coarser": list(synthesis.coarser),
        "seconds": round(spent["total"] - spent["compile"], 1),
        "excess": synthesis.excess,
        "score": float(board.scores["it"].overall[0]),
        "spectrum_error_db": spectrum_error(target, field, periodic=texture.periodic),
    }


def _models(texture: Texture, model: str, variant: Variant) -> list[MomentModel]:
    """The variant's models, coarse to fine; coarser ones match gray levels, as in the command."""
    options = Options(texture.name, levels=variant.levels)
    task = prepare(texture, options)
    finest = fitted(texture.field[0], model, variant, texture.periodic)
    number = variant.levels or num_levels(finest.shape, far=holds_together(model))
    smaller = (coarser(task, level).texture for level in range(number - 1, 0, -1))
    return [
        *(fitted(e.field[0], model, variant, e.periodic, gray_levels=True) for e in smaller),
        finest,
    ]


def main() -> None:
    """Measure every variant on every picture, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--model", default="full", choices=list(MODELS))
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", nargs="*", default=Variant._fields, choices=Variant._fields)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/ablation.json"))
    options = parser.parse_args()
    results = []
    for name in options.names:
        texture = load(name, size=options.size)
        for variant in VARIANTS:
            changed = {k: v for k, v in variant._asdict().items() if v != Variant()._asdict()[k]}
            if not set(changed) <= set(options.only):
                continue
            row = measure(texture, options.model, variant, options.steps)
            results.append(row)
            words = " ".join(f"{k}={v}" for k, v in changed.items())
            print(
                f"{name:11} {words or 'default':22}"
                f" {row['evaluations'] if row['reached'] else '–':>6}"
                f" {row['seconds']:5.0f} s  excess {row['excess']:.3f}  score {row['score']:.3f}"
                f"  spectrum {row['spectrum_error_db']:.2f} dB",
                flush=True,
            )
            save(results, options.json)


if __name__ == "__main__":
    main()
