"""A judge that learns: a network is trained to tell real patches from made ones.

The scoreboard says how far fields are apart by statistics that somebody thought of. Here a small
convolutional network looks for any difference, on patches of one size; what counts is how well
it tells patches of fields that it has never seen.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from synth.errors import InputError
from synth.metrics._area import area
from synth.metrics._network import LEAST_PATCH
from synth.metrics._training import Fields, Plan, Settings, Task, in_order, scores
from synth.transforms.components import MOST_CHANNELS
from synth.transforms.estimate import Periodic, axes_of

__all__ = [
    "LEAST_FIELDS",
    "LEAST_PATCH",
    "PATCHES",
    "Settings",
    "Pairs",
    "Told",
    "check_least",
    "halves",
    "largest_patch",
    "pairs",
    "tell_apart",
]

PATCHES = (16, 32, 64)
"""Sides of patches, pixels, that are usually asked for."""

LEAST_FIELDS = 4
"""Fewest fields of either kind: of fewer, an interval says nothing."""


class Told(NamedTuple):
    """How well real and made patches of one size were told apart.

    Attributes:
        patch: side, pixels.
        auc: probability that a made patch scores higher than a real one; 0.5 cannot tell.
        low: lower end of the interval of 95 %.
        high: upper end.
        real: scores of patches p of held-out real fields k, by the networks of every seed s.
        made: the same of made fields.
    """

    patch: int
    auc: float
    low: float
    high: float
    real: Float[np.ndarray, "s k p"]
    made: Float[np.ndarray, "s k p"]

    @property
    def differs(self) -> bool:
        """Whether the network does better than a coin, beyond the noise."""
        return self.low > 0.5


def tell_apart(
    real: Float[np.ndarray, "n c h w"],
    made: Float[np.ndarray, "m d y x"],
    *,
    key: Key[Array, ""],
    patch: int,
    periodic: Periodic = True,
    settings: Settings | None = None,
) -> Told:
    """Train networks to tell made patches from real ones, and judge them on other fields.

    The fields are divided into folds. A network is trained on all folds but one, by AdamW on the
    logistic loss, and scores patches of the fields that were left out; so every field is held
    out once. As many fields of both kinds are taken, the first ones, and as many patches at
    random places. Both are expressed in the mean and deviation of the real fields that the
    network is trained on, so that units do not matter. Patches are neither turned nor mirrored.

    Fields of one number are held out together: ``made[i]`` may be drawn from ``real[i]``.
    Where there are too few, ``pairs`` cuts them into pieces.

    Args:
        real: real fields, of 1 to 8 channels.
        made: synthesized ones, of as many channels; they may have another size.
        key: random key of weights, places and folds.
        patch: side of a patch, pixels.
        periodic: whether fields wrap, per axis: then patches cross the borders.
        settings: of the training.

    Returns:
        The area under the curve with its interval, and the scores.

    Raises:
        InputError: if there are under 4 fields of either kind, if they do not hold two patches
            side by side, or if they are not finite, differ in channels, or are constant; or if
            the training diverges.

    Example:
        >>> white = np.random.default_rng(0).normal(size=(2, 4, 1, 32, 32))
        >>> quick = Settings(steps=2, scored=4)
        >>> told = tell_apart(*white, key=jax.random.key(0), patch=8, settings=quick)
        >>> told.low < told.auc < told.high
        True

    Source:
        D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", ICLR (2017);
        I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR (2019).
    """
    settings = settings or Settings()
    real, made = np.asarray(real), np.asarray(made)
    _check(real, made, patch, settings)
    count = min(len(real), len(made))
    wraps = axes_of(periodic)
    mean = real[:count].mean((0, 2, 3), keepdims=True, dtype=np.float64)
    scale = real[:count].std((0, 2, 3), keepdims=True, dtype=np.float64)
    # Large means would take the digits of single precision; the networks' own units come later.
    both = [(each[:count] - mean) / np.where(scale > 0, scale, 1) for each in (real, made)]
    keys = jax.random.split(key, settings.seeds)
    folds = np.stack([_folds(count, settings.folds, key=each) for each in keys])
    plan = Plan.of(folds, both[0], keys)
    first, second = (jnp.asarray(_wrapped(each, patch, wraps), jnp.float32) for each in both)
    found = np.asarray(scores(Task(first, second, settings, patch), plan))
    if not np.isfinite(found).all():
        raise InputError(
            f"The network's scores are not finite: give a lower rate than {settings.rate:g}, or "
            "fields of ranges that compare."
        )
    own, other = in_order(found, plan, settings.seeds)
    auc, low, high = area(own, other, folds)
    return Told(patch, auc, low, high, own, other)


class Pairs(NamedTuple):
    """As many real fields as made ones, to be told apart.

    Attributes:
        real: real fields, or pieces of them.
        made: made ones, or pieces.
        cut: whether they are pieces, which do not wrap and which share their picture's chance.
    """

    real: Fields
    made: Fields
    cut: bool


def pairs(real: Float[np.ndarray, "n c h w"], made: Float[np.ndarray, "m c y x"]) -> Pairs:
    """Fields of both kinds, or where either are fewer than 4 their quadrants as fields.

    Pieces of one picture share what is there by chance: a network may learn this picture instead
    of its texture, and tell made pieces from those that it has not seen. The area under the curve
    is then an upper bound of what such a network has learned of the texture. It has little to
    learn from, too: what a few pictures do not tell apart, more of them may.

    Args:
        real: real fields, whole.
        made: made ones; the first is made after the first real one, if any, and so on.

    Returns:
        Whole fields, the first ones; or quadrants of all, at even distances in their list.
    """
    if min(len(real), len(made)) >= LEAST_FIELDS:
        count = min(len(real), len(made))
        return Pairs(real[:count], made[:count], cut=False)
    both = [_pieces(each, 2, 2) for each in (real, made)]
    count = min(map(len, both))
    few = (each[np.linspace(0, len(each) - 1, count).astype(int)] for each in both)
    return Pairs(*few, cut=True)


def halves(real: Float[np.ndarray, "n c h w"]) -> Pairs:
    """Real fields against real ones, the control: every second one against the others.

    Fewer than 8 fields are cut into quadrants, a single one into eighths; of every picture every
    second piece, as on a chessboard, is on either side.

    Args:
        real: real fields, whole.
    """
    columns = 4 if len(real) == 1 else 2
    cut = len(real) < 2 * LEAST_FIELDS
    fields, number = (_pieces(real, 2, columns), columns) if cut else (real, 1)
    place = np.arange(len(fields))
    second = (place + place // number * (number % 2 == 0)) % 2 == 1
    count = min(second.sum(), (~second).sum())
    return Pairs(fields[~second][:count], fields[second][:count], cut)


def _pieces(fields: Fields, rows: int, columns: int) -> Float[np.ndarray, "n c y x"]:
    """Pieces of fields, row by row; those of one field are neighbors in the list."""
    count, channels, height, width = fields.shape
    y, x = height // rows, width // columns
    cut = fields[:, :, : rows * y, : columns * x].reshape(count, channels, rows, y, columns, x)
    return cut.transpose(0, 2, 4, 1, 3, 5).reshape(count * rows * columns, channels, y, x)


def _folds(count: int, folds: int, *, key: Key[Array, ""]) -> Int[np.ndarray, " k"]:
    """The fold of every pair: at random, and as many in each as divide evenly."""
    order = np.asarray(jax.random.permutation(key, count))
    return order % min(folds, count)


def _wrapped(fields: Fields, patch: int, wraps: tuple[bool, bool]) -> Float[np.ndarray, "k c y x"]:
    """Fields of which every place of a patch lies inside, continued where they wrap."""
    rows, columns = ((0, patch - 1) if each else (0, 0) for each in wraps)
    return np.pad(fields, ((0, 0), (0, 0), rows, columns), mode="wrap")


def _check(real: np.ndarray, made: np.ndarray, patch: int, settings: Settings) -> None:
    """Refuse fields that cannot be told apart by patches of this size."""
    for title, fields in (("real", real), ("made", made)):
        if fields.ndim != 4 or not 1 <= fields.shape[1] <= MOST_CHANNELS:
            raise InputError(
                f"The {title} fields have the shape {fields.shape}: give number × channels × "
                f"height × width, with 1 to {MOST_CHANNELS} channels."
            )
        if len(fields) < LEAST_FIELDS:
            raise InputError(
                f"{len(fields)} {title} field{'s were' if len(fields) != 1 else ' was'} given, and "
                f"the network needs {LEAST_FIELDS} of either kind: give more, or their "
                "pieces, as learned.pairs cuts them."
            )
        _check_patch(fields.shape[2:], patch)
        bad = np.count_nonzero(~np.isfinite(fields))
        if bad:
            raise InputError(
                f"The {title} fields hold {bad} values that are NaN or infinite: give finite ones, "
                "for instance cut to the part that is known."
            )
    if real.shape[1] != made.shape[1]:
        raise InputError(
            f"The real fields have {real.shape[1]} channels and the made ones {made.shape[1]}: "
            "give fields of the same channels."
        )
    if not np.ptp(real, axis=(2, 3)).any():
        raise InputError("The real fields are constant: give ones with contrast.")
    for name in ("steps", "pixels", "seeds", "scored"):
        if getattr(settings, name) < 1:
            raise InputError(f"{name} is {getattr(settings, name)}: give 1 or more.")
    if settings.folds < 2:
        raise InputError(f"folds is {settings.folds}: give 2 or more, one is always held out.")


def _check_patch(shape: tuple[int, ...], patch: int) -> None:
    """Refuse patches of which a field does not hold two."""
    height, width = shape
    check_least(patch)
    if (height // patch) * (width // patch) < 2:
        raise InputError(
            f"Fields of {height} × {width} pixels do not hold two patches of {patch} side by side: "
            f"give larger fields, or patches of at most {largest_patch(shape)} pixels."
        )


def check_least(patch: int) -> None:
    """Refuse patches that are too small for the network.

    Args:
        patch: side, pixels.

    Raises:
        InputError: if they are.
    """
    if patch < LEAST_PATCH:
        raise InputError(f"Patches of {patch} pixels are too small: give {LEAST_PATCH} or more.")


def largest_patch(shape: tuple[int, ...]) -> int:
    """Side of the largest patches of which a field holds two side by side.

    Args:
        shape: height and width of a field, pixels.
    """
    short, long = sorted(shape)
    return min(short, long // 2)
