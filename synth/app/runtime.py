"""What is settled before JAX looks for devices: platform, processes, virtual devices."""

import ctypes
import os
from contextlib import suppress

import jax

from synth.errors import InputError

__all__ = ["choose", "cores", "join"]

_XLA_FLAG = "xla_force_host_platform_device_count"
_MOST_CORES = 8  # each device holds a copy of what is not split
# Options of glibc's allocator, as its malloc.h numbers them: most arenas of threads, and bytes from
# which on a freed block, or a free end of an arena, goes back to the system.
_MALLOC = {-8: 2, -3: 2**22, -1: 2**23}


def join() -> None:
    """Join the other processes of a cluster job, which JAX finds by itself, one per GPU.

    Slurm, Open MPI, Kubernetes and Cloud TPU are known to it; elsewhere the environment
    names the first process's address, their number and the rank of this one
    (``JAX_COORDINATOR_ADDRESS``, ``JAX_NUM_PROCESSES``, ``JAX_PROCESS_ID``).

    Raises:
        InputError: if there is no such job, or its processes do not meet.
    """
    number, rank = (os.environ.get(f"JAX_{name}") for name in ("NUM_PROCESSES", "PROCESS_ID"))
    try:
        jax.distributed.initialize(
            num_processes=None if number is None else int(number),
            process_id=None if rank is None else int(rank),
        )
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"The processes of a distributed run do not meet ({reason}): start synth with srun or "
            "mpirun, or set JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID."
        ) from error


def choose(platform: str, num_devices: int | None = None) -> None:
    """Choose where JAX computes.

    Args:
        platform: ``cpu``, ``gpu``, ``tpu``, or ``auto`` for the fastest there is.
        num_devices: how many this process is to use; a processor is divided into as many
            virtual ones. By default that is one per core, up to 8, unless JAX's own settings
            (``JAX_NUM_CPU_DEVICES``, ``XLA_FLAGS``) say how many, or the run is distributed.

    Raises:
        InputError: if there is no such device, or not as many.
    """
    _spare_memory()
    if platform == "cpu":
        jax.config.update("jax_platforms", "cpu")
    _divide(num_devices)
    try:
        if platform in ("gpu", "tpu"):
            jax.config.update("jax_default_device", jax.local_devices(backend=platform)[0])
        count = len(jax.local_devices())
    except RuntimeError as error:
        if platform == "auto":
            reason = " ".join(str(error).split())
            raise InputError(f"JAX finds no device ({reason}): use --device cpu.") from error
        raise InputError(
            f"JAX finds no {platform} here: use --device cpu, or install the extra for it, "
            "for instance synth[cuda]."
        ) from error
    if num_devices and not num_devices <= count:
        raise InputError(f"{num_devices} devices were asked for: choose 1 to {count}.")


def _spare_memory() -> None:
    """Give back to the system what is freed, where the C library is glibc.

    Else compiling and measuring the reference leave 0.4 GB of a large run to nobody.
    """
    with suppress(AttributeError, OSError, TypeError):
        set_option = ctypes.CDLL(None).mallopt
        for option, value in _MALLOC.items():
            set_option(option, value)


def _divide(num_devices: int | None) -> None:
    """Divide the processor into devices, unless JAX's own settings do, or JAX is in use already."""
    set_otherwise = (
        jax.config.values["jax_num_cpu_devices"] > 0
        or _XLA_FLAG in os.environ.get("XLA_FLAGS", "")
        or jax.distributed.is_initialized()
    )
    with suppress(RuntimeError):
        if num_devices or not set_otherwise:
            jax.config.update("jax_num_cpu_devices", num_devices or min(cores(), _MOST_CORES))


def cores() -> int:
    """Cores that this process may use."""
    own = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(own(0)) if own else os.cpu_count() or 1
