"""Trials: for every model and size of patches, whether a network tells its fields from real ones.

Beside the models stands the control: real fields against real ones, which nothing should tell
apart.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from synth.errors import InputError
from synth.metrics.learned import (
    LEAST_PATCH,
    PATCHES,
    Pairs,
    Settings,
    Told,
    check_least,
    halves,
    largest_patch,
    pairs,
    tell_apart,
)
from synth.parallel.mesh import common_mesh

__all__ = ["CONTROL", "Trial", "Trials", "on_devices", "prepare", "report", "run", "verdicts"]

CONTROL = ""
"""Name of the row in which real fields are held against real ones: no file has this name."""

CAUTION = (
    "Pieces of few pictures stand for fields. The network may tell these pictures apart instead of "
    "their textures, so that an AUC may be too high; and with so little to learn from it may miss "
    "what 8 real pictures and 8 samples would show."
)
"""What pieces of one picture can and cannot say."""


class Trial(NamedTuple):
    """What is to be tried, checked.

    Attributes:
        rows: what is told apart by the model's name, the control first.
        patches: sides of patches, pixels; for every row those that fit.
        periodic: which axes of whole fields wrap.
    """

    rows: dict[str, Pairs]
    patches: dict[str, tuple[int, ...]]
    periodic: tuple[bool, bool]


class Trials(NamedTuple):
    """What came out.

    Attributes:
        rows: by the model's name, the control first, then by the side of patches.
        cut: whether pieces of pictures stood for fields in the row of some model.
    """

    rows: dict[str, dict[int, Told]]
    cut: bool

    @property
    def patches(self) -> list[int]:
        """Sides of patches of all rows, pixels."""
        return sorted({patch for row in self.rows.values() for patch in row})


def prepare(
    reals: Sequence[Float[np.ndarray, "c h w"]],
    models: Mapping[str, Sequence[Float[np.ndarray, "c h w"]]],
    *,
    periodic: tuple[bool, bool],
    patches: Sequence[int] = (),
) -> Trial:
    """Pair fields of every model with real ones, and real ones with each other.

    Args:
        reals: the target and further real fields.
        models: fields by the model's name.
        periodic: which axes wrap.
        patches: sides, pixels; the usual ones that fit by default.

    Raises:
        InputError: if a field misses pixels, or if patches do not fit.
    """
    for name, fields in {"the real ones": reals, **models}.items():
        if not all(np.isfinite(field).all() for field in fields):
            raise InputError(
                f"A picture of {name} misses pixels, and the network needs all of them: crop the "
                "pictures to the part that is known, or compare without --learned."
            )
    real = np.stack(reals)
    rows = {CONTROL: halves(real)}
    rows |= {name: pairs(real, np.stack(fields)) for name, fields in models.items()}
    wanted = sorted(set(patches or PATCHES))
    check_least(wanted[0])
    fit = {name: _fitting(row, wanted) for name, row in rows.items()}
    few = [name for name in models if not fit[name] or (patches and fit[name] != tuple(wanted))]
    if few:
        raise InputError(_too_large(wanted, real.shape[2:], rows[few[0]]))
    return Trial(rows, fit, periodic)


def _fitting(row: Pairs, patches: Sequence[int]) -> tuple[int, ...]:
    most = largest_patch(row.real.shape[2:])
    return tuple(patch for patch in patches if LEAST_PATCH <= patch <= most)


def _too_large(patches: Sequence[int], whole: tuple[int, ...], row: Pairs) -> str:
    """Why patches do not fit, and what to do."""
    sizes = ", ".join(map(str, patches))
    most = largest_patch(row.real.shape[2:])
    pieces = "quadrants of " if row.cut else ""
    range_ = f"choose --patch {LEAST_PATCH} to {most}" if most >= LEAST_PATCH else ""
    advice = [range_, "give larger pictures", "or 4 real ones and 4 samples" if row.cut else ""]
    return (
        f"Patches of {sizes} pixels do not all fit into {pieces}pictures of {whole[0]} × "
        f"{whole[1]}, two side by side: {', '.join(filter(None, advice))}."
    )


def run(
    trial: Trial, *, seed: int = 0, settings: Settings | None = None
) -> Generator[tuple[str, int], None, Trials]:
    """Train and judge the networks of all rows and patches.

    Args:
        trial: of ``prepare``.
        seed: of all random numbers.
        settings: of the training.

    Yields:
        Name of the row and side of patches, before each training.

    Returns:
        The results.
    """
    settings, found = settings or Settings(), {}
    for name, row in trial.rows.items():
        found[name] = {}
        for patch in trial.patches[name]:
            yield name, patch
            with on_devices(settings):
                found[name][patch] = tell_apart(
                    row.real,
                    row.made,
                    key=jax.random.key(seed),
                    patch=patch,
                    periodic=False if row.cut else trial.periodic,
                    settings=settings,
                )
    return Trials(found, any(row.cut for name, row in trial.rows.items() if name != CONTROL))


def on_devices(settings: Settings) -> AbstractContextManager[object]:
    """A context in which all devices of a processor share the folds of a training."""
    mesh = common_mesh(None, samples=settings.folds * settings.seeds, angles=[1])
    return jax.set_mesh(mesh) if mesh else nullcontext()


def verdicts(trials: Trials) -> list[str]:
    """A sentence per model: up to which size it is not told from real, and from which on it is."""
    control = trials.rows.get(CONTROL, {})
    sentences = [_verdict(name, row) for name, row in trials.rows.items() if name != CONTROL]
    chance = [f"{patch}" for patch, told in control.items() if told.differs]
    if chance:
        sentences.append(
            f"Beware: at {', '.join(chance)} px the network tells real from real, so it says "
            "nothing of models there."
        )
    return [*sentences, CAUTION] if trials.cut else sentences


def _verdict(name: str, row: Mapping[int, Told]) -> str:
    sizes = sorted(row)
    told = [patch for patch in sizes if row[patch].differs]
    if not told:
        return f"{name}: not told from real up to {sizes[-1]} px."
    first = told[0]
    later = [patch for patch in sizes if patch >= first]
    if told != later:
        words = f"the network tells at {', '.join(map(str, told))} px"
    else:
        words = f"the network tells from {first} px on"
    below = [patch for patch in sizes if patch < first]
    before = f"not told from real up to {below[-1]} px, " if below else ""
    return f"{name}: {before}{words}, with an AUC of {row[first].auc:.2f}."


def report(trials: Trials) -> dict[str, Any]:
    """Results ready for JSON."""
    rows = {
        name: [
            {"patch": one.patch, "auc": one.auc, "low": one.low, "high": one.high}
            for one in row.values()
        ]
        for name, row in trials.rows.items()
    }
    return {
        "control": rows[CONTROL],
        "models": {name: row for name, row in rows.items() if name != CONTROL},
        "pieces": trials.cut,
        "verdicts": verdicts(trials),
    }
