"""Diagrams that lay the fields of one comparison over each other."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from synth.app.figures._page import logarithmic, plot
from synth.app.figures._parts import frequency_axis, line, number
from synth.metrics import radial_spectrum

__all__ = ["gray_levels", "judgeable", "spectra"]

_FLOOR = 3e-5  # of the target's variance, 45 dB below white noise: where spectra are cut
_SHADE = "#e3e3e3"
_ROOM = 2.5  # factor left above the highest curve of a logarithmic diagram

Fields = Mapping[str, Float[np.ndarray, "h w"]]


def judgeable(field: Float[np.ndarray, "h w"]) -> bool:
    """Whether a field has statistics: it is finite and not constant."""
    return bool(np.isfinite(field).all() and field.std() > 0)


def spectra(axes: Axes, fields: Fields) -> None:
    """Radial spectra of the fields, the target's first."""
    plot(axes, "Power spectrum", "frequency |ω|, radians per pixel", "power")
    names = list(fields)
    low, high, top = np.inf, 0.0, 0.0
    lowest = np.inf
    for index, (name, field) in enumerate(fields.items()):
        if not judgeable(field):
            continue
        frequency, power = radial_spectrum(field)
        look = line(names, index)._asdict()
        axes.plot(frequency, power, label=name, marker="o", markersize=3, **look)
        low, high = min(low, frequency[0]), max(high, frequency[-1])
        lowest, top = min(lowest, power.min()), max(top, power.max())
    floor = _FLOOR * float(np.var(fields[names[0]]))
    axes.set_ylim(max(lowest / _ROOM, floor), top * _ROOM)
    logarithmic(axes)
    frequency_axis(axes, low / 1.2, high * 1.2)
    axes.legend(loc="best")


def gray_levels(axes: Axes, fields: Fields) -> None:
    """Densities of the gray levels, on a logarithmic axis that shows the tails."""
    plot(axes, "Gray levels", "gray level", "density")
    names = list(fields)
    shown = {name: field for name, field in fields.items() if judgeable(field)}
    edges = _edges(list(shown.values()))
    tops = []
    for index, (name, field) in enumerate(shown.items()):
        density = np.histogram(field, edges, density=True)[0]
        look = line(names, names.index(name))._asdict()
        if index == 0:
            axes.stairs(density, edges, fill=True, color=_SHADE)
        axes.stairs(density, edges, label=name, **{**look, "linewidth": 1.6})
        tops.append(density.max())
    one_pixel = 1 / (fields[names[0]].size * (edges[1] - edges[0]))
    axes.set_ylim(one_pixel / 2, max(tops) * _ROOM)
    logarithmic(axes)
    axes.set_xlim(edges[0], edges[-1])
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def _edges(fields: list[Float[np.ndarray, "h w"]]) -> Float[np.ndarray, " edge"]:
    """Edges of bins that all fields share, the first and the last of them empty."""
    low, high = min(f.min() for f in fields), max(f.max() for f in fields)
    count = int(np.clip(np.sqrt(fields[0].size) / 2, 12, 80))
    step = (high - low) / count
    return low + step * np.arange(-1, count + 2)
