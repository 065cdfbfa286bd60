"""What a run is to draw: the torus that the moments are those of, and the part that is written.

A texture lives on a torus. It may be larger than the target, or smaller; a part of it may be cut
out, and pixels of the target may lie in it.
"""

import math
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from synth.app.images import Texture, in_units_of, load, load_start
from synth.app.options import Options
from synth.errors import InputError
from synth.models.keeping import widest
from synth.transforms.filters import shared_scales
from synth.transforms.fourier import good_length
from synth.transforms.resampling import resampled

__all__ = ["Layout", "Overlap", "Task", "coarser", "overlap", "prepare", "shape_of"]

_CROPPED, _LEAST_CROPPED = 0.25, 16  # of a side, and pixels, that are drawn and cut off
_MARGIN, _LEAST_MARGIN = 0.125, 32  # that lead from one border to the other
_LEAST_SCALES = 3  # for holes however small

Shape = tuple[int, int]


class Layout(NamedTuple):
    """Where on the torus things are.

    Attributes:
        torus: height and width of what is drawn, pixels.
        window: height and width of what is written: the first rows and columns.
        kept: field on the torus, NaN where pixels are drawn; None if all are.
        margin: pixels of the torus that lead from one border to the other and are not written.
    """

    torus: Shape
    window: Shape
    kept: Float[np.ndarray, "c h w"] | None = None
    margin: Bool[np.ndarray, "h w"] | None = None

    @property
    def wraps(self) -> tuple[bool, bool]:
        """Along which axes what is written goes on across its borders."""
        rows, columns = (a == b for a, b in zip(self.torus, self.window, strict=True))
        return rows, columns

    @property
    def tiles(self) -> bool:
        """Whether it does along both."""
        return all(self.wraps)

    def written(self, field: Float[np.ndarray, "c h w"]) -> Float[np.ndarray, "c a b"]:
        """The part of a drawn field that is written."""
        return field[:, : self.window[0], : self.window[1]]


class Task(NamedTuple):
    """All that a run needs besides its options.

    Attributes:
        texture: the target.
        layout: of the textures.
        scales: number of scales J; None for as many as fit.
        other: the second target of a mix.
        start: field to start from, on the torus, in the target's units.
        notes: what was done to the second target on the way, in sentences.
    """

    texture: Texture
    layout: Layout
    scales: int | None
    other: Texture | None = None
    start: Float[np.ndarray, "*c h w"] | None = None
    notes: tuple[str, ...] = ()


def prepare(texture: Texture, options: Options) -> Task:
    """Settle what is drawn, and read what else that needs.

    Args:
        texture: the target.
        options: what is asked for.

    Raises:
        InputError: if picture and options do not fit together.
    """
    layout = _inpainted(texture, options) if options.inpaint else _drawn(texture, options)
    if options.tiles > 1 and not layout.tiles:
        raise InputError(
            f"{texture.name} is not periodic, so a filled one does not tile: leave out tiles, or "
            "give a larger out-size, over which it is continued until it does."
        )
    other = None if options.mix is None else _other(texture, options)
    start = None
    if options.start is not None:
        if not layout.tiles:
            raise InputError(
                f"{texture.name} is not periodic, so that filling it takes more than its own "
                "pixels: leave out start, or give a larger out-size."
            )
        start = load_start(options.start, texture, layout.window, channels=options.channels)
    scales = _scales(texture, other, layout, options.scales)
    return Task(texture, layout, scales, other, start, () if other is None else _notes(other))


def coarser(task: Task, halvings: int) -> Task:
    """The same task with fewer pixels, without kept ones or a start.

    Args:
        task: of any size.
        halvings: how many times the resolution is halved; fewer than it has scales J.
    """
    torus = _halved(task.layout.torus, halvings)
    return task._replace(
        texture=_with_fewer_pixels(task.texture, halvings),
        layout=Layout(torus, torus),
        scales=None if task.scales is None else task.scales - halvings,
        other=None if task.other is None else _with_fewer_pixels(task.other, halvings),
        start=None,
    )


def _with_fewer_pixels(texture: Texture, halvings: int) -> Texture:
    shape, wraps = _halved(shape_of(texture), halvings), texture.periodic
    planes = texture.fields.reshape(-1, *shape_of(texture))
    small = np.stack([resampled(plane, shape, wraps) for plane in planes])
    fields = small.astype(np.float32).reshape(*texture.fields.shape[:2], *shape)
    return texture._replace(fields=fields)


def _halved(shape: Shape, halvings: int) -> Shape:
    height, width = (max(1, round(n / 2**halvings)) for n in shape)
    return height, width


class Overlap(NamedTuple):
    """The part that a target and textures of another shape have in common.

    Attributes:
        of_target: rows and columns of the target, where it misses the fewest pixels.
        of_texture: rows and columns of a texture, the first ones.
        periodic: which axes of both wrap: cut ones do not.
    """

    of_target: tuple[slice, slice]
    of_texture: tuple[slice, slice]
    periodic: tuple[bool, bool]


def overlap(texture: Texture, layout: Layout) -> Overlap:
    """What the target and the textures of a layout have in common.

    Args:
        texture: the target.
        layout: of the textures.
    """
    whole = shape_of(texture)
    sides = [min(pair) for pair in zip(whole, layout.window, strict=True)]
    starts = [sorted({0, (n - side) // 2, n - side}) for n, side in zip(whole, sides, strict=True)]

    def at(top: int, left: int) -> tuple[slice, slice]:
        return slice(top, top + sides[0]), slice(left, left + sides[1])

    missing = np.isnan(texture.field[0])
    corner = min(product(*starts), key=lambda corner: int(missing[at(*corner)].sum()))
    whole_axes = (a == b for a, b in zip(whole, layout.window, strict=True))
    rows, columns = (
        all(axis) for axis in zip(texture.periodic, layout.wraps, whole_axes, strict=True)
    )
    return Overlap(at(*corner), at(0, 0), (rows, columns))


def _drawn(texture: Texture, options: Options) -> Layout:
    """Textures of a size, cropped or not."""
    window = options.out_size or shape_of(texture)
    if not options.crop:
        return Layout(window, window)
    height, width = (good_length(n + max(_LEAST_CROPPED, round(_CROPPED * n))) for n in window)
    return Layout((height, width), window)


def _inpainted(texture: Texture, options: Options) -> Layout:
    """The target on a canvas, its missing pixels and what lies around it to be drawn."""
    shape = shape_of(texture)
    window = options.out_size or shape
    if len(texture.fields) > 1:
        raise InputError(
            f"{len(texture.fields)} pictures were given and one can be filled: give one picture."
        )
    if min(np.subtract(window, shape)) < 0:
        raise InputError(
            f"The out-size {_size(window)} is smaller than {texture.name}, {_size(shape)} pixels: "
            "its pixels are to be kept, give a larger one."
        )
    field = texture.field
    if window == shape and not np.isnan(field).any():
        raise InputError(
            f"{texture.name} misses no pixel: say which ones to fill by a mask, by NaN or by "
            "transparency, or continue it over a larger out-size."
        )
    torus = tuple(
        good_length(n + max(_LEAST_MARGIN, round(_MARGIN * n)))
        if options.crop or (n == m and not wraps)
        else n
        for n, m, wraps in zip(window, shape, texture.periodic, strict=True)
    )
    kept = np.full((len(field), *torus), np.nan, np.float32)
    top, left = ((n - m) // 2 for n, m in zip(window, shape, strict=True))
    kept[:, top : top + shape[0], left : left + shape[1]] = field
    margin = np.ones(torus, bool)
    margin[: window[0], : window[1]] = False
    return Layout((torus[0], torus[1]), window, kept, margin if margin.any() else None)


def _other(texture: Texture, options: Options) -> Texture:
    """The second target of a mix."""
    other = load(
        str(options.mix),
        size=options.size,
        gray=options.gray or texture.num_channels == 1,
        channels=options.channels,
    )
    other = in_units_of(other, texture)
    found, wanted = other.num_components, texture.num_components
    if found != wanted:
        raise InputError(
            f"The channels of {other.name} make {found} principal component{'s' * (found > 1)} and "
            f"those of {texture.name} {wanted}, since a channel that is constant, or follows from "
            "the others, makes none: give pictures of as many, or both in gray."
        )
    return other


def _notes(other: Texture) -> tuple[str, ...]:
    """What was done to a second target, with its name before."""
    return tuple(f"{other.name}: {note}" for note in other.notes)


def _scales(
    texture: Texture, other: Texture | None, layout: Layout, asked: int | None
) -> int | None:
    """Number of scales that all fields see alike, and that holes have room for."""
    shapes = {shape_of(texture), layout.torus} | ({shape_of(other)} if other else set())
    most = shared_scales(*shapes)
    if asked is not None:
        if len(shapes) > 1 and not 1 <= asked <= most:
            words = " and ".join(_size(shape) for shape in sorted(shapes))
            raise InputError(f"{asked} scales do not fit {words} pixels: choose 1 to {most}.")
        return asked
    if layout.kept is not None:
        free = np.isnan(layout.kept[0])
        if layout.margin is not None:
            free &= ~layout.margin
        return min(most, max(_LEAST_SCALES, int(math.log2(widest(free))) - 1))
    return most if len(shapes) > 1 else None


def shape_of(texture: Texture) -> Shape:
    """Height and width of a target, pixels."""
    _, height, width = texture.field.shape
    return height, width


def _size(shape: Shape) -> str:
    return f"{shape[0]} × {shape[1]}"
