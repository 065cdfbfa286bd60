"""A judge that learns: a network is trained to tell real patches from made ones.

The scoreboard says how far fields are apart by statistics that somebody thought of. Here a small
convolutional network looks for any difference, on patches of one size; what counts is how well
it tells patches of fields that it has never seen.
"""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float, Int, Key

from synth.errors import InputError
from synth.metrics._area import Area, area
from synth.metrics._network import LEAST_PATCH, Network
from synth.parallel.mesh import SAMPLE, WHOLE, split_if_even, whole
from synth.parallel.programs import compiled
from synth.transforms.components import MOST_CHANNELS
from synth.transforms.estimate import Periodic, axes_of

__all__ = [
    "LEAST_FIELDS",
    "PATCHES",
    "Settings",
    "Told",
    "largest_patch",
    "pieces",
    "tell_apart",
]

PATCHES = (16, 32, 64)
"""Sides of patches, pixels, that are usually asked for."""

LEAST_FIELDS = 4
"""Fewest fields of either kind: of fewer, an interval says nothing."""

_WARM = 0.1  # of the steps, in which the learning rate rises
_LARGEST_GRADIENT = 1.0

Fields = Float[np.ndarray, "k c h w"]


class Settings(eqx.Module):
    """How the network is trained and judged.

    Attributes:
        steps: of AdamW.
        pixels: of all real patches of a step, and of all made ones: the larger the patches,
            the fewer, so that a step takes about as long.
        rate: largest learning rate.
        decay: of the weights, AdamW's.
        folds: parts into which the fields are divided; each is held out once.
        seeds: repetitions, with other weights, patches and folds.
        scored: patches per held-out field.
    """

    steps: int = eqx.field(static=True, default=500)
    pixels: int = eqx.field(static=True, default=2**15)
    rate: float = eqx.field(static=True, default=1e-2)
    decay: float = eqx.field(static=True, default=1e-2)
    folds: int = eqx.field(static=True, default=4)
    seeds: int = eqx.field(static=True, default=1)
    scored: int = eqx.field(static=True, default=64)

    def batch(self, patch: int) -> int:
        """Real patches of a step, as many as made ones."""
        return int(np.clip(self.pixels // patch**2, 16, 64))


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
    made: Float[np.ndarray, "m c y x"],
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
    Where all are pieces of one picture, see ``pieces``.

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
            side by side, or if they are not finite, differ in channels, or are constant.

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
    plan = _Plan.of(folds, both[0], keys)
    wrapped = [_wrapped(each.astype(np.float32), patch, wraps) for each in both]
    scores = np.asarray(_scores(_Task(*wrapped, settings, patch), plan))
    found = _in_order(scores, plan, settings.seeds)
    return Told(patch, *area(*found, folds), *found)


def pieces(fields: Float[np.ndarray, "n c h w"], least: int = LEAST_FIELDS) -> Fields:
    """Fields, or where they are too few their quadrants, or eighths, as fields of their own.

    Pieces of one picture share what is there by chance: a network may learn this picture instead
    of its texture, and tell made ones from pieces that it has not seen. The area under the curve
    is then an upper bound, and an interval around 0.5 says what it always says. Pieces do not
    wrap. Those of one picture are neighbors in the order of the result.

    Args:
        fields: whole ones.
        least: how many are needed.

    Returns:
        The fields if there are enough; or else pieces, cut along both axes, and once more along
        the columns' axis where that does not suffice.
    """
    count, channels, height, width = fields.shape
    rows, columns = (1, 1) if count >= least else (2, 2) if 4 * count >= least else (2, 4)
    y, x = height // rows, width // columns
    cut = fields[:, :, : rows * y, : columns * x].reshape(count, channels, rows, y, columns, x)
    return cut.transpose(0, 2, 4, 1, 3, 5).reshape(count * rows * columns, channels, y, x)


class _Plan(NamedTuple):
    """What a network of every fold f is trained on and judged by; numbers are those of pairs.

    Lists of numbers are filled up to one length: what is trained on is drawn from the first
    ones, and scores of the rest are dropped.
    """

    key: Key[Array, " f"]
    trained: Int[np.ndarray, "f t"]
    count: Int[np.ndarray, " f"]
    held_out: Int[np.ndarray, "f e"]
    mean: Float[np.ndarray, "f c 1 1"]
    scale: Float[np.ndarray, "f c 1 1"]

    @classmethod
    def of(cls, folds: Int[np.ndarray, "s k"], real: Fields, keys: Key[Array, " s"]) -> "_Plan":
        """The plan of all folds of all seeds, one after the other."""
        number = folds.max() + 1
        out = [np.flatnonzero(row == fold) for row in folds for fold in range(number)]
        others = [np.setdiff1d(np.arange(len(real)), each) for each in out]
        units = [_units(real[each]) for each in others]
        return cls(
            jax.vmap(lambda key: jax.random.split(key, number))(keys).reshape(-1),
            _filled(others),
            np.array([len(each) for each in others]),
            _filled(out),
            np.stack([mean for mean, _ in units]).astype(np.float32),
            np.stack([scale for _, scale in units]).astype(np.float32),
        )


class _Task(eqx.Module):
    """Fields in common units, their wrapping borders repeated, and what is asked of them."""

    real: Float[Array, "k c h w"]
    made: Float[Array, "k c y x"]
    settings: Settings
    patch: int = eqx.field(static=True)

    def draw(
        self, fields: Float[Array, "k c h w"], numbers: Int[Array, " n"], key: Key[Array, ""]
    ) -> Float[Array, "n c p p"]:
        """A patch at a random place of every field that is named."""
        _, channels, height, width = fields.shape
        size = (1, channels, self.patch, self.patch)
        rows, columns = (
            jax.random.randint(each, numbers.shape, 0, side - self.patch + 1)
            for each, side in zip(jax.random.split(key), (height, width), strict=True)
        )
        return jax.vmap(lambda i, y, x: lax.dynamic_slice(fields, (i, 0, y, x), size)[0])(
            numbers, rows, columns
        )

    def train(self, plan: _Plan) -> Network:
        """The network of one fold."""
        first, *keys = jax.random.split(plan.key, self.settings.steps + 1)
        network = Network.random(self.patch, self.real.shape[1], key=first)
        weights, rest = eqx.partition(network, eqx.is_array)
        descent = _descent(self.settings)

        def loss(weights: Network, key: Key[Array, ""]) -> Float[Array, ""]:
            scored = jax.vmap(eqx.combine(weights, rest))
            gains = []
            for fields, own, sign in zip(
                (self.real, self.made), jax.random.split(key), (1, -1), strict=True
            ):
                which, where = jax.random.split(own)
                places = jax.random.randint(which, (self.batch,), 0, plan.count)
                patches = self.draw(fields, plan.trained[places], where)
                gains.append(jax.nn.softplus(sign * scored((patches - plan.mean) / plan.scale)))
            return jnp.mean(jnp.stack(gains))

        def step(
            state: tuple[Network, optax.OptState], key: Key[Array, ""]
        ) -> tuple[tuple[Network, optax.OptState], None]:
            weights, memory = state
            update, memory = descent.update(jax.grad(loss)(weights, key), memory, weights)
            return (eqx.apply_updates(weights, update), memory), None

        (weights, _), _ = lax.scan(step, (weights, descent.init(weights)), jnp.stack(keys))
        return eqx.combine(weights, rest)

    @property
    def batch(self) -> int:
        """Patches of either kind in a step."""
        return self.settings.batch(self.patch)

    def score(self, network: Network, plan: _Plan) -> Float[Array, "e 2 p"]:
        """Scores of patches of the fields that are held out, real and made."""

        def of(number: Int[Array, ""]) -> Float[Array, "2 p"]:
            both = []
            key = jax.random.fold_in(plan.key, number)
            numbers = jnp.full(self.settings.scored, number)
            for fields, own in zip((self.real, self.made), jax.random.split(key), strict=True):
                patches = self.draw(fields, numbers, own)
                both.append(jax.vmap(network)((patches - plan.mean) / plan.scale))
            return jnp.stack(both)

        return lax.map(of, plan.held_out)


@compiled
def _scores(task: _Task, plan: _Plan) -> Float[Array, "f e 2 p"]:
    """Scores of all folds, one after the other on a device."""

    def own(task: _Task, plan: _Plan) -> Float[Array, "f e 2 p"]:
        return lax.map(lambda one: task.score(task.train(one), one), plan)

    by_fold = PartitionSpec(SAMPLE)
    specs = {"in_specs": (WHOLE, by_fold), "out_specs": by_fold}
    return whole(split_if_even(own, SAMPLE, len(plan.count), **specs)(task, plan))


def _descent(settings: Settings) -> optax.GradientTransformation:
    """AdamW with bounded gradients, whose rate rises and then falls like a cosine."""
    warm = max(1, int(_WARM * settings.steps))
    rate = optax.warmup_cosine_decay_schedule(0.0, settings.rate, warm, settings.steps + 1)
    return optax.chain(
        optax.clip_by_global_norm(_LARGEST_GRADIENT),
        optax.adamw(rate, weight_decay=settings.decay),
    )


def _folds(count: int, folds: int, *, key: Key[Array, ""]) -> Int[np.ndarray, " k"]:
    """The fold of every pair: at random, and as many in each as divide evenly."""
    order = np.asarray(jax.random.permutation(key, count))
    return order % min(folds, count)


def _filled(lists: Sequence[Int[np.ndarray, "..."]]) -> Int[np.ndarray, "f n"]:
    """Lists of numbers as rows, the last number of each repeated."""
    longest = max(map(len, lists))
    return np.stack([np.pad(each, (0, longest - len(each)), mode="edge") for each in lists])


def _units(real: Fields) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of every channel; 1 where it is constant."""
    mean, scale = real.mean((0, 2, 3)), real.std((0, 2, 3))
    return mean[:, None, None], np.where(scale > 0, scale, 1)[:, None, None]


def _wrapped(fields: Fields, patch: int, wraps: tuple[bool, bool]) -> Fields:
    """Fields of which every place of a patch lies inside, continued where they wrap."""
    rows, columns = ((0, patch - 1) if each else (0, 0) for each in wraps)
    return np.pad(fields, ((0, 0), (0, 0), rows, columns), mode="wrap")


def _in_order(
    scores: Float[np.ndarray, "f e 2 p"], plan: _Plan, seeds: int
) -> tuple[Float[np.ndarray, "s k p"], Float[np.ndarray, "s k p"]]:
    """Scores of real and made fields by their numbers, of every seed."""
    every = plan.held_out.reshape(seeds, -1)
    found = scores.reshape(seeds, every.shape[1], 2, -1)
    ordered = np.empty((seeds, every.max() + 1, *found.shape[2:]), found.dtype)
    for one, numbers, own in zip(ordered, every, found, strict=True):
        one[numbers] = own
    return ordered[:, :, 0], ordered[:, :, 1]


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
                f"the network needs {LEAST_FIELDS} of either kind: give more, or cut them into "
                "pieces."
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
    if patch < LEAST_PATCH:
        raise InputError(f"Patches of {patch} pixels are too small: give {LEAST_PATCH} or more.")
    if (height // patch) * (width // patch) < 2:
        raise InputError(
            f"Fields of {height} × {width} pixels do not hold two patches of {patch} side by side: "
            f"give larger fields, or patches of at most {largest_patch(shape)} pixels."
        )


def largest_patch(shape: tuple[int, ...]) -> int:
    """Side of the largest patches of which a field holds two side by side.

    Args:
        shape: height and width of a field, pixels.
    """
    short, long = sorted(shape)
    return min(short, long // 2)
