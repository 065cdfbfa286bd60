"""Compiled functions, and the place where an application may keep their programs.

``compiled`` is ``jax.jit``. An application that keeps programs from one run to the next says so
by ``use``, and is then asked first.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import jax
from jaxtyping import PyTree

__all__ = ["Finder", "Keeper", "Program", "compiled", "use"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


Program = Callable[[PyTree], PyTree]
"""Of the arguments of a function, as a tuple and a dictionary."""

Finder = Callable[[PyTree], Program | None]
"""Finds the program of one function for such arguments, or keeps it; None to compile as ever."""

Keeper = Callable[[Callable[..., PyTree], str | None], Finder]
"""Makes the finder of a function, whose argument of this name is donated."""

_keepers: list[Keeper] = []


def use(keeper: Keeper) -> None:
    """Ask a keeper for the programs of all functions that are ``compiled``, instead of others."""
    _keepers[:] = [keeper]


def compiled(
    function: Callable[Arguments, Result], *, donated: str | None = None
) -> Callable[Arguments, Result]:
    """``jax.jit``, of which a keeper may keep the programs.

    Args:
        function: of this package; of arrays in trees.
        donated: name of an argument whose memory the results take over; it is not used again.

    Returns:
        The compiled function.
    """
    plain = jax.jit(function, donate_argnames=donated)
    finders: dict[Keeper, Finder] = {}

    @wraps(function)
    def call(*given: Arguments.args, **named: Arguments.kwargs) -> Result:
        for keeper in _keepers:
            if keeper not in finders:
                finders[keeper] = keeper(function, donated)
            program = finders[keeper]((given, named))
            if program is not None:
                return program((given, named))
        return plain(*given, **named)

    return call
