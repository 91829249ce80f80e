"""Waveforms of all machines, written by a thread of their own, which also deletes what is old."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Final

from numpy.typing import DTypeLike

from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.store.housekeeping import keep_waveform, tidy
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.store.tap import Tap
from dlrsd.runtime.service.store.waveform import About, Waveform

_MOST_WAITING: Final = 400  # waveforms; one of every source of two hundred machines, twice
_TIDY_S: Final = 600.0
_STEADY_S: Final = 3600.0  # for how long the clock must have gone on before it says what is old
_JUMP_S: Final = 60.0  # by which it is another clock


class Recorder:
    """Its methods are called from the thread that watches, and only `close` waits for the disk.

    Parameters
    ----------
    store : Store
        It must stay open until `close`.
    clock : function
        Goes on with time, in s.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._taps: dict[tuple[str, str], Tap] = {}
        self._waiting: queue.Queue[Waveform | None] = queue.Queue(_MOST_WAITING)
        self._began = (time.time(), time.monotonic())
        self._thread = Thread(target=self._work, name="waveforms", daemon=True)
        self._thread.start()

    def tap(
        self,
        machine: str,
        source: str,
        sensors: Sequence[str],
        *,
        rate_hz: float,
        dtype: DTypeLike,
        scale: Sequence[float],
        unit: str,
    ) -> Tap:
        """Where the samples of a source go. Another one of its name, of another rate say, takes
        the place of the first.

        Parameters
        ----------
        sensors : sequence of str
            Names of its channels, in order.
        dtype : dtype
            Of the samples as they are sent.
        scale : sequence of float
            ``unit`` per stored number, by sensor.
        """
        before = self._taps.get((machine, source))
        if before is not None:
            before.close()
        about = About(
            machine=machine, source=source, sensors=[*sensors], rate_hz=rate_hz, start=0.0,
            scale=[*scale], unit=unit,
        )  # fmt: skip
        limits = self._store.limits
        tap = self._taps[machine, source] = Tap(
            about, dtype, before_s=limits.before_s, after_s=limits.after_s, keep=self._keep,
            clock=self._clock,
        )  # fmt: skip
        return tap

    def alarm(self, machine: str, alarm: str, time: float) -> None:
        """Keep the waveforms of a machine around an alarm that was decided at ``time``."""
        for (of, _), tap in self._taps.items():
            if of == machine:
                tap.alarm(alarm, time)

    def tick(self) -> None:
        """Go on with what has waited long enough; to be called every second or so."""
        for tap in self._taps.values():
            tap.tick()

    def forget(self, machine: str) -> None:
        """End what comes from a machine that is watched no more."""
        for key in [key for key in self._taps if key[0] == machine]:
            self._taps.pop(key).close()

    def flush(self) -> None:
        """Wait until all that was to be written so far is."""
        self._waiting.join()

    def close(self) -> None:
        """Write what there is, wait for it, and end the thread."""
        for tap in self._taps.values():
            tap.close()
        self._taps.clear()
        self._waiting.put(None)
        self._thread.join()

    def _keep(self, waveform: Waveform) -> None:
        try:
            self._waiting.put_nowait(waveform)
        except queue.Full:
            self._say("waveforms come faster than the disk takes them: one was not kept", waveform)

    def _work(self) -> None:
        tidied = float("-inf")
        while True:
            if time.monotonic() - tidied > _TIDY_S:
                tidied = time.monotonic()
                self._tidy()
            try:
                waveform = self._waiting.get(timeout=1.0)
            except queue.Empty:
                continue
            try:
                if waveform is None:
                    return
                keep_waveform(self._store, waveform)
            except Exception as error:  # of a library: the thread goes on
                self._say(f"a waveform could not be kept: {error}", waveform)
            finally:
                self._waiting.task_done()

    def _tidy(self) -> None:
        wall, steady = time.time(), time.monotonic()
        if abs((wall - self._began[0]) - (steady - self._began[1])) > _JUMP_S:
            self._began = (wall, steady)
        is_sure = steady - self._began[1] >= _STEADY_S
        try:
            tidy(self._store, wall if is_sure else None)
        except Exception as error:  # the thread goes on
            self._say(f"what is too old could not be deleted: {error}", None)

    def _say(self, text: str, waveform: Waveform | None) -> None:
        machine = waveform.about.machine if waveform is not None else None
        self._store.write_event(Event(time=time.time(), kind="disk", text=text, machine=machine))
