"""Machines that run on this computer's clock: simulated signals, one with a fault of its outer
race, and everything that the page asks of a watch."""

import math
import time
from functools import lru_cache

import numpy as np
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.machine.iso_20816 import Limits
from dlrsd.runtime.service.page.live import Labelled, SignalNow, Stock
from dlrsd.runtime.service.page.telling import Telling
from dlrsd.runtime.service.said import (
    Change,
    Event,
    Levels,
    MachineNow,
    Minute,
    RuleNow,
    Second,
    SensorNow,
)
from dlrsd.runtime.service.store.rows import WaveformRow
from dlrsd.runtime.service.store.waveform import About, Waveform
from tests.runtime.service.page.kept import Kept, alarm_row

RATE = 12_800.0
ORDERS = {"bpfo": 3.5848, "bpfi": 5.4152, "bsf": 2.357, "ftf": 0.3983}
RPM = 1772.0
SENTENCE = (
    "Outer race: BPFO at 105.9 Hz with five harmonics 17 to 26 dB over their surroundings; the "
    "shaft explains none of them."
)
CLASSES = ("normal", "outer 0.007", "outer 0.014", "inner 0.007", "ball 0.007")
LIMITS = Limits(1.4, 2.8, 4.5)


@lru_cache(maxsize=64)
def _second(number, fault, seed):
    """A second of signal, m/s2, that begins so many seconds after 1970."""
    rng = np.random.default_rng([number % 2**31, seed])
    t = np.arange(int(RATE)) / RATE + number % 3600
    x = rng.standard_normal(len(t))
    for k in range(1, 6):
        x += 1.2 / k * np.cos(2 * np.pi * k * RPM / 60 * t + k)
    if fault:
        rate = ORDERS["bpfo"] * RPM / 60 * 1.003
        first = math.ceil(t[0] * rate)
        at = np.arange(first, int(t[-1] * rate) + 1) / rate - t[0]
        at += 0.0004 / rate * 10 * rng.standard_normal(len(at))
        hits = np.bincount(
            np.clip((at * RATE).astype(int), 0, len(t) - 1), minlength=len(t)
        ).astype(float)
        ring_t = np.arange(150) / RATE
        ring = np.exp(-700 * ring_t) * np.sin(2 * np.pi * 3100 * ring_t)
        x += fault * np.convolve(hits, ring)[: len(t)]
    return x.astype(np.float32)


def signal_until(end, seconds, fault, seed):
    """(start, samples) of the whole seconds before a time."""
    last = int(end)
    numbers = range(last - seconds, last)
    return float(last - seconds), np.concatenate([_second(n, fault, seed) for n in numbers])


class Plant:
    """Implements `Live`; `kept` is its store.

    Parameters
    ----------
    count : int
        Machines; the first has a fault of the outer race, then each other state once.
    names : list of str, optional
        Of the first ones.
    """

    def __init__(self, count=12, names=()):
        self.kept, self.telling = Kept(), Telling()
        self.began = time.time() - 3 * 3600
        usual = ["Pump 1", "Fan, kiln exhaust", "Compressor 2", "Mill drive", "Pump 2"]
        both = [*names, *usual[len(names) :]]
        self.names = [*both, *(f"Motor {i:03d}" for i in range(1, count))][:count]
        states = ["danger", "alert", "sensor fault", "stopped"]
        self.states = {n: states[i] if i < 4 else "normal" for i, n in enumerate(self.names)}
        self.shelves, self.stock = (
            {},
            dict.fromkeys(CLASSES, 0) | {"normal": 240, "outer 0.007": 64},
        )
        for i, name in enumerate(self.names):
            now = {"danger": 6.4, "alert": 3.4, "stopped": 0.02}.get(self.states[name])
            base = 0.6 + 0.7 * ((i * 37) % 100) / 100
            self.kept.levels[name] = (base if now is None or now > 1 else now, now or base)
        self._alarms()

    def _alarms(self):
        texts = {
            "danger": ("zone", "Velocity of 6.4 mm/s is in zone D of ISO 20816-3 (from 4.5 mm/s)."),
            "alert": ("trend", "Velocity will cross 4.5 mm/s in 9 days (6 to 14 days, 95 %)."),
            "sensor fault": ("unfit", "Nine of ten windows are clipped: check the sensor's range."),
        }
        for i, (name, state) in enumerate(self.states.items()):
            if state not in texts:
                continue
            rule, text = texts[state]
            row = alarm_row(
                id=f"01J-{i:04d}",
                machine=name,
                rule=rule,
                state=state,
                gravest=state,
                began=self.began + 600 * i,
                changed=self.began + 600 * i + 40,
                text=text,
                sensor="drive end",
                value={"danger": 6.4, "alert": 3.4}.get(state),
                limit=4.5 if state != "sensor fault" else None,
                unit="mm/s" if state != "sensor fault" else None,
                place="outer" if state == "danger" else None,
                evidence=SENTENCE if state == "danger" else None,
            )
            self.kept.rows.append(row)
            course = [("alert", "normal", 0), (state, "alert", 40)]
            self.kept.course[row.id] = [
                Change(machine=name, rule=rule, state=s, was=w, time=row.began + t,
                       since=row.began, text=text, id=f"{row.id}-{t}", alarm=row.id)
                for s, w, t in course if s != w
            ]  # fmt: skip
            start, samples = signal_until(row.began + 10, 20, 3.0 if i == 0 else 0, i)
            sensors = ["drive end"]
            about = About(
                machine=name,
                source="1",
                sensors=sensors,
                rate_hz=RATE,
                start=start,
                scale=[0.001],
                unit="m/s2",
            )
            wave = Waveform(about=about, samples=(samples[None] * 1000).astype("<i2"), gaps=[])
            row = WaveformRow(id=i, machine=name, source="1", sensors=sensors, start=start,
                              alarm=row.id, worst=None, bytes=0,
                              seconds=20.0)  # fmt: skip
            self.kept.waves[i] = row, wave
        for k in range(30):
            began = self.began - 86400 * (2 + k)
            self.kept.rows.append(
                alarm_row(id=f"01H-{k:04d}", machine=self.names[k % len(self.names)], rule="zone",
                         state="normal", gravest="alert", began=began, changed=began + 4000,
                         ended=began + 4000, text="Velocity of 3.0 mm/s is in zone C.",
                         sensor="drive end", value=3.0, limit=2.8, unit="mm/s",
                         acknowledged_by="A. Weber" if k % 2 else None)
            )  # fmt: skip
        self.kept.happened = [
            Event(time=self.began, kind="lost", text="3 blocks of the source tcp:9001 were lost",
                  machine=self.names[0], source="tcp", count=3, seconds=0.6),
            Event(time=self.began - 4000, kind="started", text="The watch began",
                  machine=self.names[0]),
        ]  # fmt: skip

    # What `Live` is.

    def machines(self):
        return [self._machine(name) for name in self.names]

    def _machine(self, name):
        i, state, now = self.names.index(name), self.states[name], time.time()
        velocity = self.kept.levels[name][1] * (1 + 0.03 * math.sin(now / 7 + i))
        fault = i == 0 and state in ("danger", "alert")
        second = Second(
            machine=name,
            sensor="drive end",
            time=float(int(now) - 1),
            levels=Levels(
                velocity_mm_s=velocity,
                acceleration_m_s2=2.1 * velocity,
                peak_m_s2=9.6 * velocity,
                crest=4.6 if fault else 3.4,
                kurtosis=5.2 if fault else 3.02,
                envelope_m_s2=1.1 * velocity,
            ),
            unfit="clipped" if state == "sensor fault" else None,
            running="standing" if state == "stopped" else "running",
            speed_rpm=0.0 if state == "stopped" else RPM + math.sin(now / 11 + i),
            load=0.8,
            temperature_c=61.5,
            place="outer" if fault else "healthy",
            lines={"outer": 21.4 if fault else 1.2, "inner": 2.0, "ball": 1.4, "cage": 0.7},
            sentence=SENTENCE if fault else "No lines of bearing, shaft or gears stand out.",
            label="outer 0.007" if fault else "normal",
            normal_class="normal",
            novelty=0.81 if fault else 0.42,
        )
        sensors = [SensorNow(name="drive end", second=second, bearing=True)]
        if i % 2 == 0:
            other = replace(second, sensor="free end", place="healthy", sentence=None)
            other = replace(other, levels=replace(second.levels, velocity_mm_s=0.7 * velocity))
            sensors.append(SensorNow(name="free end", second=other))
        minute = Minute(machine=name, sensor="drive end", minute=int(now // 60) - 1, seconds=60,
                        running_seconds=60, levels=second.levels)  # fmt: skip
        sensors[0] = replace(sensors[0], minute=minute)
        return MachineNow(
            name=name,
            state=state,
            since=self.began + 600 * i,
            running=second.running,
            zone="ABCD"[sum(velocity >= e for e in LIMITS)],
            commissioned=i != 4,
            sensors=sensors,
            rules=[
                RuleNow(
                    rule=row.rule,
                    state=row.state,
                    since=row.changed,
                    alarm=row.id,
                    acknowledged_by=row.acknowledged_by,
                    acknowledged=row.acknowledged,
                    shelved_until=row.shelved_until,
                    shelved_by=row.shelved_by,
                )
                for row in self.kept.rows
                if row.machine == name and row.ended is None
            ],
            events={"lost": 3} if i == 0 else {},
        )

    def signal(self, machine, sensor):
        i = self.names.index(machine) if machine in self.names else -1
        if i < 0 or self.states[machine] == "stopped":
            return None
        fault = 3.0 if i == 0 and sensor == "drive end" else 0.0
        start, samples = signal_until(time.time(), 4, fault, i + 1000 * (sensor != "drive end"))
        shares = [0.02, 0.88, 0.07, 0.02, 0.01] if fault else [0.97, 0.01, 0.01, 0.005, 0.005]
        return SignalNow(
            samples=samples,
            rate_hz=RATE,
            start=start,
            speed_rpm=RPM,
            orders=ORDERS,
            place="outer" if fault else "healthy",
            sentence=SENTENCE if fault else None,
            label="outer 0.007" if fault else "normal",
            normal_class="normal",
            probabilities=dict(zip(CLASSES, shares, strict=True)),
            novelty=0.8,
        )

    def limits(self, machine):
        return LIMITS

    def acknowledge(self, alarm, *, by):
        row = self.kept.alarm(alarm)
        if row is None:
            raise InputError(f"there is no alarm {alarm!r}")
        self.kept.change(row, acknowledged_by=by, acknowledged=time.time())
        self.change(row.machine, row.state)

    def shelve(self, machine, rule, *, until, by):
        for row in self.kept.alarms(machine=machine, open_only=True):
            if row.rule == rule:
                self.kept.change(row, shelved_until=until, shelved_by=by)

    def unshelve(self, machine, rule, *, by):
        for row in self.kept.alarms(machine=machine, open_only=True):
            if row.rule == rule:
                self.kept.change(row, shelved_until=None, shelved_by=None)

    def confirm(self, machine, label, *, by, sensor=None, alarm=None):
        if label not in self.stock:
            raise InputError(f"got the class {label!r}: expected one of {', '.join(self.stock)}")
        self.stock[label] += 24
        return Labelled(label=label, windows=24, stock=self.needed(machine))

    def needed(self, machine):
        return Stock(windows=dict(self.stock), needed=100)

    def subscribe(self):
        return self.telling.subscribe()

    # What happens to it.

    def tick(self):
        """A second has passed."""
        self.telling.tell(self.machines())

    def change(self, name, state):
        """A machine comes to another state, and all are told."""
        was, self.states[name] = self.states[name], state
        now = time.time()
        said = Change(machine=name, rule="zone", state=state, was=was, time=now, since=now,
                      text=f"{state} now")  # fmt: skip
        self.telling.tell(said)
        self.telling.tell([self._machine(name)])
