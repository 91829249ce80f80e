"""What probes say of windows that they were trained without: by it is known what to promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax


class LeftOut(NamedTuple):
    """Heatmaps that were left out of a probe, several of a window where it has views.

    Parameters
    ----------
    logits : array, shape (n, K)
        By the probe that was trained without them.
    label : array, shape (n,), int
        Their class, 0 to K - 1.
    group : array, shape (n,), int
        What of the class was left out as a whole: a bearing, a load, or the window itself.
    window : array, shape (n,), int
        Which drawn window of the class they are of.
    """

    logits: NDArray[np.float32]
    label: NDArray[np.int64]
    group: NDArray[np.int64]
    window: NDArray[np.int64]

    def probabilities(self, temperature: float) -> NDArray[np.float64]:
        """Shape (n, K)."""
        scaled: NDArray[np.float64] = softmax(self.logits / temperature, axis=1)
        return scaled

    def by_group(self, label: int) -> list[NDArray[np.int64]]:
        """Of a class, the rows of each group."""
        own = self.label == label
        return [np.flatnonzero(own & (self.group == group)) for group in np.unique(self.group[own])]

    def n_windows(self, label: int) -> int:
        """Of a class, how many windows were left out."""
        return len(np.unique(self.window[self.label == label]))

    def weight(self) -> NDArray[np.float64]:
        """Of each row, shape (n,), 1 in all: every class weighs alike, of a class every group, and
        of a group every row."""
        weight = np.empty(len(self.label))
        classes = np.unique(self.label)
        for label in classes:
            groups = self.by_group(int(label))
            for rows in groups:
                weight[rows] = 1 / (len(classes) * len(groups) * len(rows))
        return weight


def told(
    logits: Sequence[NDArray[np.float32]],
    windows: Sequence[NDArray[np.int64]],
    groups: Sequence[NDArray[np.int64]] | None,
) -> LeftOut:
    """What one probe says of what it was trained without.

    Parameters
    ----------
    logits : K arrays, shape (n_c, K)
        Of each class's heatmaps.
    windows : K arrays, shape (n_c,), int
        The drawn window that each heatmap is of.
    groups : K arrays, shape (n_drawn,), int, optional
        The bearing or load that each drawn window is of. Without them, and in a class of a single
        one, every window is a group of its own.
    """
    group = [
        own if groups is None or len(np.unique(groups[label])) == 1 else groups[label][own]
        for label, own in enumerate(windows)
    ]
    label = np.repeat(np.arange(len(windows)), [len(own) for own in windows])
    return LeftOut(np.concatenate(logits), label, np.concatenate(group), np.concatenate(windows))


def joined(parts: Sequence[LeftOut]) -> LeftOut:
    """What several probes say."""
    return LeftOut(*map(np.concatenate, zip(*parts, strict=True)))
