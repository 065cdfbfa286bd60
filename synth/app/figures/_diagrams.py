"""Diagrams that lay the fields of one comparison over each other."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from synth.app.figures._page import logarithmic, plot
from synth.app.figures._parts import frequency_axis, gaps, known, line, number
from synth.metrics import radial_spectrum
from synth.transforms.components import principal_components
from synth.transforms.estimate import Periodic, axes_of

__all__ = [
    "COMPONENT",
    "Channels",
    "alike",
    "first_components",
    "gray_levels",
    "judgeable",
    "spectra",
]

COMPONENT = "First principal component"
"""What diagrams show, and numbers tell, of fields with several channels."""

_FLOOR = 3e-5  # of the target's variance, 45 dB below white noise: where spectra are cut
_SHADE = "#e3e3e3"
_ROOM = 2.5  # factor left above the highest curve of a logarithmic diagram

Fields = Mapping[str, Float[np.ndarray, "h w"]]
Channels = Float[np.ndarray, "h w"] | Float[np.ndarray, "c h w"]


def judgeable(field: Channels, target: Channels) -> bool:
    """Whether a field has statistics: it is not constant, and finite where the target is known.

    Of several channels one that varies is enough, and a pixel that one of them misses is missing.
    """
    missing = gaps(field)
    values = field.reshape(-1, *field.shape[-2:])[:, ~missing]
    finite = np.isfinite(values).all() and not (missing & ~gaps(target)).any()
    # Rounding gives a constant a deviation.
    return bool(finite and values.size and (values.std(1) * np.ptp(values, axis=1) > 0).any())


def first_components(fields: Mapping[str, Channels]) -> dict[str, Float[np.ndarray, "h w"]]:
    """Gray fields as they are; of several channels the first principal component.

    The component is the target's own, for all fields, in units of its standard deviation in the
    target. A field that has no statistics has none of its component either: it is NaN.

    Args:
        fields: name to field, all of one shape, the target first.

    Returns:
        A number per pixel, by the name of the field; NaN where any channel is missing.
    """
    target = next(iter(fields.values()))
    if target.ndim == 2:
        return dict(fields)
    unknown = np.full(target.shape[-2:], np.nan)
    if not judgeable(target, target):
        return dict.fromkeys(fields, unknown)
    components = principal_components(target)
    return {
        name: components.of(field)[0] if judgeable(field, target) else unknown
        for name, field in fields.items()
    }


def alike(fields: Fields) -> dict[str, Float[np.ndarray, "h w"]]:
    """Fields that have statistics, without the pixels that the target misses."""
    target = next(iter(fields.values()))
    return {
        name: np.where(np.isnan(target), np.nan, field)
        for name, field in fields.items()
        if judgeable(field, target)
    }


def spectra(
    axes: Axes, fields: Fields, names: list[str], periodic: Periodic, *, component: bool = False
) -> None:
    """Radial spectra of fields with the target's gaps, its own first; names fix their colors."""
    tapered = "" if all(axes_of(periodic)) else ", borders tapered"
    title = f"{COMPONENT}:\npower spectrum" if component else "Power spectrum"
    plot(axes, f"{title}{tapered}", "frequency |ω|, radians per pixel", "power")
    low, high, top = np.inf, 0.0, 0.0
    lowest = np.inf
    for name, field in fields.items():
        frequency, power = radial_spectrum(field, periodic=periodic)
        look = line(names, names.index(name))._asdict()
        axes.plot(frequency, power, label=name, marker="o", markersize=3, **look)
        low, high = min(low, frequency[0]), max(high, frequency[-1])
        lowest, top = min(lowest, power.min()), max(top, power.max())
    floor = _FLOOR * float(np.nanvar(fields[names[0]]))
    axes.set_ylim(max(lowest / _ROOM, floor), top * _ROOM)
    logarithmic(axes)
    frequency_axis(axes, low / 1.2, high * 1.2)
    axes.legend(loc="best")


def gray_levels(axes: Axes, fields: Fields, *, component: bool = False) -> None:
    """Densities of the gray levels that are known, on a logarithmic axis that shows the tails.

    Args:
        axes: of the diagram.
        fields: the target first.
        component: whether they are first principal components, not gray levels.
    """
    if component:
        plot(axes, f"{COMPONENT}:\nlevels", "standard deviations from the mean", "density")
    else:
        plot(axes, "Gray levels", "gray level", "density")
    names = list(fields)
    target = fields[names[0]]
    shown = {name: known(field) for name, field in fields.items() if judgeable(field, target)}
    edges = _edges(list(shown.values()))
    tops = []
    for index, (name, values) in enumerate(shown.items()):
        density = np.histogram(values, edges, density=True)[0]
        look = line(names, names.index(name))._asdict()
        if index == 0:
            axes.stairs(density, edges, fill=True, color=_SHADE)
        axes.stairs(density, edges, label=name, **{**look, "linewidth": 1.6})
        tops.append(density.max())
    one_pixel = 1 / (shown[names[0]].size * (edges[1] - edges[0]))
    axes.set_ylim(one_pixel / 2, max(tops) * _ROOM)
    logarithmic(axes)
    axes.set_xlim(edges[0], edges[-1])
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def _edges(values: list[Float[np.ndarray, " _"]]) -> Float[np.ndarray, " edge"]:
    """Edges of bins that all fields share, the first and the last of them empty."""
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    count = int(np.clip(np.sqrt(values[0].size) / 2, 12, 80))
    step = (high - low) / count
    return low + step * np.arange(-1, count + 2)
