"""A target as a record: one or several pictures of one process, as fields of several channels."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.errors import InputError
from synth.transforms.components import principal_components

__all__ = ["Part", "Texture", "in_range_of", "in_units_of"]

_WHITE = {np.dtype(bool): 1, np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}

_RGB = 3


class Part(NamedTuple):
    """The channels of a texture that come from one file.

    Attributes:
        name: of the file, without its ending.
        channels: how many there are.
        dtype: of the file, so that the channels are written back as they came.
        apart: whether three channels are no color, so that each has a picture of its own.
        normals: whether three channels are a map of normals, see ``normals``.
    """

    name: str
    channels: int
    dtype: np.dtype
    apart: bool = False
    normals: bool = False

    @property
    def in_one_picture(self) -> bool:
        """Whether one PNG shows all channels: as gray, or as color."""
        return self.channels == 1 or (self.channels == _RGB and not self.apart)

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of the pictures that show the channels: one, or one per channel."""
        if self.in_one_picture:
            return (self.name,)
        return tuple(f"{self.name}-{number}" for number in range(1, self.channels + 1))


class Texture(NamedTuple):
    """One or several pictures of one process, as fields.

    Attributes:
        name: of the first file, without its ending.
        fields: n pictures of c channels, in the files' own units; NaN where a pixel is missing,
            which it is in all channels.
        periodic: whether the axes wrap, in the order of the array's: that of the rows
            (vertical), that of the columns (horizontal).
        dtype: of the first part, so that pictures are written back as they came.
        sha256: of the file's bytes; of several files, a mask last: of their digests, one after
            the other.
        notes: what was done to the pictures on the way, in sentences.
        parts: which channels come from which file; () if all of them come from one.
    """

    name: str
    fields: Float[np.ndarray, "n c h w"]
    periodic: tuple[bool, bool]
    dtype: np.dtype
    sha256: str
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def field(self) -> Float[np.ndarray, "c h w"]:
        """The first picture."""
        return self.fields[0]

    @property
    def num_channels(self) -> int:
        """Channels of every picture."""
        return self.fields.shape[1]

    @property
    def has_range(self) -> bool:
        """Whether the first part is a picture of up to 16 bits, whose white is a known value."""
        return self.dtype in _WHITE

    @property
    def in_range(self) -> Float[np.ndarray, "n c h w"]:
        """The fields in units of white, where that is known, so that 8 and 16 bits compare."""
        return self.fields / np.float64(_WHITE.get(self.dtype, 1))

    @property
    def num_components(self) -> int:
        """Principal components: fewer than channels if one is constant, or follows from others."""
        return 1 if self.num_channels == 1 else len(principal_components(self.fields).shares)

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """Which channels come from which file: one part at least."""
        return self.parts or (Part(self.name, self.num_channels, self.dtype),)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Channels of every part."""
        ends = np.cumsum([part.channels for part in self.all_parts]).tolist()
        return tuple(map(slice, [0, *ends[:-1]], ends))

    @property
    def axes(self) -> str:
        """Which axes wrap, in a word: x (the horizontal one), y, xy or none."""
        rows, columns = self.periodic
        return "x" * columns + "y" * rows or "none"

    def split(self) -> "tuple[Texture, ...]":
        """One texture per part, of its channels alone.

        Example:
            >>> parts = (Part("photo", 3, np.dtype(np.uint8)), Part("height", 1, np.dtype("f4")))
            >>> fields = np.zeros((1, 4, 16, 16), np.float32)
            >>> whole = Texture("photo", fields, (True, True), parts[0].dtype, "", parts=parts)
            >>> [(part.name, part.num_channels) for part in whole.split()]
            [('photo', 3), ('height', 1)]
        """
        return tuple(
            self._replace(
                name=part.name, fields=self.fields[:, own], dtype=part.dtype, parts=(part,)
            )
            for part, own in zip(self.all_parts, self.slices, strict=True)
        )


def in_units_of(other: Texture, texture: Texture) -> Texture:
    """A second target in the units of the first: white of 8 bits is white of 16.

    Args:
        other: of as many channels. From one file of floats, it may be a texture of several
            parts: it is taken for one in their units.
        texture: in whose units it is brought.

    Returns:
        The other texture, with the types and parts of the first.

    Raises:
        InputError: if the channels or their types do not fit together.
    """
    if other.num_channels != texture.num_channels:
        raise InputError(
            f"{other.name} has {_channels(other.num_channels)} and the target "
            f"{texture.num_channels}: give pictures of the same channels, or all as gray."
        )
    given = [part.dtype for part in other.all_parts for _ in range(part.channels)]
    wanted = [part.dtype for part in texture.all_parts for _ in range(part.channels)]
    fields = other.fields
    if len(texture.all_parts) == 1 or any(dtype.kind != "f" for dtype in given):
        channels = zip(np.moveaxis(fields, 1, 0), given, wanted, strict=True)
        fields = np.stack([in_range_of(each, other.name, *types) for each, *types in channels], 1)
    return other._replace(fields=fields, dtype=texture.dtype, parts=texture.parts)


def in_range_of(
    values: Float[np.ndarray, "*n"], name: str, given: np.dtype, wanted: np.dtype
) -> Float[np.ndarray, "*n"]:
    """Values of one type in the unit of another: white of 8 bits is white of 16.

    Args:
        values: of a picture.
        name: of it.
        given: its type.
        wanted: the target's type.

    Raises:
        InputError: if only one of them is a picture's, of 8 or 16 bits, and they are not both
            floating.

    Example:
        >>> in_range_of(np.array([255.0]), "white", np.dtype(np.uint8), np.dtype(np.uint16))
        array([65535.])
    """
    if given == wanted or given.kind == wanted.kind == "f":
        return values
    if {given, wanted} <= {np.dtype(np.uint8), np.dtype(np.uint16)}:
        return values * np.float32(np.iinfo(wanted).max / np.iinfo(given).max)
    raise InputError(
        f"{name} holds {given} values and the target {wanted}: give pictures of one type."
    )


def _channels(number: int) -> str:
    return f"{number} channel{'s' * (number > 1)}"
