"""Filter banks: closed form, Littlewood–Paley sums, laws of every bank."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth import EXACT, littlewood_paley, max_scales, morlet_bank
from synth.errors import InputError
from synth.transforms.wavelets import Patch, cut, sum_on

SHAPES = [(32, 32), (40, 24), (27, 33)]


def full_filters(bank):
    exact = morlet_bank(
        bank.shape, bank.num_scales, bank.num_angles, tight=bank.tight, oversampling=EXACT
    )
    return np.stack([np.fft.ifftshift(band.filters, axes=(1, 2)) for band in exact.first])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("num_angles", [2, 4, 8])
@pytest.mark.parametrize("tight", [True, False])
def test_filters_equal_their_definition(shape, num_angles, tight):
    bank = morlet_bank(shape, 3, num_angles, tight=tight)
    wavelets, lowpass, residual = oracles.bank(shape, 3, num_angles, tight)
    assert np.abs(full_filters(bank) - wavelets).max() < 1e-6
    exact = morlet_bank(shape, 3, num_angles, tight=tight, oversampling=EXACT)
    assert np.abs(np.fft.ifftshift(exact.lowpass.filters[0]) - lowpass).max() < 1e-6
    if tight:
        # Where the sum comes within rounding of 1 the root magnifies that rounding.
        assert np.abs(np.fft.ifftshift(exact.residual.filters[0]) - residual).max() < 1e-4
    else:
        assert exact.residual is None


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    height=st.integers(16, 70),
    width=st.integers(16, 70),
    num_angles=st.integers(1, 9),
    tight=st.booleans(),
    data=st.data(),
)
def test_laws_of_every_bank(height, width, num_angles, tight, data):
    shape = (height, width)
    num_scales = data.draw(st.integers(1, max_scales(shape)))
    bank = morlet_bank(shape, num_scales, num_angles, tight=tight)
    total = littlewood_paley(bank)
    if tight:
        assert np.abs(total - 1).max() < 1e-6
    else:
        assert total.min() >= 0
    wavelets = full_filters(bank)
    assert np.abs(wavelets[..., 0, 0]).max() < 1e-6  # zero mean
    for band in (*bank.first, *bank.second, bank.lowpass):
        assert jnp.isrealobj(band.filters)
        for start, size, side in zip(band.starts.T, band.grid, shape, strict=True):
            assert int(start.min()) >= -(side // 2)
            assert int(start.max()) + size <= side - side // 2


@pytest.mark.parametrize("shape", [(256, 256), (200, 300), (97, 131), (512, 512)])
def test_the_default_bank_is_tight_on_the_whole_square(shape):
    assert np.abs(littlewood_paley(morlet_bank(shape)) - 1).max() < 1e-6


def test_the_plain_morlet_bank_misses_the_corners():
    total = littlewood_paley(morlet_bank((64, 64), tight=False))
    assert total.min() < 0.15
    assert 1 < total.max() < 1.1


def test_rotating_the_square_by_a_quarter_turn_rolls_the_angles():
    wavelets = full_filters(morlet_bank((32, 32), 4, 8))
    turned = wavelets.transpose(0, 1, 3, 2)  # angle a becomes π/2 − a
    expected = wavelets[:, [4, 3, 2, 1, 0]]
    assert np.abs(turned[:, :5] - expected).max() < 1e-6


def test_the_littlewood_paley_sum_is_that_of_the_filters_in_use():
    bank = morlet_bank((32, 32))
    louder = eqx.tree_at(lambda b: b.first[0].filters, bank, 2 * bank.first[0].filters)
    assert littlewood_paley(louder).max() > 2


def test_negative_oversampling_is_refused():
    with pytest.raises(InputError, match="The oversampling -2 is less than -1, the least"):
        morlet_bank((32, 32), oversampling=-2)


def test_windows_are_stored_at_the_precision_asked_for():
    assert morlet_bank((32, 32), dtype=jnp.bfloat16).first[0].filters.dtype == jnp.bfloat16


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((64, 64), 7), "7 scales do not fit a picture of 64 × 64 pixels: choose 1 to 6"),
        (((64, 64), 0), "0 scales do not fit"),
        (((16, 300), 5), "choose 1 to 4"),
        (((64, 64), 3, 0), "0 angles were asked for: choose 1 to 64; 8 is usual"),
        (((64, 64), 3, 65), "65 angles were asked for: choose 1 to 64"),
    ],
)
def test_bad_sizes_are_refused_in_a_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        morlet_bank(*arguments)


@pytest.mark.parametrize("corner", [(0, 0), (2, 3), (4, 1), (9, 9), (0, 9)])
@pytest.mark.parametrize("window", [(3, 4), (12, 12), (1, 1)])
def test_a_window_is_cut_out_of_a_patch_wherever_it_lies(corner, window):
    patch = Patch(np.arange(1.0, 13.0).reshape(3, 4), (3, 2))
    whole = sum_on((24, 24), [patch, Patch(np.zeros((1, 1)), (0, 0))])
    assert whole.sum() == patch.values.sum()
    (row, column), (height, width) = corner, window
    expected = whole[row : row + height, column : column + width]
    np.testing.assert_array_equal(cut(patch, corner, window), expected)
