"""Pictures as scattering coefficients, a row of numbers each: a scikit-learn transformer."""

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, get_args, no_type_check

import jax
import numpy as np
from jaxtyping import Float

from synth.learning._pictures import PictureTransformer
from synth.transforms.filters import MAPS, FilterBank, morlet_bank
from synth.transforms.rotations import scatter_rotations
from synth.transforms.windowed import MAX_ORDER, padded_shape, scatter_local

__all__ = ["ScatteringTransformer"]

Invariance = Literal["translation", "rotation"]
Average = Literal["window", "picture"]

_POINTS = 2**22  # of the maps of pictures that are one program
_THREADS = 2  # programs at once on a processor; each uses its cores in part
_FAINT = 1e-2  # of a path's root mean square: below that a logarithm levels off


class ScatteringTransformer(PictureTransformer):
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

    def _measured(self, pictures: Float[np.ndarray, "n c h w"]) -> Float[np.ndarray, "n c p a b"]:
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

    def _settle(self, measured: Float[np.ndarray, "n c p a b"]) -> None:
        """Root mean squares of the paths."""
        sizes = np.sqrt((measured**2).mean((0, 3, 4), dtype=np.float64))
        self.sizes_ = np.where(sizes > 0, sizes, 1).astype(np.float32)

    def _rows(self, measured: Float[np.ndarray, "n c p a b"]) -> Float[np.ndarray, "n q"]:
        """Coefficients, or their logarithms, relative to those of the fit."""
        sizes = self.sizes_[..., None, None]
        if not self.log:
            return (measured / sizes).reshape(len(measured), -1)
        paths = np.log(measured[:, :, 1:].clip(0) / sizes[:, 1:] + _FAINT)
        means = measured[:, :, :1] / sizes[:, :1]
        return np.concatenate([means, paths], 2).reshape(len(measured), -1)


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
