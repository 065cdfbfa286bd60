"""Turbulence: the equation, the time scheme, the two together."""

import importlib
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth.processes import turbulence
from synth.processes._grid import gaussian_spectrum
from synth.processes._runge_kutta import rk4_step
from synth.processes._vorticity import Vorticity


def draw(shape, seed, **parameters):
    return np.asarray(turbulence(shape, key=jax.random.key(seed), **parameters))


def random_vorticity(shape=(32, 27), seed=0):
    equation = Vorticity.on_torus(shape, viscosity=3.0, order=2)
    noise = gaussian_spectrum(equation.resolved, equation.samples, key=jax.random.key(seed))
    return equation, noise.at[0, 0].set(0)


def on_grid(equation, spectrum):
    return np.asarray(jnp.fft.irfft2(spectrum, s=equation.samples), np.float64)


@pytest.mark.parametrize("shape", [(32, 32), (32, 27)])
def test_advection_conserves_energy_and_enstrophy(shape):
    equation, vorticity = random_vorticity(shape)
    change = on_grid(equation, equation.nonlinear(vorticity))
    square = equation.ky**2 + equation.kx**2
    stream = on_grid(equation, -vorticity / jnp.where(square == 0, 1, square))
    grid = on_grid(equation, vorticity)
    for conserved in (grid, stream):
        scale = np.linalg.norm(conserved) * np.linalg.norm(change)
        assert abs(np.sum(conserved * change)) < 1e-5 * scale
    assert np.linalg.norm(change) > 0.01 * np.linalg.norm(grid)


def test_velocity_is_solenoidal_and_turns_into_its_vorticity():
    equation, vorticity = random_vorticity()
    u, v = jnp.fft.rfft2(equation.velocity(vorticity))
    divergence = 1j * (equation.kx * u + equation.ky * v)
    curl = 1j * (equation.kx * v - equation.ky * u)
    scale = float(jnp.max(jnp.abs(vorticity)))
    np.testing.assert_allclose(divergence, 0, atol=1e-5 * scale)
    np.testing.assert_allclose(curl, vorticity, atol=1e-5 * scale)


@pytest.mark.parametrize("order", [1, 4])
def test_a_single_wave_decays_at_the_viscous_rate(order):
    equation = Vorticity.on_torus((32, 32), viscosity=5.0, order=order)
    wave = jnp.zeros((48, 25), jnp.complex64).at[6, 8].set(100.0)
    assert float(jnp.max(jnp.abs(equation.nonlinear(wave)))) < 1e-3
    end = wave
    for _ in range(5):
        end = rk4_step(equation, end, 0.2)
    rate = 5.0 * ((6**2 + 8**2) / 16**2) ** order
    assert abs(end[6, 8]) == pytest.approx(100 * math.exp(-rate), rel=1e-4)


class Logistic:
    """y' = y - y², from 1/10: y = 1 / (1 + 9 exp(-t))."""

    linear = jnp.array(1.0)

    def nonlinear(self, state):
        return -(state**2)


def test_time_scheme_is_of_order_four():
    errors = []
    for steps in (4, 8, 16):
        state = jnp.array(0.1)
        for _ in range(steps):
            state = rk4_step(Logistic(), state, 4.0 / steps)
        errors.append(abs(float(state) - 1 / (1 + 9 * math.exp(-4.0))))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders, 4, atol=0.5)


def test_stable_step_moves_the_fastest_point_as_far_as_told():
    equation, vorticity = random_vorticity()
    speed = np.linalg.norm(np.asarray(equation.velocity(vorticity)), axis=0).max()
    assert float(equation.stable_step(vorticity, 0.7)) * speed == pytest.approx(0.7, rel=1e-5)
    assert np.isfinite(float(equation.stable_step(0 * vorticity, 0.7)))


def test_turbulence_develops_vortices_and_a_steep_spectrum():
    field = draw((128, 128), 0, wavelength=32.0)
    assert field.std() == pytest.approx(1, abs=1e-4)
    assert abs(field.mean()) < 1e-4
    # Vortices of both signs stand out of a weak background: far from Gaussian.
    assert np.mean(field**4) > 4
    assert min(field.max(), -field.min()) > 3.5
    # The energy falls about as k^-3 or steeper, and the finest modes still hold something.
    power = np.abs(np.fft.fft2(field)) ** 2
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(128) * 128, np.fft.fftfreq(128) * 128))
    energy = [np.mean(power[np.abs(radius - k) < 0.1 * k]) / k for k in (10, 40)]
    assert -5.5 < np.log(energy[1] / energy[0]) / np.log(4) < -2
    assert np.mean(power[(radius > 50) & (radius < 60)]) > 1e-6 * power.max()


def test_a_second_field_compiles_nothing(monkeypatch):
    module, traced = importlib.import_module("synth.processes.turbulence"), []
    monkeypatch.setattr(module, "rk4_step", lambda *a: traced.append(1) or rk4_step(*a))
    draw((16, 18), 0, wavelength=8.0, age=1.0)
    assert len(traced) == 1
    draw((16, 18), 1, wavelength=7.0, age=2.0, viscosity=5.0)
    assert len(traced) == 1
