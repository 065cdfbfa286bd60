"""What a user may mistake for another thing: keys, descriptors, names of noises."""

from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np

from synth.errors import InputError
from synth.models.start import Start
from synth.statistics import Descriptor

__all__ = ["check_descriptor", "check_given", "check_key", "check_shape", "check_start"]


def check_key(key: Any) -> None:  # noqa: ANN401 - that is what is checked
    """Refuse what is no random key.

    Raises:
        InputError: for instance if it is a seed.
    """
    if not (isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)):
        raise InputError(f"The key is {_kind(key)}: give a random key, such as jax.random.key(0).")


def check_descriptor(descriptor: Any, shape: tuple[int, ...]) -> None:  # noqa: ANN401
    """Refuse what is no descriptor, or one of another shape.

    Raises:
        InputError: for instance if it is the name of a model, or the field.
    """
    if not isinstance(descriptor, Descriptor):
        raise InputError(
            f"The descriptor is {_kind(descriptor)}: give one first and then the field, for "
            f'instance fit(joint("full", shape={shape[-2:]}), field).'
        )
    count = descriptor.num_channels
    if count > 1 and (len(shape) < 3 or shape[-3] != count):
        raise InputError(
            f"The field has the shape {tuple(shape)} and the descriptor is for fields of {count} "
            "channels: give channels × height × width, or a descriptor made with channels=1."
        )
    if descriptor.shape != tuple(shape[-2:]):
        raise InputError(
            f"The field has {shape[-2]} × {shape[-1]} pixels and the descriptor is for fields of "
            f"{descriptor.shape[0]} × {descriptor.shape[1]}: make it with shape={shape[-2:]}."
        )


def check_given(field: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse a field of which nothing is to be drawn, or nothing is given.

    Args:
        field: NaN where a pixel is to be drawn.
        shape: of the model's fields, in the target's units.

    Raises:
        InputError: if it has another shape, no missing pixel, nothing but these, or infinite
            values.
    """
    if field.shape != shape:
        given, own = (" × ".join(map(str, each)) for each in (field.shape, shape))
        raise InputError(
            f"The field that is given in part has {given} pixels and the model {own}: put it "
            "on a field of NaN of that shape, and the model on it by on(shape)."
        )
    if np.isinf(field).any():
        raise InputError("The field holds infinite values: put NaN where pixels are to be drawn.")
    missing = np.isnan(field)
    if not missing.any():
        raise InputError("No pixel is missing: put NaN where pixels are to be drawn.")
    if missing.all():
        raise InputError("All pixels are missing: give some of them.")


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse what is no height and width.

    Raises:
        InputError: if it is not two whole numbers from 2 on.
    """
    if len(shape) != 2 or not all(isinstance(n, int | np.integer) and n > 1 for n in shape):
        raise InputError(f"The shape {shape} is none of fields: give height and width in pixels.")


def check_start(start: Any) -> None:  # noqa: ANN401
    """Refuse a name of noise that there is not.

    Raises:
        InputError: for any other word.
    """
    if isinstance(start, str) and start not in get_args(Start):
        names = ", ".join(get_args(Start))
        raise InputError(f"There is no start {start!r}: choose {names}, or give fields.")


def _kind(value: Any) -> str:  # noqa: ANN401
    words = f" {value!r}" if isinstance(value, str | int | float) else ""
    return f"{type(value).__name__}{words}"
