"""The loop on a picture of 32 × 32 pixels: outcomes, reported residual, seeds, recompilation."""

import subprocess
import sys
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth import (
    EXACT,
    LBFGS,
    Adam,
    GrayLevels,
    Joint,
    Judge,
    Outcome,
    ScatteringMoments,
    Schedule,
    descend,
    drain,
    fit,
    morlet_bank,
    scatter,
    synthesize,
)
from synth.descent.schedule import Stage
from synth.transforms.fourier import radial_frequency

SHAPE = (32, 32)
BANK = morlet_bank(SHAPE, 3, 4)


def picture(seed=0):
    """Blots: a smooth Gaussian field, saturated, in units of its own."""
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal(SHAPE))
    gain = np.exp(-(np.fft.ifftshift(radial_frequency(SHAPE)) ** 2))
    return 100 + 40 * np.tanh(10 * np.fft.ifft2(noise * gain).real)


def within(model, tolerance, max_steps):
    """The usual stages with another tolerance and step limit."""
    return Schedule.usual(model.descriptor, tolerance=tolerance, max_steps=max_steps)


def strict(model):
    return within(model, 1e-9, 13)  # no multiple of the chunk


@pytest.fixture(scope="module")
def model():
    return fit(ScatteringMoments(BANK), picture())


@pytest.fixture(scope="module")
def texture(model):
    return synthesize(model, key=jax.random.key(1))


def drained(steps):
    """What a descent yields, and what it returns."""
    seen = []
    return seen, drain(steps, seen.append)


# Outcomes


def test_it_converges_and_says_so(model, texture):
    assert texture.outcome is Outcome.CONVERGED
    assert texture.excess <= 0.2
    assert texture.unit == model.unit
    assert texture.tolerance == Schedule.usual(model.descriptor).tolerance == 0.2
    words = (
        f"Converged after {texture.evaluations} evaluations: the worst block, {texture.worst}, "
        f"differs by {texture.excess:.3f} of its estimation noise, tolerance 0.2."
    )
    assert texture.verdict == words
    assert texture.field.shape == SHAPE
    mean = np.mean(np.asarray(texture.field), dtype=np.float64)
    # Clipping to the range in the first stage may move it a little.
    assert mean == pytest.approx(picture().mean(), abs=1e-3 * picture().std())


@pytest.mark.parametrize(
    ("tolerance", "oversampling", "room"),
    [(None, 0, 1e-4), (None, EXACT, 6e-3), (0.2, 0, 1e-4), (0.2, EXACT, 2e-3)],
)
def test_the_reported_residual_is_the_distance_of_exact_moments(
    model, tolerance, oversampling, room
):
    schedule = Schedule.usual(model.descriptor, tolerance=tolerance)
    texture = synthesize(model, key=jax.random.key(1), schedule=schedule)
    bank = morlet_bank(SHAPE, 3, 4, oversampling=oversampling)
    target = picture()
    mean, scale = target.mean(), target.std()

    def moments(field):
        standard = jnp.asarray((np.asarray(field, np.float64) - mean) / scale, jnp.float32)
        return [np.asarray(order) for order in jax.jit(scatter)(standard, bank).orders()]

    got, wanted = moments(texture.field), moments(target)
    assert set(texture.residual) == {"order1", "order2"}
    for order, (name, told) in enumerate(texture.residual.items(), start=1):
        distance = np.linalg.norm(got[order] - wanted[order]) / np.linalg.norm(wanted[order])
        # In units of the noise, of which the tolerance is 0.2.
        unit = float(model.unit[name])
        assert float(told) / unit == pytest.approx(distance / unit, abs=room)
    if not oversampling:
        np.testing.assert_allclose(texture.moments.flatten(), np.concatenate(got), atol=1e-5)


def test_the_excess_is_that_of_the_worst_block_in_units_of_its_noise(texture):
    ratios = {name: float(texture.residual[name] / level) for name, level in texture.unit.items()}
    assert texture.excess == pytest.approx(max(ratios.values()), rel=1e-5)
    assert ratios[texture.worst] == max(ratios.values())


@pytest.mark.parametrize("bad", ["order1", "order2"])
def test_a_block_that_is_not_a_number_is_the_worst(texture, bad):
    residual = {**texture.residual, bad: jnp.asarray(jnp.nan)}
    broken = eqx.tree_at(lambda t: t.residual, texture, residual)
    assert broken.worst == bad
    assert np.isnan(broken.excess)


def test_it_converges_when_every_block_is_within_the_tolerance(model):
    """One block is made to look very noisy: it never counts, and the other one still must."""
    units = {"order1": model.unit["order1"], "order2": jnp.asarray(1e6)}
    lopsided = eqx.tree_at(lambda m: m.unit, model, units)
    schedule = within(lopsided, 0.01, 1000)
    texture = synthesize(lopsided, key=jax.random.key(1), schedule=schedule)
    assert texture.outcome is Outcome.CONVERGED
    assert texture.worst == "order1"
    assert texture.excess == pytest.approx(float(texture.residual["order1"] / units["order1"]))
    assert 0.002 < texture.excess <= 0.01


def test_the_judge_finds_no_distance_of_the_target_from_itself(model):
    judge = Judge(model)
    moments, residual = judge(jnp.asarray(picture(), jnp.float32))
    assert max(map(float, residual.values())) < 1e-5
    measured = model.descriptor(model.from_units(jnp.asarray(picture(), jnp.float32)))
    np.testing.assert_allclose(moments.flatten(), measured.flatten(), atol=1e-5)
    assert judge.target is model.reference.moments


def test_a_judge_may_judge_by_other_moments(texture):
    other = fit(GrayLevels(SHAPE), picture())
    levels, residual = Judge(other)(texture.field)
    values = np.sort(np.ravel(other.from_units(texture.field)))
    np.testing.assert_allclose(levels, values, rtol=1e-6)
    wanted = np.sort(np.ravel(picture() - picture().mean())) / picture().std()
    distance = np.sqrt(np.mean((np.asarray(levels) - wanted) ** 2))
    assert float(residual["gray_levels"]) == pytest.approx(distance, rel=1e-4)


def test_the_step_limit_is_kept_and_named(model):
    short = synthesize(model, key=jax.random.key(1), schedule=strict(model))
    assert short.outcome is Outcome.STEP_LIMIT
    assert short.evaluations == len(short.losses) == 13
    assert short.verdict == (
        "Ended at the step limit after 13 evaluations: the worst block, "
        f"{short.worst}, differs by {short.excess:.3f} of its estimation noise, tolerance 1e-09; "
        "allow more steps, or a larger tolerance."
    )


def test_a_descent_that_the_limit_ends_within_the_tolerance_has_converged(model):
    lenient = within(model, 10.0, 13)
    ended = synthesize(model, key=jax.random.key(1), schedule=lenient)
    assert ended.outcome is Outcome.CONVERGED


def test_a_loss_that_explodes_is_named(model):
    schedule = Schedule.usual(model.descriptor, solver=Adam(1e30))
    wild = synthesize(model, key=jax.random.key(1), schedule=schedule)
    assert wild.outcome is Outcome.NOT_FINITE
    assert wild.evaluations == 70  # the range hides it for sixty
    assert wild.verdict.startswith("Stopped after 70 evaluations: the worst block, ")
    assert "the loss is not finite" in wild.verdict
    assert wild.verdict.endswith("use L-BFGS or a smaller learning rate.")


def test_a_descent_that_cannot_go_on_has_stalled(model):
    stuck = synthesize(model, key=jax.random.key(1), schedule=within(model, 1e-9, 5000))
    assert stuck.outcome is Outcome.STALLED
    assert 160 <= stuck.evaluations <= 400  # from a hundred in the last stage on
    assert stuck.verdict.startswith(f"Stalled after {stuck.evaluations} evaluations: the worst ")
    assert "the loss falls too slowly to get there: try another seed" in stuck.verdict
    for stage in np.split(stuck.losses, [60]):
        assert np.all(np.diff(stage) <= 0)


@pytest.mark.parametrize("kept", [False, True])
def test_only_the_last_stage_can_be_too_slow(model, kept):
    if kept:
        field = np.array(picture())
        field[8:20, 8:20] = np.nan
        model = model.keeping(field)
    stages = (Stage(0, bounds="target"), Stage(180))
    schedule = Schedule(1e-9, stages, 1000)
    ended = synthesize(model, key=jax.random.key(1), schedule=schedule)
    assert ended.outcome is Outcome.STALLED
    assert 280 <= ended.evaluations <= 600


def test_with_the_tolerance_0_no_pace_is_too_slow(model):
    ended = synthesize(model, key=jax.random.key(1), schedule=within(model, 0.0, 250))
    assert ended.outcome is Outcome.STEP_LIMIT
    assert ended.evaluations == 250


def test_a_descent_that_will_be_there_in_time_goes_on(model):
    """It takes more than a hundred evaluations in the last stage, at a pace that suffices."""
    schedule = replace(within(model, 0.1, 1000), solver=Adam(0.003))
    ended = synthesize(model, key=jax.random.key(1), schedule=schedule)
    assert ended.outcome is Outcome.CONVERGED
    assert ended.evaluations > 200


@pytest.mark.parametrize("pattern", ["stripes", "checkers", "two dots"])
def test_patterns_without_noise_descend(model, pattern):
    target = {
        "stripes": np.tile(np.sin(2 * np.pi * np.arange(32) / 8), (32, 1)),
        "checkers": np.indices(SHAPE).sum(axis=0) // 4 % 2 * 1.0,
        "two dots": np.isin(np.arange(1024), (100, 116)).reshape(SHAPE) * 1.0,
    }[pattern]
    patterned = fit(model.descriptor, target)
    texture = synthesize(patterned, key=jax.random.key(1), schedule=within(patterned, 1e-9, 50))
    assert texture.outcome is Outcome.STEP_LIMIT
    assert 10 < texture.losses[0] < np.inf
    assert texture.losses[-1] < 0.05 * texture.losses[0]
    assert np.isfinite(texture.excess)


# Seeds and starts


def test_the_key_decides_the_texture(model, texture):
    again = synthesize(model, key=jax.random.key(1))
    np.testing.assert_array_equal(again.field, texture.field)
    np.testing.assert_array_equal(again.losses, texture.losses)
    other = synthesize(model, key=jax.random.key(2))
    assert other.outcome is Outcome.CONVERGED
    assert float(jnp.abs(other.field - texture.field).mean()) > 0.3 * picture().std()


@pytest.mark.parametrize("start", ["skewed", "gaussian", "variable", "pixels"])
@pytest.mark.parametrize("solver", [LBFGS(), Adam()])
def test_every_solver_descends_from_every_start(model, solver, start):
    schedule = replace(within(model, 1e-9, 50), solver=solver)
    texture = synthesize(model, key=jax.random.key(3), schedule=schedule, start=start)
    assert texture.outcome is Outcome.STEP_LIMIT
    assert texture.losses[-1] < 0.3 * texture.losses[0]


def test_a_second_texture_of_the_same_shape_compiles_nothing(model, texture, compiled):
    second = fit(model.descriptor, 3 - 2 * picture(seed=5))
    del compiled[:]
    synthesize(model, key=jax.random.key(7))
    synthesize(second, key=jax.random.key(8))
    assert not compiled
    jax.jit(lambda x: 2 * x + 41)(1.0)  # the listener does listen
    assert compiled


# Several at once

KEYS = jax.random.split(jax.random.key(4), 3)


def test_an_ensemble_is_one_program_and_does_what_single_descents_do(model, compiled):
    together = drain(descend(model, keys=KEYS, schedule=strict(model)))
    assert compiled.count("jit(_advance)") == 1
    assert len(together) == 3
    for key, sample in zip(KEYS, together, strict=True):
        alone = synthesize(model, key=key, schedule=strict(model))
        np.testing.assert_allclose(sample.field, alone.field, atol=1e-3 * picture().std())
        np.testing.assert_allclose(sample.losses, alone.losses, rtol=1e-3)
        assert sample.verdict == alone.verdict
    others = jax.random.split(jax.random.key(5), 3)
    del compiled[:]
    drain(descend(model, keys=others, schedule=strict(model)))
    assert not compiled


@pytest.fixture(scope="module")
def ensemble(model):
    """Descents from the target, from another picture, and from what is not finite."""
    other = jnp.roll(picture(1), 3, 0)
    fields = jnp.stack([picture(), other, jnp.full(SHAPE, jnp.nan)])
    return drained(descend(model, keys=KEYS, start=fields))


def test_a_descent_from_a_field_stays_near_it(ensemble):
    _, (same, other, _) = ensemble
    assert same.outcome is other.outcome is Outcome.CONVERGED
    assert same.evaluations == Schedule.usual(ScatteringMoments(BANK)).min_steps
    np.testing.assert_allclose(same.field, picture(), atol=0.01 * picture().std())
    start = jnp.roll(picture(1), 3, 0)
    assert np.corrcoef(np.ravel(other.field), np.ravel(start))[0, 1] > 0.9


def test_one_that_explodes_does_not_stop_the_others(ensemble):
    _, (_, other, bad) = ensemble
    assert bad.outcome is Outcome.NOT_FINITE
    assert bad.evaluations == 10 < other.evaluations


def test_samples_stop_one_by_one_and_then_rest(ensemble):
    seen, samples = ensemble
    assert max(sample.evaluations for sample in samples) == seen[-1].evaluations == 10 * len(seen)
    for index, sample in enumerate(samples):
        for now in seen:
            assert len(now.losses[index]) == min(now.evaluations, sample.evaluations)
            np.testing.assert_array_equal(now.losses[index], sample.losses[: now.evaluations])
        for later in seen[sample.evaluations // 10 - 1 :]:
            np.testing.assert_array_equal(later.field[index], sample.field)


def test_samples_of_different_keys_are_different_textures(model):
    samples = drain(descend(model, keys=KEYS))
    for index, one in enumerate(samples):
        assert one.outcome is Outcome.CONVERGED
        for other in samples[:index]:
            assert float(jnp.abs(one.field - other.field).mean()) > 0.3 * picture().std()


@pytest.fixture(scope="module")
def leveled():
    """A model that matches gray levels too, whose weight grows in stages."""
    parts = {"moments": ScatteringMoments(BANK), "gray_levels": GrayLevels(SHAPE)}
    return fit(Joint(parts), picture(), bounds=(picture().min(), picture().max()))


def test_gray_levels_are_matched_in_stages(leveled):
    seen, (end,) = drained(
        descend(leveled, keys=jax.random.key(1)[None], schedule=within(leveled, 1e-9, 200))
    )
    rises = np.flatnonzero(np.diff(end.losses) > 0) + 1
    assert list(rises) == [60, 120]
    distance = np.sort(np.ravel(end.field)) - np.sort(np.ravel(picture()))
    assert np.sqrt(np.mean(distance**2)) < 0.06 * picture().std()
    assert picture().min() - 1e-3 <= end.field.min() <= end.field.max() <= picture().max() + 1e-3
    assert float(end.residual["moments/order1"]) < 0.05
    assert float(end.residual["moments/order2"]) < 0.05


def test_fields_keep_within_the_target_s_range_for_sixty_evaluations(model):
    target = picture()
    seen, (end,) = drained(
        descend(model, keys=jax.random.key(1)[None], schedule=within(model, 1e-9, 90))
    )
    early = np.stack([now.field for now in seen if now.evaluations <= 60])
    assert early.min() >= target.min() - 1e-3
    assert early.max() <= target.max() + 1e-3
    assert np.ptp(end.field) > np.ptp(target) + 1e-3
    assert end.losses[60] == pytest.approx(
        end.losses[59], rel=0.02
    )  # the same field, less the mean that clipping gave it


def test_a_descent_from_a_field_knows_no_range_but_the_model_s(model):
    wide = jnp.asarray(2 * (picture() - 100) + 100)[None]
    schedule = within(model, 1e-9, 1)
    (end,) = drain(descend(model, keys=KEYS[:1], start=wide, schedule=schedule))
    moved = wide[0] - wide[0].mean() + picture().mean()  # only the mean is the target's
    np.testing.assert_allclose(end.field, moved, atol=1e-3)


def test_samples_that_have_ended_keep_their_excess_when_others_change_stage(leveled):
    _, first = drained(descend(leveled, keys=KEYS, schedule=within(leveled, 1e-9, 50)))
    best = min(one.excess for one in first)
    schedule = within(leveled, best * 1.001, 140)
    seen, samples = drained(descend(leveled, keys=KEYS, schedule=schedule))
    early = [i for i, sample in enumerate(samples) if sample.evaluations < 60]
    assert early
    assert seen[-1].evaluations > 60
    ends = {i: seen[samples[i].evaluations // 10 - 1] for i in early}
    for i, end in ends.items():
        for now in seen[samples[i].evaluations // 10 - 1 :]:
            assert np.isfinite(now.excess[i])
            assert float(now.excess[i]) == float(end.excess[i])
            np.testing.assert_array_equal(now.field[i], samples[i].field)


# Progress


def test_progress_comes_chunk_by_chunk(model):
    schedule = Schedule.usual(model.descriptor, tolerance=1e-3, min_steps=80)
    seen, (end,) = drained(descend(model, keys=jax.random.key(1)[None], schedule=schedule))
    evaluations = [progress.evaluations for progress in seen]
    assert evaluations == list(range(10, 10 * len(seen) + 1, 10))
    for progress in seen:
        assert [len(losses) for losses in progress.losses] == [progress.evaluations]
        assert progress.field.shape == (1, *SHAPE)
        assert progress.excess.shape == (1,)
        assert progress.schedule is schedule
        assert set(progress.residual) == {"order1", "order2"}
    np.testing.assert_array_equal(seen[-1].field[0], end.field)
    again = synthesize(model, key=jax.random.key(1), schedule=schedule)
    np.testing.assert_array_equal(end.field, again.field)
    excesses = [float(progress.excess[0]) for progress in seen]
    assert excesses[-1] <= 1e-3 < excesses[0]
    assert end.evaluations == 80
    for stage in np.split(end.losses, [60]):
        assert np.all(np.diff(stage) <= 0)


def test_the_last_chunk_is_as_short_as_the_limit_asks(model):
    seen, (end,) = drained(descend(model, keys=jax.random.key(1)[None], schedule=strict(model)))
    assert [progress.evaluations for progress in seen] == [10, 13]
    assert end.evaluations == 13


def test_a_judge_may_be_shared(model, texture):
    judge = Judge(model)
    (end,) = drain(descend(model, keys=jax.random.key(1)[None], judge=judge))
    assert end.residual == texture.residual


# What may be mistaken for another thing

MISTAKES = {
    "seed": ("synthesize(model, key=0)", "The key is int 0: give a random key, such as jax"),
    "start": (
        "synthesize(model, key=jax.random.key(0), start='white')",
        "There is no start 'white': choose skewed, gaussian, variable, pixels, or give fields.",
    ),
    "fields": (
        "next(descend(model, keys=jax.random.split(jax.random.key(0), 2), "
        "start=jax.numpy.zeros((1, 16, 16))))",
        "1 fields to start from and 2 keys: give one each.",
    ),
}


def test_mistakes_end_in_one_sentence():
    """In a program of its own: there no type is checked before."""
    lines = [
        "import jax, numpy as np",
        "from synth import *",
        "from synth.errors import InputError",
        "target = np.random.default_rng(0).normal(size=(16, 16))",
        "model = fit(ScatteringMoments(morlet_bank((16, 16), 2, 2)), target)",
    ]
    for call, _ in MISTAKES.values():
        lines += ["try:", f"    {call}", "except InputError as error:", "    print(error)"]
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    said = ended.stdout.splitlines()
    assert len(said) == len(MISTAKES), ended.stderr
    for line, (_, sentence) in zip(said, MISTAKES.values(), strict=True):
        assert line.startswith(sentence)
