"""Scattering moments as diagrams: what the descent matches, in the order of the cascade."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from synth.app.figures._page import (
    HEADING,
    INK,
    MARGIN,
    MUTED,
    SMALL,
    Box,
    Page,
    colorbar,
    logarithmic,
    plot,
    style,
)
from synth.app.figures._parts import line
from synth.transforms.filters import FilterBank
from synth.transforms.scattering import Scattering, paths

__all__ = ["coefficients"]

_SIDE = 420
_GAP, _AXIS_LABELS, _BAR = 56, 96, 100
_STEP = _AXIS_LABELS + _SIDE + _GAP
_TOP, _ROW, _FOOT = MARGIN + 20, _SIDE + 156, 20
_COLORS = "YlGnBu"
_NOTE = (
    r"First order $S_1(j,l)=\langle|x\star\psi_{j,l}|\rangle$. Second order, here divided by the "
    r"first: $\langle||x\star\psi_{j,l}|\star\psi_{k,m}|\rangle\,/\,S_1(j,l)$, $k>j$."
)

Ratios = Float[np.ndarray, "j k l m"]


@style()
def coefficients(moments: Mapping[str, Scattering], bank: FilterBank) -> Figure:
    """First order over the scales, second order over pairs of scales and of angles.

    Second order is divided by the first: S₂(j, l; k, m) / S₁(j, l) says how much the envelope
    of band j varies at scale k. For a Gaussian field it knows nothing but the spectrum.

    Args:
        moments: name to moments of one field, by ``scatter``; the target first.
        bank: the bank of the moments.

    Returns:
        The figure: first order, then a matrix for each field, then second order over the
        angle between the two wavelets.

    Raises:
        ValueError: if there are no moments, or they are local, or of another bank.

    Example:
        >>> import jax
        >>> from synth import morlet_bank, scatter
        >>> bank = morlet_bank((32, 32), num_scales=3, num_angles=4)
        >>> noise = jax.random.normal(jax.random.key(0), (32, 32))
        >>> figure = coefficients({"target": scatter(noise, bank)}, bank)
    """
    _check(moments, bank)
    names = list(moments)
    content = max(len(names), 2) * _STEP - _GAP
    rows = 1 if bank.num_scales < 2 else 2
    page = Page.of(2 * MARGIN + content + _BAR, _TOP + rows * _ROW + _FOOT)
    wide = content / 2 - _GAP / 2 - _AXIS_LABELS
    lefts = [MARGIN + _AXIS_LABELS, MARGIN + content - wide]
    _first_order(page.axes(Box(lefts[0], _TOP, wide, _SIDE)), moments)
    if rows == 2:
        ratios = {name: _ratios(one, bank) for name, one in moments.items()}
        _angles(page.axes(Box(lefts[1], _TOP, wide, _SIDE)), ratios)
        _matrices(page, ratios)
    page.text(MARGIN, _TOP + rows * _ROW - 50, _NOTE, SMALL)
    return page.figure


def _matrices(page: Page, ratios: Mapping[str, Ratios]) -> None:
    names, top = list(ratios), _TOP + _ROW
    means = {name: ratio.mean((2, 3)) for name, ratio in ratios.items()}
    scale = Normalize(0, float(max(np.nanmax(mean) for mean in means.values())))
    for index, (name, mean) in enumerate(means.items()):
        box = Box(MARGIN + index * _STEP + _AXIS_LABELS, top, _SIDE, _SIDE)
        axes = page.axes(box)
        _matrix(axes, mean, scale)
        look = {**HEADING, "color": line(names, index).color}
        axes.set_title(f"Second order, {name}", look, loc="left")
    box = Box(MARGIN + len(names) * _STEP - _GAP + 22, top, 16, _SIDE)
    colorbar(page.axes(box), ScalarMappable(scale, _COLORS), MaxNLocator(5))


def _check(moments: Mapping[str, Scattering], bank: FilterBank) -> None:
    if not moments:
        raise ValueError("There are no moments to show: pass those of the target at least.")
    wanted = bank.num_scales, bank.num_angles
    for name, one in moments.items():
        if one.order1.shape != wanted:
            raise ValueError(
                f"The first order of {name!r} is {one.order1.shape}, but the bank has {wanted} "
                "(scales, angles): pass the global moments that scatter gives with this bank."
            )


def _ratios(moments: Scattering, bank: FilterBank) -> Ratios:
    """S₂ / S₁ for every pair of scales; NaN where there is no pair or nothing in band j."""
    num_scales, num_angles = bank.num_scales, bank.num_angles
    first, second = (np.asarray(s, np.float64) for s in (moments.order1, moments.order2))
    table = [path.scales for path in paths(bank) if path.order == 2][:: num_angles**2]
    ratios = np.full((num_scales, num_scales, num_angles, num_angles), np.nan)
    for (j, k), pair in zip(table, second, strict=True):
        ratios[j, k] = pair / np.where(first[j] > 0, first[j], np.nan)[:, None]
    return ratios


def _first_order(axes: Axes, moments: Mapping[str, Scattering]) -> None:
    plot(axes, "First order S₁", "scale j, fine to coarse", "mean over angles, and range")
    for index, (name, one) in enumerate(moments.items()):
        first = np.asarray(one.order1, np.float64)
        first = np.where(first > 0, first, np.nan)
        look = line(list(moments), index)
        scales = np.arange(len(first))
        axes.fill_between(scales, first.min(1), first.max(1), color=look.color, alpha=0.15, lw=0)
        axes.plot(scales, first.mean(1), marker="o", markersize=4, label=name, **look._asdict())
    logarithmic(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="best")


def _angles(axes: Axes, ratios: Mapping[str, Ratios]) -> None:
    """Second order over the angle between its two wavelets, relative to the mean over angles."""
    plot(axes, "Second order over angles", "angle between ψ₁ and ψ₂, degrees", "relative to mean")
    for index, (name, ratio) in enumerate(ratios.items()):
        degrees, values = _over_angles(ratio)
        look = line(list(ratios), index)
        axes.plot(degrees, values, marker="o", markersize=4, label=name, **look._asdict())
    axes.xaxis.set_major_locator(FixedLocator([0, 45, 90]))
    axes.axhline(1, color=MUTED, linewidth=0.8)


def _over_angles(ratio: Ratios) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
    """Angles 0 … 90° and the mean of S₂ / S₁ there, averaged over pairs of scales."""
    num_angles = ratio.shape[-1]
    pairs = ratio[np.isfinite(ratio).all((2, 3))]
    turned = np.stack([np.roll(pairs[:, a], -a, axis=-1) for a in range(num_angles)]).mean(0)
    relative = (turned / turned.mean(-1, keepdims=True)).mean(0)
    steps = np.arange(num_angles // 2 + 1)
    return 180 / num_angles * steps, (relative[steps] + relative[-steps]) / 2


def _matrix(axes: Axes, mean: Float[np.ndarray, "j k"], scale: Normalize) -> None:
    """Mean over the angles for every pair of scales, the number in every cell."""
    plot(axes, "Second order", "second scale k", "first scale j")
    axes.grid(visible=False)
    shown = mean[:-1, 1:]
    last = len(shown) - 0.5
    axes.imshow(shown, cmap=_COLORS, norm=scale, extent=(0.5, last + 1, last, -0.5), aspect="auto")
    size = min(9.0, 40 / len(shown))
    for j, k in np.argwhere(np.isfinite(shown)):
        ink = "white" if scale(shown[j, k]) > 0.55 else INK
        words = f"{shown[j, k]:.2f}"
        axes.text(k + 1, j, words, ha="center", va="center", fontsize=size, color=ink)
    axes.spines[:].set_visible(False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(length=0)
