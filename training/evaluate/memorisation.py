"""Whether synthetic heatmaps lie closer to training windows than unseen real ones do.

Source: Meehan, Chaudhuri, Dasgupta, "A Non-Parametric Test to Detect Data-Copying in Generative
Models", AISTATS 2020.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.synthesis.filtering import Thresholds, typical_distance
from dlrsd.runtime.synthesis.neighbours import nearest


def memorisation(
    synthetic: NDArray[np.float32],
    unseen: NDArray[np.float32],
    training: NDArray[np.float32],
    *,
    n_drawn: int,
) -> dict[str, float]:
    """Distances to the nearest training heatmap, of synthetic heatmaps against unseen real ones.

    Parameters
    ----------
    synthetic, unseen, training : array [shape=(n, channels, F, T)], n >= 1
        Of one class; ``unseen`` are real ones that nothing was trained on, ``training`` the drawn
        windows and, after them, their views.
    n_drawn : int >= 2
        How many of ``training`` are drawn windows.

    Returns
    -------
    dict
        ``distance_ratio``: median distance of the synthetic over that of the unseen, below 1 if
        the synthetic lie closer; ``closer``: share of pairs of a synthetic and an unseen heatmap
        in which the synthetic one lies closer (ties count half), 1/2 if they are alike, the
        Mann-Whitney statistic of the source; ``near_copies``: share of the synthetic at most
        ``Thresholds.copy_distance`` times the drawn windows' typical distance from each other
        away from a training heatmap.

    Raises
    ------
    InputError
        If a set is too small, or all unseen heatmaps are training heatmaps.
    """
    if not len(synthetic) or not len(unseen) or n_drawn < 2:
        raise InputError(
            f"got {len(synthetic)} synthetic and {len(unseen)} unseen heatmaps and {n_drawn} drawn "
            "windows: expected some of each, and two drawn windows or more"
        )
    own, real = (
        nearest(some, training)[0][:, 0].astype(np.float64) for some in (synthetic, unseen)
    )
    if not np.median(real) > 0:
        raise InputError(
            "got unseen heatmaps that are training heatmaps: expected others, as of the test part"
        )
    limit = Thresholds.copy_distance * typical_distance(training[:n_drawn])
    return {
        "distance_ratio": float(np.median(own) / np.median(real)),
        "closer": float(mannwhitneyu(real, own).statistic / (len(real) * len(own))),
        "near_copies": float((own <= limit).mean()),
    }
