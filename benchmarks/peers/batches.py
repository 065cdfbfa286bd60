"""Scattering of batches of pictures, as features: ours and kymatio's, in turns.

    python -m benchmarks.peers.batches --python PEERS/bin/python [--repeats 5] [--json FILE]

README.md says how the environment of the other interpreter is made. Orders up to 2, L = 8: 1,000
pictures of 32 × 32 with J = 3, and 64 of 256 × 256 with J = 5, reflected at their borders, no
gradient. Ours is ``ScatteringTransformer`` as it comes; kymatio's PyTorch gets all pictures at
once, and as many at a time as is said, whichever is faster. Turns and ratios are those of
``benchmarks.peers``; memory is the most that either process held.
"""

import resource
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks.peers.turns import PeerError, answer, ask, figures, parsed, parser_of, peer
from benchmarks.peers.worker import ANGLES, turn
from benchmarks.report import machine, save
from synth.learning import ScatteringTransformer


class Batch(NamedTuple):
    """So many pictures of a side in pixels, the scales J, and few at a time beside all at once."""

    pictures: int
    side: int
    scales: int
    few: int


_BATCHES = (Batch(1000, 32, 3, 50), Batch(64, 256, 5, 8))


def measure(python: str, batch: Batch, repeats: int) -> dict[str, Any]:
    """One row of the table.

    Args:
        python: interpreter of the peers' environment.
        batch: what is measured.
        repeats: pairs of turns.

    Raises:
        PeerError: if kymatio cannot be set up, or its process ends.
    """
    shape = (batch.pictures, batch.side, batch.side)
    pictures = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    transformer = ScatteringTransformer(scales=batch.scales, angles=ANGLES).fit(pictures[:2])
    numbers = transformer.transform(pictures)[0].size

    def evaluate() -> None:
        transformer.transform(pictures)

    rows, failed = [], PeerError()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.npy"
        np.save(path, pictures)
        for together in (batch.pictures, batch.few):
            try:
                with peer(python, "batch", str(path), str(batch.scales), str(together)) as process:
                    facts = answer(process)
                    pairs = [(turn(evaluate), ask(process)) for _ in range(repeats)]
            except PeerError as error:  # such as too little memory for all at once
                failed = error
                continue
            own = figures([mine for mine, _ in pairs], [one["seconds"] for _, one in pairs])
            rows.append({**facts, **own, "memory": pairs[-1][1]["memory"]})
    if not rows:
        raise failed
    best = min(rows, key=lambda row: row["seconds_evaluation"])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "pictures": len(pictures),
        "size": batch.side,
        "num_coefficients": numbers,
        **best,
        "memory_synth": most,
    }


def main() -> None:
    """Measure both batches, print and keep the rows."""
    options = parsed(parser_of("benchmarks.peers.batches", __doc__, "batches.json"))
    jax.config.update("jax_platforms", "cpu")
    rows = []
    print("pictures  size  J   kymatio s  at a time    GB    synth s    GB   ratio  fastest")
    for batch in _BATCHES:
        try:
            row = measure(options.python, batch, options.repeats)
        except PeerError as error:
            sys.exit(f"kymatio is left out: {error}")
        rows.append(row)
        print(
            f"{row['pictures']:8d} {row['size']:5d} {row['num_scales']:2d}"
            f" {row['seconds_evaluation']:11.2f} {row['together']:10d}"
            f" {row['memory'] / 1e9:5.1f} {row['seconds_evaluation_synth']:10.3f}"
            f" {row['memory_synth'] / 1e9:5.1f} {row['ratio']:7.1f} {row['ratio_fastest']:8.1f}",
            flush=True,
        )
    save(rows, options.json, machine())


if __name__ == "__main__":
    main()
