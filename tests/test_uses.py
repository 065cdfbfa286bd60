"""Models on other shapes, with kept pixels, and mixed: what they keep, and what is refused."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import white
from jaxtyping import TypeCheckError

from synth import (
    Descriptor,
    GrayLevels,
    ScatteringMoments,
    Schedule,
    fit,
    fit_gaussian,
    joint,
    load,
    max_scales,
    mix,
    morlet_bank,
    shared_scales,
    synthesize,
)
from synth.errors import InputError
from synth.metrics import border_jump, seam_jump
from synth.models.keeping import widest
from synth.statistics import quantiles
from synth.transforms.conditional import power_on
from synth.transforms.filters import num_points
from synth.transforms.fourier import radial_frequency

SHAPE = (32, 48)
OTHER = (40, 24)


def field(name="turbulence", shape=SHAPE):
    return load(name, size=64).field[0][: shape[0], : shape[1]]


def descriptor(name="full", shape=SHAPE, scales=2):
    return joint(name, shape=shape, scales=scales, angles=2)


def holed(name="turbulence"):
    x = field(name).copy()
    x[10:20, 20:34] = np.nan
    return x


@pytest.fixture(scope="module")
def model():
    return fit(descriptor(), field())


@pytest.fixture(scope="module")
def keeping():
    x = holed()
    return fit(descriptor(), x, periodic=False).keeping(x)


@pytest.fixture(scope="module")
def two():
    return [fit(descriptor(), field(name)) for name in ("turbulence", "foam")]


class TestScales:
    def test_one_less_where_shapes_differ(self):
        assert shared_scales((64, 100)) == max_scales((64, 100)) == 6
        assert shared_scales((64, 100), (64, 100)) == 6
        assert shared_scales((64, 100), (256, 256)) == shared_scales((256, 256), (64, 100)) == 5
        assert shared_scales((2, 2), (3, 3)) == 1

    def test_wavelets_see_the_same_spectrum_on_both_grids(self):
        """Mean power of white noise, within 2 % over angles up to the coarsest shared scale."""
        shapes = [(64, 64), (160, 160)]
        scales = shared_scales(*shapes)
        banks = [morlet_bank(shape, scales, 4, oversampling=99) for shape in shapes]
        power = [[np.mean(np.asarray(band.filters) ** 2) for band in bank.first] for bank in banks]
        np.testing.assert_allclose(power[0], power[1], rtol=0.02)
        with pytest.raises(InputError, match="scales=5"):
            morlet_bank((64, 64), scales + 1, 4).on((160, 160))

    @pytest.mark.parametrize(("shape", "scales", "angles"), [((64, 64), 6, 8), ((50, 97), 4, 3)])
    def test_points_are_counted_before_a_bank_is_made(self, shape, scales, angles):
        assert num_points(shape, scales, angles) == morlet_bank(shape, scales, angles).num_points


class TestSpectrum:
    def test_a_white_one_stays_white(self):
        np.testing.assert_allclose(power_on(np.ones(SHAPE), OTHER), 1, rtol=1e-9)

    def test_a_power_law_stays_one(self):
        def law(shape):
            radius = np.fft.ifftshift(radial_frequency(shape))
            radius[0, 0] = 2 * np.pi / max(shape)
            return radius**-3

        ratio = power_on(law((64, 64)), (160, 100)) / law((160, 100))
        inside = np.fft.ifftshift(radial_frequency((160, 100))) > 2 * np.pi / 64
        assert np.exp(np.abs(np.log(ratio[inside])).mean()) < 1.05

    def test_an_anisotropic_one_keeps_its_direction(self):
        rows = np.abs(np.fft.fftfreq(64))[:, None] < 0.1
        power = np.where(rows, 1.0, 0.01) * np.ones((64, 64))
        other = power_on(power, (128, 96))
        assert other[:10].mean() > 30 * other[40:60].mean()

    @pytest.mark.parametrize("shape", [OTHER, (96, 96), (17, 31)])
    def test_gaussian_fields_of_another_shape_have_the_variance(self, shape):
        gaussian = fit_gaussian(field())
        other = gaussian.on(shape)
        assert other.shape == shape
        assert float(other.spectrum.mean()) == pytest.approx(1, rel=1e-5)
        assert float(other.spectrum[0, 0]) == 0
        assert (other.mean, other.scale) == (gaussian.mean, gaussian.scale)
        sample = np.asarray(other.sample(key=jax.random.key(0)))
        assert sample.shape == shape
        assert 0.2 < sample.std() / float(gaussian.scale) < 2
        assert gaussian.on(SHAPE) is gaussian


class TestAnotherShape:
    def test_gray_levels_are_quantiles(self):
        levels = jnp.sort(jnp.asarray(white(SHAPE).ravel(), jnp.float32))
        np.testing.assert_allclose(quantiles(levels, levels.size), levels, atol=1e-6)
        for count in (100, 5000):
            few = quantiles(levels, count)
            assert few.shape == (count,)
            assert (np.diff(few) >= 0).all()
            assert float(few.mean()) == pytest.approx(float(levels.mean()), abs=0.01)
        carried = GrayLevels(SHAPE).carried(levels, OTHER)
        assert carried.shape == (math.prod(OTHER),)

    def test_a_model_keeps_moments_noise_and_range(self, model):
        other = model.on(OTHER)
        assert other.shape == OTHER
        assert model.on(SHAPE) is model
        for name in ("moments", "spectra"):
            same = jax.tree.map(np.array_equal, other.target[name], model.target[name])
            assert all(jax.tree.leaves(same))
        ratio = np.sqrt((1 + math.prod(SHAPE) / math.prod(OTHER)) / 2)
        for name, level in model.noise.items():
            assert float(other.noise[name]) == pytest.approx(ratio * float(level), rel=1e-6)
        assert other.levels.shape == (math.prod(OTHER),)
        np.testing.assert_array_equal(other.range, model.range)
        np.testing.assert_array_equal(other.bounds, model.bounds)

    @pytest.mark.parametrize("shape", [OTHER, (64, 80)])
    def test_textures_have_the_moments(self, model, shape):
        texture = synthesize(model.on(shape), key=jax.random.key(0))
        assert texture.field.shape == shape
        assert texture.outcome == "converged"
        low, high = (float(end) for end in model.range)
        assert low - 0.1 < float(texture.field.min()) < float(texture.field.max()) < high + 0.1

    def test_a_descriptor_says_how_many_scales_it_may_have(self):
        with pytest.raises(InputError, match="make the descriptor with scales=4"):
            descriptor("scattering", scales=5).on((64, 64))

    def test_a_descriptor_of_ones_own_knows_one_shape_unless_it_says_otherwise(self):
        class Mean(Descriptor):
            @property
            def shape(self):
                return SHAPE

            def __call__(self, field):
                return jnp.mean(field)

            def sampled(self, oversampling):
                return self

            def weights(self, target, unit):
                return jnp.ones_like(target)

            def residual(self, moments, target):
                return {"mean": jnp.abs(moments - target)}

        assert Mean().on(SHAPE).shape == SHAPE
        with pytest.raises(InputError, match="Mean knows fields of 32 × 48 pixels only"):
            Mean().on(OTHER)


class TestKeeping:
    def test_kept_pixels_are_bit_for_bit_those_that_were_given(self, keeping):
        x, drawn = holed(), np.isnan(holed())
        fields = [keeping.complete(key=jax.random.key(seed)) for seed in (0, 1)]
        texture = synthesize(keeping, key=jax.random.key(0))
        for each in (*fields, texture.field):
            np.testing.assert_array_equal(np.asarray(each)[~drawn], x[~drawn])
            assert np.isfinite(each).all()
        assert np.abs(fields[0] - fields[1])[drawn].max() > 0
        assert texture.outcome in ("converged", "stalled")
        again = synthesize(keeping, key=jax.random.key(0))
        np.testing.assert_array_equal(again.field, texture.field)

    def test_the_variable_gives_the_field_back(self, keeping):
        x = keeping.from_units(keeping.complete(key=jax.random.key(3)))
        np.testing.assert_allclose(keeping.field(keeping.variable(x)), x, atol=2e-3)

    def test_what_is_drawn_next_to_kept_pixels_hardly_moves(self, keeping):
        gain, free = np.asarray(keeping.kept.gain), np.isnan(holed())
        assert (gain[~free] == 0).all()
        assert (gain[free] > 0).all()
        assert gain[10, 25] < gain[15, 27] <= 1

    def test_the_unit_is_that_of_what_is_drawn(self, model, keeping):
        share = np.isnan(holed()).mean()
        plain = fit(descriptor(), holed(), periodic=False)
        for name, level in keeping.unit.items():
            assert float(level) == pytest.approx(np.sqrt(share) * float(plain.unit[name]), rel=1e-5)

    def test_the_target_is_that_of_the_kept_part_and_of_the_model(self):
        """Of a Gaussian field the target is what its fillings have already, within the noise."""
        x = np.asarray(fit_gaussian(field()).sample(key=jax.random.key(5)))
        given = x.copy()
        given[4:28, 10:40] = np.nan
        made = fit(descriptor("scattering"), given).keeping(given)
        fillings = [made.from_units(made.complete(key=jax.random.key(k))) for k in range(8)]
        each = [made.descriptor.residual(made.descriptor(f), made.target) for f in fillings]
        for name, unit in made.unit.items():
            assert np.mean([float(one[name]) for one in each]) < 2.5 * float(unit)

    def test_a_margin_is_drawn_once_and_kept(self, model):
        wide = model.on((48, 64))
        given = np.full((48, 64), np.nan, np.float32)
        given[:32, :48] = holed()
        margin = np.ones((48, 64), bool)
        margin[:32, :48] = False
        made = wide.keeping(given, margin=margin)
        np.testing.assert_array_equal(np.asarray(made.kept.free), np.isnan(given) & ~margin)
        one, other = (np.asarray(made.complete(key=jax.random.key(k))) for k in (0, 1))
        np.testing.assert_array_equal(one[margin], other[margin])

    def test_the_step_limit_ends_a_descent_in_its_first_stage(self, keeping):
        schedule = Schedule.usual(keeping.descriptor, max_steps=15)
        texture = synthesize(keeping, key=jax.random.key(0), schedule=schedule)
        assert texture.evaluations == 15

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (field(), "No pixel is missing"),
            (np.full(SHAPE, np.nan), "All pixels are missing"),
            (np.full(OTHER, np.nan), "40 × 24 pixels and the model 32 × 48"),
        ],
    )
    def test_what_cannot_be_kept_is_refused(self, model, given, words):
        with pytest.raises(InputError, match=words):
            model.keeping(given)
        with pytest.raises(InputError, match=words):
            model.gaussian.complete(given, key=jax.random.key(0))

    def test_a_model_keeps_pixels_once(self, keeping):
        for again in (lambda: keeping.on(OTHER), lambda: keeping.keeping(holed())):
            with pytest.raises(InputError, match="The model keeps pixels"):
                again()

    def test_infinite_pixels_and_other_margins_are_refused(self, model):
        x = holed()
        with pytest.raises(InputError, match=r"margin has the shape \(3, 3\)"):
            model.keeping(x, margin=np.ones((3, 3), bool))
        x[0, 0] = np.inf
        with pytest.raises(InputError, match="infinite values"):
            model.keeping(x)

    @pytest.mark.parametrize("shape", [(0, 5), (48,), (1, 8), (4.5, 8)])
    def test_what_is_no_shape_is_refused(self, model, shape):
        for one in (model, model.gaussian):
            with pytest.raises((InputError, TypeCheckError), match="shape"):
                one.on(shape)

    def test_a_model_that_keeps_nothing_says_so(self, model):
        with pytest.raises(InputError, match="keeps no pixels"):
            model.complete(key=jax.random.key(0))

    def test_the_width_of_holes(self):
        free = np.zeros((40, 60), bool)
        free[10:20, 5:50] = True
        assert widest(free) == 10
        free[:] = False
        free[:4] = free[-6:] = True  # one hole, around the border
        assert widest(free) == 10


class TestMixing:
    NAMES = ("turbulence", "foam")

    def test_ends_are_the_models(self, two):
        for index, shares in enumerate(([1, 0], [0, 1])):
            mixed = mix(two, shares)
            for a, b in zip(
                jax.tree.leaves(eqx.filter(mixed, eqx.is_array)),
                jax.tree.leaves(eqx.filter(two[index], eqx.is_array)),
                strict=True,
            ):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * (1 + np.abs(b).max()))

    def test_moments_lie_on_the_straight_line(self, two):
        mixed = mix(two, [0.25, 0.75])
        for part in ("moments", "spectra"):
            ends = [model.target[part] for model in two]
            line = jax.tree.map(lambda a, b: a / 4 + 3 * b / 4, *ends)
            same = jax.tree.map(lambda a, b: np.allclose(a, b, atol=1e-5), mixed.target[part], line)
            assert all(jax.tree.leaves(same))
        # Of gray levels the moments in the usual sense do.
        for power in (1, 2, 3, 4):
            one, other, between = (
                float(np.mean(np.asarray(model.levels, np.float64) ** power))
                for model in (*two, mixed)
            )
            assert between == pytest.approx(one / 4 + 3 * other / 4, rel=0.02, abs=0.01)
        wanted = float(two[0].mean) / 4 + 3 * float(two[1].mean) / 4
        assert float(mixed.mean) == pytest.approx(wanted, rel=1e-5)
        texture = synthesize(mixed, key=jax.random.key(0))
        assert texture.outcome == "converged"

    def test_pictures_of_two_sizes_mix_on_one_shape(self):
        one = fit(descriptor("scattering"), field())
        other = fit(descriptor("scattering", OTHER), field("foam", OTHER)).on(SHAPE)
        mixed = mix([one, other], [0.25, 0.75])
        area = 0.25 + 0.75 * math.prod(OTHER) / math.prod(SHAPE)
        assert float(mixed.reference.area) == pytest.approx(area)

    def test_bounds_of_models_without_any(self):
        free = [fit(descriptor("scattering"), field(name)) for name in self.NAMES]
        np.testing.assert_array_equal(mix(free, [1, 0]).bounds, [-np.inf, np.inf])
        np.testing.assert_array_equal(mix(free, [0.5, 0.5]).bounds, [-np.inf, np.inf])

    def test_gaussians_mix(self):
        one, other = (fit_gaussian(field(name)) for name in self.NAMES)
        mixed = mix([one, other], [0.5, 0.5])
        np.testing.assert_allclose(mixed.spectrum, (one.spectrum + other.spectrum) / 2, rtol=1e-6)
        assert mixed.sample(key=jax.random.key(0)).shape == SHAPE

    def test_a_mixture_compiles_nothing_more(self, two, compiled):
        schedule = Schedule.usual(two[0].descriptor, max_steps=3)
        synthesize(two[0], key=jax.random.key(0), schedule=schedule)
        mixed = mix(two, [0.5, 0.5])
        del compiled[:]
        synthesize(mixed, key=jax.random.key(0), schedule=schedule)
        assert not [name for name in compiled if "advance" in str(name)]

    def test_what_does_not_mix_is_refused(self, two):
        gaussian = two[0].gaussian
        other = fit(descriptor("scattering"), field())
        x = holed()
        kept = two[0].keeping(x)
        for models, shares, words in [
            (two, [0.5], "2 models and 1 shares"),
            ([], [], "0 models and 0 shares"),
            (two, [0.5, 0.6], "The shares are 0.5, 0.6"),
            (two, [1.5, -0.5], "The shares are 1.5, -0.5"),
            (two, [np.nan, np.nan], "The shares are nan, nan"),
            ([two[0], gaussian], [0.5, 0.5], "models of one kind"),
            ([two[0], two[1].on(OTHER)], [0.5, 0.5], "fields of 32 × 48 and 40 × 24 pixels"),
            ([two[0], other], [0.5, 0.5], "match different moments"),
            ([two[0], kept], [0.5, 0.5], "keeps pixels"),
        ]:
            with pytest.raises(InputError, match=words):
                mix(models, shares)


class TestJumps:
    def test_a_step_along_the_border_by_hand(self):
        x = np.zeros((8, 8))
        drawn = np.zeros((8, 8), bool)
        drawn[2:6, 2:6] = True
        x[drawn] = np.tile([0.0, 2.0], 8)  # jumps of 2 along rows, none along columns
        # 16 pairs cross the border: 8 of them over 0 and 8 over 2; inside 12 of 24 pairs over 2
        assert border_jump(x, drawn) == pytest.approx(1)
        x[drawn] += 10
        assert border_jump(x, drawn) == pytest.approx(np.sqrt(122 / 2))

    def test_of_nothing_there_is_none(self):
        assert math.isnan(border_jump(white((8, 8)), np.zeros((8, 8), bool)))
        assert math.isnan(seam_jump(np.ones((8, 8))))

    def test_a_periodic_field_has_no_seam_and_a_ramp_has_one(self):
        x = np.asarray(fit_gaussian(field()).sample(key=jax.random.key(0)))
        assert 0.7 < seam_jump(x) < 1.3
        assert seam_jump(np.arange(32.0)[:, None] * np.ones(32)) > 10

    @pytest.mark.parametrize("name", ["scattering1", "scattering", "spectra", "full"])
    @pytest.mark.parametrize("picture", ["turbulence", "gravel"])
    def test_textures_tile(self, name, picture):
        """Mean over eight textures; the bound allows for its standard error, about 0.04."""
        target = load(picture, size=48).field[0]
        model = fit(joint(name, shape=(48, 48), scales=3, angles=4), target, periodic=False)
        schedule = Schedule.usual(model.descriptor, max_steps=60)
        keys = jax.random.split(jax.random.key(0), 8)
        textures = [synthesize(model, key=key, schedule=schedule).field for key in keys]
        jumps = [seam_jump(np.asarray(texture)) for texture in textures]
        assert 0.9 < np.mean(jumps) < 1.1


def test_moments_of_one_layer_are_put_on_another_shape_too():
    one = ScatteringMoments(morlet_bank(SHAPE, 2, 2), max_order=1)
    assert one.on(OTHER).max_order == 1
    assert one.on(OTHER).shape == OTHER
