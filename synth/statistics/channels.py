"""Fields of several channels: the moments of every channel by itself, as one descriptor."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from synth.errors import InputError
from synth.statistics.descriptor import Descriptor, Moments, Residual
from synth.transforms.weighted import Observation

__all__ = ["EachChannel", "check_count"]

Level = TypeVar("Level")


class EachChannel(Descriptor):
    """Moments of each channel, the losses added; they have one more axis, the first one.

    Blocks are named ``channel/block``, channels from 1 on.

    Attributes:
        own: of fields of one channel.
        count: number of channels c.
        first: of how many channels the moments are taken, the first ones; of all by default.
    """

    own: Descriptor
    count: int = eqx.field(static=True)
    first: int | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        check_count(self.count)
        if self.first is not None and self.first < 1:
            raise InputError(f"The first {self.first} channels were asked for: give 1 or more.")
        if self.own.num_channels != 1:
            raise InputError("Moments of each channel are those of one: give such a descriptor.")

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return self.own.shape

    @property
    def num_channels(self) -> int:
        """Number of channels."""
        return self.count

    def of_channels(self, count: int) -> Descriptor:
        """The same moments of fields of another number of channels."""
        return self.own if count == 1 else EachChannel(self.own, count, self.first)

    def __call__(self, field: Float[Array, "c h w"]) -> Moments:
        """Moments of all channels, or of the first ones."""
        return lax.map(self.own, field[: self.first])

    def sampled(self, oversampling: int) -> "EachChannel":
        """The same moments from maps that are sampled more densely."""
        return EachChannel(self.own.sampled(oversampling), self.count, self.first)

    def of_quadrants(self) -> "EachChannel":
        """The same moments of quadrants."""
        return EachChannel(self.own.of_quadrants(), self.count, self.first)

    def on(self, shape: tuple[int, int]) -> "EachChannel":
        """The same moments of fields of another shape."""
        return EachChannel(self.own.on(shape), self.count, self.first)

    def carried(self, moments: Moments, shape: tuple[int, int]) -> Moments:
        """Moments of these channels as those of fields of another shape."""
        return _stacked([self.own.carried(one, shape) for one in self._split(moments)])

    def mixed(self, moments: Sequence[Moments], shares: Sequence[float]) -> Moments:
        """Mixed moments of these channels."""
        by_channel = zip(*map(self._split, moments), strict=True)
        return _stacked([self.own.mixed(each, shares) for each in by_channel])

    def in_part(self, moved: Moments, leveled: Float[Array, "c h w"]) -> Moments:
        """Targets of these channels for fields of which a part is kept."""
        pairs = zip(self._split(moved), leveled[: self.first], strict=True)
        return _stacked([self.own.in_part(one, levels) for one, levels in pairs])

    def observe(self, picture: Observation) -> Moments:
        """Moments of these channels of a picture that may have borders and holes."""

        def one(channel: Float[Array, "h w"]) -> Moments:
            return self.own.observe(Observation(channel, picture.known, picture.wraps))

        return lax.map(one, picture.field[: self.first])

    def piece(self, field: Float[Array, "c h w"], corner: Int[Array, "2"]) -> Moments:
        """Moments of these channels of a quadrant."""
        return lax.map(lambda channel: self.own.piece(channel, corner), field[: self.first])

    def weights(self, target: Moments, unit: Residual) -> Moments:
        """Weights of these channels."""
        each = [
            self.own.weights(one, _own(index, unit))
            for index, one in enumerate(self._split(target))
        ]
        return _stacked(each)

    def difference(self, moments: Moments, target: Moments) -> Moments:
        """Differences of these channels."""
        return jax.vmap(self.own.difference)(moments, target)

    def residual(self, moments: Moments, target: Moments) -> Residual:
        """Distances of all blocks of these channels."""
        each = jax.vmap(self.own.residual)(moments, target)
        return {
            _name(index, block): values[index]
            for index in range(self._matched)
            for block, values in each.items()
        }

    @property
    def noise_of_quadrants(self) -> dict[str, float]:
        """Noise over that among quadrants, of all blocks of these channels that say it."""
        return self._for_each(self.own.noise_of_quadrants)

    @property
    def most_noise(self) -> Residual:
        """Noise that a larger one counts as, of all blocks of these channels that have a limit."""
        return self._for_each(self.own.most_noise)

    @property
    def _matched(self) -> int:
        return self.count if self.first is None else min(self.first, self.count)

    def _for_each(self, blocks: Mapping[str, Level]) -> dict[str, Level]:
        return {
            _name(index, block): value
            for index in range(self._matched)
            for block, value in blocks.items()
        }

    def _split(self, moments: Moments) -> list[Moments]:
        return [jax.tree.map(lambda leaf: leaf[i], moments) for i in range(self._matched)]  # noqa: B023


def check_count(count: int) -> None:
    """Refuse a number of channels that are not several.

    Raises:
        InputError: if it is less than 2.
    """
    if count < 2:
        raise InputError(f"A descriptor of {count} channels was asked for: give 2 or more.")


def _stacked(moments: Sequence[Moments]) -> Moments:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *moments)


def _name(index: int, block: str) -> str:
    return f"{index + 1}/{block}"


def _own(index: int, blocks: Residual) -> Residual:
    """Blocks of one channel, by their own names."""
    prefix = _name(index, "")
    return {
        name.removeprefix(prefix): value
        for name, value in blocks.items()
        if name.startswith(prefix)
    }
