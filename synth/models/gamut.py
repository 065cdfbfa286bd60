"""The colors that new fields may have: the bounds of several channels together.

Where two or three components are matched jointly, pixels are drawn into the target's colors inside
of the descent, as the values of one channel are clipped to its range.
"""

from itertools import product

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from synth.models.units import Units
from synth.transforms.palette import Palette

__all__ = ["Gamut", "gamut_of", "palette_of"]

_NODES = 64  # along each axis
_MARGIN = 0.1  # of the range of the colors, on either side
_MOST = 3  # components whose space the pixels of a picture fill


class Gamut(eqx.Module):
    """Shifts that take colors to those of a target, on a lattice in the space of components.

    Attributes:
        low: of the lattice.
        step: between its nodes.
        shift: of every node, see ``Palette.drawn_in``; interpolated linearly in between.
    """

    low: Float[Array, " k"]
    step: Float[Array, " k"]
    shift: Float[Array, "k *_"]

    def __call__(self, field: Float[Array, "k h w"]) -> Float[Array, "k h w"]:
        """A standardized field, its colors drawn into the target's."""
        nodes, table = self.shift.shape[1], jax.lax.stop_gradient(self.shift)
        table = table.reshape(len(field), -1)
        place = (field - self.low[:, None, None]) / self.step[:, None, None]
        place = jnp.clip(place, 0, nodes - 1)
        base = jnp.minimum(jnp.floor(jax.lax.stop_gradient(place)), nodes - 2)
        share, first = place - base, base.astype(int)
        shift = jnp.zeros_like(field)
        for corner in product((0, 1), repeat=len(field)):
            index, weight = 0, 1.0
            for axis, upper in enumerate(corner):
                index = nodes * index + first[axis] + upper
                weight = weight * (share[axis] if upper else 1 - share[axis])
            shift = shift + weight * table[:, index]
        return field + shift


def palette_of(levels: Float[Array, "k n"], units: Units) -> Palette | None:
    """Palette of standardized colors in the target's units; None of too many components."""
    if levels.ndim < 2 or len(levels) > _MOST:
        return None
    colors = np.asarray(units.to(levels[..., None]), np.float64)[..., 0]
    return Palette.of(colors.T)


def gamut_of(levels: Float[Array, "k n"], units: Units) -> Gamut | None:
    """Gamut of standardized colors; None of one component, or of too many.

    Args:
        levels: a column per pixel.
        units: of the target.
    """
    palette = palette_of(levels, units)
    if palette is None:
        return None
    low, high = (np.asarray(end, np.float64) for end in (levels.min(1), levels.max(1)))
    low, high = low - _MARGIN * (high - low), high + _MARGIN * (high - low)
    axes = [np.linspace(a, b, _NODES) for a, b in zip(low, high, strict=True)]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"))
    exact = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), units)
    flat = nodes.reshape(len(nodes), 1, -1)
    drawn = palette.drawn_in(exact.to(flat)[:, 0].T).T[:, None]
    shift = (exact.of(drawn) - flat).reshape(nodes.shape)
    step = (high - low) / (_NODES - 1)
    return Gamut(*(jnp.asarray(each, float) for each in (low, step, shift)))
