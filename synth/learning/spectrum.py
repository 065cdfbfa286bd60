"""The power spectrum of pictures, a row of numbers each: what scattering is held against."""

from typing import Literal, get_args, no_type_check

import numpy as np
from jaxtyping import Float

from synth.learning._pictures import PictureTransformer

__all__ = ["PowerSpectrum"]

Invariance = Literal["translation", "rotation"]

_FAINT = 1e-6  # of the mean power over the pictures of the fit: below that a logarithm levels off


class PowerSpectrum(PictureTransformer):
    """Logarithms of Welch's estimate of the power spectrum of pictures, and their mean.

    Periodograms of windows (Hann's) that overlap by half are averaged. Half of the plane of
    frequencies is kept, since a real picture has the same powers at −ω.

    Args:
        window: side of the windows, pixels, or the shorter side of a picture, if that is less.
        invariance: to ``translation``; or to ``rotation``, too: mean power by |ω|, in steps of
            2π/window up to π.
        image_shape: as ``ScatteringTransformer`` has it.

    Attributes:
        image_shape_: height and width of the pictures, pixels.
        sizes_: mean power at each frequency of each channel over the pictures of the fit.

    Example:
        >>> pictures = np.random.default_rng(0).standard_normal((4, 32, 32))
        >>> PowerSpectrum(window=16).fit_transform(pictures).shape
        (4, 145)

    Source:
        P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra",
        IEEE Trans. Audio Electroacoust. 15 (1967).
    """

    @no_type_check  # by scikit-learn's rule it takes anything, and fit refuses
    def __init__(
        self,
        *,
        window: int = 32,
        invariance: Invariance = "translation",
        image_shape: tuple[int, int] | None = None,
    ) -> None:
        self.window = window
        self.invariance = invariance
        self.image_shape = image_shape

    def _check(self) -> None:
        """Refuse what is none of the choices."""
        names = get_args(Invariance)
        if self.invariance not in names:
            raise ValueError(
                f"The invariance {self.invariance!r} is unknown: choose {' or '.join(names)}."
            )
        if self.window < 1:
            raise ValueError(f"The window of {self.window} pixels is too small: 32 is usual.")

    def _measured(self, pictures: Float[np.ndarray, "n c h w"]) -> Float[np.ndarray, "n c p"]:
        """Mean of each picture, then powers."""
        side = min(self.window, *pictures.shape[-2:])
        hann = np.hanning(side + 2)[1:-1]
        weights = np.outer(hann, hann) / (hann**2).sum()
        tops, lefts = (_starts(length, side) for length in pictures.shape[-2:])
        means = pictures.mean((-2, -1), keepdims=True)
        centered = pictures - means
        powers = np.zeros((*pictures.shape[:2], side, side // 2 + 1))
        for top in tops:
            for left in lefts:
                piece = centered[..., top : top + side, left : left + side]
                powers += np.abs(np.fft.rfft2(piece * weights)) ** 2
        powers /= len(tops) * len(lefts)
        rows = powers.reshape(*pictures.shape[:2], -1)
        if self.invariance == "rotation":
            rows = _by_radius(rows, side)
        return np.concatenate([means[..., 0], rows], -1)

    def _settle(self, measured: Float[np.ndarray, "n c p"]) -> None:
        """Mean powers; of means their root mean square."""
        sizes = measured.mean(0)
        sizes[:, 0] = np.sqrt((measured[..., 0] ** 2).mean(0))
        self.sizes_ = np.where(sizes > 0, sizes, 1)

    def _rows(self, measured: Float[np.ndarray, "n c p"]) -> Float[np.ndarray, "n q"]:
        """Logarithms of powers, relative to those of the fit."""
        rows = measured / self.sizes_
        rows[..., 1:] = np.log(rows[..., 1:] + _FAINT)
        return rows.reshape(len(rows), -1).astype(np.float32)


def _starts(length: int, side: int) -> list[int]:
    """Where windows begin that overlap by half at least, and reach both ends."""
    number = -(-2 * (length - side) // side) + 1
    return np.linspace(0, length - side, number).round().astype(int).tolist()


def _by_radius(powers: Float[np.ndarray, "n c p"], side: int) -> Float[np.ndarray, "n c r"]:
    """Mean powers over rings, each a step of the frequencies wide, those at −ω counted.

    Up to |ω| = π: what lies in the corners beyond is lost when a picture is turned.
    """
    rows, columns = np.fft.fftfreq(side, 1 / side), np.fft.rfftfreq(side, 1 / side)
    rings = np.hypot(*np.meshgrid(rows, columns, indexing="ij")).round().astype(int).ravel()
    once = (columns == 0) | (2 * columns == side)
    counts = np.tile(np.where(once, 1, 2), side)
    own = [rings == ring for ring in range(side // 2 + 1)]
    return np.stack([powers[..., ring] @ counts[ring] / counts[ring].sum() for ring in own], -1)
