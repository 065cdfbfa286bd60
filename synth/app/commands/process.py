"""``synth process``: a texture that needs no picture."""

from pathlib import Path
from typing import Annotated

import typer

from synth.app import arguments as args
from synth.app.arguments import DeviceName
from synth.app.commands._settle import settle
from synth.errors import InputError

__all__ = ["process"]

_MOST_SIDE = 4096


def process(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of a process, see `synth list`.")
    ],
    seed: args.Seed = 0,
    size: Annotated[int, typer.Option(help="Height and width, in pixels.")] = 256,
    out: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path("outputs"),
    device: args.Device = DeviceName.AUTO,
) -> None:
    """Draw a random field of one of the processes: a texture that needs no picture.

    Writes OUT/<name>-<size>-seed<seed>.npy in the process' own units and a 16-bit PNG; of
    channels that are no color a PNG each, in a folder of that name.
    """
    from synth.app.display import Display

    with Display() as display:
        display.phase("loading")
        settle(device.value)
        import jax
        import numpy as np

        from synth.app.folders import check_folder
        from synth.app.options import check_seed
        from synth.app.record import write_field
        from synth.processes import CHANNEL_PROCESSES, PROCESSES

        processes = {**PROCESSES, **CHANNEL_PROCESSES}
        if name not in processes:
            raise InputError(f"There is no process {name}: choose one of {', '.join(processes)}.")
        if size > _MOST_SIDE:
            raise InputError(f"The size {size} is too large: give 16 to {_MOST_SIDE} pixels.")
        check_seed(seed)
        check_folder(out)
        display.phase(f"drawing {name}")
        field = np.asarray(processes[name]((size, size), key=jax.random.key(seed)))
        file = write_field(field, f"{name}-{size}-seed{seed}", out)
    print(file)
