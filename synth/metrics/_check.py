"""Fields that can be compared: of one shape, large enough, known where they must be.

A field is gray, ``h w``, or has 2 to 8 channels, ``c h w``. A pixel is missing where any of its
channels is NaN.
"""

import numpy as np
from jaxtyping import Bool, Float

from synth.errors import InputError
from synth.metrics._units import missing
from synth.transforms.components import MOST_CHANNELS, principal_components

_LEAST_SIDE = 16
_LEAST_KNOWN = 0.25  # of the pixels; what is drawn for the others would outweigh fewer


def plain(field: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """The field itself, or its only channel.

    Args:
        field: of any shape.
    """
    return field[0] if np.ndim(field) == 3 and len(field) == 1 else field


def check_target(target: Float[np.ndarray, "..."]) -> None:
    """Refuse what cannot be a target.

    Args:
        target: a field, one hopes; NaN where a pixel is missing.

    Raises:
        InputError: if it is no field of 16 pixels or more on each side and of at most 8
            channels, infinite somewhere, known in less than a quarter, or constant.
    """
    shape = np.shape(target)
    channels = shape[0] if len(shape) == 3 else 1
    fits = len(shape) in (2, 3) and min(shape[-2:]) >= _LEAST_SIDE
    if not fits or not 1 <= channels <= MOST_CHANNELS:
        raise InputError(
            f"The target has the shape {shape}: give a field of height × width, or of 2 to "
            f"{MOST_CHANNELS} channels × height × width, at least {_LEAST_SIDE} pixels on each "
            "side."
        )
    check_real("The target", target, target)
    if _is_constant(target):
        levels = np.atleast_1d(np.nanmin(target, axis=(-2, -1)))
        words = ", ".join(f"{level:g}" for level in levels)
        raise InputError(f"The target is constant ({words} everywhere): give one with contrast.")


def _is_constant(target: Float[np.ndarray, "*c h w"]) -> bool:
    """Whether no channel varies."""
    if target.ndim == 2:
        return bool(np.nanmax(target) == np.nanmin(target))
    return not len(principal_components(target).shares)


def check_real(
    title: str, field: Float[np.ndarray, "..."], target: Float[np.ndarray, "*c h w"]
) -> None:
    """Refuse what cannot be another piece of the target's texture; it may miss pixels of its own.

    Args:
        title: first words of the message.
        field: to be checked.
        target: the target, which is a piece itself.

    Raises:
        InputError: if the shape is not the target's, if a value is infinite, or if less than
            a quarter of the pixels are known to both.
    """
    _check(title, field, np.shape(target), np.ones(np.shape(field), bool))
    lost = np.mean(missing(field) | missing(target))
    if lost > 1 - _LEAST_KNOWN:
        raise InputError(
            f"{title} misses {lost:.0%} of the pixels: give one that misses at most "
            f"{1 - _LEAST_KNOWN:.0%}, for instance cut to the part that is known."
        )


def check_candidate(
    title: str, field: Float[np.ndarray, "..."], target: Float[np.ndarray, "*c h w"]
) -> None:
    """Refuse what cannot be compared with the target.

    Args:
        title: first words of the message.
        field: to be checked.
        target: only where it misses pixels, others may.

    Raises:
        InputError: if the shape is not the target's, or the field is not finite where the
            target is known.
    """
    _check(title, field, np.shape(target), missing(target))


def _check(
    title: str,
    field: Float[np.ndarray, "..."],
    shape: tuple[int, ...],
    allowed: Bool[np.ndarray, "..."],
) -> None:
    channels, wanted = (_channels(each) for each in (np.shape(field), shape))
    if channels and channels != wanted:
        raise InputError(
            f"{title} has {_count(channels)} and the target {_count(wanted)}: give fields of the "
            "same channels."
        )
    if np.shape(field) != shape:
        raise InputError(
            f"{title} has the shape {np.shape(field)} and the target {shape}: give fields of "
            "one shape, for instance all cut to the smallest."
        )
    bad = np.sum(~np.isfinite(field) & ~(np.isnan(field) & allowed))
    if bad:
        kinds = "infinite" if allowed.all() else "NaN or infinite where the target is known"
        raise InputError(
            f"{title} holds {bad} values that are {kinds}: give finite ones, or leave the field "
            "out."
        )


def _channels(shape: tuple[int, ...]) -> int:
    """Number of channels of a field of this shape; 0 if it is no field."""
    if len(shape) == 3:
        return shape[0]
    return 1 if len(shape) == 2 else 0


def _count(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"
