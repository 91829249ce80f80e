"""Answers for programs and for the page's own scripts: JSON, and metrics."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.page import answers
from dlrsd.runtime.service.page.asking import live, number, reading, text
from dlrsd.runtime.service.page.errors import NotThereError
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
    commissionings there were."""
    machine = text(request, "machine")
    now = time.time()
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


def waveform(request: Request) -> Response:
    """A kept waveform, ``id``, from ``from`` to ``to`` (s after its start): lowest and highest
    sample of each of at most 2,000 stretches."""
    found = _waveform(request)
    x = found.samples[0]
    seconds = len(x) / found.rate_hz
    first = min(max(number(request, "from", 0.0) or 0.0, 0.0), seconds)
    last = min(number(request, "to", seconds) or seconds, seconds)
    part = x[
        int(first * found.rate_hz) : max(int(first * found.rate_hz) + 2, int(last * found.rate_hz))
    ]
    if len(part) < 2:
        raise InputError("this stretch of the waveform holds nothing")
    size = -(-len(part) // _MOST_POINTS)
    low, high = _extremes(part, size)
    return answers.json(
        {
            "start": found.start,
            "rate_hz": found.rate_hz,
            "seconds": seconds,
            "from": first,
            "step": size / found.rate_hz,
            "low": _short(low.tolist()),
            "high": _short(high.tolist()),
            "rms": float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))),
            "peak": float(np.abs(x).max()),
        }
    )


def metrics(request: Request) -> Response:
    """OpenMetrics."""
    content, kind = request.app.state.metrics()
    return Response(content, headers={"content-type": kind})


def _waveform(request: Request) -> Any:
    wanted = text(request, "id")
    machine = text(request, "machine")
    for row in reading(request).waveforms(machine=machine):
        if str(row.id) == wanted:
            return reading(request).waveform(row.id)
    raise NotThereError("this waveform is not kept any more: the oldest go when the disk is full")


def _extremes(x: NDArray[np.float32], size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest of every ``size`` samples; the last stretch may be shorter."""
    starts = np.arange(0, len(x), size)
    return np.minimum.reduceat(x, starts), np.maximum.reduceat(x, starts)


def _short(values: Any) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
