"""Draw the pictures of README's sections on uses and color: sizes, tiles, fillings, mixes.

python scripts/make_uses.py                  # all of them, some minutes, into outputs/
python scripts/make_uses.py mix --out new    # one of them, into another folder
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from synth.app import programs, runtime
from synth.app.figures import strip
from synth.app.images import Texture, load
from synth.app.options import Options
from synth.app.runs import Result, generate
from synth.descent import drain

Field = Float[np.ndarray, "c h w"]

MODELS = ("scattering", "full")
HOLE = 64
PIECE = 128
MATERIAL = ("albedo", "normal", "height")


def run(texture: Texture, models: tuple[str, ...] = MODELS, **options: object) -> Result:
    """A run of models, two unless told, Gaussian beside."""
    asked = Options(texture.name, models=models, **options)  # pyright: ignore[reportArgumentType]
    return drain(generate(texture, asked))


def fields(result: Result) -> dict[str, list[Field]]:
    """What was drawn, by the model's name."""
    return {name: [one.field for one in each] for name, each in result.candidates.items()}


def onto(field: Field, shape: tuple[int, int]) -> Field:
    """A field in the middle of a larger one of missing pixels."""
    count, height, width = field.shape
    canvas = np.full((count, *shape), np.nan, np.float32)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    canvas[:, top : top + height, left : left + width] = field
    return canvas


def size() -> Figure:
    """A larger texture of another shape."""
    texture = load("foam", size=128)
    target = onto(texture.field, (192, 384))
    drawn = fields(run(texture, out_size=(192, 384)))
    rows = {name: [target, each[0]] for name, each in drawn.items()}
    return strip(rows, ["target, 128 × 128", "--out-size 192x384"], title="Another size")


def tiles() -> Figure:
    """A texture, and four of it beside each other."""
    texture = load("turbulence", size=128)
    result = run(texture)
    rows = {
        name: [onto(each[0], (256, 256)), np.tile(each[0], (1, 2, 2))]
        for name, each in fields(result).items()
    }
    return strip(rows, ["texture", "--tiles 2"], title="Textures tile")


def inpaint() -> Figure:
    """Three fillings of a hole."""
    texture = load("turbulence")
    edge = (texture.field.shape[1] - HOLE) // 2
    holed = texture.fields.copy()
    holed[..., edge:-edge, edge:-edge] = np.nan
    result = run(texture._replace(fields=holed), inpaint=True, samples=3)
    around = slice(edge - HOLE // 2, -edge + HOLE // 2)
    rows = {
        name: [one[:, around, around] for one in (holed[0], *each)]
        for name, each in fields(result).items()
    }
    return strip(rows, ["kept", "seed 0", "seed 1", "seed 2"], title="--inpaint")


def mix() -> Figure:
    """A path between two textures."""
    result = run(load("turbulence", size=128), mix="foam", size=128)
    captions = [f"{share:.0%} foam" for share in result.shares]
    return strip(fields(result), captions, title="--mix foam --steps 5")


def uncrop() -> Figure:
    """A picture that is continued beyond its borders."""
    whole = load("foam", size=256)
    texture = whole._replace(fields=whole.fields[..., :128, :128], periodic=(False, False))
    result = run(texture, inpaint=True, out_size=(192, 192), samples=2)
    kept = onto(texture.field, (192, 192))
    rows = {name: [kept, *each] for name, each in fields(result).items()}
    return strip(rows, ["kept", "seed 0", "seed 1"], title="--inpaint --out-size 192")


def color() -> Figure:
    """Processes and photographs in color beside their models."""
    rows = {}
    for name, source in {
        "leaves": "leaves",
        "colored foam": "colored-foam",
        "fibers": "ihc.png",
    }.items():
        whole = load(source)
        part = whole.fields[..., 60 : 60 + PIECE, 60 : 60 + PIECE]
        texture = whole._replace(fields=part, periodic=(False, False))
        drawn = fields(run(texture))
        rows[name] = [texture.field, *(each[0] for each in drawn.values())]
    captions = ["target", "gaussian", *MODELS]
    return strip(rows, captions, title="Color", levels=[(0, 255)])


def material() -> Figure:
    """Albedo, normal and height of a material, drawn together."""
    first, *others = (f"material-{name}.png" for name in MATERIAL)
    texture = load(first, beside=others, size=PIECE)
    drawn = fields(run(texture, ("full",), max_steps=300))
    rows = {name: [texture.field, each[0]] for name, each in drawn.items()}
    ends = float(texture.fields[:, 6].min()), float(texture.fields[:, 6].max())
    levels = [(0, 255), (0, 255), ends]
    title = "--with material-normal.png --with material-height.png"
    return strip(rows, ["target", "texture"], title=title, groups=(3, 3, 1), levels=levels)


USES: dict[str, Callable[[], Figure]] = {
    "size": size,
    "tiles": tiles,
    "inpaint": inpaint,
    "mix": mix,
    "uncrop": uncrop,
    "color": color,
    "material": material,
}


def main() -> int:
    """Make the pictures that are asked for, and print their paths."""
    parser = argparse.ArgumentParser(description="Draw the pictures of README's uses.")
    parser.add_argument("uses", nargs="*", help=f"{', '.join(USES)}; all unless told")
    parser.add_argument("--out", type=Path, default=Path("outputs"), help="folder of the pictures")
    asked = parser.parse_args()
    if unknown := [use for use in asked.uses if use not in USES]:
        print(
            f"make_uses: There is no use {unknown[0]}: choose {', '.join(USES)}.", file=sys.stderr
        )
        return 2
    programs.keep()
    runtime.choose("auto")
    asked.out.mkdir(parents=True, exist_ok=True)
    for use in asked.uses or USES:
        path = asked.out / f"use-{use}.png"
        USES[use]().savefig(path)
        print(path, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
