"""What a run will take: seconds and memory, told before it starts."""

import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import psutil

from synth.app.options import Options
from synth.app.tasks import Task
from synth.errors import InputError
from synth.statistics import MODELS, NUM_ANGLES
from synth.transforms.filters import max_scales, num_points

__all__ = ["Cost", "cost"]

_EVALUATIONS = 140  # of a descent, on average over pictures and models
_FFTS = {"moments": 4.5, "spectra": 9.0}  # per evaluation: FFTs of all maps, in time
_BYTES = {"moments": 9.0, "spectra": 40.0}  # per point of the maps, filters included
_PER_PIXEL = 600  # curvature pairs, fields and their spectra, bytes
_BASE = 7e8  # bytes of the program itself
_SHARE = 0.9  # of the memory that is free
_PROBE = (8, 256, 256)


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
    height, width = shape = task.layout.torus
    runs = options.samples if task.other is None else options.steps
    second, memory = _seconds_per_point(), 0.0
    seconds = 0.0
    for name in options.descents:
        held = _PER_PIXEL * height * width
        for part in MODELS[name]:
            if part in NUM_ANGLES:
                points = _points(part, shape, task.scales, options.angles)
                seconds += runs * _EVALUATIONS * _FFTS[part] * points * second
                held += _BYTES[part] * points
        memory = max(memory, held)
    return Cost(seconds, _BASE + memory, _free())


def _points(part: str, shape: tuple[int, int], scales: int | None, angles: int | None) -> int:
    """Of all maps that a part makes; spectra filter only one layer."""
    angles = angles or NUM_ANGLES[part]
    scales = scales or max_scales(shape) - (part == "spectra")
    if part == "moments":
        return num_points(shape, scales, angles)
    return sum(num_points(shape, 1, angles) // 4**j for j in range(scales))


def _seconds_per_point() -> float:
    """Of a batched FFT on the device."""
    transform = jax.jit(lambda x: jnp.fft.ifft2(x))
    maps = jnp.zeros(_PROBE, jnp.complex64)
    transform(maps).block_until_ready()
    start = time.perf_counter()
    for _ in range(3):
        transform(maps).block_until_ready()
    return (time.perf_counter() - start) / 3 / maps.size


def _free() -> float:
    """Free memory of the device, bytes."""
    device = jax.local_devices()[0]
    if device.platform == "cpu":
        return float(psutil.virtual_memory().available)
    stats = device.memory_stats() or {}
    return float(stats.get("bytes_limit", 0) - stats.get("bytes_in_use", 0)) or float("inf")
