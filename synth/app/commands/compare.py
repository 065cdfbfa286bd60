"""``synth compare``: pictures beside their target."""

from pathlib import Path
from typing import Annotated

import typer

from synth.app import arguments as args
from synth.app.commands._settle import settle
from synth.errors import InputError

__all__ = ["compare"]


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
            settle("auto")
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
