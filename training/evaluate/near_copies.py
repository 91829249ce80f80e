"""How many synthetic heatmaps all but repeat a training window.

Written against the Python array API: NumPy, CuPy and torch arrays stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from array_api_compat import array_namespace

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.synthesis.filtering import Thresholds, typical_distance
from dlrsd.runtime.synthesis.neighbours import Array, nearest
from dlrsd.training.evaluate.distributions import median
from dlrsd.training.evaluate.fidelity import check_pair


def near_copies(
    synthetic: Mapping[str, Array],
    train: Mapping[str, Array],
    *,
    fraction: float = Thresholds.copy_distance,
) -> dict[str, Any]:
    """Count synthetic heatmaps that all but repeat a training window.

    The yardstick is the class itself: the median, over its training windows, of the distance
    from a window to its nearest neighbour among the others.

    Parameters
    ----------
    synthetic : {class: array, shape (n, channels, F, T)}
        Synthetic heatmaps.
    train : {class: array, shape (m, channels, F, T)}
        Heatmaps of the training windows they were made from, on the same scale.
    fraction : float > 0
        A synthetic heatmap is a near-copy if its distance to the nearest training window is at
        most this part of the yardstick.

    Returns
    -------
    dict
        ``fraction``; ``n``, ``count`` and ``share`` over the classes that have a yardstick;
        ``per_class``: {class: {``n``, ``count``, ``share``, ``median_ratio``}}, the last being
        the median distance to the nearest training window over the yardstick. A class with fewer
        than two training windows has no yardstick: its ``count``, ``share`` and ``median_ratio``
        are null. ``median_ratio`` is also null if the yardstick is zero.

    Raises
    ------
    InputError
        If shapes do not fit, or ``fraction`` is not positive.
    """
    if not fraction > 0:
        raise InputError(f"got a near-copy fraction of {fraction:g}: expected more than 0")
    per_class = {
        name: _near_copies_of_class(heatmaps, train[name], fraction)
        for name, heatmaps in synthetic.items()
        if heatmaps.shape[0] and name in train
    }
    counted = [row for row in per_class.values() if row["count"] is not None]
    n, count = sum(row["n"] for row in counted), sum(row["count"] for row in counted)
    return {
        "fraction": fraction,
        "n": n,
        "count": count,
        "share": count / n if n else None,
        "per_class": per_class,
    }


def _near_copies_of_class(synthetic: Array, train: Array, fraction: float) -> dict[str, Any]:
    check_pair(synthetic, train)
    n = int(synthetic.shape[0])
    if train.shape[0] < 2:
        return {"n": n, "count": None, "share": None, "median_ratio": None}
    xp = array_namespace(synthetic, train)
    synthetic, train = xp.astype(synthetic, xp.float64), xp.astype(train, xp.float64)
    yardstick = typical_distance(train)
    distance = nearest(synthetic, train)[0][:, 0]
    count = int(xp.sum(xp.astype(distance <= fraction * yardstick, xp.int64)))
    ratio = median(distance) / yardstick if yardstick > 0 else None
    return {"n": n, "count": count, "share": count / n, "median_ratio": ratio}
