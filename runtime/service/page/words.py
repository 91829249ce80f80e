"""How figures, times and states read."""

from __future__ import annotations

import math
from datetime import datetime, timezone

from dlrsd.runtime.service.said import MachineNow, State

GRAVEST: tuple[State, ...] = ("danger", "alert", "sensor fault", "stopped", "normal")
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
_ZONES = {
    "A": "newly commissioned",
    "B": "fit for long-term running",
    "C": "not for long-term running",
    "D": "may cause damage",
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
    return f"Zone {name}, {_ZONES[name]}" if name in _ZONES else "No zone stated"


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


def sentence(text: str) -> str:
    """With a capital at its beginning and a full stop at its end."""
    text = text.strip()
    begun = text[:1].upper() + text[1:]
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."
