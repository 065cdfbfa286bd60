"""Fields of several channels as pictures: groups of channels are tiles beside each other.

The figures ask `Paint` for their pictures, whatever the number of channels. What it chooses, it
chooses once, by the target: all pictures of a figure are painted alike.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb

from synth.app.figures._parts import MISSING, Field, gaps, gray_scale, picture, zoom
from synth.errors import InputError

__all__ = ["Levels", "Paint", "painted", "plain"]

_RGB = 3
_HAIRLINE = 2  # pixels between two tiles
_LARGER = 1.5  # times as long is a picture of several tiles

Levels = Sequence[tuple[float, float]]
"""Black and white of every group of channels."""


class Paint(NamedTuple):
    """How all pictures of one figure are painted.

    Attributes:
        groups: number of channels that are drawn together; of gray fields, one.
        levels: black and white of every group.
    """

    groups: tuple[int, ...]
    levels: tuple[tuple[float, float], ...]

    @classmethod
    def of(
        cls, target: Field, groups: Sequence[int] | None = None, levels: Levels | None = None
    ) -> "Paint":
        """Choose what is not given by the target.

        Args:
            target: as ``plain`` leaves it; NaN where a pixel is missing.
            groups: number of channels drawn together; all three of color, else one each.
            levels: black and white of every group. Otherwise they are the target's minimum and
                maximum over the channels of the group, and those of a gray target are its 0.5
                and 99.5 percentiles.

        Raises:
            InputError: if the groups do not add up to the channels, or levels do not fit them.
        """
        channels = 1 if target.ndim == 2 else target.shape[0]
        chosen = ((_RGB,) if channels == _RGB else (1,) * channels) if groups is None else groups
        _check(chosen, levels, channels)
        if levels is None and channels == 1:
            scale = gray_scale(target)
            levels = [(scale.vmin, scale.vmax)]  # pyright: ignore[reportAssignmentType]
        if levels is None:
            levels = [_ends(part) for part in _parts(np.asarray(target, np.float64), chosen)]
        return cls(tuple(chosen), tuple((float(low), float(high)) for low, high in levels))

    @property
    def gray(self) -> Normalize | None:
        """The gray scale of fields of one channel; None of several."""
        return Normalize(*self.levels[0]) if sum(self.groups) == 1 else None

    def size(self, shape: tuple[int, ...], aim: float) -> tuple[float, float]:
        """Height and width of the picture of a field, in pixels of the page.

        Args:
            shape: of the field.
            aim: about the length of its longest side; a picture of several tiles is longer.
        """
        names = self.names
        height, width = _sheet((shape[-2], shape[-1]), len(names))
        scale = zoom((height, width), aim * (_LARGER if len(names) > 1 else 1))
        return height * scale, width * scale

    def draw(self, axes: Axes, field: Field) -> None:
        """Draw a field, missing pixels in light blue, a hairline around it."""
        if self.gray is not None:
            picture(axes, field, self.gray)
        else:
            picture(axes, painted(np.asarray(field, np.float64), self.groups, self.levels))

    @property
    def names(self) -> list[str]:
        """What every tile shows, counted from 1: one channel, or the first and last of three."""
        names, first = [], 1
        for group in self.groups:
            each = [f"{first}–{first + 2}"] if group == _RGB else range(first, first + group)
            names += map(str, each)
            first += group
        return names


def plain(field: Field) -> Field:
    """A field without the axis of a single channel."""
    return field[0] if field.ndim == 3 and field.shape[0] == 1 else field


def painted(
    field: Float[np.ndarray, "c h w"], groups: Sequence[int], levels: Levels
) -> Float[np.ndarray, "H W 3"]:
    """Paint a field of several channels: every group of three in color, other channels in gray.

    Up to three tiles lie in a row, more in about a square, row by row, with a white gap of 2
    pixels between two of them. Pixels that any channel misses are light blue in all tiles.

    Args:
        field: in any units; NaN where a pixel is missing.
        groups: number of channels that are drawn together; they add up to c.
        levels: black and white of every group, in the unit of its channels.

    Returns:
        Red, green and blue, from 0 to 1; of one tile, H = h and W = w.

    Raises:
        InputError: if the groups do not add up to the channels, or levels do not fit them.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(7, 16, 16))
        >>> painted(noise, (3, 3, 1), [(-3, 3)] * 3).shape
        (16, 52, 3)
    """
    _check(groups, levels, len(field))
    height, width = field.shape[1:]
    tiles = list(_tiles(field, groups, levels))
    sheet = np.ones((*_sheet((height, width), len(tiles)), _RGB))
    for index, tile in enumerate(tiles):
        row, column = divmod(index, _columns(len(tiles)))
        top, left = row * (height + _HAIRLINE), column * (width + _HAIRLINE)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _check(groups: Sequence[int], levels: Levels | None, channels: int) -> None:
    if sum(groups) != channels or min(groups) < 1:
        raise InputError(
            f"The groups {tuple(groups)} are not those of {channels} channels: give whole "
            f"numbers from 1 that add up to {channels}."
        )
    if levels is None:
        return
    if len(levels) != len(groups):
        raise InputError(
            f"There are {len(levels)} pairs of levels, but {len(groups)} groups of channels: "
            "give black and white of every group."
        )
    for low, high in levels:
        if not -np.inf < low < high < np.inf:
            raise InputError(
                f"The levels {low:g} and {high:g} are no gray scale: give black, and a greater "
                "number for white."
            )


def _parts(
    field: Float[np.ndarray, "c h w"], groups: Sequence[int]
) -> list[Float[np.ndarray, "g h w"]]:
    return np.split(field, np.cumsum(groups)[:-1])


def _ends(part: Float[np.ndarray, "g h w"]) -> tuple[float, float]:
    values = part[np.isfinite(part)]
    if not values.size:
        return 0, 1
    low, high = float(values.min()), float(values.max())
    return low, high if high > low else low + 1


def _tiles(
    field: Float[np.ndarray, "c h w"], groups: Sequence[int], levels: Levels
) -> Iterator[Float[np.ndarray, "h w 3"]]:
    missing = gaps(field)[..., None]
    for part, (low, high) in zip(_parts(field, groups), levels, strict=True):
        shades = np.clip((part - low) / (high - low), 0, 1)
        for tile in [shades] if len(part) == _RGB else shades[:, None]:
            yield np.where(missing, to_rgb(MISSING), np.moveaxis(tile, 0, -1))


def _columns(count: int) -> int:
    """Columns of a sheet that is about square, or a column wider if that leaves less room."""
    square = int(np.ceil(np.sqrt(count)))
    return min((square, square + 1), key=lambda columns: -count % columns)


def _sheet(tile: tuple[int, int], count: int) -> tuple[int, int]:
    """Height and width of so many tiles of one shape, with the gaps between them."""
    columns = _columns(count)
    rows = -(-count // columns)
    height, width = (
        n * (side + _HAIRLINE) - _HAIRLINE for n, side in zip((rows, columns), tile, strict=True)
    )
    return height, width
