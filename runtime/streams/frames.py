"""Cut a stream of chunks into overlapping windows.

Every window starts on a multiple of the hop, counted from the stream's first sample and counting
missing samples, so `start / rate` is its time whatever was lost on the way. Windows are views of
one buffer; nothing is copied per window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from msgspec import Struct
from numpy.lib.stride_tricks import sliding_window_view

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.source import Chunk

# A longer gap is not filled window by window: 64 windows are 5.5 s of 1024 at 12 kHz.
FILLED_WINDOWS = 64


class Frames(Struct, frozen=True):
    """Some consecutive windows of a stream.

    Attributes
    ----------
    start : array, shape (n,), int64
        Sample at which each window starts: `index` times the hop.
    index : array, shape (n,), int64
        Number of each window, from 0. It jumps where windows were skipped.
    samples : array, shape (n, channels, window), float32
        Read-only view. Missing samples, and those beyond the stream's end, are `fill`.
    gap : array, shape (n,), bool
        Windows that hold missing samples, or end beyond the stream's end.
    signal : array, shape (channels, samples), float32
        The same samples without overlap, from the first of the first window to the last of the
        last: for what is computed once for all windows.
    skipped : int
        Windows before these that lay wholly inside one long gap and are not handed out.
    more : bool
        More windows are complete already: asking for them does not wait for samples.
    """

    start: np.ndarray
    index: np.ndarray
    samples: np.ndarray
    gap: np.ndarray
    signal: np.ndarray
    skipped: int = 0
    more: bool = False


def frames(
    chunks: Iterable[Chunk], *, window: int, hop: int, batch: int = 256, fill: float = 0.0
) -> Iterator[Frames]:
    """Windows of a stream, handed out as soon as they are complete.

    Samples at the end that no full window covers come as one more window, padded with `fill`. A gap
    of up to `FILLED_WINDOWS` is filled with it; in a longer one the windows that hold no sample at
    all are skipped and counted. Where none follows the last skipped ones (a hop above the window
    can step over all samples after a gap) they are counted in a `Frames` of no windows.

    Parameters
    ----------
    chunks : iterable of Chunk
        An open `SampleStream`, say.
    window, hop : int > 0
        Length of a window and distance between the starts of two, in samples.
    batch : int > 0
        Most windows to hand out at once.
    fill : float
        What stands for missing samples.

    Yields
    ------
    Frames
    """
    framer = Framer(window=window, hop=hop, batch=batch, fill=fill)
    return _cut(framer, chunks)


def _cut(framer: Framer, chunks: Iterable[Chunk]) -> Iterator[Frames]:
    for chunk in chunks:
        yield from framer.push(chunk)
    yield from framer.end()


class Framer:
    """Windows of a stream as its chunks come in; parameters as of `frames`.

    What `push` gives must be used up before it is called again.
    """

    def __init__(self, *, window: int, hop: int, batch: int = 256, fill: float = 0.0) -> None:
        for name, value in (("window", window), ("hop", hop), ("batch", batch)):
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} is {value!r}: expected an integer above 0")
        self._window, self._hop, self._batch, self._fill = window, hop, batch, fill
        self._buffer = np.empty((0, 0), np.float32)
        self._origin = 0  # sample number of buffer[:, 0]
        self._following = 0  # where the next window starts
        self._covered = 0  # end of the last window
        self._missing: list[tuple[int, int]] = []
        self._skipped = 0

    def push(self, chunk: Chunk) -> Iterator[Frames]:
        """Windows that the next chunk completes."""
        channels, window, hop = chunk.samples.shape[0], self._window, self._hop
        if chunk.gap_before:
            begin = self._origin + self._buffer.shape[1]
            end = begin + chunk.gap_before
            self._missing.append((begin, end))
            if chunk.gap_before <= FILLED_WINDOWS * window:
                yield from self._extend(self._filling(channels, chunk.gap_before))
            else:
                yield from self._extend(self._filling(channels, window - 1))
                resume = max(self._following, -(-(end - window + 1) // hop) * hop)
                if resume > self._following:
                    self._skipped += (resume - self._following) // hop
                    self._following, self._covered = resume, resume - hop + window
                self._origin = min(resume, end)
                self._buffer = self._filling(channels, end - self._origin)
        yield from self._extend(chunk.samples)

    def end(self) -> Iterator[Frames]:
        """The last window, cut short, where samples are left that none holds."""
        buffer, following = self._buffer, self._following
        end = self._origin + buffer.shape[1]
        if self._covered < end and following < end:
            rest = self._filling(buffer.shape[0], self._window)[None]
            rest[0, :, : end - following] = buffer[:, following - self._origin :]
            index = np.array([following // self._hop])
            yield Frames(index * self._hop, index, rest, np.array([True]), rest[0], self._skipped)
        elif self._skipped:
            none = np.empty(0, np.int64)
            samples = np.empty((0, buffer.shape[0], self._window), np.float32)
            yield Frames(none, none, samples, np.empty(0, bool), buffer[:, :0], self._skipped)

    def _filling(self, channels: int, samples: int) -> np.ndarray:
        return np.full((channels, samples), self._fill, np.float32)

    def _extend(self, samples: np.ndarray) -> Iterator[Frames]:
        window, hop, buffer = self._window, self._hop, self._buffer
        if buffer.shape[0] != samples.shape[0]:
            buffer = np.empty((samples.shape[0], 0), np.float32)
        done = min(self._following - self._origin, buffer.shape[1])
        kept = buffer[:, done:]
        buffer = np.empty((len(kept), kept.shape[1] + samples.shape[1]), np.float32)
        buffer[:, : kept.shape[1]], buffer[:, kept.shape[1] :] = kept, samples
        self._buffer = buffer
        self._origin += done
        offset = self._following - self._origin
        count = (buffer.shape[1] - offset - window) // hop + 1
        if count < 1:
            return
        views = sliding_window_view(buffer[:, offset:], window, axis=1)[:, ::hop]
        views = views.transpose(1, 0, 2)
        for first in range(0, count, self._batch):
            size = min(self._batch, count - first)
            index = self._following // hop + np.arange(size)
            start = index * hop
            gap = np.zeros(size, bool)
            for begin, end in self._missing:
                gap |= (start < end) & (start + window > begin)
            said, self._skipped = self._skipped, 0
            self._following += size * hop
            self._covered = int(start[-1]) + window
            signal = buffer[:, offset + first * hop : offset + (first + size - 1) * hop + window]
            more = first + size < count
            yield Frames(start, index, views[first : first + size], gap, signal, said, more)
        self._missing = [(begin, end) for begin, end in self._missing if end > self._following]
