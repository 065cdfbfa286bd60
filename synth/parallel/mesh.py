"""Several devices: a mesh with the axes ``sample`` and ``angle``, and what is split over it.

Samples of an ensemble are independent. One large field is split over the angles of its filter
bank: every device holds the field and does the work of its own angles. The mesh is that of
``jax.set_mesh``; without one everything runs on JAX's default device. ``jax.shard_map``
gathers what is split and sums the gradients of what is not; covariances exchange parts.

    with jax.set_mesh(device_mesh(samples=2, angles=4)):
        drain(descend(model, keys=jax.random.split(jax.random.key(0), 2)))
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, PyTree

from synth.errors import InputError

__all__ = [
    "ANGLE",
    "SAMPLE",
    "WHOLE",
    "Room",
    "common_mesh",
    "device_mesh",
    "everywhere",
    "exchanged",
    "largest_divisor",
    "room",
    "samples_at_once",
    "share",
    "split",
    "split_if_even",
    "undivided",
    "whole",
]

SAMPLE = "sample"
ANGLE = "angle"

WHOLE = PartitionSpec()
"""Every device has all of it."""

Tree = TypeVar("Tree")

_BYTES = 16  # that a descent needs per point of the maps of a bank
_MEMORY = 2**34  # bytes of an accelerator that does not tell
_SHARE = 0.7  # of its memory that samples may take


def device_mesh(*, samples: int = 1, angles: int = 1, devices: Sequence[Any] | None = None) -> Mesh:
    """Mesh of ``samples`` × ``angles`` devices, for ``jax.set_mesh``.

    Args:
        samples: over how many devices the samples of an ensemble are split.
        angles: over how many each of them is split, by the angles of the filter bank.
        devices: which ones; the first of all processes by default.

    Returns:
        The mesh.

    Raises:
        InputError: if there are fewer devices.
    """
    devices, wanted = devices or jax.devices(), samples * angles
    if min(samples, angles) < 1 or wanted > len(devices):
        raise InputError(f"{wanted} devices were asked for: choose 1 to {len(devices)}.")
    auto = (AxisType.Auto, AxisType.Auto)
    return jax.make_mesh((samples, angles), (SAMPLE, ANGLE), auto, devices=devices[:wanted])


def common_mesh(num_devices: int | None, *, samples: int, angles: Sequence[int]) -> Mesh | None:
    """Mesh of the devices of all processes, as many as possible along ``sample``.

    Args:
        num_devices: how many of each process. None takes all of them in a distributed run; one
            process alone takes as many devices of its processor as share evenly, but only the
            default one of several accelerators.
        samples: of the ensemble.
        angles: numbers of angles of all the filter banks that are in use.

    Returns:
        The mesh, or None if one device is enough.

    Raises:
        InputError: if samples and angles cannot be split evenly.
    """
    if num_devices is None and jax.process_count() == 1:
        num_devices = _even(samples, angles) if _platform() == "cpu" else 1
    if num_devices == jax.process_count() == 1:
        return None
    own = [[d for d in jax.devices() if d.process_index == i] for i in range(jax.process_count())]
    devices = [device for each in own for device in each[:num_devices]]
    along_samples, along_angles = _shares(len(devices), samples, angles)
    return device_mesh(samples=along_samples, angles=along_angles, devices=devices)


def _platform() -> str:
    """Of the default device, which may be another one than that of the default backend."""
    device = jax.config.values["jax_default_device"]
    return getattr(device, "platform", device) or jax.default_backend()


def _even(samples: int, angles: Sequence[int]) -> int:
    """The most devices of this process that share evenly."""
    for count in range(jax.local_device_count(), 1, -1):
        with suppress(InputError):
            _shares(count, samples, angles)
            return count
    return 1


def _shares(num_devices: int, samples: int, angles: Sequence[int]) -> tuple[int, int]:
    """How many devices split the samples, and how many the angles of each."""
    for along_samples in range(min(num_devices, samples), 0, -1):
        along_angles, rest = divmod(num_devices, along_samples)
        even = rest == samples % along_samples == 0
        if even and all(count % along_angles == 0 for count in angles):
            return along_samples, along_angles
    counts = " and ".join(str(count) for count in sorted(set(angles)))
    raise InputError(
        f"{num_devices} devices cannot share {samples} sample{'s' * (samples > 1)} of {counts} "
        "angles evenly: choose a divisor of the samples times a divisor of the angles."
    )


def split(
    function: Callable[..., Tree], axis: str, count: int, *, in_specs: PyTree, out_specs: PyTree
) -> Callable[..., Tree]:
    """The same function, each device of a mesh axis doing its part; as it is without a mesh.

    Args:
        function: of arrays.
        axis: ``SAMPLE`` or ``ANGLE``.
        count: how many samples or angles there are.
        in_specs: how its arguments are split, as for ``jax.shard_map``.
        out_specs: how its results are put together.

    Returns:
        The function of whole arrays, which is to be called in a compiled one.

    Raises:
        InputError: if the devices of the axis cannot share them evenly.
    """
    devices = _devices_along(axis)
    if devices == 1:
        return function
    if count % devices:
        raise InputError(
            f"{devices} devices of the mesh cannot share {count} {axis}{'s' * (count > 1)} evenly: "
            f"make a device_mesh whose {axis}s are a divisor of {count}."
        )
    return jax.shard_map(
        function, in_specs=in_specs, out_specs=out_specs, axis_names={axis}, check_vma=False
    )


def split_if_even(
    function: Callable[..., Tree], axis: str, count: int, **specs: PyTree
) -> Callable[..., Tree]:
    """As ``split``; where the devices cannot share the parts evenly, each does all of them."""
    if count % _devices_along(axis):
        return function
    return split(function, axis, count, **specs)


def exchanged(parts: Array, axis: str, *, given: int, gained: int) -> Array:
    """All of one axis of an array instead of a part, and of another axis a part instead of all.

    In a function that is ``split``; without a mesh a device has all of both.

    Args:
        parts: a part along the axis ``gained``, all of the axis ``given``.
        axis: ``SAMPLE`` or ``ANGLE``.
        given: of which a part is left afterwards.
        gained: of which all is there afterwards, in the order of devices.
    """
    if _devices_along(axis) == 1:
        return parts
    return jax.lax.all_to_all(parts, axis, split_axis=given, concat_axis=gained, tiled=True)


def share(array: Array, axis: str, along: int) -> Array:
    """A device's part of an array that every device has, in a function that is ``split``.

    Args:
        array: all of it.
        axis: ``SAMPLE`` or ``ANGLE``.
        along: which axis of the array is shared out.
    """
    devices = _devices_along(axis)
    if devices == 1:
        return array
    size = array.shape[along] // devices
    start = jax.lax.axis_index(axis) * size
    return jax.lax.dynamic_slice_in_dim(array, start, size, along)


def _devices_along(axis: str) -> int:
    return jax.sharding.get_abstract_mesh().shape.get(axis, 1)


def whole(tree: Tree) -> Tree:
    """Arrays of a compiled function, gathered on every device, so that every process has them."""
    if jax.sharding.get_abstract_mesh().empty:
        return tree
    return jax.lax.with_sharding_constraint(tree, WHOLE)


def undivided() -> AbstractContextManager[None]:
    """A context in which nothing is split, whatever mesh is set: one device does all of it.

    For programs of several loops, which devices need not begin in one order: each would wait for
    the other one's half. What comes out is put ``everywhere`` before a mesh is used again.
    """
    return jax.set_mesh(Mesh(np.empty((), object), ()))


def everywhere(tree: Tree) -> Tree:
    """Arrays, on every device of the mesh that is set; as they are without one.

    Where several processes have made them, each has its own, and all are taken to be alike.
    """
    mesh = jax.sharding.get_mesh()
    if mesh.empty or jax.process_count() > 1:
        return tree
    return jax.device_put(tree, NamedSharding(mesh, WHOLE))


class Room(NamedTuple):
    """How many maps are held.

    Attributes:
        step: bytes that are made in one step: on a processor within its caches.
        first: bytes of a scale of the first layer, from which on a derivative makes them again.
        second: of the second layer.
    """

    step: int
    first: int
    second: int


def room() -> Room:
    """How many maps the default device holds; for accelerators a guess."""
    return _ROOM["cpu" if _platform() == "cpu" else "accelerator"]


_ROOM = {"cpu": Room(2**23, 2**26, 2**28), "accelerator": Room(2**28, 2**32, 2**32)}


def largest_divisor(count: int, most: int) -> int:
    """How many of ``count`` are taken at once, in equal parts of at most ``most``; 1 at least."""
    return max(n for n in range(1, max(1, min(count, most)) + 1) if count % n == 0)


def samples_at_once(num_points: int, count: int) -> int | None:
    """How many samples a device takes at once.

    Args:
        num_points: of the maps of a sample, which say how much memory it needs.
        count: how many there are on the device.

    Returns:
        The ``batch_size`` of ``jax.lax.map``: None, one after the other, on a processor, whose
        caches hold one sample best; on an accelerator the largest divisor that fits into its
        memory, None instead of 1, since a branch not taken then costs nothing.
    """
    if _platform() == "cpu":
        return None
    limit = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit", _MEMORY)
    fit = int(_SHARE * limit / (_BYTES * max(1, num_points)))
    at_once = largest_divisor(count, fit)
    return at_once if at_once > 1 else None
