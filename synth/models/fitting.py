"""Fit a moment model: pictures in, what they say about the moments of their process out."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from synth.errors import InputError
from synth.models._standard import Standard, aligned, standardize
from synth.models.check import check_descriptor
from synth.models.gaussian import gaussian_of
from synth.models.moments import MomentModel, assembled, resized
from synth.models.reference import refer
from synth.statistics import (
    Colors,
    Descriptor,
    GrayLevels,
    matches,
)
from synth.transforms.estimate import Periodic, axes_of, completions
from synth.transforms.weighted import Observation

__all__ = ["fit"]

# Of spectrum and frequency in the variable: every scale is about as easy to move, and pixels, too.
_EXPONENTS, _EXPONENTS_GRAYS = (0.75, 0.5), (0.5, 0.5)


def fit(
    descriptor: Descriptor,
    field: Float[np.ndarray, "*n h w"] | Float[np.ndarray, "*n c h w"],
    *,
    exponents: tuple[float, float] | None = None,
    periodic: Periodic = True,
    bounds: tuple[float, float] | None = None,
    like: MomentModel | None = None,
) -> MomentModel:
    """Moment model of a field, or of several pictures of one process.

    Args:
        descriptor: moments of fields of this shape.
        field: the target, in any unit, NaN where a pixel is missing; several pictures of one
            process are stacked, and the mean of their moments is the target. Before height and
            width stand channels, if the descriptor has several: they become the target's
            principal components, and where some of these do not vary the descriptor is made
            for fewer.
        exponents: a and b of the descent's variable, powers of spectrum and frequency in its gain,
            see ``MomentModel``; both 0 for pixels. By default ¾ and ½, where gray levels or colors
            are matched ½ and ½.
        periodic: whether opposite borders match, of both axes or of rows' and columns' axis. What
            does not wrap is measured inside, as ``transforms.weighted`` says.
        bounds: least and largest value of new fields; by default those of the target if gray
            levels are matched, and none otherwise. They hold for every channel.
        like: a model of other pictures, with which this one is to be mixed: components are rotated
            to be nearest to its own, which whitening leaves free.

    Returns:
        The model.

    Raises:
        InputError: if the field is constant, infinite or no field, all of it out of bounds, or
            the descriptor is none, or of another shape.
    """
    check_descriptor(descriptor, np.shape(field))
    if exponents is None:
        grays = matches(descriptor, (GrayLevels, Colors))
        exponents = _EXPONENTS_GRAYS if grays else _EXPONENTS
    channels = descriptor.num_channels > 1
    standard, wraps = standardize(field, channels=channels), axes_of(periodic)
    if like is not None:
        standard = aligned(standard, like.gaussian.units)
    if channels:
        descriptor = _of_components(descriptor, standard)
    gaussian = gaussian_of(standard, wraps)
    on_torus = all(wraps) and not np.isnan(standard.fields).any()
    spectrum = np.asarray(gaussian.spectrum)
    return assembled(
        descriptor,
        refer(descriptor, _pictures(standard, wraps), spectrum, on_torus=on_torus),
        gaussian,
        levels=_levels(standard),
        ranges=_ranges(descriptor, np.asarray(field, np.float64), channels, bounds),
        exponents=exponents,
    )


def _of_components(descriptor: Descriptor, standard: Standard) -> Descriptor:
    """The descriptor for as many components as vary."""
    count = standard.fields.shape[1] if standard.fields.ndim > 3 else 1
    found = descriptor.of_channels(count)
    if found is None:
        raise InputError(
            "The channels have a single component, and the descriptor matches nothing but what is "
            "between channels: join it with moments of each."
        )
    return found


def _pictures(standard: Standard, wraps: tuple[bool, bool]) -> list[list[Observation]]:
    """Each picture, as often as its missing pixels are drawn."""
    size = standard.fields.shape[-2:]
    completed = [
        [completions(one, periodic=wraps) for one in each.reshape(-1, *size)]
        for each in standard.fields
    ]
    draws = max(len(one) for each in completed for one in each)

    def observation(number: int, draw: int) -> Observation:
        field, drawn = standard.fields[number], completed[number]
        whole = np.reshape([one[draw % len(one)] for one in drawn], field.shape)
        known = ~np.isnan(field.reshape(-1, *size)[0])
        return Observation(jnp.asarray(whole, float), jnp.asarray(known, float), jnp.asarray(wraps))

    return [[observation(i, draw) for draw in range(draws)] for i in range(len(standard.fields))]


def _levels(standard: Standard) -> Float[Array, "*k n"]:
    """As many quantiles as a picture has pixels, of the pixels that are there; or their colors."""
    count = math.prod(standard.fields.shape[-2:])
    if standard.fields.ndim > 3:
        colors = np.moveaxis(standard.fields, 1, 0).reshape(standard.fields.shape[1], -1)
        known = colors[:, ~np.isnan(colors[0])]
        known = known[:, np.argsort(known[0], kind="stable")]
        # As many as pixels, wherever some are missing: the same program serves every mask.
        return resized(jnp.asarray(known, float), count)
    # Not numpy.quantile, whose time grows as the square of the number of quantiles.
    there = np.sort(standard.fields[~np.isnan(standard.fields)])
    return resized(jnp.asarray(there, float), count)


def _ranges(
    descriptor: Descriptor,
    field: Float[np.ndarray, "..."],
    channels: bool,
    given: tuple[float, float] | None,
) -> tuple[Float[Array, "2 *d"], Float[Array, "2 *d"]]:
    """Bounds of new fields, and the range of the target, of every channel."""
    axes = tuple(axis for axis in range(field.ndim) if not channels or axis != field.ndim - 3)
    if channels:
        field = np.where(np.isnan(field).any(-3, keepdims=True), np.nan, field)
    own = np.stack([np.nanmin(field, axes), np.nanmax(field, axes)])
    bounds = own
    if given is not None:
        _check_bounds(given, own)
        bounds = np.broadcast_to(np.reshape(given, (2, *[1] * (own.ndim - 1))), own.shape)
    elif not matches(descriptor, (GrayLevels, Colors)):
        bounds = np.stack([np.full(own.shape[1:], -np.inf), np.full(own.shape[1:], np.inf)])
    return jnp.asarray(bounds, float), jnp.asarray(own, float)


def _check_bounds(given: tuple[float, float], own: Float[np.ndarray, "2 *d"]) -> None:
    """Refuse bounds that leave nothing of a channel, or not the value of a constant one."""
    for number, (low, high) in enumerate(own.reshape(2, -1).T, start=1):
        least, largest = max(given[0], low), min(given[1], high)
        if not (least < largest or least == low == high == largest):
            what = "a field" if own.ndim == 1 else f"channel {number}, which goes"
            raise InputError(
                f"The bounds {given[0]:g} and {given[1]:g} leave nothing of {what} from "
                f"{low:g} to {high:g}: give a wider range, least value first."
            )
