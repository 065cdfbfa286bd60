"""Random fields on the torus, made from a shape and a key: textures that need no picture.

They stand at the beginning of the flow, beside `synth.app.images`: what they return is a field of
shape (height, width), or of several channels before these, that every later stage takes. A new
process is a new file and a line below.
"""

from typing import Protocol

from jaxtyping import Array, Float, PRNGKeyArray

from synth.processes.bricks import bricks
from synth.processes.cascade import cascade
from synth.processes.colored_foam import colored_foam
from synth.processes.foam import foam
from synth.processes.ising import ising
from synth.processes.labyrinth import labyrinth
from synth.processes.leaves import leaves
from synth.processes.material import material
from synth.processes.reaction_diffusion import reaction_diffusion
from synth.processes.scalar_turbulence import scalar_turbulence
from synth.processes.sparse import sparse
from synth.processes.spots import spots
from synth.processes.stripes import stripes
from synth.processes.tiles import tiles
from synth.processes.turbulence import turbulence
from synth.processes.waves import waves
from synth.processes.weave import weave


class Process(Protocol):
    """A random field: a shape and a key in, a periodic float32 field out.

    Every further parameter has a default that makes a good picture at 256².
    """

    def __call__(self, shape: tuple[int, int], *, key: PRNGKeyArray) -> Float[Array, "h w"]:
        """Return one field of shape (height, width), each side at least 16."""
        ...


class ChannelProcess(Protocol):
    """A random field of several channels: a shape and a key in, a periodic float32 field out.

    Every further parameter has a default that makes a good picture at 256².
    """

    def __call__(self, shape: tuple[int, int], *, key: PRNGKeyArray) -> Float[Array, "c h w"]:
        """Return one field of shape (channels, height, width), each side at least 16."""
        ...


PROCESSES: dict[str, Process] = {
    "turbulence": turbulence,
    "sparse": sparse,
    "cascade": cascade,
    "ising": ising,
    "foam": foam,
    "bricks": bricks,
    "tiles": tiles,
    "weave": weave,
    "stripes": stripes,
    "labyrinth": labyrinth,
    "spots": spots,
    "waves": waves,
}

CHANNEL_PROCESSES: dict[str, ChannelProcess] = {
    "colored_foam": colored_foam,
    "leaves": leaves,
    "reaction_diffusion": reaction_diffusion,
    "scalar_turbulence": scalar_turbulence,
    "material": material,
}

__all__ = [
    "CHANNEL_PROCESSES",
    "PROCESSES",
    "ChannelProcess",
    "Process",
    "bricks",
    "cascade",
    "colored_foam",
    "foam",
    "ising",
    "labyrinth",
    "leaves",
    "material",
    "reaction_diffusion",
    "scalar_turbulence",
    "sparse",
    "spots",
    "stripes",
    "tiles",
    "turbulence",
    "waves",
    "weave",
]
