"""The picture of the scoreboard: every ratio at its place, and every word legible."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import same_color, to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from synth.app.figures import scoreboard
from synth.app.figures._parts import line
from synth.app.figures.dots import _WORDS
from synth.metrics import STATISTICS, Score, Scoreboard
from synth.metrics.copies import Copying

NAMES = tuple(_WORDS)
FURTHER = (*NAMES, "run lengths", "persistence")
MODELS = ("gaussian", "scattering", "spectra", "full", "another simulation", "white noise")
ALIENS = ("noise", "quilted", "first try", "second", "third", "a fourth and long name")
NOTE = "Statistics that no model was shown, of five further fields of the same process. " * 3


def make(ratios, *, copies=(), pieces=False):
    """A scoreboard of ratios: per model a mapping from statistics to samples."""
    names = list(next(iter(ratios.values())))
    scores = {}
    for model, given in ratios.items():
        values = {name: np.atleast_1d(np.asarray(x, float)) for name, x in given.items()}
        logs = [np.log(np.maximum(x, 1)) for x in values.values()]
        overall = np.exp(np.mean(logs, axis=0))
        flags = copies[model] if model in copies else [False] * len(overall)
        signs = tuple(Copying(0.9 if flag else 0.0, 0.0) for flag in flags)
        scores[model] = Score(values, values, overall, signs)
    floor = dict.fromkeys(names, 1.0)
    return Scoreboard(floor, dict.fromkeys(names, (0.1, 1.5)), pieces, scores)


def random_board(models, samples, names=NAMES, *, scale=1.0, **options):
    random = np.random.default_rng(0)
    draws = {
        model: {name: np.exp(scale * random.normal(0.8, 1, samples)) for name in names}
        for model in models
    }
    return make(draws, **options)


def diagram(figure: Figure) -> Axes:
    return next(axes for axes in figure.axes if axes.get_xscale() == "log")


def dots(figure: Figure, model: str) -> PathCollection:
    return next(
        each
        for each in diagram(figure).collections
        if isinstance(each, PathCollection) and each.get_label() == model
    )


def arrows(figure: Figure, model: str, marker: str):
    """Places of a model's arrows."""
    return next(
        each.get_xydata()
        for each in diagram(figure).lines
        if each.get_label() == f"_{model}" and each.get_marker() == marker
    )


def rows(figure: Figure) -> dict[str, float]:
    """Places of the rows by their labels."""
    axes = diagram(figure)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    return dict(zip(labels, axes.get_yticks(), strict=True))


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text)]


def seen(figure: Figure) -> list[Text]:
    """Texts that are drawn: not the labels of ticks beyond the axis."""
    FigureCanvasAgg(figure).draw()
    axes = diagram(figure)
    low, high = axes.get_xlim()
    ticks = [*axes.xaxis.get_major_ticks(), *axes.xaxis.get_minor_ticks()]
    outside = {
        label
        for tick in ticks
        if not low <= tick.get_loc() <= high
        for label in (tick.label1, tick.label2)
    }
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    hidden = {t for one in figure.axes if not one.axison for t in one.xaxis.findobj(Text)}
    hidden |= {t for one in figure.axes if not one.axison for t in one.yaxis.findobj(Text)}
    return [text for text in texts if text not in outside | hidden]


def assert_legible(figure: Figure) -> None:
    """Every word lies on the page, and on no other word."""
    texts, page = seen(figure), figure.bbox
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        assert page.x0 <= box.x0 < box.x1 <= page.x1, text
        assert page.y0 <= box.y0 < box.y1 <= page.y1, text
    for (first, a), (second, b) in combinations(zip(texts, boxes, strict=True), 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        along = min(a.y1, b.y1) - max(a.y0, b.y0)
        # Boxes of lines include the room of letters that reach below the line.
        assert across <= 0 or along <= 4, (first, second)


class TestWords:
    @pytest.mark.parametrize("models", [MODELS, ALIENS], ids=["known", "unknown"])
    @pytest.mark.parametrize("count", [1, 3, 6])
    def test_are_legible(self, models, count):
        board = random_board(models[:count], 3, FURTHER)
        assert_legible(scoreboard(board, title=NOTE[:140], note=NOTE))

    @pytest.mark.parametrize("samples", [1, 10])
    def test_are_legible_without_title_and_note(self, samples):
        assert_legible(scoreboard(random_board(MODELS[:2], samples, NAMES[:12])))

    @pytest.mark.parametrize("value", [0.0, 1.0, 1234.0, 3e7])
    def test_are_legible_where_all_ratios_are_extreme(self, value):
        ratios = {model: dict.fromkeys(NAMES, value) for model in MODELS}
        assert_legible(scoreboard(make(ratios)))

    def test_every_statistic_has_a_row_and_unknown_ones_their_name(self):
        labels = rows(scoreboard(random_board(["full"], 1, FURTHER)))
        assert len(labels) == len(FURTHER) + 1
        assert next(iter(labels)) == "overall"
        assert list(labels)[-2:] == ["run lengths", "persistence"]

    def test_statistics_that_are_named_exist(self):
        assert set(_WORDS) <= set(STATISTICS)

    def test_a_group_is_named_once_and_at_its_first_row(self):
        figure = scoreboard(random_board(["full"], 1, ("area", "skewness", "Euler number")))
        assert words(figure).count("Shapes") == 1
        places = rows(figure)
        assert places["area above a level"] < places["blobs minus holes"] < places["skewness"]

    @pytest.mark.parametrize(("pieces", "noun"), [(False, "field"), (True, "piece")])
    def test_say_what_real_things_were_compared(self, pieces, noun):
        figure = scoreboard(random_board(MODELS[:2], 1, pieces=pieces))
        assert f"as good as\nanother real {noun}" in words(figure)
        assert diagram(figure).get_xlabel().endswith(f"between two real {noun}s")
        assert_legible(figure)

    def test_explain_whiskers_only_where_there_are_any(self):
        for samples, explained in ((1, False), (2, True)):
            text = " ".join(words(scoreboard(random_board(MODELS[:2], samples))))
            assert ("whiskers" in text) == explained

    def test_ticks_are_plain_numbers(self):
        figure = scoreboard(make({"full": {"area": 90.0, "skewness": 1.0}}))
        shown = [text.get_text() for text in seen(figure)]
        for tick in ("0.5×", "1×", "2×", "10×", "100×"):
            assert shown.count(tick) == 2


class TestDots:
    def test_one_per_model_and_statistic_at_the_median(self):
        board = random_board(MODELS, 3, scale=0.4)
        figure = scoreboard(board)
        for model, score in board.scores.items():
            inside = [np.median(score.overall), *map(np.median, score.ratios.values())]
            places = dots(figure, model).get_offsets()
            wanted = [value for value in inside if value >= 0.3]
            np.testing.assert_allclose(places[:, 0], wanted)
            beyond = arrows(figure, model, "<")
            assert len(places) + len(beyond) == len(NAMES) + 1

    def test_models_of_a_row_do_not_hide_one_another(self):
        ratios = {model: {"area": 2.0, "skewness": 2.0} for model in MODELS}
        figure = scoreboard(make(ratios))
        heights = [dots(figure, model).get_offsets()[1, 1] for model in MODELS]
        assert np.diff(heights).min() >= 8
        assert np.mean(heights) == pytest.approx(rows(figure)["area above a level"])
        neighbor = rows(figure)["skewness"] - rows(figure)["area above a level"]
        assert heights[-1] - heights[0] < neighbor

    def test_whiskers_span_the_samples(self):
        figure = scoreboard(make({"full": {"area": [2.0, 3.0, 8.0]}}))
        axes = diagram(figure)
        whiskers = next(each for each in axes.collections if not isinstance(each, PathCollection))
        segment = whiskers.get_segments()[1]
        np.testing.assert_allclose(segment[:, 0], [2, 8])

    def test_extremes_are_arrows_with_their_number(self):
        board = make(
            {"full": {"area": 0.01, "perimeter": 5.0}, "noise": {"area": 7.0, "perimeter": 314.0}}
        )
        figure = scoreboard(board)
        assert diagram(figure).get_xlim() == (0.3, 100)
        assert len(dots(figure, "full").get_offsets()) == 2
        assert arrows(figure, "full", "<")[:, 0] == [0.3]
        assert arrows(figure, "noise", ">")[:, 0] == [100]
        assert "314×" in words(figure)
        assert any("Arrows: beyond the axis" in text for text in words(figure))

    @pytest.mark.parametrize(("most", "end"), [(1.0, 5), (7.0, 10), (30.0, 50), (99.0, 100)])
    def test_axis_is_as_long_as_needed(self, most, end):
        assert diagram(scoreboard(make({"full": {"area": most}}))).get_xlim() == (0.3, end)

    def test_spread_of_real_fields_is_a_bar(self):
        board = make({"full": {"area": 2.0}})._replace(spread={"area": (0.6, 1.7)})
        bars = [(p.get_x(), p.get_x() + p.get_width()) for p in diagram(scoreboard(board)).patches]
        assert any(bar == pytest.approx((0.6, 1.7)) for bar in bars)
        assert any(bar == pytest.approx((0.3, 1.0)) for bar in bars)


class TestModels:
    def test_have_the_colors_of_the_other_figures(self):
        figure = scoreboard(random_board(MODELS, 1))
        for index, model in enumerate(MODELS):
            wanted = line(("target", *MODELS), index + 1).color
            assert same_color(dots(figure, model).get_facecolor()[0], wanted)

    def test_differ_in_color_even_where_the_other_figures_repeat_themselves(self):
        figure = scoreboard(random_board(ALIENS, 1))
        colors = {to_hex(dots(figure, model).get_facecolor()[0]) for model in ALIENS}
        assert len(colors) == 6

    def test_show_their_overall_scores_in_the_order_given(self):
        board = make(
            {"noise": {"area": 4.0, "kurtosis": 9.0}, "full": {"area": 0.5, "kurtosis": 1.0}}
        )
        shown = words(scoreboard(board))
        assert shown.index("noise") < shown.index("6.00×") < shown.index("full")
        assert shown.index("full") < shown.index("1.00×")

    def test_that_copy_are_hollow_and_named(self):
        copies = {"full": [True, True], "scattering": [True, False]}
        figure = scoreboard(random_board(("gaussian", "scattering", "full"), 2, copies=copies))
        assert "copies the target" in words(figure)
        assert "1 of 2 copied" in words(figure)
        assert same_color(dots(figure, "full").get_facecolor()[0], "white")
        assert not same_color(dots(figure, "gaussian").get_facecolor()[0], "white")
        assert_legible(figure)


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match=r"has 0 models: pass one with 1 to 6"):
        scoreboard(Scoreboard({}, {}, False, {}))
    with pytest.raises(ValueError, match="has 7 models"):
        scoreboard(random_board([f"model {k}" for k in range(7)], 1))
    empty = make({"full": {"area": 2.0}})
    score = empty.scores["full"]._replace(overall=np.zeros(0))
    with pytest.raises(ValueError, match="'full' has no samples: compare one"):
        scoreboard(empty._replace(scores={"full": score}))


def test_saves_and_leaves_no_trace_in_the_global_style(tmp_path):
    before = dict(mpl.rcParams)
    scoreboard(random_board(MODELS[:3], 3)).savefig(tmp_path / "board.png")
    assert dict(mpl.rcParams) == before
    assert (tmp_path / "board.png").stat().st_size > 10_000
