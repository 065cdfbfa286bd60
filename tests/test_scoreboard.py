"""The scoreboard: ratios to the noise floor, signs of copying, messages."""

from itertools import product

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synth.app.images import load
from synth.errors import InputError
from synth.metrics import STATISTICS, compare, copying

SHAPE = (64, 64)


def noise(seed, shape=SHAPE):
    return np.random.default_rng(seed).normal(size=shape)


def gaussian(seed, shape=SHAPE):
    x = gaussian_filter(noise(seed, shape), 1.5, mode="wrap")
    return 4 * x - 1


def spots(seed, shape=SHAPE):
    drawn = np.random.default_rng(seed).random(shape) < 0.02
    return gaussian_filter(drawn.astype(float), 1.5, mode="wrap")


def holed(field, share=0.2, seed=0):
    """The field without a share of its pixels."""
    missing = np.random.default_rng(seed).permutation(field.size) < round(share * field.size)
    return np.where(missing.reshape(field.shape), np.nan, field)


def randomized(field, seed):
    """The field with the phases of noise."""
    phases = np.angle(np.fft.fft2(noise(seed, field.shape)))
    centered = np.fft.fft2(field - field.mean())
    return field.mean() + np.fft.ifft2(np.abs(centered) * np.exp(1j * phases)).real


@pytest.fixture(scope="module")
def board():
    """Spots beside three models, whole fields."""
    target = spots(0)
    models = {
        "real": [spots(seed) for seed in range(10, 16)],
        "Gaussian": [randomized(target, seed) for seed in range(2)],
        "noise": [target.mean() + target.std() * noise(3)],
        "target": [target],
    }
    return compare(target, models, reals=[spots(seed) for seed in range(1, 6)])


@pytest.fixture(scope="module")
def pieces():
    """The same without second fields: quadrants."""
    target = spots(0)
    models = {
        "real": [spots(seed) for seed in range(10, 13)],
        "Gaussian": [randomized(target, 0)],
        "noise": [target.mean() + target.std() * noise(3)],
        "target": [target],
    }
    return compare(target, models, periodic=False)


class TestRatios:
    def test_tables_have_the_same_rows(self, board):
        score = board.scores["real"]
        assert list(board.floor) == list(board.spread) == list(score.ratios) == list(STATISTICS)
        assert list(board.scores) == ["real", "Gaussian", "noise", "target"]
        assert score.overall.shape == score.ratios["kurtosis"].shape == (6,)
        assert len(score.copying) == 6
        assert not board.pieces

    def test_the_target_is_at_no_distance(self, board):
        score = board.scores["target"]
        assert all(np.all(values == 0) for values in score.distances.values())
        assert score.overall == 1
        assert score.copying[0].copied

    def test_real_fields_are_near_one(self, board):
        ratios = np.array(list(board.scores["real"].ratios.values()))
        assert np.sqrt(np.mean(ratios**2)) == pytest.approx(1, abs=0.35)
        assert board.scores["real"].overall.mean() < 1.3

    def test_gaussian_fields_are_near_one_of_their_own(self):
        models = {"real": [gaussian(seed) for seed in range(10, 14)]}
        result = compare(gaussian(0), models, reals=[gaussian(seed) for seed in range(1, 5)])
        assert result.scores["real"].overall.mean() < 1.4

    def test_spread_holds_one(self, board):
        assert all(low <= 1 <= high for low, high in board.spread.values())

    @pytest.mark.parametrize("kind", ["board", "pieces"])
    def test_order(self, kind, request):
        scores = request.getfixturevalue(kind).scores
        real, control, worst = (scores[n].overall for n in ("real", "Gaussian", "noise"))
        assert worst.min() > 1.3 * control.max()
        assert control.min() > 1.1 * real.max()

    def test_the_gaussian_has_the_spectrum_and_not_the_phases(self, board):
        ratios = board.scores["Gaussian"].ratios
        assert ratios["radial spectrum"].max() < 1e-6
        for name in ("wasserstein", "skewness", "perimeter", "Euler number", "patches 1", "jets 1"):
            assert ratios[name].min() > 2

    @pytest.mark.parametrize("periodic", [True, False])
    def test_do_not_depend_on_the_unit(self, periodic):
        fields = [spots(seed, (32, 48)) for seed in range(4)]

        def ratios(x, y, *reals):
            score = compare(x, {"model": [y]}, reals=reals, periodic=periodic).scores["model"]
            return [float(values[0]) for values in score.ratios.values()]

        scaled = [300 * x + 20 for x in fields]
        np.testing.assert_allclose(ratios(*scaled), ratios(*fields), rtol=1e-3)

    def test_are_the_same_every_time(self):
        x, y = spots(0, (32, 32)), spots(1, (32, 32))
        first, second = (compare(x, {"model": [y]}).scores["model"] for _ in range(2))
        assert first.overall == second.overall
        assert first.copying == second.copying


class TestPieces:
    def test_are_quadrants(self, pieces):
        assert pieces.pieces
        assert "patches 4" not in pieces.floor  # does not fit 32 × 32
        assert list(pieces.floor) == list(pieces.scores["real"].ratios)

    def test_real_fields_and_the_target_are_near_one(self, pieces):
        assert pieces.scores["real"].overall.mean() < 1.5
        assert pieces.scores["target"].overall[0] < 1.05

    def test_one_second_field_joins_the_floor(self, pieces):
        target = spots(0)
        joined = compare(target, {}, reals=[3 * spots(1)], periodic=False)
        assert joined.pieces
        assert joined.floor["wasserstein"] > 2 * pieces.floor["wasserstein"]
        assert joined.scores == {}

    @pytest.mark.parametrize("shape", [(16, 16), (17, 40), (33, 21)])
    @pytest.mark.parametrize("reals", [0, 2])
    def test_small_and_odd_fields(self, shape, reals):
        x, y, *others = (gaussian(seed, shape) for seed in range(2 + reals))
        result = compare(x, {"model": [y]}, reals=others)
        assert len(result.floor) > 10
        assert 1 <= result.scores["model"].overall[0] < 20


@pytest.fixture(scope="module")
def vortices():
    """Turbulence: pieces of one picture that have no pixel in common."""
    field = load("turbulence-512").field[0].astype(np.float64)
    corners = product(range(0, 512, 171), range(0, 512, 171))
    return [field[row : row + 128, column : column + 128] for row, column in corners][:7]


def a_fifth(kind, shape):
    """A fifth of the pixels, as one strip, in blobs, or scattered at random."""
    if kind == "strip":
        columns = np.arange(shape[1]) / shape[1]
        return np.tile((columns >= 0.4) & (columns < 0.6), (shape[0], 1))
    draft = noise(0, shape)
    field = gaussian_filter(draft, 6, mode="wrap") if kind == "blobs" else draft
    return field > np.quantile(field, 0.8)


@pytest.mark.parametrize("kind", ["strip", "blobs", "scattered"])
class TestAFifthMissing:
    def test_the_gaussian_is_still_told_apart(self, vortices, kind):
        target = np.where(a_fifth(kind, (128, 128)), np.nan, vortices[0])
        models = {"real": vortices[5:], "Gaussian": [randomized(vortices[0], 1)]}
        scores = compare(target, models, reals=vortices[1:5]).scores
        assert scores["real"].overall.mean() < 1.2
        assert scores["Gaussian"].overall[0] > scores["real"].overall.max() + 0.15

    @pytest.mark.parametrize(("periodic", "reals"), [(False, 0), ((True, False), 4)])
    def test_order(self, kind, periodic, reals):
        target = np.where(a_fifth(kind, SHAPE), np.nan, spots(0))
        models = {
            "real": [spots(seed) for seed in (10, 11, 12)],
            "noise": [spots(0).mean() + spots(0).std() * noise(3)],
        }
        others = [spots(seed) for seed in range(1, 1 + reals)]
        scores = compare(target, models, reals=others, periodic=periodic).scores
        assert scores["real"].overall.mean() < 1.3
        assert scores["noise"].overall[0] > 1.5 * scores["real"].overall.max()
        assert not any(sign.copied for score in scores.values() for sign in score.copying)


class TestMissingPixels:
    @pytest.mark.parametrize("reals", [0, 2])
    def test_of_candidates_have_no_influence(self, reals):
        target, field = holed(spots(0)), spots(1)
        others = [np.where(np.isnan(target), value, field) for value in (np.nan, 1e9)]
        models = {"model": [field, *others]}
        board = compare(target, models, reals=[spots(seed + 2) for seed in range(reals)])
        for values in board.scores["model"].ratios.values():
            assert values[0] == values[1] == values[2]

    def test_real_fields_may_miss_pixels_of_their_own(self):
        reals = [holed(spots(seed), seed=seed) for seed in (1, 2, 3)]
        board = compare(spots(0), {"real": [spots(5)], "noise": [noise(6)]}, reals=reals)
        real, worst = (board.scores[name].overall[0] for name in ("real", "noise"))
        assert real < 1.5 < 2 < worst

    def test_a_quadrant_without_pixels_is_left_out(self):
        hole = np.indices(SHAPE).max(axis=0) < 32
        board = compare(np.where(hole, np.nan, spots(0)), {"real": [spots(1)], "noise": [noise(2)]})
        assert board.scores["real"].overall[0] < 1.6 < board.scores["noise"].overall[0]

    def test_the_target_itself_is_at_no_distance(self):
        target = holed(spots(0))
        score = compare(target, {"it": [target]}, reals=[spots(1), spots(2)]).scores["it"]
        assert score.overall == 1
        assert all(np.all(values == 0) for values in score.distances.values())
        assert score.copying[0].copied


class TestBorders:
    def test_each_axis_is_for_itself(self):
        """Fields that wrap along their rows alone: a seam runs along the others."""
        seamed = [np.roll(gaussian(seed, (128, 96))[:64], 24, 1) for seed in range(7)]
        closed = compare(seamed[0], {"real": seamed[5:]}, reals=seamed[1:5], periodic=(False, True))
        moved = [np.roll(each, 31, 1) for each in seamed]
        again = compare(moved[0], {"real": moved[5:]}, reals=moved[1:5], periodic=(False, True))
        for name, values in closed.scores["real"].ratios.items():
            if "patches" not in name and "jets" not in name:  # which draw some of the points
                np.testing.assert_allclose(again.scores["real"].ratios[name], values, rtol=1e-3)
        assert closed.scores["real"].overall.mean() < 1.4

    def test_seams_of_pictures_do_not_count(self):
        """Pieces of a smooth field: a wrapped candidate is as good as they are."""
        wide = gaussian_filter(noise(0, (512, 512)), 3, mode="wrap")
        pieces = [wide[a : a + 64, b : b + 64] for a in (0, 128, 256) for b in (0, 128, 256)]
        models = {"wrapped": [gaussian_filter(noise(seed), 3, mode="wrap") for seed in (1, 2, 3)]}
        ratios = [
            compare(pieces[0], models, reals=pieces[1:], periodic=periodic).scores["wrapped"].ratios
            for periodic in (False, True)
        ]
        for name in ("radial spectrum", "spectrum 2-D", "flatness"):
            assert ratios[0][name].mean() < 1.5 < ratios[1][name].mean()


class TestBadFields:
    @pytest.mark.parametrize("reals", [0, 2])
    def test_a_constant_candidate_is_far_away(self, reals):
        target = gaussian(0)
        models = {"flat": [np.zeros(SHAPE), np.full(SHAPE, 1e20)], "real": [gaussian(9)]}
        result = compare(target, models, reals=[gaussian(seed + 1) for seed in range(reals)])
        flat, real = result.scores["flat"], result.scores["real"]
        assert np.all(np.isfinite(flat.overall))
        assert flat.overall.min() > 3 * real.overall[0]
        assert not any(each.copied for each in flat.copying)

    def test_a_pattern_without_noise_has_finite_ratios(self):
        board = np.indices(SHAPE).sum(axis=0) // 8 % 2 * 1.0
        result = compare(board, {"noise": [noise(0)], "same": [board.copy()]})
        assert np.isfinite(result.scores["noise"].overall[0])
        assert result.scores["same"].overall[0] == pytest.approx(1, abs=0.01)

    def test_float32(self):
        x, y = (gaussian(seed, (32, 32)).astype(np.float32) for seed in (0, 1))
        assert compare(x, {"model": [y]}).scores["model"].overall[0] < 3

    @pytest.mark.parametrize(
        ("target", "models", "reals", "message"),
        [
            (noise(0, (12, 64)), {}, (), r"The target has the shape \(12, 64\): .* at least 16"),
            (np.full(SHAPE, 2.5), {}, (), r"The target is constant \(2\.5 everywhere\)"),
            (noise(0), {}, (noise(1), noise(1, (64, 32))), r"Real field 1 has .* \(64, 32\)"),
            (noise(0), {"A": (noise(1, (32, 32)),)}, (), r"Field 0 of 'A' .* one shape"),
            (noise(0), {"A": (np.full(SHAPE, np.nan),)}, (), r"Field 0 of 'A' holds 4096 .* NaN"),
            (np.where(noise(0) > 3, np.inf, 0.0), {}, (), r"The target holds .* infinite"),
            (holed(noise(0), 0.8), {}, (), r"The target misses 80% of the pixels: .* at most 75%"),
            (noise(0), {}, (holed(noise(1), 0.8),), r"Real field 0 misses 80% of the pixels"),
            (
                holed(noise(0)),
                {"A": (np.where(noise(1) > 0, noise(1), np.nan),)},
                (),
                r"Field 0 of 'A' holds \d+ values that are NaN or infinite where the target is",
            ),
            (
                np.where(np.indices(SHAPE).max(axis=0) < 32, noise(0), np.nan),
                {},
                (),
                r"in one of its quadrants: crop it",
            ),
        ],
    )
    def test_are_refused(self, target, models, reals, message):
        with pytest.raises(InputError, match=message):
            compare(target, models, reals=reals)


class TestCopying:
    @pytest.mark.parametrize("make", [noise, gaussian, spots])
    def test_a_shifted_copy_is_flagged(self, make):
        x = make(0)
        result = copying(x, np.roll(x, (13, 40), (0, 1)))
        assert result.copied
        assert result.correlation == pytest.approx(1)
        assert result.coherence > 0.6

    @pytest.mark.parametrize("make", [noise, gaussian, spots])
    def test_a_copy_in_another_gray_scale_is_flagged_by_correlation(self, make):
        x = make(0)
        assert copying(x, 5 + 2 * x).correlation == pytest.approx(1)

    @pytest.mark.parametrize("make", [gaussian, spots])
    def test_a_noisy_copy_is_flagged(self, make):
        x = make(0)
        assert copying(x, np.roll(x, 9, 1) + 0.05 * x.std() * noise(1)).copied

    @pytest.mark.parametrize("make", [noise, gaussian, spots])
    def test_a_half_copied_picture_is_flagged(self, make):
        x, y = make(0, (128, 128)), make(1, (128, 128))
        y[:64] = np.roll(x, (10, 30), (0, 1))[:64]
        result = copying(x, y)
        assert result.copied
        assert result.coherence > 0.2

    def test_a_patchwork_is_flagged_by_coherence(self):
        x, rng = spots(0, (128, 128)), np.random.default_rng(0)
        y = np.zeros_like(x)
        for row in range(0, 128, 32):
            for column in range(0, 128, 32):
                a, b = rng.integers(0, 96, 2)
                y[row : row + 32, column : column + 32] = x[a : a + 32, b : b + 32]
        result = copying(x, y)
        assert result.copied
        assert result.coherence > 0.3

    @pytest.mark.parametrize("make", [noise, gaussian, spots])
    @pytest.mark.parametrize("shape", [(16, 16), (32, 20), (96, 96)])
    def test_independent_fields_are_not(self, make, shape):
        for seed in range(1, 6):
            assert not copying(make(0, shape) + 1e-3 * noise(9, shape), make(seed, shape)).copied

    def test_very_smooth_independent_fields_are_not(self):
        for seed in range(4):
            x, y = (gaussian_filter(noise(2 * seed + i), 8, mode="wrap") for i in (0, 1))
            assert not copying(x, y).copied

    def test_black_and_white_independent_fields_are_not(self):
        x, y = (np.sign(gaussian(seed) + 1) for seed in (0, 1))
        assert not copying(x, y).copied
        assert copying(x, np.roll(x, 20, 0)).copied

    def test_a_flat_field_is_no_copy(self):
        for level in (0.0, 0.1, 1e20):
            result = copying(spots(0), np.full(SHAPE, level))
            assert not result.copied
            assert result.correlation < 1e-3

    def test_missing_pixels_of_the_target_are_drawn(self):
        x = spots(0, (96, 96))
        target = holed(x)
        assert copying(target, np.roll(x, (13, 40), (0, 1))).copied
        assert not copying(target, spots(1, (96, 96)), periodic=False).copied
        assert copying(target, target).copied

    def test_shapes_must_agree(self):
        with pytest.raises(InputError, match=r"The candidate has the shape \(64, 48\)"):
            copying(noise(0), noise(1, (64, 48)))
