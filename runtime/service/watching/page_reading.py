"""What the page reads of the store: as the store has it, and waveforms sensor by sensor, scaled."""

from __future__ import annotations

from msgspec import Struct
import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.streams.facts import unit_factor


class SensorWaveformRow(Struct, frozen=True, kw_only=True):
    """One sensor of a waveform that is kept."""

    id: str
    machine: str
    sensor: str
    alarm: str | None
    start: float
    seconds: float
    kind: str


class SensorWaveform(Struct, frozen=True, kw_only=True):
    """Its samples, shape (1, n), m/s2; 0 where they are missing."""

    samples: NDArray[np.float32]
    rate_hz: float
    start: float


class PageReading:
    """The store's reading side as the page wants it; see `page.reading`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.alarms, self.alarm, self.changes = reading.alarms, reading.alarm, reading.changes
        self.epochs, self.trend, self.events = reading.epochs, reading.trend, reading.events

    def waveforms(
        self, *, machine: str | None = None, alarm: str | None = None
    ) -> list[SensorWaveformRow]:
        """The latest first; channels that are no sensors are left out."""
        return [
            SensorWaveformRow(
                id=f"{row.id}.{number}",
                machine=row.machine,
                sensor=sensor,
                alarm=row.alarm,
                start=row.start,
                seconds=row.seconds,
                kind="worst second of its day" if row.alarm is None else "around an alarm",
            )
            for row in self._reading.waveforms(machine=machine, alarm=alarm)
            for number, sensor in enumerate(row.sensors)
            if sensor != f"channel {number}"
        ]

    def waveform(self, id: str | int) -> SensorWaveform:
        """One sensor's.

        Raises
        ------
        InputError
            If it is not kept any more.
        """
        number, _, channel = str(id).partition(".")
        kept = self._reading.waveform(int(number))
        if int(channel) >= len(kept.samples):
            raise InputError(f"the waveform has no channel {channel}")
        factor = kept.about.scale[int(channel)] * unit_factor(kept.about.unit, "m/s2", "it")
        samples = kept.samples[int(channel)][np.newaxis].astype(np.float32) * np.float32(factor)
        return SensorWaveform(
            samples=samples, rate_hz=kept.about.rate_hz, start=kept.about.start
        )
