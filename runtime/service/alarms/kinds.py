"""The kinds of rules, and which a machine has unless its file says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, Union

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.alarms.fault_rule import Fault
from dlrsd.runtime.service.alarms.level_rules import Threshold, Zone
from dlrsd.runtime.service.alarms.sensor_rules import Silent, Unfit
from dlrsd.runtime.service.alarms.trend_rule import Trend

AnyRule = Union[Fault, Zone, Threshold, Trend, Unfit, Silent]  # noqa: UP007  msgspec's, in 3.10

DEFAULTS: Final[tuple[AnyRule, ...]] = (
    Fault(),
    Zone(),
    Threshold(name="level", level="velocity_mm_s"),
    Threshold(name="envelope", level="envelope_m_s2"),
    Trend(),
    Unfit(),
    Silent(),
)


def rules_of(listed: Sequence[AnyRule]) -> tuple[AnyRule, ...]:
    """The rules of a file; none means `DEFAULTS`.

    Raises
    ------
    InputError
        If two rules have one name.
    """
    rules = tuple(listed) or DEFAULTS
    name, count = Counter(rule.name for rule in rules).most_common(1)[0]
    if count > 1:
        raise InputError(f"{count} rules have the name {name!r}: give each a name of its own")
    return rules
