"""Classes as affine spaces: a mean and the directions in which a class varies most.

Invariants leave little variety within a class, so that a few directions hold most of it. A sample
belongs to the class whose affine space is nearest.
"""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int, Shaped
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from synth.learning._data import Data, checked

__all__ = ["AffinePCA"]

_MOST_DIMENSIONS = 200  # that are tried
_FAINT = 1e-10  # of the largest variance: what is less is rounding


class AffinePCA(ClassifierMixin, BaseEstimator):
    """Nearest affine space: μ_c + span of the first d principal directions of class c.

    The class of x is the c of the smallest ‖(1 − P_c)(x − μ_c)‖², P_c the projection onto the
    directions of class c.

    Args:
        dimension: d, the same for all classes, as far as a class has so many directions; less than
            the numbers of a sample, or all are in every space. None chooses by ``folds``-fold
            cross-validation: the middle one of those whose error is within a standard error of
            the smallest, since errors of neighboring d differ by chance.
        folds: of that cross-validation; fewer if a class has fewer samples.

    Attributes:
        classes_: labels, in increasing order.
        means_: μ_c, a row each.
        components_: of each class its principal directions, in rows.
        dimension_: d.
        errors_: error of cross-validation at d = 0, 1, … as far as a class has directions;
            empty if d was given.

    Example:
        >>> import numpy as np
        >>> labels = np.arange(2).repeat(20)
        >>> x = np.random.default_rng(0).standard_normal((40, 5)) + 9 * labels[:, None]
        >>> AffinePCA(dimension=1).fit(x, labels).predict([[0] * 5, [9] * 5])
        array([0, 1])

    Source:
        J. Bruna and S. Mallat, "Invariant scattering convolution networks", IEEE PAMI 35
        (2013), Sec. 4.1; the standard error: L. Breiman et al., "Classification and Regression
        Trees" (1984), Sec. 3.4.3.
    """

    n_features_in_: int

    @no_type_check  # by scikit-learn's rule it takes anything, and fit refuses
    def __init__(self, dimension: int | None = None, *, folds: int = 5) -> None:
        self.dimension = dimension
        self.folds = folds

    def fit(self, X: Data, y: Data) -> "AffinePCA":  # noqa: N803
        """Find the affine space of each class.

        Args:
            X: samples, a row each, shape ``(n, p)``.
            y: their classes, shape ``(n,)``.

        Raises:
            ValueError: if there is one class only, or the dimension or folds are out of range.
        """
        X, y = checked(self, X, y, ensure_min_samples=2)  # noqa: N806
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            only = self.classes_[0]
            raise ValueError(f"All samples are of one class, {only}: give two classes or more.")
        if self.dimension is not None and self.dimension < 0:
            raise ValueError(f"The dimension {self.dimension} is negative: 0 takes means alone.")
        self.errors_ = np.empty(0)
        with threadpool_limits(1, user_api="blas"):  # threads of small problems wait for each other
            self.dimension_ = self._chosen(X, labels) if self.dimension is None else self.dimension
            spaces = _spaces(X, labels, len(self.classes_), self.dimension_)
        self.means_ = np.stack([mean for mean, _ in spaces])
        self.components_ = [directions for _, directions in spaces]
        return self

    def _chosen(self, X: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"]) -> int:  # noqa: N803
        """The middle of the dimensions whose error in cross-validation is hardly the smallest."""
        if self.folds < 2:
            raise ValueError(f"There are {self.folds} folds, and must be 2 or more: 5 is usual.")
        folds = min(self.folds, int(np.bincount(labels).min()))
        if folds < 2:  # of a class there is one sample
            return 0
        wrong, most = np.zeros(_MOST_DIMENSIONS + 1), 0
        for train, test in StratifiedKFold(folds, shuffle=True, random_state=0).split(X, labels):
            spaces = _spaces(X[train], labels[train], len(self.classes_), _MOST_DIMENSIONS)
            most = max(most, *(len(directions) for _, directions in spaces))
            found = np.stack([_padded(_distances(X[test], *space)) for space in spaces])
            wrong += (found.argmin(0) != labels[test]).sum(1)
        self.errors_ = wrong[: most + 1] / len(labels)
        least = self.errors_.min()
        bound = least + math.sqrt(least * (1 - least) / len(labels))
        near = np.flatnonzero(self.errors_ <= bound)
        return int(near[(len(near) - 1) // 2])

    def distances(self, X: Data) -> Float[np.ndarray, "n c"]:  # noqa: N803
        """Squared distance of each sample (rows) from the affine space of each class (columns)."""
        check_is_fitted(self)
        X = checked(self, X, reset=False)  # noqa: N806
        spaces = zip(self.means_, self.components_, strict=True)
        return np.stack([_distances(X, *space)[-1] for space in spaces], axis=1)

    def decision_function(self, X: Data) -> Float[np.ndarray, "n ..."]:  # noqa: N803
        """Distances with the opposite sign; of two classes how much nearer the second one is."""
        nearness = -self.distances(X)
        return nearness[:, 1] - nearness[:, 0] if len(self.classes_) == 2 else nearness

    def predict(self, X: Data) -> Shaped[np.ndarray, " n"]:  # noqa: N803
        """The class of the nearest affine space, of each sample."""
        nearest = self.distances(X).argmin(1)
        return self.classes_[nearest]


def _spaces(
    samples: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"], count: int, most: int
) -> list[tuple[Float[np.ndarray, " p"], Float[np.ndarray, "d p"]]]:
    """Mean and at most so many principal directions of each class."""
    return [_space(samples[labels == label], most) for label in range(count)]


def _space(
    samples: Float[np.ndarray, "n p"], most: int
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, "d p"]]:
    """Of one class; by the products of its samples, of which there are fewer than of numbers."""
    mean = samples.mean(0)
    centered = np.asarray(samples - mean, np.float64)
    wide = len(samples) < samples.shape[1]
    powers, vectors = np.linalg.eigh(centered @ centered.T if wide else centered.T @ centered)
    largest = np.flatnonzero(powers > powers[-1] * _FAINT)[::-1][:most]
    directions = vectors[:, largest].T
    if wide:
        directions = (directions / np.sqrt(powers[largest])[:, None]) @ centered
    return mean, directions.astype(samples.dtype)


def _distances(
    samples: Float[np.ndarray, "n p"],
    mean: Float[np.ndarray, " p"],
    directions: Float[np.ndarray, "d p"],
) -> Float[np.ndarray, "e n"]:
    """Squared distances from the spaces of the first 0, 1, … d directions."""
    centered = samples - mean
    along = (centered @ directions.T) ** 2
    whole = (centered**2).sum(1)
    left = whole - np.concatenate([np.zeros((1, len(samples))), along.T.cumsum(0)])
    return np.maximum(left, 0)


def _padded(distances: Float[np.ndarray, "e n"]) -> Float[np.ndarray, "m n"]:
    """Those of all dimensions that are tried: a class keeps the last one of its own."""
    missing = _MOST_DIMENSIONS + 1 - len(distances)
    return np.pad(distances, [(0, missing), (0, 0)], mode="edge")
