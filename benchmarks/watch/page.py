"""How long a person waits for the page.

    python -m benchmarks.watch.page

A store with a day of minutes of two hundred machines and a year of one, the page before it on a
port of this computer, and Chromium, each time without anything kept from before: first paint of the
overview, the last day of all machines, and a year of one figure as at most 2,000 points. While it
is measured, every machine's figures go to the browser each second.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from benchmarks import machine
from dlrsd.runtime.service.said import Levels, Minute
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store
from tests.runtime.service.page.plant import Plant
from tests.runtime.service.page.served import served

DAY = 1440  # minutes
TARGETS = {"first_paint_s": 1.0, "year_s": 0.5}
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def main() -> None:
    a = machine.options(__doc__).parse_args()
    count, days, times = (10, 20, 2) if a.quick else (200, 365, 7)
    with tempfile.TemporaryDirectory() as folder:
        result = run(Path(folder), count=count, days=days, times=times)
    print(json.dumps(result, indent=1))
    print(machine.save("page", result, a.out))


def run(folder: Path, *, count: int, days: int, times: int) -> dict[str, Any]:
    """The figures, s: least, median and largest of so many times."""
    plant, rng = Plant(count), np.random.default_rng(0)
    now = int(time.time() // 60)
    with Store.open(folder, Limits(), sinks=[], now=60.0 * now) as store:
        for day in range(days):
            first = now - (days - day) * DAY
            rows = [_minute(plant.names[0], first + n, rng) for n in range(DAY)]
            store.write_minutes(rows, lambda old, new: new)
        for name in plant.names[1:]:
            rows = [_minute(name, now - DAY + n, rng) for n in range(DAY)]
            store.write_minutes(rows, lambda old, new: new)
        reading = Reading(folder)
        with served(plant, reading=reading, ticking=True) as (address, _):
            result = _asked(address, plant.names[0], days, times)
            result["first_paint_s"] = _said(_paints(address, times))
        reading.close()
    return {"machines": count, "days": days, "targets": TARGETS, **result}


def _asked(address: str, name: str, days: int, times: int) -> dict[str, Any]:
    """What the server takes, its answer read to the end."""
    end = time.time()
    query = {"machine": name, "sensor": "drive end", "start": end - days * 86400.0, "end": end}
    sparks, size = _timed(address + "/api/sparks", 1)  # kept for a minute: once
    overview, page = _timed(address + "/", times)
    year, points = [], 0
    for figure in ("velocity_mm_s", "kurtosis", "line:outer"):
        took, content = _timed(
            f"{address}/api/trend?{urlencode({**query, 'figure': figure})}", times
        )
        year += took
        points = max(points, len(json.loads(content)["time"]))
    return {
        "overview_s": _said(overview),
        "overview_bytes": len(page),
        "last_day_of_all_s": sparks[0],
        "last_day_of_all_bytes": len(size),
        "year_s": _said(year),
        "year_points": points,
    }


def _timed(url: str, times: int) -> tuple[list[float], bytes]:
    took, content = [], b""
    for _ in range(times):
        began = time.perf_counter()
        with urllib.request.urlopen(url, timeout=60) as answer:
            content = answer.read()
        took.append(round(time.perf_counter() - began, 4))
    return took, content


def _paints(address: str, times: int) -> list[float]:
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as drive:
        how = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}
        browser = drive.chromium.launch(**how)
        for _ in range(times):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            page.goto(address)
            page.wait_for_selector("[data-spark] path", state="attached", timeout=60_000)
            found.append(round(page.evaluate(_PAINT) / 1000, 3))
            context.close()
        browser.close()
    return found


def _said(took: list[float]) -> dict[str, float]:
    return {"least": min(took), "median": statistics.median(took), "most": max(took)}


def _minute(name: str, minute: int, rng: np.random.Generator) -> Minute:
    level = 2.0 + 0.1 * rng.standard_normal()
    kurtosis = 3 + 0.1 * rng.standard_normal()
    levels = Levels(
        velocity_mm_s=level, acceleration_m_s2=2 * level, peak_m_s2=9 * level, crest=4.5,
        kurtosis=kurtosis, envelope_m_s2=level,
    )  # fmt: skip
    return Minute(
        machine=name, sensor="drive end", minute=minute, seconds=60, running_seconds=60,
        levels=levels, zone="B", lines={"outer": level, "inner": 1.0}, novelty=0.4,
        labels={"normal": 1.0},
    )  # fmt: skip


if __name__ == "__main__":
    main()
