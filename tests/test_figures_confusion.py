"""The figure of a confusion matrix: counts where they belong, errors, and words that fit."""

import numpy as np
import pytest
from matplotlib.text import Text
from test_figures import assert_all_words_inside, titled

from synth.app.figures import confusion

ERRORS = {"scattering": (0.0, 0.0), "power spectrum": (0.02, 0.03), "levels": (0.996, 0.01)}


def matrix(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 3, (count, count)) + np.diag(rng.integers(20, 40, count))


@pytest.mark.parametrize("count", [2, 10, 30, 61])
def test_no_word_is_cut(count):
    names = [f"a class with a rather long name, number {k}" for k in range(count)]
    figure = confusion(matrix(count), names, ERRORS, title="some " * 30, chance=0.9)
    assert_all_words_inside(figure)


def test_colors_are_shares_of_rows_and_numbers_counts():
    counts = np.array([[8, 2, 0], [0, 5, 5], [1, 0, 0]])
    figure = confusion(counts, ["a", "b", "c"], ERRORS, title="three", chance=0.6)
    axes = figure.axes[0]
    (image,) = axes.images
    np.testing.assert_allclose(image.get_array(), [[0.8, 0.2, 0], [0, 0.5, 0.5], [1, 0, 0]])
    written = {(round(t.get_position()[1]), round(t.get_position()[0])): t for t in axes.texts}
    assert {place: int(text.get_text()) for place, text in written.items()} == {
        (0, 0): 8,
        (0, 1): 2,
        (1, 1): 5,
        (1, 2): 5,
        (2, 0): 1,
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]


def test_a_class_without_pictures_has_an_empty_row():
    figure = confusion(np.array([[3, 0], [0, 0]]), ["a", "b"], ERRORS, title="one", chance=0)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array()[1], 0)


def test_dollars_are_no_formula():
    names = ["a$^$", r"b$\frac$", "US$ x$"]
    figure = confusion(matrix(3), names, ERRORS, title="for $5 and $6", chance=0.6)
    assert_all_words_inside(figure)


def test_bars_are_errors():
    figure = confusion(matrix(3), ["a", "b", "c"], ERRORS, title="three", chance=0.6)
    bars = titled(figure, "Wrong pictures")
    widths = [bar.get_width() for bar in bars.patches]
    np.testing.assert_allclose(widths, [0.0, 0.02, 0.996])
    words = {text.get_text() for text in bars.findobj(Text)}
    assert {"0 %", "2 %", "99.6 %"} <= words
    assert set(ERRORS) <= words
