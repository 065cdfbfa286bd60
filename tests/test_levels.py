"""Coarse to fine: what a level takes from the one before, and how many there are."""

import json

import imageio.v3 as iio
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import picture, run_command, white

from synth import Outcome, Schedule, descend, drain, fit, joint, load
from synth.app.ahead import Begun, ahead
from synth.app.fitted import coarser_models, levels, models
from synth.app.options import Options
from synth.app.runs import generate
from synth.app.tasks import coarser, prepare
from synth.descent import Stage, descend_levels, num_levels
from synth.descent.levels import _hastened, _refined, with_waves_of
from synth.descent.sample import Sample
from synth.errors import InputError
from synth.models.start import StartNoise
from synth.statistics import Colors, GrayLevels, matches

SHAPES = ((32, 40), (64, 80))
KEYS = jax.random.split(jax.random.key(0), 2)


@pytest.fixture(scope="module")
def targets():
    """One field of waves that both shapes hold, at either of them."""
    coarse = picture("turbulence", SHAPES[0])
    return coarse, np.asarray(merged(np.zeros(SHAPES[1]), coarse))


@pytest.fixture(scope="module")
def pyramid(targets):
    return [
        fit(joint("full", shape=shape, scales=3 + i, angles=2), field)
        for i, (shape, field) in enumerate(zip(SHAPES, targets, strict=True))
    ]


def merged(field, coarse):
    return with_waves_of(jnp.asarray(field), jnp.asarray(coarse))


def waves(field, rows, columns):
    """Amplitudes at frequencies of at most so many cycles per side, and the others."""
    spectrum = np.fft.fft2(field, norm="forward")
    cycles = [np.abs(np.fft.fftfreq(n, 1 / n)) for n in field.shape]
    inner = (cycles[0][:, None] <= rows) & (cycles[1] <= columns)
    return spectrum[inner], spectrum[~inner]


@pytest.mark.parametrize("shape", [(64, 80), (63, 81), (32, 40), (45, 200)])
def test_coarse_waves_are_those_of_the_coarse_field_and_the_others_stay(shape):
    fine, coarse = white(shape), white((32, 40), 1)
    mixed = np.asarray(merged(fine, coarse))
    assert mixed.shape == shape
    for index, source in enumerate((coarse, fine)):
        found, given = (waves(each, 12, 15)[index] for each in (mixed, source))
        np.testing.assert_allclose(found, given, atol=1e-6)


def test_channels_are_mixed_one_by_one():
    fine, coarse = white((3, 32, 32)), white((3, 16, 16), 1)
    each = [merged(*pair) for pair in zip(fine, coarse, strict=True)]
    np.testing.assert_allclose(merged(fine, coarse), each, atol=1e-6)


@pytest.fixture(scope="module")
def looks():
    """All that is shown meanwhile, once ``found`` is made."""
    return []


@pytest.fixture(scope="module")
def found(pyramid, looks):
    return drain(descend_levels(pyramid, keys=KEYS), looks.append)


class TestDescent:
    def test_textures_have_the_last_models_moments(self, pyramid, found):
        for one in found:
            assert one.field.shape == SHAPES[-1]
            assert one.outcome is Outcome.CONVERGED
            residual = pyramid[-1].loss(pyramid[-1].variable(pyramid[-1].from_units(one.field)))[1]
            for name, value in residual.items():
                assert value <= 1.1 * one.tolerance * pyramid[-1].unit[name]

    def test_every_level_is_shown_and_counted(self, found, looks):
        shapes = [look.shape for look in looks]
        assert list(dict.fromkeys(shapes)) == list(SHAPES)
        last = max(look.evaluations for look in looks if look.shape == SHAPES[0])
        assert last == max(one.coarser[0] for one in found)
        assert f" evaluations and {found[0].coarser[0]} on coarser levels: " in found[0].verdict

    def test_a_texture_goes_on_from_its_coarse_field(self, looks, found):
        coarse = [look for look in looks if look.shape == SHAPES[0]][-1].field
        for own, other, one in zip(coarse, coarse[::-1], found, strict=True):
            inner = [waves(each, 6, 8)[0][1:] for each in (one.field, own, other)]
            near, far = (np.linalg.norm(inner[0] - each) for each in inner[1:])
            assert near < 0.5 * far

    def test_samples_are_those_of_their_keys(self, pyramid):
        schedule = Schedule.usual(pyramid[0].descriptor, max_steps=6)
        both, alone = (
            drain(descend_levels(pyramid, keys=keys, schedule=schedule))
            for keys in (KEYS, KEYS[1:])
        )
        np.testing.assert_allclose(alone[0].field, both[1].field, atol=1e-4)
        assert np.abs(both[0].field - both[1].field).max() > 0.5

    def test_one_level_is_a_descent(self, pyramid):
        schedule = Schedule.usual(pyramid[0].descriptor, max_steps=30)
        (one,) = drain(descend_levels(pyramid[:1], keys=KEYS[:1], schedule=schedule))
        (other,) = drain(descend(pyramid[0], keys=KEYS[:1], schedule=schedule))
        np.testing.assert_array_equal(one.field, other.field)
        assert one.coarser == ()
        assert one.verdict == other.verdict

    def test_together(self, pyramid):
        found = drain(descend_levels(pyramid, keys=KEYS, together=True))
        assert [one.together for one in found] == [2, 2]
        assert found[0].coarser == found[1].coarser != ()
        assert {one.outcome for one in found} == {Outcome.CONVERGED}


def test_levels_that_cannot_follow_each_other_are_refused(pyramid, targets):
    kept = pyramid[1].keeping(np.where(np.arange(64)[:, None] < 20, np.nan, targets[1]))
    for several, message in (
        ([], "no model: give models of growing shapes"),
        (pyramid[::-1], "64 × 80, 32 × 40: give models of growing shapes"),
        ([pyramid[0], kept], "keeps pixels has no coarser levels"),
    ):
        with pytest.raises(InputError, match=message):
            next(descend_levels(several, keys=KEYS))


def test_a_level_that_is_not_finite_is_noise(pyramid):
    coarse = jnp.stack([jnp.full(SHAPES[0], jnp.nan), jnp.zeros(SHAPES[0])])
    lost, flat = _refined(pyramid[1], coarse, KEYS, StartNoise("gaussian"))
    assert lost.std() == pytest.approx(1, rel=0.3)
    assert 0 < flat.std() < 0.1


def test_a_sample_that_leaves_the_tolerance_again_is_the_one_within():
    sample = Sample(Schedule(0.5, max_steps=40, min_steps=30), last=True)
    unit = {"block": jnp.float32(1)}
    for far in (0.9, 0.4, 0.7, 0.7):
        sample.losses = np.append(sample.losses, np.ones(10))
        field = jnp.full((4, 4), far)
        sample.look(lambda field=field: (field, {}, {"block": field[0, 0]}), far, False, unit)
    assert sample.ended.outcome is Outcome.CONVERGED
    assert sample.ended.excess == pytest.approx(0.4)
    assert sample.ended.evaluations == 40


def test_near_fields_have_shorter_stages():
    short = _hastened(Schedule.usual(joint("full", shape=(32, 32))))
    assert [stage.first for stage in short.stages] == [0, 15, 30]
    assert short.stages[-1] == Stage(30)
    close = Schedule(stages=(Stage(0, 0.1), Stage(1, 0.2), Stage(2, 0.3), Stage(3)))
    assert _hastened(close).stages == (Stage(0, 0.1), Stage(1))


def test_no_end_before_the_least_number_of_evaluations(pyramid):
    schedule = Schedule(tolerance=5.0, min_steps=30)
    (one,) = drain(descend(pyramid[0], keys=KEYS[:1], schedule=schedule))
    assert (one.evaluations, one.outcome) == (30, Outcome.CONVERGED)
    (limited,) = drain(
        descend(pyramid[0], keys=KEYS[:1], schedule=Schedule(5.0, max_steps=20, min_steps=30))
    )
    assert (limited.evaluations, limited.outcome) == (20, Outcome.CONVERGED)


@pytest.mark.parametrize(
    ("shapes", "number"),
    [
        ([(256, 256)], 3),
        ([(256, 300)], 3),
        ([(256, 256), (100, 256)], 1),
        ([(512, 512), (128, 500)], 2),
        ([(48, 48)], 1),
        ([(1024, 2048)], 5),
    ],
)
def test_number_of_levels(shapes, number):
    assert num_levels(*shapes) == number
    assert num_levels(*shapes, far=False) == max(min(2, number), number - 1)


def pyramids(task, options, shares, name):
    """Return the models of every level, coarse to fine, per share."""
    with ahead() as begin:
        coarse = coarser_models(task, options, shares, name, begin)
        return levels(models(task, options, shares, name), coarse)


class TestApplication:
    @staticmethod
    def task(image, **also):
        options = Options(image, **also)
        return prepare(load(image, size=options.size), options), options

    def test_a_coarser_task_is_the_same_torus(self):
        task, _ = self.task("foam", size=64, out_size=(96, 128))
        half = coarser(task, 1)
        assert half.texture.fields.shape == (1, 1, 32, 32)
        assert half.layout.torus == (48, 64)
        assert half.texture.periodic == task.texture.periodic
        assert half.scales == task.scales - 1
        np.testing.assert_allclose(
            half.texture.fields.mean(), task.texture.fields.mean(), rtol=0.02
        )

    def test_missing_pixels_stay_missing(self, tmp_path):
        field = picture("turbulence", (64, 64))
        field[8:32, 8:32] = np.nan
        np.save(tmp_path / "holed.npy", field)
        task, _ = self.task(str(tmp_path / "holed.npy"))
        known = ~np.isnan(coarser(task, 1).texture.field[0])
        assert not known[6:14, 6:14].any()
        assert known[20:].all()

    @pytest.mark.parametrize(
        ("also", "number"),
        [
            ({"models": ("scattering",)}, 2),
            ({"models": ("scattering",), "gray_levels": True}, 3),
            ({"models": ("spectra",)}, 3),
            ({"models": ("full",)}, 3),
            ({"models": ("scattering",), "size": 128}, 2),
        ],
    )
    def test_order_2_alone_begins_at_128_pixels(self, also, number):
        task, options = self.task("foam", **also)

        def later(function, *given):
            return Begun(lambda: function(*given), None)

        assert len(coarser_models(task, options, (), options.models[0], later)) == number - 1

    def test_levels_that_do_not_fit_are_left_out(self):
        task, options = self.task("foam", size=32, levels=6, models=("full",), angles=2)
        (several,) = pyramids(task, options, (), "full")
        assert [one.shape for one in several][-2:] == [(16, 16), (32, 32)]

    @pytest.mark.parametrize(
        ("also", "sides"),
        [
            ({"levels": 7}, [16, 32, 64]),
            ({"levels": 7, "scales": 2}, [32, 64]),
            ({"levels": 7, "scales": 1}, [64]),
            ({"levels": 7, "out_size": (32, 64)}, [32, 64]),
        ],
    )
    def test_levels_have_16_pixels_and_scales_that_were_asked_for(self, also, sides):
        task, options = self.task("foam", size=64, models=("scattering",), angles=2, **also)
        (several,) = pyramids(task, options, (), "scattering")
        assert [one.shape[1] for one in several] == sides

    @pytest.mark.parametrize(
        ("image", "part"), [("turbulence", GrayLevels), ("colored-foam", Colors)]
    )
    def test_coarser_levels_see_gray_levels_or_colors_too(self, image, part):
        task, options = self.task(image, size=32, levels=2, models=("scattering",), angles=2)
        ((coarse, fine),) = pyramids(task, options, (), "scattering")
        assert matches(coarse.descriptor, part)
        assert not matches(fine.descriptor, (GrayLevels, Colors))

    def test_a_small_second_picture_has_fewer_levels(self, tmp_path):
        small = load("foam", size=64).field[0][:40, :40].astype(np.uint16)
        iio.imwrite(tmp_path / "small.png", small)
        options = Options(
            "foam", mix=str(tmp_path / "small.png"), steps=2, levels=7, models=("full",), angles=2
        )
        task = prepare(load("foam", size=64), options)
        steps = pyramids(task, options, (0.0, 1.0), "full")
        assert [[one.shape for one in step] for step in steps] == 2 * [[(32, 32), (64, 64)]]

    def test_a_mix_has_every_level(self):
        task, options = self.task(
            "foam", size=32, mix="turbulence", steps=2, levels=2, models=("full",), angles=2
        )
        steps = pyramids(task, options, (0.0, 1.0), "full")
        assert [[one.shape for one in step] for step in steps] == 2 * [[(16, 16), (32, 32)]]

    def test_fields_to_start_from_have_one_level(self, tmp_path):
        np.save(tmp_path / "field.npy", load("foam", size=32).field[0])
        task, options = self.task(
            str(tmp_path / "field.npy"),
            start=str(tmp_path / "field.npy"),
            models=("full",),
        )
        assert [len(one) for one in pyramids(task, options, (), "full")] == [1]

    @pytest.mark.parametrize(
        ("also", "message"),
        [
            ({"levels": 2, "inpaint": True}, "has one level: leave out levels"),
            ({"levels": 2, "start": "x.png"}, "has one level: leave out levels"),
            ({"levels": 2, "models": ("gaussian",)}, "A Gaussian is drawn directly"),
            ({"min_steps": 9, "models": ("gaussian",)}, "A Gaussian is drawn directly"),
            ({"min_steps": -1}, "At least -1 steps were asked for"),
            ({"min_steps": 9, "max_steps": 8}, "and at most 8: give fewer, or allow more"),
        ],
    )
    def test_options_without_effect_are_refused(self, also, message):
        with pytest.raises(InputError, match=message):
            Options("foam", **also)

    @pytest.mark.parametrize("way", ["gray", "color", "holes", "ensemble", "mix"])
    def test_coarser_levels_that_match_more_lead_to_the_model_itself(self, way, tmp_path):
        field = picture("turbulence", (32, 32))
        if way == "holes":
            field[4:9, 20:26] = np.nan
        np.save(tmp_path / "field.npy", field)
        also = {"ensemble": True, "samples": 2} if way == "ensemble" else {}
        if way == "mix":
            also = {"mix": "foam", "steps": 2, "size": 32}
        bundled = {"color": "colored-foam", "mix": "turbulence"}
        image = bundled.get(way, str(tmp_path / "field.npy"))
        task, options = self.task(
            image,
            **{"size": 32, "levels": 2, "models": ("scattering",), "angles": 2, "scales": 2} | also,
        )
        looks = []
        result = drain(generate(task.texture, options, task=task), looks.append)
        assert {look.progress.shape for look in looks} == {(16, 16), (32, 32)}
        for one in result.descents["scattering"]:
            assert one.outcome is Outcome.CONVERGED
            assert one.field.shape[-2:] == (32, 32)
            assert not {"gray_levels", "colors"} & set(one.residual)
            assert len(one.coarser) == 1
            assert one.coarser[0] > 0
            assert one.evaluations >= 20

    def test_the_command_tells_of_them(self, tmp_path):
        common = ("--size", "32", "--model", "full", "--angles", "2", "--out", str(tmp_path))
        run = run_command("generate", "foam", "--levels", "2", *common)
        assert run.returncode == 0, run.stderr
        assert "on coarser levels" in run.stdout.replace("\n", " ")
        (folder,) = tmp_path.iterdir()
        report = json.loads((folder / "manifest.json").read_text())
        assert report["models"]["full"]["coarser"][0] > 0

    def test_a_number_out_of_range_is_refused(self):
        run = run_command("generate", "foam", "--levels", "0")
        assert run.returncode == 2
        assert "0 levels were asked for: choose 1 to 7." in " ".join(run.stderr.split())
