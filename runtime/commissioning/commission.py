"""A machine's baseline from recordings of its healthy state."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from msgspec import Struct, structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.progress import count_bar
from dlrsd.runtime.base.version import VERSION
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.commissioning.healthy import FEWEST_WINDOWS, Healthy, sensor_baseline
from dlrsd.runtime.commissioning.levels import levels_of_seconds
from dlrsd.runtime.commissioning.network import Stretches, listen
from dlrsd.runtime.dsp.order_map_config import ORDERS
from dlrsd.runtime.evidence.asking import SAME_RATE, asked_of, with_facts
from dlrsd.runtime.evidence.commissioned import SCHEMA_VERSION, MachineBaseline, SensorBaseline
from dlrsd.runtime.evidence.spectral_shape import band_edges, band_levels
from dlrsd.runtime.evidence.windows import SECONDS, Asked, evidence_windows
from dlrsd.runtime.machine.facts import Machine
from dlrsd.runtime.streams.facts import unit_factor
from dlrsd.runtime.streams.readers.quantities import ACCELERATIONS
from dlrsd.runtime.streams.stream import SampleStream, StreamFormat, open_stream

_NUMBER = re.compile(r"[\d.]+")
_SHOWN = 3  # reasons why windows are left out, the most frequent first
# Windows, evenly from all recordings: five hours of two seconds, and more say nothing new.
MOST_WINDOWS = 10_000  # of a sensor
MOST_TOGETHER = 50_000  # of all: some 600 MB while they are weighed


class _Format(Struct, frozen=True):
    """What all recordings of a machine share."""

    source: str
    rate_hz: float
    unit: str | None


def commission(
    recordings: Sequence[str],
    machine: Machine,
    form: StreamFormat = StreamFormat(),
    *,
    teeth: Sequence[int] = (),
    seconds: float = SECONDS,
    false_alarms_per_month: float = 1.0,
    bundle: Bundle | None = None,
    accept_lines: bool = False,
) -> MachineBaseline:
    """Learn how a machine is while it is healthy.

    Parameters
    ----------
    recordings : sequence of str
        Files of healthy signal, at any speeds and loads at which the machine shall be judged.
    machine : Machine
    form : StreamFormat
        What is stated of every recording.
    teeth : sequence of int
        Of the gears on the shaft, where they are stated once more.
    seconds : float
        Of a window.
    false_alarms_per_month : float > 0
        Of each sensor, by all limits together, at one verdict a window and one level a second.
    bundle : Bundle, optional
        The one that shall diagnose the machine: what its network says of the healthy signal is
        kept.
    accept_lines : bool
        Whether lines of a fault in these recordings are taken for the machine's own, since
        somebody looked at the bearing.

    Returns
    -------
    MachineBaseline

    Raises
    ------
    InputError
        If a recording is given twice, recordings differ in rate or unit, a sensor is missing in
        one, a rate of false alarms cannot be, or a sensor has fewer than `FEWEST_WINDOWS` fit
        windows at every speed.
    """
    places = [str(Path(source).resolve()) for source in recordings]
    if twice := [source for source, n in Counter(places).items() if n > 1]:
        raise InputError(f"got {twice[0]} twice: expected every recording once")
    if not 1e-6 <= false_alarms_per_month <= 1e4:
        raise InputError(
            f"got {false_alarms_per_month:g} false alarms a month: expected 1e-6 to 10000"
        )
    of_sensor: dict[str, list[Healthy]] = {}
    unfit: dict[str, Counter[str]] = {}
    left: Counter[str] = Counter()
    most = min(MOST_WINDOWS, MOST_TOGETHER // len(machine.sensors)) // max(1, len(recordings))
    most = max(FEWEST_WINDOWS, most)
    asked_by: dict[str, Asked] = {}
    shared: _Format | None = None
    form = with_facts(form, machine)
    for source in recordings:
        taken: Counter[str] = Counter()
        with open_stream(source, form) as stream:
            shared = _same(shared, stream, source)
            if bundle is not None and stream.unit is None:
                raise InputError(
                    f"nothing states the unit of {source}: bundle {bundle.name} needs it, state "
                    "--unit"
                )
            asked = asked_of(stream.description, machine=machine, teeth=teeth)
            stretches: Stretches = {}
            if bundle is not None:
                stretches = listen(source, form, bundle, machine, seconds=seconds)
            for each in asked:
                asked_by.setdefault(_name(each), each)
            total = int((stream.n_samples or 0) / stream.rate_hz / seconds) * len(asked)
            with count_bar(f"windows of {Path(source).name}", total) as done:
                for i, (name, healthy, flag) in enumerate(
                    _windows(stream, asked, seconds, stretches)
                ):
                    if healthy is None:
                        unfit.setdefault(name, Counter())[flag] += 1
                    elif taken[name] < most:
                        of_sensor.setdefault(name, []).append(healthy)
                        taken[name] += 1
                    else:
                        left[name] += 1
                    done(i + 1)
    if shared is None:
        raise InputError("got no recording: expected one or more of healthy signal")
    # Each limit takes its share of the rate: of scores, of the shape, of the network's two, and of
    # the levels, which divide theirs by their number.
    limits = 2 + 2 * (bundle is not None) + (_to_m_s2(shared.unit) is not None)
    n_month = limits * 30 * 86_400 / seconds / false_alarms_per_month
    sensors, notes = [], []
    for name, each in asked_by.items():
        flags = unfit.get(name, Counter())
        listed = ", ".join(f"{n}: {flag}" for flag, n in _kinds(flags).most_common(_SHOWN))
        if flags:
            notes.append(f"{name}: {flags.total()} windows unfit and left out ({listed})")
        windows = of_sensor.get(name, [])
        if left[name]:
            notes.append(f"{name}: the first {most} fit windows of a recording were taken")
        if not windows:
            raise InputError(
                f"sensor {name} has no window of {seconds:g} s that is fit"
                + (f" ({listed})" if listed else "")
                + f": expected at least {FEWEST_WINDOWS} of healthy signal"
            )
        orders = {order: getattr(each.kinematics, order) for order in ORDERS}
        own, said = sensor_baseline(
            name,
            orders,
            windows,
            edges_hz=band_edges(shared.rate_hz),
            n_month=n_month,
            seconds=seconds,
            iso=machine.iso_20816_3,
            bundle=bundle,
            accept_lines=accept_lines,
        )
        own = _at_loads(own, machine)
        sensors.append(own)
        notes += said
    notes += _of_loads(sensors, machine)
    return MachineBaseline(
        schema_version=SCHEMA_VERSION,
        dlrsd_version=VERSION,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        rate_hz=shared.rate_hz,
        unit=shared.unit,
        seconds=seconds,
        false_alarms_per_month=false_alarms_per_month,
        sensors=sensors,
        notes=notes,
        machine=machine.name,
    )


def _at_loads(own: SensorBaseline, machine: Machine) -> SensorBaseline:
    """The same; where no recording states its load, for all those that the machine runs at."""
    if machine.load is None:
        return own
    whole = (machine.load.least, machine.load.most)
    speeds = [structs.replace(at, loads=at.loads or whole) for at in own.speeds]
    return structs.replace(own, speeds=speeds)


def _of_loads(sensors: Sequence[SensorBaseline], machine: Machine) -> list[str]:
    """What a person should know of the loads."""
    if machine.load is None:
        return []
    least, most, unit = machine.load.least, machine.load.most, machine.load.unit
    loads = {at.loads for each in sensors for at in each.speeds if at.loads}
    return [
        f"the machine runs at {least:g} to {most:g} {unit} and was commissioned at {low:g} to "
        f"{high:g} {unit} alone: signal at other loads gets no verdict where they are stated"
        for low, high in sorted(loads)
        if (low, high) != (least, most)
    ]


def _kinds(reasons: Counter[str]) -> Counter[str]:
    """Reasons that differ in their numbers alone together, under the most frequent of them."""
    named: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    for reason, count in reasons.most_common():
        kinds[named.setdefault(_NUMBER.sub("", reason), reason)] += count
    return kinds


def _name(asked: Asked) -> str:
    return asked.sensor or f"channel {asked.channel}"


def _same(shared: _Format | None, stream: SampleStream, source: str) -> _Format:
    own = _Format(source, stream.rate_hz, stream.unit)
    if shared is not None and not (
        own.unit == shared.unit and abs(own.rate_hz / shared.rate_hz - 1) <= SAME_RATE
    ):
        raise InputError(
            f"{source} is at {own.rate_hz:g} Hz in {own.unit or 'no stated unit'}, and "
            f"{shared.source} at {shared.rate_hz:g} Hz in {shared.unit or 'no stated unit'}: "
            "expected one rate and unit for all recordings of a machine"
        )
    return shared or own


def _windows(
    stream: SampleStream, asked: Sequence[Asked], seconds: float, stretches: Stretches
) -> Iterator[tuple[str, Healthy | None, str]]:
    """Of each window the sensor's name, what it says, and the flag if it is unfit."""
    edges, to_m_s2 = band_edges(stream.rate_hz), _to_m_s2(stream.unit)
    by_channel = {each.channel: each for each in asked}
    for window in evidence_windows(stream, stream.rate_hz, asked, seconds=seconds):
        name = _name(by_channel[window.channel])
        if window.unfit is not None or not window.evidence.lines:
            yield name, None, window.unfit or str(window.evidence.reason)
            continue
        levels = band_levels(window.samples, stream.rate_hz, edges)
        own = by_channel[window.channel]
        # Windows begin anew behind a gap, stretches do not: the one in its middle.
        heard = stretches.get((window.channel, int((window.time_s + seconds / 2) // seconds)))
        stated = own.kinematics.speed_rpm
        of_seconds = None
        if to_m_s2 is not None:
            of_seconds = levels_of_seconds(window.samples * np.float32(to_m_s2), stream.rate_hz)
        yield name, Healthy(stated, window.evidence, levels, own.load, heard, of_seconds), ""


def _to_m_s2(unit: str | None) -> float | None:
    """What samples are multiplied by; None where their unit is none of acceleration."""
    return unit_factor(unit, "m/s2", "") if unit in ACCELERATIONS else None
