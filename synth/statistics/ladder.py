"""The ladder of moment models by name: which descriptors each of them joins."""

from collections.abc import Callable
from functools import partial

from synth.errors import InputError
from synth.statistics.between_channels import BetweenChannels
from synth.statistics.channel_spectra import SpectraOfChannels
from synth.statistics.channels import EachChannel
from synth.statistics.colors import Colors
from synth.statistics.descriptor import Descriptor
from synth.statistics.gray_levels import GrayLevels
from synth.statistics.joint import Joint
from synth.statistics.rectified_covariances import RectifiedCovariances
from synth.statistics.scattering_moments import ScatteringMoments
from synth.statistics.scattering_spectra import ScatteringSpectra
from synth.transforms.components import MOST_CHANNELS
from synth.transforms.filters import max_scales, morlet_bank

__all__ = ["MODELS", "NUM_ANGLES", "joint"]

Shape = tuple[int, int]
Part = Callable[[Shape, int | None, int | None, bool], Descriptor]


def _moments(
    shape: Shape, scales: int | None, angles: int | None, _isotropic: bool, *, order: int
) -> Descriptor:
    return ScatteringMoments(
        morlet_bank(shape, scales, NUM_ANGLES["moments"] if angles is None else angles),
        max_order=order,
    )


def _spectra(shape: Shape, scales: int | None, angles: int | None, isotropic: bool) -> Descriptor:
    # Covariances of the coarsest scale rest on a handful of Fourier modes: noise to match.
    scales = max(1, max_scales(shape) - 1) if scales is None else scales
    bank = morlet_bank(shape, scales, NUM_ANGLES["spectra"] if angles is None else angles)
    return ScatteringSpectra(bank, isotropic)


def _rectified(
    shape: Shape, scales: int | None, angles: int | None, _isotropic: bool, *, octaves: int
) -> Descriptor:
    most = max(1, min(_RECTIFIED_SCALES, max_scales(shape) - 3))
    scales = most if scales is None else min(scales, most)
    angles = NUM_ANGLES["rectified"] if angles is None else angles
    return RectifiedCovariances.of(morlet_bank(shape, scales, angles), octaves)


def _gray_levels(
    shape: Shape, _scales: int | None, _angles: int | None, _isotropic: bool
) -> Descriptor:
    return GrayLevels(shape)


_ORDER1 = {"moments": partial(_moments, order=1)}
_ORDER2 = {"moments": partial(_moments, order=2)}
_SPECTRA: dict[str, Part] = {"spectra": _spectra}
_FAR = {"rectified": partial(_rectified, octaves=4)}
_NEAR = {"rectified": partial(_rectified, octaves=1)}
_GRAY: dict[str, Part] = {"gray_levels": _gray_levels}

MODELS: dict[str, dict[str, Part]] = {
    "scattering1": _ORDER1,
    "scattering": _ORDER2,
    "spectra": _SPECTRA,
    "full": {**_ORDER2, **_SPECTRA, **_GRAY},
    "full+rectified": {**_ORDER2, **_SPECTRA, **_NEAR, **_GRAY},
    "rectified": {**_ORDER2, **_FAR, **_GRAY},
}
"""Moment models by name, in the order in which they are shown; of two parts the later counts."""

NUM_ANGLES = {"moments": 8, "spectra": 4, "rectified": 4}
"""Default number of angles L of the parts that have a filter bank."""

_RECTIFIED_SCALES = 5  # at most: coarser waves have no edges
_IMPORTANCE = {"moments": 0.3, "rectified": 30.0}  # of the losses, where there are several
_BESIDE_SPECTRA = {"rectified": 10.0}  # less, since spectra see part of it
_BETWEEN = 20.0  # of covariances beside moments, whose tolerance is of another kind


def joint(
    *models: str,
    shape: Shape,
    channels: int = 1,
    scales: int | None = None,
    angles: int | None = None,
    gray_levels: bool = False,
    isotropic: bool = False,
) -> Joint:
    """Descriptor of a model of the ladder, or of several, with all that any of them matches.

    Of several channels the same moments are matched of each one, and the covariances between
    them; instead of the gray levels the joint law of the channels, ``Colors``. If all
    models have spectra, scattering moments are those of the first channel alone.

    Args:
        models: names in ``MODELS``.
        shape: height and width of the fields, pixels.
        channels: number of channels of the fields.
        scales: number of scales J; by default as many as fit, and one less for spectra. Rectified
            covariances have at most 5, and three less than fit, at up to four distances per
            scale, in ``full+rectified`` at up to one.
        angles: number of angles L; by default 8 for moments and 4 for the others.
        gray_levels: match the gray levels too; ``full``, ``full+rectified`` and ``rectified``
            always do.
        isotropic: average the spectra over rotations; what is between channels stays as it is.

    Returns:
        Parts ``moments``, ``spectra``, ``rectified`` and ``gray_levels``, as far as they are
        needed; of several channels ``colors`` instead of ``gray_levels``, and ``between`` if one of
        the models has no spectra, which hold it otherwise.

    Raises:
        InputError: if there is no such model, or channels, scales or angles are out of range.
    """
    if not 1 <= channels <= MOST_CHANNELS:
        raise InputError(f"{channels} channels were asked for: give 1 to {MOST_CHANNELS}.")
    unknown = [model for model in models if model not in MODELS]
    if unknown or not models:
        given = ", ".join(unknown) or "without a name"
        raise InputError(f"There is no model {given}: choose {', '.join(MODELS)}.")
    parts: dict[str, Part] = {}
    for model in sorted(models, key=list(MODELS).index):
        parts |= MODELS[model]
    parts |= _GRAY if gray_levels else {}
    descriptors = {name: part(shape, scales, angles, isotropic) for name, part in parts.items()}
    if channels > 1:
        # Spectra hold the covariances between channels; moments alone have none.
        alone = any("spectra" not in MODELS[model] for model in models)
        descriptors = _of_channels(descriptors, channels, first=None if alone else 1)
        if alone:
            angles = NUM_ANGLES["spectra"] if angles is None else angles
            descriptors["between"] = _between(shape, channels, scales, angles)
    importance = {}
    if len(parts) > 1:
        usual = _IMPORTANCE | (_BESIDE_SPECTRA if "spectra" in parts else {})
        importance = {name: value for name, value in usual.items() if name in parts}
    if "between" in descriptors:
        importance["between"] = _BETWEEN
    return Joint(descriptors, importance)


def _of_channels(
    parts: dict[str, Descriptor], count: int, *, first: int | None
) -> dict[str, Descriptor]:
    """The same of every channel, and what is between them; colors instead of gray levels.

    Args:
        parts: of one channel.
        count: number of channels.
        first: of how many of them moments are matched; None of all.
    """
    several: dict[str, Descriptor] = {}
    for name, part in parts.items():
        if isinstance(part, ScatteringSpectra):
            several[name] = SpectraOfChannels(part.bank, count, part.isotropic)
        elif isinstance(part, GrayLevels):
            several["colors"] = Colors(part.shape, count)
        else:
            few = first if isinstance(part, ScatteringMoments) else None
            several[name] = EachChannel(part, count, first=few)
    return several


def _between(shape: Shape, count: int, scales: int | None, angles: int) -> BetweenChannels:
    """Covariances between channels, on as many scales as spectra have."""
    scales = max(1, max_scales(shape) - 1) if scales is None else scales
    return BetweenChannels(morlet_bank(shape, scales, angles), count)
