"""Powers of waves of several channels, counted in units of the target's matrix of each wave."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from fields import white

from synth import morlet_bank
from synth.statistics import BetweenChannels
from synth.statistics.between_channels import _POWERS
from synth.transforms.between import channel_spectra, pairs

SHAPE = (16, 20)
BETWEEN = BetweenChannels(morlet_bank(SHAPE, 2, 2), 3)

measured = jax.jit(lambda field: BETWEEN(field))


def channels(seed):
    """Three channels, each partly the one before, shifted."""
    fields = np.random.default_rng(seed).gamma(2.0, size=(3, *SHAPE))
    for index in (1, 2):
        fields[index] += np.roll(fields[index - 1], (0, 1), (0, 1))
    fields -= fields.mean((1, 2), keepdims=True)
    return jnp.asarray(fields / fields.std((1, 2), keepdims=True), jnp.float32)


def test_the_loss_squares_what_the_residual_averages():
    moments, target = (measured(channels(seed)) for seed in (0, 1))
    unit = {"power": jnp.asarray(1.0), "modulus": jnp.asarray(jnp.inf)}
    found, weights = BETWEEN.difference(moments, target), BETWEEN.weights(target, unit)
    terms = jax.tree.map(lambda w, d: jnp.sum(w * jnp.abs(d) ** 2), weights, found)
    loss = jax.tree.reduce(jnp.add, terms)
    distance = BETWEEN.residual(moments, target)["power"]
    np.testing.assert_allclose(loss, _POWERS * distance**2, rtol=1e-5)


def mixtures(share):
    """A channel, the same with a share of noise of its own, and another one."""
    noise = white((3, *SHAPE))
    return jnp.asarray(np.stack([noise[0], noise[0] + share * noise[1], noise[2]]), jnp.float32)


def test_what_nearly_equal_channels_do_not_share_counts():
    """It is doubled, from 0.2 of the amplitude, and the covariances change by a tenth."""
    one, other = (measured(mixtures(share)) for share in (0.2, 0.4))
    relative = jnp.abs(other.power - one.power)[0] / one.power.real[0].max()
    assert float(relative.max()) < 0.3
    found = BETWEEN.difference(other, one).power[0]
    assert float(jnp.abs(found).max()) > 1


def test_waves_are_counted_in_units_of_their_matrix():
    """L⁻¹ (P − P*) L⁻*, L from P* and a share of its diagonal, in double precision."""
    moments, target = (measured(mixtures(share)) for share in (0.4, 0.2))
    found = BETWEEN.difference(moments, target)
    shares = np.asarray(BETWEEN._shares(BETWEEN.bank.first), np.float64)
    for name, share in (("power", shares), ("outside", None)):
        one, other = (np.asarray(getattr(m, name), complex) for m in (moments, target))
        if share is None:
            ends = [BETWEEN.bank.lowpass]
            share = np.asarray(BETWEEN._shares(ends), np.float64)[..., 0]
            one, other = one[1:], other[1:]
        own = np.eye(3) * np.real(np.diagonal(other, axis1=-2, axis2=-1))[..., None]
        root = np.linalg.inv(np.linalg.cholesky(other + share[..., None, None] * own))
        wanted = root @ (one - other) @ root.conj().swapaxes(-1, -2)
        got = np.asarray(getattr(found, name))[-len(wanted) :]
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def test_the_share_is_larger_where_few_waves_tell():
    bank = morlet_bank((64, 64), 4, 4)
    shares = BetweenChannels(bank, 3)._shares(bank.first)
    np.testing.assert_allclose(shares[:2], 0.01, rtol=0.3)
    np.testing.assert_allclose(shares[3] / shares[2], 4, rtol=0.1)
    eight = BetweenChannels(bank, 8)._shares(bank.first)
    np.testing.assert_allclose(eight[3] / shares[3], 8 / 3, rtol=1e-5)


def by_finer_scale(squares, count, scales, angles):
    """Root mean square of what is at each scale, of two scales at the shorter one."""
    finer = [pairs(count, k, angles)[1] % ((k + 1) * angles) // angles for k in range(scales)]
    order = {"modulus": np.concatenate(finer)}
    rows = angles * count * (count - 1)
    order["phase"] = np.concatenate(
        [np.tile(np.arange((k + 1) * angles) // angles, rows) for k in range(scales)]
    )
    order["power"] = np.repeat(np.arange(scales), angles * count**2)
    return {
        block: [
            np.sqrt(getattr(squares, block).ravel()[index == scale].mean())
            for scale in range(scales)
        ]
        for block, index in order.items()
    }


def test_covariances_of_noise_are_as_far_apart_at_every_scale():
    """In units of N^{-1/2}, within a factor of 1.8; without them they differ by 4 and more."""
    bank = morlet_bank((128, 128), 4, 2)
    descriptor = BetweenChannels(bank, 2)
    spectra = [
        channel_spectra(jnp.asarray(white((2, 128, 128), seed), jnp.float32), bank).between
        for seed in range(12)
    ]
    pairs_of_fields = list(itertools.pairwise(spectra))
    squares = [
        jax.tree.map(lambda d: jnp.abs(d) ** 2, descriptor._in_noise(one, other))
        for one, other in pairs_of_fields
    ]
    mean = jax.tree.map(lambda *each: np.mean(each, axis=0), *squares)
    for block, levels in by_finer_scale(mean, 2, 4, 2).items():
        assert max(levels) / min(levels) < 1.8, (block, levels)


def test_matrices_that_are_not_positive_give_finite_differences():
    """Targets of fields of which a part is kept need not be moments of any field."""
    one, other = (measured(channels(seed)) for seed in (0, 1))
    shared = one.power * (1 + 3 * (1 - np.eye(3)))
    odd = eqx.tree_at(lambda b: b.power, one, shared)
    assert np.linalg.eigvalsh(shared).min() < 0
    for distance in BETWEEN.residual(other, odd).values():
        assert np.isfinite(float(distance))
