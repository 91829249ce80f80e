"""Facts beside series: at a group, in a structure, as a single number; the nearest counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.attributes import rates_of, unit_of
from dlrsd.runtime.streams.readers.holding import Holding, group_of
from dlrsd.runtime.streams.units import known_unit

_SAME_RATE = 1e-2
_HEADER = re.compile(r"_?(header|info|meta|metadata|attributes|properties)$", re.IGNORECASE)
_AXIS = re.compile(r"[txyz]_?(axis|values)", re.IGNORECASE)
_DATA = re.compile(r"_?(data|values|signal|samples)$", re.IGNORECASE)


def groups_of(name: str) -> list[str]:
    """The groups that a series stands in, the nearest first."""
    groups = []
    while name:
        name = group_of(name)
        groups.append(name)
    return groups


def fold_facts(holding: Holding) -> None:
    """What groups without series state counts for the group that they stand in.

    Programs keep what they know in a structure beside the samples: ``info``, ``x_values``,
    ``File_Header``. Two such groups that state different things state nothing. A group that is
    called like a series, as ``acc_Header`` is beside ``acc_Data``, is that of this series alone.

    What is stated of an axis, as ``xAxis/unit``, is handed up as ``xAxis_unit``.
    """
    _give_headers(holding)
    _give_own(holding)
    homes = {""}.union(*(groups_of(name) for name in holding.arrays))
    found: dict[tuple[str, str], list[Any]] = {}
    for path in sorted(holding.facts.keys() - homes - holding.arrays.keys()):
        home = next(group for group in groups_of(path) if group in homes)
        below = path[len(home) :].strip("/").split("/")
        axis = next((i for i, part in enumerate(below) if _AXIS.fullmatch(part)), None)
        prefix = "" if axis is None else "_".join(below[axis:]) + "_"
        if axis is None and below[-1].lower() == "quantity":
            prefix = "quantity_"
        for key, value in holding.facts[path].items():
            found.setdefault((home, prefix + key), []).append(value)
    for (home, key), values in found.items():
        if all(value == values[0] for value in values):
            holding.facts.setdefault(home, {}).setdefault(key, values[0])


def _give_headers(holding: Holding) -> None:
    """Move what ``acc_Header`` states to the series ``acc``, ``acc_Data`` or ``acc_Values``."""
    owners = {_DATA.sub("", name): name for name in holding.arrays}
    for path in list(holding.facts):
        stem = _HEADER.sub("", path)
        if stem != path and stem in owners and path not in holding.arrays:
            own = holding.facts.setdefault(owners[stem], {})
            for key, value in holding.facts.pop(path).items():
                own.setdefault(key, value)


def _give_own(holding: Holding) -> None:
    """Give a series what a fact beside it states by its name: ``acc_fs``, ``unit_acc``."""
    for name in holding.arrays:
        group, _, last = name.rpartition("/")
        named = re.compile(rf"(?i:{re.escape(last)})_(.+)|(.+)_(?i:{re.escape(last)})")
        for key, value in holding.facts.get(group, {}).items():
            if (found := named.fullmatch(key)) is not None:
                fact = {found[1] or found[2]: value}
                # "x_unit" of a series x may be that of an axis.
                if rates_of(fact) or known_unit(unit_of(fact) or "") is not None:
                    own = holding.facts.setdefault(name, {})
                    holding.facts[name] = fact | own


def nearest(holding: Holding, name: str, fact: Callable[[dict[str, Any]], Any]) -> Any:
    """What is stated at a series or group, or at the nearest group above it that states it."""
    levels = (holding.facts.get(each, {}) for each in (name, *groups_of(name)))
    return next((said for each in levels if (said := fact(each)) is not None), None)


def nearest_rate(holding: Holding, name: str, path: Path) -> float | None:
    """The sampling rate in Hz of a series; an `InputError` where two contradict each other.

    A bare "rate" may be that of the shaft: it counts where nothing else states one.
    """
    for each in (name, *groups_of(name)):
        facts = holding.facts.get(each, {})
        said = rates_of(facts)
        said = {key: said[key] for key in said if key.lower() != "rate"} or said
        if not said:
            continue
        first = next(iter(said.values()))
        if any(abs(rate - first) > _SAME_RATE * abs(first) for rate in said.values()):
            rates = ", ".join(f"{key} says {rate:g} Hz" for key, rate in sorted(said.items()))
            raise InputError(
                f"{each or 'the file'} in {path} states rates that contradict each other: {rates}"
            )
        return first
    return None
