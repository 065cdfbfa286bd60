"""Foreign colors: pixels of a field with colors that its target does not have."""

import numpy as np
import pytest
from test_metrics_channels import SIDE, color, noise

from synth.metrics import foreign_colors


class TestForeignColors:
    def test_are_those_of_a_patch(self):
        target = color(0)
        field = np.roll(target, 9, 2)
        assert foreign_colors(target, field) == 0
        field[:, :16, :16] = target.max((1, 2))[:, None, None] + 1
        assert foreign_colors(target, field) == 256 / SIDE**2

    def test_are_combinations_that_the_target_does_not_have(self):
        """Channels that are equal in the target; every level alone is there."""
        level = noise(0, (SIDE, SIDE))
        swapped = np.stack([level, np.roll(level, 1, 0)])
        assert foreign_colors(np.stack([level, level]), swapped) > 0.8

    def test_are_counted_on_some_pixels_of_large_fields(self):
        target = color(0, shape=(160, 160))
        field = target.copy()
        field[0, :40] = 99
        assert foreign_colors(target, field) == pytest.approx(0.25, abs=0.01)
        assert foreign_colors(target, field) == foreign_colors(target, field)

    def test_of_independent_noise_are_rare(self):
        assert foreign_colors(noise(0), noise(1)) < 0.004

    def test_are_no_neighbors_of_few_levels(self):
        """Levels in steps of 0.1, the highest only in one channel at a time."""
        target = np.random.default_rng(0).integers(0, 4, (3, 32, 32)) / 10
        assert foreign_colors(target, target + 0.1) == 0
        assert foreign_colors(target, target[::-1] + 1e-12) == 0
        far = np.full(target.shape, 0.3)
        far[:, :8] = 0.5
        assert foreign_colors(target, far) == 0.25

    def test_of_a_constant_channel(self):
        target = np.concatenate([color(0)[:2], np.zeros((1, SIDE, SIDE))])
        field = target.copy()
        field[2, :32] = 5
        assert foreign_colors(target, field) == 0.5

    def test_leave_out_missing_pixels(self):
        target, field = color(0), color(0)
        target[0, :32] = np.nan
        field[:, :16] = 99  # where the target is missing
        field[:, 32:40] = 99
        assert foreign_colors(target, field) == 0.25
        field[1, :32] = np.nan
        assert foreign_colors(target, field) == 0.25

    def test_of_gray_levels(self):
        target = np.linspace(0, 1, 1024).reshape(32, 32)
        field = target.copy()
        field[:8] = 2
        assert foreign_colors(target, field) == foreign_colors(target[None], field) == 0.25
