"""Histories of a machine, second by second, as tests write them."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import structs

from dlrsd.runtime.service.alarms.machine import MachineAlarms
from dlrsd.runtime.service.said import Change, Levels, Second

START = 1_800_000_000.0  # Unix time of second 0
FAULTS = {"o": "outer", "i": "inner", "u": "unknown", "h": "healthy", "d": "undecided"}
RUNNING = {"s": "standing", "c": "changing"}


def second(at: float, **values: Any) -> Second:
    """A healthy second of a running machine, but for what is stated."""
    velocity = values.pop("velocity", 1.0)
    stated = {"machine": "pump1", "sensor": "DE", "levels": Levels(velocity_mm_s=velocity)}
    return Second(**(stated | {"place": "healthy"} | values), time=START + at)


def letters(text: str, start: float = 0, **values: Any) -> Iterator[Second]:
    """A history of verdicts: ``o`` outer, ``i`` inner, ``u`` unknown, ``h`` healthy, ``d``
    undecided; ``x`` an unfit second whose verdict still says outer, ``s`` standing and ``c``
    changing, both with outer too. A letter with a number before it stands that often: ``12o``."""
    at, count = start, ""
    for letter in text.replace(" ", ""):
        if letter.isdigit():
            count += letter
            continue
        for _ in range(int(count or 1)):
            own: dict[str, Any] = {"place": FAULTS.get(letter, "outer")}
            own |= {"unfit": "clipped"} if letter == "x" else {}
            own |= {"running": RUNNING[letter]} if letter in RUNNING else {}
            yield second(at, **(own | values))
            at += 1
        count = ""


def play(alarms: MachineAlarms, seconds: Iterable[Second]) -> list[tuple[int, str, str]]:
    """When, by which rule, and to which state; each change checked against the one before."""
    return [(round(each.time - START), each.rule, each.state) for each in taken(alarms, seconds)]


def taken(alarms: MachineAlarms, seconds: Iterable[Second]) -> list[Change]:
    return [change for each in seconds for change in alarms.take(each)]


def without_ids(changes: Iterable[Change]) -> list[Change]:
    """With ids numbered in the order in which they are met, so that two runs can be compared."""
    seen: dict[str, str] = {}
    return [
        structs.replace(
            each,
            id=seen.setdefault(each.id, f"id {len(seen)}"),
            alarm=seen.setdefault(each.alarm, f"id {len(seen)}"),
        )
        for each in changes
    ]
