"""The cascade: against the oracle, against kymatio's numbers, gradients and laws."""

from functools import cache
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from data.make_kymatio import CONFIGS, INPUTS
from fields import picture, white
from hypothesis import given, settings
from hypothesis import strategies as st

from synth import EXACT, max_scales, morlet_bank, paths, scatter, scatter_local
from synth.parallel.mesh import Room
from synth.transforms import scattering, windows
from synth.transforms.windows import modulus

KYMATIO = np.load(Path(__file__).parent / "data" / "kymatio.npz")

_scatter = jax.jit(scatter)
_bank = cache(morlet_bank)
_oracle_bank = cache(oracles.bank)


def relative_errors(field, bank, expected):
    _, first, residual, second = expected
    got = _scatter(jnp.asarray(field, jnp.float32), bank)
    errors = np.abs(got.order1 / first - 1).max(), np.abs(got.order2 / second - 1).max()
    return *errors, abs(float(got.residual) - residual)


@pytest.mark.parametrize("shape", [(256, 256), (200, 300), (97, 131)])
@pytest.mark.parametrize("name", ["white", "turbulence", "sparse"])
def test_moments_equal_the_oracle(shape, name):
    field = white(shape) if name == "white" else picture(name, shape)
    expected = oracles.moments(field, _oracle_bank(shape, max_scales(shape), 8))
    exact = relative_errors(field, _bank(shape, oversampling=EXACT), expected)
    assert max(exact) <= 1e-4
    order1, order2, residual = relative_errors(field, _bank(shape), expected)
    assert order1 <= 0.01
    assert order2 <= 0.02
    assert residual <= 1e-6


CONFIGURATIONS = [(name, *sizes) for name, each in CONFIGS.items() for sizes in each]


def _kymatio_angle(theta, num_angles):
    """Our index of kymatio's angle: it counts from a wave along columns, the other way round."""
    return (1 + theta) % num_angles if num_angles % 2 == 0 else None


@pytest.mark.parametrize(("name", "num_scales", "num_angles"), CONFIGURATIONS)
def test_kymatio_is_met_to_the_error_of_its_own_decimation(name, num_scales, num_angles):
    field = INPUTS[name]()
    bank = morlet_bank(field.shape, num_scales, num_angles, tight=False, oversampling=EXACT)
    ours = _scatter(jnp.asarray(field, jnp.float32), bank)
    pairs = {(j, k): p for p, (j, k) in enumerate(_pairs(num_scales))}
    decimated1, decimated2 = oracles.decimated(field, num_scales, num_angles)
    stem = f"{name}_J{num_scales}_L{num_angles}_"
    table = (KYMATIO[stem + key] for key in ("order", "j", "theta", "global", "mean"))
    for order, (j, k), thetas, *values in zip(*table, strict=True):
        a, b = (_kymatio_angle(theta, num_angles) for theta in thetas)
        if order == 1:
            np.testing.assert_allclose(_means(decimated1[j, a]), values, rtol=1e-3)
            np.testing.assert_allclose(values, ours.order1[j, a], rtol=0.015)
        if order == 2:
            np.testing.assert_allclose(_means(decimated2[j, a, k, b]), values, rtol=1e-3)
            np.testing.assert_allclose(values, ours.order2[pairs[j, k], a, b], rtol=0.03)


def _means(pair):
    return [np.mean(one) for one in pair]


def _pairs(num_scales):
    return [(j, k) for k in range(num_scales) for j in range(k)]


@pytest.mark.parametrize("shape", [(32, 32), (27, 40)])
def test_gradient_equals_finite_differences(shape):
    with jax.enable_x64(True):
        bank = morlet_bank(shape, 3, 4, dtype=jnp.float64)
        field, direction = jnp.asarray(white(shape)), jnp.asarray(white(shape, seed=1))
        weights = jnp.asarray(np.random.default_rng(2).uniform(size=len(paths(bank))))

        @jax.jit
        def value(x):
            return jnp.vdot(weights, scatter(x, bank).flatten() ** 2)

        slope = jnp.vdot(jax.grad(value)(field), direction)
        step = 1e-5
        ahead, behind = (value(field + sign * step * direction) for sign in (1, -1))
        assert float(slope) == pytest.approx(float(ahead - behind) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("transform", [lambda x, bank: scatter(x, bank).flatten(), scatter_local])
def test_the_bank_counts_as_constant(transform):
    field = jnp.asarray(white((32, 32)), jnp.float32)
    slopes = eqx.filter_grad(lambda bank: transform(field, bank).sum())
    leaves = jax.tree.leaves(slopes(_bank((32, 32), 3, 4)))
    # Filters of both layers, low-pass and its two factors, residual band.
    assert len(leaves) == 3 + 2 + 3 + 1
    assert all(np.all(np.asarray(leaf) == 0) for leaf in leaves)


def test_euler_s_identity_of_a_homogeneous_statistic():
    bank = _bank((32, 32), 3, 4)
    field = jnp.asarray(white((32, 32)), jnp.float32)
    moments, pull = jax.vjp(lambda x: scatter(x, bank).flatten(), field)
    gradients = jax.jit(jax.vmap(lambda v: pull(v)[0]))(jnp.eye(moments.size))
    derivative = jnp.einsum("phw,hw->p", gradients, field)
    np.testing.assert_allclose(derivative, moments, rtol=1e-4, atol=1e-6)


def test_the_modulus_has_a_derivative_at_zero():
    gradient = jax.grad(lambda z: modulus(z).sum())(jnp.zeros(3, jnp.complex64))
    assert np.all(gradient == 0)


fields = st.integers(0, 2**32 - 1)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    seed=fields,
    factor=st.floats(0.01, 100),
    rows=st.integers(0, 31),
    columns=st.integers(0, 47),
)
def test_homogeneous_and_unmoved_by_shifts(seed, factor, rows, columns):
    field = jnp.asarray(white((32, 48), seed), jnp.float32)
    exact = _bank((32, 48), 4, 4, oversampling=EXACT)
    moments = _scatter(field, exact).flatten()
    np.testing.assert_allclose(
        _scatter(factor * field, exact).flatten(), factor * moments, rtol=1e-3, atol=1e-5 * factor
    )
    shifted = jnp.roll(field, (rows, columns), (0, 1))
    np.testing.assert_allclose(_scatter(shifted, exact).flatten(), moments, rtol=1e-3, atol=1e-5)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=fields)
def test_a_quarter_turn_rolls_the_angles(seed):
    field = jnp.asarray(white((32, 32), seed), jnp.float32)
    exact = _bank((32, 32), 4, 8, oversampling=EXACT)
    moments, turned = _scatter(field, exact), _scatter(jnp.rot90(field), exact)
    np.testing.assert_allclose(turned.order1, jnp.roll(moments.order1, 4, 1), rtol=1e-3)
    np.testing.assert_allclose(turned.order2, jnp.roll(moments.order2, (4, 4), (1, 2)), rtol=1e-2)


@pytest.mark.parametrize("oversampling", [0, EXACT])
def test_contraction(oversampling):
    bank = _bank((32, 48), 4, 4, oversampling=oversampling)
    for seed in range(200):
        x, y = _pair(seed)
        distance = np.sqrt(np.mean((x - y) ** 2))
        moments = _scatter(x, bank).flatten() - _scatter(y, bank).flatten()
        assert np.linalg.norm(moments) <= distance


def _pair(seed):
    """White, smooth, sparse and nearly equal fields, where a contraction would fail first."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, 32, 48))
    kind = seed % 4
    if kind == 1:
        x, y = (np.cumsum(np.cumsum(z, 0), 1) / 30 for z in (x, y))
    if kind == 2:
        x, y = (z * (rng.uniform(size=z.shape) < 0.02) for z in (x, y))
    if kind == 3:
        y = x + 1e-2 * y
    return jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)


def test_a_layer_of_a_tight_bank_keeps_the_norm():
    bank = _bank((32, 48), 4, 4, oversampling=EXACT)
    field = white((32, 48))
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(field))) ** 2 / field.size**2
    filters = [*bank.first, bank.lowpass, bank.residual]
    kept = sum(float((np.asarray(band.filters) ** 2 * spectrum).sum()) for band in filters)
    assert kept == pytest.approx((field**2).mean(), rel=1e-5)


def test_one_scale_has_no_pairs_on_whatever_grid():
    bank = _bank((16, 16), 1, 2)
    field = jnp.asarray(white((16, 16)), jnp.float32)
    assert _scatter(field, bank).order2.shape == (0, 2, 2)
    assert scatter_local(field, bank).shape == (4, 8, 8)


@pytest.mark.parametrize(("num_scales", "num_angles"), [(1, 4), (3, 4), (4, 8), (2, 3)])
@pytest.mark.parametrize("tight", [True, False])
def test_the_table_of_paths_names_every_number(num_scales, num_angles, tight):
    bank = _bank((32, 32), num_scales, num_angles, tight=tight)
    table = paths(bank)
    moments = _scatter(jnp.asarray(white((32, 32)), jnp.float32), bank)
    count = 1 + num_scales * num_angles + num_angles**2 * num_scales * (num_scales - 1) // 2
    assert len(table) == moments.flatten().size == count + tight
    assert [row.order for row in table] == sorted(row.order for row in table)


def test_a_wave_lights_up_its_own_path():
    bank = _bank((64, 64), 4, 8)
    table = paths(bank)
    for wanted in (path for path in table if path.order == 1 and path.scales[0] >= 0):
        (frequency,), (angle,) = wanted.frequencies, wanted.angles
        rows, columns = np.mgrid[:64, :64]
        cycles = np.round(64 / (2 * np.pi) * frequency * np.array([np.sin(angle), np.cos(angle)]))
        wave = np.cos(2 * np.pi * (cycles[0] * rows + cycles[1] * columns) / 64)
        first = _scatter(jnp.asarray(wave, jnp.float32), bank).order1
        j, index = np.unravel_index(np.argmax(first), first.shape)
        assert table[1 + j * 8 + index] == wanted


def test_the_default_has_1857_moments_and_a_residual_band():
    assert len(paths(morlet_bank((256, 256), tight=False))) == 1857
    assert len(paths(morlet_bank((256, 256)))) == 1858


def test_a_bank_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"The field is \(32, 32\) but the bank was made for"):
        scatter(jnp.zeros((32, 32)), _bank((32, 48), 4, 4))


def test_large_pictures_are_measured_a_few_angles_at_a_time(monkeypatch):
    """With the same moments and the same derivative."""
    bank = morlet_bank((33, 40), 3, 4)
    field = jax.random.normal(jax.random.key(5), (33, 40))

    def measured():
        jax.clear_caches()
        slope = jax.grad(lambda x: (scatter(x, bank).flatten() ** 2).sum())
        return scatter(field, bank).flatten(), slope(field)

    usual = measured()
    for module in (scattering, windows):
        monkeypatch.setattr(module, "room", lambda: Room(1, 0, 0))
    little = measured()
    jax.clear_caches()
    for one, other in zip(little, usual, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
