"""Rows of pictures side by side: fillings of a hole, steps of a mix."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from synth.app.figures._color import Levels, Paint, plain
from synth.app.figures._page import HEADLINE, LIFT, MARGIN, NAME, SMALL, Box, Page, style, wrap
from synth.app.figures._parts import Field, line

__all__ = ["strip"]

_GAP, _WIDE_GAP = 16, 40  # between two pictures of a row, of gray levels and of tiles
_HEADER = 52  # above a row: its name
_CAPTION = 40  # below a row: what each of its pictures is
_NARROWEST = 900  # pixels, for the title
_AIM = {1: 512, 2: 512, 3: 512, 4: 384}  # pixels of the page for a picture, by their number
_LEAST_AIM = 256


@style()
def strip(
    rows: Mapping[str, Sequence[Field]],
    captions: Sequence[str],
    *,
    title: str = "",
    note: str = "",
    groups: Sequence[int] | None = None,
    levels: Levels | None = None,
) -> Figure:
    """Pictures of one shape on one gray scale, a row per name.

    Black and white are the 0.5 and 99.5 percentiles of all pictures of the first row; of fields
    with several channels, their minimum and maximum there. Missing pixels are light blue.

    Args:
        rows: name to fields, (h, w) or (c, h, w), all of one shape and unit, as many in every
            row.
        captions: one per column, below the pictures.
        title: a headline.
        note: small print at the bottom.
        groups: number of channels drawn together, as in ``comparison``.
        levels: black and white of every group of channels.

    Returns:
        The figure; save it with ``figure.savefig(path)``.

    Raises:
        ValueError: if there is no row, or rows and captions differ in number or shape, or
            groups and levels do not fit the channels.
    """
    fields = {
        name: [np.asarray(plain(one), np.float64) for one in row] for name, row in rows.items()
    }
    every = [one for row in fields.values() for one in row]
    if not every or {len(row) for row in fields.values()} != {len(captions)}:
        raise ValueError(f"Give as many pictures in each row as captions, {len(captions)}.")
    if len({one.shape for one in every}) > 1:
        raise ValueError("The pictures of a strip differ in shape: give fields of one shape.")
    aim = _AIM.get(len(captions), _LEAST_AIM)
    paint = Paint.of(np.concatenate(next(iter(fields.values())), -1), groups, levels)
    height, width = paint.size(every[0].shape, aim)
    gap = _GAP if len(paint.names) == 1 else _WIDE_GAP
    content = max(_NARROWEST, len(captions) * (width + gap) - gap)
    title, note = wrap(title, content, HEADLINE), wrap(note, content, SMALL)
    top = MARGIN * 0.8 + (48 * (title.count("\n") + 1) + 8 if title else 0)
    step = _HEADER + height + _CAPTION
    lines = note.count("\n") + 1 if note else 0
    page = Page.of(content + 2 * MARGIN, top + len(fields) * step + 26 * lines + MARGIN)
    page.text(MARGIN, MARGIN * 0.8, title, HEADLINE)
    names = ["", *fields]  # the first look is the target's
    for index, (name, row) in enumerate(fields.items()):
        above = top + index * step + _HEADER
        look = {**NAME, "color": line(names, index + 1).color}
        page.text(MARGIN, above - LIFT, name, look, below=False)
        for column, (field, caption) in enumerate(zip(row, captions, strict=True)):
            left = MARGIN + column * (width + gap)
            paint.draw(page.axes(Box(left, above, width, height)), field)
            page.text(left, above + height + 8, caption, SMALL)
    page.text(MARGIN, top + len(fields) * step + 8, note, SMALL)
    return page.figure
