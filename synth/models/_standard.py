"""What every model is given, checked: pictures of one process, of mean 0 and variance 1."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.errors import InputError
from synth.models.units import Units
from synth.transforms.components import principal_components

__all__ = ["Standard", "aligned", "standardize"]

_CONSTANT = "The field is constant: a texture needs at least two gray levels."


class Standard(NamedTuple):
    """Pictures without their unit, and the way back.

    One channel is in units of its standard deviation, around its mean. Several become principal
    components; a single component counts as one channel.

    Attributes:
        fields: one or more pictures, float64, NaN where a pixel is missing; several components
            are an axis after the pictures'.
        units: the way back, float64.
    """

    fields: Float[np.ndarray, "n *k h w"]
    units: Units


def standardize(field: Float[np.ndarray, "..."], *, channels: bool = False) -> Standard:
    """Check pictures of one process and bring them to mean 0 and variance 1.

    Args:
        field: one picture, height × width, or several of one process, number × height × width;
            with an axis of channels before the last two, if there are channels.
        channels: whether there are.

    Raises:
        InputError: if it is no such array of real numbers, holds infinite values, or is constant.
    """
    array = np.asarray(field)
    if array.dtype.kind not in "buif" or array.ndim - channels not in (2, 3):
        what = f"{array.dtype} of the shape {array.shape}"
        axes = "channels × height × width" if channels else "height × width"
        raise InputError(
            f"The field is an array of {what}: give real numbers, {axes}, or number × {axes} for "
            "several pictures of one process."
        )
    axes = array.shape[-2 - channels :]
    whole = array.astype(np.float64).reshape(-1, *axes)
    if np.isinf(whole).any():
        raise InputError("The field holds infinite values: put NaN where a pixel is missing.")
    # What one channel misses no channel has.
    missing = np.isnan(whole).any(1, keepdims=True) if channels else np.isnan(whole)
    whole = np.where(missing, np.nan, whole)
    if any(np.all(each) for each in np.asarray(missing)):
        raise InputError("The field has no pixels, only NaN: give a picture with some.")
    of_channel = (0, 2, 3) if channels else None
    if np.all(np.nanmax(whole, of_channel) == np.nanmin(whole, of_channel)):
        raise InputError(_CONSTANT)
    if channels and axes[0] > 1:
        return _components(whole)
    whole = whole.reshape(-1, *axes[-2:])
    units = Units(float(np.nanmean(whole)), float(np.nanstd(whole)))
    return Standard((whole - units.mean) / units.scale, units)


def _components(whole: Float[np.ndarray, "n c h w"]) -> Standard:
    found = principal_components(whole)
    if not found.shares.size:
        raise InputError(_CONSTANT)
    fields = found.of(whole)
    single = fields.shape[1] == 1
    return Standard(fields[:, 0] if single else fields, Units(*found[:3]))


def aligned(standard: Standard, units: Units) -> Standard:
    """Components that are rotated to have axes as near as possible to those of other units.

    They stay uncorrelated and of variance 1. Axes are compared in standard deviations of the other
    pictures' channels, so that units do not matter. Of a single component it is the sign.

    Args:
        standard: to be rotated; as it is if its components are not as many.
        units: of the other pictures.

    Source:
        P. H. Schönemann, "A generalized solution of the orthogonal Procrustes problem",
        Psychometrika 31 (1966).
    """
    own, other = np.asarray(standard.units.scale), np.asarray(units.scale, np.float64)
    if own.shape != other.shape or own.ndim < 2:
        return standard
    deviation = np.linalg.norm(other, axis=1, keepdims=True)
    unit = np.where(deviation > 0, deviation, np.inf)
    left, _, right = np.linalg.svd((own / unit).T @ (other / unit))
    turn = left @ right
    inverse, shape = np.asarray(standard.units.inverse), standard.fields.shape
    components = standard.fields.reshape(shape[0], len(turn), *shape[-2:])
    return Standard(
        np.einsum("kl,nkhw->nlhw", turn, components).reshape(shape),
        Units(standard.units.mean, own @ turn, turn.T @ inverse),
    )
