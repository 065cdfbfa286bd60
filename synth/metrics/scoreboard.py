"""The scoreboard: distances of fields from their target, in units of the noise floor.

The floor is the distance between two real pieces of the same texture, so that a ratio of 1
says: as good as another real piece.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.metrics._check import check_field, check_target
from synth.metrics._statistic import Features, Field, in_units_of
from synth.metrics.copies import Copying, copying
from synth.metrics.registry import STATISTICS

# Exactly repeating patterns have no noise; their ratios should be large, not infinite.
_LEAST_FLOOR = 1e-6

Parts = tuple[Features, ...]  # of a whole field, or of its quadrants


class Score(NamedTuple):
    """One model's candidates against the target.

    Attributes:
        distances: per statistic, of every candidate.
        ratios: the same, in units of the noise floor.
        overall: geometric mean of max(ratio, 1) over all statistics, of every candidate.
        copying: signs of copying, of every candidate; no part of ``overall``.
    """

    distances: dict[str, Float[np.ndarray, " b"]]
    ratios: dict[str, Float[np.ndarray, " b"]]
    overall: Float[np.ndarray, " b"]
    copying: tuple[Copying, ...]


class Scoreboard(NamedTuple):
    """Models beside each other and beside the noise floor.

    Attributes:
        floor: rms distance between real pieces, per statistic, in the distance's units.
        spread: smallest and largest distance between real pieces, in units of the floor.
        pieces: whether real pieces are quadrants, because there were no second fields.
        scores: by the model's name, in the order given.
    """

    floor: dict[str, float]
    spread: dict[str, tuple[float, float]]
    pieces: bool
    scores: dict[str, Score]


def compare(
    target: Float[np.ndarray, "h w"],
    candidates: Mapping[str, Sequence[Float[np.ndarray, "_ _"]]],
    *,
    reals: Sequence[Float[np.ndarray, "_ _"]] = (),
    periodic: bool = True,
) -> Scoreboard:
    """Score candidates by all statistics that fit the target's size.

    With two further real fields or more, whole fields are compared, and the floor is the rms
    distance over all pairs of {target} ∪ reals. With fewer, quadrants stand for fields: the
    floor is the rms over pairs of different quadrants of the real fields, and a candidate's
    distance is the rms over its quadrants paired with the target's, so that the target itself
    scores about 1 and not 0. The rms, because the squared ratio of an independent real field
    then has the expectation 1.

    Args:
        target: the texture; all fields are expressed in its mean and standard deviation.
        candidates: fields of every model by its name, each of the target's shape.
        reals: further samples of the same texture, of the target's shape.
        periodic: whether fields wrap; quadrants never do.

    Returns:
        The scoreboard. Statistics that do not fit the size are left out of all its tables.

    Raises:
        InputError: if a field is not finite, or its shape differs; if the target is
            constant or has under 16 pixels on a side.

    Example:
        >>> x, y, z, noise = np.random.default_rng(0).normal(size=(4, 32, 32))
        >>> board = compare(x, {"noise": [noise]}, reals=[y, z])
        >>> bool(board.scores["noise"].overall[0] < 1.5)
        True
    """
    _check(target, reals, candidates)
    pieces = len(reals) < 2
    ruler = _Ruler(target, pieces, periodic and not pieces)
    real = [ruler.measure(field) for field in (target, *reals)]
    pairs = {name: _between([each[name] for each in real], name) for name in real[0]}
    floor = {name: max(_root_mean_square(values), _LEAST_FLOOR) for name, values in pairs.items()}
    spread = {
        name: (min(values) / floor[name], max(values) / floor[name])
        for name, values in pairs.items()
    }
    scores = {
        name: _score(fields, floor, real[0], ruler=ruler) for name, fields in candidates.items()
    }
    return Scoreboard(floor, spread, pieces, scores)


class _Ruler(NamedTuple):
    """How every field is measured, real or not: in whose units, in which parts, how bordered."""

    target: Field
    pieces: bool
    periodic: bool

    def measure(self, field: Field) -> dict[str, Parts]:
        """Features of the field, or of its quadrants, by every statistic that fits them."""
        x = in_units_of(self.target, field)
        parts = _quadrants(x) if self.pieces else (x,)
        return {
            name: tuple(statistic.describe(part, self.periodic) for part in parts)
            for name, statistic in STATISTICS.items()
            if statistic.least <= min(parts[0].shape)
        }


def _quadrants(field: Field) -> tuple[Float[np.ndarray, "a b"], ...]:
    """Four quadrants of one shape; the middle line of an odd side is left out."""
    height, width = (n // 2 for n in field.shape)
    return tuple(
        half[:, columns]
        for half in (field[:height], field[-height:])
        for columns in (slice(width), slice(-width, None))
    )


def _between(real: Sequence[Parts], name: str) -> list[float]:
    """Distances of all pairs of real pieces, the target's first."""
    every = [part for parts in real for part in parts]
    return [STATISTICS[name].distance(a, b) for a, b in combinations(every, 2)]


def _score(
    fields: Sequence[Field],
    floor: Mapping[str, float],
    wanted: Mapping[str, Parts],
    *,
    ruler: _Ruler,
) -> Score:
    """One model's row: its fields beside the target, whose features are wanted."""
    rows = [_distances(wanted, ruler.measure(field)) for field in fields]
    distances = {name: np.array([row[name] for row in rows]) for name in floor}
    ratios = {name: values / floor[name] for name, values in distances.items()}
    excess = [np.log(np.maximum(values, 1)) for values in ratios.values()]
    return Score(
        distances,
        ratios,
        np.exp(np.mean(excess, axis=0)),
        tuple(copying(ruler.target, field) for field in fields),
    )


def _distances(wanted: Mapping[str, Parts], found: Mapping[str, Parts]) -> dict[str, float]:
    """Distance by every statistic: rms over all pairs of a target's part and a field's."""
    return {
        name: _root_mean_square(
            [STATISTICS[name].distance(a, b) for a, b in product(parts, found[name])]
        )
        for name, parts in wanted.items()
    }


def _root_mean_square(values: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _check(
    target: Features, reals: Sequence[Features], candidates: Mapping[str, Sequence[Features]]
) -> None:
    """Name the first field that cannot be compared."""
    check_target(target)
    for number, field in enumerate(reals):
        check_field(f"Real field {number}", field, np.shape(target))
    for name, fields in candidates.items():
        for number, field in enumerate(fields):
            check_field(f"Field {number} of {name!r}", field, np.shape(target))
