"""Pictures beside their target: files in, a scoreboard out."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.app import figures, trials
from synth.app.folders import hidden_folder, publish
from synth.app.images import Axis, Texture, check_axis, load
from synth.app.record import score_report, write_report
from synth.errors import InputError
from synth.metrics import Scoreboard, compare

__all__ = ["Contest", "enter", "judge", "read", "write"]


_MOST_NAMES = 6


class Contest(NamedTuple):
    """A target, what was drawn after it, and further real fields of the same kind.

    Pictures of 8 and 16 bits are in units of their full range, others in their own.

    Attributes:
        target: the texture; its fields, too, are in these units, NaN where pixels are missing.
        fields: candidates by name; files of one folder that differ in a number at the end
            are samples of one name.
        reals: further real fields; those of the target's file come first.
        notes: what was done to the pictures on the way, in sentences.
    """

    target: Texture
    fields: dict[str, list[Float[np.ndarray, "c h w"]]]
    reals: list[Float[np.ndarray, "c h w"]]
    notes: tuple[str, ...] = ()


def read(
    target: str,
    candidates: Sequence[str],
    reals: Sequence[str] = (),
    *,
    size: int | None = None,
    periodic: tuple[bool, bool] | None = None,
    gray: bool = False,
    channels: Axis | None = None,
) -> Contest:
    """Read the pictures of a contest; a file of several holds several samples.

    Args:
        target: path or bundled name.
        candidates: paths of pictures to be judged.
        reals: paths of further real pictures.
        size: longest side to which all of them are resized.
        periodic: whether rows and columns wrap; found out from the target by default.
        gray: whether color is turned into gray.
        channels: which axis of arrays or pages is that of channels, where files do not tell.

    Returns:
        The fields, all of the target's shape.

    Raises:
        InputError: if a picture cannot be read, or does not fit the target; or if no file needs
            the axis.
    """
    check_axis([target, *candidates, *reals], channels)
    whole = load(target, size=size, periodic=periodic, gray=gray, channels=channels)
    notes = [f"{whole.name}: {note}" for note in whole.notes]

    def fields_of(source: str) -> list[Float[np.ndarray, "c h w"]]:
        alone = gray or whole.num_channels == 1
        texture = load(source, size=size, periodic=whole.periodic, gray=alone, channels=channels)
        # A picture in color whose pixels are all gray is read as gray; an array is what it is.
        is_picture = channels is None or texture.has_range
        if is_picture and (texture.num_channels, whole.num_channels) == (1, 3):
            texture = texture._replace(fields=np.repeat(texture.fields, 3, axis=1))
        _check(texture, whole, source)
        notes.extend(f"{Path(source).stem}: {note}" for note in texture.notes)
        return list(texture.in_range)

    names = _names(candidates)
    if len(set(names)) > _MOST_NAMES:
        raise InputError(
            f"{len(set(names))} different names were given: compare up to {_MOST_NAMES} at a time."
        )
    fields: dict[str, list[Float[np.ndarray, "c h w"]]] = {}
    for source, name in zip(candidates, names, strict=True):
        fields.setdefault(name, []).extend(fields_of(source))
    target_ = whole._replace(fields=whole.in_range.astype(np.float32))
    more = [*target_.fields[1:], *(field for source in reals for field in fields_of(source))]
    return Contest(target_, fields, more, tuple(dict.fromkeys(notes)))


def judge(contest: Contest) -> Scoreboard:
    """Score the candidates of a contest, see ``metrics.compare``."""
    target = contest.target
    return compare(target.field, contest.fields, reals=contest.reals, periodic=target.periodic)


def enter(contest: Contest, patches: Sequence[int] = ()) -> trials.Trial:
    """What a network is to tell apart, see ``trials.prepare``.

    Args:
        contest: of ``read``.
        patches: sides of patches, pixels; the usual ones that fit by default.

    Raises:
        InputError: if a picture misses pixels, or if patches do not fit.
    """
    target = contest.target
    reals = [target.field, *contest.reals]
    return trials.prepare(reals, contest.fields, periodic=target.periodic, patches=patches)


def write(board: Scoreboard, name: str, parent: Path, *, told: trials.Trials | None = None) -> Path:
    """Write a folder ``<name>-scores-<time>`` with ``scoreboard.png`` and ``scores.json``.

    Args:
        board: of ``judge``.
        name: of the target.
        parent: folder in which the new one is made.
        told: what a network told apart; it is written as ``learned.png`` and ``learned.json``.

    Returns:
        The new folder.

    Raises:
        InputError: if the folder cannot be written.
    """
    with hidden_folder(parent) as hidden:
        figures.scoreboard(board, title=name).savefig(hidden / "scoreboard.png")
        write_report(score_report(board), hidden / "scores.json")
        if told is not None:
            note = trials.CAUTION if told.cut else ""
            figure = figures.areas(told.rows, control=trials.CONTROL, title=name, note=note)
            figure.savefig(hidden / "learned.png")
            write_report(trials.report(told), hidden / "learned.json")
        return publish(hidden, parent / f"{name}-scores")


def _names(sources: Sequence[str]) -> list[str]:
    """File names without a number at the end; with their folder where several have them."""
    paths = [Path(source) for source in sources]
    stems = [re.sub(r"(?<=.)-\d+$", "", path.stem) for path in paths]
    folders = {
        stem: {p.parent for p, s in zip(paths, stems, strict=True) if s == stem} for stem in stems
    }
    return [
        stem if len(folders[stem]) == 1 else str(path.parent / stem)
        for path, stem in zip(paths, stems, strict=True)
    ]


def _check(texture: Texture, target: Texture, source: str) -> None:
    (_, height, width), (_, rows, columns) = texture.field.shape, target.field.shape
    if (height, width) != (rows, columns):
        raise InputError(
            f"{source} has {height} × {width} pixels and the target {rows} × {columns}: crop "
            "them to one size, or give a --size for all."
        )
    if texture.num_channels != target.num_channels:
        raise InputError(
            f"{source} has {texture.num_channels} channel{'s' * (texture.num_channels > 1)} and "
            f"the target {target.num_channels}: give pictures of as many, or compare in gray."
        )
    if texture.has_range != target.has_range:
        raise InputError(
            f"{source} holds {texture.dtype} values and the target {target.dtype}: give both as "
            "pictures of 8 or 16 bits (a run writes its target.png), or both as arrays in one unit."
        )
