"""What the imbalance of window sequences is met with: weights, under-sampling, SMOTE, all of them.

A sequence holds windows of several classes; it counts to the rarest one it holds.

- *weights*: the negative log likelihood of a window weighs 1 / (windows of its class).
- *light under-sampling*: sequences of plentiful classes are left out at random, down to the
  geometric mean of the largest and the smallest class: half of the imbalance, in decades, is left
  to weights. With them it is ``rus-weights``, as for windows of vibration; what is called ``rus``
  there goes all of the way and is no method for sequences.
- *over-sampling*: rare sequences are drawn more often, all classes alike (``ros``, ``smote``) or
  half of the way there, in decades (with under-sampling or weights). With SMOTE, what is drawn
  beyond a class's natural share is interpolated between a sequence and one of its neighbours of
  the same class [1]_; the labels of both count by the same shares.

Sources: Wu et al., Sensors 18 (2018) 1096, for weights with light re-balancing.

.. [1] Chawla, Bowyer, Hall, Kegelmeyer, "SMOTE: Synthetic Minority Over-sampling Technique", JAIR
   16, 2002.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.plants.plants import CLASSES
from dlrsd.training.data.plants.sequences import SequenceData
from dlrsd.training.fitting.sequence_batches import TrainingSequences

NEIGHBOURS = 5


class Method(NamedTuple):
    """``lift``: exponent of the share of rare sequences, 0 natural, 1 all classes alike."""

    weights: bool = False
    under: bool = False
    lift: float = 0.0
    smote: bool = False


SEQUENCE_METHODS = {
    "none": Method(),
    "class-weights": Method(weights=True),
    "ros": Method(lift=1.0),
    "light-rus": Method(under=True),
    "rus-weights": Method(under=True, weights=True),
    "smote": Method(lift=1.0, smote=True),
    "smote-weights": Method(lift=0.5, smote=True, weights=True),
    "light-rus-smote": Method(under=True, lift=0.5, smote=True),
    "light-rus-smote-weights": Method(under=True, lift=0.5, smote=True, weights=True),
}


#: What methods were called while under-sampling half of the way had the name of going all of it.
FORMER_NAMES = {
    "rus": "light-rus",
    "rus-smote": "light-rus-smote",
    "rus-smote-weights": "light-rus-smote-weights",
}


def training_sequences(
    data: SequenceData, method: str, *, length: int, seed: int
) -> TrainingSequences:
    """Cut the training part into sequences that overlap by half, and balance them.

    Parameters
    ----------
    method : str
        A name of ``SEQUENCE_METHODS``.
    length : int > 0
        Windows of a sequence.
    seed : int >= 0
        Of what is left out.

    Raises
    ------
    InputError
        If there is no such method, or the training part has no whole sequence, or one class only.
    """
    how = find_method(method)
    signal, label = _cut(data, length)
    rng = np.random.default_rng([seed, 5])
    count = np.bincount(label.reshape(-1), minlength=len(CLASSES))
    present = np.flatnonzero(count)
    if len(present) < 2:
        raise InputError(
            f"the training part holds only {CLASSES[present[0]]}: expected two classes or more; "
            "record longer, or more plants"
        )
    group = _rarest(label, count)
    size = all_of = np.bincount(group, minlength=len(CLASSES))
    if how.under:
        limit = round(float(np.sqrt(size.max() * size[size > 0].min())))
        order = rng.permutation(len(group))
        kept = np.sort(np.concatenate([order[group[order] == one][:limit] for one in present]))
        signal, label, group = signal[kept], label[kept], group[kept]
        size = np.minimum(size, limit)
    share = np.where(size > 0, np.maximum(size, 1.0) ** (1 - how.lift), 0.0)
    draw = (share / share.sum() / np.maximum(size, 1))[group]
    real, partner = np.ones(len(group)), np.arange(len(group))[:, None]
    if how.smote:
        real, partner = np.minimum(1.0, 1 / len(group) / draw), _partners(signal, group)
    weight = np.ones(len(CLASSES))
    if how.weights:
        # Of what a batch holds in the mean, so that lifted shares are not made up for twice.
        seen = np.bincount(
            label.reshape(-1), np.repeat(draw, label.shape[1]), minlength=len(CLASSES)
        )
        weight = np.divide(1, seen, out=np.zeros_like(seen), where=seen > 0)
        weight *= seen.sum() / (weight * seen).sum()
    left = np.bincount(label.reshape(-1), minlength=len(CLASSES))
    facts = {
        what: dict(zip(CLASSES, numbers.tolist(), strict=True))
        for what, numbers in (
            ("windows", count),
            ("windows left", left),
            ("sequences", all_of),
            ("sequences left", size),
        )
    }
    return TrainingSequences(signal, label, draw / draw.sum(), real, partner, weight, facts)


def find_method(method: str) -> Method:
    """A method by name.

    Raises
    ------
    InputError
        If sequences know no such method.
    """
    if method not in SEQUENCE_METHODS:
        raise InputError(
            f"got method {method!r} for sequences: expected one of {', '.join(SEQUENCE_METHODS)}"
        )
    return SEQUENCE_METHODS[method]


def _cut(data: SequenceData, length: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Signals (n, channels, samples) and labels (n, steps) of all training sequences."""
    samples, stride = (length - 1) * data.hop + data.window, max(1, length // 2)
    signals, labels = [], []
    for segment in data.parts["train"]:
        if len(segment.label) < length:
            continue
        cuts = sliding_window_view(segment.signal, samples, axis=1)[:, :: stride * data.hop]
        signals.append(cuts.swapaxes(0, 1))
        labels.append(sliding_window_view(segment.label, length)[::stride])
    if not signals:
        raise InputError(
            f"the training part holds no {length} windows in a row: expected stretches of "
            f"{samples} samples or more; record longer, or shorten the sequence"
        )
    return np.concatenate(signals), np.concatenate(labels)


def _rarest(label: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rarest class that each row of labels (n, steps) holds, (n,)."""
    order = np.argsort(count, kind="stable")
    return order[np.argsort(order)[label].min(axis=1)]


def _partners(signal: NDArray[np.float32], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Neighbours (n, k) of every sequence within its group, by distance in channels' spreads."""
    mean, scale = (f(signal, axis=(0, 2), keepdims=True) for f in (np.nanmean, np.nanstd))
    flat = np.nan_to_num((signal - mean) / np.maximum(scale, 1e-12)).reshape(len(signal), -1)
    partner = np.repeat(np.arange(len(signal))[:, None], NEIGHBOURS, axis=1)
    for one in np.unique(group):
        own = np.flatnonzero(group == one)
        k = min(NEIGHBOURS, len(own) - 1)
        if k:
            search = NearestNeighbors(n_neighbors=k).fit(flat[own])
            near = own[search.kneighbors(return_distance=False)]
            partner[own] = near[:, np.arange(NEIGHBOURS) % k]
    return partner
