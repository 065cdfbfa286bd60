"""The gray levels of pictures, a row of numbers each: what scattering is held against."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float

from synth.learning._pictures import PictureTransformer

__all__ = ["GrayLevelHistogram"]


class GrayLevelHistogram(PictureTransformer):
    """Square roots of the shares of pixels between levels, of each channel on its own.

    Their distance is Hellinger's. Levels are equally far apart, from the least to the largest
    value of the pictures of the fit; what lies beyond counts with the ends.

    Args:
        bins: number of intervals of levels.
        image_shape: as ``ScatteringTransformer`` has it.

    Attributes:
        image_shape_: height and width of the pictures, pixels.
        range_: least and largest value of each channel.

    Example:
        >>> pictures = np.random.default_rng(0).random((4, 16, 16))
        >>> rows = GrayLevelHistogram(bins=8).fit_transform(pictures)
        >>> rows.shape, (rows**2).sum(1).tolist()
        ((4, 8), [1.0, 1.0, 1.0, 1.0])
    """

    @no_type_check  # by scikit-learn's rule it takes anything, and fit refuses
    def __init__(self, *, bins: int = 64, image_shape: tuple[int, int] | None = None) -> None:
        self.bins = bins
        self.image_shape = image_shape

    def _check(self) -> None:
        """Refuse fewer than two bins."""
        if self.bins < 2:
            raise ValueError(f"The number of bins, {self.bins}, is too small: 64 is usual.")

    def _measured(self, pictures: Float[np.ndarray, "n c h w"]) -> Float[np.ndarray, "n c m"]:
        """All pixels: where bins lie is settled by the fit."""
        return pictures.reshape(*pictures.shape[:2], -1)

    def _settle(self, measured: Float[np.ndarray, "n c m"]) -> None:
        """Least and largest values."""
        self.range_ = np.stack([measured.min((0, 2)), measured.max((0, 2))], 1)

    def _rows(self, measured: Float[np.ndarray, "n c m"]) -> Float[np.ndarray, "n q"]:
        """Roots of the shares of pixels in each bin."""
        low, high = self.range_.T[..., None]
        spread = np.where(high > low, high - low, 1)
        places = ((measured - low) / spread * self.bins).astype(int).clip(0, self.bins - 1)
        count = measured.shape[0] * measured.shape[1]
        places = places.reshape(count, -1) + self.bins * np.arange(count)[:, None]
        counts = np.bincount(places.ravel(), minlength=count * self.bins)
        shares = counts.reshape(len(measured), -1) / measured.shape[2]
        return np.sqrt(shares).astype(np.float32)
