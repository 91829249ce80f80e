"""Answers for programs and for the page's own scripts: JSON, and metrics."""

from __future__ import annotations

import time
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.page import answers
from dlrsd.runtime.service.page.asking import live, number, reading, text
from dlrsd.runtime.service.page.payloads import AlarmsSaid, alarm_said, machines_said

_MOST_ALARMS, _MOST_POINTS = 500, 2000


def machines(request: Request) -> Response:
    """`MachinesSaid`."""
    return answers.json(machines_said(live(request).machines()))


def alarms(request: Request) -> Response:
    """`AlarmsSaid`; ``machine``, ``open=1``, ``before`` (Unix time, s) and ``most`` choose."""
    most = int(number(request, "most", 100) or 0)
    if not 1 <= most <= _MOST_ALARMS:
        raise InputError(f"got most={most}: expected 1 to {_MOST_ALARMS} alarms")
    rows = reading(request).alarms(
        machine=request.query_params.get("machine"),
        open_only=request.query_params.get("open", "") in ("1", "true"),
        before=number(request, "before"),
        most=most,
    )
    return answers.json(
        AlarmsSaid(
            alarms=[alarm_said(row) for row in rows],
            before=rows[-1].began if len(rows) == most else None,
        )
    )


def trend(request: Request) -> Response:
    """A ``figure`` of a ``sensor`` from ``start`` to ``end`` (Unix times, s), and what alarms and
    commissionings there were; of an older ``epoch`` by its number."""
    machine = text(request, "machine")
    now, epoch = time.time(), number(request, "epoch")
    end = number(request, "end", now) or now
    start = number(request, "start", end - 86400) or 0.0
    if not 0 <= start < end:
        raise InputError("the trend's start is not before its end")
    found = reading(request).trend(
        machine,
        text(request, "sensor"),
        text(request, "figure"),
        start=start,
        end=end,
        points=_MOST_POINTS,
        epoch=None if epoch is None else int(epoch),
    )
    rows = reading(request).alarms(machine=machine, most=200)
    return answers.json(
        {
            "start": start,
            "end": end,
            "width": found.width_s,
            "time": found.time,
            "low": _short(found.low),
            "mean": _short(found.mean),
            "high": _short(found.high),
            "alarms": [
                {"id": a.id, "rule": a.rule, "state": a.gravest, "began": a.began, "ended": a.ended}
                for a in rows
                if a.began <= end and (a.ended is None or a.ended >= start)
            ],
            "epochs": [t for t in reading(request).epochs(machine) if start <= t <= end],
        }
    )


def sparks(request: Request) -> Response:
    """The last day of every machine."""
    return answers.json(request.app.state.sparks.content())


def picture(request: Request) -> Response:
    """``kind`` of `PICTURES` of a ``sensor``'s newest signal."""
    return answers.json(
        request.app.state.asked.picture(
            text(request, "machine"), text(request, "sensor"), text(request, "kind")
        )
    )


def metrics(request: Request) -> Response:
    """OpenMetrics."""
    content, kind = request.app.state.metrics()
    return Response(content, headers={"content-type": kind})


def _short(values: Iterable[float]) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
