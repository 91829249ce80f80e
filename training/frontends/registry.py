"""The front ends there are: a new one is a file beside this and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlrsd.training.frontends.front_end import FrontEnd
from dlrsd.training.frontends.fusion import Fusion
from dlrsd.training.frontends.lines import Lines
from dlrsd.training.frontends.order_map import OrderMap
from dlrsd.training.frontends.scalogram import Scalogram

FRONT_ENDS: dict[str, type[FrontEnd]] = {
    each.name: each for each in (Scalogram, OrderMap, Lines, Fusion)
}


def front_end_from(facts: Mapping[str, Any], *, rate_hz: float, window: int) -> FrontEnd:
    """The front end that a run's config states: its name, and what its `FrontEnd.facts` gave."""
    own = dict(facts)
    return FRONT_ENDS[own.pop("name")].from_facts(own, rate_hz=rate_hz, window=window)
