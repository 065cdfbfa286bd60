"""The display: time left, and a panel that holds what a person asks for."""

import io

import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from synth.display import _panel, _seconds_left
from synth.runs import Options
from synth.statistics import Residual
from synth.synthesis import Progress

OPTIONS = Options("foam", max_steps=1000, tolerance=0.01)


def trace(*looks):
    return [(float(time), count, float(excess)) for time, count, excess in looks]


class TestSecondsLeft:
    def test_nobody_knows_at_the_first_look(self):
        assert _seconds_left(trace((3, 10, 8)), OPTIONS) is None

    def test_a_residual_that_falls_as_a_power(self):
        # Excess 160 / n reaches 1 after 160 evaluations, of which 140 at 10 a second are left.
        assert _seconds_left(trace((0, 10, 16), (1, 20, 8)), OPTIONS) == pytest.approx(14)

    def test_the_step_limit_bounds_it(self):
        assert _seconds_left(trace((0, 10, 8), (1, 20, 7.999)), OPTIONS) == pytest.approx(98)

    def test_a_residual_that_does_not_fall(self):
        assert _seconds_left(trace((0, 10, 8), (1, 20, 9)), OPTIONS) == pytest.approx(98)

    def test_nothing_is_left_at_the_tolerance(self):
        assert _seconds_left(trace((0, 10, 2), (1, 20, 0.9)), OPTIONS) == 0

    def test_a_loss_that_is_not_a_number(self):
        left = _seconds_left(trace((0, 10, 2), (1, 20, np.nan)), OPTIONS)
        assert left == pytest.approx(98)


def test_the_panel_tells_how_far_it_is():
    orders = (jnp.asarray(value) for value in (0.05, 0.001, 0.02, 0.09))
    progress = Progress(120, np.array([2.0, 0.25]), Residual(*orders), jnp.zeros((16, 16)))
    console = Console(file=io.StringIO(), width=100)
    for part in _panel(progress, OPTIONS, 7.2):
        console.print(part)
    words = console.file.getvalue()
    assert "descending: 120 evaluations, loss 0.25, about 7 s left" in words
    assert "all orders 5.00%, order 0 0.10%, order 1 2.00%, order 2 9.00%" in words
