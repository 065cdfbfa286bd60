"""Metrics: closed forms, and laws for every member of the registry."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.special import ndtr

from synth.metrics import (
    STATISTICS,
    flatness,
    kurtosis,
    radial_spectrum,
    skewness,
    spectrum_error,
)
from synth.metrics._sliced import lines, quantiles
from synth.metrics._statistic import Statistic, in_units_of, rms
from synth.transforms.estimate import axes_of
from synth.transforms.palette import some


def noise(shape=(256, 256), seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def sine(shape=(32, 32), waves=2):
    return np.sin(2 * np.pi * waves * np.arange(shape[1]) / shape[1]) * np.ones(shape)


def binary(bright, shape=(20, 20)):
    """A field of zeros with a fraction of ones."""
    field = np.zeros(shape)
    field.flat[: round(bright * field.size)] = 1
    return field


class TestMarginals:
    def test_of_a_sine(self):
        assert skewness(sine()) == pytest.approx(0, abs=1e-12)
        assert kurtosis(sine()) == pytest.approx(1.5)

    @pytest.mark.parametrize("p", [0.5, 0.25, 0.1])
    def test_of_a_binary_field(self, p):
        variance = p * (1 - p)
        assert skewness(binary(p)) == pytest.approx((1 - 2 * p) / np.sqrt(variance))
        assert kurtosis(binary(p)) == pytest.approx((1 - 3 * variance) / variance)

    def test_of_noise(self):
        assert skewness(noise()) == pytest.approx(0, abs=0.04)
        assert kurtosis(noise()) == pytest.approx(3, abs=0.08)

    def test_leave_out_missing_pixels(self):
        x = noise((32, 32)) ** 3
        x[:8] = np.nan
        assert skewness(x) == skewness(x[8:])
        assert kurtosis(x) == kurtosis(x[8:])

    def test_do_not_depend_on_the_unit(self):
        x = noise((32, 32)) ** 3
        assert skewness(7 - 2 * x) == pytest.approx(-skewness(x))
        assert kurtosis(7 - 2 * x) == pytest.approx(kurtosis(x))


class TestFlatness:
    def test_of_noise_is_three(self):
        np.testing.assert_allclose(flatness(noise()), 3, atol=0.1)

    def test_of_waves_along_both_axes(self):
        x = sine((32, 32)) + sine((32, 32)).T
        np.testing.assert_allclose(flatness(x, (1, 3)), 1.5)

    def test_of_sparse_points_is_one_over_their_density(self):
        x = np.zeros((64, 64))
        x[8::16, 8::16] = 1  # 16 points; increments are ±1 at two places each
        np.testing.assert_allclose(flatness(x, (1, 2)), 4096 / 32)

    def test_crosses_the_border(self):
        x = noise((16, 24))
        np.testing.assert_allclose(flatness(x, (1,)), flatness(np.roll(x, (5, 7), (0, 1)), (1,)))

    def test_crosses_it_only_where_the_axis_wraps(self):
        x = noise((32, 32)) + 100 * (np.arange(32) > 15)  # a jump inside and one at the border
        left = x[:, :16]
        assert flatness(left, (1,), periodic=False) == pytest.approx(3, abs=0.5)
        for periodic in ((True, False), (False, True)):
            seen = flatness(np.roll(x, 16, 1), (1,), periodic=periodic)
            steps = [np.diff(np.roll(x, 16, 1), axis=axis).ravel() for axis in (0, 1)]
            axis = periodic.index(True)
            closed = np.roll(x, 16, 1)
            steps[axis] = (np.roll(closed, -1, axis) - closed).ravel()
            every = np.concatenate(steps)
            assert seen == pytest.approx((every**4).mean() / (every**2).mean() ** 2)

    def test_pairs_with_a_missing_pixel_do_not_count(self):
        x = noise((32, 48))
        half = x.copy()
        half[:, 24:] = np.nan
        found = flatness(half, (1, 2), periodic=False)
        np.testing.assert_allclose(found, flatness(x[:, :24], (1, 2), periodic=False))

    def test_without_pairs_there_is_none(self):
        assert np.isnan(flatness(noise((16, 16)), (16,), periodic=False)[0])


class TestSpectrum:
    @pytest.mark.parametrize("shape", [(256, 256), (255, 128)])
    def test_of_noise_is_its_variance(self, shape):
        frequency, power = radial_spectrum(3 + 2 * noise(shape))
        np.testing.assert_allclose(power[-6:], 4, rtol=0.1)
        assert frequency[0] == pytest.approx(2 * np.pi / max(shape), rel=0.2)

    @pytest.mark.parametrize("periodic", [False, (True, False)])
    def test_of_crops_of_noise_is_its_variance_down_to_the_lowest_band(self, periodic):
        crops = [noise((48, 64), seed) for seed in range(200)]
        power = np.mean([radial_spectrum(crop, periodic=periodic)[1] for crop in crops], axis=0)
        assert power[:3].min() > 0.67
        assert power[:3].max() < 1.5
        np.testing.assert_allclose(power[3:], 1, atol=0.15)

    def test_does_not_see_the_seam_of_a_picture(self):
        ramp = 3 * np.linspace(-1, 1, 64) * np.ones((64, 64)) + 0.1 * noise((64, 64))
        seam, tapered = (radial_spectrum(ramp, periodic=each)[1] for each in (True, False))
        np.testing.assert_allclose(tapered[-4:], 0.01, rtol=0.4)
        assert seam[-4:-1].min() > 0.1

    def test_of_missing_pixels_is_that_of_the_others(self):
        x = gaussian_filter(noise((96, 96)), 0.7, mode="wrap")
        holes = np.where(noise((96, 96), 1) > 0.84, np.nan, x)
        levels = [10 * np.log10(radial_spectrum(each)[1]) for each in (x, holes)]
        np.testing.assert_allclose(levels[1], levels[0], atol=0.8)

    def test_error_has_no_regard_for_what_the_reference_misses(self):
        x = gaussian_filter(noise((64, 64)), 1.5, mode="wrap")
        holes = np.where(noise((64, 64), 1) > 0.84, np.nan, x)
        assert spectrum_error(holes, x) == spectrum_error(holes, np.nan_to_num(holes, nan=9)) == 0

    def test_error_takes_the_same_taper_for_both(self):
        wide = gaussian_filter(noise((256, 256)), 3, mode="wrap")
        crop, other = wide[:128, :128], gaussian_filter(noise((128, 128), 1), 3, mode="wrap")
        errors = [spectrum_error(crop, other, periodic=periodic) for periodic in (True, False)]
        assert errors[1] < 3 < errors[0]
        assert spectrum_error(crop, crop, periodic=(False, True)) == 0

    def test_of_a_wave_stands_in_its_band(self):
        frequency, power = radial_spectrum(sine((64, 64), waves=8))
        peak = np.argmax(power)
        assert frequency[peak] == pytest.approx(2 * np.pi / 8, rel=0.2)
        assert power[peak] > 1e20 * np.delete(power, peak).max()

    def test_of_a_field_and_of_itself(self):
        assert spectrum_error(noise(), noise()) == 0

    @pytest.mark.parametrize("factor", [0.5, 1.1, 10])
    def test_error_of_a_scaled_field(self, factor):
        x = noise((64, 64))
        assert spectrum_error(x, factor * x) == pytest.approx(abs(20 * np.log10(factor)))

    def test_nobody_sees_what_is_40_db_down(self):
        x = sine((64, 64), waves=4)
        assert spectrum_error(x, x + 1e-3 * x.std() * noise((64, 64))) < 0.02

    def test_an_empty_field_is_as_dark_as_the_floor(self):
        x = noise((64, 64))
        levels = 10 * np.log10(radial_spectrum(x)[1] / x.var()) + 40
        assert spectrum_error(x, 0 * x) == pytest.approx(np.sqrt(np.mean(levels**2)))


def test_what_statistics_share_is_prepared_once_for_a_field():
    calls = []

    def prepare(field, periodic):
        calls.append(periodic)
        return 2 * field

    one, other = (Statistic(lambda twice, _: twice.max(keepdims=True), rms, prepare=prepare),) * 2
    field, prepared = noise((8, 8)), {}
    for statistic in (one, other):
        assert statistic.measure(field, (True, False), prepared) == 2 * field.max()
    assert calls == [(True, False)]
    one.measure(field, (True, False))
    assert len(calls) == 2


def describe(name, field, periodic=True):
    return STATISTICS[name].measure(field, axes_of(periodic))


def strokes(seed, shape=(64, 64)):
    """Bright strokes on a dark ground: smooth, skewed, heavy-tailed, all in one direction."""
    drawn = np.random.default_rng(seed).random(shape) < 0.005
    x = gaussian_filter(drawn.astype(float), (1, 2), mode="wrap")
    return (x - x.mean()) / x.std()


def disk(radius, shape=(96, 96)):
    rows, columns = np.indices(shape)
    inside = np.hypot(rows - shape[0] / 2 + 0.3, columns - shape[1] / 2 + 0.2) < radius
    return np.where(inside, 3.0, -3.0)


@pytest.mark.parametrize("name", STATISTICS)
class TestEveryStatistic:
    def test_is_zero_for_the_reference_itself(self, name):
        features = describe(name, strokes(0))
        assert STATISTICS[name].distance(features, describe(name, strokes(0))) == 0

    @pytest.mark.parametrize("periodic", [True, False])
    def test_tells_noise_from_strokes(self, name, periodic):
        distance = STATISTICS[name].distance
        a, b = (describe(name, strokes(seed, (128, 128)), periodic) for seed in (0, 1))
        c, d = (describe(name, noise((128, 128), seed), periodic) for seed in (0, 1))
        assert distance(a, c) > 2 * max(distance(a, b), distance(c, d))

    def test_is_symmetric_but_for_the_unit(self, name):
        a, b = (describe(name, strokes(seed)) for seed in (0, 1))
        there, back = STATISTICS[name].distance(a, b), STATISTICS[name].distance(b, a)
        assert there == pytest.approx(back, rel=0.4)

    def test_does_not_see_shifts_of_periodic_fields(self, name):
        x = strokes(0)
        moved = describe(name, np.roll(x, (8, 24), (0, 1)))
        assert STATISTICS[name].distance(describe(name, x), moved) < 1e-5

    @pytest.mark.parametrize("periodic", [True, False])
    @pytest.mark.parametrize("add", [(0, 0), (1, 0), (0, 7), (9, 80)])
    def test_fits_all_sizes_from_the_least(self, name, periodic, add):
        shape = tuple(STATISTICS[name].least + each for each in add)
        a, b = (describe(name, noise(shape, seed), periodic) for seed in (0, 1))
        assert a.size > 0
        assert np.isfinite(STATISTICS[name].distance(a, b))

    @pytest.mark.parametrize("wraps", [True, False])
    def test_wraps_along_one_axis_alone(self, name, wraps):
        x = strokes(0, (96, 64))

        def moved(steps, axis):
            one, other = describe(name, x, (wraps, not wraps)), np.roll(x, steps, axis)
            return STATISTICS[name].distance(one, describe(name, other, (wraps, not wraps)))

        along, across = (0, 1) if wraps else (1, 0)
        assert moved(24, along) < 1e-5
        if name not in ("wasserstein", "skewness", "kurtosis", "area"):
            assert moved(24, across) > 1e-4

    @pytest.mark.parametrize("periodic", [True, False])
    def test_of_a_constant_field_is_finite(self, name, periodic):
        flat, others = np.full((64, 64), 0.3), (np.full((64, 64), -2.0), strokes(0))
        for other in others:
            for pair in ((flat, other), (other, flat)):
                a, b = (describe(name, each, periodic) for each in pair)
                assert 0 <= STATISTICS[name].distance(a, b) < 1e6

    def test_of_a_field_that_ran_away_is_finite(self, name):
        x = in_units_of(strokes(0), 1e30 * noise((64, 64)))
        distance = STATISTICS[name].distance(describe(name, strokes(0)), describe(name, x))
        assert np.isfinite(distance)


@pytest.mark.parametrize("name", [name for name, each in STATISTICS.items() if each.gaps])
class TestStatisticsWithGaps:
    def test_leave_out_missing_pixels(self, name):
        x = strokes(0, (96, 96))
        half = np.where(np.arange(96) < 56, x, np.nan)
        a = describe(name, half, False)
        assert np.isfinite(a).any()
        if name in ("skewness", "kurtosis", "area"):
            np.testing.assert_allclose(a, describe(name, x[:, :56], False))
        b = describe(name, strokes(1, (96, 96)), False)
        assert np.isfinite(STATISTICS[name].distance(a, b))

    def test_are_those_of_a_field_without_gaps_where_few_are(self, name):
        x = strokes(0, (128, 128))
        some = np.where(np.random.default_rng(0).random(x.shape) < 0.2, np.nan, x)
        distance = STATISTICS[name].distance
        gap = distance(describe(name, x), describe(name, some))
        assert gap < 0.2 * distance(describe(name, x), describe(name, noise(x.shape)))


class TestLawsOfValues:
    def test_of_a_shift(self):
        x = noise((32, 32))
        features = [describe("wasserstein", each) for each in (x, x + 0.3)]
        assert STATISTICS["wasserstein"].distance(*features) == pytest.approx(0.3)

    def test_kurtosis_is_logarithmic(self):
        assert describe("kurtosis", sine()) == pytest.approx(np.log(1.5))

    def test_skewness(self):
        assert describe("skewness", binary(0.25)) == pytest.approx(skewness(binary(0.25)))


class TestSectors:
    def test_of_noise_are_zero_decibels(self):
        levels = describe("spectrum 2-D", noise())
        assert abs(levels[-16:].mean()) < 0.5

    def test_a_wave_stands_in_one_sector(self):
        levels = describe("spectrum 2-D", sine((64, 64), waves=8))
        other = describe("spectrum 2-D", sine((64, 64), waves=8).T)
        assert (levels > 0).sum() == (other > 0).sum() == 1
        assert levels.argmax() != other.argmax()
        assert np.delete(levels, levels.argmax()).max() == -40  # the floor

    def test_a_ramp_is_no_cross_of_leakage(self):
        ramp = np.linspace(-1, 1, 64) * np.ones((64, 64))
        levels = [describe("spectrum 2-D", ramp, periodic)[-16:] for periodic in (False, True)]
        assert levels[0].max() == -40  # the floor
        assert levels[1].max() > -30


class TestIncrements:
    def test_of_a_ramp(self):
        ramp = 0.1 * np.arange(32.0) * np.ones((32, 32))
        lags = np.repeat([1, 2, 4, 8, 16], 4)
        steps = np.abs(np.tile([1, 1, 0, -1], 5) * lags)
        expected = np.log(np.maximum(0.1 * steps, 1e-4))[:, None] * np.ones(4)
        np.testing.assert_allclose(describe("structure functions", ramp, False), expected)

    def test_steps_without_pairs_do_not_count(self):
        x = noise((64, 64))
        band = np.where(np.arange(64) < 20, x, np.nan)
        values = describe("flatness", band, False)
        assert np.isnan(values[4 * 5])  # 32 along the rows, of which 20 pixels are there
        assert np.isfinite(values[4 * 5 + 2])  # and down the columns

    def test_diagonals_are_told_apart(self):
        rows, columns = np.indices((32, 32))
        stripes = np.sin(2 * np.pi * (rows - columns) / 8)
        values = describe("structure functions", stripes)
        assert values[1].max() == np.log(1e-4)  # along (1, 1) nothing changes
        assert values[3].min() > -1

    def test_flatness_is_that_of_waves(self):
        np.testing.assert_allclose(describe("flatness", sine())[0], np.log(1.5), rtol=1e-5)


class TestBispectrum:
    def test_is_odd(self):
        for name in ("equilateral bispectrum", "squeezed bispectrum"):
            x = strokes(0)
            np.testing.assert_allclose(describe(name, -x), -describe(name, x))

    def test_of_gaussian_noise_is_small(self):
        assert np.abs(describe("equilateral bispectrum", noise())).max() < 10

    @pytest.mark.parametrize("name", ["equilateral bispectrum", "squeezed bispectrum"])
    def test_of_tapered_gaussian_fields_is_none_on_average(self, name):
        smooth = [gaussian_filter(noise((96, 96), seed), 1)[16:80, 16:80] for seed in range(100)]
        values = np.array([describe(name, 5 * each, False) for each in smooth])
        error = values.std(axis=0) / 10
        assert np.abs(values.mean(axis=0) / error).max() < 3.5

    def test_power_under_a_taper_is_that_of_the_field(self):
        from synth.metrics.bispectra import _Waves

        ring = (1.0, 2.0)
        powers = [
            [_Waves(noise((64, 64), seed), axes_of(each)).take(ring)[1] for seed in range(30)]
            for each in (True, False)
        ]
        assert np.mean(powers[1]) == pytest.approx(np.mean(powers[0]), rel=0.02)

    def test_three_waves_in_phase(self):
        rows, columns = np.indices((60, 60)) * 2 * np.pi / 60
        waves = ((0, 15), (13, -7), (13, 8))  # the third is the sum of the others
        x = sum(np.cos(a * rows + b * columns) for a, b in waves)
        y = sum(np.cos(a * rows + b * columns + 1) for a, b in waves)
        # ⟨x³⟩ = 6 · 1/4 and ⟨x²⟩ = 3/2, so that the bicoherence is √(2/3)
        strength = [np.abs(describe("equilateral bispectrum", each)).max() for each in (x, y)]
        assert strength[1] / strength[0] == pytest.approx(np.cos(1), abs=1e-6)

    def test_noise_that_follows_a_long_wave(self):
        swell = 1 + 0.8 * sine((64, 64), waves=1)
        values = describe("squeezed bispectrum", swell * noise((64, 64)) + sine((64, 64), 1))
        calm = describe("squeezed bispectrum", noise((64, 64)) + sine((64, 64), 1))
        assert values.min() > 2 * np.abs(calm).max()


class TestMinkowski:
    def test_area_of_a_gaussian(self):
        levels = np.arange(-15, 16, 2) / 8
        np.testing.assert_allclose(describe("area", noise()), ndtr(-levels), atol=0.01)

    @pytest.mark.parametrize("periodic", [True, False])
    def test_disk(self, periodic):
        x = disk(30)
        area, perimeter, euler = (
            describe(name, x, periodic)[0] for name in ("area", "perimeter", "Euler number")
        )
        inner = 96**2 if periodic else 95**2
        assert area == pytest.approx(np.pi * 30**2 / 96**2, rel=0.02)
        assert perimeter == pytest.approx(2 * np.pi * 30 / inner, rel=0.05)
        assert euler == pytest.approx(1000 / inner)

    def test_a_stripe_around_the_torus_is_no_piece(self):
        x = np.where(np.arange(32) < 9, 3.0, -3.0) * np.ones((32, 32))
        assert describe("Euler number", x)[0] == 0

    def test_counts_are_those_of_scikit_image(self):
        measure = pytest.importorskip("skimage.measure")
        x = np.pad(noise((40, 50)), 1, constant_values=-9)
        inside = x > -1.875
        both = [measure.euler_number(inside, connectivity) for connectivity in (1, 2)]
        pixels = 41 * 51
        assert describe("Euler number", x, False)[0] * pixels / 1000 == pytest.approx(np.mean(both))
        crofton = measure.perimeter_crofton(inside, directions=4)
        assert describe("perimeter", x, False)[0] * pixels == pytest.approx(crofton, rel=0.01)


class TestSliced:
    def test_lines_are_fixed_and_of_unit_length(self):
        np.testing.assert_allclose(np.linalg.norm(lines(5), axis=0), 1, rtol=1e-6)
        np.testing.assert_array_equal(lines(5), lines(5))

    def test_a_shift_is_seen_along_every_line(self):
        points = np.random.default_rng(0).normal(size=(300, 4))
        step = np.array([0.5, 0, -1, 2])
        found = quantiles(points + step, lines(4)) - quantiles(points, lines(4))
        np.testing.assert_allclose(found, np.tile((step @ lines(4))[:, None], 300), atol=1e-6)

    def test_some_points_are_the_same_ones(self):
        points = np.arange(100.0)[:, None]
        assert len(some(points, 10)) == 10
        np.testing.assert_array_equal(some(points, 10), some(points, 10))
        assert some(points, 100) is points


class TestJets:
    def test_the_unit_is_the_reference(self):
        x = strokes(0).astype(np.float32)
        a, b = describe("jets 1", x), describe("jets 1", 2 * x)
        distance = STATISTICS["jets 1"].distance
        assert distance(a, b) == pytest.approx(2 * distance(b, a), rel=1e-4)

    def test_of_a_wave(self):
        value, slope, large, small = describe("jets 2", sine((64, 64), waves=2)).T
        omega = 2 * np.pi * 2 / 64
        damping = np.exp(-((2 * omega) ** 2) / 2)
        assert value.max() == pytest.approx(damping, rel=1e-3)
        assert slope.max() == pytest.approx(omega * damping, rel=1e-2)
        assert large.max() == pytest.approx(omega**2 * damping, rel=1e-2)
        assert small.min() == pytest.approx(-(omega**2) * damping, rel=1e-2)


class TestAlignment:
    @pytest.mark.parametrize("periodic", [True, False])
    def test_of_a_plane_wave_is_one(self, periodic):
        x = sine((64, 64), waves=8)
        np.testing.assert_allclose(describe("alignment", x, periodic), 1, atol=0.02)

    def test_of_noise_decays(self):
        values = describe("alignment", noise())
        assert values[0] > 0.5
        assert np.abs(values[-6:]).max() < 0.02

    def test_half_across_is_the_mean_of_the_halves(self):
        x = np.concatenate([sine((64, 128), 16), sine((128, 64), 16).T])
        values = describe("alignment", x)
        assert values[0] > 0.9
        assert np.all(np.diff(values) < 0.02)
