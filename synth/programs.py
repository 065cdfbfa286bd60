"""Programs that are kept from one run to the next: JAX's compiled ones, and what was traced.

JAX keeps what XLA has compiled, but traces and lowers a function anew in every process, which
takes longer than to load the program. ``compiled`` keeps that part, too, by ``jax.export``.
"""

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import jax
from jax import export
from jax.core import Tracer
from jax.stages import Compiled
from jaxtyping import Array, PyTree
from platformdirs import user_cache_path

from synth.errors import InputError
from synth.folders import hidden_folder

__all__ = ["Kept", "compiled", "forget", "keep", "kept"]

_TRACERS = ("jax", "jaxlib", "equinox", "optax")  # whose versions shape what is traced

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Kept(NamedTuple):
    """Programs that are kept.

    Attributes:
        folder: where they are.
        number: how many are compiled.
        size: in bytes, all together.
    """

    folder: Path
    number: int
    size: int


def keep() -> None:
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


def kept() -> Kept:
    """The programs that are kept.

    They are in the folder ``programs`` of ``SYNTH_CACHE_DIR``, if that is set, or else of the
    user's cache folder; where ``JAX_COMPILATION_CACHE_DIR`` is set, that is the folder.
    """
    folder = _folder()
    programs = [file for file in folder.glob("*-cache") if file.is_file()]
    files = [*programs, *folder.glob("*-trace")]
    return Kept(folder, len(programs), sum(file.stat().st_size for file in files))


def forget() -> None:
    """Delete the programs that are kept, and nothing else.

    Raises:
        InputError: if they cannot be deleted.
    """
    for pattern in ("*-cache", "*-atime", "*-trace"):
        for file in _folder().glob(pattern):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"{file} cannot be deleted ({error.strerror}).") from error


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """``jax.jit``; where programs are kept, and JAX runs in one process, the trace is kept, too.

    What was traced is found again by the function's name, the structure, shapes and types of
    its arguments, the mesh, JAX's settings, and the source of this package: all that it
    depends on, if the function closes over nothing. Arguments of other people's classes, whose
    source may change, are only compiled.

    Args:
        function: of arrays in trees.

    Returns:
        The compiled function.
    """
    usual = jax.jit(function)
    programs: dict[str, _Program | None] = {}

    @wraps(function)
    def call(*given: Arguments.args, **named: Arguments.kwargs) -> Result:
        arguments = given, named
        leaves = jax.tree.leaves(arguments)
        traced = any(isinstance(leaf, Tracer) for leaf in leaves)
        if traced or not _keeps_traces() or not _is_ours(jax.tree.structure(arguments)):
            return usual(*given, **named)
        name = _name(function, arguments)
        if name not in programs:
            programs[name] = _load(name) or _trace(function, arguments, name)
        program = programs[name]
        return program(leaves) if program else usual(*given, **named)

    return call


class _Program:
    """An exported function of the leaves of its arguments, compiled when it is first called.

    Args:
        exported: what it was traced to.
        like: anything of its results' structure.
    """

    def __init__(self, exported: export.Exported, like: PyTree) -> None:
        self._structure = jax.tree.structure(like)
        self._function = jax.jit(_named(exported.fun_name, exported.call))
        self._compiled: Compiled | None = None

    def __call__(self, leaves: list[Any]) -> Any:  # noqa: ANN401 - what the function returns
        if self._compiled is None:
            self._compiled = self._function.lower(*leaves).compile()
        # What an exported function returns is bound to its device; what JAX makes else is not,
        # and would be compiled for once more.
        placed = jax.device_put(leaves, list(self._compiled.input_shardings[0]))
        return jax.tree.unflatten(self._structure, self._compiled(*placed))


def _trace(function: Callable[..., PyTree], arguments: PyTree, name: str) -> _Program | None:
    """Trace a function, and keep it if the folder can be written; None if JAX cannot export it."""
    likes, (leaves, structure) = [], jax.tree.flatten(arguments)

    def flat(*leaves: Array) -> list[Array]:
        given, named = jax.tree.unflatten(structure, leaves)
        results = function(*given, **named)
        # A structure cannot be stored, but what has it can.
        likes.append(jax.tree.map(lambda _: 0, results))
        return jax.tree.leaves(results)

    try:
        exported = export.export(jax.jit(_named(function.__name__, flat)))(*leaves)
    except (ValueError, NotImplementedError):
        return None
    with suppress(OSError, InputError), hidden_folder(_folder()) as hidden:
        (hidden / name).write_bytes(pickle.dumps((exported.serialize(), likes[0])))
        (hidden / name).replace(_folder() / name)
    return _Program(exported, likes[0])


def _load(name: str) -> _Program | None:
    """What was traced before; None if there is none that can be read."""
    with suppress(Exception):  # whatever a damaged file may raise
        stored, like = pickle.loads((_folder() / name).read_bytes())
        return _Program(export.deserialize(stored), like)
    return None


def _named(name: str, function: Callable[..., Result]) -> Callable[..., Result]:
    """The same function, under a name by which JAX and its profiles know it."""

    def named(*leaves: Array) -> Result:
        return function(*leaves)

    named.__name__ = name
    return named


def _name(function: Callable[..., PyTree], arguments: PyTree) -> str:
    """Name of the file of a trace, which tells apart all that it depends on."""
    leaves, structure = jax.tree.flatten(arguments)
    depends = (
        _source(),
        function.__qualname__,
        structure,
        [jax.typeof(leaf) for leaf in leaves],
        jax.sharding.get_abstract_mesh(),
        jax.default_backend(),
        # What is set for a block of code alone is an attribute.
        sorted((key, getattr(jax.config, key, value)) for key, value in jax.config.values.items()),
    )
    digest = sha256(repr(depends).encode()).hexdigest()
    return f"{function.__name__.strip('_')}-{digest}-trace"


@cache
def _source() -> str:
    """Digest of this package's source, and the versions of what it is built on."""
    digest = sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest() + repr([version(name) for name in _TRACERS])


def _is_ours(structure: Any) -> bool:  # noqa: ANN401 - JAX's PyTreeDef is no type for checkers
    """Whether a tree is made of classes whose source or version the digest holds."""
    node = structure.node_data()
    ours = node is None or node[0].__module__.split(".")[0] in (__package__, "builtins", *_TRACERS)
    return ours and all(_is_ours(child) for child in structure.children())


def _keeps_traces() -> bool:
    """Whether JAX keeps programs in our folder, for this process alone."""
    ours = jax.config.values["jax_compilation_cache_dir"] == str(_folder())
    on = ours and not _own_setting() and jax.config.values["jax_enable_compilation_cache"]
    return bool(on) and jax.process_count() == 1


def _folder() -> Path:
    own, given = _own_setting(), os.environ.get("SYNTH_CACHE_DIR")
    if own:
        return Path(own)
    cache = Path(given).expanduser() if given else user_cache_path("synth", appauthor=False)
    return cache / "programs"


def _own_setting() -> str | None:
    """The folder that JAX itself was told to use."""
    return os.environ.get("JAX_COMPILATION_CACHE_DIR")
