"""What comes from one source: its last seconds, the waveforms of its alarms as they grow, and the
worst second of its day."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import DTypeLike, NDArray

from dlrsd.runtime.service.store.ring import Excerpt, Ring
from dlrsd.runtime.service.store.waveform import About, Waveform

_SLACK_S: Final = 3.0  # how long after its last sample a second or an alarm may be told
_LATE_S: Final = 30.0  # beyond its own length, how long the end of a waveform is waited for
_RARELY_S: Final = 600.0  # between two writings of the worst second of a day
_WORSE: Final = 1.05  # by how much a second must be worse to be kept in place of another


class Tap:
    """All its methods are called from the thread that watches, and none waits for the disk.

    Parameters
    ----------
    about : About
        What it delivers; the start counts for nothing.
    dtype : dtype
        Of its samples as they are sent.
    before_s, after_s : float >= 0
        How much is kept before and after an alarm.
    keep : function (Waveform) -> None
        Takes what is to be written; of one alarm first what was before it, at the end all.
    clock : function
        Goes on with time, in s.
    """

    def __init__(
        self,
        about: About,
        dtype: DTypeLike,
        *,
        before_s: float,
        after_s: float,
        keep: Callable[[Waveform], None],
        clock: Callable[[], float],
    ) -> None:
        self.about = about
        self.ring = Ring(max(before_s, 1.0) + _SLACK_S, about.rate_hz, len(about.sensors), dtype)
        self._before_s, self._after_s = before_s, after_s
        self._keep = keep
        self._clock = clock
        self._growing: list[_Growing] = []
        self._worst: _Worst | None = None

    def push(self, samples: NDArray[np.generic], time: float, *, missing: int = 0) -> None:
        """Take the next samples; see `Ring.push`. They are copied."""
        self.ring.push(samples, time, missing=missing)
        for each in self._growing:
            each.push(samples, missing)
        self._finish(lambda each: each.is_whole)

    def alarm(self, alarm: str, time: float) -> None:
        """Keep the waveform around an alarm that was decided at ``time``, Unix time in s."""
        excerpt = self.ring.take(time - self._before_s, math.inf)
        if excerpt is None:  # of a source that is silent
            return
        rate = self.about.rate_hz
        wanted = round((time + self._after_s - excerpt.start) * rate)
        self._growing.append(_Growing(alarm, excerpt, wanted, self._clock()))
        self._keep(self._waveform(excerpt, alarm=alarm))
        self._finish(lambda each: each.is_whole)

    def second(self, time: float, figure: float | None) -> None:
        """Keep the second from ``time`` on if its figure is the highest of its day so far."""
        if figure is None or not math.isfinite(figure):
            return
        day = math.floor(time / 86_400)
        worst = self._worst
        if worst is not None and worst.day != day:
            self._write_worst()
            worst = None
        if worst is not None and figure <= worst.figure * _WORSE:
            return
        excerpt = self.ring.take(time, time + 1)
        if excerpt is not None:
            tried = worst.tried if worst is not None else self._clock()
            self._worst = _Worst(day, figure, excerpt, tried)

    def tick(self) -> None:
        """Write what has waited long enough; to be called every second or so."""
        now, patience = self._clock(), self._after_s + _LATE_S
        self._finish(lambda each: now - each.began > patience)
        if self._worst is not None and now - self._worst.tried > _RARELY_S:
            self._worst.tried = now
            self._write_worst()

    def close(self) -> None:
        """Write what there is of all that is not whole."""
        self._finish(lambda each: True)
        self._write_worst()

    def _finish(self, is_over: Callable[[_Growing], bool]) -> None:
        for each in [each for each in self._growing if is_over(each)]:
            self._growing.remove(each)
            self._keep(self._waveform(each.excerpt(), alarm=each.alarm))

    def _write_worst(self) -> None:
        worst = self._worst
        if worst is not None and not worst.is_written:
            worst.is_written = True
            self._keep(self._waveform(worst.excerpt, worst=worst.figure))

    def _waveform(
        self, excerpt: Excerpt, *, alarm: str | None = None, worst: float | None = None
    ) -> Waveform:
        about = replace(self.about, start=excerpt.start, alarm=alarm, worst=worst)
        return Waveform(about=about, samples=excerpt.samples, gaps=excerpt.gaps)


class _Worst:
    """The worst second of a day so far."""

    def __init__(self, day: int, figure: float, excerpt: Excerpt, tried: float) -> None:
        self.day = day
        self.figure = figure
        self.excerpt = excerpt
        self.tried = tried  # when one of this day was written, or else when the first came
        self.is_written = False


class _Growing:
    """The waveform of an alarm, which goes on."""

    def __init__(self, alarm: str, excerpt: Excerpt, wanted: int, began: float) -> None:
        self.alarm = alarm
        self.began = began
        self._start = excerpt.start
        self._parts: list[NDArray[Any]] = [excerpt.samples]
        self._gaps = [*excerpt.gaps]
        self._count: int = excerpt.samples.shape[1]
        self._wanted = wanted

    @property
    def is_whole(self) -> bool:
        return self._count >= self._wanted

    def push(self, samples: NDArray[np.generic], missing: int) -> None:
        missing = min(missing, self._wanted - self._count)
        if missing > 0:
            self._gaps.append((self._count, missing))
            self._parts.append(np.zeros((len(samples), missing), samples.dtype))
            self._count += missing
        part = samples[:, : max(0, self._wanted - self._count)].copy()
        self._parts.append(part)
        self._count += part.shape[1]

    def excerpt(self) -> Excerpt:
        return Excerpt(np.concatenate(self._parts, axis=1), self._start, self._gaps)
