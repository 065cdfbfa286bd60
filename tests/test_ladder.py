"""Several models and several samples in one run: order, files, numbers, scores."""

import json
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest
from fields import white

from synth.app.fitted import _fit
from synth.app.options import LADDER, Options
from synth.app.record import manifest, write
from synth.app.runs import _score, generate, read
from synth.descent import Outcome, drain
from synth.errors import InputError
from synth.metrics import STATISTICS, copying
from synth.models import fit
from synth.statistics import MODELS, joint

SEED = 3
SMALL = {"size": 32, "scales": 2, "angles": 2, "max_steps": 25, "tolerance": 1e-6}
# The sizes of tests/test_null.py: what is compiled for one serves the other.
SIZES = {"size": 64, "scales": 3, "angles": 4, "max_steps": 25, "tolerance": 1e-6}
OPTIONS = Options("foam", models=("full", "scattering", "spectra"), samples=2, seed=SEED, **SIZES)
ORDER2, C01 = "moments/order2", "spectra/c01"
ORDER2_SIZE = 3 * 4 * 4  # pairs of scales and angles
MOST_NOISE = {"moments/order1": 0.2, ORDER2: 0.2}
NAMES = ["gaussian", "scattering", "spectra", "full"]


def run(options):
    looks = []
    return looks, drain(generate(read(options), options), looks.append)


@pytest.fixture(scope="module")
def made():
    return run(OPTIONS)


@pytest.fixture(scope="module")
def result(made):
    return made[1]


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    return write(result, tmp_path_factory.mktemp("outputs"))


@pytest.fixture(scope="module")
def report(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def arrays(folder):
    with np.load(folder / "fields.npz") as file:
        return dict(file)


def test_the_ladder_rises():
    rungs = "gaussian scattering1 scattering spectra full full+rectified rectified"
    assert " ".join(LADDER) == " ".join(["gaussian", *MODELS]) == rungs


class TestOrder:
    def test_descents_are_seen_one_after_the_other(self, made):
        looks, _ = made
        assert [look.model for look in looks] == [name for name in NAMES[1:] for _ in range(3)]
        assert all(look.progress.field.shape == (2, 64, 64) for look in looks)

    def test_of_models_is_that_of_the_ladder(self, result, report):
        assert list(result.candidates) == list(report["models"]) == NAMES
        assert list(result.descents) == NAMES[1:]
        assert list(report["scores"]["models"]) == NAMES
        assert report["options"]["models"] == ["full", "scattering", "spectra"]  # as asked for


class TestFiles:
    def test_a_picture_per_sample(self, folder, result):
        drawn = {f"{name}-{number}.png" for name in NAMES for number in (1, 2)}
        rest = {"target.png", "comparison.png", "scoreboard.png", "fields.npz", "manifest.json"}
        assert {path.name for path in folder.iterdir()} == drawn | rest
        for name in NAMES:
            for number, candidate in enumerate(result.candidates[name], start=1):
                picture = iio.imread(folder / f"{name}-{number}.png")
                wanted = np.clip(candidate.field[0].astype(float), 0, 65535)
                np.testing.assert_allclose(picture, wanted, atol=0.51)

    def test_arrays_are_stacked(self, arrays, result):
        assert arrays["target"].shape == (1, 64, 64)
        parts = {f"{part}_{name}" for part in ("moments", "spectra") for name in (*NAMES, "target")}
        assert set(arrays) == {"target", *NAMES} | parts
        for name in NAMES:
            wanted = [candidate.field for candidate in result.candidates[name]]
            np.testing.assert_array_equal(arrays[name], wanted)
            for part in ("moments", "spectra"):
                assert arrays[f"{part}_{name}"].shape == (2, arrays[f"{part}_target"].size)

    def test_residuals_are_those_of_the_moments_in_the_file(self, arrays, report):
        target = arrays["moments_target"]
        for name in NAMES:
            for one, moments in zip(
                report["models"][name]["samples"], arrays[f"moments_{name}"], strict=True
            ):
                order2 = slice(-ORDER2_SIZE, None)
                difference = np.linalg.norm(moments[order2] - target[order2])
                distance = difference / np.linalg.norm(target[order2])
                assert one["residual"][ORDER2] == pytest.approx(distance, rel=0.01)


class TestNumbers:
    def test_every_candidate_is_measured_by_all_blocks(self, report):
        blocks = {f"moments/{name}" for name in ("order1", "order2")}
        blocks |= {f"spectra/{name}" for name in ("power", "modulus", "c01", "c11")}
        blocks |= {"gray_levels"}
        assert set(report["noise"]) == set(report["unit"]) == blocks
        for name, noise in report["noise"].items():
            assert report["unit"][name] == pytest.approx(min(noise, MOST_NOISE.get(name, np.inf)))
        for one in report["models"].values():
            assert set(one["residual"]) == blocks

    def test_samples_have_their_seeds_and_the_first_stands_for_the_model(self, report):
        for name, one in report["models"].items():
            assert [sample["seed"] for sample in one["samples"]] == [SEED, SEED + 1]
            first = {key: value for key, value in one["samples"][0].items() if key != "seed"}
            of_all = ("samples", "spread")
            assert first == {key: value for key, value in one.items() if key not in of_all}
            assert set(one["spread"]) == set(one["residual"])
            assert ("excess" in one) == (name != "gaussian")
            assert one["samples"][0]["kurtosis"] != one["samples"][1]["kurtosis"]

    def test_what_a_model_keeps_it_matches_better_than_those_before(self, report):
        residuals = {name: one["residual"] for name, one in report["models"].items()}
        assert residuals["scattering"][ORDER2] < 0.3 * residuals["gaussian"][ORDER2]
        assert residuals["spectra"][C01] < 0.3 * residuals["scattering"][C01]
        assert residuals["full"][C01] < 0.3 * residuals["scattering"][C01]

    def test_the_verdict_has_a_sentence_per_model(self, report, result):
        assert report["outcome"] == "step limit"
        assert result.outcome is Outcome.STEP_LIMIT
        for name in NAMES[1:]:
            assert (
                f"{name}: 2 of 2 samples did not converge. Ended at the step limit after 25"
                in report["verdict"]
            )

    def test_gray_levels_keep_the_range_of_the_target(self, arrays):
        low, high = arrays["target"].min(), arrays["target"].max()
        assert low <= arrays["full"].min() <= arrays["full"].max() <= high
        assert arrays["gaussian"].min() < low or arrays["gaussian"].max() > high


class TestScores:
    def test_every_sample_is_scored(self, report):
        scores = report["scores"]
        assert scores["pieces"]
        assert set(scores["floor"]) <= set(STATISTICS)
        assert all(low <= 1 <= high for low, high in scores["real_against_real"].values())
        for one in scores["models"].values():
            assert len(one["overall"]) == len(one["copying"]) == 2
            assert set(one["ratios"]) == set(one["distances"]) == set(scores["floor"])
            for name, ratios in one["ratios"].items():
                wanted = np.array(one["distances"][name]) / scores["floor"][name]
                np.testing.assert_allclose(ratios, wanted)

    def test_copying_is_told(self, report, result):
        target = result.texture.field[0]
        for name in NAMES:
            told = report["scores"]["models"][name]["copying"]
            for one, candidate in zip(told, result.candidates[name], strict=True):
                found = copying(target, candidate.field[0])
                assert one == {
                    "correlation": pytest.approx(found.correlation),
                    "coherence": pytest.approx(found.coherence),
                    "copied": found.copied,
                }

    def test_what_is_not_finite_is_left_out(self, result, tmp_path):
        flat = {"gaussian": result.candidates["gaussian"]}
        broken = tuple(one._replace(field=np.full((1, 64, 64), np.nan)) for one in flat["gaussian"])
        assert _score(result.texture, result.layout, {"full": broken}) is None
        mixed = {**flat, "full": (broken[0], flat["gaussian"][0])}
        half = _score(result.texture, result.layout, mixed)
        assert half.scores["full"].overall.shape == (1,)
        folder = write(result._replace(scoreboard=None), tmp_path)
        assert not (folder / "scoreboard.png").exists()
        assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["scores"] is None


class TestSeeds:
    def test_a_sample_is_what_a_run_of_its_seed_alone_draws(self, result):
        options = Options("foam", models=("scattering",), seed=SEED + 1, **SIZES)
        looks, alone = run(options)
        (gaussian,), (scattering,) = alone.candidates.values()
        second = {name: samples[1] for name, samples in result.candidates.items()}
        scale = result.texture.field.std()
        np.testing.assert_allclose(gaussian.field, second["gaussian"].field, atol=1e-4 * scale)
        np.testing.assert_allclose(scattering.field, second["scattering"].field, atol=0.01 * scale)
        assert "samples" not in manifest(alone)["models"]["scattering"]

    def test_a_second_run_of_that_size_compiles_nothing(self, result, compiled):
        _, lenient = run(replace(OPTIONS, seed=9, tolerance=5.0))
        assert not compiled
        assert lenient.outcome is Outcome.CONVERGED
        for name in NAMES[1:]:
            assert f"{name}: 2 samples. Converged after 10 evaluations" in lenient.verdict


def test_gray_levels_may_be_asked_of_every_model():
    options = Options("foam", models=("scattering1",), gray_levels=True, **SMALL)
    _, result = run(options)
    (one,) = result.candidates["scattering1"]
    target = result.texture.field
    assert target.min() <= one.field.min() <= one.field.max() <= target.max()
    assert set(one.residual) == {"moments/order1", "gray_levels"}
    levels = np.sort(one.field.ravel()) - np.sort(target.ravel())
    assert np.sqrt(np.mean(levels**2)) < 0.1 * target.std()


@pytest.mark.parametrize("isotropic", [False, True])
def test_spectra_may_be_averaged_over_rotations(isotropic):
    asked = {"scales": 1, "angles": 2, "models": ("spectra",), "isotropic": isotropic}
    options = Options("foam", size=32, **asked)
    model = _fit(read(options), options, options.scales, "spectra")
    assert model.target["spectra"].c01.shape == (1, 2, 1 if isotropic else 2)


@pytest.mark.parametrize(("name", "usual"), [("scattering1", 0.2), ("spectra", 0.45)])
def test_the_tolerance_is_the_usual_one_unless_given(name, usual):
    options = Options("foam", models=(name,), **SMALL)
    given = next(generate(read(options), options)).progress
    assert given.schedule.tolerance == SMALL["tolerance"]
    options = replace(options, tolerance=None)
    assert next(generate(read(options), options)).progress.schedule.tolerance == usual


def test_coarser_levels_have_the_usual_tolerance_of_what_they_match():
    options = Options("foam", models=("spectra",), levels=2, **SMALL)
    (look, *_), result = run(options)
    assert look.progress.shape == (16, 16)
    assert look.progress.schedule.tolerance == 0.45
    (one,) = result.descents["spectra"]
    assert one.tolerance == SMALL["tolerance"]


@pytest.mark.parametrize(
    ("model", "also", "exponents"),
    [
        ("scattering", {}, (0.75, 0.5)),
        ("scattering", {"gray_levels": True}, (0.5, 0.5)),
        ("spectra", {}, (0.75, 0.5)),
        ("full", {}, (0.5, 0.5)),
        ("full+rectified", {}, (0.5, 0.5)),
        ("rectified", {}, (0.5, 0.5)),
        ("scattering", {"channels": 2}, (0.75, 0.5)),
        ("scattering", {"channels": 2, "gray_levels": True}, (0.5, 0.5)),
    ],
)
def test_the_variable_of_gray_levels_or_colors_is_nearer_to_pixels(model, also, exponents):
    descriptor = joint(model, shape=(32, 32), scales=2, angles=2, **also)
    assert fit(descriptor, white(descriptor.field_shape)).exponents == exponents


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"isotropic": True}, "Only spectra can be isotropic"),
        ({"isotropic": True, "models": ("full", "rectified")}, "covariances cannot be isotropic"),
        ({"isotropic": True, "models": ("full+rectified",)}, "covariances cannot be isotropic"),
        ({"gray_levels": True, "models": ("gaussian",)}, "A Gaussian cannot match gray levels"),
    ],
)
def test_options_without_effect_are_refused(asked, message):
    with pytest.raises(InputError, match=message):
        Options("foam", **asked)
