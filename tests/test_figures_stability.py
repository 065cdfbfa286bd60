"""Figures of windowed scattering: its stability, and its coefficients as disks."""

import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest
from test_figures import assert_all_words_inside, noise, pictures, titled

from synth import morlet_bank, padded_shape, paths, scatter_local
from synth.app.figures import stability, windowed
from synth.transforms.energies import energy_shares
from synth.transforms.stability import Deformations, dilations, smooth_displacement, translations
from synth.transforms.stability import deformations as measured


@pytest.fixture(scope="module")
def bank():
    return morlet_bank((32, 32), num_scales=3, num_angles=4)


@pytest.fixture(scope="module")
def parts(bank):
    """What the figure of stability is drawn of."""
    rng = np.random.default_rng(0)
    banks = [morlet_bank((32, 32), j, 4) for j in (1, 2, 3)]
    fields = rng.standard_normal((6, 32, 32))
    slopes = np.geomspace(0.01, 0.2, 6)
    taus = np.stack([smooth_displacement((32, 32), float(each), rng) for each in slopes])
    (deformed,) = measured(fields, taus, [bank])
    moved = translations(fields[0], banks, [1, 2, 4])
    names = ("white", "a longer name")
    energies = {
        name: energy_shares(x, bank, order)
        for name, x, order in zip(names, fields, (3, 2), strict=False)
    }
    return dilations(bank, [0.3, 0.9, 2.0], 0.05), moved, deformed, energies


class TestStability:
    def test_no_word_is_cut(self, parts):
        packets, moved, deformed, energies = parts
        figure = stability(packets, moved, deformed=deformed, energies=energies)
        assert_all_words_inside(figure)
        assert len(figure.axes) == 6

    def test_many_pictures_have_names_that_fit(self, parts):
        packets, moved, deformed, energies = parts
        many = {f"picture {k}": energies["white"] for k in range(9)}
        assert_all_words_inside(stability(packets, moved, deformed=deformed, energies=many))

    def test_curves_are_what_was_measured(self, parts):
        packets, moved, deformed, energies = parts
        figure = stability(packets, moved, deformed=deformed, energies=energies)
        for title, expected in (
            ("Fourier modulus", packets.moduli),
            ("Scattering", packets.coefficients),
            ("Dilated waves", [packets.fourier, packets.scattering]),
            ("Moved by c pixels", moved.distances.T),
            ("Deformed", [deformed.fourier, deformed.scattering]),
        ):
            lines = titled(figure, title).lines
            for line, values in zip(lines, expected, strict=False):
                np.testing.assert_array_equal(line.get_ydata(), values)

    def test_the_line_bounds_the_distances_of_scattering_and_meets_one(self, parts):
        packets, moved, deformed, energies = parts
        figure = stability(packets, moved, deformed=deformed, energies=energies)
        bound = titled(figure, "Deformed").lines[2]
        (x, _), (y, _) = np.asarray(bound.get_xdata()), np.asarray(bound.get_ydata())
        slack = y / x * deformed.sizes - deformed.scattering
        assert slack.min() == pytest.approx(0, abs=1e-12)

    def test_bars_add_up_to_all_energy(self, parts):
        packets, moved, deformed, energies = parts
        figure = stability(packets, moved, deformed=deformed, energies=energies)
        axes = titled(figure, "Energy per order")
        heights = np.array([[bar.get_height() for bar in bars] for bars in axes.containers])
        np.testing.assert_allclose(heights.sum(0), 1, atol=1e-5)
        np.testing.assert_allclose(heights[:4, 0], energies["white"].orders)
        assert heights[3, 1] == 0  # of order 2
        assert [text.get_text() for text in axes.texts] == [
            f"{100 * each.orders.sum():.1f}" for each in energies.values()
        ]

    def test_sizes_are_slopes_and_shifts_by_two_to_the_scales(self):
        one = np.ones(2)
        found = Deformations(0.1 * one, 4 * one, one, one, num_scales=3)
        np.testing.assert_allclose(found.sizes, 0.6)

    def test_no_energies_are_refused(self, parts):
        packets, moved, deformed, _ = parts
        with pytest.raises(ValueError, match="There are no energies to show: pass the shares"):
            stability(packets, moved, deformed=deformed, energies={})


class TestWindowed:
    @pytest.mark.parametrize("shape", [(32, 32), (40, 64), (64, 24), (16, 16)])
    @pytest.mark.parametrize("max_order", [1, 2, 3])
    def test_no_word_is_cut(self, shape, max_order):
        bank = morlet_bank(padded_shape(shape, 3), 3, 4)
        field = noise(shape)
        maps = scatter_local(jnp.asarray(field, jnp.float32), bank, max_order=max_order)
        for picture in (field, None):
            figure = windowed(maps, bank, picture=picture)
            assert_all_words_inside(figure)
            assert len(pictures(figure)) == min(max_order, 2) + (picture is not None)

    def test_a_sector_has_the_color_of_its_path(self, bank):
        table = paths(bank)
        maps = np.zeros((len(table), 2, 3))
        maps[:, 1, 2] = np.arange(len(table))
        first, second = disks(windowed(maps, bank))
        cell = first.shape[0] // 2
        assert first.shape == (2 * cell, 3 * cell)
        assert np.nanmax(first[:cell]) == 0
        disk = first[cell:, 2 * cell :]
        for row, path in enumerate(table):
            if path.order == 1 and path.scales[0] >= 0:
                assert at(disk, path.angles[0], 0.75 / 2 ** path.scales[0]) == row
                assert at(disk, path.angles[0] + np.pi, 0.75 / 2 ** path.scales[0]) == row
        disk = second[cell:, 2 * cell :]
        shown = set(disk[np.isfinite(disk)])
        assert shown == {row for row, path in enumerate(table) if path.order == 2}

    def test_second_wavelets_stand_about_the_parallel_one_the_finer_outside(self, bank):
        table = paths(bank)
        maps = np.zeros((len(table), 1, 1))
        maps[:, 0, 0] = np.arange(len(table))
        (_, disk) = disks(windowed(maps, bank))
        parallel = at(disk, np.pi / 4, 0.97), at(disk, np.pi / 4, 0.55)
        for row, scale in zip(parallel, (1, 2), strict=True):
            path = table[int(row)]
            assert (path.scales, path.angles) == ((0, scale), (np.pi / 4, np.pi / 4))
        turned = table[int(at(disk, np.pi / 4 + np.pi / 16, 0.97))]
        assert turned.angles == (np.pi / 4, np.pi / 2)

    def test_a_wave_lights_up_its_direction(self):
        bank = morlet_bank((32, 32), 2, 8)
        rows = np.indices((32, 32))[0]
        field = jnp.asarray(np.cos(2 * np.pi * 12 / 32 * rows), jnp.float32)
        (disk, _) = disks(windowed(scatter_local(field, bank)[:, :1, :1], bank))
        brightest = np.argwhere(disk == np.nanmax(disk)) - disk.shape[0] / 2
        assert np.abs(brightest[:, 0]).min() > np.abs(brightest[:, 1]).max()

    def test_on_a_torus_it_is_said_where_disks_begin(self, bank):
        field = noise((32, 32))
        maps = scatter_local(jnp.asarray(field, jnp.float32), bank)
        for picture, said in ((field, True), (None, False)):
            words = windowed(maps, bank, picture=picture).texts[-1].get_text()
            assert ("On the torus" in words.replace("\n", " ")) == said

    def test_the_picture_is_as_large_as_its_disks(self):
        field = noise((24, 40))
        bank = morlet_bank(padded_shape((24, 40), 3), 3, 4)
        figure = windowed(scatter_local(jnp.asarray(field, jnp.float32), bank), bank, picture=field)
        one, other, _ = pictures(figure)
        np.testing.assert_allclose(one.bbox.size, other.bbox.size)
        np.testing.assert_array_equal(one.images[0].get_array(), field)

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((63, 4, 4), r"The maps are \(63, 4, 4\), but the bank has 14, 62, 126 paths up to"),
            ((5, 62, 4, 4), r"The maps are \(5, 62, 4, 4\), but the bank has"),
            ((62,), r"The maps are \(62,\), but the bank has"),
            ((61, 4, 4), r"The maps are \(61, 4, 4\), but the bank has"),
            ((62, 4, 9), r"The maps have 4 × 9 positions, but at most 8 × 8 disks .*::2, ::2\]"),
        ],
    )
    def test_other_arrays_are_refused(self, bank, shape, message):
        with pytest.raises(ValueError, match=message):
            windowed(np.zeros(shape), bank)

    def test_maps_of_zeros_are_drawn(self, bank):
        figure = windowed(np.zeros((len(paths(bank)), 2, 2)), bank)
        assert all(np.nanmax(each) == 0 for each in disks(figure))

    def test_leaves_no_trace_in_the_global_style(self, bank):
        before = dict(mpl.rcParams)
        windowed(np.zeros((len(paths(bank)), 1, 1)), bank)
        assert dict(mpl.rcParams) == before


def disks(figure):
    """What is drawn of both orders, NaN beside the disks."""
    return [axes.images[0].get_array().filled(np.nan) for axes in pictures(figure)[-2:]]


def at(disk, angle, radius):
    """The value of a disk in a direction, rows growing downwards."""
    middle, reach = (len(disk) - 1) / 2, 0.94 * len(disk) / 2
    row, column = (round(middle + reach * radius * part) for part in (np.sin(angle), np.cos(angle)))
    return disk[row, column]
