"""One neighboring tool, set up and timed; run by the interpreter of an environment of its own.

    python -I benchmarks/peers/worker.py kymatio FIELDS.npy
    python -I benchmarks/peers/worker.py batch PICTURES.npy 3 64

Imports NumPy and what the environment holds, nothing of synth. The file has two square float32
fields: the target, and the start, where the gradient is taken; or pictures of a batch, of which
kymatio gives the coefficients at so many scales, so many pictures at a time. A line of JSON on
standard output says what was set up; then every line on standard input is answered by one with the
seconds of a turn. In between the process waits.
"""

# pyright: reportMissingImports=false

import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any
from unittest import mock

import numpy as np

ANGLES = 8

# A peer, set up: what it is, and its loss and gradient with respect to the pixels of ``start``.
Built = tuple[dict[str, Any], Callable[[], np.ndarray]]


def turn(evaluate: Callable[[], Any], least: float = 1.0) -> list[float]:
    """Seconds of each evaluation: one, and as many more as begin within ``least`` seconds."""
    seconds: list[float] = []
    while sum(seconds) < least:
        start = time.perf_counter()
        evaluate()
        seconds.append(time.perf_counter() - start)
    return seconds


def kymatio(target: np.ndarray, start: np.ndarray) -> Built:
    """Scattering of order 2, averaged over the picture: as it comes, with its own padding.

    It reflects the picture at its borders, and at J = log₂ N pads it to three times its side.
    """
    from kymatio.torch import Scattering2D

    transform = Scattering2D(J=_scales(start), shape=start.shape, L=ANGLES, max_order=2)
    padded = f"reflection to {transform._M_padded} x {transform._N_padded}"
    return _scattering(transform, target, start, padding=padded, same_work=False)


def kymatio_torus(target: np.ndarray, start: np.ndarray) -> Built:
    """The same moments of the picture as a torus, as it is with synth: a ninth of the pixels.

    Up to J = log₂ N there is no setting without a margin: either kymatio pads to three times the
    side or it wants a picture that was padded so. Its function that gives the padded size is
    replaced while it sets up.
    """
    from kymatio.torch import Scattering2D

    padding = "kymatio.scattering2d.frontend.base_frontend.compute_padding"
    with mock.patch(padding, lambda rows, columns, _: (rows, columns)):
        transform = Scattering2D(
            J=_scales(start), shape=start.shape, L=ANGLES, max_order=2, pre_pad=True
        )
    transform.unpad = lambda maps: maps.squeeze(-1)  # kymatio's cuts a margin off
    return _scattering(transform, target, start, padding="none", same_work=True)


def batch(pictures: np.ndarray, scales: int, together: int) -> Built:
    """Coefficients of order 2 of each picture by kymatio, a few pictures at a time."""
    import torch
    from kymatio.torch import Scattering2D

    transform = Scattering2D(J=scales, shape=pictures.shape[1:], L=ANGLES, max_order=2)
    chunks = torch.from_numpy(pictures).split(together)

    def evaluate() -> np.ndarray:
        with torch.no_grad():
            return torch.cat([transform(chunk) for chunk in chunks]).numpy()

    return {"num_scales": scales, "num_angles": ANGLES, "together": together}, evaluate


def _scattering(
    transform: Any,  # noqa: ANN401 - a class of an environment of its own
    target: np.ndarray,
    start: np.ndarray,
    *,
    padding: str,
    same_work: bool,
) -> Built:
    """Squared distance of kymatio's coefficients, averaged over the picture."""
    import torch

    with torch.no_grad():
        reference = transform(torch.from_numpy(target)).mean((-2, -1))
    facts = {
        "model": "scattering of order 2, means over the picture",
        "same_work": same_work,
        "settings": {"max_order": 2, "padding": padding},
        "num_scales": transform.J,
        "num_angles": transform.L,
        "num_coefficients": reference.numel(),
    }
    return facts, _gradient(
        lambda field: (transform(field).mean((-2, -1)) - reference).square().sum(), start
    )


def plenoptic(target: np.ndarray, start: np.ndarray) -> Built:
    """Texture statistics of Portilla and Simoncelli, with the defaults and the loss for them."""
    import torch
    from plenoptic.loss import portilla_simoncelli_loss_factory
    from plenoptic.models import PortillaSimoncelli

    model = PortillaSimoncelli(start.shape)
    image = torch.from_numpy(target)[None, None]
    distance = portilla_simoncelli_loss_factory(model, image)
    with torch.no_grad():
        reference = model(image)
    facts = {
        "model": "texture statistics of Portilla and Simoncelli",
        "same_work": False,
        "settings": {"spatial_corr_width": model.spatial_corr_width},
        "num_scales": model.n_scales,
        "num_angles": model.n_orientations,
        "num_coefficients": reference.numel(),
    }
    return facts, _gradient(lambda field: distance(model(field[None, None]), reference), start)


def pywph(target: np.ndarray, start: np.ndarray) -> Built:
    """Wavelet phase harmonics: the default classes, chunk by chunk as in its examples.

    Chunks as large as its own choice, which takes what memory is free, take twice as long on a CPU.
    """
    import torch
    from pywph import WPHOp

    scales, chunk_size = _scales(start) - 1, 32
    operator = WPHOp(*start.shape, scales, L=ANGLES)
    reference = operator.apply(target, norm="auto").detach()

    def evaluate() -> np.ndarray:
        field, chunks = operator.preconfigure(
            start.copy(), requires_grad=True, nb_wph_cov_per_chunk=chunk_size
        )
        for chunk in range(chunks):
            each, indices = operator.apply(field, chunk, norm="auto", ret_indices=True)
            loss = torch.sum(torch.abs(each - reference[indices]) ** 2)
            loss.backward(retain_graph=True)
        return field.grad.numpy()

    facts = {
        "model": "wavelet phase harmonics S11, S00, S01, C01, Cphase, L (complex)",
        "same_work": False,
        "settings": {"dn": operator.dn, "norm": "auto", "nb_wph_cov_per_chunk": chunk_size},
        "num_scales": scales,
        "num_angles": ANGLES,
        "num_coefficients": reference.numel(),
    }
    return facts, evaluate


PEERS = {
    "kymatio": kymatio,
    "kymatio-torus": kymatio_torus,
    "plenoptic": plenoptic,
    "pywph": pywph,
}


def _scales(field: np.ndarray) -> int:
    """Log₂ of the side, which is a power of two."""
    return len(field).bit_length() - 1


def _gradient(loss: Callable[[Any], Any], start: np.ndarray) -> Callable[[], np.ndarray]:
    """One loss and its gradient, by PyTorch."""
    import torch

    field = torch.from_numpy(start).requires_grad_()

    def evaluate() -> np.ndarray:
        (gradient,) = torch.autograd.grad(loss(field), field)
        return gradient.numpy()

    return evaluate


def _environment(name: str) -> dict[str, Any]:
    """What the peer runs on; its package is the first word of its name."""
    import torch

    return {
        "version": version(name.split("-")[0]),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def _set_up(name: str, path: str, *numbers: str) -> Built:
    """The peer after an evaluation that warms up, and shows that what it gives are numbers."""
    if name == "batch":
        facts, evaluate = batch(np.load(path), *map(int, numbers))
    else:
        facts, evaluate = PEERS[name](*np.load(path))
    found = evaluate()
    if not (np.isfinite(found).all() and found.any()):
        raise ValueError("what it gives is zero or not finite")
    return facts, evaluate


def main() -> None:
    """Set up the peer, then answer every line with the seconds of a turn."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer

    def answer(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=answers, flush=True)

    name, *rest = sys.argv[1:]
    try:
        facts, evaluate = _set_up(name, *rest)
        answer({**facts, **_environment("kymatio" if name == "batch" else name)})
        for _ in sys.stdin:
            seconds = turn(evaluate)
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            answer({"seconds": seconds, "memory": most * 1024})
    except Exception as error:  # whatever a foreign library raises
        answer({"error": " ".join(f"{type(error).__name__}: {error}".split())})


if __name__ == "__main__":
    main()
