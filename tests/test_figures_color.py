"""Figures of fields with several channels: painted pictures, and numbers of one component."""

import jax
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from test_figures import assert_all_words_inside, drawn, noise, pictures, titled

from synth.app.figures import Row, comparison, gallery, progress, strip
from synth.app.figures._color import Paint, painted
from synth.app.figures._parts import MISSING
from synth.errors import InputError
from synth.metrics import flatness, kurtosis, radial_spectrum, spectrum_error
from synth.transforms.components import principal_components

NAMES = ("target", "gaussian", "scattering", "spectra", "full", "more angles")
SPECTRUM = "First principal component:\npower spectrum"
LEVELS = "First principal component:\nlevels"
MATERIAL = (3, 3, 1)


def fields(target, count):
    others = (
        np.nanmean(target) + np.nanstd(target) * noise(target.shape, seed)
        for seed in range(1, count)
    )
    return dict(zip(NAMES, (target, *others), strict=False))


def correlated(shape, seed=0):
    """Channels of different units, which have something in common."""
    channels = noise(shape, seed) + 2 * noise(shape[1:], seed + 100)
    return channels * 3.0 ** np.arange(shape[0])[:, None, None] + 5


def holed(target):
    """A field of which one channel misses the columns on the left."""
    copy = target.copy()
    copy[-1, :, :9] = np.nan
    return copy


TARGETS = {
    "color": correlated((3, 64, 64)),
    "two": correlated((2, 97, 61)),
    "seven": correlated((7, 32, 48)),
    "tall": correlated((4, 80, 24)),
    "large": correlated((3, 700, 1030)),
    "holes": holed(correlated((3, 64, 64))),
    "seven with holes": holed(correlated((7, 64, 64))),
}


def words(figure):
    return [text.get_text() for text in figure.texts]


def pixels(figure):
    return np.asarray(drawn(figure).buffer_rgba())


def images(figure):
    return [np.asarray(axes.images[0].get_array()) for axes in pictures(figure)]


class TestPainted:
    def test_color_fills_the_range_of_its_levels(self):
        field = np.array([0.0, 51.0, 300.0])[:, None, None] * np.ones((3, 4, 5))
        np.testing.assert_allclose(painted(field, (3,), [(0, 255)]), [[[0, 0.2, 1]] * 5] * 4)

    def test_other_channels_are_gray_tiles_with_a_white_gap(self):
        field = np.array([1.0, 3.0])[:, None, None] * np.ones((2, 4, 5))
        own = painted(field, (1, 1), [(0, 2), (2, 6)])
        assert own.shape == (4, 12, 3)
        np.testing.assert_allclose(own[:, :5], 0.5)
        np.testing.assert_allclose(own[:, 5:7], 1)
        np.testing.assert_allclose(own[:, 7:], 0.25)
        shared = painted(field, (2,), [(0, 4)])
        np.testing.assert_allclose(shared[:, 7:], 0.75)

    @pytest.mark.parametrize(
        ("count", "rows", "columns"),
        [(1, 1, 1), (2, 1, 2), (4, 2, 2), (5, 2, 3), (7, 2, 4), (9, 3, 3), (10, 2, 5), (12, 3, 4)],
    )
    def test_tiles_lie_tight(self, count, rows, columns):
        field = np.zeros((count, 10, 20))
        sheet = painted(field, (1,) * count, [(0, 1)] * count)
        assert sheet.shape == (12 * rows - 2, 22 * columns - 2, 3)
        assert (sheet[..., 0] == 0).sum() == count * 200

    def test_a_material_is_a_row_of_three(self):
        field = noise((7, 16, 16))
        sheet = painted(field, MATERIAL, [(-3, 3)] * 3)
        assert sheet.shape == (16, 52, 3)
        color = painted(field[3:6], (3,), [(-3, 3)])
        np.testing.assert_array_equal(sheet[:, 18:34], color)

    def test_what_any_channel_misses_is_blue_in_all_tiles(self):
        field = noise((4, 8, 8))
        field[2, 3, 4] = np.nan
        sheet = painted(field, (3, 1), [(-3, 3)] * 2)
        blue = np.isclose(sheet, to_rgb(MISSING)).all(-1)
        assert list(map(tuple, np.argwhere(blue))) == [(3, 4), (3, 14)]

    def test_errors_say_what_to_do(self):
        field = noise((7, 8, 8))
        for groups in [(3, 3), (7, 0), (8, -1), ()]:
            with pytest.raises(InputError, match=r"not those of 7 channels: .* add up to 7"):
                painted(field, groups, [(0, 1)] * len(groups))
        with pytest.raises(InputError, match="1 pairs of levels, but 3 groups"):
            painted(field, MATERIAL, [(0, 1)])
        with pytest.raises(InputError, match="levels 1 and 1 are no gray scale"):
            painted(field, MATERIAL, [(0, 1), (1, 1), (0, 1)])


class TestPaint:
    def test_levels_are_the_targets_minimum_and_maximum_over_a_group(self):
        target = holed(correlated((7, 16, 16)))
        paint = Paint.of(target, MATERIAL)
        ends = [(np.nanmin(part), np.nanmax(part)) for part in np.split(target, (3, 6))]
        np.testing.assert_allclose(paint.levels, ends)
        assert paint.names == ["1–3", "4–6", "7"]

    @pytest.mark.parametrize(("channels", "groups"), [(2, (1, 1)), (3, (3,)), (4, (1,) * 4)])
    def test_three_channels_are_a_color_and_others_are_gray(self, channels, groups):
        assert Paint.of(noise((channels, 8, 8))).groups == groups

    def test_a_constant_and_an_unknown_channel_have_levels(self):
        target = np.stack([np.full((8, 8), 4.0), np.full((8, 8), np.nan)])
        assert Paint.of(target).levels == ((4, 5), (0, 1))


class TestComparison:
    @pytest.mark.parametrize("name", TARGETS)
    @pytest.mark.parametrize("count", [1, 3])
    def test_no_word_is_cut(self, name, count):
        losses = {"scattering": np.geomspace(10, 1e-3, 40)} if count == 3 else {}
        figure = comparison(fields(TARGETS[name], count), losses, title=name, periodic=False)
        assert_all_words_inside(figure)

    def test_five_models(self):
        given = fields(TARGETS["seven with holes"], 6)
        losses = dict.fromkeys(NAMES[1:], np.geomspace(10, 1e-3, 40))
        levels = [(-1234.5, 2345.6)] * 7
        figure = comparison(given, losses, levels=levels[:3], groups=MATERIAL, periodic=False)
        assert_all_words_inside(figure)
        assert len(pictures(figure)) == 6
        assert_all_words_inside(comparison(given, losses, levels=levels))

    def test_one_channel_is_a_gray_field(self):
        given = fields(noise((16, 16)), 2)
        same = {name: field[None] for name, field in given.items()}
        np.testing.assert_array_equal(pixels(comparison(given)), pixels(comparison(same)))

    def test_levels_of_gray_fields_may_be_given(self):
        figure = comparison(fields(noise((16, 16)), 2), levels=[(-2, 7)])
        norm = pictures(figure)[0].images[0].norm
        assert (norm.vmin, norm.vmax) == (-2, 7)
        assert any(each.endswith("black to white: −2 to 7") for each in words(figure))

    def test_pictures_are_painted_by_the_target_without_a_gray_bar(self):
        given = fields(TARGETS["seven"], 3)
        figure = comparison(given, groups=MATERIAL)
        levels = Paint.of(TARGETS["seven"], MATERIAL).levels
        for shown, field in zip(images(figure), given.values(), strict=True):
            np.testing.assert_array_equal(shown, painted(field, MATERIAL, levels))
        assert len(figure.axes) == 3 + 2
        assert any("tiles: channels 1–3, 4–6, 7\n" in each for each in words(figure))

    @pytest.mark.parametrize("name", ["color", "two", "seven", "tall"])
    def test_a_pixel_covers_a_whole_number_of_pixels(self, name):
        axes = pictures(comparison(fields(TARGETS[name], 3)))[0]
        shape = axes.images[0].get_array().shape[:2]
        zoom = np.array([axes.bbox.height, axes.bbox.width]) / shape
        np.testing.assert_allclose(zoom, np.round(zoom[0]), rtol=1e-9)

    def test_diagrams_and_numbers_are_those_of_the_first_component(self):
        given = fields(TARGETS["color"], 3)
        figure = comparison(given)
        components = principal_components(given["target"])
        first = {name: components.of(field)[0] for name, field in given.items()}
        for curve, field in zip(titled(figure, SPECTRUM).lines, first.values(), strict=True):
            np.testing.assert_allclose(curve.get_ydata(), radial_spectrum(field)[1])
        axes = titled(figure, LEVELS)
        assert axes.get_xlabel() == "standard deviations from the mean"
        density = axes.patches[0].get_data()
        centers = (density.edges[1:] + density.edges[:-1]) / 2
        variance = np.sum(density.values * np.diff(density.edges) * centers**2)
        assert variance == pytest.approx(1, abs=0.05)
        flat = flatness(first["gaussian"], (1,))[0]
        error = spectrum_error(first["target"], first["gaussian"])
        wanted = (
            f"First principal component:\nkurtosis {kurtosis(first['gaussian']):.2f} · "
            f"flatness at 1 px {flat:.2f}\nspectrum {error:.2f} dB off"
        )
        assert wanted in words(figure)

    def test_pixels_that_one_channel_misses_are_counted_nowhere(self):
        given = fields(TARGETS["holes"], 3)
        figure = comparison(given, periodic=False)
        known = principal_components(given["target"]).of(given["target"])[0]
        assert np.isnan(known).mean() == pytest.approx(9 / 64)
        caption = next(each for each in words(figure) if "light blue: missing, 14.1%" in each)
        assert f"kurtosis {kurtosis(known):.2f}" in caption
        assert len(titled(figure, f"{SPECTRUM}, borders tapered").lines) == 3

    @pytest.mark.parametrize("failure", [np.nan, np.inf, 0.1])
    def test_a_failed_field_is_shown_without_curves(self, failure):
        given = fields(TARGETS["color"], 2) | {"spectra": np.full((3, 64, 64), failure)}
        figure = comparison(given)
        assert len(pictures(figure)) == 3
        assert len(titled(figure, SPECTRUM).lines) == 2
        assert "constant or not finite: no statistics" in words(figure)
        drawn(figure)

    def test_what_one_channel_alone_misses_has_no_curve(self):
        given = fields(TARGETS["color"], 2)
        given["gaussian"][1, 0, 0] = np.nan
        assert len(titled(comparison(given), SPECTRUM).lines) == 1

    def test_one_channel_that_varies_is_enough(self):
        target = np.stack([noise((16, 16)), np.ones((16, 16))])
        assert len(titled(comparison(fields(target, 2)), SPECTRUM).lines) == 2

    def test_errors_say_what_to_do(self):
        color = TARGETS["color"]
        with pytest.raises(ValueError, match="differ in shape"):
            comparison({"target": color, "gaussian": color[0]})
        with pytest.raises(ValueError, match="'target', is constant"):
            comparison({"target": np.ones((3, 16, 16))})
        with pytest.raises(InputError, match="not those of 3 channels"):
            comparison({"target": color}, groups=(1, 1))

    def test_takes_what_the_synthesis_returns(self):
        field = jax.random.normal(jax.random.key(0), (3, 32, 32))
        assert len(pictures(comparison({"target": np.asarray(field), "full": field}))) == 2


class TestColors:
    @staticmethod
    def clouds(figure):
        return [axes for axes in figure.axes if axes.get_xlabel() == "second component"]

    def test_are_points_at_the_first_two_components(self):
        given = fields(TARGETS["color"], 2)
        shown = self.clouds(comparison(given, levels=[(-40, 60)]))
        assert [axes.get_title(loc="left") for axes in shown] == ["Colors of 3,000 pixels", ""]
        assert shown[0].get_xlim() == shown[1].get_xlim()
        components = principal_components(given["target"])
        for axes, field in zip(shown, given.values(), strict=True):
            first, second = components.of(field)[:2].reshape(2, -1)
            colors = painted(field, (3,), [(-40, 60)]).reshape(-1, 3)
            table = np.column_stack([second, first, colors])
            (cloud,) = axes.collections
            points = np.column_stack([cloud.get_offsets(), cloud.get_facecolor()[:, :3]])
            assert {tuple(row) for row in points.round(6)} <= {tuple(row) for row in table.round(6)}

    def test_leave_out_missing_pixels_and_failed_fields(self):
        given = fields(holed(correlated((3, 16, 16))), 3)
        given["gaussian"][:] = np.nan
        shown = self.clouds(comparison(given, periodic=False))
        assert len(shown) == 2
        assert all(len(axes.collections[0].get_offsets()) == 16 * 7 for axes in shown)
        columns = [axes.bbox.x0 for axes in shown]
        pictured = [axes.bbox.x0 for axes in pictures(comparison(given, periodic=False))]
        assert columns[1] - columns[0] == pytest.approx(pictured[2] - pictured[0])

    @pytest.mark.parametrize("target", [np.stack([noise((32, 32))] * 3), TARGETS["seven"]])
    def test_are_left_out_where_there_is_no_color(self, target):
        assert not self.clouds(comparison(fields(target, 2)))

    def test_are_left_out_where_channels_are_drawn_apart(self):
        assert not self.clouds(comparison(fields(TARGETS["color"], 2), groups=(1, 1, 1)))


class TestStrip:
    @pytest.mark.parametrize("name", ["color", "two", "seven", "holes"])
    def test_pictures_have_the_levels_of_the_first_row(self, name):
        target = TARGETS[name]
        rows = {"full": [target, 9 + target], "spectra": [target, 2 * target]}
        figure = strip(rows, ["kept", "seed 0"], title=name, note="Converged.")
        assert_all_words_inside(figure)
        paint = Paint.of(np.stack([target, 9 + target], 2).reshape(len(target), 2, -1))
        every = [one for row in rows.values() for one in row]
        for shown, field in zip(images(figure), every, strict=True):
            np.testing.assert_allclose(shown, painted(field, *paint))

    def test_one_channel_is_a_gray_field(self):
        rows = [noise((1, 16, 16), seed) for seed in range(2)]
        several = strip({"full": rows}, ["kept", "seed 0"])
        gray = strip({"full": [one[0] for one in rows]}, ["kept", "seed 0"])
        np.testing.assert_array_equal(pixels(several), pixels(gray))

    def test_errors_say_what_to_do(self):
        with pytest.raises(ValueError, match="differ in shape"):
            strip({"full": [noise((3, 8, 8)), noise((2, 8, 8))]}, ["a", "b"])
        with pytest.raises(InputError, match="not those of 3 channels"):
            strip({"full": [noise((3, 8, 8))]}, ["a"], groups=(2,))


class TestGallery:
    def test_rows_may_differ_in_channels(self):
        gray, color = fields(noise((64, 64)), 3), fields(TARGETS["holes"], 3)
        seven = fields(TARGETS["seven"], 3)
        rows = [
            Row("gray", gray, {}),
            Row("color", color, {"gaussian": 2.5}, "note", False, levels=[(0, 255)]),
            Row("material", seven, {}, groups=MATERIAL),
        ]
        figure = gallery(rows, title="Three", note="A note.")
        assert_all_words_inside(figure)
        first = principal_components(color["target"]).of(np.stack(list(color.values())))[:, 0]
        assert f"{spectrum_error(first[0], first[1], periodic=False):.1f} dB" in words(figure)
        assert f"{kurtosis(first[0]):.2f}" in words(figure)
        assert words(figure).count("First principal component:") == 2
        shown = images(figure)
        np.testing.assert_array_equal(shown[0], gray["target"])
        np.testing.assert_array_equal(shown[4], painted(color["gaussian"], (3,), [(0, 255)]))
        levels = Paint.of(TARGETS["seven"], MATERIAL).levels
        np.testing.assert_array_equal(shown[8], painted(seven["scattering"], MATERIAL, levels))

    def test_one_channel_is_a_gray_field(self):
        given = fields(noise((16, 16)), 2)
        same = {name: field[None] for name, field in given.items()}
        both = [pixels(gallery([Row("noise", each, {})])) for each in (given, same)]
        np.testing.assert_array_equal(*both)

    def test_a_constant_target_has_no_numbers(self):
        flat = {"target": np.ones((3, 16, 16)), "gaussian": noise((3, 16, 16))}
        assert not any("." in each for each in words(gallery([Row("flat", flat, {})])))


class TestProgress:
    @pytest.mark.parametrize("name", TARGETS)
    def test_field_is_painted_by_its_target(self, name):
        target = TARGETS[name]
        field = fields(target, 2)["gaussian"]
        figure = progress(field, np.geomspace(1, 0.1, 10), target=target)
        assert_all_words_inside(figure)
        shown = images(figure)[1]
        np.testing.assert_allclose(shown, painted(field, *Paint.of(target)), atol=1e-12)

    def test_a_field_alone_with_levels(self):
        field = TARGETS["color"]
        figure = progress(field.astype(np.float32), np.ones(3), levels=[(0, 255)])
        (shown,) = images(figure)
        np.testing.assert_allclose(shown, painted(field, (3,), [(0, 255)]), atol=1e-6)

    def test_one_channel_is_a_gray_field(self):
        field = noise((16, 16))
        both = [pixels(progress(each, np.ones(3))) for each in (field, field[None])]
        np.testing.assert_array_equal(*both)
