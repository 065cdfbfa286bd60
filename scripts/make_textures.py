"""Draw the example textures of the project's own processes and record how each was made.

    python scripts/make_textures.py             # all of them
    python scripts/make_textures.py foam-512    # one

Writes 16-bit gray pictures and their entries in `textures/index.toml`; entries of other pictures
stay as they are. On one machine and one version of JAX the files come out bit for bit the same;
elsewhere the fields are the same up to rounding, which turbulence, being chaotic, amplifies: its
details may differ, its statistics do not.
"""

import argparse
import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import imageio.v3 as iio
import jax
import numpy as np

from synth.processes import PROCESSES

TEXTURES = Path(__file__).parents[1] / "textures"
WHITE = 65535
HEADER = """\
# How each picture was made. A gray level g stands for the field value `offset + scale * g`.
# The pictures of a process are remade by their `command`.
"""


@dataclass(frozen=True)
class Recipe:
    """One picture: a process, a size and a seed, and whatever differs from the defaults."""

    process: str
    side: int
    seed: int
    parameters: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the picture's name, without the ending of its file."""
        return self.process if self.side == 256 else f"{self.process}-{self.side}"


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
]


def main() -> None:
    """Draw the pictures named on the command line, or all."""
    parser = argparse.ArgumentParser(description="Draw the example textures.")
    parser.add_argument("names", nargs="*", help="pictures, such as foam-512; all unless told")
    chosen = _choose(parser.parse_args().names, parser)
    for recipe in chosen:
        entry = draw(recipe)
        _record(recipe.name, entry)
        print(
            f"{entry['file']}: {entry['scale']:.3g} per gray level, sha256 {entry['sha256'][:12]}"
        )


def _choose(names: list[str], parser: argparse.ArgumentParser) -> list[Recipe]:
    known = {recipe.name for recipe in RECIPES}
    if unknown := sorted(set(names) - known):
        parser.error(f"no picture named {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return [recipe for recipe in RECIPES if not names or recipe.name in names]


def draw(recipe: Recipe) -> dict:
    """Write one picture and return its entry in the index.

    Args:
        recipe: what to draw.

    Returns:
        The entry, by the names used in `textures/index.toml`.
    """
    shape = (recipe.side, recipe.side)
    key = jax.random.key(recipe.seed)
    values = np.asarray(PROCESSES[recipe.process](shape, key=key, **recipe.parameters))
    low, high = float(values.min()), float(values.max())
    scale = (high - low) / WHITE
    # The whole range is kept: nothing is clipped, and a gray level is finer than float noise.
    grays = np.rint((values.astype(np.float64) - low) / scale).astype(np.uint16)
    path = TEXTURES / f"{recipe.name}.png"
    iio.imwrite(path, grays)
    return {
        "file": path.name,
        "process": recipe.process,
        "shape": list(shape),
        "seed": recipe.seed,
        "parameters": recipe.parameters,
        "offset": low,
        "scale": scale,
        "clipped": 0.0,
        "periodic": True,
        "license": "CC0-1.0",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "command": f"python scripts/make_textures.py {recipe.name}",
    }


def _record(name: str, entry: dict) -> None:
    """Replace one entry of the index; known recipes come first, in their order."""
    index = TEXTURES / "index.toml"
    entries = tomllib.loads(index.read_text()) if index.exists() else {}
    entries[name] = entry
    order = [r.name for r in RECIPES if r.name in entries]
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
