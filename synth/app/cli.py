"""The command line, ``synth``; only this module and ``display`` print.

Heavy imports wait until a command runs, so that help comes at once. Progress goes to the
standard error; numbers, verdict and, last, the folder's path go to the standard output.
"""

import time

_STARTED = time.perf_counter()

import sys  # noqa: E402 - the clock starts first
import textwrap  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from enum import StrEnum  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Annotated, Any, NoReturn  # noqa: E402

import typer  # noqa: E402

from synth.app import arguments as args  # noqa: E402
from synth.app.arguments import DeviceName, ModelName, SolverName  # noqa: E402
from synth.errors import InputError  # noqa: E402

__all__ = ["app", "main"]

app = typer.Typer(
    help="New textures from one picture, by its wavelet scattering statistics, beside a Gaussian "
    "model with the same power spectrum, with numbers.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

_LINE = 80  # columns of a terminal at least
_MOST_SIDE = 4096
_INTERRUPTED = 130


@app.command()
def generate(
    images: args.Images,
    seed: args.Seed = 0,
    size: args.Size = None,
    scales: args.Scales = None,
    angles: args.Angles = None,
    model: args.Model = [ModelName.SCATTERING],  # noqa: B006 - typer copies it
    gray_levels: args.GrayLevels = False,
    isotropic: args.Isotropic = False,
    samples: args.Samples = 1,
    ensemble: args.Ensemble = False,
    max_steps: args.Steps = 1000,
    min_steps: args.LeastSteps = None,
    tolerance: args.Tolerance = None,
    levels: args.Levels = None,
    solver: args.Solver = SolverName.LBFGS,
    periodic: args.Periodic = None,
    mask: args.Mask = None,
    gray: args.Gray = False,
    channels: args.Channels = None,
    beside: args.With = [],  # noqa: B006 - typer copies it
    out_size: args.OutSize = None,
    crop: args.Crop = False,
    tiles: args.Tiles = 1,
    inpaint: args.Inpaint = False,
    mix: args.Mix = None,
    steps: args.MixSteps = 5,
    start: args.StartFile = None,
    out: args.Out = Path("outputs"),
    device: args.Device = DeviceName.AUTO,
    devices: args.Devices = None,
    distributed: args.Distributed = False,
    cache: args.Cache = True,
) -> None:
    """Draw a new texture with the statistics of the IMAGEs, beside a Gaussian sample.

    Writes OUT/<name>-<time>/ with target.png, gaussian.png, a picture per model and sample,
    comparison.png (fillings.png, mix.png), scoreboard.png, fields.npz and manifest.json. Exit
    code: 0 converged, 1 failure, 2 bad input, 3 ended without reaching the tolerance (everything
    is written all the same).
    """
    asked = {
        **_pictures(images),
        **_values(size=size, mask=mask, gray=gray, channels=channels, beside=tuple(beside)),
        **_values(crop=crop, tiles=tiles, inpaint=inpaint, mix=mix, steps=steps, start=start),
        **_values(seed=seed, samples=samples, ensemble=ensemble, scales=scales, angles=angles),
        **_values(gray_levels=gray_levels, isotropic=isotropic, levels=levels, solver=solver),
        **_values(max_steps=max_steps, min_steps=min_steps, tolerance=tolerance),
        **_values(device=device, devices=devices),
        "models": tuple(dict.fromkeys(each.value for each in model)),
        "periodic": periodic.pair if periodic else None,
        "out_size": None if out_size is None else args.pair(out_size),
    }
    _generate(asked, out, distributed=distributed, cache=cache)


def _pictures(images: Sequence[str]) -> dict[str, Any]:
    """The first picture, and further ones of the same process."""
    return {"image": images[0], "others": tuple(images[1:])}


def _values(**given: Any) -> dict[str, Any]:  # noqa: ANN401 - of any option
    """Values of options, those that were chosen from lists of names as plain text."""
    return {name: one.value if isinstance(one, StrEnum) else one for name, one in given.items()}


def _generate(asked: dict[str, Any], out: Path, *, distributed: bool, cache: bool) -> None:
    """Settle where to compute, run, write and report."""
    from synth.app.display import Display, closing_table

    with Display() as display:
        display.phase("loading")
        from synth.app.clock import Clock
        from synth.app.folders import check_folder
        from synth.app.options import Options
        from synth.app.runs import generate, read
        from synth.app.tasks import prepare

        clock, options = Clock(_STARTED), Options(**asked)
        # What this process alone can find wrong comes before it meets the others.
        texture = read(options)
        task = prepare(texture, options)
        check_folder(out)
        first = _settle(options.device, options.devices, distributed=distributed, cache=cache)
        if not first:
            display.silence()
        display.target(texture)
        for note in task.notes:
            display.say(note)
        if task.layout.torus != texture.field.shape[1:]:
            from synth.app.cost import cost

            expected = cost(task, options)
            display.say(expected.words)
            if not distributed:  # of which each process has another memory
                expected.check()
        display.phase("compiling")
        result = display.follow(generate(texture, options, clock, task))
        folder = None
        if first:
            display.phase("writing")
            from synth.app.record import write

            folder = write(result, out)
    if folder:
        closing_table(result)
        print(folder)
    if result.outcome != "converged":
        raise typer.Exit(3)


def _settle(
    device: str, devices: int | None = None, *, distributed: bool = False, cache: bool = True
) -> bool:
    """Settle where JAX computes; whether this process is the one that writes."""
    from synth.app import programs, runtime

    if cache:
        programs.keep()
    if distributed:
        runtime.join()
    runtime.choose(device, devices)
    import jax

    return jax.process_index() == 0


@app.command(name="cache")
def cache_(
    clear: Annotated[
        bool, typer.Option("--clear", help="Delete them; the next run compiles again.")
    ] = False,
) -> None:
    """Show where programs are kept, how many are compiled, and the size of all that is kept."""
    from synth.app import programs

    if clear:
        programs.forget()
    kept = programs.kept()
    plural = "" if kept.number == 1 else "s"
    print(f"{kept.number} program{plural}, {kept.size / 1e6:.1f} MB, in", file=sys.stderr)
    print(kept.folder)


@app.command()
def compare(
    target: Annotated[str, typer.Argument(metavar="TARGET", help=args.IMAGE)],
    candidates: Annotated[
        list[str],
        typer.Argument(
            metavar="CANDIDATE...",
            help="Pictures to be judged, of the target's size. Names that differ in a number at "
            "the end, as scattering-1.png and scattering-2.png, count as samples of one model.",
        ),
    ],
    real: Annotated[
        list[str],
        typer.Option(
            help="Another real picture of the same kind; give the option once per picture. From "
            "two on they set the noise floor, otherwise the quadrants of all real pictures do."
        ),
    ] = [],  # noqa: B006 - typer copies it
    size: Annotated[
        int | None, typer.Option(help="Resize all pictures: their longest side, in pixels.")
    ] = None,
    periodic: args.Periodic = None,
    gray: args.Gray = False,
    channels: args.Channels = None,
    learned: args.Learned = False,
    patch: args.Patch = [],  # noqa: B006 - typer copies it
    out: args.Out = Path("outputs"),
) -> None:
    """Score pictures by twenty statistics, and color by nine more, against the noise floor.

    1 means: as near to TARGET as another real picture, so that these statistics cannot tell
    them apart. Writes OUT/<name>-scores-<time>/ with scoreboard.png and scores.json; --learned
    adds learned.png and learned.json.
    """
    if patch and not learned:
        raise InputError("Patches are those of the network: give --learned, too.")
    from synth.app.display import Display, learned_table, score_table

    with Display() as display:
        display.phase("loading")
        if learned:
            _settle("auto")
        from synth.app import contest, trials
        from synth.app.folders import check_folder

        axes = periodic.pair if periodic else None
        axis = channels.value if channels else None
        entries = contest.read(
            target, candidates, real, size=size, periodic=axes, gray=gray, channels=axis
        )
        trial = contest.enter(entries, patch) if learned else None
        check_folder(out)
        for note in entries.notes:
            display.say(note)
        display.phase("judging")
        board = contest.judge(entries)
        told = None if trial is None else display.trials(trials.run(trial))
        display.phase("writing")
        folder = contest.write(board, entries.target.name, out, told=told)
    score_table(board)
    if told is not None:
        learned_table(told)
    print(folder)


@app.command()
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
        _settle(device.value)
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


@app.command(name="list")
def list_() -> None:
    """List the bundled pictures and the processes that draw such fields."""
    from synth.app.images import COLOR_PHOTOGRAPHS, PHOTOGRAPHS, bundled

    print("Pictures, for `synth generate`:")
    for table in bundled().values():
        height, width = table["shape"]
        channels = table.get("channels", 1)
        several = f", {channels} channels" if channels > 1 else ""
        print(f"  {table['file']:24}{height} × {width}{several}")
    for name in PHOTOGRAPHS:
        print(f"  {name + '.png':24}512 × 512, a photograph that comes with scikit-image")
    for name, (height, width) in COLOR_PHOTOGRAPHS.items():
        print(f"  {name:24}{height} × {width}, a photograph in color of scikit-image")
    print("Processes, for `synth process`:")
    names = ", ".join(_processes())
    print(textwrap.fill(names, initial_indent="  ", subsequent_indent="  ", width=_LINE))


def _processes() -> list[str]:
    """Return the names of the processes, which are those of their files, without importing JAX."""
    folder = Path(__file__).parents[1] / "processes"
    return sorted(path.stem for path in folder.glob("[!_]*.py"))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; what a user can mend ends in one sentence and exit code 2.

    Args:
        arguments: of the command line; those of the process by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given or ["--help"], prog_name="synth", standalone_mode=False) or 0
    except InputError as error:
        _end(str(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as error:
        # Typer's own usage errors; their base class has moved from one version to another.
        if not hasattr(error, "format_message"):
            raise
        _end(_usage(error), 2)
    if code == _INTERRUPTED:
        _end("interrupted, nothing was written.", code)
    sys.exit(code)


def _usage(error: Any) -> str:  # noqa: ANN401 - see main
    words = " ".join(error.format_message().replace("Value error, ", "").split())
    command = getattr(error.ctx, "command_path", "synth")
    return f"{words.rstrip('.')}: see `{command} --help`."


def _end(words: str, code: int) -> NoReturn:
    print(f"synth: {words}", file=sys.stderr)
    sys.exit(code)
