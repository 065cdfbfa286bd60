"""The command line, ``synth``: the only module that prints.

Heavy imports wait until a command runs, so that help comes at once. Progress goes to the
standard error; numbers, verdict and, last, the folder's path go to the standard output.
"""

import time

_STARTED = time.perf_counter()

import sys  # noqa: E402 - the clock starts first
from enum import StrEnum  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Annotated, Any  # noqa: E402

import typer  # noqa: E402

from synth.errors import InputError  # noqa: E402

if TYPE_CHECKING:
    from synth.runs import Result

__all__ = ["app", "main"]

app = typer.Typer(
    help="New textures from one picture, by its wavelet scattering moments, beside a Gaussian "
    "model with the same power spectrum, with numbers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class ModelName(StrEnum):
    """Models that ``generate`` draws from."""

    SCATTERING = "scattering"
    GAUSSIAN = "gaussian"


class SolverName(StrEnum):
    """Descent methods."""

    LBFGS = "lbfgs"
    ADAM = "adam"


class DeviceName(StrEnum):
    """Where JAX computes."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"
    TPU = "tpu"


_Out = Annotated[Path, typer.Option(help="Folder in which a new folder is made for the run.")]
_Device = Annotated[DeviceName, typer.Option(help="Where to compute; auto takes the fastest.")]
_Seed = Annotated[int, typer.Option(help="Another seed gives another texture of the same kind.")]


@app.command()
def generate(
    image: Annotated[
        str, typer.Argument(help="Path of a picture or .npy array, or a name of `synth list`.")
    ],
    seed: _Seed = 0,
    size: Annotated[
        int | None, typer.Option(help="Resize the target: its longest side, in pixels.")
    ] = None,
    scales: Annotated[
        int | None,
        typer.Option(help="Scales J: structures up to 2^J pixels are kept. Default: all that fit."),
    ] = None,
    angles: Annotated[
        int, typer.Option(help="Angles L in a half-turn: more keep sharper directions.")
    ] = 8,
    model: Annotated[
        ModelName,
        typer.Option(help="scattering shows the Gaussian beside it; gaussian is drawn alone."),
    ] = ModelName.SCATTERING,
    max_steps: Annotated[int, typer.Option(help="Most evaluations of the loss.")] = 1000,
    tolerance: Annotated[
        float, typer.Option(help="Relative distance of the moments at which the descent ends.")
    ] = 0.01,
    solver: Annotated[SolverName, typer.Option(help="Descent method.")] = SolverName.LBFGS,
    periodic: Annotated[
        bool | None,
        typer.Option(help="Whether opposite borders match. Default: found out from the picture."),
    ] = None,
    out: _Out = Path("outputs"),
    device: _Device = DeviceName.AUTO,
) -> None:
    """Draw a new texture with the scattering moments of IMAGE, beside a Gaussian sample.

    Writes OUT/<name>-<time>/ with target.png, gaussian.png, scattering.png, comparison.png,
    fields.npz and manifest.json. Exit code: 0 converged, 1 failure, 2 bad input, 3 ended
    without reaching the tolerance (everything is written all the same).
    """
    from synth.display import Display, closing_table

    with Display() as display:
        display.phase("loading")
        _use_device(device)
        from synth.clock import Clock
        from synth.runs import Options, check_folder, read, write
        from synth.runs import generate as run

        clock = Clock(_STARTED)
        options = Options(
            image=image,
            size=size,
            periodic=periodic,
            seed=seed,
            scales=scales,
            angles=angles,
            model=model.value,
            max_steps=max_steps,
            tolerance=tolerance,
            solver=solver.value,
        )
        texture = read(options)
        check_folder(out)
        display.target(texture)
        display.phase("compiling")
        result = display.follow(run(texture, options, clock), options)
        display.phase("writing")
        folder = write(result, out)
    closing_table(result)
    print(folder)
    if result.outcome != "converged":
        raise typer.Exit(3)


@app.command()
def process(
    name: Annotated[str, typer.Argument(help="Name of a process, see `synth list`.")],
    seed: _Seed = 0,
    size: Annotated[int, typer.Option(help="Height and width, in pixels.")] = 256,
    out: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path("outputs"),
    device: _Device = DeviceName.AUTO,
) -> None:
    """Draw a random field of one of the processes: a texture that needs no picture.

    Writes OUT/<name>-<size>-seed<seed>.npy in the process' own units and a 16-bit PNG.
    """
    _use_device(device)
    import jax
    import numpy as np

    from synth.images import Texture, save_png
    from synth.processes import PROCESSES
    from synth.runs import check_folder

    if name not in PROCESSES:
        raise InputError(f"There is no process {name}: choose one of {', '.join(PROCESSES)}.")
    check_folder(out)
    field = np.asarray(PROCESSES[name]((size, size), key=jax.random.key(seed)))
    stem = out / f"{name}-{size}-seed{seed}"
    texture = Texture(stem.name, field[None], periodic=True, dtype=field.dtype, sha256="")
    save_png(stem.with_suffix(".png"), field, texture)
    np.save(stem.with_suffix(".npy"), field)
    print(stem.with_suffix(".npy"))


@app.command(name="list")
def list_() -> None:
    """List the bundled pictures and the processes that draw such fields."""
    from synth.images import bundled

    print("Pictures, for `synth generate`:")
    for table in bundled().values():
        height, width = table["shape"]
        print(f"  {table['file']:24}{height} × {width}")
    print("Processes, for `synth process`:")
    print("  " + ", ".join(dict.fromkeys(table["process"] for table in bundled().values())))


def _use_device(device: DeviceName) -> None:
    """Choose where JAX computes, before it looks for devices."""
    import jax

    if device != DeviceName.AUTO:
        jax.config.update("jax_platforms", device.value)
    try:
        jax.devices()
    except RuntimeError as error:
        raise InputError(
            f"JAX finds no {device.value} here: use --device cpu, or install the extra for it, "
            "for instance synth[cuda]."
        ) from error


def main() -> None:
    """Run the command line; what a user can mend ends in one sentence and exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"synth: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("synth: interrupted, nothing was written.", file=sys.stderr)
        sys.exit(130)
