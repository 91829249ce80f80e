"""The pages: overview, a machine, alarms, an alarm, log in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import groupby

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dlrsd.runtime.service.page import answers
from dlrsd.runtime.service.page.asking import (
    alarm_of,
    live,
    machine_of,
    number,
    reading,
    sensor_of,
)
from dlrsd.runtime.service.page.figures import FIGURES, SPANS
from dlrsd.runtime.service.page.glance import glance, gravest_by_machine
from dlrsd.runtime.service.page.words import GRAVEST, gravity
from dlrsd.runtime.service.store.rows import WaveformRow

_ALARMS_A_PAGE = 50
SHELVED_HOURS = (1, 8, 24, 168)


def overview(request: Request) -> Response:
    """All machines, the gravest first."""
    machines = sorted(live(request).machines(), key=gravity)
    said = gravest_by_machine(reading(request).alarms(open_only=True, most=1000))
    rows = [(glance(m), said.get(m.name)) for m in machines]
    by_state = {s: list(g) for s, g in groupby(rows, key=lambda row: row[0].state)}
    return answers.page(
        request,
        "overview.html",
        attention=[r for s in GRAVEST[:3] for r in by_state.get(s, [])],
        normal=by_state.get("normal", []),
        stopped=by_state.get("stopped", []),
        counts=[(s, len(by_state.get(s, []))) for s in GRAVEST],
        total=len(rows),
        now=time.time(),
    )


def machine(request: Request) -> Response:
    """One machine: what is said and why, its trends, its signal now, its alarms."""
    found = machine_of(request)
    sensor = sensor_of(request, found)
    signal = live(request).signal(found.name, sensor.name) if sensor else None
    return answers.page(
        request,
        "machine.html",
        machine=found,
        glance=glance(found),
        sensor=sensor,
        second=sensor.second if sensor else None,
        signal=signal,
        limits=live(request).limits(found.name),
        epochs=reading(request).epochs(found.name),
        stock=live(request).needed(found.name),
        alarms=reading(request).alarms(machine=found.name, most=10),
        waveforms=[
            (row, sensor.name)
            for row in reading(request).waveforms(machine=found.name)
            if sensor and sensor.name in row.sensors
        ],
        events=reading(request).events(machine=found.name, most=10),
        figures=FIGURES,
        spans=SPANS,
        shelved_hours=SHELVED_HOURS,
        now=time.time(),
    )


def alarms(request: Request) -> Response:
    """Open alarms, then those that have ended; ``before`` goes on."""
    before = number(request, "before")
    chosen = request.query_params.get("machine") or None
    open_ones = [] if before else reading(request).alarms(open_only=True, most=500, machine=chosen)
    all_of = reading(request).alarms(machine=chosen, before=before, most=_ALARMS_A_PAGE)
    return answers.page(
        request,
        "alarms.html",
        open_alarms=sorted(
            open_ones,
            key=lambda a: (a.acknowledged is not None, GRAVEST.index(a.state), -a.changed),
        ),
        ended=[a for a in all_of if a.ended is not None],
        before=all_of[-1].began if len(all_of) == _ALARMS_A_PAGE else None,
        later=before is not None,
        machine=chosen,
        shelved_hours=SHELVED_HOURS,
        now=time.time(),
    )


def alarm(request: Request) -> Response:
    """One alarm: its course, its evidence, its waveform, and what it was."""
    row = alarm_of(request)
    return answers.page(
        request,
        "alarm.html",
        alarm=row,
        changes=reading(request).changes(row.id),
        waveforms=_by_sensor(reading(request).waveforms(alarm=row.id), row.sensor),
        stock=live(request).needed(row.machine),
        shelved_hours=SHELVED_HOURS,
        now=time.time(),
    )


def login(request: Request) -> Response:
    """Where a token is shown."""
    if request.app.state.access.is_open or request.state.person is not None:
        return RedirectResponse("/", 303)
    return answers.page(
        request, "login.html", next=request.query_params.get("next", "/"), wrong=None
    )


def _by_sensor(
    waveforms: Sequence[WaveformRow], first: str | None
) -> list[tuple[WaveformRow, str]]:
    """Each with each of its sensors, those of one sensor first."""
    pairs = [(row, sensor) for row in waveforms for sensor in row.sensors]
    return sorted(pairs, key=lambda pair: pair[1] != first)
