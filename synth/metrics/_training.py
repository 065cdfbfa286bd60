"""Training: networks of all folds of the fields, and their scores of what they have not seen.

One program for every size of patches and number of fields. Folds are trained one after the other,
or side by side on the devices of a mesh: together they would leave the caches of a processor.
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
from jaxtyping import Array, Float, Int, Key, PyTree

from synth.metrics._network import Network
from synth.parallel.mesh import SAMPLE, WHOLE, split_if_even, whole
from synth.parallel.programs import compiled

_WARM = 0.1  # of the steps, in which the learning rate rises
_LARGEST_GRADIENT = 1.0
_FEWEST, _MOST = 12, 64  # patches of either kind in a step

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
        return int(np.clip(self.pixels // patch**2, _FEWEST, _MOST))


class Plan(NamedTuple):
    """What a network of every fold f is trained on and judged by; numbers are those of pairs.

    Lists of numbers are filled up to one length: what is trained on is drawn from the first
    ones, and scores of the rest are dropped.
    """

    key: Key[Array, " f"]
    others: Int[np.ndarray, "f t"]
    trained_on: Int[np.ndarray, " f"]
    held_out: Int[np.ndarray, "f e"]
    mean: Float[np.ndarray, "f c 1 1"]
    scale: Float[np.ndarray, "f c 1 1"]

    @classmethod
    def of(cls, folds: Int[np.ndarray, "s k"], real: Fields, keys: Key[Array, " s"]) -> "Plan":
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


class Task(eqx.Module):
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

    def train(self, plan: Plan) -> Network:
        """The network of one fold."""
        first, *keys = jax.random.split(plan.key, self.settings.steps + 1)
        network = Network.random(self.patch, self.real.shape[1], key=first)
        weights, rest = eqx.partition(network, eqx.is_array)
        descent = _descent(self.settings)

        def loss(weights: PyTree, key: Key[Array, ""]) -> Float[Array, ""]:
            scored = jax.vmap(eqx.combine(weights, rest))
            gains = []
            for fields, own, sign in zip(
                (self.real, self.made), jax.random.split(key), (1, -1), strict=True
            ):
                which, where = jax.random.split(own)
                places = jax.random.randint(which, (self.batch,), 0, plan.trained_on)
                patches = self.draw(fields, plan.others[places], where)
                gains.append(jax.nn.softplus(sign * scored((patches - plan.mean) / plan.scale)))
            return jnp.mean(jnp.stack(gains))

        def step(
            state: tuple[PyTree, optax.OptState], key: Key[Array, ""]
        ) -> tuple[tuple[PyTree, optax.OptState], None]:
            weights, memory = state
            update, memory = descent.update(jax.grad(loss)(weights, key), memory, weights)
            return (eqx.apply_updates(weights, update), memory), None

        (weights, _), _ = lax.scan(step, (weights, descent.init(weights)), jnp.stack(keys))
        return eqx.combine(weights, rest)

    @property
    def batch(self) -> int:
        """Patches of either kind in a step."""
        return self.settings.batch(self.patch)

    def score(self, network: Network, plan: Plan) -> Float[Array, "e 2 p"]:
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
def scores(task: Task, plan: Plan) -> Float[Array, "f e 2 p"]:
    """Scores of all folds, one after the other on a device."""

    def own(task: Task, plan: Plan) -> Float[Array, "f e 2 p"]:
        return lax.map(lambda one: task.score(task.train(one), one), plan)

    by_fold = PartitionSpec(SAMPLE)
    specs = {"in_specs": (WHOLE, by_fold), "out_specs": by_fold}
    return whole(split_if_even(own, SAMPLE, len(plan.trained_on), **specs)(task, plan))


def _descent(settings: Settings) -> optax.GradientTransformation:
    """AdamW with bounded gradients, whose rate rises and then falls like a cosine."""
    warm = max(1, int(_WARM * settings.steps))
    rate = optax.warmup_cosine_decay_schedule(0.0, settings.rate, warm, settings.steps + 1)
    return optax.chain(
        optax.clip_by_global_norm(_LARGEST_GRADIENT),
        optax.adamw(rate, weight_decay=settings.decay),
    )


def _filled(lists: Sequence[Int[np.ndarray, "..."]]) -> Int[np.ndarray, "f n"]:
    """Lists of numbers as rows, the last number of each repeated."""
    longest = max(map(len, lists))
    return np.stack([np.pad(each, (0, longest - len(each)), mode="edge") for each in lists])


def _units(real: Fields) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of every channel; 1 where it is constant."""
    mean, scale = real.mean((0, 2, 3)), real.std((0, 2, 3))
    return mean[:, None, None], np.where(scale > 0, scale, 1)[:, None, None]


def in_order(
    scores: Float[np.ndarray, "f e 2 p"], plan: Plan, seeds: int
) -> tuple[Float[np.ndarray, "s k p"], Float[np.ndarray, "s k p"]]:
    """Scores of real and made fields by their numbers, of every seed."""
    every = plan.held_out.reshape(seeds, -1)
    found = scores.reshape(seeds, every.shape[1], 2, -1)
    ordered = np.empty((seeds, every.max() + 1, *found.shape[2:]), found.dtype)
    for one, numbers, own in zip(ordered, every, found, strict=True):
        one[numbers] = own
    return ordered[:, :, 0], ordered[:, :, 1]
