"""Draw the example textures of the project's own processes and record how each was made.

    python scripts/make_textures.py             # all of them
    python scripts/make_textures.py foam-512    # one

Writes 16-bit gray pictures, 8-bit color pictures, and arrays of float32 (channels, height, width)
where channels are no colors, and their entries in `textures/index.toml`; entries of other pictures
stay as they are. On one machine and one version of JAX the files come out bit for bit the same;
elsewhere the fields are the same up to rounding, which turbulence, being chaotic, amplifies: its
details may differ, its statistics do not.
"""

import argparse
import hashlib
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import imageio.v3 as iio
import jax
import numpy as np
from jaxtyping import Float

from synth.processes import CHANNEL_PROCESSES, PROCESSES

TEXTURES = Path(__file__).parents[1] / "textures"
WHITE = 65535
HEADER = """\
# How each picture was made. A level g stands for the field value `offset + scale * g`; those of
# several channels say how many, and a part is one of several pictures of one field.
# The pictures of a process are remade by their `command`.
"""


Writer = Callable[[Path, Float[np.ndarray, "c h w"]], tuple[float, float]]


def grays(path: Path, channels: Float[np.ndarray, "1 h w"]) -> tuple[float, float]:
    """Write one channel as a 16-bit gray picture; return the offset and the scale of its levels."""
    low, high = float(channels.min()), float(channels.max())
    scale = (high - low) / WHITE
    # The whole range is kept: nothing is clipped, and a gray level is finer than float noise.
    iio.imwrite(path, np.rint((channels[0] - low) / scale).astype(np.uint16))
    return low, scale


def colors(path: Path, channels: Float[np.ndarray, "3 h w"]) -> tuple[float, float]:
    """Write values between 0 and 1 as an 8-bit color picture; return offset and scale."""
    return _rgb(path, channels, 0.0)


def directions(path: Path, channels: Float[np.ndarray, "3 h w"]) -> tuple[float, float]:
    """Write values between -1 and 1 as an 8-bit color picture; return offset and scale."""
    return _rgb(path, channels, -1.0)


def _rgb(path: Path, channels: Float[np.ndarray, "3 h w"], low: float) -> tuple[float, float]:
    scale = (1 - low) / 255
    iio.imwrite(path, np.rint(np.moveaxis((channels - low) / scale, 0, -1)).astype(np.uint8))
    return low, scale


def numbers(path: Path, channels: Float[np.ndarray, "c h w"]) -> tuple[float, float]:
    """Write the values themselves as a float32 array; return the offset 0 and the scale 1."""
    np.save(path, channels.astype(np.float32))
    return 0.0, 1.0


@dataclass(frozen=True)
class Part:
    """Some channels of a process, from `first` to before `last`, in a file of their own."""

    name: str
    first: int
    last: int
    kind: Writer
    ending: str = ".png"


GRAY = (Part("", 0, 1, grays),)
COLOR = (Part("", 0, 3, colors),)
PARTS = {
    "scalar_turbulence": (Part("", 0, 2, numbers, ".npy"),),
    "material": (
        Part("albedo", 0, 3, colors),
        Part("normal", 3, 6, directions),
        Part("height", 6, 7, grays),
    ),
}


@dataclass(frozen=True)
class Recipe:
    """One field: a process, a size and a seed, and whatever differs from the defaults."""

    process: str
    side: int
    seed: int
    parameters: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name by which it is asked for."""
        name = self.process.replace("_", "-")
        return name if self.side == 256 else f"{name}-{self.side}"

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return what its files hold."""
        return PARTS.get(self.process, GRAY if self.process in PROCESSES else COLOR)

    @property
    def names(self) -> list[str]:
        """Return the names of its pictures, without the endings of their files."""
        return [f"{self.name}-{part.name}" if part.name else self.name for part in self.parts]


RECIPES = [
    Recipe("turbulence", 256, seed=5),
    Recipe("turbulence", 512, seed=2),
    Recipe("sparse", 256, seed=5),
    Recipe("sparse", 512, seed=20),
    Recipe("cascade", 256, seed=8),
    Recipe("cascade", 512, seed=3),
    Recipe("ising", 256, seed=7),
    Recipe("ising", 512, seed=2),
    Recipe("foam", 256, seed=9),
    Recipe("foam", 512, seed=10),
    Recipe("bricks", 256, seed=0),
    Recipe("weave", 256, seed=0),
    Recipe("labyrinth", 256, seed=1),
    Recipe("colored_foam", 256, seed=12),
    Recipe("leaves", 256, seed=10),
    Recipe("reaction_diffusion", 256, seed=2),
    Recipe("scalar_turbulence", 256, seed=0),
    Recipe("material", 256, seed=13),
]


def main() -> None:
    """Draw the pictures named on the command line, or all."""
    parser = argparse.ArgumentParser(description="Draw the example textures.")
    parser.add_argument("names", nargs="*", help="such as foam-512 or material; all unless told")
    chosen = _choose(parser.parse_args().names, parser)
    for recipe in chosen:
        entries = draw(recipe)
        _record(entries)
        for entry in entries.values():
            print(f"{entry['file']}: {entry['scale']:.3g} per level, sha256 {entry['sha256'][:12]}")


def _choose(names: list[str], parser: argparse.ArgumentParser) -> list[Recipe]:
    known = {recipe.name for recipe in RECIPES}
    if unknown := sorted(set(names) - known):
        parser.error(f"no picture named {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return [recipe for recipe in RECIPES if not names or recipe.name in names]


def draw(recipe: Recipe) -> dict[str, dict]:
    """Write the picture or the pictures of one recipe and return their entries in the index.

    Args:
        recipe: what to draw.

    Returns:
        The entries by name, each by the names used in `textures/index.toml`.
    """
    process = (PROCESSES | CHANNEL_PROCESSES)[recipe.process]
    shape = (recipe.side, recipe.side)
    values = np.asarray(process(shape, key=jax.random.key(recipe.seed), **recipe.parameters))
    channels = values.reshape(-1, *shape).astype(np.float64)
    return {
        name: _write(name, recipe, part, channels[part.first : part.last])
        for name, part in zip(recipe.names, recipe.parts, strict=True)
    }


def _write(name: str, recipe: Recipe, part: Part, channels: Float[np.ndarray, "c h w"]) -> dict:
    """Write one file and return its entry."""
    path = TEXTURES / f"{name}{part.ending}"
    offset, scale = part.kind(path, channels)
    return {
        "file": path.name,
        "process": recipe.process,
        **({"part": part.name} if part.name else {}),
        "shape": list(channels.shape[1:]),
        **({"channels": len(channels)} if len(channels) > 1 else {}),
        "seed": recipe.seed,
        "parameters": recipe.parameters,
        "offset": offset,
        "scale": scale,
        "clipped": 0.0,
        "periodic": True,
        "license": "CC0-1.0",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "command": f"python scripts/make_textures.py {recipe.name}",
    }


def _record(new: dict[str, dict]) -> None:
    """Replace some entries of the index; known recipes come first, in their order."""
    index = TEXTURES / "index.toml"
    entries = tomllib.loads(index.read_text()) if index.exists() else {}
    entries |= new
    order = [name for recipe in RECIPES for name in recipe.names if name in entries]
    order += [other for other in entries if other not in order]
    tables = [f"[{name}]\n{_table(entries[name])}" for name in order]
    index.write_text(HEADER + "\n" + "\n".join(tables))


def _table(entry: dict) -> str:
    return "".join(f"{key} = {_toml(value)}\n" for key, value in entry.items())


def _toml(value: object) -> str:
    """Write a value as TOML; strings, numbers, truth values and lists are written as in JSON."""
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
