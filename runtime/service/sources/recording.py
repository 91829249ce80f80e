"""A file as blocks, with the time of each; what cannot be read of it is kept as words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.blocks import MOST_BLOCK_BYTES, Block
from dlrsd.runtime.streams.signal_spec import AS_RECORDED
from dlrsd.runtime.streams.stream import SampleStream, open_stream
from dlrsd.runtime.streams.stream_format import StreamFormat

_FOLLOWS_S = 0.5  # from the end of a recording to the start of the next that continues it


class Recording:
    """A file that is read block by block.

    Parameters
    ----------
    path : Path
    fmt : StreamFormat
        What is stated of it.
    unit : {"g", "m/s2"}
        What its samples are brought to, if it states the other.
    changed : float
        Unix time in s at which it was last written: its end, where it states no start.

    Attributes
    ----------
    refused : str
        Why it was not read to its end; empty where it was.
    end : float
        Unix time of the sample after the last block.
    """

    def __init__(
        self, path: Path, fmt: StreamFormat, unit: Literal["g", "m/s2"], changed: float
    ) -> None:
        self.refused = ""
        self.end = 0.0
        self._path = path
        self._format = fmt
        self._unit = unit
        self._changed = changed
        self._stream: SampleStream | None = None
        self._blocks: Iterator[Block] | None = None

    def next_block(self, before: float | None) -> Block | None:
        """The next, or None at the end or where it cannot be read.

        Parameters
        ----------
        before : float or None
            Unix time at which the recording before this one ended.
        """
        try:
            if self._blocks is None:
                self._blocks = self._read(before)
            return next(self._blocks, None)
        except Exception as error:  # every reader meets files that nobody thought of
            reason = (
                str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            )
            self.refused = " ".join(reason.split())[:400]
            return None

    def close(self) -> None:
        """Give the file back."""
        if self._stream is not None:
            self._stream.close()

    def _read(self, before: float | None) -> Iterator[Block]:
        self._stream = stream = open_stream(
            self._path, self._format, default=structs.replace(AS_RECORDED, unit=self._unit)
        )
        if "dtype" in stream.description["assumed"]:
            raise InputError(
                "no kind of file that is known: state dtype and rate if it holds raw samples, or "
                "a pattern that leaves it out"
            )
        rate = stream.rate_hz
        if stream.start is not None:
            when = stream.start.timestamp()
        else:
            when = self._changed - (stream.n_samples or 0) / rate
        follows = stream.start is not None and before is not None and before - _FOLLOWS_S <= when
        missing: int | None = 0 if follows else None
        for chunk in stream:
            when += chunk.gap_before / rate
            if missing is not None:
                missing += chunk.gap_before
            for samples in _pieces(chunk.samples):
                self.end = when + samples.shape[1] / rate
                yield Block(
                    samples=samples,
                    rate_hz=rate,
                    arrived=time.time(),
                    time=when,
                    missing_before=missing,
                )
                missing, when = 0, self.end


def _pieces(samples: NDArray[np.generic]) -> Iterator[NDArray[np.generic]]:
    most = max(1, MOST_BLOCK_BYTES // (samples.shape[0] * samples.itemsize))
    for start in range(0, samples.shape[1], most):
        yield samples[:, start : start + most]
