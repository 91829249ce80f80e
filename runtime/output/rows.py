"""Batches of windows as lines of text, fast.

Most of a line are probabilities, and most of its time would go into formatting them one by one. So
those of a batch are looked up in tables together and put into copies of a line's text. They read as
"%.6f" writes them, for a float32 times a million is exact in double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.diagnosis.records import WindowBatch
from dlrsd.runtime.dsp.quality import QUALITY

_ZERO = "0.000000"
# A share is written as two words of four characters each: "0.12" and "3456".
_HEAD = np.frombuffer("".join(f"{i / 100:.2f}" for i in range(101)).encode(), np.uint32)
_DIGITS = np.arange(10_000)[:, None] // [1000, 100, 10, 1] % 10 + ord("0")
_TAIL = _DIGITS.astype(np.uint8).view(np.uint32)[:, 0]


class RowFormat:
    """The form of a line.

    Parameters
    ----------
    fit : str
        Of a window fit for diagnosis, with places (``%d``, ``%.6f``, ``%s``) for window, channel,
        time in s, time of day, label, shares, novelty and quality.
    unfit : str
        Of any other, with places for the first four and quality.
    labels : sequence of str
        What stands for each class.
    before : sequence of str
        The shares are the label's probability and that of every class: what stands before each.
    quality : str
        Form of the quality (``%s``).
    extra : function of a name
        Form of a column of `WindowBatch.extra` (``%.6f``), all of which follow the quality.
    unsure : (str, str)
        Of a window that is not sure enough for the risk, what stands for its label, and after its
        quality and such columns.
    """

    def __init__(
        self,
        *,
        fit: str,
        unfit: str,
        labels: Sequence[str],
        before: Sequence[str],
        quality: str = "%s",
        extra: Callable[[str], str] = lambda name: ",%.6f",
        unsure: tuple[str, str] = ("", ""),
    ) -> None:
        self._fit, self._unfit = fit.encode(), unfit.encode()
        self._labels = [label.encode() for label in labels]
        self._quality = [(quality % name).encode() for name in QUALITY]
        self._extra = extra
        self._no_label, self._after = (text.encode() for text in unsure)
        parts = [(text + _ZERO).encode() for text in before]
        self._shares = np.frombuffer(b"".join(parts), np.uint8)
        ends = np.cumsum([len(part) for part in parts])
        self._digits = (ends[:, None] - np.arange(len(_ZERO), 0, -1)).reshape(-1)

    def lines(self, batch: WindowBatch, times: Sequence[str]) -> bytes:
        """The lines of a batch; ``times`` is the time of day of each window, as it shall stand."""
        flags = [self._quality[code] for code in batch.quality.tolist()]
        for name, values in batch.extra.items():
            form = self._extra(name).encode()
            flags = [
                flag + form % value for flag, value in zip(flags, values.tolist(), strict=True)
            ]
        labels = [self._labels[label] for label in batch.label.tolist()]
        for row in [] if batch.unsure is None else np.flatnonzero(batch.unsure).tolist():
            labels[row] = self._no_label
            flags[row] += self._after
        shares = self._texts(np.column_stack([batch.probability, batch.probabilities]))
        rows = zip(
            batch.window.tolist(),
            batch.channel.tolist(),
            batch.time_s.tolist(),
            [time.encode() for time in times],
            labels,
            batch.label.tolist(),
            shares,
            batch.novelty.tolist(),
            flags,
            strict=True,
        )
        return b"".join(
            self._fit % (window, channel, time_s, time, said, share, novelty, flag)
            if label >= 0
            else self._unfit % (window, channel, time_s, time, flag)
            for window, channel, time_s, time, said, label, share, novelty, flag in rows
        )

    def _texts(self, shares: NDArray[np.float32]) -> list[bytes]:
        text = np.empty((len(shares), len(self._shares)), np.uint8)
        text[:] = self._shares
        text[:, self._digits] = _decimals(shares)
        lines: list[bytes] = text.view(f"S{text.shape[1]}")[:, 0].tolist()
        return lines


def _decimals(shares: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Numbers from 0 to 1 (n, k) with six decimals, as characters (n, 8 k); a NaN is 0."""
    exact = np.fmin(np.fmax(shares, 0, dtype=np.float64), 1)
    head, tail = np.divmod(np.rint(exact * 1e6).astype(np.intp), 10_000)
    words = np.empty((*shares.shape, 2), np.uint32)
    words[..., 0], words[..., 1] = _HEAD[head], _TAIL[tail]
    return words.view(np.uint8).reshape(len(shares), -1)
