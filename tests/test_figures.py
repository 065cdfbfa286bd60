"""Figures: what is drawn is what was measured, and no word is cut off."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.text import Text

from synth import Scattering, max_scales, morlet_bank, scatter
from synth.app.figures import Row, coefficients, comparison, filter_bank, gallery, progress
from synth.metrics import flatness, kurtosis, radial_spectrum, spectrum_error

NAMES = ("target", "gaussian", "scattering", "spectra", "more angles")
NOTE = "A field drawn from noise has the target's moments and nothing else. " * 6


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def fields(target, count):
    others = (target.mean() + target.std() * noise(target.shape, seed) for seed in range(1, count))
    return dict(zip(NAMES, (target, *others), strict=False))


TARGETS = {
    "tiny": noise((16, 16)),
    "odd": noise((97, 131)),
    "wide": noise((200, 300)),
    "tall": noise((160, 40)),
    "small": noise((64, 64)),
    "large": noise((900, 800)),
    "heavy tails": np.random.default_rng(0).standard_t(1.5, size=(128, 128)),
    "binary": np.sign(noise((64, 64))),
    "nearly empty": (noise((64, 64)) > 3.2).astype(float),
    "16 bits": np.round(30000 + 9000 * noise((64, 64))),
    "faint": 1e-7 * noise((64, 64)) + 3,
    "band-limited": np.tile(np.sin(2 * np.pi * np.arange(64) / 16), (64, 1)),
}


def drawn(figure: Figure) -> FigureCanvasAgg:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas


def assert_all_words_inside(figure: Figure) -> None:
    renderer = drawn(figure).get_renderer()
    page = figure.bbox
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    hidden = {t for axes in figure.axes for t in outside_ticks(axes)}
    assert len(texts) > 5
    for text in set(texts) - hidden:
        box = text.get_window_extent(renderer)
        assert box.x0 >= page.x0, text
        assert box.y0 >= page.y0, text
        assert box.x1 <= page.x1, text
        assert box.y1 <= page.y1, text


def outside_ticks(axes: Axes):
    """Labels of ticks beyond the ends of an axis, which are never drawn."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        slack = 1e-9 * (abs(low) + abs(high))
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low - slack <= tick.get_loc() <= high + slack:
                yield from (tick.label1, tick.label2)


def titled(figure: Figure, title: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == title)


def pictures(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.images]


class TestComparison:
    @pytest.mark.parametrize("name", TARGETS)
    def test_no_word_is_cut(self, name):
        losses = np.geomspace(10, 1e-3, 40)
        figure = comparison(
            fields(TARGETS[name], 3), {"scattering": losses}, title=NOTE[:150], note=NOTE
        )
        assert_all_words_inside(figure)

    @pytest.mark.parametrize("name", ["tiny", "odd", "tall"])
    @pytest.mark.parametrize("count", [1, 2])
    def test_few_fields(self, name, count):
        assert_all_words_inside(comparison(fields(TARGETS[name], count), note=NOTE))

    def test_five_fields(self):
        figure = comparison(fields(TARGETS["small"], 5), {"scattering": np.ones(3)})
        assert_all_words_inside(figure)
        colors = {line.get_color() for line in titled(figure, "Power spectrum").lines}
        assert len(colors) == 5

    def test_all_pictures_share_the_targets_gray_scale(self):
        given = fields(TARGETS["heavy tails"], 3)
        images = [axes.images[0] for axes in pictures(comparison(given))]
        norms = {(image.norm.vmin, image.norm.vmax) for image in images}
        assert norms == {tuple(np.percentile(given["target"], (0.5, 99.5)))}
        for image, field in zip(images, given.values(), strict=True):
            np.testing.assert_array_equal(image.get_array(), field)

    def test_gray_scale_of_a_nearly_empty_target_is_its_range(self):
        image = pictures(comparison(fields(TARGETS["nearly empty"], 2)))[0].images[0]
        assert (image.norm.vmin, image.norm.vmax) == (0, 1)

    @pytest.mark.parametrize("shape", [(16, 16), (97, 131), (200, 300), (256, 256)])
    def test_a_pixel_covers_a_whole_number_of_pixels(self, shape):
        axes = pictures(comparison(fields(noise(shape), 3)))[0]
        zoom = np.array([axes.bbox.height, axes.bbox.width]) / shape
        np.testing.assert_allclose(zoom, np.round(zoom[0]), rtol=1e-9)
        assert zoom[0] >= 1
        assert axes.images[0].get_interpolation() == "nearest"

    def test_spectra_are_those_of_the_metrics(self):
        given = fields(TARGETS["odd"], 3)
        axes = titled(comparison(given), "Power spectrum")
        assert [line.get_label() for line in axes.lines] == list(given)
        for line, field in zip(axes.lines, given.values(), strict=True):
            frequency, power = radial_spectrum(field)
            np.testing.assert_allclose(line.get_xdata(), frequency)
            np.testing.assert_allclose(line.get_ydata(), power)
        assert axes.get_xscale() == axes.get_yscale() == "log"
        assert "radians per pixel" in axes.get_xlabel()
        assert [text.get_text() for text in axes.get_legend().get_texts()] == list(given)

    @pytest.mark.parametrize("periodic", [False, (True, False)])
    def test_spectra_of_a_picture_are_tapered_and_say_so(self, periodic):
        given = fields(TARGETS["odd"], 3)
        figure = comparison(given, {"gaussian": np.ones(3)}, periodic=periodic)
        axes = titled(figure, "Power spectrum, borders tapered")
        for line, field in zip(axes.lines, given.values(), strict=True):
            power = radial_spectrum(field, periodic=periodic)[1]
            np.testing.assert_allclose(line.get_ydata(), power)
        assert_all_words_inside(figure)
        words = " ".join(text.get_text() for text in figure.texts)
        flat = flatness(given["target"], (1,), periodic=periodic)[0]
        assert f"flatness at 1 px {flat:.2f}" in words

    def test_missing_pixels_are_blue_and_counted_nowhere(self):
        given = fields(TARGETS["small"], 3)
        given["target"] = np.where(np.arange(64) < 16, np.nan, given["target"])
        figure = comparison(given, title="holes", periodic=False)
        assert_all_words_inside(figure)
        image = pictures(figure)[0].images[0]
        known = given["target"][:, 16:]
        ends = (image.norm.vmin, image.norm.vmax)
        assert ends == tuple(np.percentile(known, (0.5, 99.5)))
        red, green, blue, _ = image.to_rgba(image.get_array())[0, 0]
        assert blue > green > red
        words = [text.get_text() for text in figure.texts]
        assert any(f"kurtosis {kurtosis(known):.2f}" in each for each in words)
        assert any(each.endswith("light blue: missing, 25.0%") for each in words)
        assert len(titled(figure, "Power spectrum, borders tapered").lines) == 3
        density = titled(figure, "Gray levels").patches[0].get_data()
        assert np.sum(density.values * np.diff(density.edges)) == pytest.approx(1)

    def test_what_a_field_alone_misses_has_no_curve(self):
        given = fields(TARGETS["small"], 2)
        given["gaussian"][0, 0] = np.nan
        figure = comparison(given)
        assert len(titled(figure, "Power spectrum").lines) == 1
        assert any("not finite" in text.get_text() for text in figure.texts)

    def test_densities_integrate_to_one(self):
        axes = titled(comparison(fields(TARGETS["small"], 2)), "Gray levels")
        for stairs in axes.patches:
            values, edges, _ = stairs.get_data()
            assert np.sum(values * np.diff(edges)) == pytest.approx(1)

    def test_losses_are_drawn_in_the_color_of_the_scattering_field(self):
        losses = np.geomspace(5, 1e-2, 30)
        figure = comparison(fields(TARGETS["small"], 3), {"scattering": losses})
        axes = titled(figure, "Descent")
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), losses)
        np.testing.assert_array_equal(axes.lines[0].get_xdata(), np.arange(1, 31))
        spectrum = titled(figure, "Power spectrum").lines[2]
        assert same_color(axes.lines[0].get_color(), spectrum.get_color())
        assert len(figure.axes) == 3 + 1 + 3

    @pytest.mark.parametrize("losses", [{}, {"scattering": np.zeros(0)}])
    def test_without_losses_there_are_two_diagrams(self, losses):
        figure = comparison(fields(TARGETS["small"], 3), losses)
        assert len(figure.axes) == 3 + 1 + 2

    @pytest.mark.parametrize("losses", [np.full(3, np.nan), np.zeros(4), np.array([1.0])])
    def test_losses_that_no_logarithm_takes(self, losses):
        assert_all_words_inside(comparison(fields(TARGETS["small"], 2), {"gaussian": losses}))

    def test_a_failed_field_is_shown_without_curves(self):
        given = fields(TARGETS["small"], 2) | {"scattering": np.full((64, 64), np.nan)}
        figure = comparison(given)
        assert len(pictures(figure)) == 3
        assert len(titled(figure, "Power spectrum").lines) == 2
        assert any("not finite" in text.get_text() for text in figure.texts)
        drawn(figure)

    def test_takes_what_the_synthesis_returns(self):
        field = jax.random.normal(jax.random.key(0), (32, 32))
        assert len(pictures(comparison({"target": np.asarray(field), "scattering": field}))) == 2

    def test_errors_say_what_to_do(self):
        with pytest.raises(ValueError, match="pass the target at least"):
            comparison({})
        with pytest.raises(ValueError, match=r"differ in shape .* crop them"):
            comparison({"target": noise((16, 16)), "gaussian": noise((16, 18))})
        with pytest.raises(ValueError, match="'target', is constant"):
            comparison({"target": np.ones((16, 16))})
        with pytest.raises(ValueError, match="losses of spectra but no such fields: .* target"):
            comparison({"target": noise((16, 16))}, {"spectra": np.ones(3)})

    def test_leaves_no_trace_in_the_global_style(self):
        import matplotlib as mpl

        before = dict(mpl.rcParams)
        comparison(fields(TARGETS["tiny"], 2))
        assert dict(mpl.rcParams) == before


class TestFilterBank:
    @pytest.mark.parametrize("shape", [(16, 16), (97, 131)])
    @pytest.mark.parametrize("tight", [True, False])
    def test_no_word_is_cut(self, shape, tight):
        figure = filter_bank(morlet_bank(shape, num_angles=4, tight=tight))
        assert_all_words_inside(figure)
        assert len(pictures(figure)) == 4 * min(4, max_scales(shape))

    def test_scales_add_up_to_the_sum(self):
        bank = morlet_bank((64, 48), num_scales=3, num_angles=6)
        axes = next(a for a in filter_bank(bank).axes if "Paley" in a.get_title(loc="left"))
        curves = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}
        assert list(curves) == ["sum", "j = 0", "j = 1", "j = 2", "low-pass", "residual"]
        whole = curves.pop("sum")
        np.testing.assert_allclose(whole, 1, atol=1e-5)
        np.testing.assert_allclose(sum(curves.values()), whole, atol=1e-3)

    @pytest.mark.parametrize(("num_scales", "num_angles"), [(1, 1), (2, 3), (4, 9)])
    def test_few_and_many(self, num_scales, num_angles):
        assert_all_words_inside(filter_bank(morlet_bank((32, 32), num_scales, num_angles)))


@pytest.fixture(scope="module")
def bank():
    return morlet_bank((32, 32), num_scales=3, num_angles=4)


@pytest.fixture(scope="module")
def moments(bank):
    measure = jax.jit(scatter)
    fields = jax.random.normal(jax.random.key(0), (3, 32, 32))
    return {name: measure(field, bank) for name, field in zip(NAMES, fields, strict=False)}


class TestCoefficients:
    @pytest.mark.parametrize("count", [1, 3])
    def test_no_word_is_cut(self, bank, moments, count):
        shown = dict(list(moments.items())[:count])
        figure = coefficients(shown, bank)
        assert_all_words_inside(figure)
        assert len(figure.axes) == 2 + count + 1

    def test_first_order_is_the_mean_over_angles(self, bank, moments):
        axes = titled(coefficients(moments, bank), "First order S₁")
        for line, one in zip(axes.lines, moments.values(), strict=True):
            np.testing.assert_allclose(line.get_ydata(), one.order1.mean(1), rtol=1e-5)

    def test_matrix_holds_every_pair_at_its_place(self, bank, moments):
        axes = titled(coefficients(moments, bank), "Second order, target")
        shown = axes.images[0].get_array().filled(np.nan)
        target = moments["target"]
        for p, (j, k) in enumerate([(0, 1), (0, 2), (1, 2)]):
            wanted = float(np.mean(target.order2[p] / target.order1[j][:, None]))
            assert shown[j, k - 1] == pytest.approx(wanted, rel=1e-5)
        assert np.isnan(shown[1, 0])

    def test_angles_find_the_wavelets_that_are_parallel(self, bank, moments):
        target = moments["target"]
        pairs = jnp.broadcast_to(jnp.eye(4), (3, 4, 4))
        one = Scattering(target.order0, jnp.ones((3, 4)), target.residual, pairs)
        axes = titled(coefficients({"target": one}, bank), "Second order over angles")
        np.testing.assert_allclose(axes.lines[0].get_xdata(), [0, 45, 90])
        np.testing.assert_allclose(axes.lines[0].get_ydata(), [4, 0, 0])

    def test_one_scale_has_no_second_order(self):
        bank = morlet_bank((16, 16), num_scales=1, num_angles=2)
        figure = coefficients({"target": scatter(jnp.eye(16), bank)}, bank)
        assert len(figure.axes) == 1
        assert_all_words_inside(figure)

    def test_errors_say_what_to_do(self, bank, moments):
        with pytest.raises(ValueError, match="pass those of the target"):
            coefficients({}, bank)
        with pytest.raises(ValueError, match=r"'target' is \(3, 4\), but the bank has \(2, 4\)"):
            coefficients(moments, morlet_bank((32, 32), num_scales=2, num_angles=4))


class TestGallery:
    def test_rows_have_borders_and_gaps_of_their_own(self):
        given = fields(TARGETS["small"], 2)
        holed = given | {"target": np.where(np.arange(64) < 9, np.nan, given["target"])}
        figure = gallery(
            [Row("picture", given, {}, periodic=False), Row("holes", holed, {"gaussian": 2.5})]
        )
        assert_all_words_inside(figure)
        words = [text.get_text() for text in figure.texts]
        assert f"{spectrum_error(*given.values(), periodic=False):.1f} dB" in words
        assert f"{spectrum_error(*holed.values()):.1f} dB" in words
        assert f"{kurtosis(holed['target']):.2f}" in words

    def test_a_constant_target_has_no_numbers(self):
        flat = {"target": np.ones((16, 16)), "gaussian": noise((16, 16))}
        words = [text.get_text() for text in gallery([Row("flat", flat, {})]).texts]
        assert not any("dB" in each for each in words)


class TestProgress:
    def test_shows_a_field_that_failed(self):
        drawn(progress(np.full((32, 32), np.nan), np.ones(3)))

    @pytest.mark.parametrize("name", ["tiny", "odd", "tall", "wide", "16 bits"])
    def test_no_word_is_cut(self, name):
        target = TARGETS[name]
        figure = progress(noise(target.shape, 1), np.geomspace(1, 0.1, 10), target=target)
        assert_all_words_inside(figure)
        assert len(pictures(figure)) == 2

    def test_losses_and_picture(self):
        losses = np.array([3.0, 2.0, 1.0])
        figure = progress(TARGETS["small"], losses)
        np.testing.assert_array_equal(pictures(figure)[0].images[0].get_array(), TARGETS["small"])
        np.testing.assert_array_equal(titled(figure, "Descent").lines[0].get_ydata(), losses)
        assert "after 3 evaluations" in {text.get_text() for text in figure.texts}

    def test_is_quick_enough_to_be_live_and_saves(self, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            path = tmp_path / "now.png"
            progress(TARGETS["small"], np.ones(5)).savefig(path)
        assert path.stat().st_size > 5000
