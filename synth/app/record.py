"""A finished run as a folder: fields, pictures and a manifest, whole or not at all."""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from synth.app import figures
from synth.app.folders import hidden_folder, publish
from synth.app.images import Texture, save
from synth.app.runs import Candidate, Result
from synth.app.tasks import overlap
from synth.app.versions import version
from synth.metrics import (
    Scoreboard,
    border_jump,
    flatness,
    kurtosis,
    seam_jump,
    skewness,
    spectrum_error,
)
from synth.transforms.between import Between
from synth.transforms.components import principal_components
from synth.transforms.estimate import Periodic

__all__ = ["manifest", "painting", "score_report", "write", "write_field", "write_report"]

_VERSIONS = ("synth", "jax", "jaxlib", "optax", "equinox", "numpy", "scipy", "scikit-image")
_LAGS = (1, 2, 4, 8)
_LEVELS = ("gray_levels", "colors")  # as many numbers as pixels
_MOST_SHOWN = 5  # fillings in a row of a figure


def write(result: Result, parent: Path) -> Path:
    """Write a run's folder, ``<name>-<time>``, whole or not at all.

    Args:
        result: of ``runs.generate``.
        parent: folder in which the new one is made; it is made if there is none.

    Returns:
        The new folder.

    Raises:
        InputError: if the folder cannot be written.
    """
    with hidden_folder(parent) as hidden:
        _write_pictures(result, hidden)
        _write_arrays(result, hidden)
        _write_figures(result, hidden)
        write_report(manifest(result), hidden / "manifest.json")
        return publish(hidden, parent / result.texture.name)


def write_field(field: Float[np.ndarray, "*c h w"], name: str, parent: Path) -> Path:
    """Write a field that no picture shows yet: ``<name>.npy``, and ``<name>.png`` in 16 bits.

    Channels that one picture cannot show are pictures in a folder of that name.

    Args:
        field: periodic, in any unit.
        name: of the files, which replace older ones.
        parent: folder of the files; it is made if there is none.

    Returns:
        Path of the array.

    Raises:
        InputError: if the folder cannot be written.
    """
    channels = field.reshape(1, -1, *field.shape[-2:])
    texture = Texture(name, channels, (True, True), field.dtype, sha256="")
    with hidden_folder(parent) as hidden:
        save(hidden, name, channels[0], texture)
        np.save(hidden / f"{name}.npy", field)
        for file in [path for path in hidden.rglob("*") if path.is_file()]:
            place = parent / file.relative_to(hidden)
            place.parent.mkdir(exist_ok=True)
            file.replace(place)
    return parent / f"{name}.npy"


def write_report(report: dict[str, Any], path: Path) -> None:
    """Write JSON, with null for the NaN and infinities that JSON has not."""
    text = json.dumps(_finite(report), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", errors="replace")


def painting(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How figures draw several channels: which ones together, and their black and white.

    Args:
        parts: of a target, as the manifest has them.
    """
    levels = [tuple(ends) for part in parts for ends in part["levels"]]
    groups = [part["channels"] // len(part["levels"]) for part in parts for _ in part["levels"]]
    return {} if sum(groups) == 1 else {"groups": tuple(groups), "levels": levels}


def _parts(texture: Texture) -> list[dict[str, Any]]:
    """Which channels come from which file, of what type, and black and white of its pictures."""
    return [
        {
            "name": part.name,
            "channels": part.channels,
            "dtype": str(part.dtype),
            "levels": [
                _ends(fields, part.dtype) for fields in np.split(own.fields, len(part.pictures), 1)
            ],
        }
        for part, own in zip(texture.all_parts, texture.split(), strict=True)
    ]


def _ends(fields: Float[np.ndarray, "n c h w"], dtype: np.dtype) -> tuple[float, float]:
    """Black and white of a picture: all of 8 bits, or else the least and the largest value."""
    if dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(np.nanmin(fields)), float(np.nanmax(fields))
    return low, high if high > low else low + 1


def manifest(result: Result) -> dict[str, Any]:
    """Options, origin, timings, outcome and numbers of a run, ready for JSON."""
    texture, board = result.texture, result.scoreboard
    return {
        "outcome": result.outcome.value,
        "verdict": result.verdict,
        "options": asdict(result.options),
        "seed": result.options.seed,
        "input": {
            "name": texture.name,
            "sha256": texture.sha256,
            "pictures": len(texture.fields),
            "shape": list(texture.field.shape),
            "periodic": texture.axes,
            "missing": float(np.isnan(texture.fields).mean()),
            "notes": list(texture.notes),
            "parts": _parts(texture),
        },
        "output": {
            "shape": list(result.layout.window),
            "torus": list(result.layout.torus),
            "kept": result.share_kept,
            "wraps": list(result.layout.wraps),
        },
        "mix": None
        if result.other is None
        else {
            "name": result.other.name,
            "sha256": result.other.sha256,
            "shares": list(result.shares),
        },
        "versions": {name: version(name) for name in _VERSIONS},
        "device": _device(),
        "mesh": result.mesh,
        "seconds": result.seconds,
        "evaluations": 0 if result.worst is None else result.worst.evaluations,
        "noise": {name: float(value) for name, value in result.noise.items()},
        "unit": {name: float(value) for name, value in result.unit.items()},
        "target": _numbers(_brightness(result, texture.field), texture.periodic),
        "models": {name: _model(result, name) for name in result.candidates},
        "scores": None if board is None else score_report(board),
    }


def score_report(board: Scoreboard) -> dict[str, Any]:
    """A scoreboard ready for JSON: floor, and per model distances, ratios and the overall score."""
    return {
        "floor": board.floor,
        "real_against_real": {name: list(ends) for name, ends in board.spread.items()},
        "pieces": board.pieces,
        "models": {
            name: {
                "overall": score.overall.tolist(),
                "ratios": {key: values.tolist() for key, values in score.ratios.items()},
                "distances": {key: values.tolist() for key, values in score.distances.items()},
                "copying": [
                    {
                        "correlation": one.correlation,
                        "coherence": one.coherence,
                        "copied": one.copied,
                    }
                    for one in score.copying
                ],
                "foreign": None if score.foreign is None else score.foreign.tolist(),
            }
            for name, score in board.scores.items()
        },
    }


def _model(result: Result, name: str) -> dict[str, Any]:
    """Report of the first sample, and of all samples or steps where there are several."""
    samples = [_sample(result, candidate) for candidate in result.candidates[name]]
    if len(samples) == 1:
        return samples[0]
    which = [{"seed": result.options.seed + index} for index in range(len(samples))]
    if result.shares:
        which = [{"share": share} for share in result.shares]
    every = [{**one, **sample} for one, sample in zip(which, samples, strict=True)]
    spread = {block: float(far) for block, far in result.spreads.get(name, {}).items()}
    return {**samples[0], "spread": spread, "steps" if result.shares else "samples": every}


def _sample(result: Result, candidate: Candidate) -> dict[str, Any]:
    descent, drawn = candidate.descent, result.drawn
    report: dict[str, Any] = {
        "residual": {name: float(value) for name, value in candidate.residual.items()},
        **_statistics(result, candidate.field),
    }
    finite = bool(np.isfinite(candidate.field).all())
    if result.layout.tiles:
        report["seam_jump"] = _largest(map(seam_jump, candidate.field)) if finite else math.nan
    if drawn is not None:
        jumps = (border_jump(channel, drawn) for channel in candidate.field)
        report["border_jump"] = _largest(jumps) if finite else math.nan
    if descent is not None:
        report |= {"outcome": descent.outcome.value, "excess": descent.excess}
        report |= {"evaluations": descent.evaluations, "coarser": list(descent.coarser)}
    return report


def _largest(values: Iterable[float]) -> float:
    """Largest number of several; NaN, which constant channels have, only if there is no other."""
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def _statistics(result: Result, field: Float[np.ndarray, "c h w"]) -> dict[str, Any]:
    """Statistics of a new field; NaN if it is not finite: only targets may miss pixels."""
    if not np.isfinite(field).all():
        flat = dict.fromkeys(map(str, _LAGS), math.nan)
        names = ("spectrum_error_db", "skewness", "kurtosis")
        return {**dict.fromkeys(names, math.nan), "flatness": flat}
    common = overlap(result.texture, result.layout)
    wraps = result.layout.wraps
    rows, columns = (a and b for a, b in zip(result.texture.periodic, wraps, strict=True))
    seen = _brightness(result, field)
    numbers = _numbers(seen, (rows, columns))
    if result.shares:  # the spectrum is to be another one
        return numbers
    target = _brightness(result, result.texture.field)[common.of_target]
    texture = seen[common.of_texture]
    error = spectrum_error(target, texture, periodic=common.periodic)
    return {"spectrum_error_db": error, **numbers}


def _brightness(result: Result, field: Float[np.ndarray, "c h w"]) -> Float[np.ndarray, "h w"]:
    """The one channel of a field, or the first of the target's principal components."""
    if len(field) == 1:
        return field[0]
    return principal_components(result.texture.fields).of(field)[0].astype(np.float32)


def _numbers(field: Float[np.ndarray, "h w"], periodic: Periodic) -> dict[str, Any]:
    """Marginal skewness and kurtosis of a field, and the flatness of its increments."""
    flat = flatness(field, _LAGS, periodic=periodic).tolist()
    return {
        "skewness": skewness(field),
        "kurtosis": kurtosis(field),
        "flatness": dict(zip(map(str, _LAGS), flat, strict=True)),
    }


def _fields(result: Result) -> dict[str, Float[np.ndarray, "*b c h w"]]:
    """Target and new textures by name; several samples of a model are stacked."""
    drawn = {
        name: samples[0].field if len(samples) == 1 else np.stack([one.field for one in samples])
        for name, samples in result.candidates.items()
    }
    fields = result.texture.fields
    return {"target": fields[0] if len(fields) == 1 else fields, **drawn}


def _write_pictures(result: Result, folder: Path) -> None:
    texture, tiles = _gray_scale(result), result.options.tiles
    save(folder, "target", result.texture.field, texture)
    for name, samples in result.candidates.items():
        for number, candidate in enumerate(samples, start=1):
            stem = name if len(samples) == 1 else f"{name}-{number}"
            save(folder, stem, candidate.field, texture)
            if tiles > 1:
                save(folder, f"{stem}-tiles", np.tile(candidate.field, (tiles, tiles)), texture)


def _gray_scale(result: Result) -> Texture:
    """The texture on whose scales pictures are written: of a mix those of both targets."""
    if result.other is None:
        return result.texture
    both = [result.texture.fields, result.other.fields]
    ends = [f([f(each, axis=(0, 2, 3)) for each in both], axis=0) for f in (np.nanmin, np.nanmax)]
    return result.texture._replace(fields=np.stack(ends, axis=-1)[None, :, None])


def _write_arrays(result: Result, folder: Path) -> None:
    """``fields.npz``: fields, and their moments as one vector per part, without sorted values."""
    several = result.texture.num_components > 1

    def vectors(moments: dict[str, Any]) -> dict[str, Float[np.ndarray, "*c n"]]:
        return {k: _vector(v, several=several) for k, v in moments.items() if k not in _LEVELS}

    arrays: dict[str, Any] = {
        f"{part}_target": vector for part, vector in vectors(result.target_moments).items()
    }
    for name, samples in result.candidates.items():
        each = [vectors(one.moments) for one in samples]
        for part in each[0]:
            stacked = [one[part] for one in each]
            arrays[f"{part}_{name}"] = stacked[0] if len(stacked) == 1 else np.stack(stacked)
    np.savez_compressed(folder / "fields.npz", **_fields(result), **arrays)


def _vector(moments: Any, *, several: bool) -> Float[np.ndarray, "*c n"]:  # noqa: ANN401 - a record
    """Moments as one vector; those of several channels a row each, before what is between them."""
    if isinstance(moments, dict):
        return np.concatenate([_vector(each, several=several).ravel() for each in moments.values()])
    of_channels = several and not isinstance(moments, Between)
    flat = jax.vmap(lambda each: each.flatten()) if of_channels else lambda each: each.flatten()
    return np.asarray(flat(moments))


def _write_figures(result: Result, folder: Path) -> None:
    """What the run is about as one picture, and the scoreboard."""
    if result.shares:
        _mix(result).savefig(folder / "mix.png")
    elif result.layout.kept is not None:
        _fillings(result).savefig(folder / "fillings.png")
    else:
        _comparison(result).savefig(folder / "comparison.png")
    if result.scoreboard is not None:
        title = result.texture.name
        figures.scoreboard(result.scoreboard, title=title).savefig(folder / "scoreboard.png")


def _comparison(result: Result) -> Figure:
    """The first samples beside the target, on the part that they have in common."""
    texture, common = result.texture, overlap(result.texture, result.layout)
    fields = {"target": texture.field[:, *common.of_target]}
    fields |= {
        model: samples[0].field[:, *common.of_texture]
        for model, samples in result.candidates.items()
    }
    losses = {model: samples[0].losses for model, samples in result.descents.items()}
    return figures.comparison(
        fields,
        losses,
        title=texture.name,
        note=result.verdict,
        periodic=common.periodic,
        **painting(_parts(texture)),
    )


def _fillings(result: Result) -> Figure:
    """The kept pixels, and the first fillings of every model."""
    holed = result.layout.written(np.asarray(result.layout.kept))
    rows = {
        name: [holed, *(one.field for one in samples[:_MOST_SHOWN])]
        for name, samples in result.candidates.items()
    }
    count = len(next(iter(rows.values()))) - 1
    captions = ["kept", *(f"seed {result.options.seed + index}" for index in range(count))]
    look = painting(_parts(result.texture))
    return figures.strip(rows, captions, title=result.texture.name, note=result.verdict, **look)


def _mix(result: Result) -> Figure:
    """A row per model, a picture per step."""
    rows = {name: [one.field for one in steps] for name, steps in result.candidates.items()}
    other = Path(str(result.options.mix)).stem
    captions = [f"{share:.0%} {other}" for share in result.shares]
    title = f"{result.texture.name} to {other}"
    look = painting(_parts(_gray_scale(result)))
    return figures.strip(rows, captions, title=title, note=result.verdict, **look)


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same tree of values, with null for the NaN and infinities that JSON has not."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _device() -> str:
    (device,) = jnp.zeros(()).devices()  # not the first one, if another is the default
    return f"{device.platform}: {device.device_kind}, {os.cpu_count()} cores"
