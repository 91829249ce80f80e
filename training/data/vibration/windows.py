"""Windows: drawn at random for training, on a grid for the test, cut from the recordings.

A set of windows is three integer arrays until the samples are needed: nothing is copied before
`cut`, and any set can be compared, counted and stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.splits import Span


@dataclass(frozen=True, eq=False)
class WindowIndex:
    """Where windows lie: int64 arrays of shape (n,).

    Parameters
    ----------
    recording : index into the list of recordings.
    start : first sample.
    label : index into the list of classes.
    """

    recording: np.ndarray
    start: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.start)


def draw_windows(
    recordings: Sequence[Recording],
    spans: Sequence[Span],
    classes: Sequence[str],
    *,
    window: int,
    balance_ratio: float,
    n_normal: int = 2000,
    normal: str | None,
    seed: int,
) -> WindowIndex:
    """Draw an imbalanced training set at random starts.

    The windows of a class are dealt round-robin over its recordings, so that 5 windows come from
    5 recordings where there are 5. No start is used twice while a recording has unused ones.

    Parameters
    ----------
    recordings, spans : the training part of a split.
    classes : names, in label order.
    window : samples, > 0.
    balance_ratio : BR >= 1: `n_normal` windows of the normal class, `n_normal` / BR (rounded down,
        at least 1) of every other.
    n_normal : windows of the normal class, > 0.
    normal : the majority class; None takes the class with the most samples in `spans`.
    seed : of the draw. A class's draw does not depend on the other classes.

    Returns
    -------
    WindowIndex, ordered by class.

    Raises
    ------
    InputError
        If a class cannot fill one window, or has only one where several are wanted.
    """
    if not 1 <= balance_ratio < np.inf:  # nor NaN
        raise InputError(f"a balance ratio is at least 1, got {balance_ratio:g}")
    if n_normal < 1:
        raise InputError(f"the normal class needs at least one window, got {n_normal}")
    by_class = _spans_by_class(recordings, spans, classes)
    if normal is None:
        normal = max(by_class, key=lambda label: sum(s.stop - s.start for s in by_class[label]))
    elif normal not in by_class:
        raise InputError(f"no class is called {normal!r}: the classes are {', '.join(classes)}")
    n_fault = max(1, int(n_normal // balance_ratio))
    drawn = [
        _draw_class(
            label,
            by_class[label],
            window=window,
            count=n_normal if label == normal else n_fault,
            rng=np.random.default_rng([seed, index]),
        )
        for index, label in enumerate(classes)
    ]
    return WindowIndex(
        recording=np.concatenate([recording for recording, _ in drawn]),
        start=np.concatenate([start for _, start in drawn]),
        label=np.repeat(np.arange(len(classes)), [len(start) for _, start in drawn]),
    )


def grid_windows(
    recordings: Sequence[Recording],
    spans: Sequence[Span],
    classes: Sequence[str],
    *,
    window: int,
    hop: int,
) -> WindowIndex:
    """All windows that fit into the spans, every `hop` samples from the start of each.

    Parameters
    ----------
    recordings, spans : one part of a split.
    classes : names, in label order.
    window, hop : samples, > 0.

    Returns
    -------
    WindowIndex in the order of the spans.
    """
    label_of = {label: index for index, label in enumerate(classes)}
    starts = [np.arange(span.start, span.stop - window + 1, hop) for span in spans]
    counts = [len(s) for s in starts]
    labels = [label_of[recordings[span.recording].label] for span in spans]
    return WindowIndex(
        recording=np.repeat(np.array([s.recording for s in spans], dtype=np.int64), counts),
        start=np.concatenate([np.zeros(0, dtype=np.int64), *starts]),
        label=np.repeat(np.array(labels, dtype=np.int64), counts),
    )


def part_of(index: WindowIndex, rows: np.ndarray) -> WindowIndex:
    """Some of the windows, by their numbers."""
    return WindowIndex(index.recording[rows], index.start[rows], index.label[rows])


def in_batches(index: WindowIndex, size: int = 256) -> Iterator[WindowIndex]:
    """Windows in their order, some at a time: what is made of them is often much smaller."""
    for first in range(0, len(index), size):
        yield part_of(index, np.arange(first, min(first + size, len(index))))


def cut(
    recordings: Sequence[Recording], index: WindowIndex, window: int, *, finite: bool = True
) -> np.ndarray:
    """The samples of windows.

    Parameters
    ----------
    recordings : all with the same number of channels.
    index : where to cut.
    window : samples.
    finite : refuse values that are not.

    Returns
    -------
    float32 array, shape (n, channels, window).

    Raises
    ------
    InputError
        If the recordings differ in channels or rate, or a window holds NaN or infinity.
    """
    kinds = {(recordings[i].channels, recordings[i].rate) for i in np.unique(index.recording)}
    if len(kinds) > 1:
        (one, rate), (other, other_rate) = sorted(kinds)[:2]
        raise InputError(
            f"recordings differ: channels {', '.join(one)} at {rate:g} Hz and {', '.join(other)} "
            f"at {other_rate:g} Hz; choose common channels and bring all to one rate (to_rate)"
        )
    n_channels = len(next(iter(kinds))[0]) if kinds else 1
    out = np.empty((len(index), n_channels, window), dtype=np.float32)
    for i in np.unique(index.recording):
        rows = np.flatnonzero(index.recording == i)
        views = np.lib.stride_tricks.sliding_window_view(recordings[i].signal, window, axis=1)
        out[rows] = views[:, index.start[rows]].swapaxes(0, 1)
        if finite and not np.isfinite(out[rows]).all():
            raise InputError(
                f"recording {recordings[i].recording_id} holds values that are not finite: "
                "repair it, or leave it out"
            )
    return out


def counts_by_class(index: WindowIndex, classes: Sequence[str]) -> dict[str, int]:
    """Number of windows of every class, by name."""
    counts = np.bincount(index.label, minlength=len(classes))
    return dict(zip(classes, counts.tolist(), strict=True))


def _spans_by_class(
    recordings: Sequence[Recording], spans: Sequence[Span], classes: Sequence[str]
) -> dict[str, list[Span]]:
    by_class: dict[str, list[Span]] = {label: [] for label in classes}
    for span in spans:
        by_class[recordings[span.recording].label].append(span)
    return by_class


def _draw_class(
    label: str, spans: Sequence[Span], *, window: int, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Recording and start of `count` windows of one class."""
    starts: dict[int, list[np.ndarray]] = {}
    for span in spans:
        if span.stop - span.start >= window:
            possible = np.arange(span.start, span.stop - window + 1)
            starts.setdefault(span.recording, []).append(possible)
    available = sum(len(possible) for parts in starts.values() for possible in parts)
    if available < min(count, 2):
        raise InputError(
            f"class {label!r} has {'no' if available == 0 else 'a single'} window of {window} "
            f"samples to train on, {count} are wanted: record more of it, or use a shorter window"
        )
    order = rng.permutation(sorted(starts))
    shares = [len(range(k, count, len(order))) for k in range(len(order))]
    recording = np.repeat(order, shares)
    start = [
        _pick(np.concatenate(starts[int(i)]), n, rng) for i, n in zip(order, shares, strict=True)
    ]
    return recording.astype(np.int64), np.concatenate(start).astype(np.int64)


def _pick(possible: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the possible starts, all once before any is taken again."""
    if count <= len(possible):
        return rng.choice(possible, count, replace=False)
    return np.resize(rng.permutation(possible), count)
