"""A kept waveform, as much of it as can be seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.page import answers
from dlrsd.runtime.service.page.asking import number, reading, text
from dlrsd.runtime.service.page.errors import NotThereError
from dlrsd.runtime.service.store.waveform import Waveform

_POINTS = 2000


def waveform(request: Request) -> Response:
    """``sensor`` of the waveform ``id`` of a ``machine``, from ``from`` to ``to`` (s after its
    start): lowest and highest sample of each of at most 2,000 stretches, null where none is."""
    found = _found(request)
    about = found.about
    sensor = request.query_params.get("sensor", about.sensors[0])
    if sensor not in about.sensors:
        raise NotThereError(f"this waveform is of {', '.join(about.sensors)[:100]}")
    x = _samples(found, list(about.sensors).index(sensor))
    seconds = len(x) / about.rate_hz
    start = min(max(number(request, "from", 0.0) or 0.0, 0.0), seconds)
    first = int(start * about.rate_hz)
    last = round(min(number(request, "to", seconds) or seconds, seconds) * about.rate_hz)
    part = x[first : max(first + 2, last)]
    if len(part) < 2:
        raise InputError("this stretch of the waveform holds nothing")
    size = -(-len(part) // _POINTS)
    starts = np.arange(0, len(part), size)
    here = x[np.isfinite(x)]
    return answers.json(
        {
            "sensor": sensor,
            "unit": about.unit,
            "start": about.start,
            "rate_hz": about.rate_hz,
            "seconds": seconds,
            "from": first / about.rate_hz,
            "step": size / about.rate_hz,
            "low": _shortened(np.fmin.reduceat(part, starts)),
            "high": _shortened(np.fmax.reduceat(part, starts)),
            "missing": len(x) - len(here),
            "rms": float(np.sqrt(np.mean(here**2))) if len(here) else None,
            "peak": float(np.abs(here).max()) if len(here) else None,
        }
    )


def _found(request: Request) -> Waveform:
    wanted, machine = text(request, "id"), text(request, "machine")
    for row in reading(request).waveforms(machine=machine):
        if str(row.id) == wanted:
            return reading(request).waveform(row.id)
    raise NotThereError("this waveform is not kept any more: the oldest go when the disk is full")


def _samples(found: Waveform, row: int) -> NDArray[np.float64]:
    """In the unit of the waveform, NaN where samples are missing."""
    x: NDArray[np.float64] = found.samples[row].astype(np.float64) * found.about.scale[row]
    for first, count in found.gaps:
        x[first : first + count] = np.nan
    return x


def _shortened(values: NDArray[np.float64]) -> list[float | None]:
    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in values.tolist()]
