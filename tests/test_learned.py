"""A judge that learns: what it tells apart and what not, its interval, and the command."""

import json
import re
from pathlib import Path

import imageio.v3 as iio
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from benchmarks import learned as benchmark
from synth.app import figures, trials
from synth.errors import InputError
from synth.metrics import learned
from synth.metrics._area import area
from synth.metrics._network import Network, plans
from synth.metrics.learned import Settings, Told, halves, pairs, tell_apart

QUICK = Settings(steps=60, scored=32)
KEY = jax.random.key(0)


def white(seed, shape=(8, 1, 40, 40)):
    return np.random.default_rng(seed).standard_normal(shape)


def smooth(seed, shape=(8, 1, 40, 40)):
    """Fields of variance 1 with half a pixel of blur."""
    return gaussian_filter(white(seed, shape), (0, 0, 0.5, 0.5), mode="wrap") / 0.66


def told(patch, auc, reach=0.02):
    scores = np.zeros((1, 4, 2))
    return Told(patch, auc, auc - reach, auc + reach, scores, scores)


class TestTellApart:
    def test_white_noise_from_a_smooth_field(self):
        found = tell_apart(white(0), smooth(1), key=KEY, patch=12, settings=QUICK)
        assert found.auc > 0.95
        assert found.differs
        assert found.real.shape == found.made.shape == (1, 8, 32)

    @pytest.mark.parametrize("seed", range(3))
    def test_two_halves_of_one_process_are_not_told_apart(self, seed):
        row = halves(smooth(10 + seed, (16, 1, 40, 40)))
        found = tell_apart(row.real, row.made, key=jax.random.key(seed), patch=12, settings=QUICK)
        assert found.low <= 0.5 <= found.high
        assert not found.differs

    def test_levels_are_those_of_the_real_fields(self):
        """A unit for all changes nothing; a level of one kind alone is told."""
        real, made = white(0), white(1)
        plain = tell_apart(real, made, key=KEY, patch=12, settings=QUICK)
        scaled = tell_apart(1e4 + 7 * real, 1e4 + 7 * made, key=KEY, patch=12, settings=QUICK)
        assert scaled.auc == pytest.approx(plain.auc, abs=0.03)
        assert tell_apart(real, made + 1, key=KEY, patch=12, settings=QUICK).auc > 0.95

    def test_what_is_drawn_is_as_much_of_both_kinds(self):
        """Of three fields more of one kind nothing is seen."""
        real, made = white(0), smooth(1)
        more = np.concatenate([made, 100 + white(2)[:3]])
        first = tell_apart(real, made, key=KEY, patch=12, settings=QUICK)
        second = tell_apart(real, more, key=KEY, patch=12, settings=QUICK)
        np.testing.assert_array_equal(first.made, second.made)

    def test_directions_are_seen(self):
        stripes = gaussian_filter(white(0), (0, 0, 0, 1), mode="wrap")
        turned = np.swapaxes(gaussian_filter(white(1), (0, 0, 0, 1), mode="wrap"), 2, 3)
        assert tell_apart(stripes, turned, key=KEY, patch=12, settings=QUICK).auc > 0.95

    def test_three_channels_borders_seeds_and_another_number(self):
        """Only how channels go together differs; 5 fields make folds of two sizes."""
        real, made = white(0, (5, 3, 30, 40)), white(1, (6, 3, 40, 30))
        made[:, 2] = 0.8 * made[:, 0] + 0.6 * made[:, 2]
        settings = Settings(steps=60, scored=8, seeds=2)
        found = tell_apart(real, made, key=KEY, patch=12, periodic=(False, True), settings=settings)
        assert found.real.shape == (2, 5, 8)
        assert found.auc > 0.8
        assert np.isfinite(found.real).all()

    def test_a_second_pair_compiles_nothing(self, compiled):
        tell_apart(white(0), smooth(1), key=KEY, patch=12, settings=QUICK)
        compiled.clear()
        tell_apart(white(2), smooth(3), key=jax.random.key(1), patch=12, settings=QUICK)
        assert "scores" not in compiled


BAD = {
    "few": (white(0)[:3], white(1), 12, {}, "3 real fields were given, and the network needs 4"),
    "few made": (white(0), white(1)[:1], 12, {}, "1 made field was given, .* give more"),
    "patch": (white(0), white(1), 24, {}, "40 × 40 .* patches of 24 .* at most 20 pixels"),
    "small": (white(0), white(1), 4, {}, "Patches of 4 pixels are too small: give 8 or more"),
    "too many": (
        white(0, (8, 9, 40, 40)),
        white(1),
        12,
        {},
        r"shape \(8, 9, 40, 40\): give number × channels × height × width, with 1 to 8",
    ),
    "channels": (
        white(0),
        white(1, (8, 2, 40, 40)),
        12,
        {},
        "have 1 channels and the made ones 2: give fields of the same",
    ),
    "missing": (white(0), white(1) * np.nan, 12, {}, "made fields hold 12800 values .* finite"),
    "constant": (0 * white(0), white(1), 12, {}, "real fields are constant: give ones with"),
    "folds": (white(0), white(1), 12, {"folds": 1}, "folds is 1: give 2 or more"),
    "steps": (white(0), white(1), 12, {"steps": 0}, "steps is 0: give 1 or more"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_fields_are_refused_in_a_sentence(case):
    real, made, patch, settings, message = BAD[case]
    with pytest.raises(InputError, match=message):
        tell_apart(real, made, key=KEY, patch=patch, settings=Settings(**settings))


def test_a_training_that_diverges_is_no_result():
    settings = Settings(steps=2, scored=2, rate=np.inf)
    with pytest.raises(InputError, match="not finite: give a lower rate than inf"):
        tell_apart(white(0), white(1), key=KEY, patch=8, settings=settings)


class TestNetwork:
    @pytest.mark.parametrize("patch", [8, 16, 24, 32, 48, 64])
    def test_layers_end_where_no_kernel_fits(self, patch):
        side = patch
        for plan in plans(patch, 3):
            side = (side - 3) // plan.stride + 1
        assert 1 <= side < 3

    def test_a_layer_is_a_convolution(self):
        layer = Network.random(16, 2, key=KEY).layers[1]
        maps = jnp.asarray(white(0, (9, 11, 16)), jnp.float32)
        kernel = np.asarray(layer.weight).reshape(3, 3, 16, -1)
        seen = jax.lax.conv_general_dilated(
            maps[None], kernel, (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )[0]
        size = np.sqrt(np.mean(seen**2, -1, keepdims=True) + 1e-3)
        np.testing.assert_allclose(layer(maps), jax.nn.gelu(seen / size), atol=1e-5)


class TestArea:
    def simulated(self, seed, shift, spread):
        """Scores of 8 fields a kind in 4 folds: normal, with an effect of the field."""
        rng = np.random.default_rng(seed)
        both = rng.normal(size=(2, 1, 8, 64)) + spread * rng.normal(size=(2, 1, 8, 1))
        return area(both[0], both[1] + shift, np.arange(8)[None] % 4)

    @pytest.mark.parametrize(("shift", "spread"), [(0.0, 0.3), (1.0, 0.3), (0.5, 1.0)])
    def test_intervals_contain_the_closed_form(self, shift, spread):
        """Of normal scores of variance v whose means are d apart the area is Φ(d / √(2 v))."""
        truth = norm.cdf(shift / np.sqrt(2 * (1 + spread**2)))
        every = [self.simulated(seed, shift, spread) for seed in range(300)]
        assert np.mean([one.auc for one in every]) == pytest.approx(truth, abs=0.01)
        assert 0.93 < np.mean([one.low <= truth <= one.high for one in every]) <= 1

    def test_intervals_are_those_of_fields_not_of_patches(self):
        widths = [
            np.mean([one.high - one.low for one in (self.simulated(s, 0.5, e) for s in range(50))])
            for e in (0.0, 1.0)
        ]
        assert widths[1] > 4 * widths[0]

    def test_ends(self):
        real = np.zeros((1, 4, 3))
        assert area(real, real + 1, np.arange(4)[None]) == (1, 1, 1)
        assert area(real, real, np.arange(4)[None]) == (0.5, 0.5, 0.5)

    def test_scores_of_other_folds_do_not_count(self):
        """Every network has a level of its own."""
        level = 100.0 * np.arange(4)[None, :, None]
        real, made = white(0, (1, 4, 50)), white(1, (1, 4, 50)) + 0.5
        folds = np.arange(4)[None]
        assert area(real, made, folds) == area(real + level, made + level, folds)


class TestPairs:
    fields = np.arange(8 * 64, dtype=float).reshape(8, 1, 8, 8)

    def test_enough_fields_stay_whole(self):
        row = pairs(self.fields[:5], self.fields)
        assert not row.cut
        np.testing.assert_array_equal(row.made, self.fields[:5])

    def test_a_single_picture_and_samples_are_cut_alike(self):
        row = pairs(self.fields[:1], self.fields)
        assert row.cut
        assert row.real.shape == row.made.shape == (4, 1, 4, 4)
        assert row.real[:, 0, 0, 0].tolist() == [0, 4, 32, 36]
        assert (row.made[:, 0, 0, 0] // 64).tolist() == [0, 2, 5, 7]

    @pytest.mark.parametrize(("count", "cut"), [(1, True), (2, True), (7, True), (8, False)])
    def test_halves_share_no_pixel_and_are_of_all_pictures(self, count, cut):
        row = halves(self.fields[:count])
        assert row.cut == cut
        assert len(row.real) == len(row.made) >= 4
        assert not set(row.real.ravel()) & set(row.made.ravel())
        if cut:
            for side in (row.real, row.made):
                assert {int(value) // 64 for value in side.ravel()} == set(range(count))


class TestVerdicts:
    def test_say_up_to_where_and_from_where(self):
        rows = {
            trials.CONTROL: {16: told(16, 0.5), 32: told(32, 0.5)},
            "full": {16: told(16, 0.51), 32: told(32, 0.94)},
            "gaussian": {16: told(16, 0.99), 32: told(32, 1.0)},
            "good": {16: told(16, 0.5), 32: told(32, 0.5)},
            "odd": {16: told(16, 0.6), 32: told(32, 0.51)},
        }
        assert trials.verdicts(trials.Trials(rows, cut=False)) == [
            "full: not told from real up to 16 px, the network tells from 32 px on, with "
            "an AUC of 0.94.",
            "gaussian: the network tells from 16 px on, with an AUC of 0.99.",
            "good: not told from real up to 32 px.",
            "odd: the network tells at 16 px, with an AUC of 0.60.",
        ]

    def test_a_control_that_fails_and_pieces_are_said(self):
        rows = {trials.CONTROL: {16: told(16, 0.6)}, "full": {16: told(16, 0.9)}}
        _, beware, caution = trials.verdicts(trials.Trials(rows, cut=True))
        assert beware.startswith("Beware: at 16 px the network tells real from real")
        assert "may be too high" in caution

    def test_the_figure_has_a_line_per_row(self):
        rows = {trials.CONTROL: {16: told(16, 0.5)}, "full": {16: told(16, 0.6), 32: told(32, 0.9)}}
        figure = figures.areas(rows, control=trials.CONTROL, title="turbulence")
        axes = figure.axes[0]
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert labels == ["real against real", "full"]
        assert list(axes.xaxis.get_major_locator().locs) == [16, 32]

    def test_the_figure_holds_every_interval(self):
        low = told(16, 0.3)._replace(low=0.1)
        rows = {trials.CONTROL: {16: told(16, 0.5)}, "near": {16: low}}
        for order in (rows, dict(reversed(rows.items()))):
            figure = figures.areas(order, control=trials.CONTROL, title="turbulence")
            assert figure.axes[0].get_ylim()[0] < 0.1

    def test_a_model_may_be_called_real(self):
        fields = list(white(0))
        trial = trials.prepare(fields, {"real": fields}, periodic=(True, True), patches=(8,))
        assert set(trial.rows) == {trials.CONTROL, "real"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Small pictures: a target, another real one, a smooth model."""
    draw = {
        "target": white(0),
        "other": white(1),
        "soft": 3 * gaussian_filter(white(2), (0, 0, 1, 1), mode="wrap"),
    }
    for name, fields in draw.items():
        picture = np.clip(128 + 40 * fields[0, 0], 0, 255).astype(np.uint8)
        iio.imwrite(tmp_path / f"{name}.png", picture)
    np.save(tmp_path / "holed.npy", np.where(white(0)[0, 0] > 2, np.nan, white(0)[0, 0]))
    np.save(tmp_path / "whole.npy", white(4)[0, 0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trials, "Settings", lambda: QUICK)
    return tmp_path


class TestCommand:
    def test_the_table_the_verdict_the_picture_and_the_numbers(self, folder, synth):
        asked = ("--learned", "--patch", "8", "--periodic", "none", "--real", "other.png")
        code, out, err = synth("compare", "target.png", "soft.png", *asked)
        assert code == 0
        made = Path(out.splitlines()[-1])
        names = {"scoreboard.png", "scores.json", "learned.png", "learned.json"}
        assert {path.name for path in made.iterdir()} == names
        report = json.loads((made / "learned.json").read_text(encoding="utf-8"))
        (soft,) = report["models"]["soft"]
        (control,) = report["control"]
        assert report["pieces"]
        assert soft["patch"] == control["patch"] == 8
        assert soft["auc"] > 0.9
        assert control["low"] <= 0.5 <= control["high"]
        words = " ".join(out.split())
        assert re.search(r"real, the control │ 0\.\d\d \(0\.\d\d–\d\.\d\d\)", words)
        assert "soft: the network tells from 8 px on, with an AUC of" in words
        assert "an AUC may be too high" in words
        assert "1: these statistics cannot tell" in words

    BAD = {
        "patch": (("target.png", "soft.png", "--patch", "32", "--learned"), "--patch 8 to 10"),
        "default": (("target.png", "soft.png", "--learned"), "quadrants of pictures of 40 × 40"),
        "alone": (("target.png", "soft.png", "--patch", "8"), "give --learned, too"),
        "holes": (("holed.npy", "whole.npy", "--learned"), "the real ones misses pixels"),
        "tiny": (("target.png", "soft.png", "--patch", "4", "--learned"), "of 4 pixels are too sm"),
    }  # fmt: skip

    @pytest.mark.parametrize("case", BAD)
    def test_bad_input_ends_in_one_sentence_and_nothing_is_written(self, case, folder, synth):
        arguments, message = self.BAD[case]
        before = sorted(folder.iterdir())
        code, out, err = synth("compare", *arguments)
        assert (code, out) == (2, "")
        assert re.fullmatch(rf"synth: [^\n]*{message}[^\n]*\n", err)
        assert sorted(folder.iterdir()) == before


def test_the_benchmark_measures_models_and_control(tmp_path, monkeypatch, capsys):
    small = {"size": 32, "fields": 4, "seeds": 1, "trials": 2, "steps": 5, "patch": 8}
    arguments = ["cascade", *(word for k, v in small.items() for word in (f"--{k}", str(v)))]
    path = tmp_path / "learned.json"
    asked = ["learned", *arguments, "--model", "gaussian", "--json", str(path)]
    monkeypatch.setattr("sys.argv", asked)
    benchmark.main()
    gaussian, control = json.loads(path.read_text(encoding="utf-8"))["results"]
    assert (gaussian["model"], gaussian["patch"]) == ("gaussian", 8)
    assert control["trials"] == 2
    assert 0 <= control["contain_half"] <= 2
    lines = path.with_suffix(".md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "| process | model | 8 px |"
    assert lines[3].startswith("| cascade | real | 0.")
    assert "cascade" in capsys.readouterr().out


def test_settings_take_fewer_patches_where_they_are_large():
    assert [Settings().batch(patch) for patch in (*learned.PATCHES, 128)] == [64, 32, 12, 12]
