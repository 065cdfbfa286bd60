"""The spectrum and the missing pixels of a picture (``synth.transforms.estimate``)."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synth.transforms.estimate import complete, completions, estimate_spectrum
from synth.transforms.fourier import half_octaves, radial_average


def smooth(shape, seed, width=0.7):
    return gaussian_filter(np.random.default_rng(seed).normal(size=shape), width, mode="wrap")


def scattered(shape, seed, share=0.2):
    """A mask by the generator that fields are often drawn from, too."""
    values = np.random.default_rng(seed).normal(size=shape)
    return values < np.quantile(values, share)


@pytest.mark.parametrize("periodic", [True, (False, True), False])
def test_draws_agree_where_pixels_are_known(periodic):
    field = 7 + 3 * smooth((48, 60), 0, 2.0)
    missing = np.zeros(field.shape, bool)
    missing[10:30, 20:45] = True
    drawn = completions(np.where(missing, np.nan, field), periodic=periodic)
    assert drawn.shape == (4, 48, 60)
    assert np.array_equal(drawn[:, ~missing], np.broadcast_to(field[~missing], (4, 2380)))
    assert np.isfinite(drawn).all()
    inside = drawn[:, 18:22, 30:35]  # far from all that is known
    assert np.ptp(inside, axis=0).min() > 0
    assert drawn.std() == pytest.approx(field.std(), rel=0.25)


def test_the_first_draw_is_the_completed_field():
    holes = np.where(scattered((40, 40), 1), np.nan, smooth((40, 40), 2))
    assert np.array_equal(complete(holes), completions(holes)[0])
    assert np.array_equal(completions(holes), completions(holes.copy()))


def test_a_whole_field_is_its_own_only_completion():
    field = smooth((16, 24), 3)
    assert np.array_equal(completions(field), field[None])


def test_what_is_drawn_does_not_change_what_is_kept():
    holes = np.where(scattered((32, 32), 4), np.nan, smooth((32, 32), 4))
    first = completions(holes)
    wanted = first.copy()
    first[:] = 0
    assert np.array_equal(completions(holes), wanted)


def test_small_holes_in_a_smooth_field_are_found_again():
    field = smooth((96, 96), 5, 2.0)
    missing = scattered((96, 96), 6, 0.1)
    error = (complete(np.where(missing, np.nan, field)) - field)[missing]
    assert error.std() < 0.05 * field.std()


@pytest.mark.parametrize("seed", range(4))
def test_holes_of_any_seed_leave_the_spectrum(seed):
    """Holes are cut from noise of the seeds that come to mind: the draws' own is another."""
    field, shape = smooth((96, 96), seed + 9), (96, 96)
    holes = np.where(scattered(shape, seed), np.nan, field)
    levels = [
        10 * np.log10(radial_average(estimate_spectrum(each), half_octaves(shape))[1])
        for each in (field, holes)
    ]
    np.testing.assert_allclose(levels[1][-6:], levels[0][-6:], atol=0.5)


@pytest.mark.parametrize("periodic", [True, False])
def test_a_constant_field_is_completed_by_itself(periodic):
    holes = np.where(scattered((24, 24), 0), np.nan, 3.0)
    assert np.array_equal(completions(holes, periodic=periodic)[0], np.full((24, 24), 3.0))
    assert not estimate_spectrum(holes, periodic=periodic).any()


def test_one_known_pixel_says_nothing():
    holes = np.full((16, 16), np.nan)
    holes[3, 4] = 2.0
    assert np.array_equal(complete(holes), np.full((16, 16), 2.0))


def test_fields_with_the_same_hole_are_drawn_independently():
    hole = np.arange(64) < 32
    fields = [complete(np.where(hole, np.nan, smooth((64, 64), seed, 0.01))) for seed in (1, 2)]
    assert abs(np.corrcoef(fields[0][:, :32].ravel(), fields[1][:, :32].ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("width", [0.7, 4.0])
def test_draws_differ_in_a_wide_strip(width):
    """Coarse waves are drawn, too: conjugate gradients do not end before."""
    field = smooth((96, 96), 7, width)
    strip = np.abs(np.arange(96) - 40) < 12
    drawn = completions(np.where(strip, np.nan, field))
    assert drawn[:, :, 38:43].std(0).mean() > 0.4 * field.std()
