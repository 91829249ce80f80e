"""Deep SMOTE on the box: new heatmaps of a class from pairs of anchors.

A pair is an anchor and one of its nearest, as SMOTE chooses them, and the bundle's regressor makes
one heatmap of it, always the same. So a class of n anchors gives 5 n heatmaps at most, none twice:
of more than are asked for that many are drawn, and what is missing is topped up by SMOTE between
anchors and those heatmaps. Two anchors may be a pair either way round; what comes of it is alike,
but not the same. There is no auxiliary classifier; the filter's other checks apply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from dlrsd.runtime.synthesis.decoder import Decoder
from dlrsd.runtime.synthesis.filtering import Thresholds, mcf_smote
from dlrsd.runtime.synthesis.neighbours import neighbours, take, to_host

K_NEIGHBORS = 5  # of SMOTE, as in training


def from_pairs(
    decode: Decoder,
    anchors: Sequence[NDArray[np.float32]],
    index: int,
    count: int,
    *,
    seed: int,
    thresholds: Thresholds,
    on_kept: Callable[[int], object],
) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, Any]]:
    """Put pairs of anchors together, filter, and bring the number to ``count``.

    Parameters
    ----------
    decode : Decoder
        Of a bundle of Deep SMOTE.
    anchors : one array, shape (n >= 2, channels, F, T)
        Heatmaps of one class.
    index : int
        The class; all are made alike.
    count : int > 0
    seed : int >= 0
        Of the choice among pairs, and of SMOTE.
    thresholds : Thresholds
        The posterior is not used.
    on_kept : callable
        Not told: all pairs are put together in one go.

    Returns
    -------
    heatmaps : array, shape (count, channels, F, T)
    probabilities : array, shape (count, K)
        NaN: there is no auxiliary classifier.
    counts : dict
        ``drawn`` (pairs), ``decoded`` (of them kept), ``smote``, and ``rejected`` by reason.
    """
    (heatmaps,) = anchors
    real = decode.put(heatmaps)
    n, k = len(heatmaps), min(K_NEIGHBORS, len(heatmaps) - 1)
    near = to_host(neighbours(real, real, k=k, exclude_self=True))
    # In order of their places, which no rounding changes.
    second = np.sort(near, axis=1).reshape(-1)
    between = decode.between(take(real, np.repeat(np.arange(n), k)), take(real, second))
    xp = array_namespace(between)
    made = mcf_smote(
        between,
        xp.ones(n * k, dtype=xp.float32),  # nobody has judged them
        real,
        count,
        thresholds=replace(thresholds, posterior=0.0),
        random_state=seed,
    )
    rejected = {reason: m for reason, m in made.rejected.items() if reason != "unrecognised"}
    counts = {"drawn": n * k, "decoded": made.decoded, "smote": made.smote, "rejected": rejected}
    unjudged = np.full((count, decode.n_classes), np.nan, dtype=np.float32)
    return to_host(made.samples), unjudged, counts
