"""Scattering spectra: against the oracle, gradients, laws, the table of paths."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from fields import picture, white
from hypothesis import given, settings
from hypothesis import strategies as st

from synth import EXACT, max_scales, morlet_bank, scattering_spectra, spectra_paths
from synth.statistics import ScatteringSpectra
from synth.transforms.fourier import radial_frequency

LINES = ("mean", "power", "above", "below", "modulus", "c01", "c11")

_bank = cache(morlet_bank)
_oracle_bank = cache(oracles.bank)


def measure(field, bank, **options):
    return scattering_spectra(jnp.asarray(field, jnp.float32), bank, **options)


def matrices(c11, bank):
    """Products as Hermitian matrices [m, i, l, j, l], one per coarse scale."""
    full, start = [], 0
    for k in range(1, bank.num_scales + 1):
        rows, columns = np.triu_indices(k * bank.num_angles)
        part = np.asarray(c11)[start : start + len(rows)].T
        matrix = np.zeros((len(part), rows[-1] + 1, rows[-1] + 1), part.dtype)
        matrix[:, columns, rows] = part.conj()
        matrix[:, rows, columns] = part
        full.append(matrix.reshape(-1, k, bank.num_angles, k, bank.num_angles))
        start += len(rows)
    return full


def rows_of(full):
    """The table c11 of such matrices."""
    square = [matrix.reshape(len(matrix), np.prod(matrix.shape[1:3]), -1) for matrix in full]
    return np.concatenate([m[:, *np.triu_indices(m.shape[-1])].T for m in square])


# The oracle


def expected(field, bank):
    """The oracle's numbers row by row of the table, and what each is divided by."""
    num_angles = bank.num_angles
    filters = _oracle_bank(bank.shape, bank.num_scales, num_angles)
    power, modulus, (above, below), c01, c11 = oracles.spectra(field, filters)

    def number(row):
        angles = tuple(round(angle * num_angles / np.pi) for angle in row.angles)
        size = np.prod([power[wave] for wave in zip(row.scales, angles, strict=True)][:2])
        match row.name:
            case "mean":
                return np.mean(field), 1.0
            case "power":
                return power[row.scales + angles], power[row.scales + angles]
            case "above" | "below":
                value = {"above": above, "below": below}[row.name]
                return value, value
            case "modulus":
                return modulus[row.scales + angles], np.sqrt(size)
        value = {"c01": c01, "c11": c11}[row.name][row.scales][angles]
        return value.imag if row.imaginary else value.real, np.sqrt(size)

    return np.transpose([number(row) for row in spectra_paths(bank)])


@pytest.mark.parametrize(
    ("shape", "num_angles"), [((64, 64), 4), ((97, 131), 4), ((48, 80), 4), ((48, 80), 5)]
)
@pytest.mark.parametrize("name", ["white", "turbulence", "sparse"])
def test_spectra_equal_the_oracle(shape, num_angles, name):
    field = white(shape) + 0.5 if name == "white" else picture(name, shape)
    scales = max_scales(shape)
    exact = _bank(shape, scales, num_angles, oversampling=EXACT)
    wanted, size = expected(field, exact)
    names = np.array([row.name for row in spectra_paths(exact)])
    for bank, tolerance in ((exact, 1e-5), (_bank(shape, scales, num_angles), 0.01)):
        errors = (np.asarray(measure(field, bank).flatten(), np.float64) - wanted) / size
        for line in LINES:
            own = names == line
            assert np.abs(errors[own]).max() <= tolerance, line
            norm = 1 if line == "mean" else np.linalg.norm((wanted / size)[own])
            assert np.linalg.norm(errors[own]) <= tolerance * norm, line


@pytest.mark.parametrize(("num_scales", "num_angles"), [(1, 4), (3, 4), (4, 2), (2, 3), (2, 1)])
@pytest.mark.parametrize("isotropic", [False, True])
@pytest.mark.parametrize("tight", [True, False])
def test_the_table_names_every_number(num_scales, num_angles, isotropic, tight):
    bank = _bank((32, 32), num_scales, num_angles, tight=tight)
    table = spectra_paths(bank, isotropic=isotropic)
    field = jax.ShapeDtypeStruct(bank.shape, jnp.float32)
    spectra = jax.eval_shape(lambda x: scattering_spectra(x, bank, isotropic=isotropic), field)
    assert len(table) == jax.eval_shape(lambda s: s.flatten(), spectra).size
    sizes = {name: sum(row.name == name for row in table) for name in LINES}
    parts = 1 if isotropic else 2
    waves = [num_angles * (k + 1) for k in range(num_scales)]
    last = 1 if isotropic else num_angles
    assert sizes["c01"] == parts * num_angles * last * num_scales * (num_scales + 1) // 2
    assert sizes["c11"] == last * sum(
        n * (n + 1) // 2 + (parts - 1) * n * (n - 1) // 2 for n in waves
    )
    for name in LINES:
        real = sum(row.name == name and not row.imaginary for row in table)
        assert getattr(spectra, name).size == real
    order = [(row.imaginary, LINES.index(row.name)) for row in table]
    assert order == sorted(order)


@pytest.mark.parametrize("isotropic", [False, True])
@pytest.mark.parametrize(("shape", "num_angles"), [((64, 64), 4), ((27, 40), 3), ((32, 32), 1)])
def test_no_number_is_zero_whatever_the_field(shape, num_angles, isotropic):
    bank = _bank(shape, max_scales(shape), num_angles)
    normalized = ScatteringSpectra(bank, isotropic).normalized

    def numbers(seed):
        spectra = measure(white(shape, seed) ** 3 + 0.5, bank, isotropic=isotropic)
        return np.abs(normalized(spectra, spectra).flatten())

    largest = np.max([numbers(seed) for seed in range(4)], axis=0)
    zeros = np.flatnonzero(largest < 1e-6)
    assert [spectra_paths(bank, isotropic=isotropic)[index] for index in zeros] == []


def test_what_is_left_out_is_zero():
    bank = _bank((32, 32), 3, 4)
    c11 = measure(white((32, 32)), bank).c11
    for matrix in matrices(c11, bank):
        square = matrix.reshape(len(matrix), np.prod(matrix.shape[1:3]), -1)
        diagonal = np.diagonal(square, axis1=1, axis2=2)
        assert np.all(np.abs(diagonal.imag) <= 1e-6 * diagonal.real)


@pytest.mark.parametrize(("size", "count"), [(128, 6547), (256, 9915), (512, 14275), (1024, 19755)])
def test_numbers_of_the_usual_bank(size, count):
    bank = _bank((size, size), max_scales((size, size)) - 1, 4)
    assert len(spectra_paths(bank)) == count


# Gradients


@pytest.mark.parametrize(
    ("shape", "isotropic", "oversampling"),
    [((32, 32), False, 0), ((27, 40), False, 0), ((27, 40), True, 0), ((24, 30), True, EXACT)],
)
def test_gradient_equals_finite_differences(shape, isotropic, oversampling):
    with jax.enable_x64(True):
        scales = 3 if shape == (32, 32) else 2
        bank = morlet_bank(shape, scales, 4, dtype=jnp.float64, oversampling=oversampling)
        field, direction = jnp.asarray(white(shape)), jnp.asarray(white(shape, seed=1))
        count = len(spectra_paths(bank, isotropic=isotropic))
        weights = jnp.asarray(np.random.default_rng(2).uniform(size=count))

        @jax.jit
        def value(x):
            spectra = scattering_spectra(x, bank, isotropic=isotropic)
            return jnp.vdot(weights, jnp.cos(4 * spectra.flatten()))

        slope = jnp.vdot(jax.grad(value)(field), direction)
        step = 1e-5
        ahead, behind = (value(field + sign * step * direction) for sign in (1, -1))
        assert float(slope) == pytest.approx(float(ahead - behind) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("isotropic", [False, True])
def test_euler_s_identity(isotropic):
    bank = _bank((32, 32), 2, 4)
    field = jnp.asarray(white((32, 32)), jnp.float32)
    values, pull = jax.vjp(
        lambda x: scattering_spectra(x, bank, isotropic=isotropic).flatten(), field
    )
    gradients = jax.jit(jax.vmap(lambda v: pull(v)[0]))(jnp.eye(values.size))
    derivative = jnp.einsum("phw,hw->p", gradients, field)
    linear = [row.name in ("mean", "modulus") for row in spectra_paths(bank, isotropic=isotropic)]
    degree = np.where(linear, 1, 2)
    np.testing.assert_allclose(derivative, degree * values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("isotropic", [False, True])
def test_the_bank_counts_as_constant(isotropic):
    field = jnp.asarray(white((32, 32)), jnp.float32)

    @eqx.filter_grad
    def slopes(bank):
        return scattering_spectra(field, bank, isotropic=isotropic).flatten().sum()

    leaves = jax.tree.leaves(slopes(_bank((32, 32), 3, 4)))
    # Filters of both layers, low-pass and its two factors, residual band.
    assert len(leaves) == 3 + 2 + 3 + 1
    assert all(np.all(np.asarray(leaf) == 0) for leaf in leaves)


def test_the_gradient_at_a_constant_field_is_finite():
    bank = _bank((32, 32), 2, 4)
    gradient = jax.grad(lambda x: scattering_spectra(x, bank).flatten().sum())
    assert np.all(np.isfinite(gradient(jnp.ones((32, 32)))))


# Laws

SQUARE = (32, 32)


def exact():
    return _bank(SQUARE, 3, 4, oversampling=EXACT)


def assert_near(got, wanted, tolerance=1e-4):
    """Equal, measured against the largest number of each line."""
    for name in LINES:
        a, b = (np.asarray(getattr(spectra, name)) for spectra in (got, wanted))
        np.testing.assert_allclose(a, b, atol=tolerance * (1e-2 + np.abs(b).max()), err_msg=name)


def changed(spectra, **functions):
    lines = {name: getattr(spectra, name) for name in LINES}
    return type(spectra)(
        **lines | {name: jnp.asarray(f(lines[name])) for name, f in functions.items()}
    )


seeds = st.integers(0, 2**32 - 1)
law = settings(max_examples=10, deadline=None, derandomize=True)


@law
@given(
    seed=seeds,
    factor=st.floats(0.01, 100),
    rows=st.integers(0, 31),
    columns=st.integers(0, 31),
    isotropic=st.booleans(),
)
def test_homogeneous_and_unmoved_by_shifts(seed, factor, rows, columns, isotropic):
    field = white(SQUARE, seed) ** 3
    spectra = measure(field, exact(), isotropic=isotropic)
    moved = measure(np.roll(field, (rows, columns), (0, 1)), exact(), isotropic=isotropic)
    assert_near(moved, spectra)
    scaled = measure(factor * field, exact(), isotropic=isotropic)
    square = {name: lambda x: x / factor**2 for name in LINES}
    linear = {name: lambda x: x / factor for name in ("mean", "modulus")}
    assert_near(changed(scaled, **square | linear), spectra)


@law
@given(seed=seeds, isotropic=st.booleans())
def test_a_change_of_sign_turns_mean_and_c01_and_nothing_else(seed, isotropic):
    field = white(SQUARE, seed) ** 2
    spectra = measure(field, exact(), isotropic=isotropic)
    turned = measure(-field, exact(), isotropic=isotropic)
    assert_near(changed(turned, mean=jnp.negative, c01=jnp.negative), spectra)
    assert np.abs(spectra.c01).max() > 0.02 * np.abs(spectra.power).max()


@law
@given(seed=seeds)
def test_a_quarter_turn_rolls_the_angles_and_conjugates_where_a_wave_wraps(seed):
    field = np.cumsum(white(SQUARE, seed) ** 3, axis=1)  # oriented, and no two directions alike
    bank = exact()
    half = bank.num_angles // 2

    def turned(c, axes, last):
        rolled = np.roll(c, half, axes)
        wrapped = (np.arange(bank.num_angles) >= half).reshape(-1, *(1,) * (c.ndim - 1))
        return np.where(np.moveaxis(wrapped, 0, last), rolled.conj(), rolled)

    spectra = measure(field, bank)
    products = [turned(m, (0, 2, 4), 0) for m in matrices(spectra.c11, bank)]
    roll = {name: lambda x: jnp.roll(x, half, 1) for name in ("power", "modulus")}
    wanted = changed(
        spectra, c01=lambda c: turned(c, (1, 2), 2), c11=lambda _: rows_of(products), **roll
    )
    assert_near(measure(np.rot90(field), bank), wanted)
    assert np.abs(spectra.c01.imag).max() > 0.02 * np.abs(spectra.c01).max()


@law
@given(seed=seeds)
def test_isotropic_is_the_average_over_rotations(seed):
    field = np.cumsum(white(SQUARE, seed) ** 3, axis=1)
    bank = exact()
    plain = measure(field, bank)

    def average(c, axes):
        """Over m, the last axis, of real parts at fixed angles relative to m."""
        rolled = [np.roll(c[..., m].real, -m, axes) for m in range(bank.num_angles)]
        return np.mean(rolled, axis=0)[..., None]

    products = [np.moveaxis(m, 0, -1) for m in matrices(plain.c11, bank)]
    turned = [np.moveaxis(average(m, (1, 3)), -1, 0) for m in products]
    mean = {name: lambda x: x.mean(1, keepdims=True) for name in ("power", "modulus")}
    wanted = changed(
        plain, c01=lambda c: average(np.asarray(c), 1), c11=lambda _: rows_of(turned), **mean
    )
    isotropic = measure(field, bank, isotropic=True)
    assert_near(isotropic, wanted)
    assert_near(measure(np.rot90(field), bank, isotropic=True), isotropic)


@law
@given(seed=seeds)
def test_a_tight_bank_keeps_the_variance(seed):
    field = white(SQUARE, seed) ** 2
    spectra = measure(field, exact())
    kept = spectra.power.sum() + spectra.above + spectra.below
    assert float(kept) == pytest.approx(field.var(), rel=1e-5)


def gaussian(seed):
    """A colored Gaussian field of mean 0 and variance 1."""
    gain = 1 / (0.3 + np.fft.ifftshift(radial_frequency(SQUARE)))
    field = np.fft.ifft2(np.fft.fft2(white(SQUARE, seed)) * gain).real
    return (field - field.mean()) / field.std()


def test_on_average_a_gaussian_field_has_no_c01_and_a_skewed_one_has():
    descriptor = ScatteringSpectra(exact())

    def mean_c01(change):
        each = [measure(change(gaussian(seed)), exact()) for seed in range(24)]
        return np.abs(np.mean([descriptor.normalized(one, one).c01 for one in each], axis=0))

    none, some = mean_c01(lambda x: x), mean_c01(lambda x: np.maximum(x, 1))
    assert none.max() < 0.03
    assert np.sqrt(np.mean(none**2)) < 0.01
    assert np.sqrt(np.mean(some**2)) > 0.1


def test_a_second_field_does_not_compile(compiled):
    bank = _bank((40, 24), 2, 4)
    measure(white((40, 24)), bank)
    del compiled[:]
    measure(white((40, 24), seed=1), bank)
    measure(white((40, 24), seed=1), _bank((40, 24), 2, 4))
    assert not compiled
    measure(white((40, 24)), bank, isotropic=True)
    assert compiled


def test_a_bank_of_another_shape_is_refused():
    message = r"The field is \(32, 32\) but the bank was made for \(32, 48\): make a bank with morl"
    with pytest.raises(ValueError, match=message):
        scattering_spectra(jnp.zeros((32, 32)), _bank((32, 48), 3, 4))
