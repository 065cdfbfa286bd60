"""Windowed scattering as disks: what was measured where in a picture, in which direction."""

import numpy as np
from jaxtyping import Array, Float, Int
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from synth.app.figures._page import (
    HEADING,
    LIFT,
    MARGIN,
    SMALL,
    Box,
    Page,
    colorbar,
    style,
    wrap,
)
from synth.app.figures._parts import bare, gray_scale
from synth.app.figures._parts import picture as draw
from synth.transforms.filters import FilterBank
from synth.transforms.scattering import paths
from synth.transforms.windowed import MAX_ORDER

__all__ = ["windowed"]

_MOST = 8  # disks along an axis
_LEAST_SIDE, _DISK = 640, 128  # of all disks and of one at least, pixels of the page
_FILLED = 0.94  # share of the side of a cell that its disk covers
_GAP, _BESIDE = 48, 150  # beside the picture; beside disks, with the scale of their colors
_TOP = MARGIN + 24
_COLORS = "YlGnBu"
_TITLES = ("First order", "Second order")
_NOTES = (
    "A disk for every position. A sector stands in the direction of its wavelet, as far from the "
    "middle as its frequency: the finest scale is outside.",
    "Second order: a sector of the first wavelet holds those of the second one, finer scales "
    "outside, in the middle those that are parallel to the first.",
    "On the torus the disks begin at the first pixel: they are drawn half a disk further.",
)

Field = Float[np.ndarray, "h w"] | Float[Array, "h w"]
Maps = Float[np.ndarray, "p *grid"] | Float[Array, "p *grid"]
Rows = Int[np.ndarray, "s s"]


@style()
def windowed(maps: Maps, bank: FilterBank, *, picture: Field | None = None) -> Figure:
    """Coefficients of order 1 and 2 as disks, one per position, beside the picture.

    The disk is the Fourier plane. Order 1: the sector of angle πl/L, at 2^−j of the radius, has
    the color of |x⋆ψ_{j,l}|⋆φ_J. Order 2: every sector is divided once more, by scale and angle of
    the second wavelet. Disks lie where they were measured if the bank is of the picture's
    ``padded_shape``; on a torus they begin at the first pixel, and are drawn half a disk further.

    Args:
        maps: coefficients by ``scatter_local`` of one picture, (p, n, m), up to any order, of at
            most 8 × 8 positions.
        bank: of the maps.
        picture: which was measured, drawn beside.

    Returns:
        The figure.

    Raises:
        ValueError: if the maps are not those of the bank, or of too many positions.

    Example:
        >>> import jax
        >>> from synth import morlet_bank, scatter_local
        >>> bank = morlet_bank((32, 32), num_scales=3, num_angles=8)
        >>> noise = jax.random.normal(jax.random.key(0), (32, 32))
        >>> figure = windowed(scatter_local(noise, bank), bank, picture=noise)

    Source:
        J. Bruna and S. Mallat, "Invariant scattering convolution networks", IEEE PAMI 35
        (2013), Fig. 3.
    """
    grid = _checked(maps, bank)
    cell = max(_LEAST_SIDE // max(grid), _DISK)
    height, width = (n * cell for n in grid)
    orders = _rows(bank, cell)[: 1 if len(maps) == len(paths(bank, 1)) else 2]
    left = MARGIN if picture is None else MARGIN + width + _GAP
    boxes = [Box(left + k * (width + _BESIDE), _TOP, width, height) for k in range(len(orders))]
    content = boxes[-1].left + width + _BESIDE - MARGIN
    on_torus = picture is not None and picture.shape == bank.shape
    told = [*_NOTES[: len(orders)], *(_NOTES[2:] if on_torus else ())]
    note = wrap(" ".join(told), content, SMALL)
    page = Page.of(content + 2 * MARGIN, _TOP + height + 80 + 28 * note.count("\n"))
    if picture is not None:
        _picture(page, Box(MARGIN, _TOP, width, height), picture)
    for title, rows, box in zip(_TITLES, orders, boxes, strict=False):
        _disks(page, box, title, _assembled(np.asarray(maps), rows))
    page.text(MARGIN, _TOP + height + 28, note, SMALL)
    return page.figure


def _checked(maps: Maps, bank: FilterBank) -> tuple[int, int]:
    """Positions along both axes, of maps that fit the bank."""
    numbers = [len(paths(bank, order)) for order in range(1, MAX_ORDER + 1)]
    if maps.ndim != 3 or len(maps) not in numbers:
        raise ValueError(
            f"The maps are {maps.shape}, but the bank has {', '.join(map(str, numbers))} paths up "
            "to order 1, 2, 3: pass (paths, rows, columns) of one picture by scatter_local."
        )
    rows, columns = maps.shape[1:]
    if max(rows, columns) > _MOST:
        raise ValueError(
            f"The maps have {rows} × {columns} positions, but at most {_MOST} × {_MOST} disks can "
            "be told apart: pass a part of them, maps[:, ::2, ::2] say."
        )
    return rows, columns


def _rows(bank: FilterBank, side: int) -> list[Rows]:
    """For every pixel of a disk the row of the table of paths, per order; −1 outside."""
    first, second = _by_path(bank)
    num_scales, num_angles = bank.num_scales, bank.num_angles
    across = (2 * np.arange(side) + 1 - side) / (side * _FILLED)
    radius = np.hypot(across[:, None], across).clip(2.0 ** -(num_scales + 1))
    octaves = np.floor(-np.log2(radius)).astype(int)
    inside = (octaves >= 0) & (octaves < num_scales)
    j = np.where(inside, octaves, 0)
    turns = np.arctan2(across[:, None], across) * num_angles / np.pi + 0.5
    angle = np.floor(turns).astype(int)
    between = np.floor((turns - angle) * num_angles + 0.5).astype(int) - num_angles // 2
    outward = radius * 2.0 ** (j + 1) - 1  # 0 to 1 across a ring
    k = num_scales - 1 - np.floor(outward * (num_scales - 1 - j)).astype(int)
    start = j, angle % num_angles
    pair = second[(*start, np.where(inside, k, 0), (angle + between) % num_angles)]
    return [np.where(inside, each, -1) for each in (first[start], pair)]


def _by_path(bank: FilterBank) -> tuple[Int[np.ndarray, "j l"], Int[np.ndarray, "j l k m"]]:
    """Rows of the table of paths by scales and angles, −1 where there is no path."""
    each = bank.num_scales, bank.num_angles
    first, second = np.full(each, -1), np.full((*each, *each), -1)
    for row, path in enumerate(paths(bank)):
        angles = [round(angle * bank.num_angles / np.pi) for angle in path.angles]
        if path.order == 1 and path.scales[0] >= 0:
            first[path.scales[0], angles[0]] = row
        if path.order == 2:
            second[path.scales[0], angles[0], path.scales[1], angles[1]] = row
    return first, second


def _assembled(maps: Float[np.ndarray, "p n m"], rows: Rows) -> Float[np.ndarray, "h w"]:
    """A picture of all disks, NaN beside them."""
    disks = np.where(rows >= 0, np.moveaxis(maps, 0, -1)[..., rows], np.nan)
    return disks.swapaxes(1, 2).reshape(disks.shape[0] * disks.shape[2], -1)


def _picture(page: Page, box: Box, picture: Field) -> None:
    """The picture as large as the disks, or a little smaller; each pixel on as many of the page."""
    page.text(box.left, _TOP - LIFT, "Picture", HEADING, below=False)
    scale = min(box.height / picture.shape[0], box.width / picture.shape[1])
    height, width = ((int(scale) or scale) * n for n in picture.shape)
    drawn = np.asarray(picture)
    draw(page.axes(box._replace(height=height, width=width)), drawn, gray_scale(drawn))


def _disks(page: Page, box: Box, title: str, values: Float[np.ndarray, "h w"]) -> None:
    """Disks and their scale of colors, from 0."""
    page.text(box.left, _TOP - LIFT, title, HEADING, below=False)
    most = np.nanmax(values, initial=0) if np.isfinite(values).any() else 0
    scale = Normalize(0, float(most) or 1)
    axes = page.axes(box)
    axes.imshow(values, cmap=_COLORS, norm=scale, interpolation="nearest", aspect="auto")
    bare(axes)
    narrow = Box(box.left + box.width + 20, box.top, 16, box.height)
    colorbar(page.axes(narrow), ScalarMappable(scale, _COLORS), MaxNLocator(5))
