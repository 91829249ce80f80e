"""Batches of window sequences: drawn by given shares, some of them blended with a neighbour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from dlrsd.training.data.plants.plants import CLASSES


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
