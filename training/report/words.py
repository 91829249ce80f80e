"""How a report writes figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def maybe(value: Any, show: Callable[[Any], str]) -> str:
    """A value as ``show`` writes it, or a dash where there is none."""
    return "–" if value is None else show(value)


def percent(share: float) -> str:
    """A share in per cent; never 100.0 % for less than all."""
    text = f"{100 * share:.1f}"
    if text == "100.0" and share < 1:
        text = "> 99.9"
    return f"{text}\N{NO-BREAK SPACE}%"
