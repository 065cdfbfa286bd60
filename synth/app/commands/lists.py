"""``synth list`` and ``synth cache``: what is at hand, and what is kept."""

import sys
import textwrap
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["cache", "list_"]

_LINE = 80  # columns of a terminal at least


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
    folder = Path(__file__).parents[2] / "processes"
    return sorted(path.stem for path in folder.glob("[!_]*.py"))


def cache(
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
