"""MCF-SMOTE: keep the good synthetic samples of a class, then bring the class to its target.

Multi-Class Filtering SMOTE of Dai et al. (2025), sample by sample: what is unlike every real
window of its class, what a classifier does not recognise, and what is nearly a copy of a training
window is dropped. Of more than the target that many are drawn; fewer are topped up by SMOTE.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.synthesis.neighbours import Array, flatten, nearest, take, tiles, to_host
from dlrsd.runtime.synthesis.smote import smote

_ROUNDS = 20  # of drawing near-copies of SMOTE's again


@dataclass(frozen=True)
class Thresholds:
    """When a synthetic sample is good enough.

    Parameters
    ----------
    similarity : float, -1 to 1
        Least cosine similarity of the standardised heatmap to its nearest real one.
    posterior : float, 0 to 1
        Least probability that the classifier gives the intended class.
    copy_distance : float >= 0
        Closer to a real window than this many typical (median) distances between real windows of
        the class and their nearest neighbours is a near-copy.
    """

    similarity: float = 0.6
    posterior: float = 0.6
    copy_distance: float = 0.05


@dataclass(frozen=True)
class Filtered:
    """What MCF-SMOTE made of one class: the samples, and how many came from where."""

    samples: Array
    decoded: int
    smote: int
    rejected: dict[str, int]


def judge(
    synthetic: Array,
    posterior: Array,
    real: Array,
    thresholds: Thresholds,
    *,
    spacing: float | None = None,
) -> dict[str, np.ndarray]:
    """Which samples fail, by the first reason that applies.

    Parameters
    ----------
    synthetic : array, shape (n, ...), float
        Standardised heatmaps of one class.
    posterior : array, shape (n,), 0 to 1
        Probability of the intended class.
    real : array, shape (m, ...), float
        Real windows of the class, in the same form.
    spacing : float >= 0
        Typical distance between different real windows of the class; needed where ``real`` holds
        several views of one window, which lie closer. Default: ``typical_distance(real)``.

    Returns
    -------
    dict of numpy arrays, shape (n,), bool
        ``non_finite``, ``near_copy``, ``unlike_real``, ``unrecognised``; none true: good.
    """
    xp = array_namespace(synthetic, posterior, real)
    flat, flat_real = flatten(synthetic), flatten(real)
    distance, _ = nearest(flat, flat_real)
    spacing = typical_distance(real) if spacing is None else spacing
    checks = {
        "non_finite": ~xp.isfinite(xp.sum(flat, axis=1) + posterior),
        "near_copy": distance[:, 0] < thresholds.copy_distance * spacing,
        "unlike_real": ~(_cosine_to_nearest(flat, flat_real) > thresholds.similarity),
        "unrecognised": ~(posterior > thresholds.posterior),
    }
    failed = np.zeros(flat.shape[0], dtype=bool)
    reasons = {}
    for reason, mask in checks.items():
        host = to_host(mask)
        reasons[reason] = host & ~failed
        failed |= host
    return reasons


def mcf_smote(
    synthetic: Array,
    posterior: Array,
    real: Array,
    target: int,
    *,
    thresholds: Thresholds | None = None,
    spacing: float | None = None,
    k_neighbors: int = 5,
    random_state: int = 0,
) -> Filtered:
    """Filter the synthetic samples of a class and bring them to ``target``.

    More good ones than the target: that many are drawn at random. As many: done. Fewer: SMOTE
    between the good ones and the real ones makes the rest, and what falls on a real one is drawn
    again.

    Parameters
    ----------
    synthetic, posterior, real, spacing
        As in :func:`judge`; ``synthetic`` may be empty.
    target : int >= 0
        Number of samples to return.

    Returns
    -------
    Filtered
        ``samples`` has shape (target, ...).

    Raises
    ------
    InputError
        If SMOTE has to make samples from fewer than two.
    """
    xp = array_namespace(synthetic, real)
    if target < 0:
        raise InputError(f"got a target of {target} samples: expected 0 or more")
    rejected: dict[str, int] = {}
    good = synthetic
    thresholds = thresholds or Thresholds()
    spacing = typical_distance(real) if spacing is None else spacing
    if synthetic.shape[0]:
        reasons = judge(synthetic, posterior, real, thresholds, spacing=spacing)
        rejected = {reason: int(mask.sum()) for reason, mask in reasons.items()}
        good = take(synthetic, np.flatnonzero(~np.logical_or.reduce(list(reasons.values()))))
    if good.shape[0] > target:
        choice = np.random.default_rng(random_state).permutation(good.shape[0])[:target]
        good = take(good, np.sort(choice))
    missing = target - good.shape[0]
    if not missing:
        return Filtered(good, decoded=target, smote=0, rejected=rejected)
    pool = xp.concat([real, good], axis=0)
    made = smote(pool, missing, k_neighbors=k_neighbors, random_state=random_state)
    for round_ in range(1, _ROUNDS):
        distance, _ = nearest(made, real)
        far = np.flatnonzero(to_host(distance[:, 0] >= thresholds.copy_distance * spacing))
        if len(far) == missing:
            break
        again = smote(
            pool, missing - len(far), k_neighbors=k_neighbors, random_state=random_state + round_
        )
        made = xp.concat([take(made, far), again], axis=0)
    return Filtered(
        xp.concat([good, made], axis=0), decoded=good.shape[0], smote=missing, rejected=rejected
    )


def typical_distance(real: Array) -> float:
    """Median distance of a class's real samples to their nearest neighbour (of an even number the
    upper one of the middle two); 0 for a single sample."""
    if real.shape[0] < 2:
        return 0.0
    distance, _ = nearest(real, real, exclude_self=True)
    return float(array_namespace(distance).sort(distance[:, 0])[distance.shape[0] // 2])


def _cosine_to_nearest(x: Array, real: Array) -> Array:
    xp = array_namespace(x, real)
    unit_real = _unit(real)
    parts = []
    for rows in tiles(x.shape[0]):
        unit = _unit(x[rows, :])
        cosines = [
            xp.max(unit @ xp.matrix_transpose(unit_real[some, :]), axis=1)
            for some in tiles(real.shape[0])
        ]
        parts.append(xp.max(xp.stack(cosines), axis=0))
    return xp.concat(parts)


def _unit(rows: Array) -> Array:
    xp = array_namespace(rows)
    return rows / (xp.linalg.vector_norm(rows, axis=1, keepdims=True) + 1e-12)
