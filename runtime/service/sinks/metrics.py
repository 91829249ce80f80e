"""What is known of the machines as OpenMetrics text, for Prometheus and its kin.

Names begin with ``dlrsd_``, units are base units (m/s, not mm/s) and stand in the names, as
https://prometheus.io/docs/specs/om/open_metrics_spec wants. A value that is not known has no line.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

from dlrsd.runtime.base.errors import require
from dlrsd.runtime.base.version import VERSION
from dlrsd.runtime.service.said import MachineNow, Second, SensorNow, State, Zone

_MACHINE, _SENSOR = ("machine",), ("machine", "sensor")

# Of the latest second of a sensor: name, unit, what it is, and its value.
_SECOND: list[tuple[str, str, str, Callable[[Second], float | None]]] = [
    ("second_timestamp", "seconds", "When the latest second of signal began, Unix time.",
     lambda second: second.time),
    ("velocity_rms", "meters_per_second", "RMS of the velocity, 10 to 1000 Hz.",
     lambda second: _scaled(second.levels.velocity_mm_s, 1e-3)),
    ("acceleration_rms", "meters_per_second_squared", "RMS of the acceleration.",
     lambda second: second.levels.acceleration_m_s2),
    ("acceleration_peak", "meters_per_second_squared", "Largest absolute acceleration.",
     lambda second: second.levels.peak_m_s2),
    ("envelope_rms", "meters_per_second_squared", "RMS of the envelope's variation.",
     lambda second: second.levels.envelope_m_s2),
    ("crest", "ratio", "Peak over RMS of the acceleration.",
     lambda second: second.levels.crest),
    ("kurtosis", "ratio", "Kurtosis of the acceleration, 3 for a Gaussian signal.",
     lambda second: second.levels.kurtosis),
    ("novelty", "ratio", "Novelty of the network; 1 is the threshold.",
     lambda second: second.novelty),
    ("unfit", "", "1 while the signal is not fit for diagnosis.",
     lambda second: float(second.unfit is not None)),
    ("shaft_speed", "hertz", "Speed of the shaft.",
     lambda second: _scaled(second.speed_rpm, 1 / 60)),
    ("temperature", "celsius", "Temperature, where its source gives one.",
     lambda second: second.temperature_c),
]  # fmt: skip


def exposition(machines: Sequence[MachineNow]) -> tuple[bytes, str]:
    """The text that ``/metrics`` answers, and its content type.

    Raises
    ------
    ExtraMissingError
        If prometheus-client is not installed.
    """
    text = require("prometheus_client.openmetrics.exposition", extra="watch", purpose="/metrics")
    client = require("prometheus_client", extra="watch", purpose="/metrics")
    registry = client.CollectorRegistry(auto_describe=False)
    registry.register(_Machines(machines))
    registry.register(_process())
    return bytes(text.generate_latest(registry, escaping="allow-utf-8")), str(
        text.CONTENT_TYPE_LATEST
    )


@functools.cache
def _process() -> Any:
    """CPU time, memory and open files of this process, as ``dlrsd_process_...``."""
    client = require("prometheus_client", extra="watch", purpose="/metrics")
    return client.ProcessCollector(namespace="dlrsd", registry=None)


class _Machines:
    """A collector of prometheus-client, for one exposition."""

    def __init__(self, machines: Sequence[MachineNow]) -> None:
        self._machines = machines
        self._core = require("prometheus_client.core", extra="watch", purpose="/metrics")

    def collect(self) -> Iterator[Any]:
        core = self._core
        build = core.InfoMetricFamily("dlrsd_build", "Version that runs.")
        build.add_metric([], {"version": VERSION})
        yield build
        yield self._states("dlrsd_machine_state", "State of a machine.", get_args(State), "state")
        yield self._states("dlrsd_machine_zone", "Zone of ISO 20816-3.", get_args(Zone), "zone")
        yield self._of_machines(
            "dlrsd_machine_running", "1 while it runs, 0 while it stands, 0.5 between.", _running
        )
        yield self._of_machines(
            "dlrsd_machine_state_since_timestamp",
            "When it took its state, Unix time.",
            lambda machine: machine.since,
            unit="seconds",
        )
        yield self._of_machines(
            "dlrsd_machine_commissioned",
            "1 where it has a baseline.",
            lambda machine: float(machine.commissioned),
        )
        yield self._alarms()
        yield self._events()
        for name, unit, what, value in _SECOND:
            yield self._of_sensors(f"dlrsd_{name}", what, _latest(value), unit=unit)
        yield self._of_sensors(
            "dlrsd_silent", "How long nothing came, where too long.", _silent, unit="seconds"
        )
        yield self._of_sensors("dlrsd_unfit_share", "Of the latest minute.", _unfit, unit="ratio")
        unfit = core.CounterMetricFamily(
            "dlrsd_unfit_windows", "Unfit windows since the watch began.", labels=_SENSOR
        )
        for machine in self._machines:
            for sensor in machine.sensors:
                unfit.add_metric([_label(machine.name), _label(sensor.name)], sensor.windows_unfit)
        yield unfit

    def _states(self, name: str, what: str, states: Sequence[str], field: str) -> Any:
        family = self._core.StateSetMetricFamily(name, what, labels=_MACHINE)
        for machine in self._machines:
            if (now := getattr(machine, field)) is not None:
                family.add_metric([_label(machine.name)], {each: each == now for each in states})
        return family

    def _of_machines(
        self, name: str, what: str, value: Callable[[MachineNow], float | None], *, unit: str = ""
    ) -> Any:
        family = self._core.GaugeMetricFamily(name, what, labels=_MACHINE, unit=unit)
        for machine in self._machines:
            if _is_known(number := value(machine)):
                family.add_metric([_label(machine.name)], number)
        return family

    def _of_sensors(
        self, name: str, what: str, value: Callable[[SensorNow], float | None], *, unit: str = ""
    ) -> Any:
        family = self._core.GaugeMetricFamily(name, what, labels=_SENSOR, unit=unit)
        for machine in self._machines:
            for sensor in machine.sensors:
                if _is_known(number := value(sensor)):
                    family.add_metric([_label(machine.name), _label(sensor.name)], number)
        return family

    def _alarms(self) -> Any:
        family = self._core.GaugeMetricFamily(
            "dlrsd_alarms", "Open alarms, by what was done about them.", labels=["machine", "is"]
        )
        for machine in self._machines:
            counts = {"new": 0, "acknowledged": 0, "shelved": 0}
            for rule in machine.rules:
                if rule.alarm is not None:
                    seen = "acknowledged" if rule.acknowledged is not None else "new"
                    counts["shelved" if rule.shelved_until is not None else seen] += 1
            for which, count in counts.items():
                family.add_metric([_label(machine.name), which], count)
        return family

    def _events(self) -> Any:
        family = self._core.CounterMetricFamily(
            "dlrsd_events", "Events since the watch began, by kind.", labels=["machine", "kind"]
        )
        for machine in self._machines:
            for kind, count in machine.events.items():
                family.add_metric([_label(machine.name), kind], count)
        return family


def _label(name: str) -> str:
    return name.encode(errors="replace").decode()  # half a character has no place in UTF-8


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _running(machine: MachineNow) -> float | None:
    return {"running": 1.0, "standing": 0.0, "changing": 0.5}.get(machine.running or "")


def _latest(value: Callable[[Second], float | None]) -> Callable[[SensorNow], float | None]:
    return lambda sensor: None if sensor.second is None else value(sensor.second)


def _silent(sensor: SensorNow) -> float | None:
    return sensor.silent_s


def _unfit(sensor: SensorNow) -> float | None:
    return None if sensor.minute is None else sensor.minute.unfit_share
