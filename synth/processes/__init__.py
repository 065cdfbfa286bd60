"""Random fields on the torus, made from a shape and a key: textures that need no picture.

They stand at the beginning of the flow, beside `synth.app.images`: what they return is a field of
shape (height, width) that every later stage takes. A new process is a new file and a line below.
"""

from typing import Protocol

from jaxtyping import Array, Float, PRNGKeyArray

from synth.processes.cascade import cascade
from synth.processes.foam import foam
from synth.processes.ising import ising
from synth.processes.sparse import sparse
from synth.processes.turbulence import turbulence


class Process(Protocol):
    """A random field: a shape and a key in, a periodic float32 field out.

    Every further parameter has a default that makes a good picture at 256².
    """

    def __call__(self, shape: tuple[int, int], *, key: PRNGKeyArray) -> Float[Array, "h w"]:
        """Return one field of shape (height, width), each side at least 16."""
        ...


PROCESSES: dict[str, Process] = {
    "turbulence": turbulence,
    "sparse": sparse,
    "cascade": cascade,
    "ising": ising,
    "foam": foam,
}

__all__ = ["PROCESSES", "Process", "cascade", "foam", "ising", "sparse", "turbulence"]
