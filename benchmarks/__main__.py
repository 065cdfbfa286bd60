"""Speed of one loss and gradient, against the FFTs that it inherently needs.

    python -m benchmarks [--size 256 512] [--angles 8] [--repeats 20] [--json FILE]

The floor is a program of bare batched FFTs through the same backend: one forward FFT of the
field, an inverse and a forward one per first-order band, an inverse one per second-order
path, each on its subsampled grid, all counted twice for the gradient. It is given for the
grids that are in use and for the critical ones, N / 2^j, which are the stricter measure.
Evaluation and floors are timed in turn, and the ratios are medians of the pairs. Compilation is
that of everything: the target's moments, the descent, the exact residual.
"""

import argparse
import json
import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from synth import (
    FilterBank,
    Limits,
    MomentModel,
    ScatteringMoments,
    fit,
    morlet_bank,
    paths,
    synthesize,
)
from synth.clock import Clock

Grids = list[tuple[int, tuple[int, int]]]


def measure(size: int, num_angles: int, repeats: int) -> dict[str, Any]:
    """One row of the table.

    Args:
        size: pixels of a side.
        num_angles: L; J is as large as fits.
        repeats: timed evaluations.
    """
    bank = morlet_bank((size, size), num_angles=num_angles)
    noise = np.random.default_rng(0).standard_normal((size, size))
    clock = Clock()
    model = fit(ScatteringMoments(bank), noise)
    synthesize(model, key=jax.random.key(0), limits=Limits(max_steps=1))
    seconds_compile = clock.seconds()["compile"]
    variable = model.start(key=jax.random.key(0))
    loss = jax.jit(jax.value_and_grad(MomentModel.loss, argnums=1, has_aux=True))
    compiled = loss.lower(model, variable).compile()
    programs = {
        "evaluation": lambda: compiled(model, variable),
        "fft_floor": _floor(bank, critical=False),
        "fft_floor_critical": _floor(bank, critical=True),
    }
    times = _in_turn(programs, repeats)
    medians = {f"seconds_{name}": float(np.median(each)) for name, each in times.items()}
    return {
        "model": "scattering",
        "size": size,
        "num_scales": bank.num_scales,
        "num_angles": num_angles,
        "num_coefficients": len(paths(bank)),
        **medians,
        "ratio": _ratio(times, "fft_floor"),
        "ratio_critical": _ratio(times, "fft_floor_critical"),
        "seconds_compile": seconds_compile,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _ratio(times: dict[str, Float[np.ndarray, " n"]], floor: str) -> float:
    """Evaluation over twice the floor, pair by pair."""
    return float(np.median(times["evaluation"] / (2 * times[floor])))


def _in_turn(
    programs: dict[str, Callable[[], Any]], repeats: int
) -> dict[str, Float[np.ndarray, " n"]]:
    times: dict[str, list[float]] = {name: [] for name in programs}
    for repeat in range(repeats + 2):
        for name, program in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(program())
            if repeat >= 2:  # the first rounds compile and warm up
                times[name].append(time.perf_counter() - start)
    return {name: np.array(each) for name, each in times.items()}


def _floor(bank: FilterBank, *, critical: bool) -> Callable[[], Any]:
    """The bare FFTs of one forward pass, on arrays of the right sizes."""
    first, second = _grids(bank, critical=critical)
    complexes = [_noise(count, grid) for count, grid in [*first, *second]]
    reals = [_noise(count, grid).real for count, grid in [(1, bank.shape), *first]]

    @jax.jit
    def transforms(complexes: list[Array], reals: list[Array]) -> list[Array]:
        inverse = [jnp.fft.ifft2(each) for each in complexes]
        return inverse + [jnp.fft.rfft2(each) for each in reals]

    return lambda: transforms(complexes, reals)


def _grids(bank: FilterBank, *, critical: bool) -> tuple[Grids, Grids]:
    """Number and size of the inverse FFTs of both layers, scale by scale."""
    angles, shape = bank.num_angles, bank.shape

    def grid(used: tuple[int, int], j: int) -> tuple[int, int]:
        return (max(1, shape[0] >> j), max(1, shape[1] >> j)) if critical else used

    first = [(angles, grid(band.grid, j)) for j, band in enumerate(bank.first)]
    second = [(angles**2 * k, grid(band.grid, k)) for k, band in enumerate(bank.second, start=1)]
    return first, second


def _noise(count: int, grid: tuple[int, int]) -> Array:
    parts = np.random.default_rng(0).standard_normal((2, count, *grid))
    return jnp.asarray(parts[0] + 1j * parts[1], jnp.complex64)


def machine() -> dict[str, Any]:
    """Where the figures were taken."""
    device = jax.devices()[0]
    return {
        "device": f"{device.platform}: {device.device_kind}",
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "jax": jax.__version__,
    }


def save(results: list[dict[str, Any]], path: Path) -> None:
    """Write results and machine as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine(), "results": results}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Measure the rows that are asked for, print and keep them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--angles", type=int, nargs="+", default=[8])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/speed.json"))
    options = parser.parse_args()
    results = []
    print("size  J  L  moments   eval ms  floor ms  ratio  critical  compile s  memory MB")
    for size in options.size:
        for angles in options.angles:
            row = measure(size, angles, options.repeats)
            results.append(row)
            print(
                f"{size:4d} {row['num_scales']:2d} {angles:2d} {row['num_coefficients']:8d}"
                f" {1e3 * row['seconds_evaluation']:9.1f} {2e3 * row['seconds_fft_floor']:9.1f}"
                f" {row['ratio']:6.2f} {row['ratio_critical']:9.2f}"
                f" {row['seconds_compile']:10.2f} {row['peak_memory_mb']:10.0f}",
                flush=True,
            )
    save(results, options.json)


if __name__ == "__main__":
    main()
