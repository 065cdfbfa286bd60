"""What a run will take: seconds and memory, told before it starts."""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import psutil
from jaxtyping import Array

from synth.app.fitted import PAIR_BYTES, count_levels, solver_of
from synth.app.options import JUDGED_BY, Options
from synth.app.runs import mesh_of
from synth.app.tasks import Task
from synth.descent.solvers import LBFGS
from synth.errors import InputError
from synth.parallel.mesh import ANGLE
from synth.statistics import MODELS, NUM_ANGLES
from synth.transforms.filters import max_scales, num_points

__all__ = ["Cost", "cost"]

# Of a descent, on average over pictures, those of coarser levels by their share of the pixels:
# moments and spectra alone, on one level and on several; with other parts, on any number.
_ALONE, _ALONE_ON_LEVELS = 65, 30
_EVALUATIONS = {"gray_levels": 125, "rectified": 200}
_KEPT = 150  # where pixels are kept: no descent ends before its last stage
# Measured with two cores, from 256² to 4096², of 1 to 8 samples and 1 to 5 channels; right within
# a factor of two. Of several components, all numbers count for each one of them.
# An evaluation, in FFTs of all maps.
_FFTS = {"moments": 5.5, "spectra": 10.0, "rectified": 35.0, "between": 36.0}
# Per point, filters included.
_BYTES = {"moments": 14.5, "spectra": 225.0, "rectified": 600.0, "between": 225.0}
_PER_PIXEL = 200  # bytes of fields, spectra and samples that a run holds
_STATE = 30  # what a descent remembers beside curvature pairs
_FILLING = 1e4  # FFTs of conjugate gradients
_BASE = 1.1e9  # bytes of the program itself
_SHARE = 0.9  # of the memory that is free
_PROBE, _PROBES = (8, 256, 256), 8


class Cost(NamedTuple):
    """What a run will take, about.

    Attributes:
        seconds: of all descents.
        memory: bytes.
        free: bytes that there are.
    """

    seconds: float
    memory: float
    free: float

    @property
    def words(self) -> str:
        """Both in a sentence."""
        minutes = self.seconds / 60
        time_ = f"{minutes:.0f} min" if minutes >= 1.5 else f"{max(1, self.seconds):.0f} s"
        return f"The descent will take about {time_} and {self.memory / 1e9:.1f} GB of memory."

    def check(self) -> None:
        """Refuse what does not fit into memory.

        Raises:
            InputError: if it does not.
        """
        if self.memory > _SHARE * self.free:
            raise InputError(
                f"The textures need about {self.memory / 1e9:.1f} GB of memory and "
                f"{self.free / 1e9:.1f} GB are free: give a smaller out-size, fewer angles or "
                "scales, or a smaller model."
            )


def cost(task: Task, options: Options) -> Cost:
    """Estimate what a run will take, from the time of a few FFTs on the device.

    Args:
        task: what is drawn.
        options: what is asked for.
    """
    shape = task.layout.torus
    count = task.texture.num_components
    pixels, second = count * math.prod(shape), _seconds_per_point()
    runs = options.samples if task.other is None else options.steps
    seconds, held = 0.0, 0.0
    for name in options.descents or JUDGED_BY:
        evaluations = runs * _evaluations(name, task, options) if options.descents else runs
        most = 0.0
        for part in _parts(name, count):
            points = count * _points(part, shape, task.scales, options.angles)
            seconds += evaluations * _FFTS[part] * points * second
            most += _BYTES[part] * points
        held = max(held, most)
    if task.layout.kept is not None:
        seconds += _FILLING * pixels * second
    together = options.samples if options.descents else 1
    solver = solver_of(task, options)
    state = _STATE
    if isinstance(solver, LBFGS):  # every device that shares the angles has all pairs
        mesh = mesh_of(task.texture, options)
        state += PAIR_BYTES * solver.memory * (mesh.shape[ANGLE] if mesh else 1)
    return Cost(seconds, _BASE + held + pixels * (_PER_PIXEL + together * state), _free())


def _evaluations(model: str, task: Task, options: Options) -> int:
    """Of a descent."""
    parts = {*MODELS[model], *(["gray_levels"] if options.gray_levels else [])}
    alone = _ALONE_ON_LEVELS if count_levels(task, options, model) > 1 else _ALONE
    usual = max(_EVALUATIONS.get(part, alone) for part in parts)
    kept = 0 if task.layout.kept is None else _KEPT
    return min(max(usual, kept, options.min_steps or 0), options.max_steps)


def _parts(model: str, count: int) -> set[str]:
    """Parts of a model that filter; between several components each has its spectra, too."""
    parts = set(MODELS[model]) & set(NUM_ANGLES)
    return parts if count == 1 else parts - {"spectra"} | {"between"}


def _points(part: str, shape: tuple[int, int], scales: int | None, angles: int | None) -> int:
    """Of all maps that a part makes of one component; spectra filter only one layer."""
    angles = angles or NUM_ANGLES["moments" if part == "moments" else "spectra"]
    scales = scales or max_scales(shape) - (part != "moments")
    if part == "moments":
        return num_points(shape, scales, angles)
    return sum(num_points(shape, 1, angles) // 4**j for j in range(scales))


def _seconds_per_point() -> float:
    """Of a batched FFT on the device."""
    transform = jax.jit(lambda x: jnp.fft.ifft2(x))
    maps = jnp.zeros(_PROBE, jnp.complex64)
    transform(maps).block_until_ready()
    return min(_timed(transform, maps) for _ in range(_PROBES)) / maps.size


def _timed(transform: Callable[[Array], Array], maps: Array) -> float:
    start = time.perf_counter()
    transform(maps).block_until_ready()
    return time.perf_counter() - start


def _free() -> float:
    """Free memory of the device, bytes."""
    device = jax.local_devices()[0]
    if device.platform == "cpu":
        return float(psutil.virtual_memory().available)
    stats = device.memory_stats() or {}
    return float(stats.get("bytes_limit", 0) - stats.get("bytes_in_use", 0)) or float("inf")
