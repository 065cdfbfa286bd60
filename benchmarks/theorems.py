"""The theorems of scattering, measured: contraction, energy, translations, deformations.

    python -m benchmarks.theorems [--json FILE] [--figure FILE]

Contraction: the largest ‖S_J x − S_J y‖ / ‖x − y‖ of 200 pairs of white, smooth, sparse, nearly
equal and natural fields, to order 3, for every bank and three strides, beside what bounds it; and
that of two pairs which may grow apart. Energy: the share of ‖x‖² in every order, and where the
rest of it is. Translations: ‖S_J x_c − S_J x‖ / ‖x‖. Deformations: the largest
‖S_J x_τ − S_J x‖ / ‖x‖ per ‖∇τ‖∞, and per ‖∇τ‖∞ + 2^−J ‖τ‖∞, of 200 random smooth τ. Dilations: of
wave packets, scattering beside the Fourier modulus.
"""

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from benchmarks.report import save
from synth import EXACT, MAPS, FilterBank, littlewood_paley, load, morlet_bank, scatter_local
from synth.app.figures import stability
from synth.transforms.energies import Shares, energy_shares, expansion, norms
from synth.transforms.stability import (
    Deformations,
    Dilations,
    Translations,
    deformations,
    dilations,
    smooth_displacement,
    translations,
)

PICTURES = ("brick", "grass", "gravel", "turbulence", "foam")
KINDS = ("white", "smooth", "sparse", "nearly equal", "natural")
SCALES, ANGLES = 4, 8
PAIRS = DEFORMATIONS = 200
SHIFTS = (1, 2, 4, 8, 16)
SLOPES = (0.01, 0.3)
DILATION = 0.03
FREQUENCIES = np.geomspace(np.pi / 64, 0.75 * np.pi, 25)
STRIDES = (1, 2, 4)  # points per 2^J pixels
_IN_SCIKIT_IMAGE = PICTURES[:3]
_CONTRACTION, _PICTURE, _DEFORMATION, _DILATION = (32, 48), (128, 128), (96, 96), (256, 256)
# Tight and plain, of 4 and 8 angles, fast and exact; and the fastest.
_BANKS = [*product((True, False), (4, 8), (0, EXACT)), (True, 8, MAPS)]
_SUBSAMPLED = (160, 192)  # so large that maps of the first layer are subsampled
_SHOWN = "grass"  # moved, in the figure
_AT_ONCE = 50  # pairs

Field = Float[np.ndarray, "h w"]


def picture(name: str, shape: tuple[int, int]) -> Field:
    """A corner of a picture, taken for a torus; gray levels from 0, black.

    Args:
        name: bundled with this project or with scikit-image, or ``white``, for white noise.
        shape: at most 256 × 256.

    Raises:
        OSError: if scikit-image cannot load its picture.
    """
    if name == "white":
        return np.random.default_rng(0).standard_normal(shape)
    if name in _IN_SCIKIT_IMAGE:
        from skimage import data

        whole = getattr(data, name)()
    else:
        whole = load(name).field[0]
    return whole[: shape[0], : shape[1]].astype(np.float64)


def standard(field: Field) -> Field:
    """The field of mean 0 and variance 1."""
    return (field - field.mean()) / field.std()


def pair(seed: int, shape: tuple[int, int]) -> Float[np.ndarray, "2 h w"]:
    """Two fields of ``KINDS[seed % 5]``, where a contraction would fail first."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, *shape))
    kind = KINDS[seed % len(KINDS)]
    if kind == "smooth":
        x, y = (np.cumsum(np.cumsum(z, 0), 1) / 30 for z in (x, y))
    if kind == "sparse":
        x, y = (z * (rng.uniform(size=shape) < 0.02) for z in (x, y))
    if kind == "nearly equal":
        y = x + 1e-2 * y
    if kind == "natural":
        corners = rng.integers(0, 256, (2, 2))
        wholes = [picture(name, (256, 256)) for name in ("turbulence", "foam")]
        moved = [np.roll(z, tuple(at), (0, 1)) for z, at in zip(wholes, corners, strict=True)]
        x, y = (standard(z[: shape[0], : shape[1]]) for z in moved)
    return np.stack([x, y])


def contraction(bank: FilterBank, max_order: int = 3, pairs: int = PAIRS) -> dict[str, Any]:
    """Largest ratio of distances for every stride, beside the ``expansion`` that bounds it.

    Two pairs more lie where distances may grow: ``wave``, the wave that the Littlewood–Paley sum
    is largest at, and ``aliased``, a constant and the waves of 2^J pixels, which on a grid of
    that stride φ_J takes for a constant. The other field of both is 0.
    """
    ratios = []
    for first in range(0, pairs, _AT_ONCE):
        several = np.stack([pair(seed, bank.shape) for seed in range(first, first + _AT_ONCE)])
        ratios.append(_ratios(several, bank, max_order))
    total = littlewood_paley(bank)
    cycles = np.unravel_index(np.argmax(total), bank.shape) - np.array(bank.shape) // 2
    height, width = (n // 2**bank.num_scales for n in bank.shape)
    aliased = 1 + _wave(bank.shape, (height, 0)) + _wave(bank.shape, (0, width))
    sharp = np.stack([_wave(bank.shape, cycles), aliased])
    by_wave, by_alias = _ratios(np.stack([sharp, 0 * sharp], 1), bank, max_order)
    longest = np.concatenate(ratios).max(0)
    return {
        "theorem": "contraction",
        **_named(bank),
        "pairs": pairs,
        "largest_sum": float(total.max()),
        "ratios": {f"2^J/{n}": float(r) for n, r in zip(STRIDES, longest, strict=True)},
        "bounds": {
            f"bound at 2^J/{n}": expansion(bank, 2**bank.num_scales // n, max_order)
            for n in STRIDES
        },
        "wave": float(by_wave[-1]),
        "aliased": float(by_alias[0]),
    }


def _ratios(
    pairs: Float[np.ndarray, "b 2 h w"], bank: FilterBank, max_order: int
) -> Float[np.ndarray, "b s"]:
    """‖S_J x − S_J y‖ / ‖x − y‖ for every stride; a coarse grid is a part of a fine one."""
    stride = 2**bank.num_scales // STRIDES[-1]
    fields = jnp.asarray(pairs, jnp.float32)
    maps = np.asarray(scatter_local(fields, bank, stride=stride, max_order=max_order))
    moved = maps[:, 0] - maps[:, 1]
    distance = norms((pairs[:, 0] - pairs[:, 1])[:, None])
    steps = [STRIDES[-1] // points for points in STRIDES]
    return np.stack([norms(moved[..., ::step, ::step]) / distance for step in steps], -1)


def _wave(shape: tuple[int, int], cycles: Sequence[int] | Int[np.ndarray, "2"]) -> Field:
    """The wave of so many cycles along both axes."""
    rows, columns = np.indices(shape)
    return np.cos(2 * np.pi * (cycles[0] * rows / shape[0] + cycles[1] * columns / shape[1]))


def energy(name: str, shares: Shares, mean: float) -> dict[str, Any]:
    """Shares of the energy of a picture in its orders and elsewhere, without its mean and with it.

    Args:
        name: of the picture.
        shares: of the picture without its mean.
        mean: share of its mean in the energy of its gray levels, all of which is in order 0.
    """
    orders = float(shares.orders.sum())
    return {
        "theorem": "energy",
        "picture": name,
        **{f"order{k}": float(each) for k, each in enumerate(shares.orders)},
        "orders": orders,
        **dict(zip(shares._fields[1:], shares[1:], strict=True)),
        "orders_with_mean": mean + (1 - mean) * orders,
    }


def translation(name: str, found: Translations) -> list[dict[str, Any]]:
    """Distances of a picture from the same moved, a row per bank."""
    return [
        {
            "theorem": "translation",
            "picture": name,
            "num_scales": num_scales,
            "distances": {f"{c} px": float(d) for c, d in zip(found.shifts, each, strict=True)},
        }
        for num_scales, each in zip(found.scales, found.distances, strict=True)
    ]


def deformed(banks: list[FilterBank], count: int = DEFORMATIONS) -> list[Deformations]:
    """Random smooth deformations of pictures and white noise, of 1 to 4 waves along an axis."""
    rng, names, shape = np.random.default_rng(0), (*PICTURES, "white"), banks[0].shape
    several = [standard(picture(name, shape)) for name in names]
    steepest = SLOPES[0] * (SLOPES[1] / SLOPES[0]) ** rng.uniform(size=count)
    taus = [
        smooth_displacement(shape, float(each), rng, cycles=1 + k // len(names) % 4)
        for k, each in enumerate(steepest)
    ]
    fields = np.stack([several[k % len(names)] for k in range(count)])
    return deformations(fields, np.stack(taus), banks)


def constants(bank: FilterBank, found: Deformations) -> dict[str, Any]:
    """Largest distances per slope, and per slope and shift, of scattering and of Fourier."""
    return {
        "theorem": "deformation",
        **_named(bank),
        "per_slope": float((found.scattering / found.slopes).max()),
        "per_size": float((found.scattering / found.sizes).max()),
        "fourier_per_slope": float((found.fourier / found.slopes).max()),
        "fourier_per_size": float((found.fourier / found.sizes).max()),
    }


def dilated(bank: FilterBank, found: Dilations) -> dict[str, Any]:
    """Smallest and largest distances per ε, of scattering and of Fourier, over all frequencies."""
    ends = {
        name: [float(end(each)) / found.dilation for end in (np.min, np.max)]
        for name, each in (("scattering", found.scattering), ("fourier", found.fourier))
    }
    return {"theorem": "dilation", **_named(bank), "dilation": found.dilation, **ends}


def _named(bank: FilterBank) -> dict[str, Any]:
    return {
        "shape": list(bank.shape),
        "num_scales": bank.num_scales,
        "num_angles": bank.num_angles,
        "tight": bank.tight,
        "oversampling": bank.oversampling,
    }


def _banks(shape: tuple[int, int]) -> list[FilterBank]:
    return [morlet_bank(shape, SCALES, n, tight=t, oversampling=o) for t, n, o in _BANKS]


def _show(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Print a table of rows of one theorem, and hand them on."""
    cells = [_cells({key: row[key] for key in row if key != "theorem"}) for row in rows]
    print(f"\n{rows[0]['theorem']}\n| {' | '.join(cells[0])} |")
    for each in cells:
        print(f"| {' | '.join(each.values())} |", flush=True)
    return rows


def _cells(row: dict[str, Any]) -> dict[str, str]:
    """Columns and what stands in them; those within a column have columns of their own."""
    cells = {}
    for key, value in row.items():
        if isinstance(value, dict):
            cells |= _cells(value)
        elif isinstance(value, list):
            cells[key] = " – ".join(_cells({key: each})[key] for each in value)
        else:
            cells[key] = f"{value:.4f}" if isinstance(value, float) else str(value)
    return cells


def pictures() -> tuple[list[dict[str, Any]], dict[str, Shares], Translations]:
    """Rows of energy and of translations, all shares, and what moving one picture changes."""
    bank = morlet_bank(_PICTURE, SCALES, ANGLES)
    banks = [morlet_bank(_PICTURE, j, ANGLES) for j in range(1, 7)]
    fields = {name: picture(name, _PICTURE) for name in PICTURES}
    shares = {name: energy_shares(standard(x), bank) for name, x in fields.items()}
    means = {name: float(x.mean() ** 2 / np.square(x).mean()) for name, x in fields.items()}
    moved = {name: translations(standard(x), banks, SHIFTS) for name, x in fields.items()}
    rows = _show([energy(name, shares[name], means[name]) for name in PICTURES])
    rows += _show([row for name in PICTURES for row in translation(name, moved[name])])
    return rows, shares, moved[_SHOWN]


def measure() -> tuple[list[dict[str, Any]], Figure]:
    """All rows, and the figure."""
    rows = [contraction(bank) for bank in _banks(_CONTRACTION)]
    rows.append(contraction(morlet_bank(_SUBSAMPLED, SCALES, 4), pairs=_AT_ONCE))
    rows, (more, shares, moved) = _show(rows), pictures()
    banks = _banks(_DEFORMATION)
    several = deformed(banks)
    rows += more + _show([constants(*each) for each in zip(banks, several, strict=True)])
    banks = [morlet_bank(_DILATION, j, ANGLES) for j in (3, 4, 5, 6)]
    packets = [dilations(bank, FREQUENCIES, DILATION) for bank in banks]
    rows += _show([dilated(*each) for each in zip(banks, packets, strict=True)])
    tight = several[_BANKS.index((True, ANGLES, 0))]
    return rows, stability(packets[-1], moved, deformed=tight, energies=shares)


def main() -> None:
    """Measure everything, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.theorems", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/theorems.json"))
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    rows, figure = measure()
    save(rows, options.json)
    if options.figure:
        figure.savefig(options.figure)


if __name__ == "__main__":
    main()
