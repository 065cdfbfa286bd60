"""Pictures as scattering coefficients, a row of numbers each: a scikit-learn transformer."""

import functools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, get_args, no_type_check

import jax
import numpy as np
from jaxtyping import Float, Shaped
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from synth.learning._data import Data, checked
from synth.transforms.filters import MAPS, FilterBank, morlet_bank
from synth.transforms.rotations import scatter_rotations
from synth.transforms.windowed import MAX_ORDER, padded_shape, scatter_local

__all__ = ["ScatteringTransformer"]

Invariance = Literal["translation", "rotation"]
Average = Literal["window", "picture"]

_POINTS = 2**22  # of the maps of pictures that are one program
_THREADS = 2  # programs at once on a processor; each uses its cores in part
_FAINT = 1e-2  # of a path's root mean square: below that a logarithm levels off


class ScatteringTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Windowed scattering coefficients S_J x of pictures, reflected at their borders.

    Every path is divided by its root mean square over the pictures of the fit, so that weak paths
    count as much as strong ones.

    Args:
        scales: J; coefficients hardly move with the picture by less than 2^J pixels.
        angles: L, in a half-turn.
        order: wavelets on the longest path, 1 to 3; with ``invariance="rotation"`` it is 2.
        invariance: to ``translation``, or to ``rotation``, too: wavelets along position and angle.
        average: over a ``window`` of 2^J pixels, hence as many numbers per path as there are
            windows, or over the whole ``picture``, as suits textures.
        log: logarithms of all but the picture's own average.
        image_shape: height and width of pictures that are given as rows of pixels. None takes
            them as squares, or, where there is none of so many pixels, as one row.

    Attributes:
        image_shape_: height and width of the pictures, pixels.
        sizes_: root mean square of each path of each channel over the pictures of the fit.
        n_features_in_: as scikit-learn has it.

    Example:
        >>> import numpy as np
        >>> pictures = np.random.default_rng(0).standard_normal((4, 16, 16))
        >>> ScatteringTransformer(scales=2, angles=4).fit_transform(pictures).shape
        (4, 416)

    Source:
        J. Bruna and S. Mallat, "Invariant scattering convolution networks", IEEE PAMI 35 (2013);
        L. Sifre and S. Mallat, "Rotation, scaling and deformation invariant scattering for
        texture discrimination", CVPR 2013.
    """

    @no_type_check  # by scikit-learn's rule it takes anything, and fit refuses
    def __init__(
        self,
        *,
        scales: int = 3,
        angles: int = 8,
        order: int = 2,
        invariance: Invariance = "translation",
        average: Average = "window",
        log: bool = False,
        image_shape: tuple[int, int] | None = None,
    ) -> None:
        self.scales = scales
        self.angles = angles
        self.order = order
        self.invariance = invariance
        self.average = average
        self.log = log
        self.image_shape = image_shape

    def fit(self, X: Data, y: Data = None) -> "ScatteringTransformer":  # noqa: N803
        """Settle the pictures' shape, and how large the coefficients of each path are.

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
        """Coefficients of each picture, by channel, then by path, then by window.

        Args:
            X: pictures, as ``fit`` takes them.

        Returns:
            float32, a row per picture.
        """
        check_is_fitted(self)
        X = checked(self, X, dtype=np.float32, allow_nd=True, reset=False)  # noqa: N806
        if self._shape_of(X) != self.image_shape_:
            raise ValueError(
                f"The pictures are {self._shape_of(X)} but those of the fit were "
                f"{self.image_shape_}: give pictures of that shape."
            )
        return self._rows(self._maps(self._pictures(X)))

    def _fitted(self, X: Data) -> Float[np.ndarray, "n c p a b"]:  # noqa: N803
        """Coefficients of the pictures of the fit, which settle what is fitted."""
        self._check()
        X = checked(self, X, dtype=np.float32, allow_nd=True)  # noqa: N806
        self.image_shape_ = self._shape_of(X)
        maps = self._maps(self._pictures(X))
        sizes = np.sqrt((maps**2).mean((0, 3, 4), dtype=np.float64))
        self.sizes_ = np.where(sizes > 0, sizes, 1).astype(np.float32)
        self._n_features_out = maps[0].size
        return maps

    def _rows(self, maps: Float[np.ndarray, "n c p a b"]) -> Float[np.ndarray, "n q"]:
        """Coefficients, or their logarithms, relative to those of the fit."""
        sizes = self.sizes_[..., None, None]
        if self.log:
            maps[:, :, 1:] = np.log(maps[:, :, 1:].clip(0) + _FAINT * sizes[:, 1:])
        else:
            maps = maps / sizes
        return maps.reshape(len(maps), -1)

    def __sklearn_tags__(self) -> Tags:
        """Of scikit-learn: what comes out is float32, whatever comes in."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _check(self) -> None:
        """Refuse what is none of the choices."""
        for name, given, allowed in (
            ("invariance", self.invariance, get_args(Invariance)),
            ("average", self.average, get_args(Average)),
        ):
            if given not in allowed:
                raise ValueError(f"The {name} {given!r} is unknown: choose {' or '.join(allowed)}.")
        if not 1 <= self.order <= MAX_ORDER:
            raise ValueError(f"The order {self.order} is out of range: choose 1 to {MAX_ORDER}.")
        if self.invariance == "rotation" and self.order != 2:
            raise ValueError(f"The order {self.order} has no wavelets along angles: choose 2.")

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

    @staticmethod
    def _channels(X: Shaped[np.ndarray, "n ..."]) -> int:  # noqa: N803
        return X.shape[1] if X.ndim == 4 else 1

    def _pictures(self, X: Shaped[np.ndarray, "n ..."]) -> Float[np.ndarray, "n c h w"]:  # noqa: N803
        return X.reshape(len(X), self._channels(X), *self.image_shape_)

    def _maps(self, pictures: Float[np.ndarray, "n c h w"]) -> Float[np.ndarray, "n c p a b"]:
        """Coefficients of all pictures, a few at a time, all by one program."""
        bank = _bank(padded_shape(self.image_shape_, self.scales), self.scales, self.angles)
        measure = scatter_rotations
        if self.invariance == "translation":
            measure = functools.partial(scatter_local, max_order=self.order)
        several = pictures.reshape(-1, *self.image_shape_)
        size = max(1, _POINTS // bank.num_points)

        def some(chunk: Float[np.ndarray, "m h w"]) -> Float[np.ndarray, "m p a b"]:
            maps = np.array(measure(chunk, bank))
            return maps.mean((-2, -1), keepdims=True) if self.average == "picture" else maps

        found = np.concatenate(list(_in_chunks(some, several, size)))[: len(several)]
        return found.reshape(*pictures.shape[:2], *found.shape[1:])


def _in_chunks(
    function: Callable[[Any], Any], pictures: Float[np.ndarray, "n h w"], size: int
) -> Iterator[Any]:
    """Of chunks of one size, the last of which zeros complete, so that one program does them all.

    What a picture gives does not depend on those beside it. On a processor two chunks at a time.
    """
    missing = -len(pictures) % size
    filled = np.concatenate([pictures, np.zeros((missing, *pictures.shape[1:]), pictures.dtype)])
    chunks = filled.reshape(-1, size, *pictures.shape[1:])
    yield function(chunks[0])  # compiles, which threads would each do
    threads = _THREADS if jax.default_backend() == "cpu" else 1
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(function, chunks[1:])


@functools.lru_cache(maxsize=8)
def _bank(shape: tuple[int, int], num_scales: int, num_angles: int) -> FilterBank:
    return morlet_bank(shape, num_scales, num_angles, oversampling=MAPS)
