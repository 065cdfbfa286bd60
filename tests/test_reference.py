"""The reference: several pictures tell more than one, and the noise is what is left."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth import GrayLevels, Joint, ScatteringMoments, ScatteringSpectra, fit, morlet_bank
from synth.transforms.fourier import radial_frequency

SHAPE = (64, 64)


@cache
def descriptor():
    bank = morlet_bank(SHAPE, 4, 4)
    return Joint(
        {
            "moments": ScatteringMoments(bank),
            "spectra": ScatteringSpectra(morlet_bank(SHAPE, 3, 4)),
            "gray_levels": GrayLevels(SHAPE),
        }
    )


_measure = jax.jit(lambda one, field: one(field))
_residual = jax.jit(lambda one, moments, target: one.residual(moments, target))


def gaussian(seed, shape=SHAPE):
    """A Gaussian field on the torus, of a correlation length of some pixels and variance 1."""
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal(shape))
    radius = np.fft.ifftshift(radial_frequency(shape))
    power = 1 / (1 + (radius / 0.5) ** 2) ** 2
    power[0, 0] = 0
    return np.fft.ifft2(noise * np.sqrt(power / power.mean())).real


def standard(field):
    return jnp.asarray((field - field.mean()) / field.std(), jnp.float32)


@cache
def truth():
    """Mean moments of many independent fields."""
    each = [_measure(descriptor(), standard(gaussian(1000 + seed))) for seed in range(64)]
    return jax.tree.map(lambda *leaves: jnp.mean(jnp.stack(leaves), 0), *each)


def distances(moments):
    residual = descriptor().residual(moments, truth())
    return {name: float(value) for name, value in residual.items()}


def test_eight_pictures_tell_more_than_one():
    several = fit(descriptor(), np.stack([gaussian(seed) for seed in range(8)]))
    alone = [distances(fit(descriptor(), gaussian(seed)).target) for seed in range(8)]
    for name, off in distances(several.target).items():
        usual = np.sqrt(np.mean([one[name] ** 2 for one in alone]))
        assert off < 0.6 * usual, name  # 1 / √8 = 0.35 is expected


@cache
def observed():
    """Root mean square distance between independent fields, by block."""
    fields = [_measure(descriptor(), standard(gaussian(seed))) for seed in range(16)]
    pairs = [(one, other) for i, one in enumerate(fields) for other in fields[:i]]
    apart = [_residual(descriptor(), one, other) for one, other in pairs]
    return {name: np.sqrt(np.mean([float(r[name]) ** 2 for r in apart])) for name in apart[0]}


def test_the_noise_of_a_gaussian_field_is_what_independent_fields_show():
    found = observed()
    levels = [fit(descriptor(), gaussian(seed)).noise for seed in range(6)]
    assert all(set(level) == set(found) for level in levels)
    for name, wanted in found.items():
        ratios = np.array([float(level[name]) for level in levels]) / wanted
        assert 0.5 < np.sqrt(np.mean(ratios**2)) < 2, name
        assert ratios.min() > 1 / 3, name  # four quadrants of one picture tell no better
        assert ratios.max() < 3, name


def test_the_noise_of_several_pictures_is_also_that_of_one_of_them():
    noise = fit(descriptor(), np.stack([gaussian(seed) for seed in range(8)])).noise
    for name, wanted in observed().items():
        assert 0.5 < float(noise[name]) / wanted < 2, name


@pytest.mark.parametrize(("scale", "offset"), [(1e3, 0.0), (1e-3, 5.0), (255.0, 128.0)])
@pytest.mark.parametrize("periodic", [True, False])
def test_the_noise_does_not_depend_on_the_unit(scale, offset, periodic):
    field = gaussian(3)
    plain, scaled = (
        fit(descriptor(), each, periodic=periodic) for each in (field, scale * field + offset)
    )
    for name, level in plain.noise.items():
        assert float(scaled.noise[name]) == pytest.approx(float(level), rel=1e-3), name
        assert float(scaled.unit[name]) == pytest.approx(float(plain.unit[name]), rel=1e-3), name


def test_a_picture_on_the_torus_is_measured_as_new_fields_are():
    field = gaussian(4)
    got, wanted = fit(descriptor(), field).target, _measure(descriptor(), standard(field))
    assert all(float(v) < 1e-5 for v in descriptor().residual(got, wanted).values())


class Repeating(ScatteringMoments):
    """Measures quadrants as pictures of the full size that they fill."""

    def of_quadrants(self):
        return self


@pytest.mark.parametrize("holed", [False, True])
def test_the_noise_among_quadrants_is_that_of_quadrants_repeated(holed):
    bank, field = morlet_bank(SHAPE, 6, 4), gaussian(3)
    if holed:
        field[10:22, 30:50] = np.nan
    found, full = (
        fit(one(bank), field, periodic=(True, False)) for one in (ScatteringMoments, Repeating)
    )
    for name, level in found.noise.items():
        assert float(level) == pytest.approx(float(full.noise[name]), rel=2e-3)


def test_noise_is_the_same_every_time():
    first, second = (fit(descriptor(), gaussian(5)).noise for _ in range(2))
    assert all(float(first[name]) == float(second[name]) for name in first)
