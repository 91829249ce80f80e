"""Which signal is kept: around each alarm, and the worst second of each day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from dlrsd.runtime.service.indicators.parts import severity
from dlrsd.runtime.service.said import Change, Second
from dlrsd.runtime.service.store.housekeeping import keep_waveform
from dlrsd.runtime.service.store.ring import Excerpt
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.store.waveform import About, Waveform
from dlrsd.runtime.service.watching.feed import Feed, feed_name
from dlrsd.runtime.service.watching.watched import Watched

_DAY_S = 86_400
_WRITE_S = 60.0  # between two writings of the worst second of one source
_MARGIN_S = 2.0  # after the time that is wanted, for signal on its way
_RAISED = ("alert", "danger", "sensor fault")


class _Worst(Struct):
    """The worst second of a day of one source, and when it was written last."""

    day: int
    figure: tuple[float, float]
    waveform: Waveform | None
    written: float


class Waveforms:
    """Keeps signal as it was sent, by a thread of its own; nobody waits for the disk.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="waveforms")
        self._worst: dict[tuple[str, str], _Worst] = {}
        self._due: dict[str, tuple[asyncio.TimerHandle, Watched, Change]] = {}

    def alarmed(self, watched: Watched, changes: Iterable[Change]) -> None:
        """Keep the signal before a change, at once, and after it, when it has come."""
        for change in changes:
            if change.state not in _RAISED or change.alarm in self._due:
                continue
            self._keep(watched, change)
            later = asyncio.get_running_loop().call_later(
                self._store.limits.after_s + _MARGIN_S, self._later, change.alarm
            )
            self._due[change.alarm] = later, watched, change

    def look(self, watched: Watched, seconds: Iterable[Second], now: float) -> None:
        """Keep the worst of these seconds, where none of its day was worse."""
        for second in seconds:
            figure, day = severity(second.levels), int(second.time // _DAY_S)
            if second.unfit is not None or second.running != "running":
                continue
            for at, feed in watched.feeds_of(second.sensor):
                key = watched.name, at
                kept = self._worst.get(key)
                if kept is not None and kept.day == day and figure <= kept.figure:
                    continue
                excerpt = feed.ring.take(second.time, second.time + 1) if feed.ring else None
                if excerpt is None:
                    continue
                waveform = _waveform(watched, at, feed, excerpt, worst=max(figure[0], 0.0))
                if kept is None or kept.day != day:
                    self._write_worst(kept)
                    kept = self._worst[key] = _Worst(day, figure, waveform, now)
                kept.figure, kept.waveform = figure, waveform
        for kept in self._worst.values():
            if kept.waveform is not None and now - kept.written >= _WRITE_S:
                kept.written = now
                self._write_worst(kept)

    def meanwhile(self, work: Callable[..., object], *arguments: object) -> None:
        """Do other work of the disk in the same thread."""
        self._pool.submit(work, *arguments)

    def close(self) -> None:
        """Write what is due, as far as it has come."""
        for handle, watched, change in self._due.values():
            handle.cancel()
            self._keep(watched, change)
        self._due.clear()
        for kept in self._worst.values():
            self._write_worst(kept)
        self._pool.shutdown()

    def _later(self, alarm: str) -> None:
        _, watched, change = self._due.pop(alarm)
        self._keep(watched, change)

    def _keep(self, watched: Watched, change: Change) -> None:
        limits = self._store.limits
        start, end = change.time - limits.before_s, change.time + limits.after_s
        for (number, name), feed in list(watched.feeds.items()):
            excerpt = feed.ring.take(start, end) if feed.ring else None
            if excerpt is not None:
                at = feed_name(number, name)
                waveform = _waveform(watched, at, feed, excerpt, alarm=change.alarm)
                self._pool.submit(keep_waveform, self._store, waveform)

    def _write_worst(self, kept: _Worst | None) -> None:
        if kept is not None and kept.waveform is not None:
            self._pool.submit(keep_waveform, self._store, kept.waveform)
            kept.waveform = None


def _waveform(
    watched: Watched,
    source: str,
    feed: Feed,
    excerpt: Excerpt,
    *,
    alarm: str | None = None,
    worst: float | None = None,
) -> Waveform:
    n = len(excerpt.samples)
    names = [f"channel {number}" for number in range(n)]
    scale = [1.0] * n
    for channel in feed.channels:
        if channel.number < n:
            names[channel.number] = channel.machine.sensors[0].name
            scale[channel.number] = feed.scale
    about = About(
        machine=watched.name,
        source=source,
        sensors=names,
        rate_hz=feed.rate_hz,
        start=excerpt.start,
        scale=scale,
        unit=feed.unit,
        alarm=alarm,
        worst=worst,
    )
    return Waveform(about=about, samples=excerpt.samples, gaps=excerpt.gaps)
