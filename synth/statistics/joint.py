"""Several descriptors as one."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import equinox as eqx
import jax
from jaxtyping import Array, Float, Int

from synth.statistics.channels import EachChannel
from synth.statistics.descriptor import Descriptor, Moments, Residual
from synth.transforms.weighted import Observation

__all__ = ["Joint", "matches"]

Level = TypeVar("Level")


class Joint(Descriptor):
    """The moments of several descriptors together, the losses added.

    Blocks are named ``part/block``, or ``part`` alone where both names are the same.

    Attributes:
        parts: descriptors of one shape, by name.
        importance: factor of each part's loss, 1 unless given.
    """

    parts: dict[str, Descriptor]
    importance: dict[str, float] = eqx.field(static=True)

    def __init__(
        self, parts: Mapping[str, Descriptor], importance: Mapping[str, float] | None = None
    ) -> None:
        unknown = set(importance or {}) - set(parts)
        if unknown:
            raise ValueError(f"There is no part {', '.join(sorted(unknown))} among {list(parts)}.")
        if not parts:
            raise ValueError("There is no part: give one descriptor at least.")
        slashed = [name for name in parts if "/" in name]
        if slashed:
            raise ValueError(
                f"The name {slashed[0]!r} has a slash, which stands before the name of a block: "
                "give another one."
            )
        shapes = {part.field_shape for part in parts.values()}
        if len(shapes) != 1:
            raise ValueError(
                f"The parts are for fields of {sorted(shapes)}: give one shape to all."
            )
        self.parts = dict(parts)
        self.importance = {name: 1.0 for name in parts} | dict(importance or {})

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return next(iter(self.parts.values())).shape

    @property
    def num_channels(self) -> int:
        """Number of channels of the fields."""
        return next(iter(self.parts.values())).num_channels

    def of_channels(self, count: int) -> "Joint | None":
        """All parts for fields of another number of channels, as far as there are such."""
        every = {name: part.of_channels(count) for name, part in self.parts.items()}
        parts = {name: part for name, part in every.items() if part is not None}
        return Joint(parts, {name: self.importance[name] for name in parts}) if parts else None

    def __call__(self, field: Float[Array, "*c h w"]) -> dict[str, Moments]:
        """Moments of one field, by the part's name."""
        return {name: part(field) for name, part in self.parts.items()}

    def sampled(self, oversampling: int) -> "Joint":
        """All parts from maps that are sampled more densely."""
        parts = {name: part.sampled(oversampling) for name, part in self.parts.items()}
        return Joint(parts, self.importance)

    def of_quadrants(self) -> "Joint":
        """All parts for quadrants; itself, if a part has none."""
        parts = {name: part.of_quadrants() for name, part in self.parts.items()}
        shapes = {part.shape for part in parts.values()}
        return Joint(parts, self.importance) if len(shapes) == 1 else self

    def on(self, shape: tuple[int, int]) -> "Joint":
        """All parts for fields of another shape."""
        return Joint({name: part.on(shape) for name, part in self.parts.items()}, self.importance)

    def carried(self, moments: dict[str, Moments], shape: tuple[int, int]) -> dict[str, Moments]:
        """Moments of all parts as those of fields of another shape."""
        return {name: part.carried(moments[name], shape) for name, part in self.parts.items()}

    def mixed(
        self, moments: Sequence[dict[str, Moments]], shares: Sequence[float]
    ) -> dict[str, Moments]:
        """Mixed moments of all parts."""
        return {
            name: part.mixed([each[name] for each in moments], shares)
            for name, part in self.parts.items()
        }

    def in_part(
        self, moved: dict[str, Moments], leveled: Float[Array, "*c h w"]
    ) -> dict[str, Moments]:
        """Targets of all parts for fields of which a part is kept."""
        return {name: part.in_part(moved[name], leveled) for name, part in self.parts.items()}

    def observe(self, picture: Observation) -> dict[str, Moments]:
        """Moments of a picture that may have borders and holes."""
        return {name: part.observe(picture) for name, part in self.parts.items()}

    def piece(self, field: Float[Array, "*c h w"], corner: Int[Array, "2"]) -> dict[str, Moments]:
        """Moments of a quadrant."""
        return {name: part.piece(field, corner) for name, part in self.parts.items()}

    def weights(self, target: dict[str, Moments], unit: Residual) -> dict[str, Moments]:
        """Weights of each part times its importance."""

        def scaled(name: str, part: Descriptor) -> Moments:
            weights = part.weights(target[name], _own(name, unit))
            return jax.tree.map(lambda w: self.importance[name] * w, weights)

        return {name: scaled(name, part) for name, part in self.parts.items()}

    def difference(
        self, moments: dict[str, Moments], target: dict[str, Moments]
    ) -> dict[str, Moments]:
        """Differences of all parts."""
        return {k: part.difference(moments[k], target[k]) for k, part in self.parts.items()}

    def residual(self, moments: dict[str, Moments], target: dict[str, Moments]) -> Residual:
        """Distances of all blocks of all parts."""
        return _named({k: part.residual(moments[k], target[k]) for k, part in self.parts.items()})

    @property
    def noise_of_quadrants(self) -> dict[str, float]:
        """Noise over that among quadrants, of all blocks of all parts that say it."""
        return _named({name: part.noise_of_quadrants for name, part in self.parts.items()})

    @property
    def most_noise(self) -> Residual:
        """Noise that a larger one counts as, of all blocks of all parts that have a limit."""
        return _named({name: part.most_noise for name, part in self.parts.items()})


def matches(descriptor: Descriptor, kind: type[Descriptor] | tuple[type[Descriptor], ...]) -> bool:
    """Whether a descriptor is of a kind, or any of its parts, or what it does to each channel.

    Args:
        descriptor: whose parts may have parts themselves.
        kind: such as ``GrayLevels``, or several.
    """
    if isinstance(descriptor, Joint):
        return any(matches(part, kind) for part in descriptor.parts.values())
    if isinstance(descriptor, EachChannel):
        return matches(descriptor.own, kind)
    return isinstance(descriptor, kind)


def _named(parts: Mapping[str, Mapping[str, Level]]) -> dict[str, Level]:
    """Blocks of all parts, with the part before the name."""
    return {
        part if block == part else f"{part}/{block}": value
        for part, blocks in parts.items()
        for block, value in blocks.items()
    }


def _own(part: str, blocks: Residual) -> Residual:
    """Blocks of one part, by their own names."""
    prefix = f"{part}/"
    return {
        name.removeprefix(prefix): value
        for name, value in blocks.items()
        if name == part or name.startswith(prefix)
    }
