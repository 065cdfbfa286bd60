"""The display: time left, and a panel that holds what a person asks for."""

import io

import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from synth.app import record
from synth.app.clock import Clock
from synth.app.display import Display, _panel, _seconds_left, _words, closing_table, score_table
from synth.app.images import Texture
from synth.app.options import Options
from synth.app.runs import Look, Result
from synth.app.tasks import prepare
from synth.descent import Progress, Schedule
from synth.metrics import compare

USUAL = Schedule(max_steps=1000)


def trace(*looks):
    return [(float(time), count, float(excess)) for time, count, excess in looks]


class TestSecondsLeft:
    def test_nobody_knows_at_the_first_look(self):
        assert _seconds_left(trace((3, 10, 8)), USUAL) is None

    def test_a_residual_that_falls_as_a_power(self):
        # Excess 160 / n reaches 1 after 160 evaluations, of which 140 at 10 a second are left.
        assert _seconds_left(trace((0, 10, 16), (1, 20, 8)), USUAL) == pytest.approx(14)

    def test_the_step_limit_bounds_it(self):
        assert _seconds_left(trace((0, 10, 8), (1, 20, 7.999)), USUAL) == pytest.approx(98)

    def test_a_residual_that_does_not_fall(self):
        assert _seconds_left(trace((0, 10, 8), (1, 20, 9)), USUAL) == pytest.approx(98)

    def test_nothing_is_left_at_the_tolerance(self):
        assert _seconds_left(trace((0, 10, 2), (1, 20, 0.9)), USUAL) == 0

    def test_the_fewest_evaluations_are_waited_for(self):
        within, above = trace((0, 10, 2), (1, 20, 0.9)), trace((0, 10, 16), (1, 20, 8))
        assert _seconds_left(within, Schedule(min_steps=100)) == pytest.approx(8)
        assert _seconds_left(above, Schedule(max_steps=150, min_steps=500)) == pytest.approx(13)

    def test_a_loss_that_is_not_a_number(self):
        left = _seconds_left(trace((0, 10, 2), (1, 20, np.nan)), USUAL)
        assert left == pytest.approx(98)


def words_of(*parts):
    console = Console(file=io.StringIO(), width=100)
    for part in parts:
        console.print(part)
    return console.file.getvalue()


@pytest.mark.parametrize("samples", [1, 3])
def test_the_panel_tells_how_far_the_worst_sample_is(samples):
    losses = tuple(np.array([2.0, 0.25 / (index + 1)]) for index in range(samples - 1))
    losses += (np.geomspace(2.0, 0.5, 120),)
    excess = jnp.linspace(0.01, 0.3, samples) if samples > 1 else jnp.array([0.3])
    residual = {"order1": jnp.ones(samples), "order2": jnp.ones(samples)}
    progress = Progress(losses, residual, excess, jnp.zeros((samples, 16, 16)), Schedule(0.04))
    words = words_of(*_panel(Look("spectra", progress), 7.2))
    assert "spectra, 16 × 16: 120 evaluations, loss 0.5, about 7 s left" in words
    assert "the worst block differs by 0.300 of its noise, goal 0.04" in words


@pytest.mark.parametrize(
    ("periodic", "words"),
    [
        ((True, True), "periodic"),
        ((False, True), "periodic along x"),
        ((True, False), "periodic along y"),
        ((False, False), "not periodic"),
    ],
)
def test_what_was_read_is_said_in_the_end(periodic, words, capsys):
    fields = np.zeros((3, 1, 16, 20), np.float32)
    notes = ("3 pictures of one process.",)
    with Display() as display:
        display.target(Texture("waves", fields, periodic, fields.dtype, "", notes))
    said = capsys.readouterr().err.splitlines()
    assert said == [f"waves: 16 × 20 pixels, {words}.", *notes]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("moments/order2", "moments, order 2"),
        ("moments/order1", "moments, order 1"),
        ("spectra/c11", "spectra, C11"),
        ("gray_levels", "gray levels"),
        ("my_own/power", "my own, power"),
    ],
)
def test_blocks_are_named_in_words(block, words):
    assert _words(block) == words


def test_the_score_table_has_a_row_per_statistic_and_says_what_was_copied(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    x, y, z, one, other = np.random.default_rng(0).normal(size=(5, 32, 32))
    board = compare(x, {"drawn": [one, other], "copied": [np.roll(x, 3, 1), z]}, reals=[y, z])
    score_table(board)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Distance from the target; 1 = as two real fields")
    for name, values in board.scores["drawn"].ratios.items():
        (line,) = (line for line in lines if line.startswith(f"│ {name} "))
        assert f"{values.mean():.2f}" in line
    (overall,) = (line for line in lines if "overall" in line)
    each = board.scores["drawn"].overall
    assert f"{each.mean():.2f} ± {each.std(ddof=1):.2f}" in overall
    (copies,) = (line for line in lines if "copies of the target" in line)
    assert copies.replace("│", " ").split()[-2:] == ["0", "1"]


def test_the_score_table_of_pieces_says_so(capsys):
    x, y = np.random.default_rng(0).normal(size=(2, 32, 32))
    score_table(compare(x, {"drawn": [y]}))
    out = " ".join(capsys.readouterr().out.split())
    assert "1 = as two real pieces" in out
    assert "copies" not in out


@pytest.mark.parametrize(("measured", "said"), [(0.3, "noise over 20%"), (0.123, "noise 12.30%")])
def test_the_closing_table_says_where_the_noise_is_over_its_limit(
    measured, said, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "120")
    numbers = {"skewness": 0.0, "kurtosis": 3.0, "flatness": {"1": 3.0}}
    model = {"residual": {"moments/order1": 0.011}, "spectrum_error_db": 0.5, **numbers}
    report = {
        "noise": {"moments/order1": measured},
        "unit": {"moments/order1": min(measured, 0.2)},
        "target": numbers,
        "models": {"scattering": model},
    }
    monkeypatch.setattr(record, "manifest", lambda _: report)
    fields = np.zeros((1, 1, 16, 16), np.float32)
    texture = Texture("waves", fields, (True, True), fields.dtype, "")
    options = Options("waves")
    layout = prepare(texture, options).layout
    closing_table(Result(texture, None, options, layout, (), {}, {}, {}, {}, {}, None, Clock(), {}))
    (line,) = (
        line
        for line in capsys.readouterr().out.splitlines()
        if "residual, moments, order 1" in line
    )
    assert line.replace("│", " ").split()[4:] == [*said.split(), "1.10%"]
