"""Programs that are kept from one run to the next: JAX's compiled ones, and what was traced.

JAX keeps what XLA has compiled, but traces and lowers a function anew in every process, which
takes longer than to load the program. ``finder`` keeps that part, too, by ``jax.export``.
"""

import atexit
import inspect
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import export, monitoring
from jax.core import Tracer
from jax.sharding import NamedSharding
from jaxtyping import Array, PyTree
from platformdirs import user_cache_path

from synth.app.clock import WAITED
from synth.app.seals import KEY, Seals, open_folder
from synth.app.structures import from_text, to_text
from synth.app.versions import version
from synth.errors import InputError
from synth.parallel.mesh import WHOLE
from synth.parallel.programs import Finder, Program, Usage, use

__all__ = ["Kept", "finder", "forget", "keep", "kept"]

_PACKAGES = ("synth", "jax", "jaxlib", "equinox", "optax")  # that shape what is traced
_SEALED = "*-cache"  # what JAX writes
_OURS = ("*-trace", "*-seal", KEY)
_LITTLE, _VERY_LITTLE = 2**24, 2**21  # numbers; a descent of 128² pixels has 2**21
_USUAL = Usage()
_LEVEL = "xla_backend_optimization_level"
# Kernels of another kind, compiled in three quarters of the time, are a sixth slower.
_PLAIN: dict[str, str | bool] = {"xla_cpu_use_fusion_emitters": False}
if jax.__version_info__ >= (0, 11):  # which has no such option
    _PLAIN = {}
_CACHE = ("compilation_cache_dir", "enable_compilation_cache")


class Kept(NamedTuple):
    """Programs that are kept.

    Attributes:
        folder: where they are.
        number: how many are compiled.
        size: in bytes, of these and of what was traced.
    """

    folder: Path
    number: int
    size: int


def keep() -> None:
    """Keep every compiled program, so that the next run with the same sizes need not compile.

    JAX trusts its compiled programs: of damage it sees what its compression happens to see (zlib
    has a checksum), of a planted program nothing. So they are sealed when this process ends, and
    what has no right seal is deleted before JAX looks at the folder.

    Does nothing if the folder cannot be written, or if anybody else can write it, or if JAX's own
    settings name another one; whom that one belongs to is then the user's care.
    """
    if _own_setting():
        return
    use(finder)
    seals = open_folder(_folder())
    if seals is None:
        return
    try:
        seals.purge(_SEALED)
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(seals.folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    atexit.unregister(_seal)  # of an earlier call
    atexit.register(_seal, seals)


def _seal(seals: Seals) -> None:
    """Seal the programs that JAX has written."""
    seals.adopt(_SEALED)


def kept() -> Kept:
    """The programs that are kept.

    They are in the folder ``programs`` of ``SYNTH_CACHE_DIR``, if that is set, or else of the
    user's cache folder; where ``JAX_COMPILATION_CACHE_DIR`` is set, that is the folder, and
    nothing is kept of what was traced.
    """
    number = size = 0
    for file in _files("*-cache", "*-trace"):
        with suppress(FileNotFoundError):  # another process may have deleted it
            size += file.stat().st_size
            number += file.name.endswith("-cache")
    return Kept(_own_setting() or _folder(), number, size)


def forget() -> None:
    """Delete the programs that are kept, and nothing else.

    Raises:
        InputError: if they cannot be deleted.
    """
    for file in _files("*-cache", "*-atime", *_OURS):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{file} cannot be deleted ({error.strerror}).") from error


def finder(function: Callable[..., PyTree], usage: Usage = _USUAL) -> Finder:
    """Finder of the programs of a function, kept with their traces where JAX runs in one process.

    They are found again by all that they depend on: the function's name, the source of this
    package and the versions of those it is built on, the structure, shapes and types of the
    arguments, mesh, device and its memory, JAX's settings. Arguments of other packages' classes,
    whose source may change, are only compiled.

    Args:
        function: of this package; of arrays in trees.
        usage: of the function.
    """
    programs: dict[str, Future[Program | None]] = {}
    lock = threading.Lock()

    def make(name: str, arguments: PyTree) -> Program | None:
        how = _How(_places(function, usage.donated, arguments), _options(usage, arguments))
        return _load(name, how) or _trace(function, arguments, name, how)

    def find(arguments: PyTree) -> Program | None:
        traced = any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(arguments))
        if traced or not _keeps_traces() or not _is_ours(jax.tree.structure(arguments)):
            return None
        name = _name(function, arguments)
        with lock:
            is_new = name not in programs
            found = programs.setdefault(name, Future())
        if is_new:
            program = None
            try:
                program = make(name, arguments)
            finally:
                found.set_result(program)
        return found.result() if found.done() else _awaited(found)

    return find


def _awaited(found: Future[Program | None]) -> Program | None:
    """What another thread is making."""
    start = time.perf_counter()
    program = found.result()
    monitoring.record_event_duration_secs(WAITED, time.perf_counter() - start)
    return program


class _How(NamedTuple):
    """How a program is compiled: which leaves of its arguments are donated, and XLA's options."""

    donated: tuple[int, ...]
    options: dict[str, str | bool]


def _options(usage: Usage, arguments: PyTree) -> dict[str, str | bool]:
    """Of XLA, on a processor, whose evaluations are as quick at level 1 as at 3.

    A program that runs seldom, or on little data, is finished earlier with slower kernels.
    """
    if any(device.platform != "cpu" for device in _devices()):
        return {}
    numbers = sum(np.size(leaf) for leaf in jax.tree.leaves(arguments))
    if usage.rare and numbers < _LITTLE:
        return {_LEVEL: "0"} | _PLAIN
    return {_LEVEL: "1"} | (_PLAIN if numbers <= _VERY_LITTLE else {})


def _places(
    function: Callable[..., PyTree], donated: str | None, arguments: PyTree
) -> tuple[int, ...]:
    """Which leaves of the arguments are donated."""
    given, named = arguments
    names = inspect.signature(function).parameters
    each = [(name == donated, one) for name, one in zip(names, given, strict=False)]
    each += [(name == donated, named[name]) for name in sorted(named)]
    flags = [flag for flag, one in each for _ in jax.tree.leaves(one)]
    return tuple(np.flatnonzero(flags).tolist())


def _trace(
    function: Callable[..., PyTree], arguments: PyTree, name: str, how: _How
) -> Program | None:
    """Trace a function, keep that if the folder can be written, and compile it."""
    skeletons, (leaves, structure), pinned = [], jax.tree.flatten(arguments), _pinned()

    def flat(*leaves: Array) -> list[Array]:
        given, named = jax.tree.unflatten(structure, leaves)
        results = function(*given, **named)
        skeletons.append(jax.tree.map(lambda _: 0, results))
        return pinned(jax.tree.leaves(results))

    flat.__name__ = function.__name__
    with suppress(Exception):  # not all that JAX compiles can be exported
        exported = export.export(jax.jit(flat))(*_abstract(leaves))
        program = _program(exported, jax.tree.structure(skeletons[0]), how)
        _store(name, exported, skeletons[0])
        return program
    return None


def _store(name: str, exported: export.Exported, skeleton: PyTree) -> None:
    """Keep an exported function, if the structure of its results can be described."""
    seals = open_folder(_folder())
    with suppress(ValueError):
        if seals is not None:
            seals.write(name, to_text(skeleton).encode() + b"\n" + exported.serialize())


def _load(name: str, how: _How) -> Program | None:
    """Compile what was traced before; None if there is none that can be used."""
    seals = open_folder(_folder())
    content = None if seals is None else seals.read(name)
    if content is None:
        return None
    with suppress(Exception):  # whatever a file that was sealed for other devices may raise
        text, stored = content.split(b"\n", 1)
        structure = jax.tree.structure(from_text(text.decode()))
        return _program(export.deserialize(bytearray(stored)), structure, how)
    return None


def _program(
    exported: export.Exported,
    structure: Any,  # noqa: ANN401 - JAX's PyTreeDef is no type for checkers
    how: _How,
) -> Program:
    """Compile an exported function of leaves, as one of arguments; its results are no leaves.

    Args:
        exported: the function.
        structure: of its results, as JAX has it.
        how: it is compiled.
    """
    every, used, pinned = exported.in_avals, _used(exported), _pinned()

    def flat(*leaves: Array) -> list[Array]:
        given = dict(zip(used, leaves, strict=True))
        missing = (i for i in range(len(every)) if i not in given)
        given |= {i: jnp.zeros(every[i].shape, every[i].dtype) for i in missing}
        return pinned(list(exported.call(*(given[i] for i in range(len(every))))))

    def taken(arguments: PyTree) -> list[Any]:
        leaves = jax.tree.leaves(arguments)
        return [leaves[index] for index in used]

    flat.__name__ = exported.fun_name
    donated = [place for place, index in enumerate(used) if index in how.donated]
    shapes = [jax.ShapeDtypeStruct(every[i].shape, every[i].dtype) for i in used]
    lowered = jax.jit(flat, donate_argnums=donated).lower(*shapes)
    program = lowered.compile(how.options)
    places = list(program.input_shardings[0])

    def run(arguments: PyTree) -> PyTree:
        # What an exported function returns is bound to its device, and what JAX makes else is
        # not: a jitted function would be compiled for either.
        return jax.tree.unflatten(structure, program(*jax.device_put(taken(arguments), places)))

    return run


def _used(exported: export.Exported) -> list[int]:
    """Which arguments a program needs: no other is sent to where XLA would have it."""
    kept = set(exported.module_kept_var_idx)
    keys = jax.dtypes.extended  # of which there are no zeros
    return [
        index
        for index, one in enumerate(exported.in_avals)
        if index in kept or jnp.issubdtype(one.dtype, keys)
    ]


def _pinned() -> Callable[[list[Array]], list[Array]]:
    """Pins the results of a program to the devices of the mesh that is set, if there is one.

    The smallest result is on all of them; XLA finds how all else, given or returned, lies best.
    """
    mesh = jax.sharding.get_mesh()

    def pinned(results: list[Array]) -> list[Array]:
        least = min(range(len(results)), key=lambda index: results[index].size)
        on_all = jax.lax.with_sharding_constraint(results[least], NamedSharding(mesh, WHOLE))
        return [*results[:least], on_all, *results[least + 1 :]]

    return list if mesh.empty else pinned


def _abstract(leaves: Sequence[Any]) -> list[jax.ShapeDtypeStruct]:
    """Shapes and types of arguments, without the devices that they happen to lie on.

    Else a program that is compiled ahead, of what is not there yet, would be another one.
    """
    given = [jax.typeof(leaf) for leaf in leaves]
    return [jax.ShapeDtypeStruct(one.shape, one.dtype, weak_type=one.weak_type) for one in given]


def _name(function: Callable[..., PyTree], arguments: PyTree) -> str:
    """Name of the file of a trace, which tells apart all that it depends on."""
    leaves, structure = jax.tree.flatten(arguments)
    devices = sorted(_devices(), key=lambda device: device.id)
    depends = (
        _SOURCE,
        (function.__module__, function.__qualname__),
        structure,
        [jax.typeof(leaf) for leaf in leaves],
        jax.sharding.get_abstract_mesh(),
        [(device, device.device_kind) for device in devices],
        # How many samples are taken at once depends on the memory.
        (devices[0].memory_stats() or {}).get("bytes_limit"),
        # What is set for a block of code alone is an attribute.
        sorted((key, getattr(jax.config, key, value)) for key, value in jax.config.values.items()),
    )
    digest = sha256(repr(depends).encode()).hexdigest()
    return f"{function.__name__.strip('_')}-{digest}-trace"


def _devices() -> set[Any]:
    """Where a program runs: on the mesh, or on the default device, to which nothing is sent."""
    mesh = jax.sharding.get_mesh()
    if not mesh.empty:
        return set(mesh.devices.flat)
    default = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
    if default is None or isinstance(default, str):
        default = jax.local_devices(backend=default)[0]
    return {default}


def _digest() -> str:
    """Of this package's source, and the versions of what it is built on."""
    digest = sha256()
    for file in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest() + repr([version(name) for name in _PACKAGES])


_SOURCE = _digest()  # as it is imported, not as it may be edited later


def _is_ours(structure: Any) -> bool:  # noqa: ANN401 - JAX's PyTreeDef is no type for checkers
    """Whether a tree is made of classes whose source or version the digest holds."""
    node = structure.node_data()
    ours = node is None or node[0].__module__.split(".")[0] in ("builtins", *_PACKAGES)
    return ours and all(_is_ours(child) for child in structure.children())


def _keeps_traces() -> bool:
    """Whether JAX keeps programs in our folder, for this process alone."""
    folder, on = (jax.config.values[f"jax_{name}"] for name in _CACHE)
    return bool(on) and folder == str(_folder()) and not _own_setting() and jax.process_count() == 1


def _files(*patterns: str) -> list[Path]:
    """What is kept; in a folder that JAX was told to use, only its own files are."""
    own = _own_setting()
    folder = own or _folder()
    wanted = [pattern for pattern in patterns if not (own and pattern in _OURS)]
    return [file for pattern in wanted for file in folder.glob(pattern) if file.is_file()]


def _folder() -> Path:
    given = os.environ.get("SYNTH_CACHE_DIR")
    cache = Path(given).expanduser() if given else user_cache_path("synth", appauthor=False)
    return cache / "programs"


def _own_setting() -> Path | None:
    """The folder that JAX itself was told to use."""
    given = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    return Path(given) if given else None
