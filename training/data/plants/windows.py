"""Windows of a plant and their labels, and events again from labels.

The label of a window is the state of the plant at its end, the time of its last sample: fault k
within the three hours before an event of code k starts and until it ends, else Normal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlrsd.training.data.plants.plants import PRECURSOR, Event, Plant

# Where several faults hold, the rarer one counts, by the published shares of windows.
RAREST_FIRST = (4, 5, 3, 2, 1, 6)


def window_ends(plant: Plant, *, window: int = 24, hop: int = 4) -> NDArray[np.datetime64]:
    """Times of the last samples of the windows that lie fully inside, shape (n_windows,)."""
    return plant.times[window - 1 :: hop]


def window_labels(plant: Plant, *, window: int = 24, hop: int = 4) -> NDArray[np.int64]:
    """Label windows by the events of their plant.

    Parameters
    ----------
    plant : with its events.
    window : samples of a window, > 0.
    hop : samples from one window's start to the next, > 0.

    Returns
    -------
    int64 array, shape (n_windows,): 0 is Normal, k is fault k. An event counts at a window's end t
    if start - 3 h < t <= end, one of no length by its three hours alone.
    """
    ends = window_ends(plant, window=window, hop=hop)
    return labels_at(ends, plant.events)


def labels_at(times: NDArray[np.datetime64], events: Sequence[Event]) -> NDArray[np.int64]:
    """The state at rising times, shape (n,)."""
    labels = np.zeros(len(times), np.int64)
    for code in reversed(RAREST_FIRST):
        own = [event for event in events if event.code == code]
        first = np.searchsorted(times, [e.start - PRECURSOR for e in own], side="right")
        last = np.searchsorted(times, [e.end for e in own], side="right")
        begun = np.bincount(first, minlength=len(times) + 1)
        over = np.bincount(last, minlength=len(times) + 1)
        labels[np.cumsum(begun - over)[:-1] > 0] = code
    return labels


def events_from_labels(
    labels: ArrayLike, plant: Plant, *, window: int = 24, hop: int = 4, first: int = 0
) -> list[Event]:
    """Turn each run of one fault's label into an event.

    By the rule of the labels the event starts three hours after some time between the ends of the
    last window before the run and of its first: the middle is taken, three hours after the end of
    the first window less half a hop. It ends half a hop after the end of the run's last window, or
    at its start if that is later. So both times are right within half a hop, but for events of one
    code that touch (they become one) and those whose edge a rarer fault hides.

    Parameters
    ----------
    labels : int array, shape (n_windows,), as from `window_labels`.
    plant, window, hop : that the labels belong to.
    first : number of the first labelled window in the plant.

    Returns
    -------
    list of Event, by start.
    """
    labels = np.asarray(labels)
    ends = window_ends(plant, window=window, hop=hop)[first:]
    half = np.timedelta64(round(hop * plant.step_s / 2), "s")
    edges = np.flatnonzero(np.diff(labels)) + 1
    events = []
    for run in np.split(np.arange(len(labels)), edges):
        if run.size and labels[run[0]]:
            start = ends[run[0]] + PRECURSOR - half
            events.append(Event(start, max(start, ends[run[-1]] + half), int(labels[run[0]])))
    return sorted(events)
