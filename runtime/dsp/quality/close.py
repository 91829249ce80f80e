"""Close looks at single windows, for the few that a cheap sign makes suspicious."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.quality.cells import CELL
from dlrsd.runtime.dsp.quality.features import Features

# How many times as often as the next level an extreme must occur to be clipped: 2.4 is the most
# that an unclipped sine reaches.
CLIP_CONTRAST = 4
_BANDS = (0.01, 0.02, 0.04, 0.08, 0.16)  # of the range
_LEAST_SHARE, _MOST_SHARE = 1 / 32, 0.7  # of the samples, in the outer band
_BAND_LEVELS = 8  # values that a band must be able to hold: few levels pile up by themselves
_AROUND, _OWN = 16, 3  # samples beside a peak: those compared, and those that may belong to it,
_PLATEAU = 0.7  # where they are nearly as high
_Floats = NDArray[np.float32]


def is_clipped(windows: _Floats, clip_run: int, edge: float) -> NDArray[np.bool_]:
    """Whether samples pile up at either edge of a window's distribution.

    Repetition alone does not make a window clipped: the crest of a smooth signal that was stored
    with few integer levels repeats too, but then the level next to the crest repeats about as often
    (for a sine at least 0.4 times as often wherever its peak lies between two levels, and for
    noise more often). A clipped extreme collects everything that would have gone beyond it.

    Parameters
    ----------
    windows : array, shape (n, window)
    clip_run : int > 1
        Samples at one value that count as repeated.
    edge : float
        What `edge_contrast` may be.

    Returns
    -------
    array, shape (n,), bool
    """
    edges = _both_edges(windows)
    either = (_contrast(edges) > edge) | _repeats(edges, clip_run)
    clipped: NDArray[np.bool_] = np.logical_or(*either.reshape(2, -1))
    return clipped


def edge_contrast(windows: _Floats) -> _Floats:
    """How many times as many samples lie in a band at an edge as in the next, shape (n,).

    Bands of several widths, and either edge: the largest counts. 0 where no such band holds a
    thirty-second of the samples. A plateau that carries noise fills a band and not the next; of an
    unclipped sine it is 2.4, of noise less than 1.
    """
    contrast: _Floats = _contrast(_both_edges(windows)).reshape(2, -1).max(0)
    return contrast


def _both_edges(windows: _Floats) -> _Floats:
    """The windows sorted, and then the same turned over: either edge is an upper one of some."""
    rising = np.sort(windows, axis=1)
    return np.concatenate([rising, -rising[:, ::-1]])


def _contrast(rising: _Floats) -> _Floats:
    """At the upper edge of sorted windows."""
    window, widths = rising.shape[1], np.array(_BANDS, np.float32)
    top = rising[:, -1:]
    # Every band is as wide as all before it, so that what follows it ends where the next does.
    edges = top - np.append(widths, 2 * widths[-1]) * (top - rising[:, :1])
    beyond = window - _places(rising, edges)
    outer, inner = beyond[:, :-1], np.diff(beyond, axis=1)
    # Nearly all in one band: the other edge is a single spike.
    counts = (outer >= window * _LEAST_SHARE) & (outer <= window * _MOST_SHARE)
    levels = 1 + (rising[:, 1:] != rising[:, :-1]).sum(1)
    counts &= np.array(_BANDS) * levels[:, None] >= _BAND_LEVELS
    most: _Floats = np.where(counts, outer / np.maximum(inner, 1), 0).max(1).astype(np.float32)
    return most


def _places(rising: _Floats, values: _Floats) -> NDArray[np.intp]:
    """How many samples of each sorted window lie below each of its values, shape (n, values)."""
    found = np.empty(values.shape, np.intp)
    for place, row, value in zip(found, rising, values, strict=True):
        place[:] = row.searchsorted(value)
    return found


def _repeats(rising: _Floats, clip_run: int) -> NDArray[np.bool_]:
    """Whether the largest value of sorted windows is there far more often than the next."""
    below = _places(rising, rising[:, -1:])[:, 0]
    count = rising.shape[1] - below
    repeats: NDArray[np.bool_] = count >= clip_run
    rising, below, count = rising[repeats], below[repeats], count[repeats]
    level = np.take_along_axis(rising, np.maximum(below - 1, 0)[:, None], axis=1)
    at_level = (rising == level).sum(1) * (level != rising[:, :1])[:, 0]
    # No level in between at all: a square wave, saturated at both ends.
    repeats[repeats] = count > CLIP_CONTRAST * at_level
    return repeats


def has_run(windows: _Floats, length: int, *, of: float | None = None) -> NDArray[np.bool_]:
    """Whether so many samples in a row have one value, any or a certain one.

    Parameters
    ----------
    windows : array, shape (n, window)
    length : int > 0
    of : float, optional

    Returns
    -------
    array, shape (n,), bool
    """
    if of is None:
        same, length = windows[:, 1:] == windows[:, :-1], length - 1
    else:
        same = windows == of
    length = min(length, same.shape[1])
    if length < 1:
        return np.zeros(len(windows), bool)
    # After each step, run[i] says whether `reach` of them begin at i.
    run, reach = same, 1
    while reach < length:
        step = min(reach, length - reach)
        run = run[:, step:] & run[:, :-step]
        reach += step
    found: NDArray[np.bool_] = run.any(1)
    return found


def longest_run(windows: _Floats) -> NDArray[np.int64]:
    """The most samples in a row of one value, shape (n,)."""
    change = np.ones((len(windows), windows.shape[1] + 1), bool)
    np.not_equal(windows[:, 1:], windows[:, :-1], out=change[:, 1:-1])
    row, at = np.nonzero(change)
    length = np.diff(at)
    longest = np.ones(len(windows), np.int64)
    np.maximum.at(longest, row[:-1][length > 0], length[length > 0])
    return longest


def lone_peak(windows: _Floats, f: Features, channel: int, at: NDArray[np.intp]) -> _Floats:
    """The largest sample about the mean in units of the next largest around it.

    An impact rings on: what follows its peak is of the same order. A spike of one to three
    samples stands alone; 0 where the peak is less than double what others are, for then it is one
    of many, and at the window's end, where it is not known whether it rings on. Silence around
    counts as half the window's RMS.

    Parameters
    ----------
    windows : array, shape (n, window)
        All of the channel.
    f : Features
        Theirs.
    channel : int
    at : array, shape (m,), int
        Which of them.

    Returns
    -------
    array, shape (m,)
    """
    window, cells = windows.shape[1], f.size
    cell = min(CELL, window)
    peaks = f.peaks(channel, at).max(0)
    begin = np.minimum(peaks.argmax(1) * cell, window - cell) - _AROUND
    size = min(window, cell + 2 * _AROUND)
    begin = np.clip(begin, 0, window - size)
    columns = np.arange(size)
    near = windows[at[:, None], begin[:, None] + columns] - f.mean[channel][at][:, None]
    top = np.abs(near).argmax(1)
    rows = np.arange(len(at))
    near *= np.sign(near[rows, top])[:, None]
    peak = near[rows, top]
    beside = np.where(np.abs(columns - top[:, None]) <= _AROUND, np.abs(near), 0)
    beside[rows, top] = 0
    for side in (-1, 1):
        own = np.ones(len(at), bool)
        for distance in range(1, _OWN + 1):
            column = top + side * distance
            inside = (column >= 0) & (column < size)
            column = np.clip(column, 0, size - 1)
            own &= inside & (near[rows, column] >= _PLATEAU * peak)
            beside[rows[own], column[own]] = 0
    lone: _Floats = peak / np.maximum(beside.max(1), f.level[channel][at] / 2)
    usual = np.sort(peaks, axis=1)[:, cells // 2]
    lone[(peak < 2 * usual) | (begin + top >= window - _AROUND // 2)] = 0
    return lone


def fewest_equal(run: int) -> int:
    """Equal neighbours that some cell has at least where so many samples in a row are equal."""
    return (run + 1) // 2 - 1
