"""The pictures that come with the package, and those that scikit-image brings, by name."""

import difflib
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path

from synth.errors import InputError

__all__ = ["COLOR_PHOTOGRAPHS", "PHOTOGRAPHS", "bundled", "find", "has_channels_first", "pictures"]

PHOTOGRAPHS = ("brick", "grass", "gravel")
"""Names of gray photographs that come with scikit-image, read from there; 512 × 512 pixels."""

COLOR_PHOTOGRAPHS = {
    "astronaut.png": (512, 512),
    "chelsea.png": (300, 451),
    "coffee.png": (400, 600),
    "hubble_deep_field.jpg": (872, 1000),
    "ihc.png": (512, 512),
    "retina.jpg": (1411, 1411),
    "rocket.jpg": (427, 640),
}
"""Photographs in color that come with scikit-image: height and width, pixels, by file."""


def bundled() -> dict[str, dict]:
    """Pictures that come with the package: the tables of ``textures/index.toml`` by name."""
    return tomllib.loads((_textures() / "index.toml").read_text(encoding="utf-8"))


def pictures() -> list[Path]:
    """Every picture in the folder of the bundled ones: these first, then whatever was added."""
    files = [path for path in _textures().iterdir() if path.suffix != ".toml"]
    order = [table["file"] for table in bundled().values()]
    rank = {name: index for index, name in enumerate(order)}
    seen = [path for path in files if path.is_file() and not path.name.startswith(".")]
    return sorted(seen, key=lambda path: (rank.get(path.name, len(order)), path.name))


def find(source: str | Path) -> Path:
    """The file of a path, or of a bundled name with or without its ending.

    Raises:
        InputError: if there is none.
    """
    path = Path(source)
    if path.is_file():
        return path
    if path.name == str(source):
        for folder, name in _named():
            if path.name in (name, Path(name).stem):
                return folder / name
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the path of one picture.")
    raise InputError(_not_found(path))


def has_channels_first(path: Path) -> bool:
    """Whether the index says of a bundled array that its first axis holds channels."""
    names = [table["file"] for table in bundled().values() if table.get("channels", 1) > 1]
    return (
        path.suffix == ".npy"
        and path.name in names
        and path.resolve().parent == _textures().resolve()
    )


@cache
def _textures() -> Path:
    """Folder of the bundled pictures, of an installed wheel or of a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "textures"
    return inside if inside.is_dir() else package.parent / "textures"


def _named() -> list[tuple[Path, str]]:
    """Folder and file name of all pictures that have a bundled name."""
    photographs = [f"{name}.png" for name in PHOTOGRAPHS] + list(COLOR_PHOTOGRAPHS)
    own = [(_textures(), table["file"]) for table in bundled().values()]
    return own + [(Path(str(files("skimage.data"))), name) for name in photographs]


def _not_found(path: Path) -> str:
    names = [name for _, name in _named()]
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near else f"bundled pictures are {', '.join(names)}."
    return (
        f"There is no picture {path}: give the path of an existing file, or a bundled name; {hint}"
    )
