"""What transformers of pictures share: shapes that are checked, and a row of numbers each."""

import math
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, Shaped
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from synth.learning._data import Data, checked

__all__ = ["PictureTransformer"]

Own = TypeVar("Own", bound="PictureTransformer")
Measured = Any
"""What was measured of pictures, an array whose first axis is that of the pictures."""


class PictureTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Pictures in, rows of numbers out: measured one by one, then made relative to the fit.

    A subclass says how pictures are measured (``_measured``), what is kept of those of the fit
    (``_settle``) and how both make rows (``_rows``).

    Attributes:
        image_shape: height and width of pictures that are given as rows of pixels, or None.
        image_shape_: height and width of the pictures of the fit, pixels.
    """

    image_shape: tuple[int, int] | None
    image_shape_: tuple[int, int]
    n_features_in_: int

    def fit(self: Own, X: Data, y: Data = None) -> Own:  # noqa: N803
        """Settle the pictures' shape, and what numbers are relative to.

        Args:
            X: pictures, ``(n, h, w)`` or ``(n, c, h, w)``, or a row of pixels each, ``(n, h·w)``.
            y: is not looked at.

        Raises:
            ValueError: if the pictures have another shape, or an argument is out of range.
        """
        del y
        self._fitted(X)
        return self

    def fit_transform(  # pyright: ignore[reportIncompatibleMethodOverride] - no other argument
        self,
        X: Data,  # noqa: N803
        y: Data = None,
    ) -> Float[np.ndarray, "n p"]:
        """As ``fit`` and then ``transform``, in the time of one of them."""
        del y
        return self._rows(self._fitted(X))

    def transform(self, X: Data) -> Float[np.ndarray, "n p"]:  # noqa: N803
        """The numbers of each picture, a row each.

        Args:
            X: pictures, as ``fit`` takes them.

        Returns:
            float32, a row per picture; by channel first.
        """
        check_is_fitted(self)
        X = checked(self, X, dtype=np.float32, allow_nd=True, reset=False)  # noqa: N806
        if self._shape_of(X) != self.image_shape_:
            raise ValueError(
                f"The pictures are {self._shape_of(X)} but those of the fit were "
                f"{self.image_shape_}: give pictures of that shape."
            )
        return self._rows(self._measured(self._pictures(X)))

    def _fitted(self, X: Data) -> Measured:  # noqa: N803
        """Measure the pictures of the fit, which settle what is fitted."""
        self._check()
        X = checked(self, X, dtype=np.float32, allow_nd=True)  # noqa: N806
        self.image_shape_ = self._shape_of(X)
        measured = self._measured(self._pictures(X))
        self._settle(measured)
        self._n_features_out = self._rows(measured[:1]).shape[1]
        return measured

    def __sklearn_tags__(self) -> Tags:
        """Of scikit-learn: what comes out is float32, whatever comes in."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _check(self) -> None:
        """Refuse arguments that are out of range."""

    def _measured(self, pictures: Float[np.ndarray, "n c h w"]) -> Measured:
        """What is measured of each picture, whatever the others are."""
        raise NotImplementedError

    def _settle(self, measured: Measured) -> None:
        """Keep what rows are relative to."""

    def _rows(self, measured: Measured) -> Float[np.ndarray, "n p"]:
        """Rows of numbers, relative to the fit; what was measured stays as it is."""
        raise NotImplementedError

    def _shape_of(self, X: Shaped[np.ndarray, "n ..."]) -> tuple[int, int]:  # noqa: N803
        """Height and width of pictures."""
        if X.ndim > 4:
            raise ValueError(f"Pictures of shape {X.shape[1:]} were given: (c, h, w) is the most.")
        if X.ndim > 2:
            return X.shape[-2], X.shape[-1]
        count = X.shape[1]
        side = math.isqrt(count)
        shape = self.image_shape or ((side, side) if side**2 == count else (1, count))
        if math.prod(shape) != count:
            raise ValueError(f"Rows of {count} pixels are no pictures of image_shape={shape}.")
        return shape[0], shape[1]

    def _pictures(self, X: Shaped[np.ndarray, "n ..."]) -> Float[np.ndarray, "n c h w"]:  # noqa: N803
        """Pictures with their channels."""
        channels = X.shape[1] if X.ndim == 4 else 1
        return X.reshape(len(X), channels, *self.image_shape_)
