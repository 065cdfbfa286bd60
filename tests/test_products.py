"""Sums over half of the frequencies against those over all of them."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import white

from synth import EXACT, morlet_bank
from synth.parallel import mesh
from synth.transforms.products import combs_of_maps, combs_of_spectrum, products
from synth.transforms.responses import comb_grid
from synth.transforms.windows import centered_spectrum

SHAPES = [(32, 32), (27, 40), (45, 50), (33, 21)]


def fields(shape, count=3):
    return np.stack([white(shape, seed) for seed in range(count)])


def on_all_frequencies(every, bank, band):
    """Σ |ψ|² X_r X_s* by NumPy, on the whole square."""
    spectra = np.fft.fftshift(np.fft.fft2(every), axes=(-2, -1)) / every[0].size
    found = []
    for filter_, start in zip(np.asarray(band.filters), np.asarray(band.starts), strict=True):
        row, column = start + np.array(bank.shape) // 2
        window = spectra[:, row : row + filter_.shape[0], column : column + filter_.shape[1]]
        flat = (window * filter_).reshape(len(every), -1)
        found.append(flat @ flat.conj().T)
    return np.stack(found)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("oversampling", [0, EXACT])
def test_half_of_the_frequencies_tells_all(shape, oversampling):
    bank = morlet_bank(shape, 3, 3, oversampling=oversampling).with_responses()
    every = fields(shape)
    for band, weights in zip((bank.first[0], *bank.second), bank.responses, strict=True):
        combs = combs_of_maps(jnp.asarray(every, jnp.float32), weights.grid, 3)
        wanted = on_all_frequencies(every, bank, band)
        np.testing.assert_allclose(
            products(combs, weights), wanted, atol=2e-6 * np.abs(wanted).max()
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_combs_of_a_spectrum_are_those_of_its_maps(shape):
    every = jnp.asarray(fields(shape), jnp.float32)
    grid = comb_grid(shape, shape, 4)
    own, other = (
        combs_of_spectrum(centered_spectrum(every, shape), grid, 4),
        combs_of_maps(every, grid, 4),
    )
    assert own.shape == (2, 3, 4, *grid)
    np.testing.assert_allclose(own, other, atol=1e-7)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0, 1])
def test_counted_frequencies_sum_up_to_a_covariance(shape, scale):
    bank = morlet_bank(shape, 2, 4).with_responses()
    every = fields(shape, 2)
    response, band = bank.responses[scale], (bank.first[0], *bank.second)[scale]
    a, b = combs_of_maps(jnp.asarray(every, jnp.float32), response.grid, 4).swapaxes(0, 1)
    x, y = np.fft.fft2(every) / every[0].size
    inside = [
        np.abs(np.fft.fftfreq(n, 1 / n)) <= side // 2 if side < n else np.ones(n, bool)
        for n, side in zip(shape, band.box, strict=True)
    ]
    seen = inside[0][:, None] & inside[1]
    seen[0, 0] = False
    wanted = np.sum(seen * x * y.conj()).real
    assert float(jnp.sum(response.count * a * b)) == pytest.approx(wanted, abs=1e-6)
    if scale == 0:  # whose box is the whole square
        assert wanted == pytest.approx(np.mean(every[0] * every[1]) - np.prod(every.mean((1, 2))))


def test_parts_of_the_frequencies_add_up(monkeypatch):
    weights = morlet_bank((64, 64), 2, 4).with_responses().responses[0]
    combs = combs_of_maps(jnp.asarray(fields((64, 64)), jnp.float32), weights.grid, 4)
    mixed = np.random.default_rng(0).normal(size=(2, 4, 3, 3))

    def total(combs):
        found = products(combs, weights)
        return jnp.sum(mixed[0] * found.real + mixed[1] * found.imag)

    at_once = jax.value_and_grad(total)(combs)
    monkeypatch.setitem(mesh._ROOM, "cpu", mesh.Room(2**16, 2**26, 2**28))
    assert "scan" in str(jax.make_jaxpr(total)(combs))
    for part, whole in zip(jax.value_and_grad(total)(combs), at_once, strict=True):
        np.testing.assert_allclose(part, whole, rtol=1e-5, atol=1e-7)


def test_slopes_are_those_of_differences():
    mixed = np.random.default_rng(0).normal(size=(2, 2, 2, 2))
    with jax.enable_x64(True):
        weights = morlet_bank((16, 18), 2, 2, dtype=jnp.float64).with_responses().responses[1]
        shape = (2, 2, *weights.count.shape[1:])
        combs, step = jnp.asarray(np.random.default_rng(1).normal(size=(2, *shape)))

        def total(combs):
            found = products(combs, weights)
            return jnp.sum(mixed[0] * found.real + mixed[1] * found.imag)

        wanted = (total(combs + 1e-4 * step) - total(combs - 1e-4 * step)) / 2e-4
        assert float(jnp.sum(jax.grad(total)(combs) * step)) == pytest.approx(float(wanted))


def test_banks_keep_their_responses():
    bank = morlet_bank((64, 48), 3, 4)
    assert not bank.responses
    full = bank.with_responses()
    assert full.with_responses() is full
    for other in (full.on((40, 64)), full.halved(), full.sampled(1)):
        anew = replace(other, responses=()).with_responses()
        assert other.responses[0].grid != full.responses[0].grid or other.oversampling
        for a, b in zip(jax.tree.leaves(other), jax.tree.leaves(anew), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not bank.halved().responses
    traced = jax.jit(lambda bank: bank.with_responses().responses)(bank)
    for a, b in zip(jax.tree.leaves(traced), jax.tree.leaves(full.responses), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("n", [30, 150, 256, 257, 300])
@pytest.mark.parametrize("combs", [1, 3, 4, 8])
def test_combs_hold_all_rows_and_can_be_cut(n, combs):
    rows, columns = comb_grid((n, n), (n, n), combs)
    assert rows * combs >= n
    assert rows % 2 == 0
    assert rows * combs <= 1.2 * n + 2 * combs
    assert rows % 8 == 0 or rows <= 32
    assert columns == n // 2 + 1
    inner, _ = comb_grid((n - 8, n - 8), (n, n), combs)
    assert inner * combs >= n - 7  # the box and its opposite
