"""The scoreboard: distances of fields from their target, in units of the noise floor.

The floor is the distance between two real pieces of the same texture, so that a ratio of 1
says: as good as another real piece. Pixels that the target misses are left out of every field,
and what a statistic needs in their place is drawn for all fields alike.

Fields of several channels are measured on the principal components of the target's channels:
statistics of a gray field on every component, with a floor of its own, and statistics of
channels on all of them together. A gray field is its own only component.
"""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.errors import InputError
from synth.metrics._check import check_candidate, check_real, check_target, plain
from synth.metrics._statistic import Features, Field, Wraps
from synth.metrics._units import Units, drawn, missing
from synth.metrics.colors import ForeignColors
from synth.metrics.copies import Copying, Original, strongest
from synth.metrics.registry import CHANNEL_STATISTICS, STATISTICS
from synth.transforms.estimate import Periodic, axes_of

_MOST_THREADS = 8  # each holds a field and what is measured of it
# Exactly repeating patterns have no noise; their ratios should be large, not infinite.
_LEAST_FLOOR = 1e-6
_ALL = STATISTICS | CHANNEL_STATISTICS

Parts = tuple[Features, ...]  # of a whole plane or of its quadrants
Entries = tuple[Parts, ...]  # of a row: a component's each, or those of all components together
Cut = tuple[slice, slice]
Planes = Float[np.ndarray, "k h w"]
Channels = Float[np.ndarray, "*c h w"]


class Score(NamedTuple):
    """One model's candidates against the target.

    Attributes:
        distances: per statistic, of every candidate.
        ratios: the same, in units of the noise floor.
        overall: geometric mean of max(ratio, 1) over all statistics, of every candidate.
        copying: signs of copying, of every candidate; no part of ``overall``.
        foreign: share of pixels with a color that the target does not have, of every
            candidate, see ``foreign_colors``; no part of ``overall``. None of gray fields.
    """

    distances: dict[str, Float[np.ndarray, " b"]]
    ratios: dict[str, Float[np.ndarray, " b"]]
    overall: Float[np.ndarray, " b"]
    copying: tuple[Copying, ...]
    foreign: Float[np.ndarray, " b"] | None = None


class Scoreboard(NamedTuple):
    """Models beside each other and beside the noise floor.

    Attributes:
        floor: rms distance between real pieces, per statistic, in the distance's units. A
            statistic that is measured on two components or more has the floor 1: its
            distances are the rms over components, each in units of the component's own floor.
        spread: smallest and largest distance between real pieces, in units of the floor.
        pieces: whether real pieces are quadrants, because there were no second fields.
        scores: by the model's name, in the order given.
    """

    floor: dict[str, float]
    spread: dict[str, tuple[float, float]]
    pieces: bool
    scores: dict[str, Score]


def compare(
    target: Float[np.ndarray, "*c h w"],
    candidates: Mapping[str, Sequence[Float[np.ndarray, "... _ _"]]],
    *,
    reals: Sequence[Float[np.ndarray, "... _ _"]] = (),
    periodic: Periodic = True,
) -> Scoreboard:
    """Score candidates by all statistics that fit the target's size.

    With two further real fields or more, whole fields are compared, and the floor is the rms
    distance over all pairs of {target} ∪ reals. With fewer, quadrants stand for fields: the
    floor is the rms over pairs of different quadrants of the real fields, and a candidate's
    distance is the rms over its quadrants paired with the target's, so that the target itself
    scores about 1 and not 0. The rms, because the squared ratio of an independent real field
    then has the expectation 1.

    Fields of 2 to 8 channels are scored by the target's whitened principal components, so
    that the units of channels do not matter. The rows see only what varies in the target: a
    candidate may leave the target's constant channels or its combinations of channels unseen,
    but for ``Score.foreign``. A target with a single component, such as gray stored as RGB, has
    the rows of a gray one.

    All fields lose the pixels that the target misses (NaN), in one channel or in all.
    Statistics of pixels and of their pairs do without them; for the others they are drawn by
    ``transforms.estimate.complete``, every component for itself, the target's as everyone's.
    Quadrants that hold hardly any pixel are left out.

    Args:
        target: the texture, ``h w`` or ``c h w``; all fields are expressed in its means,
            deviations and components.
        candidates: fields of every model by its name, each of the target's shape. What they
            hold where the target misses pixels has no influence on the scores.
        reals: further samples of the same texture, of the target's shape, which may miss
            pixels of their own.
        periodic: whether fields wrap, per axis; quadrants never do.

    Returns:
        The scoreboard. Statistics that do not fit the size are left out of all its tables.

    Raises:
        InputError: if a candidate is not finite where the target is known, or a shape
            differs; if the target is constant, has more than 8 channels or under 16 pixels on
            a side, or misses more than three quarters of them.

    Example:
        >>> x, y, z, noise = np.random.default_rng(0).normal(size=(4, 32, 32))
        >>> board = compare(x, {"noise": [noise]}, reals=[y, z])
        >>> bool(board.scores["noise"].overall[0] < 1.5)
        True
    """
    target, reals = plain(target), [plain(field) for field in reals]
    candidates = {name: [plain(field) for field in each] for name, each in candidates.items()}
    _check(target, reals, candidates)
    ruler = _Ruler(Units.of(target), len(reals) < 2, axes_of(periodic))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
        try:
            return _compared(target, reals, candidates, ruler, pool)
        except BaseException:
            pool.shutdown(cancel_futures=True)  # nobody waits for the rest
            raise


def _compared(
    target: Channels,
    reals: Sequence[Channels],
    candidates: Mapping[str, Sequence[Channels]],
    ruler: "_Ruler",
    pool: ThreadPoolExecutor,
) -> Scoreboard:
    """Floors of the real fields, and scores; every field is measured by a thread of its own."""
    views = list(pool.map(ruler.view, (target, *reals)))
    real = list(pool.map(ruler.measure, views))
    floors, spread = {}, {}
    for name in real[0]:
        pairs = _between([each[name] for each in real], name)
        floors[name] = _Floor.of(pairs)
        spread[name] = floors[name].ends(pairs)
    foreign = None if target.ndim == 2 else ForeignColors.of(target)
    row = _Row(ruler, floors, real[0], views[0].drawn, foreign)
    originals = [pool.submit(Original.of, each) for each in row.whole[: ruler.units.leading]]
    started = {
        name: [
            (pool.submit(row.distances, field), pool.submit(row.signs, originals, field))
            for field in each
        ]
        for name, each in candidates.items()
    }
    scores = {
        name: row.score(candidates[name], [(one.result(), other.result()) for one, other in each])
        for name, each in started.items()
    }
    units = {name: each.unit for name, each in floors.items()}
    return Scoreboard(units, spread, ruler.pieces, scores)


class _View(NamedTuple):
    """Components in the target's units, NaN where a pixel is missing, and with all drawn."""

    known: Planes
    drawn: Planes


class _Ruler(NamedTuple):
    """How every field is measured, real or not: in whose units, in which parts, how bordered."""

    units: Units
    pieces: bool
    periodic: Wraps

    def view(self, field: Channels) -> _View:
        """The field without the pixels that the target misses."""
        known = np.where(self.units.missing, np.nan, self.units.express(field))
        return _View(known, drawn(known, self.periodic))

    def measure(self, view: _View) -> dict[str, Entries]:
        """Features of the field, or of its quadrants, by every statistic that fits them."""
        cuts = _quadrants(view.known[0]) if self.pieces else [(slice(None), slice(None))]
        wraps = (False, False) if self.pieces else self.periodic
        least = min(view.known[0][cuts[0]].shape)
        # What statistics share, by what they are given: with gaps or without, alone or together.
        prepared: defaultdict[tuple[bool, bool, int, int], dict] = defaultdict(dict)
        found = {}
        for name, statistic in (_ALL if len(view.known) > 1 else STATISTICS).items():
            if statistic.least > least:
                continue
            gaps, alone = statistic.gaps, name in STATISTICS
            planes = view.known if gaps else view.drawn
            found[name] = tuple(
                tuple(
                    statistic.measure(entry[..., *cut], wraps, prepared[gaps, alone, number, place])
                    for place, cut in enumerate(cuts)
                )
                for number, entry in enumerate(planes if alone else [planes])
            )
        return found


def _quadrants(field: Field) -> list[Cut]:
    """Where quadrants of one shape lie; the middle line of an odd side is left out.

    Those that hold less than half as many known pixels as the average quadrant say too little.
    """
    rows, columns = ((slice(n // 2), slice(-(n // 2), None)) for n in field.shape)
    every = list(product(rows, columns))
    known = np.array([np.count_nonzero(~np.isnan(field[cut])) for cut in every])
    return [cut for cut, kept in zip(every, known >= known.mean() / 2, strict=True) if kept]


def _between(real: Sequence[Entries], name: str) -> list[list[float]]:
    """Distances of all pairs of real pieces, the target's first, for every entry of a row."""
    pooled = ([part for parts in entry for part in parts] for entry in zip(*real, strict=True))
    return [[_ALL[name].distance(a, b) for a, b in combinations(every, 2)] for every in pooled]


class _Floor(NamedTuple):
    """The noise floor of a row: one per component, or of all of them together."""

    each: tuple[float, ...]

    @classmethod
    def of(cls, pairs: Sequence[Sequence[float]]) -> "_Floor":
        """The rms over pairs of real pieces, for every entry of the row."""
        return cls(tuple(max(_root_mean_square(values), _LEAST_FLOOR) for values in pairs))

    @property
    def unit(self) -> float:
        """The floor in the units of the row's distance."""
        return self.each[0] if len(self.each) == 1 else 1.0

    def distance(self, entries: Sequence[float]) -> float:
        """One distance of a row: its only one, or the rms over components over their floors."""
        if len(self.each) == 1:
            return entries[0]
        return _root_mean_square(np.divide(entries, self.each))

    def ends(self, pairs: Sequence[Sequence[float]]) -> tuple[float, float]:
        """Smallest and largest distance of a pair, in units of the floor."""
        values = [self.distance(pair) for pair in zip(*pairs, strict=True)]
        return min(values) / self.unit, max(values) / self.unit


class _Row(NamedTuple):
    """How a model's fields are scored beside the target, whose features are wanted."""

    ruler: _Ruler
    floors: Mapping[str, _Floor]
    wanted: Mapping[str, Entries]
    whole: Planes  # the target in its units, missing pixels drawn
    colors: ForeignColors | None

    def score(
        self, fields: Sequence[Channels], found: Sequence[tuple[dict[str, float], Copying]]
    ) -> Score:
        """The score of a model's fields, of which distances and signs of copying were found."""
        rows = [distances for distances, _ in found]
        distances = {name: np.array([row[name] for row in rows]) for name in self.floors}
        ratios = {name: values / self.floors[name].unit for name, values in distances.items()}
        excess = [np.log(np.maximum(values, 1)) for values in ratios.values()]
        overall = np.exp(np.mean(excess, axis=0))
        signs = tuple(one for _, one in found)
        return Score(distances, ratios, overall, signs, self.foreign(fields))

    def distances(self, field: Channels) -> dict[str, float]:
        """Distance of a field by every statistic."""
        found = self.ruler.measure(self.ruler.view(field))
        both = {name: zip(self.wanted[name], found[name], strict=True) for name in self.floors}
        return {
            name: floor.distance([_distance(name, *parts) for parts in both[name]])
            for name, floor in self.floors.items()
        }

    def foreign(self, fields: Sequence[Channels]) -> Float[np.ndarray, " b"] | None:
        """Share of foreign colors of every field; None of gray fields."""
        if self.colors is None:
            return None
        return np.array([self.colors.share(field) for field in fields])

    def signs(self, originals: Sequence[Future[Original]], field: Channels) -> Copying:
        """Signs of copying of a field as it is; only what it misses itself is drawn.

        Args:
            originals: leading components of the target, that threads began to prepare before.
            field: in the target's channels.
        """
        units, periodic = self.ruler.units, self.ruler.periodic
        planes = drawn(units.express(field)[: units.leading], periodic)
        every = zip(originals, planes, strict=True)
        return strongest([original.result().signs(plane) for original, plane in every])


def _distance(name: str, wanted: Parts, found: Parts) -> float:
    """Distance by one statistic: rms over all pairs of a target's part and a field's."""
    return _root_mean_square([_ALL[name].distance(a, b) for a, b in product(wanted, found)])


def _root_mean_square(values: Sequence[float] | Float[np.ndarray, " n"]) -> float:
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
    if not reals and len(_quadrants(np.where(missing(target), np.nan, 0.0))) < 2:
        raise InputError(
            "The known pixels of the target lie in one of its quadrants: crop it to the part that "
            "is known, or give further real fields."
        )
