"""Many runs as one picture: a row each, found again if it was made before."""

import glob
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from synth.app import figures
from synth.app.arguments import AxesName
from synth.app.folders import check_folder, hidden_folder
from synth.app.images import Texture
from synth.app.options import Options
from synth.app.record import painting, write
from synth.app.runs import generate, read
from synth.app.versions import version
from synth.descent import drain
from synth.errors import InputError

__all__ = ["Entry", "make", "save"]

_FILE = "gallery.png"
_FIELDS = "fields.npz"
_TITLE = "Textures drawn from noise"
_NOTES = {
    "target": "target: the picture.",
    "gaussian": "gaussian: a random field with its power spectrum.",
    "scattering1": "scattering1: its mean wavelet amplitudes.",
    "scattering": "scattering: its wavelet scattering moments of order 1 and 2.",
    "spectra": "spectra: its scattering spectra.",
    "full": "full: moments, spectra and gray levels, or colors.",
    "full+rectified": "full+rectified: full, and how edges go on nearby.",
    "rectified": "rectified: moments, gray levels, and how edges and rows go on.",
}
_NOTE = (
    "All found from noise. Black and white of gray pictures are the 0.5 and 99.5 percentiles of "
    "each target."
)


class Entry(NamedTuple):
    """What became of one picture.

    Attributes:
        source: name or path of the picture, as it was given.
        folder: of its run; None if there is none.
        words: how it ended, in a sentence.
        code: exit code that ``synth generate`` has for this picture.
        found: whether the run had been made before.
    """

    source: str
    folder: Path | None
    words: str
    code: int
    found: bool = False


def make(sources: Sequence[str | Path], options: Options, parent: Path) -> Iterator[Entry]:
    """Run pictures one by one, except those whose run lies in the folder already.

    Args:
        sources: names or paths of the pictures.
        options: the same for all; their picture is ignored.
        parent: folder of the runs.

    Yields:
        What became of each picture; one that fails does not end the rest.

    Raises:
        InputError: if the folder cannot be written.
    """
    check_folder(parent)
    for source in sources:
        try:
            yield _run(replace(options, image=str(source)), parent)
        except InputError as error:
            yield Entry(str(source), None, str(error), 2)
        except Exception as error:  # one bad picture never ends the rest
            yield Entry(str(source), None, f"{type(error).__name__}: {error}", 1)


def save(entries: Sequence[Entry], parent: Path) -> Path:
    """Draw the runs that there are into ``gallery.png``, which replaces an older one.

    Args:
        entries: from ``make``.
        parent: folder of the picture.

    Returns:
        Path of the picture.

    Raises:
        InputError: if there is nothing to show, or the folder cannot be written.
    """
    rows = [_row(entry.folder) for entry in entries if entry.folder is not None]
    if not rows:
        raise InputError("There is nothing to show: none of the pictures could be used.")
    shown = [_NOTES[name] for name in rows[0].fields]
    figure = figures.gallery(rows, title=_TITLE, note=" ".join([*shown, _NOTE]))
    with hidden_folder(parent) as hidden:
        figure.savefig(hidden / _FILE)
        return (hidden / _FILE).replace(parent / _FILE)


def _run(options: Options, parent: Path) -> Entry:
    """Find or make the run of one picture."""
    texture = read(options)
    folder = _find(texture, options, parent)
    found = folder is not None
    if folder is None:
        folder = write(drain(generate(texture, options)), parent)
    report = _manifest(folder)
    code = 0 if report["outcome"] == "converged" else 3
    return Entry(options.image, folder, report["verdict"], code, found)


def _find(texture: Texture, options: Options, parent: Path) -> Path | None:
    """Folder of a run of the same bytes, asked for in the same way, by the same version."""
    for folder in sorted(parent.glob(f"{glob.escape(texture.name)}-*"), reverse=True):
        with suppress(OSError, ValueError, KeyError):
            report = _manifest(folder)
            asked = {**report["options"], "image": options.image}
            if (
                asked == json.loads(json.dumps(asdict(options)))
                and report["input"]["sha256"] == texture.sha256
                and report["versions"]["synth"] == version("synth")
                and (folder / _FIELDS).is_file()
            ):
                return folder
    return None


def _row(folder: Path) -> figures.Row:
    report = _manifest(folder)
    with np.load(folder / _FIELDS) as arrays:
        names = ("target", *report["models"])
        fields = {name: arrays[name].reshape(-1, *arrays[name].shape[-3:])[0] for name in names}
    board = report["scores"] or {"models": {}}
    scores = {name: score["overall"][0] for name, score in board["models"].items()}
    height, width = report["input"]["shape"][-2:]
    ended = "converged" if report["outcome"] == "converged" else f"ended: {report['outcome']}"
    note = f"{height} × {width} pixels · {ended} after {report['evaluations']} evaluations"
    wraps = AxesName(report["input"]["periodic"]).pair
    look = painting(report["input"]["parts"])
    return figures.Row(report["input"]["name"], fields, scores, note, wraps, **look)


def _manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
