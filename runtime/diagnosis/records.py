"""The records of a diagnosis: windows in batches of columns, and what one of them looks like.

A diagnosis is a header, one record per window and channel, and a summary. Windows travel in
batches of columns, because a Python dict per window would cost more than the diagnosis itself;
`WindowBatch.records` gives the dicts to who wants them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.quality import QUALITY


@dataclass(frozen=True)
class WindowBatch:
    """Diagnoses of n windows in order of time; a window of c channels diagnosed singly is c rows.

    Parameters
    ----------
    classes : tuple of str
        The K classes.
    window, channel : int array, shape (n,)
        Index of the window and of the channel (0 where the bundle takes all channels at once).
    time_s : float array, shape (n,)
        Start of the window, s from the start of the stream.
    time : datetime64[us] array, shape (n,), or None
        The same as time of day, where the stream's start is known; in UTC if ``utc``.
    label : int array, shape (n,)
        Index of the most probable class, -1 where the window is unfit.
    probabilities, novelty : float32 arrays, shape (n, K) and (n,)
        NaN where the window is unfit.
    quality : uint8 array, shape (n,)
        Index into `QUALITY`: "ok", or what makes the window unfit.
    missing : float array, shape (n,), or None
        Of a sequence: the share of the window's samples that were not measured, 0 to 1.
    """

    classes: tuple[str, ...]
    window: NDArray[np.int64]
    channel: NDArray[np.int64]
    time_s: NDArray[np.float64]
    time: NDArray[np.datetime64] | None
    utc: bool
    label: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    novelty: NDArray[np.float32]
    quality: NDArray[np.uint8]
    missing: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.label)

    @property
    def probability(self) -> NDArray[np.float32]:
        """Probability of the label, shape (n,), NaN where the window is unfit."""
        return self.probabilities.max(axis=1)

    def iso_times(self) -> list[str] | None:
        """ISO 8601 time of day of each window's start, or None where it is not known."""
        if self.time is None:
            return None
        zone = "Z" if self.utc else ""
        return [f"{text}{zone}" for text in np.datetime_as_string(self.time, unit="us")]

    def records(self) -> Iterator[dict[str, Any]]:
        """One dict per row, as in the JSONL file; an unfit window's diagnosis is None."""
        probabilities = np.round(self.probabilities.astype(float), 6).tolist()
        novelty = np.round(self.novelty.astype(float), 6).tolist()
        times = self.iso_times()
        for row, label in enumerate(self.label.tolist()):
            fit = label >= 0
            record: dict[str, Any] = {
                "type": "window",
                "window": int(self.window[row]),
                "channel": int(self.channel[row]),
                "time_s": round(float(self.time_s[row]), 6),
            }
            if times is not None:
                record["time"] = times[row]
            record |= {
                "label": self.classes[label] if fit else None,
                "probability": probabilities[row][label] if fit else None,
                "probabilities": (
                    dict(zip(self.classes, probabilities[row], strict=True)) if fit else None
                ),
                "novelty": novelty[row] if fit else None,
                "quality": QUALITY[self.quality[row]],
            }
            if self.missing is not None:
                record["missing"] = round(float(self.missing[row]), 6)
            yield record
