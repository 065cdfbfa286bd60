"""Descriptors that measure fields through a filter bank, which fixes their shape."""

from dataclasses import replace
from typing import TypeVar

from synth.statistics.descriptor import Descriptor
from synth.transforms.filters import FilterBank

__all__ = ["Banked", "Correlated"]

Kind = TypeVar("Kind", bound="Banked")


class Banked(Descriptor):
    """A descriptor that is the same on another grid, or another sampling, with another bank.

    Attributes:
        bank: the filter bank, which fixes shape, scales, angles and sampling.
    """

    bank: FilterBank

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return self.bank.shape

    def sampled(self: Kind, oversampling: int) -> Kind:
        """The same moments from maps that are sampled 2^oversampling times as densely."""
        return replace(self, bank=self.bank.sampled(oversampling))

    def of_quadrants(self: Kind) -> Kind:
        """The same moments of quadrants, see ``FilterBank.halved``."""
        return replace(self, bank=self.bank.halved())

    def on(self: Kind, shape: tuple[int, int]) -> Kind:
        """The same moments of fields of another shape, see ``FilterBank.on``."""
        return replace(self, bank=self.bank.on(shape))


class Correlated(Banked):
    """A descriptor of covariances, whose bank holds the responses of its filters.

    Attributes:
        bank: the filter bank, with its ``responses``.
    """

    def __post_init__(self) -> None:
        self.bank = self.bank.with_responses()
