"""Sets of classes instead of one: as many as it takes to hold the right one for a stated share.

A class belongs to a window's set where its probability is at least what windows of that class had
when they were left out: class by class (split conformal prediction, Mondrian), and by bearings or
loads that were left out, not by windows. Windows of one bearing are alike; a limit that weighs each
window for itself would follow the bearing with the most of them, and promise for a new bearing what
holds for these. So every left-out bearing weighs the same, and one more, the new one, is reckoned
as never covered. A guarantee for a new bearing takes nine bearings of every class for a coverage of
0.9 (Dunn and others); with fewer the limit is the least that any left-out window had, and what is
covered has to be measured.

Sources: Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005 (class-wise);
Sadinle, Lei, Wasserman, "Least Ambiguous Set-Valued Classifiers with Bounded Error Levels", JASA
2019 (the probability as score); Dunn, Wasserman, Ramdas, "Distribution-Free Prediction Sets for
Two-Layer Hierarchical Models", JASA 2022 (groups of equal weight); Geifman, El-Yaniv, "Selective
Classification for Deep Neural Networks", NeurIPS 2017 (risk and coverage).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError


def class_limits(
    left_out: Sequence[Sequence[NDArray[np.floating[Any]]]], coverage: float
) -> NDArray[np.float64]:
    """The least probability with which a class belongs to a set, for each class.

    Parameters
    ----------
    left_out : for each class a list of arrays [shape=(n,)]
        Of each bearing (or load) of the class, the probability that its windows have of being of
        this class, by a classifier that was trained without it.
    coverage : 0 < float < 1
        Of the windows of a class, the share that shall have it in their set; of a new bearing's.

    Returns
    -------
    array, shape (K,)

    Raises
    ------
    InputError
        If the coverage is out of range, or a class has no window.
    """
    if not 0 < coverage < 1:
        raise InputError(f"got a coverage of {coverage:g}: expected more than 0 and less than 1")
    limits = []
    for number, groups in enumerate(left_out):
        filled = [group for group in groups if len(group)]
        if not filled:
            raise InputError(
                f"class {number} has no left-out window: expected some of every class, by which "
                "its limit is set"
            )
        weight = np.concatenate([np.full(len(group), 1 / len(group)) for group in filled])
        missed = -np.concatenate(filled)  # counted from above
        level = min(1.0, coverage * (len(filled) + 1) / len(filled))
        limits.append(-np.quantile(missed, level, weights=weight, method="inverted_cdf"))
    return np.array(limits)


def sets_of(
    probabilities: NDArray[np.floating[Any]], limits: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which classes each window's set holds, shape (n, K); it may hold none: the window is like no
    class."""
    return probabilities >= limits


def risk_coverage(
    confidence: NDArray[np.floating[Any]], right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What share of the diagnoses that are given is wrong, if only the surest are given.

    Parameters
    ----------
    confidence : array, shape (n,)
        Higher is surer; windows that are equally sure are given together.
    right : array, shape (n,), bool

    Returns
    -------
    coverage, risk : arrays, shape (m,)
        Share of windows given, increasing to 1, and the share of these that is wrong.
    """
    order = np.argsort(-confidence, kind="stable")
    last = np.append(np.diff(confidence[order]) != 0, True)
    given = np.arange(1, len(order) + 1)
    wrong = np.cumsum(~right[order])
    return (given / len(order))[last], (wrong / given)[last]


def share_at(coverage: NDArray[np.float64], risk: NDArray[np.float64], accepted: float) -> float:
    """The largest share of windows that can be given with a risk of at most ``accepted``; 0 where
    there is none."""
    return float(coverage[risk <= accepted].max(initial=0.0))
