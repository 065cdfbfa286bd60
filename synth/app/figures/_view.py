"""What one comparison shows: its fields, what is measured of them, and that in words."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.app.figures._clouds import Cloud, clouds
from synth.app.figures._color import Levels, Paint
from synth.app.figures._diagrams import COMPONENT, Channels, alike, first_components
from synth.app.figures._parts import gaps, number, range_name
from synth.metrics import flatness, kurtosis, spectrum_error
from synth.transforms.estimate import Periodic

__all__ = ["Fields", "View", "captions_of"]

Gray = dict[str, Float[np.ndarray, "h w"]]
Fields = dict[str, Channels]


class View(NamedTuple):
    """What one comparison shows.

    Attributes:
        fields: name to field, the target first.
        measured: the number per pixel of each field that diagrams and captions are about.
        periodic: whether opposite borders of the target match, per axis.
        paint: how the pictures are painted.
        clouds: colors of the fields that have statistics, if they are colors.
    """

    fields: Fields
    measured: Gray
    periodic: Periodic
    paint: Paint
    clouds: dict[str, Cloud]

    @classmethod
    def of(
        cls,
        fields: Fields,
        periodic: Periodic,
        groups: Sequence[int] | None,
        levels: Levels | None,
    ) -> "View":
        """Measure fields of one shape, of which the first one has statistics."""
        paint = Paint.of(next(iter(fields.values())), groups, levels)
        colors = {} if paint.gray is not None else clouds(fields, paint)
        return cls(fields, first_components(fields), periodic, paint, colors)

    @property
    def target(self) -> Channels:
        """The first field."""
        return next(iter(self.fields.values()))

    @property
    def several(self) -> bool:
        """Whether there are several channels."""
        return self.paint.gray is None


def captions_of(view: View, *, given: bool) -> list[str]:
    """Words below each picture: numbers, and below the target's what the pictures show.

    Args:
        view: of fields with a target that has statistics.
        given: whether the caller chose black and white.

    Returns:
        A caption per field, of several lines.
    """
    fields, periodic = view.measured, view.periodic
    first, *others = fields
    seen = alike(fields)
    what = f"{COMPONENT}:\n" if view.several else ""
    words = [f"{what}{_marginals(fields[first], periodic)}\n{_key(view, given=given)}"]
    for name in others:
        if name not in seen:
            words.append("constant or not finite: no statistics")
            continue
        error = spectrum_error(seen[first], seen[name], periodic=periodic)
        words.append(f"{what}{_marginals(fields[name], periodic)}\nspectrum {error:.2f} dB off")
    return words


def _marginals(field: Float[np.ndarray, "h w"], periodic: Periodic) -> str:
    flat = flatness(field, (1,), periodic=periodic)[0]
    return f"kurtosis {kurtosis(field):.2f} · flatness at 1 px {flat:.2f}"


def _key(view: View, *, given: bool) -> str:
    """What the pictures show: channels in tiles, levels, and missing pixels."""
    tiles = view.paint.names
    words = [f"tiles: channels {', '.join(tiles)}"] if len(tiles) > 1 else []
    words += [f"black to white: {_levels(view, given=given)}"]
    if missing := np.mean(gaps(view.target)):
        words += [f"light blue: missing, {missing:.1%}"]
    return "\n".join(words)


def _levels(view: View, *, given: bool) -> str:
    """Black and white in words; whether they were given."""
    paint = view.paint
    if given:
        pairs = [f"{number(low)} to {number(high)}" for low, high in paint.levels]
        return pairs[0] if len(set(pairs)) == 1 else ", ".join(pairs)
    if len(paint.groups) == 1:
        return "its whole range" if view.several else range_name(view.target)
    return f"range of each {'tile' if len(paint.names) == len(paint.groups) else 'group'}"
