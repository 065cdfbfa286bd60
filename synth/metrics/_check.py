"""Fields that can be compared: of one shape, large enough, known where they must be."""

import numpy as np
from jaxtyping import Bool, Float

from synth.errors import InputError

_LEAST_SIDE = 16
_LEAST_KNOWN = 0.25  # of the pixels; what is drawn for the others would outweigh fewer


def check_target(target: Float[np.ndarray, "..."]) -> None:
    """Refuse what cannot be a target.

    Args:
        target: a field, one hopes; NaN where a pixel is missing.

    Raises:
        InputError: if it is no field of 16 pixels or more on each side, infinite somewhere,
            known in less than a quarter, or constant.
    """
    shape = np.shape(target)
    if len(shape) != 2 or min(shape) < _LEAST_SIDE:
        raise InputError(
            f"The target has the shape {shape}: give a field of height × width, at least "
            f"{_LEAST_SIDE} pixels on each side."
        )
    check_real("The target", target, target)
    level = np.nanmin(target)
    if np.nanmax(target) == level:
        raise InputError(f"The target is constant ({level:g} everywhere): give one with contrast.")


def check_real(
    title: str, field: Float[np.ndarray, "..."], target: Float[np.ndarray, "h w"]
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
    missing = np.mean(np.isnan(field) | np.isnan(target))
    if missing > 1 - _LEAST_KNOWN:
        raise InputError(
            f"{title} misses {missing:.0%} of the pixels: give one that misses at most "
            f"{1 - _LEAST_KNOWN:.0%}, for instance cut to the part that is known."
        )


def check_candidate(
    title: str, field: Float[np.ndarray, "..."], target: Float[np.ndarray, "h w"]
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
    _check(title, field, np.shape(target), np.isnan(target))


def _check(
    title: str,
    field: Float[np.ndarray, "..."],
    shape: tuple[int, ...],
    allowed: Bool[np.ndarray, "..."],
) -> None:
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
