"""The scoreboard of fields of several channels: components, colors, coherence."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from test_figures_scoreboard import assert_legible, rows, words

from synth.app.figures import scoreboard
from synth.errors import InputError
from synth.metrics import CHANNEL_STATISTICS, STATISTICS, compare, copying, foreign_colors
from synth.metrics._units import Units
from synth.transforms.components import principal_components

SIDE = 64
WRAPS = (True, True)


def noise(seed, shape=(3, SIDE, SIDE)):
    return np.random.default_rng(seed).normal(size=shape)


def blurred(field, sigma):
    smooth = gaussian_filter(field, sigma, mode="wrap")
    return smooth / smooth.std()


def color(seed, channels=3, shape=(SIDE, SIDE)):
    """Mixtures of noises of several scales: every component has its share of all of them."""
    mix = np.random.default_rng(7).normal(size=(channels, channels))
    sources = [blurred(x, 0.8 + k % 3) for k, x in enumerate(noise(seed, (channels, *shape)))]
    return np.einsum("ab,bhw->ahw", mix, sources)


def gray(seed):
    return blurred(noise(seed, (SIDE, SIDE)), 1.5)


def rolled_component(field, target, number=1):
    """The field with one of its principal components moved away."""
    components = principal_components(target)
    planes = components.of(field)
    planes[number] = np.roll(planes[number], (20, 31), (0, 1))
    return components.back(planes)


def equal(one, other):
    """Whether two scoreboards are the same, bit for bit."""
    same = [one.floor == other.floor, one.spread == other.spread, one.pieces == other.pieces]
    for name, score in one.scores.items():
        twin = other.scores[name]
        same += [np.array_equal(score.ratios[row], twin.ratios[row]) for row in score.ratios]
        same += [np.array_equal(score.overall, twin.overall), score.copying == twin.copying]
    return all(same)


@pytest.fixture(scope="module")
def board():
    """Three channels, whole fields."""
    target, field = color(0), color(10)
    moved = field.copy()
    moved[1] = np.roll(field[1], (20, 31), (0, 1))
    models = {
        "real": [field, *(color(seed) for seed in range(11, 14))],
        "component": [rolled_component(field, target)],
        "channel": [moved],
        "noise": [noise(3)],
        "target": [target],
    }
    return compare(target, models, reals=[color(seed) for seed in range(1, 5)])


class TestOneChannel:
    @pytest.mark.parametrize("reals", [0, 2])
    def test_is_gray(self, reals):
        target, field, *others = (gray(seed) for seed in range(2 + reals))
        holed = np.where(noise(9, target.shape) > 1, np.nan, target)
        for known in (target, holed):
            plain = compare(known, {"model": [field]}, reals=others, periodic=(True, False))
            same = compare(
                known[None],
                {"model": [field[None]]},
                reals=[each[None] for each in others],
                periodic=(True, False),
            )
            assert equal(plain, same)
            assert list(plain.floor) == [name for name in STATISTICS if name in plain.floor]
            assert plain.scores["model"].foreign is None

    def test_may_be_written_either_way(self):
        assert equal(
            compare(gray(0)[None], {"model": [gray(1)]}),
            compare(gray(0), {"model": [gray(1)[None]]}),
        )
        assert copying(gray(0)[None], gray(0)) == copying(gray(0), gray(0))


class TestGrayStoredAsColors:
    def test_has_the_rows_of_gray(self):
        fields = [gray(seed) for seed in range(4)]
        plain = compare(fields[0], {"model": [fields[1]]}, reals=fields[2:])
        stored = [np.stack([x, 3 * x + 1, x]) for x in fields]
        found = compare(stored[0], {"model": [stored[1]]}, reals=stored[2:])
        assert list(found.floor) == list(plain.floor)
        for name, floor in plain.floor.items():
            assert found.floor[name] == pytest.approx(floor, rel=1e-3)
            ratios = (each.scores["model"].ratios[name] for each in (found, plain))
            np.testing.assert_allclose(*ratios, rtol=1e-3)

    def test_sees_other_hues_as_foreign(self):
        field, tint = (np.stack([gray(seed)] * 3) for seed in (0, 1))
        tint[2] += 0.5
        board = compare(field, {"gray": [np.roll(field, 5, 1)], "tint": [tint]})
        assert board.scores["gray"].foreign[0] == 0
        assert board.scores["tint"].foreign[0] > 0.99


class TestRows:
    def test_are_all_statistics(self, board):
        assert list(board.floor) == [*STATISTICS, *CHANNEL_STATISTICS]
        assert list(board.floor) == list(board.scores["real"].ratios) == list(board.spread)
        assert all(low <= 1 <= high for low, high in board.spread.values())

    def test_of_components_have_the_floor_one(self, board):
        score = board.scores["noise"]
        for name in STATISTICS:
            assert board.floor[name] == 1
            np.testing.assert_array_equal(score.ratios[name], score.distances[name])
        for name in CHANNEL_STATISTICS:
            np.testing.assert_allclose(
                score.ratios[name] * board.floor[name], score.distances[name]
            )

    def test_are_rms_over_components(self, board):
        """A row of one gray statistic, by hand."""
        statistic, units = STATISTICS["kurtosis"], Units.of(color(0))
        planes = [units.express(color(seed)) for seed in (0, 1, 2, 3, 4, 10)]
        values = np.array([[statistic.measure(x, WRAPS)[0] for x in each] for each in planes])
        pairs = [values[a] - values[b] for a in range(5) for b in range(a)]
        floors = np.sqrt(np.mean(np.square(pairs), axis=0))
        ratio = np.sqrt(np.mean(((values[5] - values[0]) / floors) ** 2))
        assert board.scores["real"].ratios["kurtosis"][0] == pytest.approx(ratio)

    def test_overall_is_their_geometric_mean(self, board):
        score = board.scores["channel"]
        excess = [np.log(np.maximum(values, 1)) for values in score.ratios.values()]
        np.testing.assert_allclose(score.overall, np.exp(np.mean(excess, axis=0)))


class TestRatios:
    def test_real_fields_are_near_one(self, board):
        score = board.scores["real"]
        ratios = np.array(list(score.ratios.values()))
        assert np.sqrt(np.mean(ratios**2)) == pytest.approx(1, abs=0.35)
        assert score.overall.mean() < 1.3
        assert not any(signs.copied for signs in score.copying)

    def test_real_pieces_are_near_one(self):
        fields = [color(seed, shape=(128, 128)) for seed in (0, 1)]
        score = compare(fields[0], {"real": fields}, periodic=False).scores["real"]
        assert score.overall.max() < 1.3
        assert score.ratios["coherence"].max() < 1.5
        assert score.ratios["coherence of moduli"].max() < 1.5

    def test_the_target_is_at_no_distance(self, board):
        score = board.scores["target"]
        assert all(np.all(values == 0) for values in score.distances.values())
        assert score.overall == 1
        assert score.foreign == 0
        assert score.copying[0].copied

    def test_a_moved_component_breaks_the_coherence_alone(self, board):
        whole, moved = (board.scores[name].ratios for name in ("real", "component"))
        for name in STATISTICS:
            np.testing.assert_allclose(moved[name][0], whole[name][0], rtol=1e-2, atol=1e-3)
        for name in ("coherence", "coherence of moduli"):
            assert moved[name][0] > 3 * max(1, whole[name][0])
        assert moved["color patches 1"][0] > 1.4 * whole["color patches 1"][0]

    def test_a_moved_channel_is_far_away(self, board):
        real, moved = board.scores["real"], board.scores["channel"]
        assert moved.overall[0] > 2 * real.overall.max()
        assert moved.ratios["coherence"][0] > 3
        assert moved.foreign[0] > 3 * real.foreign.max()

    def test_do_not_depend_on_the_units_of_channels(self):
        fields = [color(seed, shape=(32, 48)) for seed in range(4)]
        scale, shift = np.array([300, 1e-3, 2]), np.array([20, -4, 0])

        def scores(x, y, *reals):
            return compare(x, {"model": [y]}, reals=reals).scores["model"]

        plain = scores(*fields)
        scaled = scores(*(scale[:, None, None] * x + shift[:, None, None] for x in fields))
        for name, values in plain.ratios.items():
            np.testing.assert_allclose(scaled.ratios[name], values, rtol=1e-3)
        np.testing.assert_allclose(scaled.foreign, plain.foreign)

    @pytest.mark.parametrize("reals", [0, 2])
    def test_of_eight_channels_and_small_fields(self, reals):
        x, y, *others = (color(seed, 8, (17, 33)) for seed in range(2 + reals))
        board = compare(x, {"real": [y], "noise": [noise(3, x.shape)]}, reals=others)
        assert 1 <= board.scores["real"].overall[0] < board.scores["noise"].overall[0] < 1e4
        assert ("coherence" in board.floor) == (reals > 0)

    def test_of_constant_and_wild_candidates_are_finite(self):
        shape = (3, 32, 32)
        models = {"bad": [np.zeros(shape), np.full(shape, 1e20), 1e30 * noise(3, shape)]}
        fields = [color(seed, shape=(32, 32)) for seed in range(3)]
        score = compare(fields[0], models, reals=fields[1:]).scores["bad"]
        assert np.all(np.isfinite(score.overall))
        assert score.overall.min() > 3
        assert not any(signs.copied for signs in score.copying)
        np.testing.assert_array_equal(score.foreign[1:], 1)

    def test_a_constant_channel_has_no_row(self):
        fields = [color(seed, shape=(32, 32)) for seed in range(4)]
        flat = [np.concatenate([x, np.full((1, 32, 32), 0.1)]) for x in fields]
        found = compare(flat[0], {"model": [flat[1]]}, reals=flat[2:]).scores["model"]
        plain = compare(fields[0], {"model": [fields[1]]}, reals=fields[2:]).scores["model"]
        np.testing.assert_allclose(found.overall, plain.overall, rtol=1e-3)
        np.testing.assert_allclose(found.foreign, plain.foreign)


class TestMissingPixels:
    @pytest.mark.parametrize("reals", [0, 2])
    def test_of_one_channel_are_missing_in_all(self, reals):
        fields = [color(seed, shape=(32, 32)) for seed in range(2 + reals)]
        hole = noise(5, (32, 32)) > 1
        one, every = fields[0].copy(), fields[0].copy()
        one[1, hole] = np.nan
        every[:, hole] = np.nan
        wild = fields[1].copy()
        wild[0, hole] = 1e9
        wild[2, hole] = np.nan
        models = {"model": [fields[1], wild]}
        boards = [compare(target, models, reals=fields[2:]) for target in (one, every)]
        for board in boards:
            score = board.scores["model"]
            assert all(values[0] == values[1] for values in score.ratios.values())
            assert score.foreign[0] == score.foreign[1]
        for name, values in boards[0].scores["model"].ratios.items():
            np.testing.assert_array_equal(boards[1].scores["model"].ratios[name], values)

    @pytest.mark.parametrize("reals", [0, 3])
    def test_order(self, reals):
        target = np.where(noise(5, (1, SIDE, SIDE)) > 0.9, np.nan, color(0))
        others = [np.where(noise(seed) > 2, np.nan, color(seed)) for seed in range(1, 1 + reals)]
        models = {"real": [color(10)], "component": [rolled_component(color(10), color(0))]}
        scores = compare(target, models, reals=others).scores
        assert scores["real"].overall[0] < 1.4
        for name in ("coherence", "coherence of moduli"):
            real, moved = (scores[model].ratios[name][0] for model in models)
            assert moved > 2 * max(1, real)


class TestCopying:
    def test_of_all_channels(self):
        x, y = color(0), color(1)
        assert copying(x, np.roll(x, (9, 30), (1, 2))).copied
        assert copying(x, np.roll(x, (9, 30), (1, 2))).correlation == pytest.approx(1)
        assert not copying(x, y).copied

    def test_of_one_component_is_enough(self):
        x, components = color(0), principal_components(color(0))
        planes, own = components.of(color(1)), components.of(x)
        planes[1] = np.roll(own[1], 9, 0)
        result = copying(x, components.back(planes))
        assert result.copied
        assert result.correlation == pytest.approx(1)

    def test_of_faint_components_does_not_count(self):
        x, y = (np.stack([g := gray(2 * seed), g + 0.1 * gray(1)]) for seed in (0, 1))
        assert principal_components(x).shares[1] < 0.05
        assert not copying(x, y).copied

    def test_draws_missing_pixels(self):
        x = color(0)
        target = x.copy()
        target[1, 5:15, 20:40] = np.nan
        assert copying(target, np.roll(x, 20, 1)).copied
        assert not copying(target, color(1)).copied


@pytest.mark.parametrize(
    ("target", "field", "message"),
    [
        (noise(0, (32, 32, 3)), None, r"\(32, 32, 3\): give .* 2 to 8 channels × height × width"),
        (noise(0, (9, 32, 32)), None, r"\(9, 32, 32\): give a field of height × width, or of 2 to"),
        (noise(0, (3, 8, 32)), None, r"\(3, 8, 32\): .* at least 16 pixels on each side"),
        (noise(0, (2, 3, 32, 32)), None, r"\(2, 3, 32, 32\): give"),
        (noise(0), noise(0, (2, SIDE, SIDE)), r"has 2 channels and the target 3 channels: give"),
        (noise(0), noise(0, (SIDE, SIDE)), r"has 1 channel and the target 3 channels"),
        (noise(0, (SIDE, SIDE)), noise(0), r"has 3 channels and the target 1 channel: give"),
        (noise(0), noise(0, (3, 32, 32)), r"has the shape \(3, 32, 32\) .* one shape"),
        (noise(0), noise(0, (2, 3, 32, 32)), r"has the shape \(2, 3, 32, 32\) .* one shape"),
        (noise(0), np.full((3, SIDE, SIDE), np.inf), r"holds 12288 values that are NaN or inf"),
        (np.ones((3, 32, 32)) * np.array([0, 0.1, 2])[:, None, None], None, r"\(0, 0\.1, 2 every"),
        (np.where(noise(0) > -0.3, np.nan, 1.0), None, r"The target misses 9\d% of the pixels"),
    ],
)  # fmt: skip
def test_bad_fields_are_refused(target, field, message):
    field = target if field is None else field
    with pytest.raises(InputError, match=message):
        compare(target, {"A": [field]})
    for judge in (copying, foreign_colors):
        with pytest.raises(InputError, match=message):
            judge(target, field)


def test_real_fields_have_the_channels_of_the_target():
    with pytest.raises(InputError, match="Real field 0 has 2 channels and the target 3 channels"):
        compare(noise(0), {}, reals=[noise(1)[:2]])


@pytest.mark.parametrize("name", CHANNEL_STATISTICS)
class TestEveryStatisticOfChannels:
    @pytest.mark.parametrize("periodic", [WRAPS, (False, True)])
    @pytest.mark.parametrize("add", [(0, 0), (1, 0), (9, 20)])
    def test_fits_all_sizes_from_the_least(self, name, periodic, add):
        statistic = CHANNEL_STATISTICS[name]
        shape = tuple(statistic.least + each for each in add)
        a, b = (statistic.measure(noise(seed, (2, *shape)), periodic) for seed in (0, 1))
        assert a.size > 0
        assert statistic.distance(a, a) == 0
        assert 0 < statistic.distance(a, b) < np.inf

    def test_does_not_see_shifts_of_periodic_fields(self, name):
        statistic, x = CHANNEL_STATISTICS[name], color(0)
        moved = np.roll(x, (8, 24), (1, 2))
        there, back = (statistic.measure(field, WRAPS) for field in (x, moved))
        assert statistic.distance(there, back) < 1e-5


class TestCoherence:
    def describe(self, name, *planes, periodic=WRAPS):
        return CHANNEL_STATISTICS[name].measure(np.stack(planes), periodic)

    def test_of_equal_components_is_one(self):
        x = noise(0, (SIDE, SIDE))
        waves = self.describe("coherence", x, x)[0, :, 0]
        found = self.describe("coherence", x, -x)[0]
        np.testing.assert_allclose(found[:, 0], -waves)
        np.testing.assert_allclose(found[:, 1:], 0, atol=1e-9)
        moduli = self.describe("coherence of moduli", x, -x)[0]
        np.testing.assert_allclose(moduli, waves, rtol=1e-2)

    @pytest.mark.parametrize("periodic", [WRAPS, (False, False)])
    def test_of_independent_components_is_noise_of_one_size(self, periodic):
        for name in ("coherence", "coherence of moduli"):
            found = [
                self.describe(name, *noise(seed, (2, SIDE, SIDE)), periodic=periodic)[0]
                for seed in range(40)
            ]
            spread = np.std(found, axis=0)
            assert np.all((spread > 0.4) & (spread < 3))

    @pytest.mark.parametrize("axis", [0, 1])
    def test_the_imaginary_part_sees_the_direction_of_a_shift(self, axis):
        x = noise(0, (SIDE, SIDE))
        there, back = (
            self.describe("coherence", x, np.roll(x, step, axis))[0, 1:] for step in (1, -1)
        )
        np.testing.assert_allclose(there[:, 0], back[:, 0])
        np.testing.assert_allclose(there[:, 1 + axis], -back[:, 1 + axis])
        assert there[0, 1 + axis] > 20 * np.abs(there[0, 2 - axis])

    def test_of_moduli_sees_a_common_envelope(self):
        envelope = np.exp(blurred(noise(0, (SIDE, SIDE)), 4))
        x, y = envelope * noise(1, (2, SIDE, SIDE))
        assert self.describe("coherence of moduli", x, y)[0, 0] > 10
        assert np.abs(self.describe("coherence", x, y)[0, 0]).max() < 6


class TestFigure:
    @pytest.mark.parametrize("count", [1, 6])
    def test_has_a_row_per_statistic_and_the_foreign_colors(self, board, count):
        names = ("real", "channel", "noise", "target", "real", "one with a long name")[:count]
        scores = {
            f"{name} {k}": board.scores.get(name, board.scores["real"])
            for k, name in enumerate(names)
        }
        figure = scoreboard(board._replace(scores=scores), title="Three channels")
        assert_legible(figure)
        assert {"waves together", "activity together", "of pixels"} <= set(rows(figure))
        assert {"Colors", "Colors of 5 × 5", "Channels", "Levels"} <= set(words(figure))
        assert any("foreign" in text for text in words(figure))

    def test_of_a_gray_board_says_nothing_of_colors(self):
        figure = scoreboard(compare(gray(0), {"model": [gray(1)]}))
        assert "Gray levels" in words(figure)
        assert not any("olors" in text for text in words(figure))
