"""Parts that several figures share: colors of the fields, gray scales, pictures, curves."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from jaxtyping import Array, Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from synth.app.figures._page import INK, MUTED, logarithmic, plot

__all__ = [
    "MISSING",
    "Field",
    "Line",
    "bare",
    "frequency_axis",
    "gaps",
    "gray_scale",
    "known",
    "line",
    "losses_plot",
    "number",
    "picture",
    "range_name",
    "zoom",
]

Gray = Float[np.ndarray, "h w"] | Float[Array, "h w"]
Field = Gray | Float[np.ndarray, "c h w"] | Float[Array, "c h w"]

Colors = Mapping[str, str]

_PERCENTILES = (0.5, 99.5)
MISSING = "#a9cfe8"  # light blue, which is no gray level
# Okabe and Ito's colors, which color-blind people tell apart; the dashes help in print.
_NAMED = {
    "gaussian": ("#0072B2", "--"),
    "scattering1": ("#E69F00", ":"),
    "scattering": ("#D55E00", "-"),
    "spectra": ("#009E73", "-."),
    "full": ("#CC79A7", "-"),
    "full+rectified": ("#882255", "--"),
    "rectified": ("#6A3D9A", "-"),
}
_SPARE = (("#56B4E9", "--"), ("#8C6D31", "-."), ("#7F7F7F", "-"))


class Line(NamedTuple):
    """How the curve of one field is drawn."""

    color: str
    linestyle: str
    linewidth: float


def line(names: Sequence[str], index: int) -> Line:
    """Look of a field: the first one, the target, is thick and black."""
    if index == 0:
        return Line(INK, "-", 3.2)
    spare = [name for name in names[1:] if name not in _NAMED]
    if names[index] in _NAMED:
        return Line(*_NAMED[names[index]], 1.8)
    return Line(*_SPARE[spare.index(names[index]) % len(_SPARE)], 1.8)


def known(field: Field) -> Float[np.ndarray, " n"]:
    """Values of the pixels that are not missing (NaN)."""
    x = np.asarray(field, np.float64)
    return x[~np.isnan(x)]


def gaps(field: Field) -> Bool[np.ndarray, "h w"]:
    """Pixels that are missing (NaN), in any channel."""
    missing = np.isnan(np.asarray(field))
    return missing if missing.ndim == 2 else np.any(missing, axis=0)


def gray_scale(target: Field) -> Normalize:
    """Black to white over the 0.5 to 99.5 percentile of the target, or over its range."""
    x = known(target)
    if not x.size:
        return Normalize(0, 1)
    low, high = np.percentile(x, _PERCENTILES)
    if not high > low:
        low, high = x.min(), x.max()
    return Normalize(float(low), float(high) if high > low else float(low) + 1)


def range_name(target: Field) -> str:
    """What ``gray_scale`` spans, in words."""
    x, scale = known(target), gray_scale(target)
    whole = (scale.vmin, scale.vmax) == (x.min(), x.max())
    return "its whole range" if whole else "its 0.5 to 99.5 percentiles"


def zoom(shape: tuple[int, int], aim: float) -> float:
    """Pixels of the page per pixel of a picture: a whole number, unless the picture is large."""
    longest = max(shape)
    return max(1, int(aim / longest + 0.5)) if longest <= 1.5 * aim else aim / longest


def picture(
    axes: Axes, field: Gray | Float[np.ndarray, "h w 3"], scale: Normalize | None = None
) -> None:
    """Draw a field in gray, missing pixels (NaN) in light blue, or colors; a hairline around it.

    Args:
        axes: which the picture fills.
        field: gray levels, or red, green and blue from 0 to 1.
        scale: of gray levels.
    """
    shrunk = axes.bbox.width < field.shape[1]
    axes.imshow(
        np.asarray(field),
        cmap=mpl.colormaps["gray"].with_extremes(bad=MISSING),
        norm=scale,
        interpolation="antialiased" if shrunk else "nearest",
        aspect="auto",
    )
    bare(axes)


def bare(axes: Axes) -> None:
    """No ticks, and a hairline for a frame."""
    axes.xaxis.set_major_locator(NullLocator())
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines[:].set(linewidth=0.5, color=MUTED)


def frequency_axis(axes: Axes, low: float, high: float) -> None:
    """Logarithmic frequencies with ticks at π/2ᵏ, a scale each, or every second one."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(low, high)
    most = int(np.floor(np.log2(np.pi / low) + 1e-9))
    powers = range(0, most + 1, 1 if most < 5 else 2)
    axes.xaxis.set_major_locator(FixedLocator([np.pi / 2**k for k in powers]))
    axes.xaxis.set_minor_locator(FixedLocator([np.pi / 2**k for k in range(most + 1)]))
    axes.xaxis.set_major_formatter(FuncFormatter(_fraction_of_pi))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def _fraction_of_pi(frequency: float, _: int | None = None) -> str:
    parts = round(np.pi / frequency)
    return "π" if parts == 1 else f"π/{parts}"


def number(value: float) -> str:
    """Three digits, or whole thousands, with a true minus sign."""
    words = f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"
    return words.replace("-", "−")


def losses_plot(axes: Axes, losses: Mapping[str, Float[np.ndarray, " n"]], colors: Colors) -> None:
    """Losses against evaluations, a curve per model, with the last value in words."""
    plot(axes, "Descent", "loss evaluations", "loss")
    axes.set_xlim(0, max(10, *(len(each) for each in losses.values())) * 1.04)
    axes.margins(y=0.14)
    ends = {name: _losses_curve(axes, name, each, colors[name]) for name, each in losses.items()}
    seen = [(name, end) for name, end in ends.items() if end is not None]
    if not seen:
        axes.yaxis.set_major_locator(NullLocator())
        return
    logarithmic(axes)
    if len(losses) > 1:
        axes.legend(loc="best")
        return
    ((name, end),) = seen
    place = (-5, -3)
    beside = axes.annotate(
        number(end[1]), end, place, textcoords="offset points", color=colors[name]
    )
    beside.set(horizontalalignment="right", verticalalignment="top")


def _losses_curve(
    axes: Axes, name: str, losses: Float[np.ndarray, " n"], color: str
) -> tuple[float, float] | None:
    """One curve, as far as it is finite and positive, and where it ends."""
    counts = np.arange(1, len(losses) + 1)
    seen = np.isfinite(losses) & (losses > 0)
    label = f"{name} {number(losses[seen][-1])}" if seen.any() else name
    axes.plot(counts[seen], losses[seen], color=color, linewidth=1.8, label=label)
    if not seen.any():
        return None
    end = float(counts[seen][-1]), float(losses[seen][-1])
    axes.plot(*end, "o", color=color, markersize=5)
    return end
