"""Averages by products of rows and columns: against the filter itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import white

from synth import EXACT, MAPS, morlet_bank
from synth.transforms.kernels import averages, kernels_of


@pytest.mark.parametrize("shape", [(48, 48), (27, 40)])
@pytest.mark.parametrize("num_angles", [1, 3, 8])
@pytest.mark.parametrize("oversampling", [0, EXACT, MAPS])
def test_the_products_add_up_to_the_filter(shape, num_angles, oversampling):
    bank = morlet_bank(shape, 3, num_angles, oversampling=oversampling)
    lowpass = np.asarray(bank.lowpass.filters[0], np.float64)
    rows, columns = (np.asarray(one, np.float64) for one in jax.tree.leaves(bank.kernels))
    parity = np.sign(np.einsum("rk,rk->r", columns, columns[:, ::-1]))  # of sines negative
    whole = np.einsum("r,rk,rm->km", parity, rows, columns)
    inner = tuple(slice(1 - n % 2, n) for n in lowpass.shape)  # a lone −K is shared with K
    bound = 2e-3 if oversampling == MAPS else 2e-6
    assert np.abs(whole[inner] - lowpass[inner]).max() <= bound


@pytest.mark.parametrize("grid", [(24, 36), (12, 18), (23, 35)])
def test_averages_are_those_of_the_fourier_transform(grid):
    """On whatever grid a map is sampled, as far as it holds the filter's frequencies."""
    field = white((7, 7))
    rows, columns = (np.arange(-3, 4) for _ in range(2))
    lowpass = np.exp(-(rows[:, None] ** 2 + columns**2 + 0.5 * rows[:, None] * columns) / 4)
    spectrum = np.fft.fftshift(np.fft.fft2(field)) / 49

    def at(points, gains):
        waves = [np.exp(2j * np.pi * np.outer(x, np.arange(-3, 4))) for x in points]
        return (waves[0] @ (gains * spectrum) @ waves[1].T).real

    maps = at([np.arange(n) / n for n in grid], 1)
    points = np.array([0.1, 0.35, 0.8]), np.array([0.0, 0.77])
    kernels = kernels_of(lowpass, dtype=jnp.float32)
    assert len(kernels.rows) > 1
    found = averages(jnp.asarray(maps, jnp.float32), kernels, points)
    np.testing.assert_allclose(found, at(points, lowpass), rtol=1e-4, atol=1e-5)


def test_a_product_is_one_product():
    rows, columns = np.exp(-(np.arange(-4, 4) ** 2) / 5), np.exp(-(np.arange(-3, 4) ** 2) / 3)
    assert kernels_of(np.outer(rows, columns)).rows.shape == (1, 9)
