"""What the network says of each stretch of signal that the evidence gives a verdict on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.engines.engine import Output
from dlrsd.runtime.evidence.network import Heard

FEWEST = 4  # windows in a stretch that say something


class NetworkHeard:
    """The network's output by channel and stretch. Memory is that of one stretch a channel.

    Parameters
    ----------
    seconds : float > 0
        Of a stretch.
    done : function
        Is given channel, number of the stretch, and what was heard in it, once it is over.
    """

    def __init__(self, seconds: float, done: Callable[[int, int, Heard], None]) -> None:
        self._seconds = seconds
        self._done = done
        self._open: dict[int, tuple[int, list[Output]]] = {}

    def add(self, channel: NDArray[np.int64], time_s: NDArray[np.float64], output: Output) -> None:
        """Take in windows in order of time, arrays of shape (n,) and an output of n windows."""
        stretch = (time_s // self._seconds).astype(np.int64)
        # A graph that overflowed on a window says nothing of it.
        fit = np.isfinite(output.novelty + output.embedding.sum(axis=1))
        for number in np.unique(channel):
            mine = np.flatnonzero((channel == number) & fit)
            if not len(mine):
                continue
            ends = np.flatnonzero(np.diff(stretch[mine])) + 1
            for part in np.split(mine, ends):
                own = Output(*(values[part] for values in output))
                self._take(int(number), int(stretch[part[0]]), own)

    def end(self) -> None:
        """No more windows will come."""
        for channel in list(self._open):
            self._close(channel)

    def _take(self, channel: int, stretch: int, output: Output) -> None:
        if channel in self._open and self._open[channel][0] != stretch:
            self._close(channel)
        self._open.setdefault(channel, (stretch, []))[1].append(output)

    def _close(self, channel: int) -> None:
        stretch, outputs = self._open.pop(channel)
        probabilities, embedding, novelty = map(np.concatenate, zip(*outputs, strict=True))
        if len(novelty) < FEWEST:
            return
        embedding = embedding.astype(np.float64)
        heard = Heard(
            float(np.median(novelty)),
            embedding.mean(axis=0),
            embedding.std(axis=0),
            probabilities.argmax(axis=1),
        )
        self._done(channel, stretch, heard)
