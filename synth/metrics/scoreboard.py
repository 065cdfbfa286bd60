"""The scoreboard: distances of fields from their target, in units of the noise floor.

The floor is the distance between two real pieces of the same texture, so that a ratio of 1
says: as good as another real piece. Pixels that the target misses are left out of every field,
and what a statistic needs in their place is drawn for all fields alike.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.errors import InputError
from synth.metrics._check import check_candidate, check_real, check_target
from synth.metrics._statistic import Features, Field, Wraps, in_units_of
from synth.metrics.copies import Copying, copying
from synth.metrics.registry import STATISTICS
from synth.transforms.estimate import Periodic, axes_of, complete

# Exactly repeating patterns have no noise; their ratios should be large, not infinite.
_LEAST_FLOOR = 1e-6

Parts = tuple[Features, ...]  # of a whole field, or of its quadrants
Cut = tuple[slice, slice]


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
    periodic: Periodic = True,
) -> Scoreboard:
    """Score candidates by all statistics that fit the target's size.

    With two further real fields or more, whole fields are compared, and the floor is the rms
    distance over all pairs of {target} ∪ reals. With fewer, quadrants stand for fields: the
    floor is the rms over pairs of different quadrants of the real fields, and a candidate's
    distance is the rms over its quadrants paired with the target's, so that the target itself
    scores about 1 and not 0. The rms, because the squared ratio of an independent real field
    then has the expectation 1.

    All fields lose the pixels that the target misses (NaN). Statistics of pixels and of their
    pairs do without them; for the others they are drawn by ``transforms.estimate.complete``,
    the target's as everyone's. Quadrants that hold hardly any pixel are left out.

    Args:
        target: the texture; all fields are expressed in its mean and standard deviation.
        candidates: fields of every model by its name, each of the target's shape. What they
            hold where the target misses pixels has no influence on the scores.
        reals: further samples of the same texture, of the target's shape, which may miss
            pixels of their own.
        periodic: whether fields wrap, per axis; quadrants never do.

    Returns:
        The scoreboard. Statistics that do not fit the size are left out of all its tables.

    Raises:
        InputError: if a candidate is not finite where the target is known, or a shape
            differs; if the target is constant, has under 16 pixels on a side, or misses more
            than three quarters of them.

    Example:
        >>> x, y, z, noise = np.random.default_rng(0).normal(size=(4, 32, 32))
        >>> board = compare(x, {"noise": [noise]}, reals=[y, z])
        >>> bool(board.scores["noise"].overall[0] < 1.5)
        True
    """
    _check(target, reals, candidates)
    pieces = len(reals) < 2
    ruler = _Ruler(target, pieces, axes_of(periodic))
    views = [ruler.view(field) for field in (target, *reals)]
    real = [ruler.measure(view) for view in views]
    pairs = {name: _between([each[name] for each in real], name) for name in real[0]}
    floor = {name: max(_root_mean_square(values), _LEAST_FLOOR) for name, values in pairs.items()}
    spread = {
        name: (min(values) / floor[name], max(values) / floor[name])
        for name, values in pairs.items()
    }
    row = _Row(ruler, floor, real[0], views[0].drawn)
    scores = {name: row.score(fields) for name, fields in candidates.items()}
    return Scoreboard(floor, spread, pieces, scores)


class _View(NamedTuple):
    """A field in the target's units, NaN where a pixel is missing, and with all pixels drawn."""

    known: Field
    drawn: Field


class _Ruler(NamedTuple):
    """How every field is measured, real or not: in whose units, in which parts, how bordered."""

    target: Field
    pieces: bool
    periodic: Wraps

    def view(self, field: Field) -> _View:
        """The field without the pixels that the target misses."""
        known = np.where(np.isnan(self.target), np.nan, in_units_of(self.target, field))
        return _View(known, complete(known, periodic=self.periodic))

    def measure(self, view: _View) -> dict[str, Parts]:
        """Features of the field, or of its quadrants, by every statistic that fits them."""
        cuts = _quadrants(view.known) if self.pieces else [(slice(None), slice(None))]
        wraps = (False, False) if self.pieces else self.periodic
        least = min(view.known[cuts[0]].shape)
        return {
            name: tuple(
                statistic.describe((view.known if statistic.gaps else view.drawn)[cut], wraps)
                for cut in cuts
            )
            for name, statistic in STATISTICS.items()
            if statistic.least <= least
        }


def _quadrants(field: Field) -> list[Cut]:
    """Where quadrants of one shape lie; the middle line of an odd side is left out.

    Those that hold less than half as many known pixels as the average quadrant say too little.
    """
    rows, columns = ((slice(n // 2), slice(-(n // 2), None)) for n in field.shape)
    every = list(product(rows, columns))
    known = np.array([np.count_nonzero(~np.isnan(field[cut])) for cut in every])
    return [cut for cut, kept in zip(every, known >= known.mean() / 2, strict=True) if kept]


def _between(real: Sequence[Parts], name: str) -> list[float]:
    """Distances of all pairs of real pieces, the target's first."""
    every = [part for parts in real for part in parts]
    return [STATISTICS[name].distance(a, b) for a, b in combinations(every, 2)]


class _Row(NamedTuple):
    """How a model's fields are scored beside the target, whose features are wanted."""

    ruler: _Ruler
    floor: Mapping[str, float]
    wanted: Mapping[str, Parts]
    whole: Field  # the target in its units, missing pixels drawn

    def score(self, fields: Sequence[Field]) -> Score:
        found = [self.ruler.measure(self.ruler.view(field)) for field in fields]
        rows = [_distances(self.wanted, each) for each in found]
        distances = {name: np.array([row[name] for row in rows]) for name in self.floor}
        ratios = {name: values / self.floor[name] for name, values in distances.items()}
        excess = [np.log(np.maximum(values, 1)) for values in ratios.values()]
        overall = np.exp(np.mean(excess, axis=0))
        return Score(distances, ratios, overall, tuple(map(self.signs, fields)))

    def signs(self, field: Field) -> Copying:
        """Signs of copying of a field as it is; only what it misses itself is drawn."""
        x = in_units_of(self.ruler.target, field)
        return copying(self.whole, complete(x, periodic=self.ruler.periodic))


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
        check_real(f"Real field {number}", field, target)
    for name, fields in candidates.items():
        for number, field in enumerate(fields):
            check_candidate(f"Field {number} of {name!r}", field, target)
    if not reals and len(_quadrants(target)) < 2:
        raise InputError(
            "The known pixels of the target lie in one of its quadrants: crop it to the part that "
            "is known, or give further real fields."
        )
