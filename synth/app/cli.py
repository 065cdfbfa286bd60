"""The command line, ``synth``.

Progress and errors go to the standard error; numbers, verdict and, last, the folder's path go to
the standard output.
"""

import synth.app.started  # noqa: F401, I001 - the clock starts first

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer

from synth.app import commands
from synth.errors import InputError

__all__ = ["app", "main"]

app = typer.Typer(
    help="New textures from one picture, by its wavelet scattering statistics, beside a Gaussian "
    "model with the same power spectrum, with numbers.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(commands.generate)
app.command()(commands.compare)
app.command()(commands.classify)
app.command()(commands.process)
app.command(name="list")(commands.list_)
app.command(name="cache")(commands.cache)

_INTERRUPTED = 130


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
