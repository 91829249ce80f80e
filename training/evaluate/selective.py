"""Diagnosing only where it is sure: the least probability of a window that keeps a stated risk.

The risk is the share of the diagnoses given that are wrong. Which probability keeps it is chosen by
windows that were left out, among ten shares of these: the largest share whose risk can be shown to
lie below what is accepted. Shown means by an upper bound, Clopper's and Pearson's, that holds for
all ten at once (a tenth of the doubt each), on as many windows as the weighted ones are worth;
views of one window are one.

For other windows of what was left out, the bound holds with the stated confidence. For a bearing or
a load that is new it does not: its windows are alike, and there are as many things to judge by as
there are bearings. To show a risk of 0.01 there, with nothing wrong, it would take some hundred of
them. So the worst of those left out has to keep the risk as well: of all its windows no larger
share is given and wrong. With n alike, the next is worse than all with probability 1 / (n + 1).

Sources: Geifman, El-Yaniv, "Selective Classification for Deep Neural Networks", NeurIPS 2017;
Angelopoulos, Bates, Candes, Jordan, Lei, "Learn then Test: Calibrating Predictive Algorithms to
Achieve Risk Control", 2021 (the bound for a list of candidates); Clopper, Pearson, Biometrika 26,
1934; Kish, "Survey Sampling", 1965 (what weighted ones are worth).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

CONFIDENCE = 0.9  # that a bound holds
SHARES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.5, 0.3, 0.1)  # of the windows, to choose among


def least_probability(
    probability: NDArray[np.float64],
    right: NDArray[np.bool_],
    *,
    risk: float,
    weight: NDArray[np.float64],
    window: NDArray[np.int64],
    groups: Sequence[NDArray[np.int64]],
) -> float | None:
    """The probability from which on a diagnosis is given.

    Parameters
    ----------
    probability, right : arrays, shape (n,)
        Of the likeliest class, and whether it is the right one.
    risk : 0 < float < 1
        The share of wrong ones among those given that is accepted.
    weight : array, shape (n,), > 0
        Of each row; only their ratios count.
    window : array, shape (n,), int
        Rows of one number are of one window.
    groups : sequence of arrays, int
        The rows of each bearing, load or class.

    Returns
    -------
    float or None
        None where the risk cannot be shown to be kept at any share.
    """
    order = np.argsort(-probability, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    for share in SHARES:
        place = min(int(np.searchsorted(reached, share - 1e-9)), len(order) - 1)
        limit = float(probability[order[place]])
        given = probability >= limit
        bound = risk_bound(
            right[given], weight[given], window[given], doubt=(1 - CONFIDENCE) / len(SHARES)
        )
        worst = max(float((given & ~right)[rows].mean()) for rows in groups)
        if max(bound, worst) <= risk:
            return limit
    return None


def risk_bound(
    right: NDArray[np.bool_],
    weight: NDArray[np.float64],
    window: NDArray[np.int64],
    *,
    doubt: float,
) -> float:
    """What the share of wrong ones is at most, but for a ``doubt``; 1 where that is not known.

    Parameters are those of `least_probability`, of the rows that are given.
    """
    if not len(right):
        return 1.0
    _, own = np.unique(window, return_inverse=True)
    each = np.bincount(own, weight)
    n = each.sum() ** 2 / (each**2).sum()
    n_wrong = n * float(weight[~right].sum() / weight.sum())
    return float(beta.ppf(1 - doubt, n_wrong + 1, n - n_wrong)) if n_wrong < n else 1.0
