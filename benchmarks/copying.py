"""Copy detection: a copy must be flagged, independent fields of the same texture must not.

    python -m benchmarks.copying [NAME ...] [--fields 10] [--json FILE]

Per gray bundled picture, at its own size: both signs (correlation, coherence) of further fields of
its process, the largest of them, and of copies: shifted, shifted with a tenth of noise, and half
of it. A photograph, 512 pixels wide, is cut into quarters: one target, three independent pieces.
"""

import argparse
from pathlib import Path

import numpy as np
from jaxtyping import Float

from benchmarks.report import save
from benchmarks.scoreboard import NAMES, further_fields
from synth import load
from synth.app.images import PHOTOGRAPHS
from synth.metrics import Copying, copying

Field = Float[np.ndarray, "h w"]


def fields(name: str, count: int) -> tuple[Field, list[Field]]:
    """A picture, and others of the same texture that are independent of it."""
    target = load(name).field[0]
    if name not in PHOTOGRAPHS:
        return target, further_fields(name, range(100, 100 + count))
    first, *others = (half for row in np.split(target, 2, 0) for half in np.split(row, 2, 1))
    return first, others


def copies(target: Field, other: Field) -> dict[str, Field]:
    """What must be flagged: the target shifted, with noise, and one half of it."""
    shifted = np.roll(target, (37, 101), (0, 1))
    noise = np.random.default_rng(0).normal(size=target.shape) * target.std() / 10
    half = np.where(np.arange(target.shape[1]) < target.shape[1] // 2, shifted, other)
    return {"shifted": shifted, "with noise": shifted + noise, "half": half}


def signs(copied: Copying) -> dict[str, float | bool]:
    """Both signs and the verdict, ready for JSON."""
    return {
        "correlation": round(copied.correlation, 3),
        "coherence": round(copied.coherence, 3),
        "copied": copied.copied,
    }


def main() -> None:
    """Measure every picture, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.copying", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--fields", type=int, default=10, help="of a process, at least 1")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/copying.json"))
    options = parser.parse_args()
    rows = []
    for name in options.names:
        target, others = fields(name, options.fields)
        independent = [copying(target, field) for field in others]
        made = copies(target, others[0])
        rows.append(
            {
                "name": name,
                "independent": [signs(each) for each in independent],
                **{kind: signs(copying(target, field)) for kind, field in made.items()},
            }
        )
        flagged = sum(each.copied for each in independent)
        print(
            f"{name:14} independent: {flagged} of {len(others)} flagged, correlation up to"
            f" {max(each.correlation for each in independent):.2f}, coherence up to"
            f" {max(each.coherence for each in independent):.2f};"
            + "".join(f" {kind} {rows[-1][kind]}" for kind in made),
            flush=True,
        )
        save(rows, options.json)


if __name__ == "__main__":
    main()
