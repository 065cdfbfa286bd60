"""How long a run takes, and of it how long JAX compiles."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from jax import monitoring

__all__ = ["Clock"]


class Clock:
    """Seconds since a start, per phase, with compilation told apart from what it interrupts.

    Args:
        started: ``time.perf_counter()`` at the start of the program; now by default.
    """

    def __init__(self, started: float | None = None) -> None:
        now = time.perf_counter()
        self._started = now if started is None else started
        self._phases = {"import": now - self._started}
        self._compile = 0.0
        monitoring.register_event_duration_secs_listener(self._listen)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the body, without the compilation in it, under a name."""
        start, compiled = time.perf_counter(), self._compile
        try:
            yield
        finally:
            spent = time.perf_counter() - start - (self._compile - compiled)
            self._phases[name] = self._phases.get(name, 0.0) + spent

    def seconds(self) -> dict[str, float]:
        """Seconds by phase so far: total, import, compile and those that were timed."""
        total = time.perf_counter() - self._started
        parts = {"total": total, "compile": self._compile, "descend": 0.0, **self._phases}
        return {name: round(seconds, 3) for name, seconds in parts.items()}

    def _listen(self, event: str, seconds: float, **_: object) -> None:
        if event.startswith("/jax/core/compile/"):
            self._compile += seconds
