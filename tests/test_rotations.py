"""Scattering along rotations: against an oracle, under rotations, and what it alone tells apart."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from fields import picture, white

from synth import EXACT, MAPS, morlet_bank, padded_shape, paths, scatter_local
from synth.errors import InputError
from synth.transforms.rotations import (
    num_rotations,
    rotation_filters,
    rotation_paths,
    scatter_rotations,
)

_bank = cache(morlet_bank)
_oracle_bank = cache(oracles.bank)


def as_float32(field):
    return jnp.asarray(field, jnp.float32)


def cycle_filters(size):
    """Low-pass and wavelets along a cycle of angles, by definition."""
    count = max(1, int(np.log2(size)) - 1) if size > 1 else 0
    frequencies = 2 * np.pi * (np.fft.fftfreq(size)[:, None] + np.arange(-6, 7))

    def gaussian(scale, center):
        return np.exp(-((0.8 * scale * (frequencies - center)) ** 2) / 2).sum(1)

    def morlet(scale):
        wave, around = gaussian(scale, 3 * np.pi / 4 / scale), gaussian(scale, 0)
        return wave - wave[0] / around[0] * around

    lowpass = gaussian(2 ** max(0, count - 1), 0)
    wavelets = [morlet(2**q) for q in range(count)]
    total = lowpass**2 + sum(v**2 + np.roll(v[::-1], 1) ** 2 for v in wavelets) / 2
    return [filter_ / np.sqrt(total) for filter_ in (lowpass, *wavelets)]


def oracle(field, filters, stride):
    """All maps at every ``stride``-th pixel: full grids, all of the cycle of 2L angles."""
    wavelets, phi, residual = filters
    num_scales, num_angles = wavelets.shape[:2]
    lowpass, *once = cycle_filters(num_angles)
    twice = cycle_filters(2 * num_angles)
    opposite = [[oracles.opposite(psi) for psi in band] for band in wavelets]
    around = np.concatenate([wavelets, opposite], axis=1)  # θ in [0, 2π)

    def averages(maps):
        smooth = np.fft.ifft2(np.fft.fft2(maps) * phi).real
        return smooth[..., ::stride, ::stride]

    def along(maps, filter_):
        return np.abs(np.fft.ifft(np.fft.fft(maps, axis=0) * filter_[:, None, None], axis=0))

    spectrum = np.fft.fft2(np.asarray(field, np.float64))
    first = np.abs(np.fft.ifft2(spectrum * wavelets))
    local = averages(first)
    found = [averages(field), *local.mean(1)]
    if residual is not None:
        found.append(averages(np.abs(np.fft.ifft2(spectrum * residual))))
    found += [along(local[j], psi).mean(0) for j in range(num_scales) for psi in once]
    spectra = np.concatenate([np.fft.fft2(first)] * 2, axis=1)
    for k in range(num_scales):
        for j in range(k):
            for m in range(num_angles):
                waves = np.fft.ifft2(spectra[j] * np.roll(around[k], -m, axis=0))
                found += [averages(along(waves, filter_).mean(0)) for filter_ in twice]
    return np.array(found)


def errors(got, expected, table):
    """Relative error of the averages and of the wavelets along rotations, order by order."""
    kinds = np.array([2 * path.order + (path.rotation is not None) for path in table])
    return [
        np.linalg.norm((got - expected)[kinds == kind]) / np.linalg.norm(expected[kinds == kind])
        for kind in sorted(set(kinds))
    ]


def means(field, bank, transform=scatter_rotations, **options):
    """Averages over the picture, without that of order 0."""
    return np.asarray(transform(as_float32(field), bank, **options).mean((-2, -1))[..., 1:])


def change(before, after):
    return np.linalg.norm(after - before) / np.linalg.norm(before)


@pytest.mark.parametrize("name", ["white", "turbulence"])
@pytest.mark.parametrize(
    ("sizes", "stride", "bounds"),
    [
        ((3, 4, True), 8, {EXACT: 1e-5, 0: 0.01, MAPS: 0.01}),
        ((2, 8, False), 4, {EXACT: 1e-5, MAPS: 0.01}),
        ((3, 1, True), 4, {EXACT: 1e-5}),  # one wavelet of all angles is wider than such windows
    ],
)
def test_maps_equal_the_oracle(name, sizes, stride, bounds):
    shape = (96, 112)
    field = white(shape) if name == "white" else picture(name, shape)
    num_scales, num_angles, tight = sizes
    expected = oracle(field, _oracle_bank(shape, *sizes), stride)
    for oversampling, bound in bounds.items():
        bank = _bank(shape, num_scales, num_angles, tight=tight, oversampling=oversampling)
        got = scatter_rotations(as_float32(field), bank, stride=stride)
        assert got.shape == expected.shape
        assert max(errors(got, expected, rotation_paths(bank))) <= bound


@pytest.mark.parametrize("name", ["white", "turbulence"])
def test_windows_keep_the_sums_of_waves(name):
    """Of a picture so large that those of the default bank are parts of the square."""
    shape = (224, 160)
    field = as_float32(white(shape) if name == "white" else picture(name, shape))
    exact, usual = (_bank(shape, 3, 4, oversampling=each) for each in (EXACT, 0))
    expected = scatter_rotations(field, exact)
    assert max(errors(scatter_rotations(field, usual), expected, rotation_paths(usual))) <= 2e-3


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 8, 12, 16, 20, 128])
def test_filters_along_rotations_keep_the_norm(size):
    lowpass, wavelets = rotation_filters(size)
    assert wavelets.shape == (num_rotations(size), size)
    energy = (wavelets**2).sum(0)
    total = lowpass**2 + (energy + np.roll(energy[::-1], 1)) / 2
    np.testing.assert_allclose(total, 1, atol=1e-12)
    np.testing.assert_allclose(wavelets[:, 0], 0, atol=1e-12)
    np.testing.assert_allclose(lowpass, np.roll(lowpass[::-1], 1), atol=1e-12)


@pytest.mark.parametrize("num_angles", [4, 6])
@pytest.mark.parametrize("over_scales", [True, False])
def test_a_quarter_turn_of_the_torus_changes_nothing(num_angles, over_scales):
    bank = _bank((48, 48), 3, num_angles, oversampling=EXACT)
    field = white((48, 48)) + 3 * white((48, 1), seed=1)  # its rows are seen
    before, after = (
        means(each, bank, stride=1, over_scales=over_scales) for each in (field, np.rot90(field))
    )
    np.testing.assert_allclose(after, before, rtol=3e-5)


def test_a_shift_of_the_torus_changes_nothing():
    bank = _bank((48, 56), 3, 4, oversampling=EXACT)
    field = white((48, 56))
    before, after = (
        means(each, bank, stride=1) for each in (field, np.roll(field, (5, 11), (0, 1)))
    )
    np.testing.assert_allclose(after, before, rtol=3e-5)
    maps, moved = (
        scatter_rotations(as_float32(each), bank)
        for each in (field, np.roll(field, (8, 16), (0, 1)))
    )
    np.testing.assert_allclose(moved, jnp.roll(maps, (1, 2), (1, 2)), rtol=1e-3, atol=1e-5)


def turned_blobs(size, turn, count=30):
    """Random Gabor blobs on a disk, turned about its middle before they meet the pixels."""
    rng = np.random.default_rng(0)
    rows = np.arange(size)[:, None] - size // 2
    field = np.zeros((size, size))
    for _ in range(count):
        radius, place = 0.3 * size * np.sqrt(rng.random()), 2 * np.pi * rng.random() + turn
        direction, phase = 2 * np.pi * rng.random() + turn, 2 * np.pi * rng.random()
        width, frequency = rng.uniform(2, 5), rng.uniform(0.3, 1.5)
        y, x = rows - radius * np.sin(place), rows.T - radius * np.cos(place)
        along = x * np.cos(direction) + y * np.sin(direction)
        across = y * np.cos(direction) - x * np.sin(direction)
        envelope = np.exp(-(along**2 + across**2 / 2) / (2 * width**2))
        field += rng.standard_normal() * envelope * np.cos(frequency * along + phase)
    return field


@pytest.mark.parametrize(("angles", "bound"), [(1.0, 0.005), (0.5, 0.02)])
def test_a_rotation_changes_little(angles, bound):
    """By one angle of the bank next to nothing, by half of one not much more."""
    bank = _bank((96, 96), 3, 8, oversampling=MAPS)
    fields = np.array([turned_blobs(96, turn) for turn in (0, angles * np.pi / 8)])
    assert change(*means(fields, bank, stride=4)) <= bound
    assert change(*means(fields, bank, scatter_local, stride=4)) >= 0.1


def packets(size, seed, *, together, count=8):
    """Pairs of perpendicular wave packets: crosses, or each packet at a place of its own."""
    rng = np.random.default_rng(seed)
    field = np.zeros((size, size))
    for _ in range(count):
        angle, place = np.pi * rng.random(), size * rng.random(2)
        for direction in (angle, angle + np.pi / 2):
            at = place if together else size * rng.random(2)
            y, x = ((np.arange(size) - one + size / 2) % size - size / 2 for one in at)
            along = x * np.cos(direction) + y[:, None] * np.sin(direction)
            across = y[:, None] * np.cos(direction) - x * np.sin(direction)
            envelope = np.exp(-((along / 6) ** 2) / 2 - (across / 2.5) ** 2 / 2)
            field += envelope * np.cos(1.2 * across + 2 * np.pi * rng.random())
    return field


def averaged_over_rotations(local, bank):
    """Numbers of ``scatter_local`` that a rotation does not change: relative angles are left."""
    orders = np.array([path.order for path in paths(bank)])
    num_angles, turns = bank.num_angles, np.arange(bank.num_angles)
    first, residual = np.split(local[:, orders[1:] == 1], [-1], axis=1)
    second = local[:, orders[1:] == 2].reshape(len(local), -1, num_angles, num_angles)
    relative = [second[:, :, turns, (turns + m) % num_angles].mean(2) for m in turns]
    first = first.reshape(len(local), -1, num_angles).mean(2)
    return np.concatenate([first, residual, *relative], axis=1)


def distance(one, other):
    """Between two classes, as a multiple of their spread, every number in units of its own."""
    scales = np.sqrt((one.var(0) + other.var(0)) / 2)
    return np.linalg.norm((one.mean(0) - other.mean(0)) / scales) / np.sqrt(len(scales))


def test_crosses_are_told_from_their_bars():
    """The bars of every angle are alike in both: only what meets at one place differs."""
    bank = _bank((64, 64), 3, 8, oversampling=MAPS)
    fields = [
        np.array([packets(64, seed, together=together) for seed in seeds])
        for seeds, together in ((range(24), True), (range(24, 48), False))
    ]
    along = distance(*(means(each, bank) for each in fields))
    local = (means(each, bank, scatter_local) for each in fields)
    without = distance(*(averaged_over_rotations(each, bank) for each in local))
    assert along >= 1.0  # 0.3 is chance
    assert along >= 2.5 * without


def test_reflected_pictures_lie_on_the_grid_of_windowed_scattering():
    shape = (20, 33)
    bank = _bank(padded_shape(shape, 2), 2, 4)
    fields = as_float32(np.random.default_rng(0).standard_normal((2, *shape)))
    for stride in (None, 3):
        maps = scatter_rotations(fields, bank, stride=stride)
        local = scatter_local(fields, bank, stride=stride)
        assert maps.shape[2:] == local.shape[2:]
        np.testing.assert_allclose(maps[:, 0], local[:, 0], rtol=1e-5, atol=1e-6)
        first = local[:, 1:9].reshape(2, 2, 4, *local.shape[2:]).mean(2)
        np.testing.assert_allclose(maps[:, 1:3], first, rtol=1e-4)


def test_the_gradient_of_a_constant_picture_is_finite():
    bank = _bank((24, 30), 3, 4)
    slope = jax.grad(lambda x: scatter_rotations(x, bank).sum())(jnp.ones((24, 30)))
    assert jnp.isfinite(slope).all()


def test_homogeneous():
    bank = _bank((32, 48), 3, 4)
    field = as_float32(white((32, 48)))
    maps = scatter_rotations(field, bank)
    np.testing.assert_allclose(scatter_rotations(-7 * field, bank)[1:], 7 * maps[1:], rtol=1e-3)


@pytest.mark.parametrize(("num_scales", "num_angles"), [(1, 4), (3, 4), (4, 2), (2, 1)])
@pytest.mark.parametrize("tight", [True, False])
def test_the_table_of_paths_names_every_map(num_scales, num_angles, tight):
    bank = _bank((32, 32), num_scales, num_angles, tight=tight)
    field = as_float32(white((32, 32)))
    table, maps = rotation_paths(bank), scatter_rotations(field, bank)
    assert len(table) == len(set(table)) == len(maps)
    assert [row.order for row in table] == sorted(row.order for row in table)
    # Over scales a map is the mean of those that agree in all but their scales.
    averaged = scatter_rotations(field, bank, over_scales=True)
    fewer = rotation_paths(bank, over_scales=True)
    assert len(fewer) == len(set(fewer)) == len(averaged)
    assert {_over_scales(row) for row in table} == set(fewer)
    for row, map_ in zip(fewer, averaged, strict=True):
        alike = [maps[i] for i, other in enumerate(table) if _over_scales(other) == row]
        np.testing.assert_allclose(map_, np.mean(alike, axis=0), rtol=1e-4, atol=1e-6)


def _over_scales(path):
    steps = tuple(np.diff(path.scales)) if path.order == 2 else path.scales * (-1 in path.scales)
    return path._replace(scales=tuple(int(step) for step in steps))


BAD = [
    (((20, 20), (24, 20)), {}, r"The fields are \(20, 20\) but the bank was made for \(24, 20\)"),
    (((24, 24), (24, 24)), {"stride": 9}, "The stride 9 does not suit 3 scales: choose 1 to 8"),
    (((24, 24), (24, 24)), {"stride": 0}, "The stride 0 does not suit 3 scales: choose 1 to 8"),
]


@pytest.mark.parametrize(("shapes", "options", "message"), BAD)
def test_what_does_not_fit_is_refused_in_a_sentence(shapes, options, message):
    with pytest.raises(InputError, match=message):
        scatter_rotations(jnp.zeros(shapes[0]), _bank(shapes[1], 3, 2), **options)
