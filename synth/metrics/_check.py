"""Fields that can be compared: finite, of one shape, large enough."""

import numpy as np
from jaxtyping import Float

from synth.errors import InputError

_LEAST_SIDE = 16


def check_target(target: Float[np.ndarray, "..."]) -> None:
    """Refuse what cannot be a target.

    Args:
        target: a field, one hopes.

    Raises:
        InputError: if it is no field of 16 pixels or more on each side, not finite, or constant.
    """
    shape = np.shape(target)
    if len(shape) != 2 or min(shape) < _LEAST_SIDE:
        raise InputError(
            f"The target has the shape {shape}: give a field of height × width, at least "
            f"{_LEAST_SIDE} pixels on each side."
        )
    check_field("The target", target, shape)
    if np.ptp(target) == 0:
        raise InputError(
            f"The target is constant ({np.ravel(target)[0]:g} everywhere): give one with contrast."
        )


def check_field(title: str, field: Float[np.ndarray, "..."], shape: tuple[int, ...]) -> None:
    """Refuse what cannot be compared with the target.

    Args:
        title: first words of the message.
        field: to be checked.
        shape: of the target.

    Raises:
        InputError: if the shape is another one, or the field is not finite.
    """
    if np.shape(field) != shape:
        raise InputError(
            f"{title} has the shape {np.shape(field)} and the target {shape}: give fields of "
            "one shape, for instance all cut to the smallest."
        )
    if not np.isfinite(field).all():
        raise InputError(
            f"{title} holds {np.sum(~np.isfinite(field))} values that are NaN or infinite: give "
            "finite ones, or leave the field out."
        )
