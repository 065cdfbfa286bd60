"""Compiled functions, and the place where an application may keep their programs.

``compiled`` is ``jax.jit``. An application that keeps programs from one run to the next says so
by ``use``, and is then asked first.
"""

import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, NamedTuple, ParamSpec, TypeVar

import jax
from jaxtyping import PyTree

__all__ = ["Compiled", "Finder", "Keeper", "Program", "Usage", "compiled", "use"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Usage(NamedTuple):
    """How a function is used.

    Attributes:
        donated: name of an argument whose memory the results take over; it is not used again.
        rare: whether it runs seldom beside other programs, so that it need not be optimized.
    """

    donated: str | None = None
    rare: bool = False


Program = Callable[[PyTree], PyTree]
"""Of the arguments of a function, as a tuple and a dictionary."""

Finder = Callable[[PyTree], Program | None]
"""Finds the program of one function for such arguments, or keeps it; None to compile as ever."""

Keeper = Callable[[Callable[..., PyTree], Usage], Finder]
"""Makes the finder of a function."""

_keepers: list[Keeper] = []


def use(keeper: Keeper) -> None:
    """Ask a keeper for the programs of all functions that are ``compiled``, instead of others."""
    _keepers[:] = [keeper]


class Compiled(Generic[Arguments, Result]):
    """A compiled function, see ``compiled``."""

    def __init__(self, function: Callable[Arguments, Result], usage: Usage) -> None:
        update_wrapper(self, function)
        self._function, self._usage = function, usage
        self._plain = jax.jit(function, donate_argnames=usage.donated)
        self._finders: dict[Keeper, Finder] = {}
        self._lock = threading.Lock()

    def __call__(self, *given: Arguments.args, **named: Arguments.kwargs) -> Result:
        """What the function returns."""
        program = self._found((given, named))
        return self._plain(*given, **named) if program is None else program((given, named))

    def prepare(self, *given: PyTree) -> None:
        """Have the keeper find or make the program of a call, if there is a keeper.

        Args:
            given: as in the call; arrays may be ``jax.ShapeDtypeStruct``.
        """
        self._found((given, {}))

    def _found(self, arguments: PyTree) -> Program | None:
        for keeper in _keepers:
            with self._lock:
                if keeper not in self._finders:
                    self._finders[keeper] = keeper(self._function, self._usage)
            return self._finders[keeper](arguments)
        return None


def compiled(
    function: Callable[Arguments, Result], *, donated: str | None = None, rare: bool = False
) -> Compiled[Arguments, Result]:
    """``jax.jit``, of which a keeper may keep the programs.

    Args:
        function: of this package; of arrays in trees.
        donated: see ``Usage``.
        rare: see ``Usage``.

    Returns:
        The compiled function.
    """
    return Compiled(function, Usage(donated, rare))
