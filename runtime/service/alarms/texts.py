"""The sentences of alarms: templates with named places, and what may stand in them.

A template is filled with texts only. Attributes, indices, conversions and format specifications are
refused, so that nothing of the program can be reached through one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from string import Formatter
from typing import Final, get_args

from dlrsd.runtime.service.said import State

PLACES: Final = {
    "machine": "its name",
    "rule": "name of the rule",
    "state": "alert, danger, sensor fault or normal",
    "was": "the state before",
    "what": "what is wrong, in words",
    "sensor": "the worst sensor",
    "value": "with its unit",
    "limit": "with its unit",
    "since": "when it began",
    "time": "when it was decided",
    "evidence": "what the lines of bearing, shaft and gears say",
}

FAULT: Final = "{machine}, {state}: {what} at sensor {sensor} since {since}; {evidence}"
ZONE: Final = (
    "{machine}, {state}: velocity of {value} at sensor {sensor} is over {limit} since {since}; "
    "{what}"
)
THRESHOLD: Final = (
    "{machine}, {state}: {what} of {value} at sensor {sensor} is over {limit} since {since}"
)
TREND: Final = "{machine}, {state}: {what} at sensor {sensor}; it is {value} now"
UNFIT: Final = (
    "{machine}, {state}: the signal of sensor {sensor} is unfit for diagnosis since {since}; "
    "{what}; look at the sensor and its cable"
)
SILENT: Final = (
    "{machine}, {state}: nothing comes from {sensor} since {since}; look at the sensor, its cable "
    "and the network"
)
OVER: Final = "{machine}, {state}: the alarm of rule {rule} is over; it was {was} since {since}"
LESS: Final = "{machine}, {state}: the alarm of rule {rule} is less grave, it was {was}; {what}"
RENEWED: Final = (
    "{machine}, {state}: the alarm of rule {rule} ends, for the machine is commissioned again"
)
GONE: Final = (
    "{machine}, {state}: the alarm of rule {rule} ends, for there is no such rule any more"
)

_LONGEST = 1000  # characters of a sentence


def check_template(template: str) -> None:
    """Refuse what is no template.

    Raises
    ------
    ValueError
        If a brace stands alone, or a place in braces is not one of `PLACES`.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"the text {template[:60]!r} is no template: {error}") from error
    for _, place, form, conversion in parts:
        if place is None:
            continue
        if place not in PLACES:
            raise ValueError(
                f"the text has the place {{{place[:40]}}}: expected {', '.join(PLACES)}"
            )
        if form or conversion:
            raise ValueError(
                f"the text has more than a name in the place {{{place}}}: leave it out"
            )


def filled(template: str, values: Mapping[str, str | None]) -> str:
    """A sentence of a template; what is not known is left out.

    Parameters
    ----------
    template : str
        That `check_template` took.
    values : mapping
        By place.
    """
    known = {place: values.get(place) or "" for place in PLACES}
    text = " ".join("".join(_parts(template, known)).split())
    return text.rstrip(" ;,:")[:_LONGEST]


def beside(text: str, machine: str) -> str:
    """A sentence without its machine and state, where these stand beside it."""
    for state in get_args(State):
        beginning = f"{machine}, {state}: "
        if text.startswith(beginning):
            return text[len(beginning) :]
    return text


def _parts(template: str, known: Mapping[str, str]) -> list[str]:
    parts = []
    for literal, place, _, _ in Formatter().parse(template):
        parts.append(literal)
        if place is not None:
            parts.append(known[place])
    return parts


def when(time: float) -> str:
    """A Unix time in s as a date and time in UTC, to the second."""
    try:
        said = datetime.fromtimestamp(time, timezone.utc)
    except (OverflowError, OSError, ValueError):
        return "an impossible time"
    return said.strftime("%Y-%m-%d %H:%M:%S UTC")


def number(value: float | None, unit: str | None) -> str | None:
    """A value with three digits and its unit."""
    if value is None:
        return None
    return f"{value:.3g} {unit}" if unit else f"{value:.3g}"
