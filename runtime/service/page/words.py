"""How figures, times and states read."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone

from markupsafe import Markup, escape

from dlrsd.runtime.machine.iso_20816 import MEANING as ZONES
from dlrsd.runtime.machine.iso_20816 import NOT_COVERED as NOT_COVERED
from dlrsd.runtime.service.alarms.state import GRAVITY
from dlrsd.runtime.service.alarms.texts import beside
from dlrsd.runtime.service.said import MachineNow, State

_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC", re.ASCII)
GRAVEST: tuple[State, ...] = GRAVITY[::-1]
PLACES = {
    "healthy": "No fault seen",
    "outer": "Outer race",
    "inner": "Inner race",
    "ball": "Rolling element",
    "cage": "Cage",
    "shaft": "Shaft",
    "gear": "Gear",
    "unknown": "Unknown fault",
    "undecided": "Undecided",
}


def iso(time: float | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    if time is None or not math.isfinite(time):
        return None
    try:
        day = datetime.fromtimestamp(time, timezone.utc)
    except (OverflowError, OSError, ValueError):
        return None
    return day.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(time: float | None) -> str:
    """As a person reads it before the browser has put it into their own time zone."""
    said = iso(time)
    return f"{said[:10]} {said[11:16]} UTC" if said else "–"


def figure(value: float | None, digits: int = 3) -> str:
    """So many significant digits, no exponent; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(places, 3)}f}"


def percent(share: float | None) -> str:
    return "–" if share is None or not math.isfinite(share) else f"{share:.0%}"


def place(name: str | None) -> str:
    return PLACES.get(name or "", name or "–")


def zone(name: str | None) -> str:
    return next((f"Zone {z}, {said}" for z, said in ZONES.items() if z == name), "No zone stated")


def duration(seconds: float | None) -> str:
    """In the largest units that say it: 40 s, 12 min, 3 h 20 min, 5 d."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    if whole < 2 * 3600:
        return f"{whole // 60} min"
    if whole < 2 * 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d"


def gravity(machine: MachineNow) -> tuple[int, str]:
    """Sorts machines, the gravest first, then by name."""
    return GRAVEST.index(machine.state), machine.name.casefold()


def slug(state: str) -> str:
    """Name of a state in the style sheet."""
    return state.replace(" ", "-")


def said(text: str, machine: str) -> Markup:
    """The sentence of an alarm beside its machine and state, which need not be repeated; its times
    are put into the browser's time zone."""
    own = beside(text, machine)
    text = text if own == text else own[:1].upper() + own[1:]
    parts = _TIME.split(text)  # text, day, time, text, ...
    found = escape(parts[0])
    for day, clock, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        found += Markup('<time datetime="{0}T{1}Z">{0} {1} UTC</time>{2}').format(day, clock, rest)
    return found


def sentence(text: str) -> str:
    """With a capital at its beginning and a full stop at its end."""
    text = text.strip()
    begun = text[:1].upper() + text[1:]
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."
