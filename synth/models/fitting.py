"""Fit a moment model: pictures in, what they say about the moments of their process out."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from synth.errors import InputError
from synth.models._standard import Standard, standardize
from synth.models.check import check_descriptor
from synth.models.gaussian import fit_gaussian
from synth.models.moments import MomentModel, assembled
from synth.models.reference import refer
from synth.statistics import Descriptor, GrayLevels, matches
from synth.transforms.estimate import Periodic, axes_of, completions
from synth.transforms.weighted import Observation

__all__ = ["fit"]


def fit(
    descriptor: Descriptor,
    field: Float[np.ndarray, "h w"] | Float[np.ndarray, "n h w"],
    *,
    exponent: float = 0.5,
    periodic: Periodic = True,
    bounds: tuple[float, float] | None = None,
) -> MomentModel:
    """Moment model of a field, or of several pictures of one process.

    Args:
        descriptor: moments of fields of this shape.
        field: the target, in any unit, NaN where a pixel is missing; several pictures of one
            process are stacked, and the mean of their moments is the target.
        exponent: a of the descent's variable, 0 (pixels) to 1 (whitened).
        periodic: whether opposite borders match, of both axes or of rows' and columns' axis. What
            does not wrap is measured inside, as ``transforms.weighted`` says.
        bounds: least and largest value of new fields; by default those of the target if gray
            levels are matched, and none otherwise.

    Returns:
        The model.

    Raises:
        InputError: if the field is constant, infinite or no field, all of it out of bounds, or
            the descriptor is none, or of another shape.
    """
    check_descriptor(descriptor, np.shape(field))
    standard, wraps = standardize(field), axes_of(periodic)
    gaussian = fit_gaussian(field, periodic=wraps)
    completed = [list(completions(each, periodic=wraps)) for each in standard.fields]
    draws = max(map(len, completed))
    pictures = [
        [_observation(each, whole, wraps) for whole in drawn * (draws // len(drawn))]
        for each, drawn in zip(standard.fields, completed, strict=True)
    ]
    on_torus = all(wraps) and not np.isnan(standard.fields).any()
    spectrum = np.asarray(gaussian.spectrum, np.float64)
    return assembled(
        descriptor,
        refer(descriptor, pictures, spectrum, on_torus=on_torus),
        gaussian,
        levels=jnp.asarray(_levels(standard), float),
        bounds=jnp.asarray(_bounds(descriptor, np.asarray(field), bounds), float),
        exponent=exponent,
    )


def _observation(
    field: Float[np.ndarray, "h w"], completed: Float[np.ndarray, "h w"], wraps: tuple[bool, bool]
) -> Observation:
    return Observation(
        field=jnp.asarray(completed, float),
        known=jnp.asarray(~np.isnan(field), float),
        wraps=jnp.asarray(wraps),
    )


def _levels(standard: Standard) -> Float[np.ndarray, " n"]:
    """As many quantiles as a picture has pixels, of the pixels that are there."""
    there = standard.fields[~np.isnan(standard.fields)]
    count = standard.fields[0].size
    levels = np.quantile(there, (np.arange(count) + 0.5) / count, method="hazen")
    levels[[0, -1]] = there.min(), there.max()
    return levels


def _bounds(
    descriptor: Descriptor, field: np.ndarray, given: tuple[float, float] | None
) -> tuple[float, float]:
    low, high = float(np.nanmin(field)), float(np.nanmax(field))
    if given is None:
        return (low, high) if matches(descriptor, GrayLevels) else (-np.inf, np.inf)
    if not max(given[0], low) < min(given[1], high):
        raise InputError(
            f"The bounds {given[0]:g} and {given[1]:g} leave nothing of a field from "
            f"{low:g} to {high:g}: give a wider range, least value first."
        )
    return given
