"""What the imbalance of window sequences is met with: weights, under-sampling, SMOTE, all of them.

A sequence holds windows of several classes; it counts to the rarest one it holds.

- *weights*: the negative log likelihood of a window weighs 1 / (windows of its class).
- *under-sampling*: sequences of plentiful classes are left out at random, down to the geometric
  mean of the largest and the smallest class. That is light: half of the imbalance, in decades, is
  left to weights.
- *over-sampling*: rare sequences are drawn more often, all classes alike (``ros``, ``smote``) or
  half of the way there, in decades (with under-sampling or weights). With SMOTE, what is drawn
  beyond a class's natural share is interpolated between a sequence and one of its neighbours of
  the same class [1]_; the labels of both count by the same shares.

Sources: Wu et al., Sensors 18 (2018) 1096, for weights with light re-balancing.

.. [1] Chawla, Bowyer, Hall, Kegelmeyer, "SMOTE: Synthetic Minority Over-sampling Technique", JAIR
   16, 2002.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from dlrsd.runtime.errors import InputError
from dlrsd.training.plants import CLASSES
from dlrsd.training.sequences import SequenceData

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
    "rus": Method(under=True),
    "rus-weights": Method(under=True, weights=True),
    "smote": Method(lift=1.0, smote=True),
    "smote-weights": Method(lift=0.5, smote=True, weights=True),
    "rus-smote": Method(under=True, lift=0.5, smote=True),
    "rus-smote-weights": Method(under=True, lift=0.5, smote=True, weights=True),
}


@dataclass(frozen=True, eq=False)
class TrainingSequences:
    """Sequences to draw batches from.

    Parameters
    ----------
    signal : array [shape=(n, channels, samples)]
        The samples of every sequence's windows.
    label : array [shape=(n, steps)], int
    draw : array [shape=(n,)], sums to 1
        How often each is drawn.
    real : array [shape=(n,)], 0 to 1
        With what probability it is taken as it is, not interpolated.
    partner : array [shape=(n, k)], int
        Its neighbours of the same class; itself where it has none.
    class_weight : array [shape=(K,)]
        Of a window in the loss.
    facts : dict
        JSON-ready counts by class: ``windows`` and ``sequences`` of the training part, and those
        that are ``left``.
    """

    signal: NDArray[np.float32]
    label: NDArray[np.int64]
    draw: NDArray[np.float64]
    real: NDArray[np.float64]
    partner: NDArray[np.int64]
    class_weight: NDArray[np.float64]
    facts: dict[str, dict[str, int]]


def training_sequences(data: SequenceData, method: str) -> TrainingSequences:
    """Cut the training part into sequences that overlap by half, and balance them.

    Parameters
    ----------
    method : str
        A name of ``SEQUENCE_METHODS``.

    Raises
    ------
    InputError
        If there is no such method, or the training part has no whole sequence, or one class only.
    """
    how = find_method(method)
    signal, label = _cut(data)
    rng = np.random.default_rng([data.settings.seed, 5])
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


def draw_sequences(
    sequences: TrainingSequences,
    *,
    window: int,
    hop: int,
    steps: int,
    batch: int,
    rng: np.random.Generator,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Random batches.

    Yields
    ------
    windows (batch, steps, channels, window), and their classes (batch, steps, K): one-hot, blended
    where the sequence is.
    """
    one_hot = np.eye(len(CLASSES), dtype=np.float32)
    for _ in range(steps):
        first = rng.choice(len(sequences.draw), batch, p=sequences.draw)
        column = rng.integers(0, sequences.partner.shape[1], batch)
        second = sequences.partner[first, column]
        made = rng.random(batch) >= sequences.real[first]
        place = np.where(made, rng.random(batch), 0.0).astype(np.float32)[:, None, None]
        signal = _blend(sequences.signal[first], sequences.signal[second], place)
        target = _blend(one_hot[sequences.label[first]], one_hot[sequences.label[second]], place)
        windows = sliding_window_view(signal, window, axis=2)[:, :, ::hop].swapaxes(1, 2)
        yield torch.from_numpy(windows.copy()), torch.from_numpy(target)


def _blend(
    a: NDArray[np.float32], b: NDArray[np.float32], place: NDArray[np.float32]
) -> NDArray[np.float32]:
    """From a towards b; where one is missing, the other stands for both."""
    a, b = np.where(np.isnan(a) & (place > 0), b, a), np.where(np.isnan(b), a, b)
    return a + place * (b - a)


def _cut(data: SequenceData) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Signals (n, channels, samples) and labels (n, steps) of all training sequences."""
    s = data.settings
    samples, stride = (s.sequence - 1) * s.hop + s.window, max(1, s.sequence // 2)
    signals, labels = [], []
    for segment in data.parts["train"]:
        if len(segment.label) < s.sequence:
            continue
        cuts = sliding_window_view(segment.signal, samples, axis=1)[:, :: stride * s.hop]
        signals.append(cuts.swapaxes(0, 1))
        labels.append(sliding_window_view(segment.label, s.sequence)[::stride])
    if not signals:
        raise InputError(
            f"the training part holds no {s.sequence} windows in a row: expected stretches of "
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
