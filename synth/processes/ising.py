"""The Ising model at its critical point: clusters of every size, in black and white.

The texture without any scale of its own. Single-spin updates are hopeless at the critical point,
and a checkerboard does not close on an odd torus; whole clusters are flipped instead, on the
graph of bonds, which cares for neither the size nor the parity of the torus.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from synth.processes._check import check_positive, check_shape

CRITICAL_TEMPERATURE = 2 / math.log(1 + math.sqrt(2))

Labels = Int[Array, "h w"]
Bonds = tuple[Bool[Array, "h w"], Bool[Array, "h w"]]


def ising(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    temperature: float = CRITICAL_TEMPERATURE,
    sweeps: int = 200,
) -> Float[Array, "h w"]:
    """Return a configuration of the two-dimensional Ising model without a field, of values ±1.

    P(s) ∝ exp(Σ s_i s_j / T) over the pairs of nearest neighbors on the torus.

    Args:
        shape: height and width in pixels, one spin each; any size from 16, even or odd.
        key: random key.
        temperature: T, in units of the coupling over Boltzmann's constant. The default is
            critical, 2 / ln(1 + √2) = 2.269; above it clusters have a finite size (good values
            up to 3), below it one sign takes over.
        sweeps: Swendsen-Wang updates of the whole torus from a random start; a few tens
            forget the start at 256², and the need grows more slowly than the side's root.

    Returns:
        The spins, shape (height, width), each -1 or +1.

    Raises:
        InputError: the shape is too small or a number is not positive.

    Example:
        >>> spins = ising((16, 17), key=jax.random.key(0), sweeps=5)
        >>> sorted(set(spins.ravel().tolist()))
        [-1.0, 1.0]

    Source: Onsager (1944), Phys. Rev. 65, 117 (the critical temperature); Swendsen & Wang
        (1987), Phys. Rev. Lett. 58, 86 (the update).
    """
    height, width = check_shape(shape)
    check_positive(temperature=temperature, sweeps=sweeps)
    first, rest = jax.random.split(key)
    start = jax.random.rademacher(first, (height, width), jnp.float32)
    bond_probability = 1 - math.exp(-2 / temperature)
    return _relax(start, jnp.float32(bond_probability), jnp.int32(sweeps), key=rest)


def energy_per_spin(spins: Float[Array, "h w"]) -> Float[Array, ""]:
    """Return the energy of a configuration per spin, in units of the coupling.

    e = -⟨s(y, x) s(y + 1, x) + s(y, x) s(y, x + 1)⟩; at the critical point -√2 on a large torus.

    Args:
        spins: values ±1.

    Returns:
        The energy, between -2 and 2.

    Example:
        >>> float(energy_per_spin(jnp.ones((16, 16))))
        -2.0

    Source: Onsager (1944), Phys. Rev. 65, 117 (the internal energy at the critical point).
    """
    return -jnp.mean(spins * (jnp.roll(spins, -1, 0) + jnp.roll(spins, -1, 1)))


@eqx.filter_jit
def _relax(
    spins: Float[Array, "h w"],
    bond_probability: Float[Array, ""],
    sweeps: Int[Array, ""],
    *,
    key: PRNGKeyArray,
) -> Float[Array, "h w"]:
    def update(sweep: Int[Array, ""], spins: Float[Array, "h w"]) -> Float[Array, "h w"]:
        return _flip_clusters(spins, bond_probability, key=jax.random.fold_in(key, sweep))

    return jax.lax.fori_loop(0, sweeps, update, spins)


def _flip_clusters(
    spins: Float[Array, "h w"], bond_probability: Float[Array, ""], *, key: PRNGKeyArray
) -> Float[Array, "h w"]:
    """Bond equal neighbors at random, and give each cluster a new sign of its own."""
    bonding, sign = jax.random.split(key)
    allowed = jax.random.bernoulli(bonding, bond_probability, (2, *spins.shape))
    below, right = (allowed[axis] & (spins == jnp.roll(spins, -1, axis)) for axis in (0, 1))
    signs = jax.random.rademacher(sign, (spins.size,), jnp.float32)
    return signs[cluster_labels((below, right))]


def cluster_labels(bonds: Bonds) -> Labels:
    """Return a number for each site that is the same exactly throughout its cluster.

    Every site starts as its own label, takes the smallest label across its bonds, and then the
    label of that label, until nothing changes: a cluster's label is its smallest site.

    Args:
        bonds: whether a site is bonded to the one below it, and to the one right of it.

    Returns:
        The labels, shape (height, width), between 0 and the number of sites.

    Example:
        >>> none = jnp.zeros((2, 2), bool)
        >>> cluster_labels((none, none)).tolist()
        [[0, 1], [2, 3]]
    """
    shape = bonds[0].shape
    own = jnp.arange(bonds[0].size, dtype=jnp.int32).reshape(shape)

    def unsettled(state: tuple[Labels, Labels]) -> Bool[Array, ""]:
        return jnp.any(state[0] != state[1])

    def spread(state: tuple[Labels, Labels]) -> tuple[Labels, Labels]:
        labels = state[0]
        least = _least_neighbor(labels, bonds)
        # The root hears of it too: without this a long cluster would take as many rounds as steps.
        roots = labels.ravel().at[labels.ravel()].min(least.ravel())
        jumped = jnp.minimum(least.ravel(), roots[labels.ravel()])
        return roots[jumped].reshape(shape), labels

    return jax.lax.while_loop(unsettled, spread, (_least_neighbor(own, bonds), own))[0]


def _least_neighbor(labels: Labels, bonds: Bonds) -> Labels:
    """Return the smallest label among a site and those bonded to it."""
    least = labels
    for axis, bond in enumerate(bonds):
        forward = jnp.where(bond, jnp.roll(labels, -1, axis), labels)
        backward = jnp.where(jnp.roll(bond, 1, axis), jnp.roll(labels, 1, axis), labels)
        least = jnp.minimum(least, jnp.minimum(forward, backward))
    return least
