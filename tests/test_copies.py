"""Signs of copying on the bundled pictures: pieces of one picture are independent samples of it."""

import jax
import numpy as np
import pytest

from synth.app.images import PHOTOGRAPHS, bundled, load
from synth.metrics import copying
from synth.processes import PROCESSES

SIDE = 128
NAMES = [name for name, table in bundled().items() if table["shape"] == [256, 256]]


def pieces(name):
    """Four pieces of a picture that have no pixel in common, one per corner."""
    field = load(name).field[0].astype(np.float64)
    return [field[rows, columns] for rows in ends() for columns in ends()]


def ends():
    return slice(None, SIDE), slice(-SIDE, None)


every_picture = pytest.mark.parametrize("name", [*NAMES, *PHOTOGRAPHS])


def test_every_process_is_there():
    assert {bundled()[name]["process"] for name in NAMES} == {
        table["process"] for table in bundled().values()
    }


@every_picture
def test_a_shifted_copy_is_flagged(name):
    target, *_ = pieces(name)
    sign = copying(target, np.roll(target, (13, 40), (0, 1)))
    assert sign.copied
    assert sign.correlation > 0.99
    assert sign.coherence > 0.5


@every_picture
def test_half_a_copy_is_flagged(name):
    target, other, *_ = pieces(name)
    assert copying(target, np.concatenate([target[SIDE // 2 :], other[: SIDE // 2]])).copied


# Pieces of so narrow a band have more power in the jumps at their borders than beyond the band.
@pytest.mark.parametrize("name", [*sorted({*NAMES} - {"labyrinth"}), *PHOTOGRAPHS])
def test_independent_samples_are_not(name):
    target, *others = pieces(name)
    for other in others:
        sign = copying(target, other)
        assert not sign.copied
        # The bond of a wall agrees with that of another one.
        assert sign.correlation < (0.35 if name == "bricks" else 0.15)
        assert sign.coherence < 0.04


@pytest.mark.parametrize("name", ["bricks", "tiles", "weave", "stripes", "spots", "labyrinth"])
def test_regular_fields_are_no_copies_of_each_other_but_of_themselves(name):
    target, *others = (
        np.asarray(PROCESSES[name]((SIDE, SIDE), key=jax.random.key(seed)), np.float64)
        for seed in range(4)
    )
    for other in others:
        assert not copying(target, other).copied
        half = np.concatenate([target[SIDE // 2 :], other[: SIDE // 2]])
        assert copying(target, half).copied
    assert copying(target, np.roll(target, (13, 40), (0, 1))).copied
