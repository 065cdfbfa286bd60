"""Laws for every process of several channels, and closed forms for each."""

import functools
import importlib
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth.processes import CHANNEL_PROCESSES, PROCESSES, colored_foam, foam
from synth.processes._color import to_srgb
from synth.processes._gray_scott import DIFFUSION, WAVELENGTH, on_torus
from synth.processes._grid import gaussian_spectrum, resized
from synth.processes._runge_kutta import rk4_step
from synth.processes._vorticity import Vorticity
from synth.processes.colored_foam import WALL
from synth.processes.material import normals
from synth.processes.scalar_turbulence import Stirring

# Parameters at which a law can be checked on a small field in little time.
SMALL = {
    "colored_foam": {"cell": 8.0, "wall": 1.5},
    "leaves": {"length": 14.0, "smallest": 0.7},
    "reaction_diffusion": {"wavelength": 10.0, "age": 2000.0},
    "scalar_turbulence": {"wavelength": 16.0, "age": 5.0},
    "material": {"cell": 10.0, "joint": 1.5, "relief": 3.0},
}
CHANNELS = {
    "colored_foam": 3,
    "leaves": 3,
    "reaction_diffusion": 3,
    "scalar_turbulence": 2,
    "material": 7,
}
COLORS = ["colored_foam", "leaves", "reaction_diffusion", "material"]
LUMA = np.array([0.2126, 0.7152, 0.0722])

every_process = pytest.mark.parametrize("name", sorted(CHANNEL_PROCESSES))
every_color = pytest.mark.parametrize("name", COLORS)

# One size for the laws, odd and rectangular, so that little compiles.
LAW_SHAPE = (65, 96)


def draw(name, shape, seed, **parameters):
    return np.asarray(CHANNEL_PROCESSES[name](shape, key=jax.random.key(seed), **parameters))


@functools.cache
def sample(name):
    """Draw four fields, once for all laws."""
    return np.stack([draw(name, LAW_SHAPE, seed, **SMALL[name]) for seed in range(4)])


# Laws


def test_no_name_is_used_twice():
    assert set(SMALL) == set(CHANNELS) == set(CHANNEL_PROCESSES)
    assert not set(CHANNEL_PROCESSES) & set(PROCESSES)


@every_process
def test_defaults_give_finite_float32_of_the_shape(name):
    field = draw(name, (16, 31), 0)
    assert field.shape == (CHANNELS[name], 16, 31)
    assert field.dtype == np.float32
    assert np.all(np.isfinite(field))


@every_process
def test_key_decides(name):
    first, other = sample(name)[:2]
    again = draw(name, LAW_SHAPE, 0, **SMALL[name])
    np.testing.assert_allclose(first, again, atol=1e-3 * np.std(first))
    for one, two in zip(first, other, strict=True):
        assert np.mean(np.abs(one - two)) > 0.05 * np.std(one)


@every_process
def test_a_second_field_compiles_nothing(name, compiled):
    sample(name)
    del compiled[:]
    number, value = {
        "colored_foam": ("variety", 0.5),
        "leaves": ("smallest", 0.8),
        "reaction_diffusion": ("feed", 0.04),
        "scalar_turbulence": ("diffusivity", 4.0),
        "material": ("roughness", 0.1),
    }[name]
    draw(name, LAW_SHAPE, 9, **SMALL[name] | {number: value})
    assert compiled == []


@every_process
@pytest.mark.parametrize("axis", [0, 1])
def test_no_seam_at_the_edge(name, axis):
    for channel in np.moveaxis(sample(name), 1, 0):
        steps = np.square(np.roll(channel, -1, axis + 1) - channel)
        per_line = steps.mean(axis=(0, 2 - axis))
        # The last line is the step across the edge; it must not stand out among those inside.
        assert per_line[-1] < per_line[:-1].max() * 1.3
        assert per_line[-1] > per_line[:-1].min() / 1.3


@every_process
def test_same_statistics_in_every_quarter(name):
    for channel in np.moveaxis(sample(name), 1, 0):
        quarters = [half[:, :, part] for half in (channel[:, :32], channel[:, 32:])
                    for part in (slice(48), slice(48, None))]  # fmt: skip
        for quarter in quarters:
            assert abs(quarter.mean() - channel.mean()) < 0.35 * channel.std()
            assert 0.6 < quarter.std() / channel.std() < 1.5


@every_color
def test_colors_are_colors_and_not_tinted_grays(name):
    colors = np.moveaxis(sample(name)[:, :3], 1, -1).reshape(-1, 3).astype(float)
    assert colors.min() >= 0
    assert colors.max() <= 1
    assert np.mean((colors == 0) | (colors == 1)) < 0.01
    # Among pixels of the same luma the colors still vary.
    luma = colors @ LUMA
    spread = [np.var(part, axis=0).sum() for part in np.array_split(colors[np.argsort(luma)], 60)]
    assert np.mean(spread) > 0.03 * np.var(colors, axis=0).sum()


BAD = [
    (name, shape, {}, "each at least 16")
    for name in sorted(CHANNEL_PROCESSES)
    for shape in [(15, 64), (64, 0), (-32, 32)]
] + [
    ("colored_foam", (32, 32), {"cell": 0.0}, "cell is 0.0; it must be a finite number above 0"),
    ("colored_foam", (32, 32), {"wall": -1.0}, "wall is -1.0; it must be a finite number above"),
    ("colored_foam", (32, 32), {"rounds": -1}, "rounds is -1; it must lie between 0 and 1000"),
    ("colored_foam", (32, 32), {"variety": 1.5}, "variety is 1.5; it must lie between 0 and 1"),
    ("leaves", (32, 32), {"length": math.nan}, "length is nan; it must lie between 4 and 4096"),
    ("leaves", (32, 32), {"length": 2.0}, "length is 2.0; it must lie between 4 and 4096"),
    ("leaves", (32, 32), {"smallest": 0.0}, "smallest is 0.0; it must lie between 0.1 and 1"),
    ("leaves", (32, 32), {"slender": 2.0}, "slender is 2.0; it must lie between 0.05 and 1"),
    ("reaction_diffusion", (32, 32), {"wavelength": 3.0}, "wavelength is 3.0; .* between 4 and"),
    ("reaction_diffusion", (32, 32), {"feed": 0.0}, "feed is 0.0; .* between 0.01 and 0.08"),
    ("reaction_diffusion", (32, 32), {"kill": 0.1}, "kill is 0.1; .* between 0.04 and 0.07"),
    ("reaction_diffusion", (32, 32), {"age": 0.0}, "age is 0.0; it must be a finite number"),
    ("scalar_turbulence", (32, 32), {"wavelength": 0.0}, "wavelength is 0.0; it must be a finite"),
    ("scalar_turbulence", (32, 32), {"age": -1.0}, "age is -1.0; it must be a finite number"),
    ("scalar_turbulence", (32, 32), {"viscosity": math.inf}, "viscosity is inf; it must be"),
    ("scalar_turbulence", (32, 32), {"diffusivity": 0.0}, "diffusivity is 0.0; it must be"),
    ("scalar_turbulence", (32, 32), {"order": 0}, "order is 0; it must be a finite number"),
    ("material", (32, 32), {"cell": -4.0}, "cell is -4.0; it must be a finite number above 0"),
    ("material", (32, 32), {"joint": 0.0}, "joint is 0.0; it must be a finite number above 0"),
    ("material", (32, 32), {"relief": 0.0}, "relief is 0.0; it must be a finite number above 0"),
    ("material", (32, 32), {"roughness": -0.1}, "roughness is -0.1; .* between 0 and 1"),
    ("material", (32, 32), {"rounds": 1001}, "rounds is 1001; it must lie between 0 and 1000"),
]


@pytest.mark.parametrize(("name", "shape", "parameters", "message"), BAD)
def test_bad_numbers_are_refused(name, shape, parameters, message):
    with pytest.raises(ValueError, match=message):
        CHANNEL_PROCESSES[name](shape, key=jax.random.key(0), **parameters)


# Foam


def test_walls_of_a_colored_foam_are_those_of_a_foam():
    key = jax.random.key(3)
    gray = np.asarray(foam((48, 40), key=key, cell=12.0, wall=3.0))
    color = np.asarray(colored_foam((48, 40), key=key, cell=12.0, wall=3.0))
    wall = np.asarray(to_srgb(jnp.asarray(WALL, jnp.float32)))
    np.testing.assert_allclose(color[:, gray == 1], wall[:, None].repeat((gray == 1).sum(), 1),
                               atol=1e-4)  # fmt: skip
    assert color[:, gray < 0.56].mean() > 2 * wall.mean()


def test_without_variety_all_panes_are_of_one_hue():
    def spread(variety):
        red, _, blue = draw("colored_foam", (64, 64), 0, cell=10.0, variety=variety)
        return np.std(red - blue)

    assert spread(0.0) < 0.8 * spread(1.0)


# Leaves


def test_dead_leaves_have_the_covariance_of_the_model(monkeypatch):
    """Disks of one radius: two points share a leaf with probability γ(r) / (2 γ(0) - γ(r))."""
    module, radius = importlib.import_module("synth.processes.leaves"), 10.0

    def disk(leaf, ahead, aside):
        gray = jnp.full((*ahead.shape, 3), 0.0).at[..., 0].set(0.2 + 0.6 * leaf.hue)
        return leaf.half * (jnp.hypot(ahead, aside) - 1), gray

    monkeypatch.setattr(module, "_paint", disk)
    monkeypatch.setattr(module, "DARKNESS", 0.0)
    fields = np.stack([draw("leaves", (128, 120), seed, length=2 * radius, smallest=1.0)[0]
                       for seed in range(6)])  # fmt: skip
    fields = fields - fields.mean()
    for r in (4, 8, 14, 24):
        pairs = [np.mean(fields * np.roll(fields, r, axis)) for axis in (1, 2)]
        x = min(r / (2 * radius), 1.0)
        overlap = 2 / math.pi * (math.acos(x) - x * math.sqrt(1 - x**2))
        expected = overlap / (2 - overlap)
        assert np.mean(pairs) / np.mean(fields**2) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("slender", [0.05, 1.0])
def test_leaves_of_any_form_cover_the_plane(slender):
    field = draw("leaves", (40, 33), 0, length=10.0, slender=slender)
    assert field.sum(axis=0).min() > 0.05  # nothing stays black


# Reaction and diffusion


def test_the_empty_state_stays_and_small_waves_decay_at_their_rates():
    feed, kill, wavelength = 0.04, 0.06, 23.0
    equation = on_torus((46, 46), wavelength, feed, kill)
    rows, columns = equation.samples
    empty = jnp.zeros(equation.linear.shape, jnp.complex64).at[0, 0, 0].set(rows * columns)
    change = equation.linear * empty + equation.nonlinear(empty)
    np.testing.assert_allclose(change / (rows * columns), 0, atol=1e-7)
    # The second substance alone, too thin to react: mode (1, 2) of a torus of 46 pixels.
    state = empty.at[1, 1, 2].set(1e-3 * rows * columns)
    for _ in range(5):
        state = rk4_step(equation, state, 2.0)
    square = (1 + 4) * (2 * math.pi / (46 * WAVELENGTH / wavelength)) ** 2
    expected = 1e-3 * math.exp(-10.0 * (DIFFUSION[1] * square + feed + kill))
    assert abs(state[1, 1, 2]) / (rows * columns) == pytest.approx(expected, rel=1e-2)


def test_reaction_turns_one_substance_into_the_other():
    equation = on_torus((24, 30), 12.0, 0.04, 0.06)
    first, second = np.random.default_rng(0).random((2, *equation.samples))
    state = jnp.fft.rfft2(jnp.asarray(np.stack([first, second]), jnp.float32))
    found = equation.to_grid(equation.nonlinear(state))
    reaction = first * second**2
    np.testing.assert_allclose(found, np.stack([0.04 - reaction, reaction]), atol=1e-5)


@pytest.mark.parametrize("shape", [(17, 40), (36, 19)])
def test_smooth_fields_keep_their_values_on_other_grids(shape):
    def wave(rows, columns):
        y, x = np.arange(rows)[:, None] / rows, np.arange(columns) / columns
        return np.cos(2 * np.pi * (3 * y - 2 * x) + 0.4) + 0.5

    found = resized(jnp.asarray(wave(20, 24)[None], jnp.float32), shape)
    np.testing.assert_allclose(found[0], wave(*shape), atol=1e-5)


@pytest.mark.parametrize("wavelength", [10.0, 14.0])
def test_worms_lie_a_wavelength_apart(wavelength):
    parameters = SMALL["reaction_diffusion"] | {"wavelength": wavelength}
    green = draw("reaction_diffusion", LAW_SHAPE, 0, **parameters)[1]
    power = np.abs(np.fft.fft2(green - green.mean())) ** 2
    radius = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, LAW_SHAPE), indexing="ij"))
    frequencies = np.linspace(0.02, 0.3, 141)
    rings = [power[np.abs(radius - f) < 0.006].sum() for f in frequencies]
    assert 1 / frequencies[np.argmax(rings)] == pytest.approx(wavelength, rel=0.15)


# A scalar in turbulence


def stirring(shape=(32, 27), seed=0):
    flow = Vorticity.on_torus(shape, viscosity=3.0, order=2)
    keys = jax.random.split(jax.random.key(seed))
    state = jnp.stack([gaussian_spectrum(flow.resolved, flow.samples, key=key) for key in keys])
    return Stirring(flow, jnp.stack([flow.linear, flow.linear])), state.at[:, 0, 0].set(0)


def test_the_vorticity_does_not_feel_the_scalar():
    equation, state = stirring()
    change = equation.nonlinear(state)[0]
    expected = equation.flow.nonlinear(state[0])
    np.testing.assert_allclose(change, expected, atol=1e-4 * float(jnp.max(jnp.abs(expected))))


def test_advection_keeps_the_scalars_variance_but_for_the_gradient():
    equation, state = stirring()
    velocity = equation.flow.velocity_spectrum(state[0])[1]
    advection = equation.nonlinear(state)[1] + velocity
    scalar, change = (np.asarray(jnp.fft.irfft2(f, s=equation.flow.samples), np.float64)
                      for f in (state[1], advection))  # fmt: skip
    assert abs(np.sum(scalar * change)) < 1e-5 * np.linalg.norm(scalar) * np.linalg.norm(change)
    # A scalar that is not there yet comes from the gradient alone.
    alone = equation.nonlinear(state.at[1].set(0))[1]
    np.testing.assert_allclose(alone, -velocity, atol=1e-5 * float(jnp.max(jnp.abs(velocity))))


def test_at_first_the_scalar_is_the_velocity_down_the_picture():
    shape, age, wavelength = (48, 54), 0.004, 16.0
    vorticity, scalar = draw("scalar_turbulence", shape, 0, age=age, wavelength=wavelength,
                             viscosity=0.01, diffusivity=0.01)  # fmt: skip
    ky, kx = 2 * np.pi * np.fft.fftfreq(48)[:, None], 2 * np.pi * np.fft.fftfreq(54)
    square = ky**2 + kx**2
    square[0, 0] = 1
    velocity = np.fft.ifft2(-1j * kx * np.fft.fft2(vorticity) / square).real
    np.testing.assert_allclose(scalar, -age * velocity / wavelength, atol=2e-2 * scalar.std())


def test_scalar_and_vorticity_have_mean_zero_and_no_correlation():
    fields = np.stack([draw("scalar_turbulence", LAW_SHAPE, seed, **SMALL["scalar_turbulence"])
                       for seed in range(16)])  # fmt: skip
    spread = fields.std(axis=(2, 3))
    assert np.all(np.abs(fields.mean(axis=(2, 3))) < 1e-4)
    np.testing.assert_allclose(spread[:, 0], 1, atol=1e-3)
    correlations = np.mean(fields[:, 0] * fields[:, 1], axis=(1, 2)) / spread.prod(axis=1)
    error = correlations.std() / math.sqrt(len(correlations))
    assert abs(correlations.mean()) < max(3 * error, 0.01)
    assert error < 0.03


# Material


def test_normals_are_of_unit_length_and_stand_on_the_height():
    for field in sample("material"):
        direction, height = field[3:6].astype(np.float64), field[6].astype(np.float64)
        np.testing.assert_allclose(np.linalg.norm(direction, axis=0), 1, atol=1e-5)
        # Across the columns, and up the picture: against the rows.
        right = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) / 2
        up = (np.roll(height, 1, 0) - np.roll(height, -1, 0)) / 2
        np.testing.assert_allclose(direction[0] + direction[2] * right, 0, atol=1e-4)
        np.testing.assert_allclose(direction[1] + direction[2] * up, 0, atol=1e-4)
        assert direction[2].min() > 0


def test_normals_of_a_wave():
    x = np.arange(32)
    height = jnp.asarray(np.tile(np.sin(2 * np.pi * x / 32), (16, 1)), jnp.float32)
    slope = np.cos(2 * np.pi * x / 32) * np.sin(2 * np.pi / 32)
    found = normals(height)
    np.testing.assert_allclose(found[0, 3], -slope / np.hypot(1, slope), atol=1e-6)
    np.testing.assert_allclose(found[1], 0, atol=1e-6)
    # A hillside that faces the top of the picture.
    assert float(normals(height.T)[1, 0, 0]) > 0


def test_relief_scales_the_height_and_nothing_of_the_color():
    flat = sample("material")[0]
    steep = draw("material", LAW_SHAPE, 0, **SMALL["material"] | {"relief": 9.0})
    np.testing.assert_allclose(steep[6], 3 * flat[6], atol=1e-5)
    np.testing.assert_allclose(steep[:3], flat[:3], atol=1e-5)
    assert steep[5].mean() < flat[5].mean()


def test_joints_are_low_and_dark():
    for field in sample("material"):
        luma = np.tensordot(LUMA, field[:3], 1)
        low = field[6] < np.quantile(field[6], 0.15)
        assert luma[low].mean() < 0.7 * luma[~low].mean()
        assert field[6][low].mean() < 0.2 * field[6][~low].mean()
