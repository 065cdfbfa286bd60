"""What is settled before JAX looks for devices: platform, processes, compilation cache."""

import os
from pathlib import Path
from typing import NamedTuple

import jax
from platformdirs import user_cache_path

from synth.errors import InputError

__all__ = ["Programs", "choose", "forget", "join", "keep_programs", "programs"]


class Programs(NamedTuple):
    """Compiled programs that are kept from one run to the next.

    Attributes:
        folder: where they are.
        number: how many.
        size: in bytes, all together.
    """

    folder: Path
    number: int
    size: int


def keep_programs() -> None:
    """Keep every compiled program, so that the next run with the same sizes need not compile.

    Does nothing if the folder cannot be written, or if JAX's own settings name another one.
    """
    if _own_setting():
        return
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(folder, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def programs() -> Programs:
    """The compiled programs that are kept.

    They are in the folder ``programs`` of ``SYNTH_CACHE_DIR``, if that is set, or else of the
    user's cache folder; where ``JAX_COMPILATION_CACHE_DIR`` is set, that is the folder.
    """
    folder = _folder()
    files = [file for file in folder.glob("*-cache") if file.is_file()]
    return Programs(folder, len(files), sum(file.stat().st_size for file in files))


def forget() -> None:
    """Delete the compiled programs that are kept, and nothing else.

    Raises:
        InputError: if they cannot be deleted.
    """
    for pattern in ("*-cache", "*-atime"):
        for file in _folder().glob(pattern):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"{file} cannot be deleted ({error.strerror}).") from error


def _folder() -> Path:
    own, given = _own_setting(), os.environ.get("SYNTH_CACHE_DIR")
    if own:
        return Path(own)
    cache = Path(given).expanduser() if given else user_cache_path("synth", appauthor=False)
    return cache / "programs"


def _own_setting() -> str | None:
    """The folder that JAX itself was told to use."""
    return os.environ.get("JAX_COMPILATION_CACHE_DIR")


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
            virtual ones.

    Raises:
        InputError: if there is no such device, or not as many.
    """
    if platform == "cpu":
        jax.config.update("jax_platforms", "cpu")
    if num_devices:
        jax.config.update("jax_num_cpu_devices", num_devices)
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
