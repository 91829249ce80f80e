"""Plant signals as sequences of labelled windows: parts, and what is cut from them.

Protocols (named beside every figure):

``time``
    Of every plant the first 60 % of its time for training, 10 % for validation, the last 30 % for
    testing, with three hours between: a fault does not depend on anything earlier than that. An
    event that lasts longer than the gap may be on both sides.
``plant``
    Whole plants for each of the three: of a plant that is tested nothing was seen.

A window belongs to a part only if all its samples do. Windows of a part that follow each other
stay in order: `Segment`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.missing import hold_last
from dlrsd.training.data.plants.plants import CLASSES, Plant
from dlrsd.training.data.plants.windows import window_labels

PROTOCOLS = ("time", "plant")
PARTS = ("train", "validation", "test")
SHARES = (0.6, 0.1, 0.3)
GAP_S = 3 * 3600.0


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of one plant within a part.

    Parameters
    ----------
    plant : int
        Position in ``SequenceData.plants``.
    first : int
        Number of its first window in the plant.
    signal : array [shape=(channels, n)]
        Its samples, held where missing; NaN where missing for long.
    label : array [shape=(windows,)], int
    """

    plant: int
    first: int
    signal: NDArray[np.float32] = field(repr=False)
    label: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True)
class SequenceData:
    """Plants, cut into parts.

    Parameters
    ----------
    plants : list of Plant
    parts : dict of lists of Segment
        By the names of ``PARTS``.
    window, hop : int > 0
        Samples of a window, and from one to the next.
    """

    plants: list[Plant] = field(repr=False)
    parts: dict[str, list[Segment]] = field(repr=False)
    window: int
    hop: int

    @property
    def channels(self) -> tuple[str, ...]:
        return self.plants[0].channels

    def counts(self, part: str) -> NDArray[np.int64]:
        """Windows of every class in a part, (K,)."""
        labels = np.concatenate([segment.label for segment in self.parts[part]])
        return np.bincount(labels, minlength=len(CLASSES))

    def windows(self, segment: Segment) -> NDArray[np.float32]:
        """All windows of a segment in order, (windows, channels, window); a read-only view."""
        cut = sliding_window_view(segment.signal, self.window, axis=1)
        return cut[:, :: self.hop].swapaxes(0, 1)


def prepare_sequences(
    plants: Sequence[Plant], *, protocol: str, seed: int, window: int, hop: int, hold: int
) -> SequenceData:
    """Cut plants into parts.

    Parameters
    ----------
    plants : list of Plant, of the same channels
    protocol : "time" or "plant"
    seed : int >= 0
        Of the choice of plants for the protocol ``plant``.
    window, hop : int > 0
        Samples of a window, and from one to the next.
    hold : int >= 0
        Samples for which the last value stands in for a missing one.

    Raises
    ------
    InputError
        If plants have different channels, are too few, or a part is left without a window.
    """
    first = plants[0]
    for plant in plants[1:]:
        if plant.channels != first.channels:
            raise InputError(
                f"plants {first.name} and {plant.name} have different channels "
                f"({len(first.channels)} and {len(plant.channels)}): expected plants of one "
                "layout; train each layout by itself"
            )
    spans = _by_time(plants) if protocol == "time" else _by_plant(plants, seed)
    parts: dict[str, list[Segment]] = {part: [] for part in PARTS}
    for i, plant in enumerate(plants):
        filled, _ = hold_last(plant.signal, hold)
        label = window_labels(plant, window=window, hop=hop)
        for part, (start, end) in spans[i].items():
            segment = _segment(i, filled, label, start, end, window, hop)
            if len(segment.label):
                parts[part].append(segment)
    for part in PARTS:
        if not parts[part]:
            raise InputError(
                f"protocol {protocol} leaves no window of {window} samples for the {part} part: "
                "record longer, or more plants"
            )
    return SequenceData(list(plants), parts, window, hop)


Spans = list[dict[str, tuple[int, int]]]  # per plant: samples [start, end) of each part it has


def _by_time(plants: Sequence[Plant]) -> Spans:
    spans = []
    for plant in plants:
        n, gap = plant.signal.shape[1], round(GAP_S / plant.step_s)
        bounds = np.round(np.cumsum([0.0, *SHARES]) * n).astype(int)
        spans.append(
            {
                part: (int(bounds[i]) + (gap if i else 0), int(bounds[i + 1]))
                for i, part in enumerate(PARTS)
            }
        )
    return spans


def _by_plant(plants: Sequence[Plant], seed: int) -> Spans:
    if len(plants) < len(PARTS):
        raise InputError(
            f"got {len(plants)} plants for protocol plant: expected {len(PARTS)} or more, some to "
            "train, to validate and to test on; use protocol time"
        )
    order = np.random.default_rng([seed, 4]).permutation(len(plants))
    n_test = max(1, round(SHARES[2] * len(plants)))
    n_validation = max(1, round(SHARES[1] * len(plants)))
    names = ["test"] * n_test + ["validation"] * n_validation
    names += ["train"] * (len(plants) - len(names))
    part = dict(zip(order.tolist(), names, strict=True))
    return [{part[i]: (0, plant.signal.shape[1])} for i, plant in enumerate(plants)]


def _segment(
    plant: int,
    filled: NDArray[np.float32],
    label: NDArray[np.int64],
    start: int,
    end: int,
    window: int,
    hop: int,
) -> Segment:
    first = -(-start // hop)
    last = (end - window) // hop  # the last window that lies inside
    chosen = label[first : max(first, last + 1)]
    samples = filled[:, first * hop : first * hop + max(0, len(chosen) - 1) * hop + window]
    return Segment(plant, first, samples, chosen)
