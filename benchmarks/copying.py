"""Copy detection: a shifted copy must be flagged, independent fields of the same process must not.

    python -m benchmarks.copying [--fields 10] [--json FILE]

Per process: both signs (correlation, coherence) of further fields of the process, the largest of
them, and of copies of the picture: shifted, shifted with a tenth of noise, and half of it.
"""

import argparse
from pathlib import Path

import numpy as np
from jaxtyping import Float

from benchmarks.__main__ import save
from benchmarks.scoreboard import SIZE, real_fields
from synth.images import bundled, load
from synth.metrics import Copying, copying

Field = Float[np.ndarray, "h w"]


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
    """Measure every process, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.copying", description=__doc__)
    parser.add_argument("--fields", type=int, default=10)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/copying.json"))
    options = parser.parse_args()
    rows = []
    for name, table in bundled().items():
        if tuple(table["shape"]) != (SIZE, SIZE):
            continue
        target = load(name).field[0]
        fields = real_fields(name, range(100, 100 + options.fields))
        independent = [copying(target, field) for field in fields]
        made = copies(target, fields[0])
        rows.append(
            {
                "name": name,
                "independent": [signs(each) for each in independent],
                **{kind: signs(copying(target, field)) for kind, field in made.items()},
            }
        )
        flagged = sum(each.copied for each in independent)
        print(
            f"{name:11} independent: {flagged} of {len(fields)} flagged, correlation up to"
            f" {max(each.correlation for each in independent):.2f}, coherence up to"
            f" {max(each.coherence for each in independent):.2f};"
            + "".join(f" {kind} {rows[-1][kind]}" for kind in made),
            flush=True,
        )
    save(rows, options.json)


if __name__ == "__main__":
    main()
