"""What an output holds already, and how a diagnosis goes on with it.

A diagnosis that goes on reads the stream again from its start and comes by all its memory that way:
of resampling, of states, of verdicts. What it diagnoses again is compared with what is stored and
not written a second time. So the whole is, record for record, what an undisturbed diagnosis writes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.diagnosis.records import Header, Summary, WindowBatch
from dlrsd.runtime.dsp.quality import QUALITY

# Novelties this close are the same: a GPU, or another number of threads, sums in another order.
_RELATIVE, _ABSOLUTE = 1e-2, 1e-3


class Row(NamedTuple):
    """What tells a stored record from that of another recording; no novelty where it is unfit."""

    window: int
    channel: int
    quality: str
    novelty: float | None


class Stored(Struct, frozen=True):
    """The latest diagnosis in an output.

    Attributes
    ----------
    header : Header
    summary : Summary or None
        None where the diagnosis was cut off.
    count : int
        Its records that are whole.
    rows : function
        These, in order.
    """

    header: Header
    summary: Summary | None
    count: int
    rows: Callable[[], Iterator[Row]]

    @property
    def is_complete(self) -> bool:
        """Whether the diagnosis went to the end of its stream, and all of it is there."""
        summary = self.summary
        return summary is not None and not summary.interrupted and summary.records == self.count


def require_same(header: Header, stored: Header, name: str) -> None:
    """Raise an `InputError` that names what differs, if a diagnosis is not the stored one."""
    new = _plain(structs.replace(header, segment=stored.segment))
    if differs := _difference(new, _plain(stored)):
        place, is_now, was = differs
        raise InputError(
            f"cannot go on with {name}: {place} is {is_now}, and was {was} there; give what was "
            "given then, or start a new segment with --append"
        )


class Kept:
    """Stored records as they are diagnosed again."""

    def __init__(self, rows: Iterator[Row], name: str) -> None:
        self._rows, self._name = rows, name
        self._next = next(rows, None)

    @property
    def is_over(self) -> bool:
        """Whether all of them came again."""
        return self._next is None

    def rest(self, batch: WindowBatch) -> WindowBatch:
        """What of a batch is not stored yet.

        Raises
        ------
        InputError
            If a record came out otherwise than it is stored: the recording is another one.
        """
        done = 0
        novelty = batch.novelty.tolist()
        while self._next is not None and done < len(batch):
            label = int(batch.label[done])
            row = Row(
                int(batch.window[done]),
                int(batch.channel[done]),
                QUALITY[batch.quality[done]],
                novelty[done] if label >= 0 else None,
            )
            if not _agree(row, self._next):
                raise InputError(
                    f"cannot go on with {self._name}: window {self._next.window} of channel "
                    f"{self._next.channel} came out otherwise than it is stored there; the "
                    "recording was changed since, or is another one; nothing was changed"
                )
            done += 1
            self._next = next(self._rows, None)
        return batch.after(done) if done else batch

    def require_over(self) -> None:
        """Raise an `InputError` if the stream ended before they all came again."""
        if self._next is not None:
            raise InputError(
                f"cannot go on with {self._name}: the recording ends before window "
                f"{self._next.window}, which is stored there; it was cut since, or is another "
                "one; nothing was changed"
            )


def _agree(row: Row, stored: Row) -> bool:
    if row[:3] != stored[:3] or (row.novelty is None) != (stored.novelty is None):
        return False
    if row.novelty is None or stored.novelty is None:
        return True
    return math.isclose(row.novelty, stored.novelty, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def _plain(header: Header) -> Any:
    """As JSON has it."""
    return json.loads(json.dumps(msgspec.to_builtins(header)))


def _difference(new: Any, stored: Any, place: str = "") -> tuple[str, str, str] | None:
    """Place and both values of the first thing that differs."""
    if isinstance(new, dict) and isinstance(stored, dict):
        for name in [*new, *(name for name in stored if name not in new)]:
            inside = f"{place}.{name}".lstrip(".")
            if differs := _difference(new.get(name), stored.get(name), inside):
                return differs
        return None
    if new == stored:
        return None
    return place, _text(new), _text(stored)


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"{json.dumps(value):.80}"
