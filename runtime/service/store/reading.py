"""What was measured and said, kept over kills and power cuts: the side that reads."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.said import Change, Event, Minute
from dlrsd.runtime.service.store.deciding import read_alarms, read_changes
from dlrsd.runtime.service.store.keeping import fetch_waveform, read_waveforms
from dlrsd.runtime.service.store.labels import read_labelled, read_labels
from dlrsd.runtime.service.store.minutes import (
    find_series,
    read_epochs,
    read_latest,
    read_minutes,
)
from dlrsd.runtime.service.store.rows import AlarmRow, LabelRow, Trend, WaveformRow, to_event
from dlrsd.runtime.service.store.schema import DATABASE, connect_to_read, refused
from dlrsd.runtime.service.store.trend import read_trend
from dlrsd.runtime.service.store.waveform import Waveform


class Reading:
    """Reads a store from any thread, or another process, while it is written.

    Times are Unix times in s. Every method raises `InputError` where the store is missing or
    cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._idle: list[sqlite3.Connection] = []
        self._lock = Lock()

    def close(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def alarms(
        self,
        *,
        machine: str | None = None,
        open_only: bool = False,
        before: float | None = None,
        most: int = 100,
    ) -> list[AlarmRow]:
        """Alarms, the latest to begin first; of those that began before a time, where one is
        given."""
        with self._connection() as c:
            return read_alarms(c, machine=machine, open_only=open_only, before=before, most=most)

    def alarm(self, alarm: str) -> AlarmRow | None:
        """One alarm by its id."""
        with self._connection() as c:
            found = read_alarms(c, machine=None, open_only=False, before=None, most=1, alarm=alarm)
        return found[0] if found else None

    def changes(self, alarm: str) -> list[Change]:
        """The changes of an alarm, in order."""
        with self._connection() as c:
            return read_changes(c, alarm)

    def heartbeat(self) -> tuple[float, bool] | None:
        """When the watch was last known to go on, and whether it ended in order; None: never."""
        with self._connection() as c:
            found = c.execute("SELECT * FROM heartbeat").fetchone()
        return (float(found[1]), bool(found[2])) if found else None

    def upto(self, machine: str) -> float | None:
        """Up to when a machine's signal is in the minutes that are kept; None: it never was."""
        with self._connection() as c:
            found = c.execute("SELECT upto FROM watched WHERE machine = ?", (machine,)).fetchone()
        return float(found[0]) if found else None

    def epochs(self, machine: str) -> list[float]:
        """When each epoch of a machine began: the first at minus infinity, one more after each
        repair."""
        with self._connection() as c:
            return read_epochs(c, machine)

    def minutes(
        self, machine: str, sensor: str, *, start: float, end: float, epoch: int | None = None
    ) -> list[Minute]:
        """Minutes that begin from ``start`` to before ``end``, of the present epoch, or another
        one by its place in `epochs`."""
        with self._connection() as c:
            start, end = _within(c, machine, start, end, epoch)
            return read_minutes(c, machine, sensor, math.ceil(start / 60), math.ceil(end / 60))

    def trend(
        self,
        machine: str,
        sensor: str,
        figure: str,
        *,
        start: float,
        end: float,
        points: int = 2000,
        epoch: int | None = None,
    ) -> Trend:
        """A figure over time.

        Parameters
        ----------
        figure : str
            A field of `Levels`, "novelty", "unfit_share", "speed_rpm", "load", "temperature_c",
            "line:PLACE" or "label:CLASS".
        points : int > 0
            Most stretches that it is rolled up to.
        epoch : int, optional
            As for `minutes`.
        """
        with self._connection() as c:
            start, end = _within(c, machine, start, end, epoch)
            series = find_series(c, machine, sensor)
            return read_trend(c, series, figure, start, end, points)

    def latest(self) -> dict[tuple[str, str], Minute]:
        """The latest minute by machine and sensor."""
        with self._connection() as c:
            return read_latest(c)

    def events(self, *, machine: str | None = None, most: int = 100) -> list[Event]:
        """Events, the latest first; of one machine, where it is given."""
        where, values = ("WHERE machine = ?", [machine]) if machine is not None else ("", [])
        with self._connection() as c:
            rows = c.execute(
                f"SELECT time, kind, text, machine, source, count, seconds FROM event {where} "  # noqa: S608
                "ORDER BY time DESC, number DESC LIMIT ?",
                (*values, most),
            )
            return [to_event(row) for row in rows]

    def waveforms(
        self, *, machine: str | None = None, alarm: str | None = None, most: int = 100
    ) -> list[WaveformRow]:
        """The waveforms that are kept, the latest first; of one machine or alarm, where given."""
        with self._connection() as c:
            return read_waveforms(c, machine, alarm, most)

    def waveform(self, number: int) -> Waveform:
        """One by the id of its row."""
        with self._connection() as c:
            return fetch_waveform(c, self.folder, number)

    def labelled(self) -> dict[str, int]:
        """How many windows people confirmed of each class."""
        with self._connection() as c:
            return read_labelled(c)

    def labels(self, *, machine: str | None = None, most: int = 100) -> list[LabelRow]:
        """What people said that signal is, the latest signal first."""
        with self._connection() as c:
            return read_labels(c, machine, most)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / DATABASE
        c = None
        try:
            with self._lock:
                c = self._idle.pop() if self._idle else None
            if c is None:
                c = connect_to_read(path)
            c.execute("BEGIN")
            yield c
            c.execute("COMMIT")
        except sqlite3.Error as error:
            if c is not None:
                c.close()
            if not path.exists():
                raise InputError(f"there is no store in {self.folder}") from error
            raise refused(path, error) from error
        except BaseException:
            if c is not None:
                c.close()
            raise
        with self._lock:
            self._idle.append(c)


def _within(
    c: sqlite3.Connection, machine: str, start: float, end: float, epoch: int | None
) -> tuple[float, float]:
    """The part of a span that is in an epoch."""
    epochs: list[Any] = [*read_epochs(c, machine), float("inf")]
    n = len(epochs) - 2 if epoch is None else epoch
    if not 0 <= n < len(epochs) - 1:
        raise InputError(f"got epoch {epoch} of {machine[:60]}: expected 0 to {len(epochs) - 2}")
    start = min(max(start, epochs[n], 0.0), 1e11)
    return start, min(max(start, min(end, epochs[n + 1])), 1e11)
