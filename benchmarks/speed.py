"""Figures of one model at one size: each function fills a process that does nothing else.

So memory is that of the row alone, and a program is compiled from empty caches. The parts of
``python -m benchmarks``.
"""

import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from benchmarks.floor import TOGETHER, bandwidth, bare, in_turn, traffic_bytes, transforms
from synth import (
    MomentModel,
    ScatteringMoments,
    ScatteringSpectra,
    Schedule,
    descend,
    fit,
    joint,
    paths,
    spectra_paths,
)
from synth.app import runtime
from synth.parallel.mesh import common_mesh

_FREE = {"bitcast", "constant", "get-tuple-element", "parameter", "tuple"}
_STEP = 1e-6  # as little as moves nothing
_LOOKS = 3  # chunks of a descent that are timed, of one stage


class Kind(NamedTuple):
    """A model of the ladder, and its number of angles."""

    name: str
    num_angles: int


MODELS = {
    "scattering": Kind("scattering", 8),
    "scattering4": Kind("scattering", 4),
    "spectra": Kind("spectra", 4),
}


def descriptor(model: str, size: int) -> ScatteringMoments | ScatteringSpectra:
    """What a model measures of fields of ``size`` × ``size`` pixels."""
    kind = MODELS[model]
    (part,) = joint(kind.name, shape=(size, size), angles=kind.num_angles).parts.values()
    assert isinstance(part, ScatteringMoments | ScatteringSpectra)
    return part


def measure(model: str, size: int, repeats: int, devices: int | None = None) -> dict[str, Any]:
    """Loss and gradient: time, floors in turn with it, compilation and memory.

    Args:
        model: a name in ``MODELS``.
        size: pixels of a side.
        repeats: timed rounds.
        devices: that share the work; as many as ``synth generate`` takes by default.

    Returns:
        A row. Memory is in MiB: ``temp_memory_mb`` what the compiled program needs beyond its
        arguments, ``peak_memory_mb`` the most that its process had held, with Python and all
        that prepares the model, before the floors.
    """
    with shared(model, devices) as count:
        return {"model": model, "size": size, "devices": count, **_measure(model, size, repeats)}


def _measure(model: str, size: int, repeats: int) -> dict[str, Any]:
    measured = descriptor(model, size)
    fitted = fit(measured, _white(size))
    variable = fitted.start(key=jax.random.key(0))
    jax.clear_caches()  # what fitting has traced
    start = time.perf_counter()
    evaluate = Evaluations(fitted, variable)
    seconds_compile = time.perf_counter() - start
    jax.block_until_ready(evaluate())
    memory, analysis = peak_memory(), evaluate.compiled.memory_analysis()
    bank, means = measured.bank, isinstance(measured, ScatteringMoments)
    needed = transforms(bank, second_layer=means, critical=False)
    critical = transforms(bank, second_layer=means, critical=True)
    programs = {
        "evaluation": evaluate,
        "fft_floor": bare(needed, bank.num_angles),
        "fft_floor_critical": bare(critical, bank.num_angles),
    }
    row = {
        "num_scales": bank.num_scales,
        "num_angles": bank.num_angles,
        "num_coefficients": len(paths(bank) if means else spectra_paths(bank)),
        **figures(in_turn(programs, repeats)),
        "seconds_compile": seconds_compile,
        "peak_memory_mb": memory,
        "temp_memory_mb": None if analysis is None else analysis.temp_size_in_bytes / 2**20,
        "num_kernels": num_kernels(evaluate.compiled.as_text() or ""),
    }
    if jax.default_backend() != "cpu":
        speed = bandwidth()
        row["bandwidth_gb_per_second"] = speed / 1e9
        row["seconds_traffic_floor"] = traffic_bytes(needed) / speed
        row["ratio_traffic"] = row["seconds_evaluation"] / row["seconds_traffic_floor"]
    return row


@contextmanager
def shared(model: str, devices: int | None, samples: int = 1) -> Iterator[int]:
    """The devices that share the work in the body, as ``synth generate`` shares it: how many."""
    jax.config.update("jax_enable_compilation_cache", False)
    runtime.choose("auto", devices)
    mesh = common_mesh(devices, samples=samples, angles=[MODELS[model].num_angles])
    with jax.set_mesh(mesh) if mesh else nullcontext():
        yield mesh.size if mesh else 1


class Evaluations:
    """``TOGETHER`` losses and gradients of one program, each a little further down the last one.

    So does a descent; what a program allocates when it begins is shared by all of them.

    Args:
        model: the target's moments.
        variable: where they begin.
    """

    def __init__(self, model: MomentModel, variable: Float[Array, "*k h w"]) -> None:
        self.compiled = _evaluations.lower(model, variable).compile()
        self._given = jax.device_put((model, variable), self.compiled.input_shardings[0])

    def __call__(self) -> tuple[Array, Array]:
        """The variable and the losses."""
        return self.compiled(*self._given)


@jax.jit
def _evaluations(model: MomentModel, variable: Float[Array, "*k h w"]) -> tuple[Array, Array]:
    loss = jax.value_and_grad(MomentModel.loss, argnums=1, has_aux=True)

    def step(variable: Float[Array, "*k h w"], _: None) -> tuple[Array, Array]:
        (value, _), slope = loss(model, variable)
        return variable - _STEP * slope, value

    return jax.lax.scan(step, variable, length=TOGETHER)


def figures(times: dict[str, Float[np.ndarray, " n"]]) -> dict[str, float]:
    """Medians of evaluation and floors, and of the ratios of the pairs.

    Args:
        times: seconds of the programs ``evaluation``, ``fft_floor`` and ``fft_floor_critical``,
            each of ``TOGETHER`` evaluations, round by round.

    Returns:
        Seconds of one evaluation and of its floors, and ratios.
    """
    evaluation, floor, critical = (
        times[name] / TOGETHER for name in ("evaluation", "fft_floor", "fft_floor_critical")
    )
    return {
        "seconds_evaluation": float(np.median(evaluation)),
        "seconds_fft_floor": float(np.median(floor)),
        "seconds_fft_floor_critical": float(np.median(critical)),
        "ratio": float(np.median(evaluation / floor)),
        "ratio_critical": float(np.median(evaluation / critical)),
    }


def measure_batch(
    model: str, size: int, samples: int, devices: int | None = None
) -> dict[str, Any]:
    """One evaluation of a descent of several samples, with the solver's step.

    The descent takes them as it always does: at once on an accelerator, in turn on a processor.

    Args:
        model: a name in ``MODELS``.
        size: pixels of a side.
        samples: textures that are drawn together.
        devices: that share the work; as many as ``synth generate`` takes by default.

    Returns:
        Seconds of an evaluation of all samples, and of one sample of it; memory in MiB.
    """
    with shared(model, devices, samples):
        seconds = _seconds_batch(model, size, samples)
    return {
        "samples": samples,
        "seconds_evaluation": seconds,
        "seconds_per_sample": seconds / samples,
        "peak_memory_mb": peak_memory(),
    }


def _seconds_batch(model: str, size: int, samples: int) -> float:
    fitted = fit(descriptor(model, size), _white(size))
    keys = jax.random.split(jax.random.key(0), samples)
    run = descend(fitted, keys=keys, schedule=Schedule(tolerance=0))
    done = next(run).evaluations
    times = []
    for _ in range(_LOOKS):
        start = time.perf_counter()
        progress = next(run)
        jax.block_until_ready(progress.field)
        times.append((time.perf_counter() - start) / (progress.evaluations - done))
        done = progress.evaluations
    return float(np.median(times))


def peak_memory() -> float:
    """The most memory that this process has held, on the accelerator if there is one, in MiB."""
    device = jax.devices()[0]
    if device.platform != "cpu":
        return (device.memory_stats() or {}).get("peak_bytes_in_use", 0) / 2**20
    # Linux counts in ru_maxrss what the parent held when it made this process; not in VmHWM.
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def num_kernels(program: str) -> int:
    """Instructions that one evaluation runs: fusions, FFTs, library calls; a loop in it is one.

    Args:
        program: text of an optimized HLO module whose largest loop goes over evaluations.
    """
    bodies: dict[str, list[str]] = {}
    for head, body in re.findall(r"^(\S.*)\{\n((?: .*\n)+)\}", program, re.MULTILINE):
        name = "ENTRY" if head.startswith("ENTRY") else head.split()[0].lstrip("%")
        bodies[name] = body.splitlines()

    def count(name: str) -> int:
        total = 0
        for line in bodies.get(name, []):
            found = re.search(r" = .*?[\s)]([a-z][a-z0-9-]*)\(", line)
            operation = found[1] if found else "tuple"
            called = re.search(r"to_apply=%?([\w.-]+)", line)
            if operation == "call" and called:
                total += count(called[1])
            elif operation not in _FREE and not operation.endswith("-done"):
                total += 1
        return total

    return max(count(body) for body in re.findall(r" while\(.*body=%?([\w.-]+)", program))


def _white(size: int) -> Float[np.ndarray, "n n"]:
    return np.random.default_rng(0).standard_normal((size, size))
