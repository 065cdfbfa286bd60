"""What a run is asked for, checked."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from synth.app.images import Axis
from synth.errors import InputError
from synth.statistics import MODELS

__all__ = ["JUDGED_BY", "LADDER", "MOST_SIDE", "Options", "check_seed"]

Method = Literal["lbfgs", "adam"]

JUDGED_BY = ("scattering",)
"""Models whose moments judge a Gaussian that is alone."""

LADDER = ("gaussian", *MODELS)
"""Models from the least to the most that is kept of the target."""

MOST_SIDE = 4096
"""Longest side of a texture, pixels."""

_LEAST_SIDE = 16
_MOST_TILES = 8
_MOST_LEVELS = 7
_MOST_SAMPLES = 64


@dataclass(frozen=True)
class Options:
    """What a run is asked for.

    Attributes:
        image: path or bundled name of the target.
        others: of further pictures of the same process.
        size: longest side to which the target is resized, pixels; as it is by default.
        periodic: whether rows and columns of the target wrap; found out by default.
        mask: path of a picture that is white where the target's pixels are valid.
        gray: whether color is turned into gray.
        channels: which axis of an array or of pages is that of channels, where no file tells.
        beside: paths of pictures whose channels are further ones of the target.
        out_size: height and width of the textures, pixels; those of the target by default.
        crop: whether textures are cut out of larger ones, so that they do not repeat.
        tiles: how many times a texture is repeated along each axis in a picture beside it.
        inpaint: whether the target's pixels are kept, and only those that it misses are drawn.
        mix: path or bundled name of a second target, to which a path of textures leads.
        steps: textures on that path, both ends included.
        start: path of a field to start from instead of noise.
        seed: of all random numbers of the first sample; the next ones take the next seeds.
        samples: number of textures of each model.
        ensemble: whether the mean of the samples' moments is matched, instead of those of each.
        scales: number of scales J; by default as many as fit, and one less for spectra.
        angles: number of angles L; by default 8 for moments and 4 for the others.
        models: names in ``LADDER``; the Gaussian is always shown.
        gray_levels: whether every moment model matches the gray levels, or of several channels
            their joint law; ``full`` and the models above it always do.
        isotropic: whether spectra are averaged over rotations.
        max_steps: most loss evaluations on the last level.
        min_steps: fewest, even within the tolerance; by default as ``Schedule.usual`` says.
        tolerance: residual that every block must reach, in units of its estimation noise; by
            default the usual one of the model's descriptor, as ``Schedule.usual`` says.
        levels: number of resolutions, each twice the one before, that textures descend on one after
            the other; by default as many as leave the coarsest 64 pixels or more, by order 2
            alone, from 256 pixels on, 128.
        solver: descent method.
        device: where it computes, as it was asked for.
        devices: how many devices of each process share the work; by default those of the mesh
            that is set, or else all in a distributed run, as many of a processor as share
            evenly, and otherwise one.
    """

    image: str
    others: tuple[str, ...] = ()
    size: int | None = None
    periodic: tuple[bool, bool] | None = None
    mask: str | None = None
    gray: bool = False
    channels: Axis | None = None
    beside: tuple[str, ...] = ()
    out_size: tuple[int, int] | None = None
    crop: bool = False
    tiles: int = 1
    inpaint: bool = False
    mix: str | None = None
    steps: int = 5
    start: str | None = None
    seed: int = 0
    samples: int = 1
    ensemble: bool = False
    scales: int | None = None
    angles: int | None = None
    models: tuple[str, ...] = ("scattering",)
    gray_levels: bool = False
    isotropic: bool = False
    max_steps: int = 1000
    min_steps: int | None = None
    tolerance: float | None = None
    levels: int | None = None
    solver: Method = "lbfgs"
    device: str = "auto"
    devices: int | None = None

    def __post_init__(self) -> None:
        for model in self.models:
            _check_name("model", model, LADDER)
        _check_name("solver", self.solver, get_args(Method))
        if self.tolerance is not None and not 0 < self.tolerance < math.inf:
            raise InputError(f"The tolerance {self.tolerance} is not positive: 0.2 is usual.")
        if self.max_steps < 1:
            raise InputError(f"{self.max_steps} steps were asked for: allow at least 1.")
        if not 0 <= (self.min_steps or 0) <= self.max_steps:
            raise InputError(
                f"At least {self.min_steps} steps were asked for, and at most {self.max_steps}: "
                "give fewer, or allow more."
            )
        if not 1 <= self.samples <= _MOST_SAMPLES:
            raise InputError(f"{self.samples} samples were asked for: choose 1 to {_MOST_SAMPLES}.")
        if self.ensemble:
            self._check_ensemble()
        if self.devices is not None and self.devices < 1:
            raise InputError(f"{self.devices} devices were asked for: choose at least 1.")
        parts = {part for model in self.descents for part in MODELS[model]}
        if self.isotropic and "spectra" not in parts:
            raise InputError("Only spectra can be isotropic: choose the model spectra or full.")
        if self.isotropic and "rectified" in parts:
            raise InputError(
                "Rectified covariances cannot be isotropic: leave out one of the two, --isotropic "
                "or models with rectified in their names."
            )
        if self.gray_levels and not self.descents:
            raise InputError(
                "A Gaussian cannot match gray levels: choose another model, such as scattering."
            )
        if self.levels is not None and not 1 <= self.levels <= _MOST_LEVELS:
            raise InputError(f"{self.levels} levels were asked for: choose 1 to {_MOST_LEVELS}.")
        self._check_uses()
        check_seed(self.seed)
        check_seed(self.seed + self.samples - 1)

    def _check_ensemble(self) -> None:
        """Refuse an ensemble of one, or of fields that are not drawn from the model alone."""
        if self.samples == 1:
            raise InputError("An ensemble is one of several samples: give 2 or more, such as 16.")
        if self.inpaint:
            raise InputError("Fillings of one picture are no ensemble: leave out one of the two.")
        if not self.descents:
            raise InputError(
                "Gaussian samples are an ensemble anyway: choose another model, such as full."
            )

    def _check_uses(self) -> None:
        """Refuse sizes, tiles and uses that do not go together."""
        height, width = self.out_size or (MOST_SIDE, MOST_SIDE)
        if not _LEAST_SIDE <= min(height, width) <= max(height, width) <= MOST_SIDE:
            raise InputError(
                f"The out-size {height} × {width} is out of range: give sides of {_LEAST_SIDE} to "
                f"{MOST_SIDE} pixels."
            )
        if not 1 <= self.tiles <= _MOST_TILES:
            raise InputError(f"{self.tiles} tiles were asked for: choose 1 to {_MOST_TILES}.")
        if (self.levels or 1) > 1 and (self.inpaint or self.start is not None):
            raise InputError(
                "What is filled, or starts from a field, has one level: leave out levels, or "
                "inpaint and start."
            )
        if (self.levels, self.min_steps) != (None, None) and not self.descents:
            raise InputError(
                "A Gaussian is drawn directly: leave out levels and min-steps, or choose another "
                "model."
            )
        if self.tiles > 1 and self.crop:
            raise InputError("A texture that is cropped does not tile: leave out crop or tiles.")
        if self.mix is None and self.steps != type(self).steps:
            raise InputError("Steps are those of a mix: give a second picture to mix with, too.")
        if self.beside and self.others:
            raise InputError(
                "Several pictures of one process have no others beside them: give one picture "
                "with its channels, or several without."
            )
        if self.mix is not None:
            if self.beside:
                raise InputError("Pictures beside the first do not mix: leave out mix, or with.")
            if self.inpaint:
                raise InputError("Mixing keeps no pixels: leave out mix or inpaint.")
            if self.samples > 1:
                raise InputError("A mix is one texture per step: leave out samples, or mix.")
            if not 2 <= self.steps <= _MOST_SAMPLES:
                raise InputError(f"{self.steps} steps of a mix: choose 2 to {_MOST_SAMPLES}.")
        if self.start is not None:
            if self.crop or self.mix:
                raise InputError(
                    "One field is no start for larger ones, or several: leave out "
                    "start, or crop and mix."
                )
            if self.samples > 1:
                raise InputError("Samples from one start are alike: leave out samples, or start.")
            if not self.descents:
                raise InputError(
                    "A Gaussian is drawn directly: choose another model, such as scattering."
                )

    @property
    def descents(self) -> tuple[str, ...]:
        """Moment models that were asked for, in the order of the ladder."""
        return tuple(name for name in MODELS if name in self.models)


def check_seed(seed: int) -> None:
    """Refuse a seed that JAX does not take.

    Raises:
        InputError: if it is negative or has more than 32 bits.
    """
    if not 0 <= seed < 2**32:
        raise InputError(f"The seed {seed} is out of range: choose 0 to {2**32 - 1}.")


def _check_name(what: str, given: str, names: tuple[str, ...]) -> None:
    if given not in names:
        raise InputError(
            f"There is no {what} {given}: choose {', '.join(names[:-1])} or {names[-1]}."
        )
