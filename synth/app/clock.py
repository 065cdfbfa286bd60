"""How long a run takes, and of it how long JAX compiles.

What other threads compile meanwhile costs no time of its own, unless a run waits for it.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from jax import monitoring

__all__ = ["WAITED", "Clock", "compiling"]

_JITTER = 1e-3  # seconds; JAX reports a little after the end
# Start and length, disjoint, by the thread that compiled.
_compilations: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
WAITED = "/synth/compile/waited"
"""The event that a thread has waited for a program that another one made."""


class Clock:
    """Seconds since a start, per phase, with compilation told apart from what it interrupts.

    Args:
        started: ``time.perf_counter()`` at the start of the program; now by default.
    """

    def __init__(self, started: float | None = None) -> None:
        now = time.perf_counter()
        self._started = now if started is None else started
        self._compiled = compiling()
        self._phases = {"import": now - self._started}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the body, without the compilation in it, under a name."""
        start, compiled = time.perf_counter(), compiling()
        try:
            yield
        finally:
            spent = time.perf_counter() - start - (compiling() - compiled)
            self._phases[name] = self._phases.get(name, 0.0) + spent

    def mark(self, name: str) -> None:
        """Note under a name how long it took to get here, the first time."""
        self._phases.setdefault(name, time.perf_counter() - self._started)

    def seconds(self) -> dict[str, float]:
        """Seconds by phase so far: total, import, compile and those that were timed."""
        total = time.perf_counter() - self._started
        compiled = compiling() - self._compiled
        parts = {"total": total, "compile": compiled, "descend": 0.0, **self._phases}
        return {name: round(seconds, 3) for name, seconds in parts.items()}


def compiling() -> float:
    """Seconds that this thread has spent on tracing and compiling, or waited for it."""
    return sum(length for _, length in _compilations[threading.get_ident()])


def _listen(event: str, duration_secs: float, **_: str | int) -> None:
    """Note what JAX compiled; what was traced inside of it, reported before, counts once."""
    if event.startswith("/jax/core/compile/") or event == WAITED:
        start, own = time.perf_counter() - duration_secs, _compilations[threading.get_ident()]
        while own and own[-1][0] > start - _JITTER:
            own.pop()
        own.append((start, duration_secs))


# Once for all clocks: not every JAX that is supported can take a listener back.
monitoring.register_event_duration_secs_listener(_listen)
