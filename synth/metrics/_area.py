"""How often a made patch scores higher than a real one, and how well few fields tell that.

Patches of one field are alike, so that fields are counted, not patches.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

_CONFIDENCE = 0.95


class Area(NamedTuple):
    """Area under the curve of true against false alarms.

    Attributes:
        auc: probability that a made patch scores higher than a real one; 0.5 cannot tell.
        low: lower end of its interval of 95 %.
        high: upper end.
    """

    auc: float
    low: float
    high: float


def area(
    real: Float[np.ndarray, "s k p"],
    made: Float[np.ndarray, "s k p"],
    folds: Int[np.ndarray, "s k"],
) -> Area:
    """Area under the curve within folds, since scores of two networks do not compare.

    A real and a made field of one number are a pair, for one may be drawn from the other. The
    variance is that of the jackknife, one pair left out at a time, times n / (n − n′), where n′
    of n pairs are held out at a time: networks of different folds have learned from the same
    fields, which no sum over folds sees. The ends are those of Student's t with n − 1 degrees
    of freedom.

    Args:
        real: finite scores of patches p of real fields k, by the networks of every repetition s.
        made: the same of made fields.
        folds: in which fold a pair is held out.

    Returns:
        The area and its interval, within 0 and 1.

    Source:
        B. Efron, "The jackknife, the bootstrap and other resampling plans" (1982), Eq. 3.3;
        C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52
        (2003), Sec. 3, for a variance that grows with the share of what is held out.
    """
    from scipy.special import stdtrit

    pairs = real.shape[1]
    within = folds[:, :, None] == folds[:, None, :]
    wins = np.zeros((pairs, pairs))
    for own, other, fold in zip(real, made, within, strict=True):
        wins += np.where(fold, _wins(own, other, fold), 0)
    count = within.sum(0)
    auc = float(wins.sum() / count.sum())
    left = ~np.eye(pairs, dtype=bool)
    without = [wins[np.ix_(row, row)].sum() / max(1, count[np.ix_(row, row)].sum()) for row in left]
    held_out = within.sum(2).mean()
    shared = pairs / (pairs - held_out) if held_out < pairs else 1.0
    spread = np.sqrt(shared * (pairs - 1) * np.var(without))
    reach = float(stdtrit(pairs - 1, (1 + _CONFIDENCE) / 2) * spread)
    return Area(auc, max(0.0, auc - reach), min(1.0, auc + reach))


def _wins(
    real: Float[np.ndarray, "k p"],
    made: Float[np.ndarray, "k p"],
    within: Bool[np.ndarray, "k k"],
) -> Float[np.ndarray, "k k"]:
    """Share of pairs of patches of which the made one scores higher; equal ones count half.

    By ranks (Mann and Whitney 1947): rows are real fields, columns made ones.
    """
    patches, wins, order = real.shape[1], np.full(within.shape, 0.5), np.sort(real, axis=1)
    for i, j in np.argwhere(within):
        below = [np.searchsorted(order[i], made[j], side) for side in ("left", "right")]
        wins[i, j] = np.mean(below) / patches
    return wins
