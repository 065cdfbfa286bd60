"""Moment models of several channels: from pictures to textures, kept pixels and mixtures."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import picture, white

from synth import Schedule, descend, drain, fit, fit_gaussian, joint, mix, synthesize
from synth.errors import InputError
from synth.models.gamut import Finish
from synth.transforms.fourier import radial_frequency

SHAPE = (16, 20)
UNITS, LEVELS = np.array([9.0, 0.02, 400.0]), np.array([70.0, -3.0, 0.0])
KEY = jax.random.key(0)


def descriptor(channels, name="colors", shape=SHAPE):
    """The least of the models, with colors or, as ``moments``, without: these have no range."""
    sizes = {"shape": shape, "channels": channels, "scales": 1, "angles": 1}
    return joint("scattering1", **sizes, gray_levels=name == "colors")


def smooth(field):
    gain = 1 / (0.5 + np.fft.ifftshift(radial_frequency(field.shape[-2:])))
    return np.fft.ifft2(np.fft.fft2(field) * gain).real


def color(seed=0, count=3, shape=SHAPE):
    """Channels that share something, skewed, in units of their own; float32, as files are."""
    fields = smooth(np.random.default_rng(seed).gamma(1.5, size=(count, *shape)))
    fields = fields + 0.8 * fields.mean(0)
    fields = (fields - fields.mean((1, 2), keepdims=True)) / fields.std((1, 2), keepdims=True)
    fields = fields * UNITS[np.arange(count) % 3, None, None]
    return (fields + LEVELS[np.arange(count) % 3, None, None]).astype(np.float32)


def usual(model, steps=30):
    return Schedule.usual(model.descriptor, max_steps=steps)


def drawn(model, steps=30, key=KEY):
    return np.asarray(synthesize(model, key=key, schedule=usual(model, steps)).field)


@cache
def model_of(count):
    return fit(descriptor(count), color(count=count))


def assert_equal(one, other, rtol=0.0):
    leaves = [jax.tree.leaves(eqx.filter(each, eqx.is_array)) for each in (one, other)]
    for a, b in zip(*leaves, strict=True):
        size = np.abs(np.where(np.isfinite(b), b, 0)).max(initial=0)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * size)


@pytest.fixture(scope="module")
def shared():
    """Model of two channels of 32² that share their foam, one of them with waves of its own."""
    foam = picture("foam", (32, 32))
    target = np.stack([foam, np.roll(foam, 2, 1) + smooth(white((32, 32)))])
    return fit(joint("scattering", shape=(32, 32), channels=2, scales=3, angles=4), target)


class TestTargets:
    @pytest.mark.parametrize("shape", [(1, *SHAPE), (3, *SHAPE), SHAPE, (2, 1, *SHAPE)])
    def test_another_number_of_channels_is_refused(self, shape):
        message = "the descriptor is for fields of 2 channels: give channels × height × width, or a"
        with pytest.raises(InputError, match=message):
            fit(descriptor(2), white(shape))

    def test_the_units_are_those_of_every_channel(self):
        model, target = model_of(3), color()
        np.testing.assert_allclose(model.mean, target.mean((1, 2)), rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(model.scale, target.std((1, 2)), rtol=1e-4)
        components = np.asarray(model.from_units(jnp.asarray(target)), np.float64)
        np.testing.assert_allclose(
            np.cov(components.reshape(3, -1), bias=True), np.eye(3), atol=1e-3
        )
        size = UNITS[:, None, None]
        np.testing.assert_allclose(
            model.to_units(jnp.asarray(components, float)) / size, target / size, atol=1e-3
        )
        np.testing.assert_allclose(model.range, [target.min((1, 2)), target.max((1, 2))])
        np.testing.assert_allclose(model.bounds, model.range)

    def test_the_levels_are_the_target_s_colors(self):
        model = model_of(3)
        components = np.asarray(model.from_units(jnp.asarray(color()))).reshape(3, -1)
        order = np.argsort(components[0], kind="stable")
        np.testing.assert_allclose(model.levels, components[:, order], atol=1e-3)

    def test_the_target_itself_has_no_loss(self):
        model = fit(descriptor(3), color(), exponents=(0, 0))
        z = model.variable(model.from_units(jnp.asarray(color())))
        loss, residual = jax.jit(lambda z: model.loss(z))(z)
        assert float(loss) < 1e-3
        assert max(map(float, residual.values())) < 1e-3

    @pytest.mark.parametrize("periodic", [True, False])
    def test_what_one_channel_misses_all_miss(self, periodic):
        one, every = color(), color()
        one[0, 3:6, 4:9] = one[2, 10, 12:15] = np.nan
        every[:, np.isnan(one).any(0)] = np.nan
        one[1, 4, 5] = 1e6  # at a pixel that is missing
        models = [fit(descriptor(3), x, periodic=periodic) for x in (one, every)]
        assert_equal(*models)
        assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(models[0].weights))
        assert float(models[0].range[1, 1]) < 1e5

    def test_a_stack_of_one_is_that_picture(self):
        assert_equal(fit(descriptor(3), color()[None]), model_of(3), rtol=2e-4)

    def test_the_target_of_several_pictures_is_the_mean_of_their_moments(self):
        stack = np.stack([color(seed) for seed in range(3)])
        several = fit(descriptor(3, "moments"), stack)
        np.testing.assert_allclose(several.mean, stack.mean((0, 2, 3)), rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(several.scale, stack.std((0, 2, 3)), rtol=1e-4)
        measure = jax.jit(lambda x: several.descriptor(several.from_units(x)))
        each = [measure(jnp.asarray(x)) for x in stack]
        wanted = jax.tree.map(lambda *leaves: sum(leaves) / 3, *each)
        for a, b in zip(*map(jax.tree.leaves, (several.target, wanted)), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)


class TestComponents:
    def test_three_equal_channels_are_a_gray_field(self):
        """To rounding, since a field goes through a matrix; a descent makes more of that."""
        gray = color()[0]
        one, other = (fit(descriptor(n), x) for n, x in ((3, np.stack([gray] * 3)), (1, gray)))
        for name in ("noise", "target"):
            values = [sorted(jax.tree.leaves(getattr(m, name)), key=np.shape) for m in (one, other)]
            assert_equal(*values, rtol=1e-4)
        for name in ("levels", "shaping", "prior"):
            assert_equal(getattr(one, name), getattr(other, name), rtol=1e-4)
        assert_equal(one.gaussian.spectrum, other.gaussian.spectrum, rtol=1e-5)
        for steps, tolerance in ((5, 1e-3), (20, 0.05)):
            got, wanted = drawn(one, steps), drawn(other, steps)
            assert got.shape == (3, *SHAPE)
            np.testing.assert_allclose(got[1:], got[:1].repeat(2, 0), rtol=1e-6)
            np.testing.assert_allclose(got[0], wanted, atol=tolerance * gray.std())

    def test_constants_and_multiples_stay_so(self):
        field = color(count=2)
        constant = np.stack([field[0], np.full_like(field[0], 0.1), field[1]])
        multiple = np.stack([field[0], field[1], 2 - 5 * field[1]])
        models = [fit(descriptor(3), x) for x in (constant, multiple)]
        assert [model.descriptor.num_channels for model in models] == [2, 2]
        one, other = (drawn(model, 10) for model in models)
        np.testing.assert_array_equal(one[1], np.float32(0.1))
        np.testing.assert_allclose(other[2], 2 - 5 * other[1], atol=1e-4)

    def test_eight_channels(self):
        target = color(count=8)
        model = fit(descriptor(8), target)
        assert model.descriptor.num_channels == 8
        texture = synthesize(model, key=KEY, schedule=usual(model, 10))
        assert texture.field.shape == (8, *SHAPE)
        assert np.all(np.isfinite(texture.field))
        assert texture.losses[-1] < texture.losses[0]


class TestBounds:
    def test_colors_keep_the_range_of_every_channel(self):
        target, texture = color(), drawn(model_of(3))
        assert np.all(texture.min((1, 2)) >= target.min((1, 2)))
        assert np.all(texture.max((1, 2)) <= target.max((1, 2)))

    def test_given_bounds_hold_for_every_channel(self):
        target = (color() - LEVELS[:, None, None]) / UNITS[:, None, None]
        model = fit(descriptor(3), target.astype(np.float32), bounds=(-0.5, 10.0))
        texture = drawn(model, 10)
        np.testing.assert_allclose(texture.min((1, 2)), -0.5, rtol=1e-6)
        assert texture.max() <= 10

    def test_colors_that_are_moved_to_the_target_s_keep_range_and_constants(self):
        target = color()
        target[1] = np.float32(0.1)
        model = fit(descriptor(3), target)
        far = model.to_units(3 * jnp.asarray(white((2, *SHAPE)), float))
        moved = np.asarray(Finish(model)(far))
        assert np.mean(np.any(moved != far, axis=0)) > 0.1
        np.testing.assert_array_equal(moved[1], np.float32(0.1))
        low, high = np.asarray(model.range)[..., None, None]
        assert np.all((low <= moved) & (moved <= high))

    @pytest.mark.parametrize(
        ("bounds", "words"),
        [
            ((0.0, 100.0), "leave nothing of channel 2, which goes from -3.* to -2.*: give a wid"),
            ((100.0, -100.0), "leave nothing of channel 1, which goes from"),
            ((np.nan, 100.0), "leave nothing of channel 1"),
        ],
    )
    def test_bounds_that_leave_nothing_of_a_channel_are_refused(self, bounds, words):
        with pytest.raises(InputError, match=words):
            fit(descriptor(2), color(count=2), bounds=bounds)

    def test_the_value_of_a_constant_channel_must_be_within(self):
        field = color(count=2)
        field[1] = 80
        model = fit(descriptor(2, "moments"), field, bounds=(60.0, 80.0))
        start = model.to_units(model.field(model.start(key=KEY)))
        assert np.all(np.asarray(start)[1] == 80)
        assert float(start.min()) == 60
        with pytest.raises(
            InputError, match="leave nothing of channel 2, which goes from 80 to 80"
        ):
            fit(descriptor(2, "moments"), field, bounds=(60.0, 75.0))


class TestDescents:
    def test_moments_of_two_channels_are_met(self, shared):
        texture = synthesize(shared, key=KEY)
        assert texture.outcome == "converged"
        assert texture.field.shape == (2, 32, 32)
        for block, level in shared.unit.items():
            assert float(texture.residual[block]) <= texture.tolerance * float(level)
        gaussian = shared.gaussian.sample(key=KEY)
        moments = shared.descriptor(shared.from_units(gaussian))
        far = shared.descriptor.residual(moments, shared.target)
        assert float(far["between/modulus"]) > 3 * float(texture.residual["between/modulus"])

    def test_each_of_two_samples_is_the_one_of_its_key_alone(self):
        keys, model = jax.random.split(jax.random.key(1)), model_of(3)
        both = drain(descend(model, keys=keys, schedule=usual(model, 10)))
        scale = np.asarray(model.scale)[:, None, None]
        for key, texture in zip(keys, both, strict=True):
            alone = synthesize(model, key=key, schedule=usual(model, 10))
            np.testing.assert_allclose(alone.field / scale, texture.field / scale, atol=0.01)
            assert texture.evaluations == alone.evaluations

    @pytest.mark.parametrize("kind", ["gaussian", "skewed", "variable", "pixels"])
    def test_starts_have_the_target_s_means(self, shared, kind):
        start = shared.start(key=KEY, kind=kind)
        assert start.shape == (2, 32, 32)
        field = np.asarray(shared.to_units(shared.field(start)))
        np.testing.assert_allclose(field.mean((1, 2)), shared.mean, atol=1e-4)

    @pytest.mark.parametrize("kind", ["gaussian", "skewed", "variable", "pixels"])
    def test_starts_have_the_intended_cross_spectra(self, shared, kind):
        keys = jax.random.split(KEY, 200)
        fields = jax.vmap(lambda key: shared.field(shared.start(key=key, kind=kind)))(keys)
        waves = np.fft.rfft2(fields, norm="ortho")[..., 1:]  # without the frequency 0
        found = np.real(np.mean(waves[:, :, None] * waves[:, None].conj(), axis=0))
        eye = np.eye(2)[:, :, None, None] + np.zeros((32, 17))
        root = {"variable": shared.shaping, "pixels": eye}.get(kind, shared.prior)
        wanted = np.einsum("cdhw,dehw->cehw", *[np.asarray(root, np.float64)] * 2)[..., 1:]
        size = np.sqrt(np.einsum("cchw->chw", wanted))
        error = (found - wanted) / (size[:, None] * size)
        assert np.abs(error).mean() < 0.1
        # The asymmetry moves the phases of each component.
        assert np.abs(error.mean((-2, -1))).max() < (0.08 if kind == "skewed" else 0.02)

    def test_a_second_target_compiles_no_descent(self, compiled):
        first, second = model_of(3), fit(descriptor(3), color(seed=1))
        drawn(first, 5)
        del compiled[:]
        drawn(second, 5)
        assert not [name for name in compiled if "advance" in str(name)]

    def test_on_another_shape(self):
        other = model_of(3).on((24, 16))
        for name in ("moments", "between"):
            assert_equal(other.target[name], model_of(3).target[name])
        there = jax.eval_shape(other.descriptor, jnp.zeros((3, 24, 16)))
        assert other.target["colors"].shape == there["colors"].shape
        assert other.prior.shape == (3, 3, 24, 9)
        np.testing.assert_array_equal(other.bounds, model_of(3).bounds)


class TestKeeping:
    def holed(self):
        field = color()
        field[:, 5:12, 6:15] = np.nan
        return field

    def test_kept_pixels_are_bit_for_bit_those_that_were_given(self):
        field, free = self.holed(), np.isnan(self.holed()[0])
        model = fit(descriptor(3), field).keeping(field)
        texture = drawn(model, 10)
        for each in (texture, np.asarray(model.complete(key=KEY))):
            np.testing.assert_array_equal(each[:, ~free], field[:, ~free])
            assert np.isfinite(each).all()
            assert np.all(each[:, free].std(-1) > 0.1 * np.nanstd(field, (1, 2)))

    def test_the_variable_gives_the_field_back(self):
        field = self.holed()
        model = fit(descriptor(3, "moments"), field).keeping(field)
        x = model.from_units(model.complete(key=KEY))
        np.testing.assert_allclose(model.field(model.variable(x)), x, atol=5e-3)

    def test_a_pixel_is_free_where_one_channel_misses_it(self):
        field = color()
        field[1, 5:12, 6:15] = np.nan
        model = model_of(3).keeping(field)
        np.testing.assert_array_equal(model.kept.free, np.isnan(field).any(0))

    def test_a_channel_that_has_no_pixel_is_refused(self):
        field = color()
        field[2] = np.nan
        with pytest.raises(InputError, match="All pixels are missing"):
            model_of(3).keeping(field)

    def test_equal_channels_may_be_kept_too(self):
        field = np.stack([self.holed()[0]] * 3)
        model = fit(descriptor(3, "moments"), field).keeping(field)
        texture = model.to_units(model.field(model.start(key=KEY)))
        known = ~np.isnan(field[0])
        np.testing.assert_array_equal(texture[:, known], field[:, known])
        np.testing.assert_allclose(texture[1], texture[0], rtol=1e-5)


class TestMixing:
    def two(self, name="colors", change=lambda x: x):
        one = fit(descriptor(3, name), change(color()))
        return one, fit(descriptor(3, name), change(color(seed=5)), like=one)

    @pytest.mark.parametrize("name", ["moments", "colors"])
    def test_ends_are_the_models(self, name):
        two = self.two(name)
        for index, shares in enumerate(([1, 0], [0, 1])):
            assert_equal(mix(two, shares), two[index], rtol=1e-4)

    def test_halfway_the_moments_are_those_of_both(self):
        two = self.two()
        mixed = mix(two, [0.5, 0.5])
        line = jax.tree.map(lambda a, b: (a + b) / 2, *[model.target["between"] for model in two])
        assert_equal(mixed.target["between"], line, rtol=1e-5)
        texture = drawn(mixed)
        assert np.all(np.isfinite(texture))
        low, high = np.asarray(mixed.bounds)
        assert np.all(texture.min((1, 2)) >= low)
        assert np.all(texture.max((1, 2)) <= high)
        inverse = np.asarray(mixed.gaussian.units.inverse) @ np.asarray(mixed.gaussian.units.scale)
        np.testing.assert_allclose(inverse, np.eye(3), atol=1e-4)

    def test_halfway_the_contrast_is_that_of_both(self):
        noise = white((2, *SHAPE))
        alike = np.stack([noise[0], noise[0] + 0.1 * noise[1]])
        one = fit_gaussian(noise, channels=True)
        two = fit(descriptor(2, "moments"), alike, like=fit(descriptor(2, "moments"), noise))
        mixed = mix([one, two.gaussian], [0.5, 0.5])
        np.testing.assert_allclose(mixed.scale, (one.scale + two.scale) / 2, rtol=1e-5)
        inverse = np.asarray(mixed.units.inverse) @ np.asarray(mixed.units.scale)
        np.testing.assert_allclose(inverse, np.eye(2), atol=1e-4)

    @pytest.mark.parametrize("name", ["moments", "colors"])
    def test_of_a_constant_channel_and_of_multiples_in_other_units(self, name):
        def change(field):
            return np.stack([field[0], np.full_like(field[0], 0.1), 1e4 * field[0]])

        two = self.two(name, change)
        assert two[0].descriptor.num_channels == 1
        for index, shares in enumerate(([1, 0], [0, 1])):
            assert_equal(mix(two, shares), two[index], rtol=1e-4)
        mixed = mix(two, [0.5, 0.5])
        texture = mixed.to_units(mixed.field(mixed.start(key=KEY)))
        assert np.all(np.isfinite(texture))
        np.testing.assert_allclose(texture[1], 0.1, rtol=1e-6)

    def test_of_pictures_with_other_numbers_of_pixels(self):
        holed = color(seed=5)
        holed[:, 5:12, 6:15] = np.nan
        models = [model_of(3), fit(descriptor(3), holed, like=model_of(3))]
        assert models[1].levels.shape == models[0].levels.shape
        assert len(np.unique(models[1].levels[0])) == np.isfinite(holed[0]).sum()
        mixed = mix(models, [0.5, 0.5])
        shares = [np.isin(mixed.levels[0], each.levels[0]).mean() for each in models]
        np.testing.assert_allclose(shares, 0.5, atol=0.01)
        assert_equal(mix(models, [0, 1]), models[1], rtol=1e-4)

    def test_gaussians_mix(self):
        two = [fit_gaussian(color(seed), channels=True) for seed in (0, 5)]
        mixed = mix(two, [0.5, 0.5])
        np.testing.assert_allclose(mixed.mean, (two[0].mean + two[1].mean) / 2, rtol=1e-5)
        assert mixed.sample(key=KEY).shape == (3, *SHAPE)

    def test_a_rotated_target_mixes_with_its_own_kind(self):
        """Aligned, the mixture of a picture with one of swapped variances has its colors."""
        one, other = self.two("moments")
        scales = [np.asarray(model.gaussian.units.scale) / UNITS[:, None] for model in (one, other)]
        cosine = np.sum(scales[0] * scales[1]) / np.prod([np.linalg.norm(s) for s in scales])
        alone = fit(descriptor(3, "moments"), color(seed=5))
        free = np.asarray(alone.gaussian.units.scale) / UNITS[:, None]
        plain = np.sum(scales[0] * free) / np.linalg.norm(scales[0]) / np.linalg.norm(free)
        assert cosine >= plain - 1e-6
        np.testing.assert_allclose(scales[1] @ scales[1].T, free @ free.T, atol=1e-4)

    def test_models_of_other_numbers_of_components_are_refused(self):
        flat = color()
        flat[2] = 0
        models = [model_of(3), fit(descriptor(3), flat)]
        with pytest.raises(InputError, match="have 3 and 2 independent channels: mix pict"):
            mix(models, [0.5, 0.5])
