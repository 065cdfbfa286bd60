"""What a filter bank looks like: its bands in frequency, its wavelets in space."""

from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from synth.app.figures._page import HEADING, INK, LIFT, MARGIN, SMALL, Box, Page, plot, style
from synth.app.figures._parts import bare, frequency_axis, number
from synth.transforms.filters import Band, FilterBank
from synth.transforms.littlewood_paley import littlewood_paley

__all__ = ["filter_bank"]

_SIDE = 560  # of the Fourier square, and of the grid of wavelets
_TOP = MARGIN + 20
_LEFT = MARGIN + 90
_CUT_LEFT, _CUT_WIDTH = _LEFT + _SIDE + 140, 640
_GRID_LEFT = _CUT_LEFT + _CUT_WIDTH + 130
_GAP = 10  # between two wavelets
_MOST = 4  # scales, and angles, of which wavelets are shown
_REACH = 3  # half the side of their pictures, in units of 2^j of the coarsest one

Square = Float[np.ndarray, "h w"]
Color = tuple[float, float, float, float]


class _Wavelets(NamedTuple):
    """Filters of one scale on the whole centered Fourier square, and their color."""

    squares: Float[np.ndarray, "l h w"]
    color: Color


@style()
def filter_bank(bank: FilterBank) -> Figure:
    """Bands on the Fourier square, the Littlewood–Paley sum along a row, wavelets in space.

    On the left, every ψ̂_{j,l} and φ̂_J is drawn where it exceeds half its maximum, on the
    Littlewood–Paley sum in gray. In the middle, the sum is cut along the horizontal axis and
    split into its scales. On the right, real parts of some wavelets, all on as many pixels.

    Args:
        bank: any bank.

    Returns:
        The figure.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> figure = filter_bank(morlet_bank((64, 64), num_scales=3, num_angles=4))
    """
    page = Page.of(_GRID_LEFT + _SIDE + MARGIN, _TOP + _SIDE + 150)
    total = littlewood_paley(bank)
    colors = [mpl.colormaps["viridis"](x) for x in np.linspace(0, 0.88, bank.num_scales)]
    wavelets = [
        _Wavelets(_squares(band, bank.shape), color)
        for band, color in zip(bank.first, colors, strict=True)
    ]
    _bands(page.axes(Box(_LEFT, _TOP, _SIDE, _SIDE)), bank, wavelets, total)
    _cut(page.axes(Box(_CUT_LEFT, _TOP, _CUT_WIDTH, _SIDE)), bank, wavelets, total)
    _grid(page, wavelets)
    page.text(MARGIN, _TOP + _SIDE + 104, _note(bank, total), SMALL)
    return page.figure


def _note(bank: FilterBank, total: Square) -> str:
    low, high = number(total.min()), number(total.max())
    height, width = bank.shape
    return (
        f"{bank.num_scales} scales × {bank.num_angles} angles on {height} × {width} pixels. Left: "
        "where a filter exceeds half its maximum; at −ω, not drawn, a real field holds the same. "
        f"Littlewood–Paley sum: {low if low == high else f'{low} to {high}'} over the whole square."
    )


def _squares(band: Band, shape: tuple[int, int]) -> Float[np.ndarray, "l h w"]:
    """Filters of a band on the whole centered Fourier square."""
    filters = np.asarray(band.filters, np.float64)
    full = np.zeros((len(filters), *shape))
    height, width = band.grid
    for square, filter_, start in zip(full, filters, np.asarray(band.starts), strict=True):
        row, column = start + np.array(shape) // 2
        square[row : row + height, column : column + width] = filter_
    return full


def _closed(square: Square) -> Float[np.ndarray, "a b"]:
    """A square of even sides with its border at −π repeated at π."""
    return np.pad(square, [(0, 1 - n % 2) for n in square.shape], mode="wrap")


def _bands(axes: Axes, bank: FilterBank, wavelets: list[_Wavelets], total: Square) -> None:
    plot(axes, "Bands in frequency", "ω₂, radians per pixel", "ω₁, radians per pixel")
    # An odd axis ends half a step before π, where nothing needs to be repeated.
    rows, columns = (2 * np.pi / n * (np.arange(n + 1 - n % 2) - n // 2) for n in bank.shape)
    axes.grid(visible=False)
    mesh = axes.pcolormesh(columns, rows, _closed(total), cmap="gray", vmin=0, vmax=1.08)
    mesh.set(zorder=0, rasterized=True)
    for squares, color in wavelets:
        for square in squares:
            half = square.max() / 2
            values = _closed(square)
            axes.contourf(columns, rows, values, [half, 3 * half], colors=[color], alpha=0.35)
            axes.contour(columns, rows, values, [half], colors=[color], linewidths=1.2)
    lowpass = _closed(_squares(bank.lowpass, bank.shape)[0])
    axes.contour(columns, rows, lowpass, [lowpass.max() / 2], colors=INK, linewidths=1.2)
    axes.set(xlim=(-np.pi, np.pi), ylim=(np.pi, -np.pi))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi]))
        axis.set_major_formatter(FuncFormatter(_multiple_of_pi))


def _multiple_of_pi(value: float, _: int | None = None) -> str:
    return ("−π", "−π/2", "0", "π/2", "π")[round(2 * value / np.pi) + 2]


def _cut(axes: Axes, bank: FilterBank, wavelets: list[_Wavelets], total: Square) -> None:
    plot(axes, "Littlewood–Paley sum along ω₁ = 0", "ω₂, radians per pixel", "energy kept")

    def draw(square: Square, label: str, **look: object) -> None:
        axes.plot(*_along(square), label=label, **look)  # pyright: ignore[reportArgumentType]

    draw(total, "sum", color=INK, linewidth=3.2)
    for j, (squares, color) in enumerate(wavelets):
        draw((squares**2).sum(0), f"j = {j}", color=color, marker="o", markersize=2.2)
    lowpass = _squares(bank.lowpass, bank.shape)[0] ** 2
    draw(lowpass, "low-pass", color=INK, linestyle="--")
    if bank.residual is not None:
        residual = _squares(bank.residual, bank.shape)[0] ** 2
        draw(residual, "residual", color="#D55E00", linestyle=":")
    axes.set_ylim(0, 1.42)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    frequency_axis(axes, _along(total)[0][0], np.pi)
    axes.legend(loc="upper left", ncols=4, columnspacing=1.2, handlelength=1.7)


def _along(square: Square) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Positive frequencies ω₂ and the mean of a square there and at −ω₂, where ω₁ = 0."""
    row, column = (n // 2 for n in square.shape)
    index = np.arange(1, column + 1)
    frequency = 2 * np.pi / square.shape[1] * index
    cut = square[row]
    return frequency, (cut[column - index] + cut[(column + index) % len(cut)]) / 2


def _grid(page: Page, wavelets: list[_Wavelets]) -> None:
    """Real parts of wavelets: a row per scale, a column per angle."""
    page.text(_GRID_LEFT, _TOP - LIFT, "Wavelets in space, real part", HEADING, below=False)
    shown = wavelets[:_MOST]
    num_angles = len(shown[0].squares)
    angles = range(0, num_angles, max(1, num_angles // _MOST))[:_MOST]
    size = (_SIDE - _GAP * (_MOST - 1)) / _MOST
    half = _REACH * 2 ** (len(shown) - 1)
    bottom = _TOP + len(shown) * (size + _GAP)
    for column, angle in enumerate(angles):
        left = _GRID_LEFT + column * (size + _GAP)
        page.text(left, bottom, f"{180 * angle / num_angles:.3g}°", SMALL)
        for row, (squares, _) in enumerate(shown):
            axes = page.axes(Box(left, _TOP + row * (size + _GAP), size, size))
            _wavelet(axes, squares[angle], half)
    for row, (_, color) in enumerate(shown):
        middle = _TOP + row * (size + _GAP) + size / 2
        look = {**SMALL, "color": color, "weight": "bold"}
        page.text(_GRID_LEFT - 62, middle + 8, f"j = {row}", look, below=False)
    words = f"each {2 * half} × {2 * half} pixels, on its own scale of color"
    page.text(_GRID_LEFT, bottom + 34, words, SMALL)


def _wavelet(axes: Axes, transfer: Square, half: int) -> None:
    """Real part of one wavelet around its middle, on 2·half pixels, on the torus."""
    space = np.fft.ifft2(np.fft.ifftshift(transfer)).real
    rows, columns = (np.arange(-half, half) % n for n in space.shape)
    peak = np.abs(space).max()
    axes.imshow(
        space[np.ix_(rows, columns)], cmap="RdBu_r", vmin=-peak, vmax=peak, interpolation="nearest"
    )
    bare(axes)
