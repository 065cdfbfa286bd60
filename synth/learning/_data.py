"""What estimators are given, as scikit-learn checks it."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

__all__ = ["Data", "checked"]

Data = Any
"""What scikit-learn takes as an array: NumPy's, lists, tables; it refuses the rest itself."""


def checked(estimator: BaseEstimator, *data: Data, **options: object) -> Data:
    """Samples, or samples and labels, as finite arrays of single or double precision."""
    options = {"dtype": (np.float64, np.float32), **options}
    return validate_data(estimator, *data, **options)  # pyright: ignore[reportArgumentType]
