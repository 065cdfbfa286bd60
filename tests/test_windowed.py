"""Windowed scattering: against the oracle, against kymatio's maps, on batches, at borders."""

import itertools
from functools import cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from data.make_kymatio import INPUTS
from fields import picture, white

from synth import (
    EXACT,
    MAPS,
    morlet_bank,
    padded_shape,
    paths,
    scatter,
    scatter_local,
    scatter_rotations,
)
from synth.errors import InputError
from synth.parallel.mesh import Room
from synth.transforms import windowed, windows

THEIRS = np.load(Path(__file__).parent / "data" / "kymatio-maps.npz")
KYMATIO = np.load(Path(__file__).parent / "data" / "kymatio.npz")

_bank = cache(morlet_bank)
_oracle_bank = cache(oracles.bank)


def as_float32(field):
    return jnp.asarray(field, jnp.float32)


def errors(got, expected, table):
    """Relative error of every order, in the norm of all its maps."""
    orders = np.array([path.order for path in table])
    return [
        np.linalg.norm((got - expected)[orders == order])
        / np.linalg.norm(expected[orders == order])
        for order in sorted(set(orders))
    ]


@pytest.mark.parametrize("max_order", [1, 2, 3])
@pytest.mark.parametrize("tight", [True, False])
@pytest.mark.parametrize(("name", "sizes", "stride"), [("white", (3, 8), 8), ("sparse", (4, 4), 4)])
def test_maps_equal_the_oracle(name, sizes, stride, tight, max_order):
    shape = (96, 160)
    field = white(shape) if name == "white" else picture(name, shape)
    expected = oracles.windowed(field, _oracle_bank(shape, *sizes, tight), stride, max_order)
    for oversampling, bound in ((EXACT, 1e-5), (0, 0.01), (MAPS, 0.015)):
        bank = _bank(shape, *sizes, tight=tight, oversampling=oversampling)
        got = scatter_local(as_float32(field), bank, stride=stride, max_order=max_order)
        assert got.shape == expected.shape
        assert max(errors(got, expected, paths(bank, max_order))) <= bound


@pytest.mark.parametrize(("num_angles", "bound"), [(1, 1e-3), (2, 0.035), (3, 0.015)])
def test_few_angles_have_wide_wavelets_and_wide_windows(num_angles, bound):
    """For one of all directions no map is subsampled; narrower windows begin at four angles."""
    field = as_float32(picture("foam", (48, 48)))
    exact = scatter_local(field, _bank((48, 48), 3, num_angles, oversampling=EXACT))
    usual, lean = (_bank((48, 48), 3, num_angles, oversampling=each) for each in (0, MAPS))
    np.testing.assert_allclose(scatter_local(field, lean), scatter_local(field, usual), atol=1e-2)
    assert max(errors(scatter_local(field, usual), exact, paths(usual))) <= bound


@pytest.mark.parametrize(("num_scales", "num_angles"), [(2, 4), (3, 8)])
def test_kymatio_s_maps_are_met_to_the_error_of_its_own_decimation(num_scales, num_angles):
    stem = f"a_J{num_scales}_L{num_angles}"
    field = INPUTS["a"]()
    bank = morlet_bank(field.shape, num_scales, num_angles, tight=False, oversampling=EXACT)
    table, ours = paths(bank), np.asarray(scatter_local(as_float32(field), bank))
    found = {(path.scales, path.angles): maps for path, maps in zip(table, ours, strict=True)}
    first, second = oracles.decimated(field, num_scales, num_angles)
    exact, theirs = [], THEIRS[stem]
    named = (KYMATIO[f"{stem}_{key}"] for key in ("order", "j", "theta"))
    for order, scales, thetas, maps in zip(*named, theirs, strict=True):
        # It counts angles from a wave along columns, the other way round.
        turned = [(1 + int(theta)) % num_angles for theta in thetas[:order]]
        steps = tuple(int(j) for j in scales[:order])
        exact.append(found[steps, tuple(np.pi * angle / num_angles for angle in turned)])
        if order:
            every = itertools.chain(*zip(steps, turned, strict=True))
            own = (first if order == 1 else second)[tuple(every)][1]
            np.testing.assert_allclose(own, maps, rtol=1e-3)
    assert max(errors(np.array(exact), theirs, table[: len(exact)])) <= 0.02


@pytest.mark.parametrize("oversampling", [0, 1, EXACT])
@pytest.mark.parametrize("stride", [1, 3, 8])
def test_maps_have_the_moments_as_their_mean(oversampling, stride):
    bank = _bank((48, 56), 3, 4, oversampling=oversampling)
    field = as_float32(white((48, 56)) + 3)
    local = scatter_local(field, bank, stride=stride)
    mean, moments = local.mean((-2, -1)), scatter(field, bank).flatten()
    # A stride of 2^J samples a little of what φ_J leaves beyond.
    np.testing.assert_allclose(mean, moments, rtol=1e-2 if stride == 8 else 1e-4, atol=1e-5)


def test_a_map_is_a_convolution_with_the_lowpass():
    bank = _bank((32, 32), 3, 4, oversampling=EXACT)
    field = white((32, 32))
    wavelets, lowpass, _ = oracles.bank((32, 32), 3, 4)
    maps = np.abs(np.fft.ifft2(np.fft.fft2(field) * wavelets[1, 2]))
    expected = np.fft.ifft2(np.fft.fft2(maps) * lowpass).real
    local = scatter_local(as_float32(field), bank, stride=1)
    np.testing.assert_allclose(local[1 + 1 * 4 + 2], expected, rtol=1e-4)


@pytest.mark.parametrize("shape", [(28, 28), (32, 45), (7, 90), (1, 12)])
@pytest.mark.parametrize("stride", [None, 2])
def test_reflected_pictures_are_those_of_a_larger_torus(shape, stride):
    """Whose points lie a stride apart, with equal margins, up to a pixel, on either side."""
    padded, step = padded_shape(shape, 3), stride or 8
    field, bank = white(shape), _bank(padded, 3, 4)
    maps = scatter_local(as_float32(field), bank, stride=stride)
    assert maps.shape[1:] == tuple(-(-size // step) for size in shape)
    margins, points = [], []
    for size, whole, count in zip(shape, padded, maps.shape[1:], strict=True):
        before = (whole - size) // 2
        margins.append((before, whole - size - before))
        points.append(before + (size - 1 - step * (count - 1)) / 2 + step * np.arange(count))
        assert points[-1][0] >= 8  # 2.5 standard deviations of φ_J
        assert points[-1][-1] <= whole - 1 - 8
    torus = np.pad(field, margins, mode="reflect")
    fine = np.fft.fft2(scatter_local(as_float32(torus), bank, stride=1))
    for axis in (-2, -1):  # between the pixels, if equal margins lie there
        size = padded[axis]
        waves = np.exp(2j * np.pi * np.outer(points[axis], np.fft.fftfreq(size)))
        fine = np.moveaxis(np.moveaxis(fine, axis, -1) @ waves.T / size, -1, axis)
    assert max(errors(maps, fine.real, paths(bank))) <= 1e-4


def test_a_reflection_of_the_picture_reflects_the_maps():
    bank = _bank(padded_shape((32, 40), 3), 3, 4, oversampling=EXACT)
    field = white((32, 40))
    ours = scatter_local(as_float32(field), bank)
    half_turn = scatter_local(as_float32(field[::-1, ::-1]), bank)
    assert max(errors(half_turn[:, ::-1, ::-1], np.asarray(ours), paths(bank))) <= 1e-4


TRANSFORMS = {
    "order 1": partial(scatter_local, max_order=1),
    "order 2": scatter_local,
    "order 3": partial(scatter_local, max_order=3),
    "rotations": scatter_rotations,
    "rotations over scales": partial(scatter_rotations, over_scales=True),
}
every_transform = pytest.mark.parametrize("name", TRANSFORMS)


@every_transform
def test_a_batch_is_its_pictures_one_by_one(monkeypatch, name):
    transform = TRANSFORMS[name]
    bank = _bank(padded_shape((20, 24), 2), 2, 4)
    fields = as_float32(np.random.default_rng(0).standard_normal((2, 5, 20, 24)))
    together = transform(fields, bank)
    assert together.shape == (2, 5, together.shape[2], 5, 6)
    one = transform(fields[1, 3], bank)
    np.testing.assert_allclose(together[1, 3], one, rtol=1e-4, atol=1e-6)
    jax.clear_caches()
    for module in (windowed, windows):
        monkeypatch.setattr(module, "room", lambda: Room(1, 0, 0))
    little = transform(fields, bank)
    jax.clear_caches()
    np.testing.assert_allclose(little, together, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("transform", [scatter_local, scatter_rotations])
def test_another_batch_of_the_same_shape_does_not_compile(transform):
    bank = morlet_bank((16, 20), 2, 2)
    transform(jnp.zeros((3, 16, 20)), bank)
    before = transform._cache_size()
    transform(jnp.ones((3, 16, 20)), morlet_bank((16, 20), 2, 2))
    assert transform._cache_size() == before


@every_transform
@pytest.mark.parametrize("padded", [True, False])
def test_the_gradient_equals_finite_differences(padded, name):
    shape, transform = (24, 30), TRANSFORMS[name]
    with jax.enable_x64(True):
        bank = morlet_bank(padded_shape(shape, 3) if padded else shape, 3, 4, dtype=jnp.float64)
        field, direction = jnp.asarray(white(shape)), jnp.asarray(white(shape, seed=1))

        @jax.jit
        def value(x):
            return jnp.sum(transform(x, bank, stride=4) ** 2)

        slope = jnp.vdot(jax.grad(value)(field), direction)
        ahead, behind = (value(field + step * direction) for step in (1e-5, -1e-5))
        assert float(slope) == pytest.approx(float(ahead - behind) / 2e-5, rel=1e-6)


def test_homogeneous_and_moved_along_with_the_picture():
    bank = _bank((32, 48), 3, 4, oversampling=EXACT)
    field = as_float32(white((32, 48)))
    maps = scatter_local(field, bank)
    np.testing.assert_allclose(scatter_local(7 * field, bank), 7 * maps, rtol=1e-3, atol=1e-5)
    shifted = scatter_local(jnp.roll(field, (8, 16), (0, 1)), bank)
    np.testing.assert_allclose(shifted, jnp.roll(maps, (1, 2), (1, 2)), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("num_scales", "num_angles"), [(1, 4), (3, 4), (4, 2)])
@pytest.mark.parametrize("tight", [True, False])
def test_the_table_of_paths_names_every_map(num_scales, num_angles, tight):
    bank = _bank((32, 32), num_scales, num_angles, tight=tight)
    for max_order in (1, 2, 3):
        table = paths(bank, max_order)
        maps = scatter_local(as_float32(white((32, 32))), bank, max_order=max_order)
        assert len(table) == len(set(table)) == len(maps)
        assert [row.order for row in table] == sorted(row.order for row in table)
        assert all(list(row.scales) == sorted(set(row.scales)) for row in table)


BAD = [
    (((20, 20), (24, 20)), {}, r"The fields are \(20, 20\) but the bank was made for \(24, 20\)"),
    (((24, 24), (24, 24)), {"stride": 9}, "The stride 9 does not suit 3 scales: choose 1 to 8"),
    (((24, 24), (24, 24)), {"max_order": 4}, "The order 4 is out of range: choose 1 to 3"),
    (((24, 24), (24, 24)), {"max_order": 0}, "The order 0 is out of range: choose 1 to 3"),
]


@pytest.mark.parametrize(("shapes", "options", "message"), BAD)
def test_what_does_not_fit_is_refused_in_a_sentence(shapes, options, message):
    with pytest.raises(InputError, match=message):
        scatter_local(jnp.zeros(shapes[0]), _bank(shapes[1], 3, 2), **options)
