"""What targets are worth: spectra, estimation noise, borders, missing pixels, several pictures.

    python -m benchmarks.statistics [PART ...] [--size 128] [--quick] [--json FILE]

Parts: ``spectra``, estimated over true spectra of crops of Gaussian fields; ``gaussians``, samples
of the Gaussian model of photographs against them; ``noise``, predicted over observed noise of every
block; ``borders``, moments of crops against those of whole periodic fields; ``seams``, lines in
textures of photographs; ``holes``, a fifth of the pixels missing; ``several``, the mean of eight
pictures against that of one; ``judge``, time, error and memory of the residual that is reported.
Moments are those of ``full``.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy.ndimage import gaussian_filter
from scipy.signal.windows import dpss

from benchmarks.floor import in_turn
from benchmarks.report import save
from synth import EXACT, Joint, Judge, descend, drain, fit, fit_gaussian, joint, load, synthesize
from synth.app.images import PHOTOGRAPHS
from synth.models.reference import mean_of, moments_on_torus, spread, stacked
from synth.processes import PROCESSES
from synth.statistics import Moments
from synth.transforms.estimate import estimate_spectrum
from synth.transforms.fourier import half_octaves, periodogram, radial_average, radial_frequency
from synth.transforms.weighted import Observation

Field = Float[np.ndarray, "h w"]
Row = dict[str, Any]
Errors = dict[str, float]

SPECTRA: dict[str, Callable[[Field], Field]] = {
    "white": np.ones_like,
    "1 / (1 + (k / 0.5)^4)": lambda k: 1 / (1 + (k / 0.5) ** 4),
    "1 / (1 + (k / 0.15)^8)": lambda k: 1 / (1 + (k / 0.15) ** 8),
}
HOLES = ("strip", "blobs", "scattered")

_CROP = 300
_MISSING = 0.2
_BLOB = 4.0  # pixels over which noise is smoothed that blobs are cut from


class Setting(NamedTuple):
    """How much is measured."""

    size: int = 128
    quick: bool = False

    def count(self, usual: int) -> int:
        """Fields or seeds, an eighth of the usual number if it is to be quick."""
        return max(2, usual // 8) if self.quick else usual


@cache
def _full(size: int) -> Joint:
    return joint("full", shape=(size, size))


@cache
def _process(name: str, size: int, seed: int) -> Field:
    return np.asarray(PROCESSES[name]((size, size), key=jax.random.key(seed)), np.float64)


_apart = jax.jit(spread)
_observe = jax.jit(lambda descriptor, picture: descriptor.observe(picture))


def _standard(field: Field) -> Float[Array, "h w"]:
    return jnp.asarray((field - field.mean()) / field.std(), jnp.float32)


def _plain(field: Field) -> Moments:
    return moments_on_torus(_full(len(field)), _standard(field))


def _weighted(field: Field) -> Moments:
    """Moments of a field as one that wraps along no axis."""
    known, wraps = jnp.ones(field.shape, jnp.float32), jnp.asarray([False, False])
    return _observe(_full(len(field)), Observation(_standard(field), known, wraps))


@cache
def _fields(name: str, size: int, count: int) -> Moments:
    """Moments of whole periodic fields of a process, one after the other."""
    return stacked([_plain(_process(name, size, seed)) for seed in range(count)])


def spectra(setting: Setting) -> Iterator[Row]:
    """Estimated over true spectrum by octaves, lowest first: mean over crops of larger fields."""
    size, generator = setting.size, np.random.default_rng(0)
    octaves = half_octaves((size, size))[::-2][::-1]
    large, small = (np.fft.ifftshift(radial_frequency((n, n))) for n in (4 * size, size))
    for name, power in SPECTRA.items():
        gain, estimates = np.sqrt(power(large)), []
        for _ in range(setting.count(50)):
            field = np.fft.ifft2(np.fft.fft2(generator.normal(size=large.shape)) * gain).real
            row, column = generator.integers(3 * size, size=2)
            crop = field[row : row + size, column : column + size]
            estimates.append(radial_average(estimate_spectrum(crop, periodic=False), octaves)[1])
        frequencies, truth = radial_average(power(small), octaves)
        yield {
            "spectrum": name,
            "frequencies": frequencies.round(3).tolist(),
            "ratios": (np.mean(estimates, axis=0) / truth).round(3).tolist(),
        }


def _tapered(field: Field, tapers: Sequence[Float[np.ndarray, "h w"]]) -> Float[np.ndarray, " k"]:
    """Power in half-octave bands: mean of the periodograms under several tapers.

    The mean under the first one is left out.
    """
    height, width = field.shape
    centered = field - np.sum(tapers[0] * field) / np.sum(tapers[0])
    power = np.mean([periodogram(each * centered) for each in tapers], axis=0)
    return radial_average(power / np.mean(tapers[0] ** 2), half_octaves((height, width)))[1]


def _hann(shape: tuple[int, int]) -> list[Float[np.ndarray, "h w"]]:
    return [np.hanning(shape[0])[:, None] * np.hanning(shape[1])]


def _multitaper(shape: tuple[int, int]) -> list[Float[np.ndarray, "h w"]]:
    """Products of three Slepian tapers per axis, of time-bandwidth product 2 (Thomson 1982)."""
    rows, columns = (np.atleast_2d(dpss(n, 2, 3)) for n in shape)
    return [row[:, None] * column for row in rows for column in columns]


TAPERS = {"hann": _hann, "multitaper": _multitaper}


def gaussians(setting: Setting) -> Iterator[Row]:
    """Gaussian samples of photographs, and of a crop of each, against them, in dB.

    Both tapers are of another kind than the model's. Hann's sees the middle of a picture
    alone, so that a low band is a few waves there; nine Slepian tapers see all of it.
    """
    for name in PHOTOGRAPHS:
        whole, large = load(name, size=2 * setting.size), load(name)
        crop = large.field[0][:_CROP, :_CROP]
        for target, periodic in ((whole.field[0], whole.periodic), (crop, False)):
            model = fit_gaussian(target, periodic=periodic)
            keys = jax.random.split(jax.random.key(0), setting.count(20))
            samples = [np.asarray(model.sample(key=key), np.float64) for key in keys]
            row: Row = {"name": name, "shape": list(target.shape)}
            for kind, tapers in TAPERS.items():
                each = tapers(samples[0].shape)
                seen = np.mean([_tapered(sample, each) for sample in samples], axis=0)
                levels = 10 * np.log10(seen / _tapered(target.astype(np.float64), each))
                row[kind] = {
                    "rms_db": round(float(np.sqrt(np.mean(levels**2))), 2),
                    "worst_db": round(float(levels[np.argmax(np.abs(levels))]), 2),
                    "bands_db": levels.round(2).tolist(),
                }
            yield row


def noise(setting: Setting) -> Iterator[Row]:
    """Predicted over observed noise of every block: rms over pictures, the least and the most."""
    size, descriptor = setting.size, _full(setting.size)
    for name in PROCESSES:
        moments = _fields(name, size, setting.count(24))
        observed = _apart(descriptor, moments, mean_of(moments))
        levels = [fit(descriptor, _process(name, size, i)).noise for i in range(setting.count(8))]
        blocks = {}
        for block, level in observed.items():
            ratios = np.array([float(each[block]) for each in levels]) / float(level)
            figures = level, np.sqrt(np.mean(ratios**2)), ratios.min(), ratios.max()
            rounded = (round(float(each), 3) for each in figures)
            blocks[block] = dict(zip(("observed", "ratio", "least", "most"), rounded, strict=True))
        yield {"name": name, "size": size, "blocks": blocks}


def borders(setting: Setting) -> Iterator[Row]:
    """Relative bias of the moments of crops, plain and weighted, beside two standard errors.

    A bias is the distance of the mean over crops of one field from that over periodic fields, and
    about one standard error where there is none.
    """
    size, descriptor = setting.size, _full(setting.size)
    per_side = 2 if setting.quick else 4
    for name in PROCESSES:
        whole = _fields(name, size, setting.count(24))
        truth, large = mean_of(whole), _process(name, per_side * size, 1000)
        crops = [crop for rows in np.split(large, per_side) for crop in np.split(rows, per_side, 1)]
        row: Row = {"name": name, "size": size, "crops": len(crops)}
        for kind, measure in (("plain", _plain), ("weighted", _weighted)):
            moments = stacked([measure(crop) for crop in crops])
            bias = descriptor.residual(mean_of(moments), truth)
            errors = _standard_error(descriptor, [moments, whole], truth)
            row[kind] = {
                block: {"bias": round(float(off), 4), "two_errors": round(2 * errors[block], 4)}
                for block, off in bias.items()
                if block != "gray_levels"
            }
        yield row


def _standard_error(descriptor: Joint, samples: Sequence[Moments], truth: Moments) -> Errors:
    """Of the difference of the means of two samples, by block."""
    total: Errors = {}
    for moments in samples:
        count = len(jax.tree.leaves(moments)[0])
        for block, level in _apart(descriptor, moments, truth).items():
            total[block] = total.get(block, 0) + float(level) ** 2 / (2 * count)
    return {block: float(np.sqrt(each)) for block, each in total.items()}


def _fur() -> Field:
    """Forehead of the cat that scikit-image brings along, as luma."""
    from skimage import data

    luma = data.cat() @ np.array([0.299, 0.587, 0.114])
    return luma[10:106, 200:296]


def _line(field: Field, axis: int, *, wraps: bool) -> float:
    """Strongest contrast of two neighboring lines across an axis, over the median one."""
    closed = np.concatenate([field, np.take(field, [0], axis)], axis) if wraps else field
    steps = np.diff(closed, axis=axis)
    contrasts = np.mean(np.abs(steps), axis=1 - axis)
    return float(contrasts.max() / np.median(contrasts))


def seams(setting: Setting) -> Iterator[Row]:
    """Strongest line in a photograph without period, and in its textures by ``full``.

    A line of a seam has a strong contrast to its neighbor all along a row or a column.
    """
    size = setting.size
    targets = {name: load(name).field[0][:size, :size] for name in PHOTOGRAPHS}
    for name, target in {"fur": _fur(), **targets}.items():
        target = np.asarray(target, np.float64)
        keys = jax.random.split(jax.random.key(0), setting.count(10))
        model = fit(_full(len(target)), target, periodic=False)
        fields = [each.field for each in drain(descend(model, keys=keys))]
        row: Row = {"name": name, "size": len(target)}
        for axis, lines in enumerate(("rows", "columns")):
            found = [_line(np.asarray(field), axis, wraps=True) for field in fields]
            row[lines] = {
                "target": round(_line(target, axis, wraps=False), 2),
                "mean": round(float(np.mean(found)), 2),
                "most": round(max(found), 2),
            }
        yield row


def _missing(kind: str, shape: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """A fifth of the pixels."""
    generator = np.random.default_rng(0)
    if kind == "strip":
        width = round(_MISSING * shape[1])
        return np.broadcast_to(np.abs(np.arange(shape[1]) - shape[1] // 3) < width / 2, shape)
    values = generator.normal(size=shape)
    if kind == "blobs":
        values = gaussian_filter(values, _BLOB, mode="wrap")
    return values < np.quantile(values, _MISSING)


def holes(setting: Setting) -> Iterator[Row]:
    """Residual of the moments of a picture with holes, in units of the noise of the whole one."""
    descriptor = _full(setting.size)
    for name in ("turbulence", "foam", "gravel"):
        texture = load(name, size=setting.size)
        target = texture.field[0].astype(np.float64)
        whole = fit(descriptor, target, periodic=texture.periodic)
        row: Row = {"name": name, "size": setting.size}
        for kind in HOLES:
            field = np.where(_missing(kind, descriptor.shape), np.nan, target)
            moments = fit(descriptor, field, periodic=texture.periodic).target
            far, noise = descriptor.residual(moments, whole.target), whole.noise
            row[kind] = {block: round(float(far[block] / noise[block]), 3) for block in noise}
        yield row


def several(setting: Setting) -> Iterator[Row]:
    """Distance of the reference of eight pictures from that of further ones, over one's distance.

    Without bias √(1/8 + 1/64) / √(1 + 1/64) = 0.37 is expected.
    """
    size, count = 64, 8
    fields = [_process("sparse", size, seed) for seed in range(count + setting.count(64))]
    descriptor = _full(size)
    truth = fit(descriptor, np.stack(fields[count:])).target

    def distance(given: np.ndarray) -> dict[str, float]:
        residual = descriptor.residual(fit(descriptor, given).target, truth)
        return {block: float(each) for block, each in residual.items()}

    alone = [distance(field) for field in fields[:count]]
    together = distance(np.stack(fields[:count]))
    ratios = {
        block: round(far / float(np.sqrt(np.mean([one[block] ** 2 for one in alone]))), 3)
        for block, far in together.items()
    }
    yield {"process": "sparse", "size": size, "pictures": count, "ratios": ratios}


def judge(setting: Setting) -> Iterator[Row]:
    """Seconds and error of the residual that is reported, and bytes of the banks that it takes.

    The error is that of the residual of a texture, the worst block's, in units of its noise: the
    difference from the residual of exact moments.
    """
    size, large = 2 * setting.size, 8 * setting.size
    target = load("turbulence", size=size).field[0]
    for name in ("scattering", "full"):
        model = fit(joint(name, shape=target.shape), target)
        judged, texture = Judge(model), synthesize(model, key=jax.random.key(0))
        seconds = in_turn({"judge": partial(judged, texture.field)}, setting.count(16))["judge"]
        exact = model.descriptor.sampled(EXACT)
        standard = [model.from_units(jnp.asarray(each)) for each in (texture.field, target)]
        distance = exact.residual(*(moments_on_torus(exact, each) for each in standard))
        errors = [
            abs(float(far - texture.residual[block]) / float(model.unit[block]))
            for block, far in distance.items()
        ]
        banks = joint(name, shape=(large, large))
        yield {
            "model": name,
            "size": size,
            "seconds": round(float(np.median(seconds)), 3),
            "error": round(max(errors), 5),
            "size_of_bank": large,
            "bytes_of_bank": sum(leaf.nbytes for leaf in jax.tree.leaves(banks)),
        }


_ALL = (spectra, gaussians, noise, borders, seams, holes, several, judge)
PARTS = {part.__name__: part for part in _ALL}


def show(row: Row) -> None:
    """Print a row, and below it what it holds block by block."""
    plain = {key: value for key, value in row.items() if not isinstance(value, dict)}
    print("  ".join(f"{key} {value}" for key, value in plain.items()), flush=True)
    for key, blocks in row.items():
        if isinstance(blocks, dict):
            each = {k: v if isinstance(v, dict) else {"": v} for k, v in blocks.items()}
            cells = (" ".join(map(str, (block, *each[block].values()))) for block in each)
            names = ", ".join(next(iter(each.values())))
            print(f"    {key}{names and f' ({names})'}: {'; '.join(cells)}", flush=True)


def main() -> None:
    """Measure the parts that are asked for, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics", description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--size", type=int, help="pixels; 128, to be quick 64")
    parser.add_argument("--quick", action="store_true", help="few and small fields")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/statistics.json"))
    options, results = parser.parse_args(), []
    if unknown := sorted(set(options.parts) - set(PARTS)):
        parser.error(f"There is no part {', '.join(unknown)}: choose {', '.join(PARTS)}.")
    setting = Setting(options.size or (64 if options.quick else 128), options.quick)
    for name in options.parts:
        for row in PARTS[name](setting):
            results.append({"part": name, **row})
            show(results[-1])
            save(results, options.json)


if __name__ == "__main__":
    main()
