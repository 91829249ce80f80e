"""What is to be written of the trend, and up to when each machine's signal is in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import closing
from threading import Lock

from dlrsd.runtime.service.indicators.parts import merge
from dlrsd.runtime.service.said import Minute
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store

_PAST_S = 7200.0  # of minutes that tell how a machine runs


class Kept:
    """Minutes on their way to the store, from the thread of the loop to those that write.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[Minute] = deque()
        self._writing = Lock()
        self._upto: dict[str, float] = store.upto()

    def upto(self, machine: str) -> float | None:
        """Up to when a machine's signal is in minutes or told to be missing, Unix time in s."""
        return self._upto.get(machine)

    def reach(self, machine: str, time: float) -> None:
        """Up to then all is kept, or told to be missing."""
        self._upto[machine] = max(self._upto.get(machine, time), time)

    def add(self, rows: Iterable[Minute]) -> None:
        """Let rows wait to be written."""
        self._waiting.extend(rows)

    def write(self, now: float | None = None) -> None:
        """Write what waits, and a sign of life where ``now`` is given; waits for the disk."""
        with self._writing:
            rows = [self._waiting.popleft() for _ in range(len(self._waiting))]
            for row in rows:
                self.reach(row.machine, 60.0 * (row.minute + 1))
            if rows:
                self._store.write_minutes(rows, merge, upto=dict(self._upto))
            if now is not None:
                self._store.heartbeat(now, dict(self._upto))

    def close(self, machine: str, rows: Iterable[Minute], upto: float | None) -> None:
        """Write the last rows of a machine, whose minutes are not over; ``upto`` is None where
        nothing of it was heard."""
        self.add(rows)
        self.write()
        if upto is not None:
            self._upto[machine] = upto

    def past(self, machine: str, sensors: Iterable[str]) -> list[Minute]:
        """The last minutes of a machine, oldest first."""
        upto = self._upto.get(machine)
        if upto is None:
            return []
        with closing(Reading(self._store.folder)) as reading:
            rows = [
                row
                for sensor in sensors
                for row in reading.minutes(machine, sensor, start=upto - _PAST_S, end=upto)
            ]
        return sorted(rows, key=lambda row: row.minute)
