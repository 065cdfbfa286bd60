"""``synth generate``: pictures in, textures out."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from synth.app import arguments as args
from synth.app.arguments import DeviceName, ModelName, SolverName
from synth.app.commands._settle import settle
from synth.app.started import STARTED

__all__ = ["generate"]


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

        clock, options = Clock(STARTED), Options(**asked)
        # What this process alone can find wrong comes before it meets the others.
        texture = read(options)
        task = prepare(texture, options)
        check_folder(out)
        first = settle(options.device, options.devices, distributed=distributed, cache=cache)
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
