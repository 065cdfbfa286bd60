"""Whether a network tells textures from fields of their process, by the size of what it sees.

    python -m benchmarks.learned [PROCESS ...] [--model MODEL ...] [--patch 16 32 64] [--size 256]
        [--fields 8] [--seeds 3] [--trials 20] [--steps 500] [--json FILE]

Per process n fields are drawn, and by every model n textures, each from its own field. A network
is trained on patches of some of both and judged on the others (``metrics.learned``): AUC, 0.5
where it cannot tell, with an interval of 95 % over fields, of networks of several seeds. The
control holds n fields against n others of the same process; over several trials, each with
fields of its own, it says how often the interval contains 0.5.
Beside the JSON a table of the same name is written, in Markdown.
"""

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from benchmarks.report import as_texture, pyramid, save, shared_mesh
from synth import descend_levels, drain, fit_gaussian
from synth.app import runtime
from synth.app.options import LADDER
from synth.app.trials import on_devices
from synth.metrics.learned import (
    LEAST_FIELDS,
    LEAST_PATCH,
    PATCHES,
    Settings,
    Told,
    largest_patch,
    tell_apart,
)
from synth.processes import PROCESSES

NAMES = ("turbulence", "foam", "cascade", "sparse", "ising")
MODELS = ("gaussian", "scattering", "spectra", "full")
CONTROL = "real"

_TEXTURES, _CONTROLS = 1000, 2000  # first seeds of textures, and of fields of the control

Fields = Float[np.ndarray, "n 1 h w"]


class Setting(NamedTuple):
    """What is measured, of every process."""

    models: Sequence[str]
    patches: Sequence[int]
    size: int
    fields: int
    trials: int
    network: Settings


def real_fields(name: str, setting: Setting, first: int) -> Fields:
    """Fields of a process, from consecutive seeds, one on every device at a time."""
    devices = jax.local_devices()

    def draw(index: int) -> Float[np.ndarray, "h w"]:
        with jax.default_device(devices[index % len(devices)]):
            key = jax.random.key(first + index)
            return np.asarray(PROCESSES[name]((setting.size, setting.size), key=key))

    with ThreadPoolExecutor(len(devices)) as pool:
        return np.stack(list(pool.map(draw, range(setting.fields))))[:, None]


def textures(model: str, reals: Fields) -> Fields:
    """A texture of every field, of that field alone."""
    return np.stack(
        [
            _texture(model, field, key=jax.random.key(_TEXTURES + index))
            for index, (field,) in enumerate(reals)
        ]
    )[:, None]


def _texture(
    model: str, field: Float[np.ndarray, "h w"], *, key: Key[Array, ""]
) -> Float[np.ndarray, "h w"]:
    if model == "gaussian":
        return np.asarray(fit_gaussian(field).sample(key=key))
    with shared_mesh():
        (synthesis,) = drain(descend_levels(pyramid(as_texture(field), model), keys=key[None]))
    return np.asarray(synthesis.field)


def tell(real: Fields, made: Fields, seed: int, patch: int, network: Settings) -> Told:
    """``tell_apart``, the folds shared by all devices of a processor."""
    with on_devices(network):
        return tell_apart(real, made, key=jax.random.key(seed), patch=patch, settings=network)


def row(name: str, model: str, told: Told, seconds: float) -> dict[str, Any]:
    """What was told, ready for JSON."""
    return {
        "name": name,
        "model": model,
        "patch": told.patch,
        "auc": round(told.auc, 4),
        "low": round(told.low, 4),
        "high": round(told.high, 4),
        "seconds": round(seconds, 1),
    }


def measure(name: str, setting: Setting) -> list[dict[str, Any]]:
    """Rows of all models and patches of one process, and the control's."""
    reals, rows = real_fields(name, setting, 0), []
    for model in setting.models:
        made = textures(model, reals)
        for patch in setting.patches:
            start = time.perf_counter()
            told = tell(reals, made, 0, patch, setting.network)
            rows.append(row(name, model, told, time.perf_counter() - start))
            show(rows[-1])
    for one in controls(name, setting) if setting.trials else ():
        rows.append(one)
        show(one)
    return rows


def controls(name: str, setting: Setting) -> list[dict[str, Any]]:
    """Real against real over several trials: mean area, and how often intervals contain 0.5."""
    told: dict[int, list[Told]] = {patch: [] for patch in setting.patches}
    seconds = dict.fromkeys(setting.patches, 0.0)
    for trial in range(setting.trials):
        first = _CONTROLS + 2 * setting.fields * trial
        own, other = (real_fields(name, setting, first + n) for n in (0, setting.fields))
        for patch in setting.patches:
            start = time.perf_counter()
            told[patch].append(tell(own, other, trial, patch, setting.network))
            seconds[patch] += time.perf_counter() - start
    return [_control(name, patch, told[patch], seconds[patch]) for patch in setting.patches]


def _control(name: str, patch: int, trials: Sequence[Told], seconds: float) -> dict[str, Any]:
    areas = np.array([told.auc for told in trials])
    return {
        "name": name,
        "model": CONTROL,
        "patch": patch,
        "auc": round(float(areas.mean()), 4),
        "low": round(float(areas.min()), 4),
        "high": round(float(areas.max()), 4),
        "trials": len(trials),
        "contain_half": sum(told.low <= 0.5 <= told.high for told in trials),
        "seconds": round(seconds, 1),
    }


def cell(one: dict[str, Any]) -> str:
    """A row's area with its interval; of the control the least and the largest of the trials."""
    words = f"{one['auc']:.2f} ({one['low']:.2f}–{one['high']:.2f})"
    return words + (f", {one['contain_half']} of {one['trials']}" if "trials" in one else "")


def table(rows: Sequence[dict[str, Any]]) -> str:
    """All rows in Markdown: a line per process and model, a column per size of patches."""
    patches = sorted({one["patch"] for one in rows})
    cells = {(one["name"], one["model"], one["patch"]): cell(one) for one in rows}
    lines = [
        f"| process | model | {' | '.join(f'{patch} px' for patch in patches)} |",
        f"|---|---|{'---|' * len(patches)}",
    ]
    for name, model in dict.fromkeys((one["name"], one["model"]) for one in rows):
        found = (cells.get((name, model, patch), "–") for patch in patches)
        lines.append(f"| {name} | {model} | {' | '.join(found)} |")
    return "\n".join(lines) + "\n"


def show(one: dict[str, Any]) -> None:
    """Print one row."""
    words = f"{one['name']:12} {one['model']:14} {one['patch']:3d} px  {cell(one)}"
    print(f"{words}  {one['seconds']:.0f} s", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learned", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--model", nargs="*", default=MODELS)
    parser.add_argument("--patch", type=int, nargs="+", default=PATCHES)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--fields", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--steps", type=int, default=Settings().steps)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/learned.json"))
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(PROCESSES)):
        parser.error(f"There is no process {unknown[0]}: choose {', '.join(PROCESSES)}.")
    if unknown := sorted(set(options.model) - set(LADDER)):
        parser.error(f"There is no model {unknown[0]}: choose {', '.join(LADDER)}.")
    if options.fields < LEAST_FIELDS:
        parser.error(f"{options.fields} fields are too few: give {LEAST_FIELDS} or more.")
    if min(options.patch) < LEAST_PATCH:
        parser.error(
            f"Patches of {min(options.patch)} pixels are too small: {LEAST_PATCH} or more."
        )
    most = largest_patch((options.size, options.size))
    if max(options.patch) > most:
        parser.error(f"Patches of {max(options.patch)} pixels are too large: give up to {most}.")
    return options


def main() -> None:
    """Measure the processes that are asked for, print and keep the figures."""
    options = _options()
    runtime.choose("auto")
    network = Settings(seeds=options.seeds, steps=options.steps)
    setting = Setting(
        options.model, options.patch, options.size, options.fields, options.trials, network
    )
    rows: list[dict[str, Any]] = []
    for name in options.names:
        rows += measure(name, setting)
        save(rows, options.json)
        options.json.with_suffix(".md").write_text(table(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
