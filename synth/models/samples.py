"""A function of one sample, done for every sample of an ensemble."""

from collections.abc import Callable
from typing import TypeVar

import jax
from jax import lax
from jax.sharding import PartitionSpec
from jaxtyping import PyTree

from synth.parallel.mesh import SAMPLE, WHOLE, samples_at_once, split
from synth.statistics import Descriptor
from synth.transforms.filters import FilterBank

__all__ = ["for_each"]

Shared = TypeVar("Shared")
One = TypeVar("One")
Each = TypeVar("Each")


def for_each(function: Callable[[Shared, One], Each], shared: Shared, samples: One) -> Each:
    """A function of one sample, for every sample: split over devices, and in turn on each.

    A processor takes the samples of its device one by one, so that what has ended costs
    nothing; an accelerator takes as many at once as its memory holds.

    Args:
        function: of what all samples share, and of one sample.
        shared: the same for all.
        samples: a tree of arrays with a leading axis of samples.

    Returns:
        Results with a leading axis of samples.
    """

    def own(shared: Shared, samples: One) -> Each:
        at_once = samples_at_once(_num_points(shared), len(jax.tree.leaves(samples)[0]))
        return lax.map(lambda one: function(shared, one), samples, batch_size=at_once)

    by_sample, count = PartitionSpec(SAMPLE), len(jax.tree.leaves(samples)[0])
    every = split(own, SAMPLE, count, in_specs=(WHOLE, by_sample), out_specs=by_sample)
    return every(shared, samples)


def _num_points(tree: PyTree) -> int:
    """Number of points of the maps of all filter banks in a tree, for all channels."""

    def count(node: PyTree) -> int:
        return sum(bank.num_points for bank in _all(node, FilterBank))

    return sum(one.num_channels * count(one) for one in _all(tree, Descriptor))


def _all(tree: PyTree, kind: type[One]) -> list[One]:
    """Nodes of a kind in a tree."""
    leaves = jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, kind))
    return [leaf for leaf in leaves if isinstance(leaf, kind)]
