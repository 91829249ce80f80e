"""A store in memory: what the page reads, of machines whose past is calculated."""

import time

import numpy as np
from msgspec.structs import replace

from dlrsd.runtime.service.said import Change, Event
from dlrsd.runtime.service.store.rows import AlarmRow, Trend, WaveformRow
from dlrsd.runtime.service.store.waveform import Waveform


def alarm_row(**facts):
    """A row of an alarm of which the rest is not known."""
    return AlarmRow(**(dict.fromkeys(AlarmRow.__struct_fields__) | facts))


class Kept:
    """Answers as the store's `Reading`."""

    def __init__(self):
        self.rows: list[AlarmRow] = []
        self.course: dict[str, list[Change]] = {}
        self.happened: list[Event] = []
        self.waves: dict[int, tuple[WaveformRow, Waveform]] = {}
        self.since = 0.0  # of the trend, Unix time in s
        self.levels: dict[str, tuple[float, float]] = {}  # by machine: before, and now

    def alarms(self, *, machine=None, open_only=False, before=None, most=100):
        rows = [
            r
            for r in self.rows
            if machine in (None, r.machine)
            and not (open_only and r.ended is not None)
            and (before is None or r.began < before)
        ]
        return sorted(rows, key=lambda r: -r.began)[:most]

    def alarm(self, alarm):
        return next((r for r in self.rows if r.id == alarm), None)

    def change(self, row, **facts):
        """Something of an alarm is another now."""
        self.rows[self.rows.index(row)] = replace(row, **facts)

    def changes(self, alarm):
        return self.course.get(alarm, [])

    def epochs(self, machine):
        return [-np.inf, *([time.time() - 40 * 86400] if machine in self.levels else [])]

    def trend(self, machine, sensor, figure, *, start, end, points=2000, epoch=None):
        """Steady with the days, rising over the last hours where the level now is another."""
        self.epoch = epoch
        width = max(60.0, 60 * np.ceil((end - start) / 60 / points))
        t = np.arange(np.floor(start / width) * width, end, width)
        before, now = self.levels.get(machine, (1.0, 1.0))
        rng = np.random.default_rng(abs(hash((machine, figure))) % 2**32)
        rise = np.clip(1 - (time.time() - t) / (9 * 3600), 0, 1) ** 2
        mean = before + (now - before) * rise
        mean = mean * (
            1 + 0.05 * np.sin(2 * np.pi * t / 86400) + 0.02 * rng.standard_normal(len(t))
        )
        if figure.startswith("line:"):
            mean = 2 + 14 * rise * (figure == "line:outer") + rng.standard_normal(len(t)) * 0.4
        # An hour in four days it stands, and none of the last ones.
        kept = ((t / 3600).astype(int) % 97 != 11) | (t > time.time() - 6 * 3600)
        kept &= t >= self.since
        t, mean = t[kept], mean[kept]
        spread = 0.06 + 0.04 * rng.random(len(t))
        return Trend(
            figure=figure,
            width_s=int(width),
            time=t.tolist(),
            low=(mean * (1 - spread)).tolist(),
            mean=mean.tolist(),
            high=(mean * (1 + spread)).tolist(),
        )

    def events(self, *, machine=None, most=100):
        return [e for e in self.happened if machine in (None, e.machine)][:most]

    def waveforms(self, *, machine=None, alarm=None):
        return [
            row
            for row, _ in self.waves.values()
            if machine in (None, row.machine) and alarm in (None, row.alarm)
        ]

    def waveform(self, number):
        return self.waves[number][1]
