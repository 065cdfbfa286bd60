"""What the commands are asked for: names to choose from, arguments and options with their help.

Nothing heavy is imported here, so that help comes at once.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from synth.errors import InputError


class ModelName(StrEnum):
    """Models that ``generate`` draws from, from the least to the most that is kept."""

    GAUSSIAN = "gaussian"
    SCATTERING1 = "scattering1"
    SCATTERING = "scattering"
    SPECTRA = "spectra"
    FULL = "full"
    BOTH = "full+rectified"
    RECTIFIED = "rectified"


class SolverName(StrEnum):
    """Descent methods."""

    LBFGS = "lbfgs"
    ADAM = "adam"


class DeviceName(StrEnum):
    """Where JAX computes."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"
    TPU = "tpu"


class AxesName(StrEnum):
    """Axes that wrap."""

    X = "x"
    Y = "y"
    XY = "xy"
    NONE = "none"

    @property
    def pair(self) -> tuple[bool, bool]:
        """Whether rows (the vertical axis) wrap, and whether columns do."""
        return self in ("y", "xy"), self in ("x", "xy")


class ChannelsName(StrEnum):
    """Axis of an array that holds the channels of a picture."""

    FIRST = "first"
    LAST = "last"


def pair(size: str) -> tuple[int, int]:
    """Height and width of ``256`` or ``200x600``.

    Raises:
        InputError: if it is neither.
    """
    sides = size.lower().replace("×", "x").split("x")
    if len(sides) > 2 or not all(side.strip().isdecimal() for side in sides):
        raise InputError(f"The out-size {size!r} is no size: give pixels, such as 512 or 200x600.")
    return int(sides[0]), int(sides[-1])


IMAGE = "Path of a picture or .npy array, or a name of `synth list`."
Images = Annotated[
    list[str],
    typer.Argument(metavar="IMAGE", help=f"{IMAGE} Several are taken for pictures of one process."),
]
Seed = Annotated[int, typer.Option(help="Another seed gives another texture of the same kind.")]
Size = Annotated[
    int | None,
    typer.Option(
        help="Resize the target: its longest side, in pixels. The texture's own size is --out-size."
    ),
]
OutSize = Annotated[
    str | None,
    typer.Option(
        metavar="H[xW]",
        help="Height and width of the textures, larger or smaller than the target, or of another "
        "shape; up to 4096. Default: those of the target. Textures tile.",
    ),
]
Crop = Annotated[
    bool,
    typer.Option("--crop", help="Cut textures out of larger ones, so that they do not tile."),
]
Tiles = Annotated[
    int, typer.Option(help="Write each texture repeated so many times along each axis, too.")
]
Inpaint = Annotated[
    bool,
    typer.Option(
        "--inpaint",
        help="Keep the target's pixels and draw only those that it misses; with a larger "
        "--out-size, go on beyond its borders.",
    ),
]
Mix = Annotated[
    str | None,
    typer.Option(
        metavar="IMAGE",
        help="Draw a path of textures from the target to this one's texture. --mask and "
        "--periodic are those of the first.",
    ),
]
MixSteps = Annotated[int, typer.Option(help="Textures on the path of --mix, both ends included.")]
StartFile = Annotated[
    str | None,
    typer.Option(
        metavar="IMAGE",
        help="Descend from this picture instead of noise; of the textures' size and the target's "
        "type.",
    ),
]
Scales = Annotated[
    int | None,
    typer.Option(
        help="Scales J: structures up to 2^J pixels are kept. Default: all that fit, one less for "
        "spectra."
    ),
]
Angles = Annotated[
    int | None,
    typer.Option(
        help="Angles L in a half-turn: more keep sharper directions. Default: 8, 4 for "
        "spectra and rectified."
    ),
]
Model = Annotated[
    list[ModelName],
    typer.Option(
        help="What is kept of the picture; give it several times to see a ladder of models. "
        "scattering1: contrasts per scale and direction. scattering: how they vary, too. "
        "spectra: signs and edges, by covariances between scales. full: both and the gray levels, "
        "or the colors. full+rectified: and how edges go on nearby, which a network sees. "
        "rectified: scattering, the gray levels, and lines and rows that go on: for regular "
        "patterns. The Gaussian is always shown beside."
    ),
]
GrayLevels = Annotated[
    bool,
    typer.Option(
        "--gray-levels",
        help="Match the gray levels too, or the joint law of colors: bright stays bright, red red.",
    ),
]
Isotropic = Annotated[
    bool,
    typer.Option(
        "--isotropic",
        help="Average the spectra over rotations: an eighth of the numbers, for pictures without a "
        "preferred direction.",
    ),
]
Samples = Annotated[int, typer.Option(help="Textures of each model, drawn from SEED, SEED + 1, …")]
Ensemble = Annotated[
    bool,
    typer.Option(
        "--ensemble",
        help="Match the mean of the samples' moments, instead of the moments of each: samples vary "
        "about it, for error bars; the verdict tells how much. Without it each is a picture alike.",
    ),
]
Steps = Annotated[
    int,
    typer.Option(help="Most evaluations of the loss, on every level; 400 at most on coarser ones."),
]
LeastSteps = Annotated[
    int | None,
    typer.Option(
        help="Fewest evaluations, even within the tolerance: up to some 400 small details go on to "
        "improve, by what a network can tell. Default: 20, with gray levels 100, rectified 150; 0 "
        "if a tolerance is given."
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        help="The descent ends when each block of moments differs by less than this fraction of "
        "its estimation noise, the difference that two such pictures show. Default: 0.2, with "
        "spectra 0.45, of rectified 0.3; of several channels 0.3, with their joint law 0.7. "
        "Coarser levels have the default."
    ),
]
Levels = Annotated[
    int | None,
    typer.Option(
        help="Resolutions to descend on one after the other, each twice the one before: what is "
        "seen from afar is settled first. 1: the textures' own alone. Default: so many that the "
        "coarsest has 64 pixels or more, by order 2 alone, from 256 pixels on, 128."
    ),
]
Solver = Annotated[SolverName, typer.Option(help="Descent method.")]
Periodic = Annotated[
    AxesName | None,
    typer.Option(
        help="Axes that wrap, so that opposite borders match: x, the horizontal one; y, the "
        "vertical one. Default: found out from the picture."
    ),
]
Mask = Annotated[
    str | None,
    typer.Option(
        help="Path of a picture of the same size, white where pixels count: the rest of IMAGE is "
        "missing, as it is where IMAGE is transparent or NaN."
    ),
]
Gray = Annotated[
    bool,
    typer.Option("--gray", help="Turn color into luma first, so that textures are gray, too."),
]
Channels = Annotated[
    ChannelsName | None,
    typer.Option(
        help="Axis of a .npy array or of TIFF pages that holds the channels of one picture, up to "
        "8: textures have the same ones, drawn together. Default: an array of three axes is a "
        "stack of gray pictures, or color if its last axis is no longer than 4: 2 and 4 values "
        "are gray or color with transparency."
    ),
]
With = Annotated[
    list[str],
    typer.Option(
        "--with",
        metavar="IMAGE",
        help="Picture of the same size whose channels are drawn together with those of the "
        "target, so that they fit pixel by pixel, such as a height map; may be given several "
        "times, up to 8 channels in all.",
    ),
]
Out = Annotated[Path, typer.Option(help="Folder in which a new folder is made for the run.")]
Device = Annotated[DeviceName, typer.Option(help="Where to compute; auto takes the fastest.")]
Devices = Annotated[
    int | None,
    typer.Option(
        help="Devices that share the work, samples first, then the angles of each; of every "
        "process, if there are several. A processor counts as many as are asked for. Default: "
        "as many cores as share evenly, up to 8; one accelerator; all with --distributed."
    ),
]
Distributed = Annotated[
    bool,
    typer.Option(
        "--distributed",
        help="Share the work with the other processes of this Slurm, Open MPI, Kubernetes or "
        "Cloud TPU job; the first one writes.",
    ),
]
Cache = Annotated[
    bool,
    typer.Option(
        "--cache/--no-cache",
        help="Keep programs for the next run, compiled and traced; `synth cache` shows where.",
    ),
]
Learned = Annotated[
    bool,
    typer.Option(
        "--learned",
        help="Train a network to tell each model from the real pictures, too, by patches of "
        "several sizes: AUC 0.5 is that it cannot. Best with 8 real pictures and 8 samples; under "
        "4, quadrants stand for pictures. A minute or two per model.",
    ),
]
Patch = Annotated[
    list[int],
    typer.Option(
        help="Side of the patches of --learned, in pixels; give the option once per size. "
        "Default: 16, 32 and 64, as far as they fit."
    ),
]
Source = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER | MODEL",
        help="Folder with a subfolder of pictures per class; or a file that --save wrote, to find "
        "the classes of IMAGES.",
    ),
]
Unknown = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[IMAGES]...", help="Pictures whose classes MODEL is to find."),
]
Save = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Keep a classifier that all pictures trained, for later IMAGES."
    ),
]
Rotations = Annotated[
    bool,
    typer.Option(
        "--rotations", help="Rotated pictures are of the same class: invariants of rotations, too."
    ),
]
Windows = Annotated[
    bool,
    typer.Option(
        "--windows",
        help="It matters where in a picture something is, as in digits: averages over windows of "
        "2^J pixels instead of whole pictures.",
    ),
]
ClassScales = Annotated[
    int | None,
    typer.Option(
        help="Number of scales J. Default: as many as leave room for four windows of 2^J pixels, "
        "up to 5; with --windows, up to 3."
    ),
]
ClassAngles = Annotated[
    int | None,
    typer.Option(
        help="Number of angles L, over a half-turn. Default: 4; with --rotations or --windows 8."
    ),
]
ClassSize = Annotated[
    int | None,
    typer.Option(help="Resize all pictures: their longest side, in pixels."),
]
Folds = Annotated[
    int,
    typer.Option(help="Folds of the cross-validation: each class has as many pictures at least."),
]
FoldsSeed = Annotated[int, typer.Option(help="Another seed divides pictures into other folds.")]
