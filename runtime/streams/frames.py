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
    for name, value in (("window", window), ("hop", hop), ("batch", batch)):
        if not isinstance(value, int) or value < 1:
            raise InputError(f"{name} is {value!r}: expected an integer above 0")
    return _cut(chunks, window, hop, batch, fill)


def _cut(
    chunks: Iterable[Chunk], window: int, hop: int, batch: int, fill: float
) -> Iterator[Frames]:
    buffer = np.empty((0, 0), np.float32)
    origin = 0  # sample number of buffer[:, 0]
    following = 0  # where the next window starts
    covered = 0  # end of the last window
    missing: list[tuple[int, int]] = []
    skipped = 0

    def filling(channels: int, samples: int) -> np.ndarray:
        return np.full((channels, samples), fill, np.float32)

    def extend(samples: np.ndarray) -> Iterator[Frames]:
        nonlocal buffer, origin, following, covered, missing, skipped
        if buffer.shape[0] != samples.shape[0]:
            buffer = np.empty((samples.shape[0], 0), np.float32)
        done = min(following - origin, buffer.shape[1])
        kept = buffer[:, done:]
        buffer = np.empty((len(kept), kept.shape[1] + samples.shape[1]), np.float32)
        buffer[:, : kept.shape[1]], buffer[:, kept.shape[1] :] = kept, samples
        origin += done
        offset = following - origin
        count = (buffer.shape[1] - offset - window) // hop + 1
        if count < 1:
            return
        views = sliding_window_view(buffer[:, offset:], window, axis=1)[:, ::hop]
        views = views.transpose(1, 0, 2)
        for first in range(0, count, batch):
            size = min(batch, count - first)
            index = following // hop + np.arange(size)
            start = index * hop
            gap = np.zeros(size, bool)
            for begin, end in missing:
                gap |= (start < end) & (start + window > begin)
            said, skipped = skipped, 0
            following, covered = following + size * hop, int(start[-1]) + window
            samples, more = views[first : first + size], first + size < count
            signal = buffer[:, offset + first * hop : offset + (first + size - 1) * hop + window]
            yield Frames(start, index, samples, gap, signal, said, more)
        missing = [(begin, end) for begin, end in missing if end > following]

    for chunk in chunks:
        channels = chunk.samples.shape[0]
        if chunk.gap_before:
            begin = origin + buffer.shape[1]
            end = begin + chunk.gap_before
            missing.append((begin, end))
            if chunk.gap_before <= FILLED_WINDOWS * window:
                yield from extend(filling(channels, chunk.gap_before))
            else:
                yield from extend(filling(channels, window - 1))
                resume = max(following, -(-(end - window + 1) // hop) * hop)
                if resume > following:
                    skipped += (resume - following) // hop
                    following, covered = resume, resume - hop + window
                origin = min(resume, end)
                buffer = filling(channels, end - origin)
        yield from extend(chunk.samples)

    end = origin + buffer.shape[1]
    if covered < end and following < end:
        rest = filling(buffer.shape[0], window)[None]
        rest[0, :, : end - following] = buffer[:, following - origin :]
        index = np.array([following // hop])
        yield Frames(index * hop, index, rest, np.array([True]), rest[0], skipped)
    elif skipped:
        none = np.empty(0, np.int64)
        samples = np.empty((0, buffer.shape[0], window), np.float32)
        yield Frames(none, none, samples, np.empty(0, bool), buffer[:, :0], skipped)
