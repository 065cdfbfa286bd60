"""What loss and gradient cannot go below: their FFTs, and on an accelerator the traffic of maps.

The FFTs of a forward pass are one of the real field, an inverse one per first-layer band, one of
each real modulus map that a second layer looks at, and an inverse one per path of a second
layer of which means of moduli are taken. Covariances are sums over frequencies (Parseval), and
need none. The gradient runs through the same transforms once more, the other way. Devices of a mesh
share them as they share the evaluation.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Complex, Float

from synth import FilterBank
from synth.parallel.mesh import ANGLE, WHOLE, split

Grids = list[tuple[int, tuple[int, int]]]
"""How many maps, and the height and width of each."""

TOGETHER = 10
"""Evaluations of one program, as many as a descent does between two looks."""

_COMPLEX = 8  # bytes of a number
_LARGE = 2**28  # numbers of an array that no cache holds


class Transforms(NamedTuple):
    """The FFTs of one forward pass: complex inverse ones, and forward ones of real maps."""

    inverse: Grids
    forward: Grids


def transforms(bank: FilterBank, *, second_layer: bool, critical: bool) -> Transforms:
    """The FFTs that one forward pass needs.

    The residual band and the filter from the descent's variable to the field are left out.

    Args:
        bank: of the model.
        second_layer: whether means of the second layer's moduli are taken; otherwise its
            covariances, which need no FFT but the spectrum of every modulus map.
        critical: on the critically sampled grids N / 2^j instead of those in use.
    """
    angles, shape = bank.num_angles, bank.shape

    def grid(used: tuple[int, int], j: int) -> tuple[int, int]:
        return (max(1, shape[0] >> j), max(1, shape[1] >> j)) if critical else used

    first = [(angles, grid(band.grid, j)) for j, band in enumerate(bank.first)]
    field = (1, shape)
    if not second_layer:
        return Transforms(first, [field, *first])
    second = [(angles**2 * k, grid(band.grid, k)) for k, band in enumerate(bank.second, start=1)]
    return Transforms([*first, *second], [field, *first[:-1]])  # nothing sees the coarsest map


Maps = tuple[list[Complex[Array, "p n m"]], list[Float[Array, "p n m"]]]


def bare(needed: Transforms, num_angles: int) -> Callable[[], Maps]:
    """A program of nothing but these FFTs and those of the gradient, ``TOGETHER`` times.

    Args:
        needed: of one forward pass, batched by grid.
        num_angles: that the devices of a mesh share.

    Returns:
        The program, which transforms arrays of noise there and back.
    """
    complexes = [_noise(count, grid) for count, grid in needed.inverse]
    reals = [_noise(count, grid).real for count, grid in needed.forward]
    by_angle = [
        [PartitionSpec(ANGLE) if len(x) > 1 else WHOLE for x in part] for part in (complexes, reals)
    ]

    def there_and_back(maps: Maps, _: None) -> tuple[Maps, None]:
        complexes, reals = maps
        complexes = [jnp.fft.fft2(jnp.fft.ifft2(each)) for each in complexes]
        return (complexes, [jnp.fft.irfft2(jnp.fft.rfft2(x), s=x.shape[1:]) for x in reals]), None

    def repeat(
        complexes: list[Complex[Array, "p n m"]], reals: list[Float[Array, "p n m"]]
    ) -> Maps:
        return lax.scan(there_and_back, (complexes, reals), length=TOGETHER)[0]

    specs = tuple(by_angle)
    every = split(repeat, ANGLE, num_angles, in_specs=specs, out_specs=specs)
    program = jax.jit(every).lower(complexes, reals).compile()
    given = jax.device_put((complexes, reals), program.input_shardings[0])
    return lambda: program(*given)


def traffic_bytes(needed: Transforms) -> int:
    """Bytes that move at least: every map of both layers written and read, in either direction."""
    points = sum(count * height * width for count, (height, width) in needed.inverse)
    return 4 * _COMPLEX * points


def bandwidth(length: int = _LARGE, repeats: int = 10) -> float:
    """Bytes per second that y = 2 x reads and writes on a large array of this device."""
    array, double = jnp.ones(length, jnp.float32), jax.jit(lambda x: 2 * x)
    times = in_turn({"double": lambda: double(array)}, repeats)["double"]
    return float(2 * array.nbytes / np.median(times))


def in_turn(
    programs: dict[str, Callable[[], Any]], repeats: int
) -> dict[str, Float[np.ndarray, " n"]]:
    """Seconds of each program, one after the other, ``repeats`` times.

    Args:
        programs: by name; their results are waited for.
        repeats: timed rounds, after two that compile and warm up.

    Returns:
        Seconds of every round, by name.
    """
    times: dict[str, list[float]] = {name: [] for name in programs}
    for repeat in range(repeats + 2):
        for name, program in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(program())
            if repeat >= 2:
                times[name].append(time.perf_counter() - start)
    return {name: np.array(each) for name, each in times.items()}


def _noise(count: int, grid: tuple[int, int]) -> Array:
    parts = np.random.default_rng(0).standard_normal((count, *grid, 2), dtype=np.float32)
    return jnp.asarray(parts.view(np.complex64)[..., 0])
