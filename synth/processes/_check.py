"""The first thing every process does: refuse what it cannot draw, in one sentence.

A process is a function of a shape and a few numbers; these checks run before any array is
made, so that a wrong number costs no time.
"""

import math

from synth.errors import InputError

MIN_SIDE = 16


def check_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return `(height, width)`, or say why no field of that shape can be made.

    Args:
        shape: height and width in pixels.

    Returns:
        The same two numbers as Python integers.

    Raises:
        InputError: `shape` is no pair of whole numbers of at least 16.

    Example:
        >>> check_shape((17, 32))
        (17, 32)
    """
    sides = tuple(shape)
    if len(sides) != 2 or any(side != int(side) or side < MIN_SIDE for side in sides):
        raise InputError(
            f"shape is {shape}; a process needs (height, width) in whole pixels, each at least"
            f" {MIN_SIDE}: ask for a larger field and crop it."
        )
    return int(sides[0]), int(sides[1])


def check_positive(**values: float | int) -> None:
    """Raise unless every value is a finite number above zero.

    Args:
        **values: the numbers, by the name that the caller knows them by.

    Raises:
        InputError: a value is zero, negative, infinite or not a number.

    Example:
        >>> check_positive(wavelength=24.0)
    """
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise InputError(
                f"{name} is {value}; it must be a finite number above 0:"
                f" leave {name} out to use its default."
            )


def check_within(low: float, high: float, **values: float | int) -> None:
    """Raise unless `low <= value <= high` for every value.

    Args:
        low: smallest allowed value.
        high: largest allowed value.
        **values: the numbers, by the name that the caller knows them by.

    Raises:
        InputError: a value lies outside the interval or is not a number.

    Example:
        >>> check_within(0.0, 1.0, bright=0.5)
    """
    for name, value in values.items():
        if not low <= value <= high:
            raise InputError(
                f"{name} is {value}; it must lie between {low:g} and {high:g}:"
                f" leave {name} out to use its default."
            )
