"""Closed forms for the processes of regular and patterned pictures."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth.processes import PROCESSES
from synth.processes._grid import normal_field
from synth.processes._runge_kutta import rk4_step
from synth.processes._surface import closing, light, pieces_of
from synth.processes.bricks import _cells, running_bond
from synth.processes.ising import cluster_labels
from synth.processes.stripes import DRIVE, _equation
from synth.processes.tiles import centers
from synth.processes.waves import _ring


def draw(name, shape, seed, **parameters):
    field = PROCESSES[name](shape, key=jax.random.key(seed), **parameters)
    return np.asarray(field, np.float64)


def areas(inside):
    """Return the areas of the connected pieces of a set on the torus."""
    inside = jnp.asarray(inside)
    down, right = (inside & jnp.roll(inside, -1, axis) for axis in (0, 1))
    labels = np.asarray(cluster_labels((down, right)))
    return np.unique(labels[np.asarray(inside)], return_counts=True)[1]


def strongest(field):
    """Return the frequency, in cycles per pixel down and to the right, of the smoothed peak."""
    power = np.abs(np.fft.fft2(field - field.mean())) ** 2
    near = np.exp(-0.5 * np.add.outer(*(np.arange(-n // 2, n - n // 2) ** 2 for n in power.shape)))
    power = np.fft.ifft2(np.fft.fft2(power) * np.fft.fft2(np.fft.ifftshift(near))).real
    index = np.unravel_index(np.argmax(power), power.shape)
    return np.array([np.fft.fftfreq(n)[i] for n, i in zip(power.shape, index, strict=True)])


def ring(field):
    """Return the wavelength at which the power of all directions together is largest."""
    power = np.abs(np.fft.fft2(field - field.mean())) ** 2
    radius = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, field.shape), indexing="ij"))
    frequencies = np.linspace(0.02, 0.3, 141)
    rings = [power[np.abs(radius - f) < 0.006].sum() for f in frequencies]
    return 1 / frequencies[np.argmax(rings)]


def correlation(field, down, right):
    centered = field - field.mean()
    return np.mean(centered * np.roll(centered, (down, right), (0, 1))) / np.mean(centered**2)


NUMBERS = {
    "bricks": ("mortar", 2.0),
    "tiles": ("grout", 2.0),
    "weave": ("irregularity", 0.7),
    "stripes": ("angle", 40.0),
    "labyrinth": ("feed", 0.036),
    "spots": ("kill", 0.063),
    "waves": ("contrast", 0.5),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_second_field_compiles_nothing(name, compiled):
    number, value = NUMBERS[name]
    draw(name, (48, 64), 0)
    del compiled[:]
    draw(name, (48, 64), 1, **{number: value})
    assert compiled == []


# Surfaces


@pytest.mark.parametrize(
    ("side", "piece", "multiple", "number"),
    [(256, 14.0, 2, 18), (256, 14.0, 1, 18), (64, 9.0, 1, 7), (64, 9.0, 2, 8), (16, 40.0, 4, 4)],
)
def test_pieces_close_a_side(side, piece, multiple, number):
    assert closing(side, piece, multiple=multiple) == number


def test_light_comes_from_the_upper_left():
    wave = np.tile(np.sin(2 * np.pi * np.arange(32) / 32), (16, 1))
    slope = np.cos(2 * np.pi * np.arange(32) / 32) * np.sin(2 * np.pi / 32)
    for height, expected in ((wave, slope[None]), (wave.T, slope[:, None])):
        found = light(jnp.asarray(height, jnp.float32)) * math.sqrt(2)
        np.testing.assert_allclose(found, np.broadcast_to(expected, height.shape), atol=1e-6)


def test_every_piece_looks_where_it_is_told():
    field = np.random.default_rng(0).random((16, 20)).astype(np.float32)
    number = np.zeros((16, 20), int)
    number[:, 10:] = 1
    found = pieces_of(jnp.asarray(field), jnp.asarray(number), jnp.array([[3, 5], [0, 17]]))
    np.testing.assert_array_equal(found[:, :10], np.roll(field, (-3, -5), (0, 1))[:, :10])
    np.testing.assert_array_equal(found[:, 10:], np.roll(field, (0, -17), (0, 1))[:, 10:])


# Bricks


@pytest.mark.parametrize("slant", [-30.0, 0.0, 20.0, 45.0])
def test_every_brick_is_a_cell_of_equal_area(slant):
    shape = (120, 144)
    bond = running_bond(shape, 24.0, 10.0, slant)
    number, _ = _cells(bond, key=jax.random.key(0))
    counts = np.unique(number, return_counts=True)[1]
    assert len(counts) == bond.count
    # Pixels on a cell: its area, up to about its circumference.
    assert np.all(np.abs(counts - 120 * 144 / bond.count) < 2 * (24 + 10))
    assert bond.count == pytest.approx(120 * 144 / 240, rel=0.25)


@pytest.mark.parametrize("slant", [-30.0, 0.0, 20.0])
def test_a_brick_has_one_number_around_the_torus(slant):
    bond = running_bond((97, 80), 20.0, 9.0, slant)
    assert bond.rows % 2 == bond.climb % 2 == 0
    course, brick = jnp.meshgrid(jnp.arange(-9, 30), jnp.arange(-9, 30))
    found = bond.numbers(course, brick)
    for down, across in ((1, 0), (0, 1), (-2, 3)):
        around = bond.numbers(
            course + down * bond.rows + across * bond.climb,
            brick - down * bond.lean + across * bond.columns,
        )
        np.testing.assert_array_equal(around, found)
    assert len(np.unique(found)) == bond.count


@pytest.mark.parametrize(("height", "courses"), [(16.0, 8), (14.0, 10), (9.0, 14)])
def test_courses_are_even_and_as_high_as_told(height, courses):
    field = draw("bricks", (128, 128), 0, height=height)
    power = np.abs(np.fft.rfft(field.mean(axis=1)))[1:]
    assert 1 + np.argmax(power) == courses


def test_every_second_course_is_shifted_by_half_a_brick():
    field = draw("bricks", (128, 144), 0, length=36.0, height=16.0)
    assert correlation(field, 16, 18) > correlation(field, 16, 0) + 0.1
    assert correlation(field, 32, 0) > correlation(field, 32, 18) + 0.1


def test_mortar_has_its_share_of_the_wall():
    length, height = 36.0, 16.0
    for mortar in (2.0, 4.0):
        fields = [draw("bricks", (128, 144), seed, length=length, height=height, mortar=mortar)
                  for seed in range(3)]  # fmt: skip
        share = 1 - (length - mortar) * (height - mortar) / (length * height)
        assert np.mean(np.stack(fields) > 0.6) == pytest.approx(share, rel=0.2)


# Tiles


# Radius of the circle in a tile of unit area.
APOTHEM = {4: 1 / 2, 6: math.sqrt(math.sqrt(3) / 6)}
# Tori on which lattices of tiles of 16 pixels close nearly unstretched.
CLOSED = {4: (96, 128), 6: (89, 120)}


@pytest.mark.parametrize(("sides", "number"), [(4, 48), (6, 42)])
def test_tiles_have_their_number_and_size(sides, number):
    tile, grout, shape = 16.0, 3.0, CLOSED[sides]
    sizes = areas(draw("tiles", shape, 0, tile=tile, grout=grout, sides=sides) > 0.3)
    sizes = sizes[sizes > 20]  # a dark tile's shaded rim may be cut off
    assert len(sizes) == number == len(centers(shape, tile, sides))
    inner = tile - grout / 2 / APOTHEM[sides]
    assert sizes.mean() == pytest.approx(inner**2, rel=0.12)
    assert sizes.std() < 0.08 * sizes.mean()


@pytest.mark.parametrize("sides", [4, 6])
def test_every_tile_has_as_many_neighbors_as_sides(sides):
    shape = CLOSED[sides]
    points = centers(shape, 16.0, sides)
    ways = points[:, None] - points
    ways -= np.array(shape) * np.round(ways / shape)
    distances = np.sort(np.hypot(*np.moveaxis(ways, -1, 0)), axis=1)[:, 1:]
    np.testing.assert_allclose(distances[:, :sides], 2 * 16.0 * APOTHEM[sides], rtol=0.01)
    assert distances[:, sides].min() > 1.38 * distances[:, sides - 1].max()


# Cloth


@pytest.mark.parametrize("over", [1, 2, 3])
def test_threads_pass_over_and_under_by_turns(over):
    field = draw("weave", (96, 96), 0, thread=8.0, over=over, irregularity=0.0)
    for down, right in ((8, 8), (0, 16 * over), (16 * over, 0)):
        assert correlation(field, down, right) > 0.7
    for down, right in ((8 * over, 0), (0, 8 * over)):
        assert correlation(field, down, right) < 0.35


def test_irregular_threads_agree_less():
    regular, irregular = (draw("weave", (96, 96), 0, thread=8.0, irregularity=share)
                          for share in (0.1, 1.0))  # fmt: skip
    assert correlation(regular, 16, 16) > correlation(irregular, 16, 16) + 0.1


# Stripes


def test_small_waves_grow_at_their_rates():
    angle, order = 30.0, 0.4
    equation = _equation((48, 54), 12.0, angle, order)
    rows, columns = equation.samples
    state = jnp.zeros(equation.linear.shape, jnp.complex64).at[3, 2].set(1e-3 * rows * columns)
    for _ in range(4):
        state = rk4_step(equation, state, 1.0)
    ky, kx = 12.0 * 3 / 48, 12.0 * 2 / 54
    along = math.sin(math.radians(angle)) * ky + math.cos(math.radians(angle)) * kx
    rate = DRIVE - (1 - ky**2 - kx**2) ** 2 - order * along**2
    found = abs(state[3, 2]) / (rows * columns)
    assert found == pytest.approx(1e-3 * math.exp(4 * rate), rel=1e-3)


def test_straight_stripes_saturate():
    """Waves of the preferred length: u = 2 √(r / 3) cos x, up to a small third harmonic."""
    equation = _equation((24, 24), 12.0, 0.0, 0.0)
    rows, columns = equation.samples
    wave = 0.2 * np.cos(2 * np.pi * 2 * np.arange(rows) / rows)[:, None] * np.ones(columns)
    state = jnp.fft.rfft2(jnp.asarray(wave, jnp.float32))
    for _ in range(100):
        state = rk4_step(equation, state, 1.0)
    amplitude = 2 * abs(state[2, 0]) / (rows * columns)
    assert amplitude == pytest.approx(2 * math.sqrt(DRIVE / 3), rel=0.02)


def test_stripes_stay_real_and_bounded_for_long():
    field = draw("stripes", (32, 40), 0, wavelength=8.0, age=1000.0)
    assert 0.4 < np.abs(field).max() < 1


@pytest.mark.parametrize(("wavelength", "angle"), [(10.0, 30.0), (14.0, -60.0)])
def test_stripes_have_their_length_and_angle(wavelength, angle):
    field = draw("stripes", (128, 144), 0, wavelength=wavelength, angle=angle, order=0.5)
    down, right = strongest(field)
    assert 1 / math.hypot(down, right) == pytest.approx(wavelength, rel=0.1)
    # Crests are at right angles to the wave.
    off = (math.degrees(math.atan2(down, right)) - 90 - angle + 90) % 180 - 90
    assert abs(off) < 6


def dislocations(field, angle):
    """Return the number of points about which the phase of the stripes winds."""
    ky, kx = (np.fft.fftfreq(n) for n in field.shape)
    side = math.cos(math.radians(angle)) * ky[:, None] - math.sin(math.radians(angle)) * kx
    phase = np.angle(np.fft.ifft2(np.fft.fft2(field) * (side > 0)))
    down, right = (np.angle(np.exp(1j * (np.roll(phase, -1, a) - phase))) for a in (0, 1))
    winding = right + np.roll(down, -1, 1) - np.roll(right, -1, 0) - down
    return int(np.sum(np.abs(winding) > 3))


def test_dislocations_come_in_pairs_and_become_fewer():
    young, old = ([dislocations(draw("stripes", (128, 128), seed, age=age), 20.0)
                   for seed in range(4)] for age in (30.0, 300.0))  # fmt: skip
    assert all(number % 2 == 0 for number in young + old)
    assert min(young) >= 4
    assert np.mean(old) < 0.7 * np.mean(young)


# Labyrinth and spots


@pytest.mark.parametrize("name", ["labyrinth", "spots"])
@pytest.mark.parametrize("wavelength", [8.0, 12.0])
def test_patterns_have_the_wavelength_asked_for(name, wavelength):
    found = ring(draw(name, (192, 160), 0, wavelength=wavelength))
    assert found == pytest.approx(wavelength, rel=0.1)


def test_spots_are_round_and_of_one_size():
    sizes = areas(draw("spots", (160, 128), 0, wavelength=12.0) > 0.15)
    assert len(sizes) == pytest.approx(160 * 128 / (1.2 * 12.0**2), rel=0.1)
    assert sizes.std() < 0.25 * sizes.mean()


def test_walls_of_a_labyrinth_are_long():
    sizes = areas(draw("labyrinth", (160, 128), 0, wavelength=12.0) > 0.18)
    assert sizes.max() > 30 * 12.0
    assert np.median(np.repeat(sizes, sizes)) > 10 * 12.0


# Waves


def test_logarithm_of_waves_has_its_mean_and_variance():
    contrast = 0.8
    fields = np.stack([draw("waves", (96, 81), seed, wavelength=8.0, contrast=contrast)
                       for seed in range(16)])  # fmt: skip
    logs = np.log(fields)
    assert logs.mean() == pytest.approx(-(contrast**2) / 2, abs=0.01)
    assert logs.var() == pytest.approx(contrast**2, rel=0.05)
    assert fields.mean() == pytest.approx(1, abs=0.03)
    assert fields.var() == pytest.approx(math.exp(contrast**2) - 1, rel=0.15)


@pytest.mark.parametrize("bandwidth", [0.05, 0.2])
def test_wavenumbers_of_waves_have_their_mean_and_width(bandwidth):
    fields = [draw("waves", (192, 160), seed, wavelength=10.0, bandwidth=bandwidth)
              for seed in range(4)]  # fmt: skip
    power = sum(np.abs(np.fft.fft2(np.log(field) - np.log(field).mean())) ** 2 for field in fields)
    radius = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, (192, 160)), indexing="ij"))
    # A ring of radius k holds modes in proportion to k, which moves the mean by b².
    mean = np.sum(power * radius) / np.sum(power)
    width = math.sqrt(np.sum(power * (radius - mean) ** 2) / np.sum(power))
    assert mean * 10 == pytest.approx(1 + bandwidth**2, rel=0.02)
    assert width * 10 == pytest.approx(bandwidth, rel=0.1)


def test_a_torus_without_a_mode_on_the_ring_takes_the_nearest():
    spectrum = _ring((16, 16), 150.0, 0.01)
    assert spectrum[0, 0] == 0
    assert spectrum[0, 1] == spectrum[1, 0] == 1
    assert spectrum[1, 1] < 1e-6
    fields = [normal_field(spectrum, (16, 16), key=jax.random.key(seed)) for seed in range(400)]
    assert np.mean(np.square(fields)) == pytest.approx(1, rel=0.2)


def test_stripes_far_wider_than_the_torus_are_finite():
    field = PROCESSES["stripes"]((16, 16), key=jax.random.key(0), wavelength=4096.0)
    assert np.isfinite(np.asarray(field)).all()


def test_a_single_tile_has_grout_on_all_four_sides():
    """A tile is its own neighbor on a torus that holds one of it."""
    for shape in ((16, 64), (64, 16)):
        field = np.asarray(PROCESSES["tiles"](shape, key=jax.random.key(1), tile=60.0, grout=4.0))
        across, down = (np.ptp(field.mean(axis)) for axis in (0, 1))
        assert min(across, down) > 0.2 * field.std()
