"""Laws for every process, and closed forms for most."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.processes import PROCESSES, ising
from synth.processes._grid import resample, wavenumbers
from synth.processes.cascade import log_variance
from synth.processes.foam import num_cells
from synth.processes.ising import CRITICAL_TEMPERATURE, cluster_labels, energy_per_spin
from synth.processes.sparse import expected_mean

# Parameters at which a law can be checked on a small field in little time.
SMALL = {
    "turbulence": {"wavelength": 16.0, "age": 5.0},
    "sparse": {"radius": 4.0, "density": 2.0},
    "cascade": {"outer": 24.0},
    "ising": {"temperature": 3.0, "sweeps": 40},
    "foam": {"cell": 8.0, "wall": 1.5},
    "bricks": {"length": 12.0, "height": 6.0, "mortar": 1.5},
    "tiles": {"tile": 8.0, "grout": 1.5},
    "weave": {"thread": 6.0},
    "stripes": {"wavelength": 8.0, "age": 40.0},
    "labyrinth": {"wavelength": 8.0, "age": 2000.0},
    "spots": {"wavelength": 8.0, "age": 2000.0},
    "waves": {"wavelength": 8.0},
}

every_process = pytest.mark.parametrize("name", sorted(PROCESSES))


# One size for the laws, odd and rectangular, so that little compiles.
LAW_SHAPE = (65, 96)


def draw(name, shape, seed, **parameters):
    return np.asarray(PROCESSES[name](shape, key=jax.random.key(seed), **parameters))


@functools.cache
def sample(name):
    """Draw four fields, once for all laws."""
    return np.stack([draw(name, LAW_SHAPE, seed, **SMALL[name]) for seed in range(4)])


# Laws


def test_every_process_has_small_parameters():
    assert set(SMALL) == set(PROCESSES)


def test_every_process_is_documented():
    assert all(process.__doc__ for process in PROCESSES.values())


@every_process
def test_defaults_give_finite_float32_of_the_shape(name):
    field = draw(name, (16, 31), 0)
    assert field.shape == (16, 31)
    assert field.dtype == np.float32
    assert np.all(np.isfinite(field))


@every_process
def test_key_decides(name):
    first, other = sample(name)[:2]
    np.testing.assert_array_equal(first, draw(name, LAW_SHAPE, 0, **SMALL[name]))
    assert np.mean(np.abs(first - other)) > 0.05 * np.std(first)


@every_process
@pytest.mark.parametrize("axis", [0, 1])
def test_no_seam_at_the_edge(name, axis):
    fields = sample(name)
    steps = np.square(np.roll(fields, -1, axis + 1) - fields)
    per_line = steps.mean(axis=(0, 2 - axis))
    # The last line is the step across the edge; it must not stand out among those inside.
    assert per_line[-1] < per_line[:-1].max() * 1.3
    assert per_line[-1] > per_line[:-1].min() / 1.3


@every_process
def test_same_statistics_in_every_quarter(name):
    fields = sample(name)
    spread = np.std(fields)
    quarters = [half[:, :, part] for half in (fields[:, :32], fields[:, 32:])
                for part in (slice(48), slice(48, None))]  # fmt: skip
    for quarter in quarters:
        assert abs(quarter.mean() - fields.mean()) < 0.35 * spread
        assert 0.6 < quarter.std() / spread < 1.5


BAD = [
    (name, shape, {}, "each at least 16")
    for name in sorted(PROCESSES)
    for shape in [(15, 64), (64, 0), (-32, 32)]
] + [
    ("turbulence", (32, 32), {"wavelength": 0.0}, "wavelength is 0.0; it must be a finite"),
    ("turbulence", (32, 32), {"age": -1.0}, "age is -1.0; it must be a finite number above 0"),
    ("turbulence", (32, 32), {"viscosity": math.nan}, "viscosity is nan; it must be a finite"),
    ("turbulence", (32, 32), {"order": 0}, "order is 0; it must be a finite number above 0"),
    ("sparse", (32, 32), {"density": -2.0}, "density is -2.0; it must be a finite"),
    ("sparse", (32, 32), {"radius": math.inf}, "radius is inf; it must be a finite"),
    ("sparse", (32, 32), {"bright": 1.5}, "bright is 1.5; it must lie between 0 and 1"),
    ("cascade", (32, 32), {"intermittency": 0.0}, "intermittency is 0.0; it must be a finite"),
    ("cascade", (32, 32), {"intermittency": 5.0}, "intermittency is 5.0; .* between 0 and 4"),
    ("cascade", (32, 32), {"smoothness": -0.1}, "smoothness is -0.1; .* between 0 and 2"),
    ("cascade", (32, 32), {"outer": 0.0}, "outer is 0.0; it must be a finite number above 0"),
    ("ising", (32, 32), {"temperature": 0.0}, "temperature is 0.0; it must be a finite"),
    ("ising", (32, 32), {"sweeps": 0}, "sweeps is 0; it must be a finite number above 0"),
    ("foam", (32, 32), {"cell": 0.0}, "cell is 0.0; it must be a finite number above 0"),
    ("foam", (32, 32), {"wall": -1.0}, "wall is -1.0; it must be a finite number above 0"),
    ("foam", (32, 32), {"rounds": -1}, "rounds is -1; it must lie between 0 and 1000"),
    ("bricks", (32, 32), {"length": 3.0}, "length is 3.0; it must lie between 4 and 4096"),
    ("bricks", (32, 32), {"height": math.nan}, "height is nan; it must lie between 4 and 4096"),
    ("bricks", (32, 32), {"mortar": 7.5}, "mortar is 7.5; it must lie between 0 and 7"),
    ("bricks", (32, 32), {"slant": 60.0}, "slant is 60.0; it must lie between -45 and 45"),
    ("tiles", (32, 32), {"tile": 0.0}, "tile is 0.0; it must lie between 4 and 4096"),
    ("tiles", (32, 32), {"grout": 20.0}, "grout is 20.0; it must lie between 0 and 12"),
    ("tiles", (32, 32), {"sides": 5}, "sides is 5; tiles fill the plane with 4 or 6: choose one"),
    ("weave", (32, 32), {"thread": 2.0}, "thread is 2.0; it must lie between 3 and 4096"),
    ("weave", (32, 32), {"over": 0}, "over is 0; it must be a whole number from 1 to 8"),
    ("weave", (32, 32), {"irregularity": -0.1}, "irregularity is -0.1; .* between 0 and 1"),
    ("stripes", (32, 32), {"wavelength": 3.0}, "wavelength is 3.0; .* between 4 and 4096"),
    ("stripes", (32, 32), {"angle": math.inf}, "angle is inf; it must lie between -360 and 360"),
    ("stripes", (32, 32), {"order": -1.0}, "order is -1.0; it must lie between 0 and 10"),
    ("stripes", (32, 32), {"age": 0.0}, "age is 0.0; it must be a finite number above 0"),
    ("labyrinth", (32, 32), {"wavelength": 3.0}, "wavelength is 3.0; .* between 4 and 4096"),
    ("labyrinth", (32, 32), {"feed": 0.1}, "feed is 0.1; it must lie between 0.01 and 0.08"),
    ("spots", (32, 32), {"kill": 0.1}, "kill is 0.1; it must lie between 0.04 and 0.07"),
    ("spots", (32, 32), {"age": -2.0}, "age is -2.0; it must be a finite number above 0"),
    ("waves", (32, 32), {"wavelength": 1.0}, "wavelength is 1.0; .* between 2 and 4096"),
    ("waves", (32, 32), {"bandwidth": 0.0}, "bandwidth is 0.0; .* between 0.01 and 1"),
    ("waves", (32, 32), {"contrast": 5.0}, "contrast is 5.0; it must lie between 0 and 4"),
]


@pytest.mark.parametrize(("name", "shape", "parameters", "message"), BAD)
def test_bad_numbers_are_refused(name, shape, parameters, message):
    with pytest.raises(ValueError, match=message):
        PROCESSES[name](shape, key=jax.random.key(0), **parameters)


# The grid


@pytest.mark.parametrize("shape", [(16, 16), (17, 20), (20, 17)])
def test_resampling_a_wave_gives_the_wave(shape):
    samples = (30, 36)
    y, x = (np.arange(samples[i])[:, None] / samples[i] for i in (0, 1))
    fine = np.cos(2 * np.pi * (3 * y - 5 * x.T) + 0.4)
    coarse = resample(jnp.fft.rfft2(jnp.asarray(fine)), samples, shape)
    y, x = (np.arange(shape[i])[:, None] / shape[i] for i in (0, 1))
    np.testing.assert_allclose(coarse, np.cos(2 * np.pi * (3 * y - 5 * x.T) + 0.4), atol=1e-5)


def test_wavenumbers_are_per_pixel_on_any_grid():
    ky, kx = wavenumbers((16, 20), samples=(24, 30))
    assert ky[1, 0] == pytest.approx(2 * np.pi / 16)
    assert kx[0, 1] == pytest.approx(2 * np.pi / 20)


# Shot noise


@pytest.mark.parametrize("bright", [0.0, 0.5, 1.0])
def test_shot_noise_has_the_mean_of_campbells_theorem(bright):
    density = 3.0
    means = [
        draw("sparse", (128, 128), seed, density=density, radius=6.0, bright=bright).mean()
        for seed in range(12)
    ]
    error = max(np.std(means), 2e-3) / math.sqrt(len(means))
    assert abs(np.mean(means) - expected_mean(density, bright)) < 4 * error


def test_sparse_is_mostly_background():
    field = draw("sparse", (256, 256), 0, density=1.0, radius=10.0)
    assert np.mean(field == 0) > 0.8
    assert field.min() < -0.5
    assert field.max() > 0.5


def test_shapes_are_whole_across_the_edge():
    # A torus smaller than the window on which a shape is drawn: it wraps, and nothing is lost.
    fields = [draw("sparse", (16, 16), seed, radius=14.0, density=30.0, bright=1.0).mean()
              for seed in range(20)]  # fmt: skip
    error = float(np.std(fields)) / math.sqrt(len(fields))
    assert np.mean(fields) == pytest.approx(expected_mean(30.0, 1.0), abs=4 * error)


# Cascade


def test_cascade_logarithm_has_the_predicted_variance_and_mean():
    shape, intermittency, outer = (64, 81), 0.2, 24.0
    fields = np.stack([
        draw("cascade", shape, seed, intermittency=intermittency, smoothness=0.0, outer=outer)
        for seed in range(24)
    ])  # fmt: skip
    variance = log_variance(shape, intermittency, outer)
    logs = np.log(fields)
    assert np.mean(logs) == pytest.approx(-variance / 2, abs=0.05)
    assert np.mean((logs + variance / 2) ** 2) == pytest.approx(variance, rel=0.08)
    assert np.mean(fields) == pytest.approx(1, abs=0.06)


def test_cascade_log_covariance_falls_by_lambda_squared_per_e_fold():
    intermittency = 0.2
    logs = np.log([
        draw("cascade", (256, 256), seed, intermittency=intermittency, smoothness=0.0, outer=128.0)
        for seed in range(6)
    ])  # fmt: skip
    near, far = (np.mean((np.roll(logs, r, 1) - logs) ** 2) / 2 for r in (3, 12))
    assert far - near == pytest.approx(intermittency * math.log(4), rel=0.12)


def test_integration_keeps_the_mean_and_smooths():
    rough, smooth = (draw("cascade", (64, 64), 0, smoothness=h) for h in (0.0, 0.7))
    assert smooth.mean() == pytest.approx(rough.mean(), rel=1e-4)
    assert np.diff(smooth).std() < 0.3 * np.diff(rough).std()


# Ising


def test_critical_temperature_solves_onsagers_equation():
    assert math.sinh(2 / CRITICAL_TEMPERATURE) == pytest.approx(1)


def test_critical_energy_is_minus_root_two():
    energies = [
        float(energy_per_spin(ising((63, 65), key=jax.random.key(seed), sweeps=50)))
        for seed in range(12)
    ]
    error = np.std(energies) / math.sqrt(len(energies))
    # On a torus of side L the critical energy is lower by about 0.6 / L.
    assert np.mean(energies) == pytest.approx(-math.sqrt(2) - 0.6 / 64, abs=4 * error)
    assert error < 0.03


def test_hot_energy_is_the_series():
    fields = [ising((63, 65), key=jax.random.key(seed), temperature=10.0, sweeps=20)
              for seed in range(8)]  # fmt: skip
    t = math.tanh(0.1)
    # High-temperature series: ⟨s s'⟩ = t + 2 t³ + O(t⁵) per bond, two bonds per spin.
    expected = -2 * (t + 2 * t**3)
    assert np.mean([float(energy_per_spin(f)) for f in fields]) == pytest.approx(expected, abs=0.02)


def test_cold_spins_agree():
    field = ising((63, 65), key=jax.random.key(0), temperature=1.0, sweeps=100)
    assert abs(float(field.mean())) > 0.98


def slow_labels(bonds):
    """Label clusters by flooding from each site in turn."""
    height, width = bonds[0].shape
    labels = np.full((height, width), -1)
    for start in np.ndindex(height, width):
        stack = [start] if labels[start] < 0 else []
        while stack:
            y, x = stack.pop()
            if labels[y, x] >= 0:
                continue
            labels[y, x] = start[0] * width + start[1]
            down, right = ((y + 1) % height, x), (y, (x + 1) % width)
            up, left = ((y - 1) % height, x), (y, (x - 1) % width)
            bound = (bonds[0][y, x], bonds[1][y, x], bonds[0][up], bonds[1][left])
            stack += [
                place for place, tie in zip((down, right, up, left), bound, strict=True) if tie
            ]
    return labels


@settings(max_examples=6, deadline=None, derandomize=True)
@given(probability=st.floats(0, 1), seed=st.integers(0, 1000))
def test_cluster_labels_agree_with_flooding(probability, seed):
    bonds = np.random.default_rng(seed).random((2, 17, 24)) < probability
    found = cluster_labels((jnp.asarray(bonds[0]), jnp.asarray(bonds[1])))
    np.testing.assert_array_equal(found, slow_labels(bonds))


# Foam


def cell_areas(field):
    """Return the areas of the connected pieces without a wall, on the torus."""
    inside = field < 0.56
    bonds = tuple(inside & np.roll(inside, -1, axis) for axis in (0, 1))
    return np.unique(slow_labels(bonds)[inside], return_counts=True)[1]


def test_foam_has_the_number_of_cells_asked_for():
    field = draw("foam", (120, 101), 0, cell=20.0, wall=2.0, rounds=8)
    assert len(cell_areas(field)) == num_cells((120, 101), 20.0) == 30


def test_rounds_even_out_the_cells():
    def spread(rounds):
        areas = cell_areas(draw("foam", (96, 96), 3, cell=16.0, wall=1.0, rounds=rounds))
        return areas.std() / areas.mean()

    # Poisson Voronoi cells have a relative spread of 0.53.
    assert 0.35 < spread(0) < 0.75
    assert spread(20) < 0.2


def test_a_torus_of_one_cell_is_its_own_neighbor():
    # One seed on a square torus: its cell is the torus, and its wall the two closing lines.
    field = draw("foam", (24, 24), 0, cell=24.0, wall=2.0)
    assert num_cells((24, 24), 24.0) == 1
    walls = (field - field.min()) / (1 - field.min())
    assert walls.sum() == pytest.approx(2 * 24 * 2.0 - 2.0**2, rel=0.05)
