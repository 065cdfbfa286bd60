"""Draw every picture of `textures/`, or those named, in one gallery: target, Gaussian, models.

    python scripts/make_gallery.py                           # all of them, some minutes
    python scripts/make_gallery.py foam gravel my-own.jpg    # these only
    python scripts/make_gallery.py --size 256 --model full   # larger, and slower

Writes `outputs/gallery/gallery.png` and a folder per run beside it. Stopped half-way, it goes on
where it was. Exit code: 0 all converged, 1 a failure, 2 bad input, 3 ended without reaching the
tolerance; the gallery shows all pictures that could be drawn.
"""

import argparse
import sys
import time
from pathlib import Path

from synth.app import programs, runtime
from synth.app.gallery import Entry, make, save
from synth.app.images import pictures
from synth.app.options import LADDER, Options
from synth.errors import InputError


def main() -> int:
    """Make the gallery, a line per picture on the standard error, and print its path."""
    asked = _arguments()
    options = Options(
        image="",
        size=asked.size,
        seed=asked.seed,
        scales=asked.scales,
        angles=asked.angles,
        models=tuple(asked.model),
        gray_levels=asked.gray_levels,
        max_steps=asked.max_steps,
        tolerance=asked.tolerance,
    )
    programs.keep()
    runtime.choose("auto")
    sources = asked.names or pictures()
    entries: list[Entry] = []
    start = time.perf_counter()
    for entry in make(sources, options, asked.out):
        entries.append(entry)
        now = time.perf_counter()
        spent, start = ("found" if entry.found else f"{now - start:.0f} s"), now
        name = Path(entry.source).name
        _say(f"{len(entries)}/{len(sources)} {name} ({spent}): {entry.words}")
    failed = [entry for entry in entries if entry.folder is None]
    if len(failed) < len(entries):
        print(save(entries, asked.out))
    for entry in failed:
        _say(f"make_gallery: {entry.source} is missing: {entry.words}")
    codes = {entry.code for entry in entries}
    return next((code for code in (1, 2, 3) if code in codes), 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Draw the pictures of textures/ in one gallery.")
    parser.add_argument("names", nargs="*", help="names or paths of pictures; all unless told")
    parser.add_argument("--size", type=int, default=128, help="longest side, pixels")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other textures")
    parser.add_argument("--scales", type=int, help="scales J; all that fit unless told")
    parser.add_argument("--angles", type=int, help="angles L in a half-turn; 8, spectra 4")
    models = ("scattering", "full")
    parser.add_argument("--model", nargs="+", choices=LADDER, default=models, help="rungs to show")
    parser.add_argument("--gray-levels", action="store_true", help="match gray levels everywhere")
    parser.add_argument("--max-steps", type=int, default=1000, help="most loss evaluations each")
    parser.add_argument("--tolerance", type=float, help="residual in units of its noise")
    parser.add_argument("--out", type=Path, default=Path("outputs/gallery"), help="folder")
    return parser.parse_args()


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        _say(f"make_gallery: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        _say("make_gallery: interrupted; what is finished will be found again.")
        sys.exit(130)
