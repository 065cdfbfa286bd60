"""The benchmarks of speed and of targets: what rows hold, what is counted, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import white

from benchmarks import statistics
from benchmarks.__main__ import Attempts, growth
from benchmarks.command import end_to_end
from benchmarks.floor import TOGETHER, bandwidth, bare, traffic_bytes, transforms
from benchmarks.speed import MODELS, Evaluations, descriptor, figures, num_kernels
from synth import GrayLevels, Joint, fit, morlet_bank

ROOT = Path(__file__).parent.parent
SIZE = 32

PROGRAM = """\
HloModule jit_loss, entry_computation_layout={(f32[8]{0})->f32[8]{0}}

%fused (p: f32[8]) -> f32[8] {
  %p = f32[8]{0} parameter(0)
  %sine.1 = f32[8]{0} sine(%p)
  ROOT %cosine.1 = f32[8]{0} cosine(%sine.1)
}

%commands (p.1: f32[8]) -> f32[8] {
  %p.1 = f32[8]{0} parameter(0)
  %fusion.1 = f32[8]{0} fusion(%p.1), kind=kLoop, calls=%fused
  ROOT %fusion.2 = f32[8]{0} fusion(%fusion.1), kind=kLoop, calls=%fused
}

%small (x.1: f32[8]) -> f32[8] {
  %x.1 = f32[8]{0} parameter(0)
  ROOT %fusion.3 = f32[8]{0} fusion(%x.1), kind=kLoop, calls=%fused
}

%evaluation (x: f32[8]) -> f32[8] {
  %x = f32[8]{0} parameter(0)
  %call.1 = f32[8]{0} call(%x), to_apply=%commands
  %pair = (f32[8]{0}, /*index=1*/s32[]) while(%call.1), condition=%c, body=%small
  %part = f32[8]{0} get-tuple-element(%pair), index=0
  %gemm = (f32[8]{0}, s8[4]{0}) custom-call(%part), custom_call_target="__cublas$gemm"
  %fft-start = ((f32[8]{0}), f32[8]{0}) fusion-start(%part), calls=%fused
  %fft-done = f32[8]{0} fusion-done(%fft-start)
  ROOT %fft.1 = f32[8]{0} fft(%fft-done), fft_type=RFFT, fft_length={8}
}

ENTRY %main (y: f32[8]) -> f32[8] {
  %y = f32[8]{0} parameter(0)
  ROOT %ten = f32[8]{0} while(%y), condition=%c, body=%evaluation
}
"""


def benchmark(*options):
    """Run the benchmark as a user does."""
    command = [sys.executable, "-m", "benchmarks", *map(str, options)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmark") / "speed.json"
    row = ["--size", SIZE, "--model", "scattering4", "--repeats", 1, "--batch", 2, "--devices", 2]
    run = benchmark(*row, "--json", path)
    assert run.returncode == 0, run.stderr
    return run.stdout, json.loads(path.read_text())


def test_a_row_has_its_figures(saved):
    printed, written = saved
    assert written["machine"]["cores"] == os.cpu_count()
    (row,) = written["results"]
    assert "\nscattering4" in printed
    assert (row["model"], row["size"]) == ("scattering4", SIZE)
    assert (row["num_scales"], row["num_angles"], row["devices"]) == (5, 4, 2)
    assert row["num_coefficients"] == 1 + 5 * 4 + 1 + 10 * 4**2
    assert 0 < row["seconds_evaluation"] < 10
    assert 0 < row["seconds_compile"] < 300
    assert 0 < row["temp_memory_mb"] < 100
    assert 100 < row["peak_memory_mb"] < 5000
    assert row["num_kernels"] > 20
    assert row["growth_time"] == row["growth_memory"] == 1


def test_the_ratio_is_that_to_the_floor(saved):
    (row,) = saved[1]["results"]  # one round: medians are the figures themselves
    for name in ("", "_critical"):
        ratio = row["seconds_evaluation"] / row[f"seconds_fft_floor{name}"]
        assert row[f"ratio{name}"] == pytest.approx(ratio)


def test_a_batch_is_of_several_samples(saved):
    (row,) = saved[1]["results"]
    (batch,) = row["batches"]
    assert batch["samples"] == 2
    assert 2 * batch["seconds_per_sample"] == pytest.approx(batch["seconds_evaluation"])
    assert 0 < batch["seconds_per_sample"] < 10


def test_a_row_that_fails_is_left_out(capsys):
    attempt = Attempts()
    assert attempt(divmod, 7, 2) == (3, 1)
    assert not attempt.failed
    assert attempt(divmod, 7, 0) is None
    assert attempt.failed
    assert capsys.readouterr().err.startswith("divmod 7 0 is left out: ZeroDivisionError:")


def test_seconds_are_those_of_one_evaluation_and_ratios_those_of_pairs():
    evaluation, floor = np.array([10.0, 20.0, 60.0]), np.array([10.0, 5.0, 10.0])
    got = figures({"evaluation": evaluation, "fft_floor": floor, "fft_floor_critical": floor / 2})
    assert got == {
        "seconds_evaluation": 2.0,
        "seconds_fft_floor": 1.0,
        "seconds_fft_floor_critical": 0.5,
        "ratio": 4.0,
        "ratio_critical": 8.0,
    }


def test_an_evaluation_is_one_of_a_descent():
    model = fit(descriptor("scattering4", SIZE), white((SIZE, SIZE)))
    start = model.start(key=jax.random.key(0))
    variable, losses = Evaluations(model, start)()
    (loss, _), slope = jax.value_and_grad(type(model).loss, argnums=1, has_aux=True)(model, start)
    assert losses.shape == (TOGETHER,)
    assert float(losses[0]) == pytest.approx(float(loss), rel=1e-5)
    assert (np.diff(losses) < 0).all()
    moved = np.asarray((start - variable).ravel(), float)
    cosine = moved @ slope.ravel() / np.linalg.norm(moved) / np.linalg.norm(slope)
    assert cosine > 0.9


def test_the_floor_of_means_has_an_fft_per_path():
    bank = morlet_bank((SIZE, SIZE), num_angles=4)
    needed = transforms(bank, second_layer=True, critical=True)
    first = [(4, (32 >> j, 32 >> j)) for j in range(5)]
    second = [(16 * k, (32 >> k, 32 >> k)) for k in range(1, 5)]
    assert needed.inverse == first + second
    assert needed.forward == [(1, (32, 32)), *first[:-1]]
    used = transforms(bank, second_layer=True, critical=False)
    assert sum(n * h * w for n, (h, w) in used.inverse) == bank.num_points
    assert traffic_bytes(used) == 4 * 8 * bank.num_points
    complexes, reals = bare(used, num_angles=4)()
    assert [each.shape for each in complexes] == [(count, *grid) for count, grid in used.inverse]
    assert [each.shape for each in reals] == [(count, *grid) for count, grid in used.forward]
    assert all(np.std(each) == pytest.approx(1, abs=0.2) for each in reals)  # there and back


def test_the_floor_of_covariances_has_no_second_layer():
    bank = descriptor("spectra", SIZE).bank
    needed = transforms(bank, second_layer=False, critical=False)
    assert needed.inverse == [(4, band.grid) for band in bank.first]
    assert needed.forward == [(1, (SIZE, SIZE)), *needed.inverse]


def test_models_have_the_angles_that_they_say():
    banks = {name: descriptor(name, SIZE).bank for name in MODELS}
    assert [bank.num_angles for bank in banks.values()] == [8, 4, 4]
    assert list(banks) == ["scattering", "scattering4", "spectra"]


def test_what_runs_is_counted():
    # two fusions of the call, the loop, the library call, the fusion that is waited for, the FFT
    assert num_kernels(PROGRAM) == 6


def test_bandwidth_is_that_of_a_machine():
    assert 1e6 < bandwidth(2**20, repeats=2) < 1e14


def test_growth_is_relative_to_the_smallest_size():
    def row(model, size, seconds, memory):
        figures = {"seconds_evaluation": seconds, "temp_memory_mb": memory}
        return {"model": model, "size": size, **figures}

    rows = [row("a", 256, 1.0, 10.0), row("a", 1024, 40.0, 160.0), row("b", 512, 3.0, None)]
    grown = growth(rows)
    assert [each["growth_time"] for each in grown] == pytest.approx([1, 2, 1])
    assert [each["growth_memory"] for each in grown] == pytest.approx([1, 0.8, None])
    assert growth(grown) == grown


def test_the_command_is_run_cold_and_warm(monkeypatch, tmp_path):
    calls = []

    def run(command, env, **_):
        calls.append((command, env["SYNTH_CACHE_DIR"]))
        seconds = {"total": 5.0, "compile": 2.0, "descend": 1.0 / len(calls)}
        told = {"outcome": "converged", "evaluations": 7, "seconds": seconds}
        (tmp_path / "manifest.json").write_text(json.dumps(told))
        return subprocess.CompletedProcess(command, 3, f"a table\n{tmp_path}\n", "")

    monkeypatch.setattr(subprocess, "run", run)
    got = end_to_end("scattering4", 64, 2)
    (cold, cache), (warm, same) = calls
    assert cold == warm
    assert cache == same
    words = " ".join(cold)
    assert "generate turbulence --size 64 --model scattering --angles 4 --devices 2 --out" in words
    assert (got["evaluations"], got["seconds_descent"]) == (7, 0.5)
    assert got["phases_cold"]["descend"] == 1.0
    assert got["seconds_cold"] > 0


def test_a_command_that_fails_says_why(monkeypatch):
    def run(command, **_):
        return subprocess.CompletedProcess(command, 2, "", "loading\nsynth: no such picture")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(RuntimeError, match="exit code 2: synth: no such picture"):
        end_to_end("spectra", 64)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "fourier"], "There is no model fourier: choose scattering, scattering4"),
        (["--size", "8"], "The size 8 is out of range: choose 16 to 8192."),
        (["--size", "big"], "argument --size: invalid int value: 'big'"),
        (["--devices", "0"], "--devices is 0, and must be 1 or more."),
        (["--repeats", "0"], "--repeats is 0, and must be 1 or more."),
        (["--batch", "0"], "--batch is 0, and must be 1 or more."),
    ],
)
def test_bad_options(options, message, tmp_path):
    run = benchmark(*options, "--json", tmp_path / "speed.json")
    assert run.returncode == 2
    assert message in run.stderr
    assert run.stderr.count("\n") == 1
    assert not any(tmp_path.iterdir())


# What targets are worth


@pytest.fixture
def quick():
    return statistics.Setting(SIZE, quick=True)


@pytest.mark.parametrize("kind", statistics.HOLES)
def test_a_fifth_of_the_pixels_is_missing(kind):
    missing = statistics._missing(kind, (64, 64))
    assert missing.shape == (64, 64)
    assert missing.mean() == pytest.approx(0.2, abs=0.01)


def test_spectra_of_gaussian_fields_are_near_the_truth():
    rows = list(statistics.spectra(statistics.Setting(64)))
    assert [row["spectrum"] for row in rows] == list(statistics.SPECTRA)
    frequencies, ratios = np.array(rows[0]["frequencies"]), np.array(rows[0]["ratios"])
    assert frequencies[-1] == pytest.approx(3, abs=0.2)
    assert (np.diff(frequencies) > 0).all()
    assert ratios[1:] == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("kind", statistics.TAPERS)
def test_a_tapered_spectrum_has_the_power_of_white_noise(kind):
    tapers = statistics.TAPERS[kind]((64, 64))
    fields = [3 * white((64, 64), seed) + 7 for seed in range(20)]
    levels = np.mean([statistics._tapered(field, tapers) for field in fields], axis=0)
    assert levels[2:] == pytest.approx(9, rel=0.15)


def test_a_line_stands_out_of_its_neighbors():
    field = white((64, 64), 0)
    field[:, 40:] += 9
    across = [statistics._line(field, axis, wraps=False) for axis in (0, 1)]
    assert across[0] < 1.5
    assert across[1] > 5
    field[:, :] = np.linspace(0, 3, 64)
    assert statistics._line(field, 1, wraps=False) == pytest.approx(1)
    assert statistics._line(field, 1, wraps=True) == pytest.approx(63)


def test_the_standard_error_of_a_difference_by_hand():
    descriptor = Joint({"gray_levels": GrayLevels((8, 8))})

    def levels(spread, count):  # constant fields: the distance is that of their values
        values = spread * np.random.default_rng(count).standard_normal(count)
        return {"gray_levels": jnp.asarray(np.repeat(values[:, None], 64, 1), jnp.float32)}, values

    (one, a), (other, b) = levels(0.3, 16), levels(0.1, 24)
    truth = {"gray_levels": jnp.asarray(np.linspace(-1, 1, 64), jnp.float32)}
    got = statistics._standard_error(descriptor, [one, other], truth)["gray_levels"]
    unit = float(descriptor.residual(jax.tree.map(lambda x: x + 1, truth), truth)["gray_levels"])
    assert got == pytest.approx(unit * np.sqrt(a.var(ddof=1) / 16 + b.var(ddof=1) / 24), rel=1e-3)


def test_the_residual_that_is_reported_is_timed(quick):
    rows = {row["model"]: row for row in statistics.judge(quick)}
    assert list(rows) == ["scattering", "full"]
    assert rows["full"]["bytes_of_bank"] > rows["scattering"]["bytes_of_bank"] > 256**2
    assert all(0 < row["seconds"] < 10 for row in rows.values())
    assert {(row["size"], row["size_of_bank"]) for row in rows.values()} == {(64, 256)}


def test_parts_are_printed_and_kept(monkeypatch, tmp_path, capsys):
    path = tmp_path / "statistics.json"
    monkeypatch.setattr(
        sys, "argv", ["", "spectra", "--quick", "--size", "32", "--json", str(path)]
    )
    statistics.main()
    results = json.loads(path.read_text())["results"]
    assert [row["part"] for row in results] == ["spectra"] * 3
    assert capsys.readouterr().out.count("part spectra") == 3
    monkeypatch.setattr(sys, "argv", ["", "weather", "--json", str(path)])
    with pytest.raises(SystemExit):
        statistics.main()
    assert "There is no part weather: choose spectra, gaussians" in capsys.readouterr().err
