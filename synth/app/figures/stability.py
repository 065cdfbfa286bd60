"""Why wavelets and a modulus: what a dilation, a move or a deformation changes, and what is kept.

At the end of ``transforms.stability``, which measures what is drawn here.
"""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
)

from synth.app.figures._page import INK, MARGIN, MUTED, SMALL, Box, Page, plot, style, wrap
from synth.app.figures._parts import frequency_axis, number
from synth.transforms.energies import Shares
from synth.transforms.stability import Deformations, Dilations, Translations

__all__ = ["stability"]

_WIDTH, _HEIGHT = 520, 430
_AXIS_LABELS, _GAP = 96, 60
_STEP = _AXIS_LABELS + _WIDTH + _GAP
_TOP, _ROW = MARGIN + 24, _HEIGHT + 160
_FOURIER, _SCATTERING = "#0072B2", "#D55E00"
Row = Float[np.ndarray, " n"] | Int[np.ndarray, " n"]
Pair = Float[np.ndarray, "2 n"]

_LEGEND = 250  # beside the last diagram
_REST = {"scales j₁ ≥ j₂": "#a8a8a8", "other paths": "#dcdcdc"}


@style()
def stability(
    packets: Dilations,
    moved: Translations,
    *,
    deformed: Deformations,
    energies: Mapping[str, Shares],
) -> Figure:
    """Six diagrams: a dilated wave thrice, translations, deformations, energy per order.

    Above: the Fourier modulus of the last wave packet and of the same dilated, their scattering,
    and both distances over the frequency of the wave. Below: distances from a moved picture over
    J; distances of deformed pictures, with the line C (‖∇τ‖∞ + 2^−J ‖τ‖∞) that bounds them;
    shares of the energy.

    Args:
        packets: wave packets, by ``dilations``.
        moved: a moved picture, by ``translations``.
        deformed: deformed pictures, by ``deformations``.
        energies: name of a picture to its ``energy_shares``.

    Returns:
        The figure.

    Raises:
        ValueError: if there is no picture whose energy is to be shown.

    Example:
        >>> import numpy as np
        >>> from synth import morlet_bank
        >>> from synth.transforms import stability as measured
        >>> from synth.transforms.energies import energy_shares
        >>> bank = morlet_bank((32, 32), num_scales=2, num_angles=4)
        >>> rng = np.random.default_rng(0)
        >>> fields = rng.standard_normal((2, 32, 32))
        >>> taus = [measured.smooth_displacement((32, 32), 0.1, rng) for _ in fields]
        >>> figure = stability(
        ...     measured.dilations(bank, [0.4, 2], 0.05),
        ...     measured.translations(fields[0], [bank], [1, 2]),
        ...     deformed=measured.deformations(fields, np.stack(taus), [bank])[0],
        ...     energies={"noise": energy_shares(fields[0], bank, 2)},
        ... )

    Source:
        J. Bruna and S. Mallat, "Invariant scattering convolution networks", IEEE PAMI 35
        (2013), Sec. 2.
    """
    if not energies:
        raise ValueError("There are no energies to show: pass the shares of one picture at least.")
    content = 3 * _STEP - _GAP
    page = Page.of(2 * MARGIN + content + _LEGEND, _TOP + 2 * _ROW + 70)

    def axes(row: int, column: int) -> Axes:
        left = MARGIN + column * _STEP + _AXIS_LABELS
        return page.axes(Box(left, _TOP + row * _ROW, _WIDTH, _HEIGHT))

    _moduli(axes(0, 0), packets)
    _coefficients(axes(0, 1), packets)
    _over_frequency(axes(0, 2), packets)
    _over_scales(axes(1, 0), moved)
    _over_sizes(axes(1, 1), deformed)
    _energies(axes(1, 2), energies)
    page.text(MARGIN, _TOP + 2 * _ROW - 44, wrap(_note(packets, deformed), content, SMALL), SMALL)
    return page.figure


def _note(packets: Dilations, deformed: Deformations) -> str:
    return (
        f"Above: wave packets x and the same dilated by {100 * packets.dilation:.3g} %, on the "
        f"left and in the middle one of {packets.frequencies[-1] / np.pi:.2g}π radians per pixel. "
        f"Below: a picture moved by c pixels; {len(deformed.slopes)} deformed pictures, J = "
        f"{deformed.num_scales}, and the line C (‖∇τ‖∞ + 2⁻ᴶ ‖τ‖∞); energy of pictures without "
        "their mean, the numbers are percent of all orders together, gray are paths that are not "
        "computed. Distances are relative to ‖x‖."
    )


def _pair(axes: Axes, places: Row, pair: Pair, dilation: float, look: dict[str, str]) -> None:
    """What was measured of a wave packet, thick and black, and of the same dilated."""
    axes.plot(places, pair[0], linewidth=3.6, label="x", **(look | {"color": INK}))  # pyright: ignore[reportArgumentType]
    name = f"x dilated by {100 * dilation:.3g} %"
    axes.plot(places, pair[1], linewidth=1.6, label=name, **look)  # pyright: ignore[reportArgumentType]
    axes.set_ylim(0, 1.35 * pair.max())


def _moduli(axes: Axes, packets: Dilations) -> None:
    plot(axes, "Fourier modulus", "frequency along a row, radians per pixel", "|x̂|")
    moduli = packets.moduli
    frequencies = np.linspace(0, np.pi, moduli.shape[1])
    near = frequencies[moduli.max(0) > 1e-3 * moduli.max()]
    _pair(axes, frequencies, moduli, packets.dilation, {"color": _FOURIER})
    axes.set_xlim(float(near[0]), float(near[-1]))
    axes.legend(loc="upper left")


def _coefficients(axes: Axes, packets: Dilations) -> None:
    plot(axes, "Scattering", "scale j, fine to coarse", r"$|x\star\psi_{j,0}|\star\varphi_J$, rms")
    scales = np.arange(packets.coefficients.shape[1])
    look = {"color": _SCATTERING, "marker": "o"}
    _pair(axes, scales, packets.coefficients, packets.dilation, look)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper right")


def _over_frequency(axes: Axes, packets: Dilations) -> None:
    plot(axes, "Dilated waves", "frequency of the wave, radians per pixel", "distance")
    for name, distances, color, dashes in (
        ("Fourier modulus", packets.fourier, _FOURIER, "--"),
        ("scattering", packets.scattering, _SCATTERING, "-"),
    ):
        axes.plot(packets.frequencies, distances, dashes, color=color, linewidth=1.8, label=name)
    axes.axhline(packets.dilation, color=MUTED, linewidth=0.8, linestyle=":", label="ε")
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(low, 2 * high)
    frequency_axis(axes, packets.frequencies[0], packets.frequencies[-1])
    axes.legend(loc="upper left")


def _over_scales(axes: Axes, moved: Translations) -> None:
    plot(axes, "Moved by c pixels", "number of scales J", "distance")
    colors = mpl.colormaps["viridis_r"](np.linspace(0.12, 0.95, len(moved.shifts)))
    for shift, distances, color in zip(moved.shifts, moved.distances.T, colors, strict=True):
        axes.plot(moved.scales, distances, "o-", color=color, ms=4, lw=1.8, label=f"c = {shift}")
    guide = moved.distances[0, 0] / 2.0 ** (np.array(moved.scales) - moved.scales[0])
    axes.plot(moved.scales, guide, ":", color=MUTED, linewidth=1.2, label="∝ 2⁻ᴶ")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower left")


def _over_sizes(axes: Axes, deformed: Deformations) -> None:
    plot(axes, "Deformed", r"$\Vert\nabla\tau\Vert_\infty+2^{-J}\Vert\tau\Vert_\infty$", "distance")
    sizes = deformed.sizes
    axes.plot(
        sizes, deformed.fourier, "x", color=_FOURIER, ms=3.5, mew=0.8, label="Fourier modulus"
    )
    axes.plot(sizes, deformed.scattering, "o", color=_SCATTERING, ms=2.6, label="scattering")
    constant = float((deformed.scattering / sizes).max())
    ends = np.array([sizes.min(), sizes.max()])
    axes.plot(ends, constant * ends, color=INK, lw=1.2, label=f"C = {number(constant)}")
    axes.set(xscale="log", yscale="log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper left")
    low, high = axes.get_ylim()
    axes.set_ylim(low, 5 * high)


def _energies(axes: Axes, energies: Mapping[str, Shares]) -> None:
    plot(axes, "Energy per order", "", "share of ‖x‖²")
    axes.grid(visible=False, axis="x")
    names, shares = list(energies), list(energies.values())
    most = max(len(each.orders) for each in shares)
    orders = np.array([np.pad(each.orders, (0, most - len(each.orders))) for each in shares])
    rest = np.array([(each.growing, each.unseen + each.deeper) for each in shares])
    parts = dict(zip([f"order {k}" for k in range(most)], orders.T, strict=True))
    parts |= dict(zip(_REST, rest.T, strict=True))
    colors = [*mpl.colormaps["YlGnBu_r"](np.linspace(0.05, 0.75, most)), *_REST.values()]
    bottom = np.zeros(len(names))
    for (label, part), color in zip(parts.items(), colors, strict=True):
        axes.bar(names, part, 0.72, bottom, color=color, label=label)
        bottom = bottom + part
    for index, total in enumerate(orders.sum(1)):
        axes.text(index, 1.02, f"{100 * total:.1f}", ha="center", fontsize=8.5, color=INK)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.tick_params(axis="x", length=0, rotation=20 if len(names) > 5 else 0)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1, 0.5))
