"""What the choices of the model of several channels are worth: base, blocks, colors, light.

    python -m benchmarks.channel_ablation [NAME ...] [--size 128] [--steps 250] [--json FILE]

One choice is changed at a time in ``full``. Per picture and variant: overall score of the
scoreboard, that of its nine statistics of colors and channels, the share of foreign colors, and
evaluations. Every score is that of the values as they are stored, whatever the variant works in.
"""

import argparse
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import getitem
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks.channels import picture
from benchmarks.report import save, shared_mesh
from synth import MomentModel, Schedule, descend, drain, fit, joint
from synth.metrics import CHANNEL_STATISTICS, compare
from synth.models import _standard, moments
from synth.processes._color import CONES, LAB
from synth.statistics import EachChannel, between_channels, ladder
from synth.transforms.components import Components, principal_components
from synth.transforms.radial import radial_powers

NAMES = (
    "colored-foam",
    "leaves",
    "reaction-diffusion",
    "fibers",
    "tissue",
    "galaxies",
    "stars",
    "wood",
)

Field = Float[np.ndarray, "c h w"]
Change = Callable[[MomentModel], MomentModel]


def based(axes: Float[np.ndarray, "c k"] | None) -> Callable[[Field], Components]:
    """Channels along fixed axes of their standardized space, each of variance 1."""

    def components(field: Field) -> Components:
        found = principal_components(field)
        pixels = np.moveaxis(field, -3, 0).reshape(field.shape[-3], -1)
        unit = pixels.std(1)
        turn = np.eye(len(unit)) if axes is None else axes
        deviation = (turn.T @ (pixels / unit[:, None])).std(1)
        scale = unit[:, None] * turn * deviation
        return Components(found.mean, scale, np.linalg.inv(scale), deviation**2)

    return components


OPPONENT = np.array([[1, 1, 1], [1, 0, -2], [1, -1, 1]]) / np.sqrt([3, 2, 6])


def without(*blocks: str) -> Change:
    """Leave out blocks of moments: their weights are 0, and the verdict does not see them."""

    def change(model: MomentModel) -> MomentModel:
        weights = _zeroed(model.weights, [block.split("/") for block in blocks])
        unit = {
            name: jnp.inf * level if _is_one(name, blocks) else level
            for name, level in model.unit.items()
        }
        return eqx.tree_at(lambda m: (m.weights, m.unit), model, (weights, unit))

    return change


def _is_one(name: str, blocks: Sequence[str]) -> bool:
    """Whether the residual of that name is one of the blocks."""
    words = "/".join(word for word in name.split("/") if not word.isdecimal())
    return any(f"{words}/".startswith(f"{block}/") for block in blocks)


def _zeroed(weights: Any, blocks: Sequence[Sequence[str]]) -> Any:  # noqa: ANN401 - any moments
    """Weights, 0 below the paths that are named: ``spectra/between/phase``."""
    for first, *rest in blocks:
        fields = weights if isinstance(weights, Mapping) else vars(weights)
        parts = {first: fields[first]}
        if first == "power" and "outside" in fields:
            parts["outside"] = fields["outside"]
        zeroed = {
            name: _zeroed(part, [rest]) if rest else jax.tree.map(jnp.zeros_like, part)
            for name, part in parts.items()
        }
        weights = (
            {**weights, **zeroed}
            if isinstance(weights, Mapping)
            else eqx.tree_at(
                lambda w, names=tuple(zeroed): [getattr(w, name) for name in names],
                weights,
                list(zeroed.values()),
            )
        )
    return weights


def marginals(model: MomentModel) -> MomentModel:
    """Match the marginals of the components alone."""
    weights = model.weights["colors"]
    count = model.descriptor.num_channels
    kept = weights.at[count:].set(0) * (len(weights) / count)
    unit = {**model.unit, "colors": jnp.inf * model.unit["colors"]}
    return free(eqx.tree_at(lambda m: (m.weights["colors"], m.unit), model, (kept, unit)))


def free(model: MomentModel) -> MomentModel:
    """Colors are not projected onto those of the target."""
    return eqx.tree_at(lambda m: m.gamut, model, None)


def scaled(model: MomentModel, factor: float, *path: str) -> MomentModel:
    """The weights of a part, which the path leads to, times a factor."""

    def chosen(one: MomentModel) -> Any:  # noqa: ANN401 - any moments
        return reduce(getitem, path, one.weights)

    return eqx.tree_at(chosen, model, jax.tree.map(lambda w: factor * w, chosen(model)))


def same(model: MomentModel) -> MomentModel:
    """The model as it is."""
    return model


VARIANTS: dict[str, Change] = {
    "default": same,
    "base: channels": same,
    "base: opponents": same,
    "linear light": same,
    "OKLab": same,
    "no cross power": without("spectra/between/power"),
    "no cross moduli": without("spectra/between/modulus"),
    "no cross phase": without("spectra/between/phase"),
    "nothing between": without("spectra/between"),
    "marginals": marginals,
    "no projection": free,
    "no colors": lambda model: free(without("colors")(model)),
    "moments of each": same,
    "no moments": without("moments"),
    "between counts 20": lambda model: scaled(model, 20, "spectra", "between"),
    "powers one by one": same,
    "variable of each": same,
    "colors count once": lambda model: scaled(model, 1 / model.descriptor.num_channels, "colors"),
    "tolerance 0.45": same,
}


def one_by_one(change: Any, power: Any, _: Any) -> Any:  # noqa: ANN401 - matrices
    """Changes of powers in units of √(P_c P_d), whatever the channels share."""
    size = jnp.sqrt(jnp.maximum(jnp.diagonal(power, axis1=-2, axis2=-1).real, 1e-8))
    return change / (size[..., :, None] * size[..., None, :])


def of_each(spectrum: np.ndarray, exponents: Sequence[float]) -> list[np.ndarray]:
    """Powers of the radial spectra of each component alone."""
    own = np.eye(len(spectrum))[:, :, None, None] if spectrum.ndim > 2 else 1
    return radial_powers(spectrum * own, exponents)


REPLACED: dict[str, tuple[ModuleType, str, Callable[..., Any]]] = {
    "base: channels": (_standard, "principal_components", based(None)),
    "base: opponents": (_standard, "principal_components", based(OPPONENT)),
    "moments of each": (ladder, "EachChannel", lambda own, count, **_: EachChannel(own, count)),
    "powers one by one": (between_channels, "_in_units", one_by_one),
    "variable of each": (moments, "radial_powers", of_each),
}
"""Functions that a variant replaces: module, name, and what stands there instead."""


@contextmanager
def replaced(variant: str) -> Iterator[None]:
    """What a variant replaces, compiled anew and forgotten afterwards."""
    if variant not in REPLACED:
        yield
        return
    jax.clear_caches()
    module, name, function = REPLACED[variant]
    with patch.object(module, name, function):
        yield
    jax.clear_caches()


Convert = Callable[[Field], Field]


def decoded(levels: Field) -> Field:
    """Linear light of sRGB levels from 0 to 255 (IEC 61966-2-1), on the same scale."""
    x = levels / 255
    return 255 * np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def encoded(light: Field) -> Field:
    """The inverse of ``decoded``."""
    x = np.clip(light / 255, 0, 1)
    return 255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)


def to_oklab(levels: Field) -> Field:
    """OKLab of sRGB levels (B. Ottosson, 2020)."""
    return np.tensordot(LAB, np.cbrt(np.tensordot(CONES, decoded(levels) / 255, 1)), 1)


def from_oklab(lab: Field) -> Field:
    """The inverse of ``to_oklab``."""
    cones = np.tensordot(np.linalg.inv(LAB), lab, 1) ** 3
    return encoded(255 * np.tensordot(np.linalg.inv(CONES), cones, 1))


SPACES: dict[str, tuple[Convert, Convert]] = {
    "linear light": (decoded, encoded),
    "OKLab": (to_oklab, from_oklab),
}
"""What a variant works in instead of the stored levels: the way there, and back."""


def measure(name: str, variant: str, size: int, steps: int) -> dict[str, Any]:
    """Descend once on the upper left part of a picture, and score what was found."""
    texture = picture(name)
    target = texture.field[:, :size, :size].astype(np.float64)
    periodic = texture.periodic if target.shape == texture.field.shape else (False, False)
    to_space, from_space = SPACES.get(variant, (np.asarray, np.asarray))
    descriptor = joint("full", shape=target.shape[1:], channels=len(target))
    model = VARIANTS[variant](fit(descriptor, to_space(target), periodic=periodic))
    tolerance = 0.45 if variant == "tolerance 0.45" else None
    schedule = Schedule.usual(model.descriptor, tolerance=tolerance, max_steps=steps)
    with shared_mesh():
        (found,) = drain(descend(model, keys=jax.random.key(1)[None], schedule=schedule))
    written = np.round(from_space(np.asarray(found.field, np.float64)))
    board = compare(target, {"it": [written]}, periodic=periodic)
    score = board.scores["it"]
    joint_rows = [float(score.ratios[row][0]) for row in CHANNEL_STATISTICS if row in score.ratios]
    return {
        "name": name,
        "size": size,
        "variant": variant,
        "evaluations": found.evaluations,
        "outcome": found.outcome.value,
        "excess": found.excess,
        "score": float(score.overall[0]),
        "channels": float(np.exp(np.mean(np.log(np.maximum(joint_rows, 1))))),
        "foreign": float(score.foreign[0]) if score.foreign is not None else None,
    }


def main() -> None:
    """Measure every variant on every picture, print and keep the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.channel_ablation", description=__doc__
    )
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--variant", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=250)
    path = Path("benchmarks/results/channel_ablation.json")
    parser.add_argument("--json", type=Path, default=path)
    options = parser.parse_args()
    kept = json.loads(options.json.read_text())["results"] if options.json.exists() else []
    found: dict[tuple[str, str], dict] = {(row["variant"], row["name"]): row for row in kept}
    for variant in options.variant:
        with replaced(variant):
            for name in options.names:
                found[variant, name] = measure(name, variant, options.size, options.steps)
                known = itertools.product(VARIANTS, NAMES)
                save([found[key] for key in known if key in found], options.json)
        own = [found[variant, name] for name in options.names]
        scores, rows, foreign = (
            np.array([row[key] for row in own]) for key in ("score", "channels", "foreign")
        )
        print(
            f"{variant:21} score {scores.mean():.3f} (most {scores.max():.2f})  colors and channels"
            f" {rows.mean():.3f}  foreign {foreign.mean():.2%}  evaluations"
            f" {np.mean([row['evaluations'] for row in own]):.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
