"""One loss and gradient of neighboring tools, timed in turn with ours on the same fields.

    python -m benchmarks.peers --python PEERS/bin/python [--size 256] [--repeats 5] [--json FILE]

README.md says how the environment of the other interpreter is made. Each peer is a process of its
own that waits for a line while ours is timed, and we wait for its answer. A turn is as many
evaluations as begin within a second; ratios are those of the medians of two turns, one after the
other, and of these the median; beside it stands the ratio of the fastest evaluations of each side.
Both sides run on the CPU, with as many threads as they choose, on a machine that does nothing else;
ours is one of ten evaluations of a program, as in a descent, shared by all cores as in the command.
Only kymatio measures the same moments, as it comes and, on the torus, with the same work: the
others measure other statistics, and are there for orientation.
"""

import functools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks.floor import TOGETHER
from benchmarks.peers.turns import PeerError, answer, ask, figures, parsed, parser_of, peer
from benchmarks.peers.worker import ANGLES, PEERS, turn
from benchmarks.report import save
from benchmarks.speed import Evaluations, shared
from synth import ScatteringMoments, fit, morlet_bank, paths


def fields(size: int) -> Float[np.ndarray, "2 n n"]:
    """The target, and the field at which the gradient is taken: white noise."""
    return np.random.default_rng(0).standard_normal((2, size, size)).astype(np.float32)


@functools.cache
def ours(size: int) -> tuple[int, Callable[[], Any]]:
    """Number of moments, and our evaluations: compiled, and warm."""
    target, start = fields(size)
    bank = morlet_bank((size, size), num_angles=ANGLES)
    with shared("scattering", None):
        model = fit(ScatteringMoments(bank), target)
        evaluations = Evaluations(model, model.variable(model.from_units(jnp.asarray(start))))

    def evaluate() -> None:
        jax.block_until_ready(evaluations())

    evaluate()
    return len(paths(bank)), evaluate


def measure(python: str, name: str, size: int, repeats: int) -> dict[str, Any]:
    """One row of the table.

    Args:
        python: interpreter of the peers' environment.
        name: the peer.
        size: pixels of a side, a power of two.
        repeats: pairs of turns.

    Raises:
        PeerError: The peer cannot be set up, or its process ends.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fields.npy"
        np.save(path, fields(size))
        with peer(python, name, str(path)) as process:
            facts = answer(process)
            count, evaluate = ours(size)
            pairs = [(_turn(evaluate), ask(process)["seconds"]) for _ in range(repeats)]
    return {
        "peer": name,
        **facts,
        "size": size,
        "num_coefficients_synth": count,
        **figures([mine for mine, _ in pairs], [theirs for _, theirs in pairs]),
    }


def _turn(evaluate: Callable[[], Any]) -> list[float]:
    """Seconds of our evaluations of a turn."""
    return [seconds / TOGETHER for seconds in turn(evaluate)]


def main() -> None:
    """Measure the peers that are asked for, print and keep the rows."""
    parser = parser_of("benchmarks.peers", __doc__, "peers.json")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    options = parsed(parser)
    if options.size < 16 or options.size & (options.size - 1):
        parser.error(f"--size is {options.size}, and must be a power of two from 16 on")
    jax.config.update("jax_platforms", "cpu")
    results = []
    print("peer          version  size  J  L  numbers    peer ms   synth ms   ratio  fastest")
    for name in options.peers:
        try:
            row = measure(options.python, name, options.size, options.repeats)
        except PeerError as error:
            print(f"{name} is left out: {error}", file=sys.stderr, flush=True)
            continue
        results.append(row)
        print(
            f"{name:13} {row['version']:7} {options.size:5d} {row['num_scales']:2d}"
            f" {row['num_angles']:2d} {row['num_coefficients']:8d}"
            f" {1e3 * row['seconds_evaluation']:10.1f}"
            f" {1e3 * row['seconds_evaluation_synth']:10.1f} {row['ratio']:7.1f}"
            f" {row['ratio_fastest']:8.1f}",
            flush=True,
        )
        low, high = row["ratio_range"]
        if high > 1.5 * low:
            print(f"{name}: ratios from {low:.1f} to {high:.1f}: was the machine idle?")
    if not results:
        sys.exit("No peer was measured, and nothing is written.")
    save(results, options.json)


if __name__ == "__main__":
    main()
