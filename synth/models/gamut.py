"""The colors that new fields may have: the bounds of several channels together.

Where two or three components are matched jointly, pixels are projected onto the target's colors
in the descent, as the values of one channel are clipped to its range.
"""

from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from synth.models.units import Units
from synth.transforms.palette import Palette

if TYPE_CHECKING:
    from synth.models.moments import MomentModel

__all__ = ["Finish", "Gamut", "gamut_of"]

_NODES = 64  # along each axis
_MARGIN = 0.1  # of the range of the colors, on either side
_FAR = 1e6  # standard deviations, where no field is
_MOST = 3  # components whose space the pixels of a picture fill


class Gamut(eqx.Module):
    """Shifts that take colors to those of a target, on a lattice in the space of components.

    Attributes:
        low: first node of every axis, standardized.
        step: between two nodes of it.
        shift: of every node, see ``Palette.projected``; interpolated linearly in between. Colors
            off the lattice are brought to its border first.
    """

    low: Float[Array, " k"]
    step: Float[Array, " k"]
    shift: Float[Array, "k *node"]

    def __call__(self, field: Float[Array, "k h w"]) -> Float[Array, "k h w"]:
        """A standardized field, its colors projected onto the target's."""
        field = jax.lax.optimization_barrier(field)  # not made anew for every reader
        last, table = self.shift.shape[1] - 1, self.shift.reshape(len(field), -1)
        moved, shares, first = [], [], 0
        # Channel by channel: the derivative of a slice would be a sum of whole arrays.
        for values, low, step in zip(field, self.low, self.step, strict=True):
            moved.append(jnp.clip(values, low, low + last * step))
            place = jnp.clip((moved[-1] - low) / step, 0, last)
            base = jnp.minimum(jnp.floor(jax.lax.stop_gradient(place)), last - 1)
            shares.append(place - base)
            first = (last + 1) * first + base.astype(int)
        for corner in product((0, 1), repeat=len(field)):
            index, weight = 0, 1.0
            for upper, share in zip(corner, shares, strict=True):
                index = (last + 1) * index + upper
                weight = weight * (share if upper else 1 - share)
            shifts = jax.lax.stop_gradient(table[:, first + index])
            moved = [to + weight * shift for to, shift in zip(moved, shifts, strict=True)]
        return jnp.stack(moved)

    def opened(self) -> "Gamut":
        """A gamut of the same arrays that lets all colors pass: no program is compiled for it."""
        far = jnp.full_like(self.low, _FAR)
        step = 2 * far / (self.shift.shape[1] - 1)
        return Gamut(-far, step, jnp.zeros_like(self.shift))


def _palette(levels: Float[Array, "k n"], units: Units) -> Palette:
    """Palette of standardized colors in the target's units."""
    colors = np.asarray(units.to(levels[..., None]), np.float64)[..., 0]
    return Palette.of(colors.T)


def gamut_of(levels: Float[Array, "k n"], units: Units) -> Gamut | None:
    """Gamut of standardized colors; None of one component, or of too many.

    Args:
        levels: a column per pixel.
        units: of the target.
    """
    if levels.ndim < 2 or len(levels) > _MOST:
        return None
    palette = _palette(levels, units)
    low, high = (np.asarray(end, np.float64) for end in (levels.min(1), levels.max(1)))
    low, high = low - _MARGIN * (high - low), high + _MARGIN * (high - low)
    axes = [np.linspace(a, b, _NODES) for a, b in zip(low, high, strict=True)]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"))
    exact = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), units)
    flat = nodes.reshape(len(nodes), 1, -1)
    moved = palette.projected(exact.to(flat)[:, 0].T).T[:, None]
    shift = (exact.of(moved) - flat).reshape(nodes.shape)
    step = (high - low) / (_NODES - 1)
    return Gamut(*(jnp.asarray(each, float) for each in (low, step, shift)))


class Finish:
    """The last step of a texture: colors onto those of the target, exactly.

    The gamut does the same in the descent, up to its lattice.

    Args:
        model: of the texture. Without a gamut nothing is done.
    """

    def __init__(self, model: "MomentModel") -> None:
        self._model = model

    @cached_property
    def _colors(self) -> Palette:
        return _palette(self._model.levels, self._model.gaussian.units)

    def __call__(self, field: Float[Array, "*c h w"]) -> Float[Array, "*c h w"]:
        """Finish a field in the target's units; kept pixels stay as they are."""
        model = self._model
        if model.gamut is None or not bool(jnp.isfinite(field).all()):
            return field
        colors = np.asarray(field, np.float64).reshape(len(field), -1).T
        moved = jnp.asarray(self._colors.projected(colors).T.reshape(field.shape), float)
        moved = jnp.clip(moved, *model.bounds[..., None, None])  # the palette rounds
        return moved if model.kept is None else jnp.where(model.kept.free, moved, field)
