"""Work of a run that is begun early, in threads: the compiler leaves the interpreter free.

While threads run programs, the run itself must not split its own over the devices: one device
would wait for the other, which is at work for a thread, and XLA ends a process that waits for
40 seconds. What only compiles may go on at any time.
"""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Generic, Protocol, TypeVar, runtime_checkable

import jax

from synth.app.runtime import cores

__all__ = ["Begin", "Begun", "ahead"]

_MOST_THREADS = 4  # each compiler needs memory

Done = TypeVar("Done")


class Begun(Generic[Done]):
    """Work that a thread does, or will do.

    Args:
        run: does it.
        future: of the thread; None if there is none.
    """

    def __init__(self, run: Callable[[], Done], future: "Future[Done] | None") -> None:
        self._run, self._future = run, future

    def result(self) -> Done:
        """What came out; if no thread has begun with it, this one does it."""
        if self._future is None or self._future.cancel():
            return self._run()
        return self._future.result()


@runtime_checkable
class Begin(Protocol):
    """Begins a function, with the mesh of the run."""

    def __call__(self, function: Callable[..., Done], *given: object) -> Begun[Done]:
        """Put it into the queue of the threads."""
        ...


@contextmanager
def ahead() -> Generator[Begin, None, None]:
    """Threads, and the way to begin work in one of them; what has not begun at the end never does.

    There are as many as leave a core to the run itself, one at least and four at most. At the end
    the interpreter waits for what is at work. There is no thread, and work is done when its result
    is asked for, if several processes run together, or if JAX's settings are changed for this
    thread alone.
    """
    mesh, closed = jax.sharding.get_mesh(), threading.Event()
    pool = ThreadPoolExecutor(max(1, min(cores() - 1, _MOST_THREADS)))
    threaded = jax.process_count() == 1 and _settings() == pool.submit(_settings).result()

    def begin(function: Callable[..., Done], *given: object) -> Begun[Done]:
        def run() -> Done:
            with nullcontext() if mesh.empty else jax.set_mesh(mesh):
                return function(*given)

        alone = not threaded or closed.is_set()
        return Begun(run, None if alone else pool.submit(run))

    try:
        yield begin
    finally:
        closed.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _settings() -> dict[str, object]:
    """JAX's settings, as this thread sees them."""
    return dict(jax.config.values)
