"""A small convolutional network that says of a patch whether it is real or made.

Convolutions are products of shifted copies with a matrix. In a loop that is compiled for a
processor they take a fifteenth of the time of ``lax.conv``, which finds no fast kernel there.
"""

import math
from itertools import product
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Key

LEAST_PATCH = 8
"""Shortest side of a patch, pixels: three layers fit."""

_SIDE = 3  # of a kernel
_WIDTHS = (16, 32, 48, 64, 96)  # channels layer by layer, then as many as the last one
_HIDDEN = 32
_HALVED = 9  # shortest side of maps that the next layer may halve
_LEAST_SQUARE = 1e-3  # of an activation, below which it is not brought to unit size


class _Plan(NamedTuple):
    """One layer: channels in and out, and the step between its outputs."""

    before: int
    after: int
    stride: int


def plans(patch: int, channels: int) -> list[_Plan]:
    """Layers without padding, until no kernel fits into the maps any more.

    The first one keeps the resolution, the next ones halve it while maps are 9 pixels or
    larger, and the last ones reach as far as the patch does.

    Args:
        patch: side of a patch, pixels.
        channels: of a patch.
    """
    found: list[_Plan] = []
    side = patch
    while side >= _SIDE:
        stride = 2 if found and side >= _HALVED else 1
        width = _WIDTHS[min(len(found), len(_WIDTHS) - 1)]
        found.append(_Plan(found[-1].after if found else channels, width, stride))
        side = (side - _SIDE) // stride + 1
    return found


class _Layer(eqx.Module):
    """A convolution with 3 × 3 kernels, brought to unit size at every pixel, and GELU.

    Attributes:
        weight: of every shift and channel, by the channel that it goes to.
        bias: of every channel.
        stride: step between outputs, pixels.
    """

    weight: Float[Array, "n d"]
    bias: Float[Array, " d"]
    stride: int = eqx.field(static=True)

    @classmethod
    def random(cls, plan: _Plan, *, key: Key[Array, ""]) -> "_Layer":
        """Weights of variance 2 over the number of inputs (He et al. 2015, Eq. 10)."""
        inputs = _SIDE**2 * plan.before
        weight = math.sqrt(2 / inputs) * jax.random.normal(key, (inputs, plan.after))
        return cls(weight, jnp.zeros(plan.after), plan.stride)

    def __call__(self, maps: Float[Array, "h w c"]) -> Float[Array, "y x d"]:
        height, width = (n - _SIDE + 1 for n in maps.shape[:2])
        shifted = [
            maps[row : row + height : self.stride, column : column + width : self.stride]
            for row, column in product(range(_SIDE), repeat=2)
        ]
        seen = jnp.concatenate(shifted, axis=-1) @ self.weight + self.bias
        square = jnp.mean(seen**2, axis=-1, keepdims=True)
        return jax.nn.gelu(seen * lax.rsqrt(square + _LEAST_SQUARE))


class Network(eqx.Module):
    """A patch in, a score out that is higher the more it looks made.

    Maps of all layers but the first are averaged over the patch, and two dense layers take
    these means.

    Attributes:
        layers: convolutions, fine to coarse.
        hidden: dense layer of the means.
        last: the score of what that says.

    Source:
        B. Zhang and R. Sennrich, "Root mean square layer normalization", NeurIPS (2019), Eq. 4,
        for the unit size of activations.
    """

    layers: tuple[_Layer, ...]
    hidden: eqx.nn.Linear
    last: eqx.nn.Linear

    @classmethod
    def random(cls, patch: int, channels: int, *, key: Key[Array, ""]) -> "Network":
        """A network that has learned nothing.

        Args:
            patch: side of a patch, pixels.
            channels: of a patch.
            key: random key of the weights.
        """
        planned = plans(patch, channels)
        *keys, hidden, last = jax.random.split(key, len(planned) + 2)
        layers = tuple(_Layer.random(each, key=k) for each, k in zip(planned, keys, strict=True))
        means = sum(each.after for each in planned[1:])
        return cls(
            layers,
            eqx.nn.Linear(means, _HIDDEN, key=hidden),
            eqx.nn.Linear(_HIDDEN, "scalar", key=last),
        )

    def __call__(self, patch: Float[Array, "c h w"]) -> Float[Array, ""]:
        maps, means = jnp.moveaxis(patch, 0, -1), []
        for layer in self.layers:
            maps = layer(maps)
            means.append(maps.mean((0, 1)))
        return self.last(jax.nn.gelu(self.hidden(jnp.concatenate(means[1:]))))
