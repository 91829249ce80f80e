"""Checks that settings of all kinds make when they are built."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dlrsd.runtime.base.errors import InputError


def require_known(what: str, value: str, known: Collection[str], where: str = "") -> None:
    """Refuse a value that is none of those that are known."""
    if value not in known:
        raise InputError(f"got {what} {value!r}{where}: expected one of {', '.join(known)}")


def require_least(owner: Any, **least: int) -> None:
    """Refuse numbers of an object that are given and too small."""
    for name, smallest in least.items():
        value = getattr(owner, name)
        if value is not None and value < smallest:
            raise InputError(f"got {name} = {value}: expected {smallest} or more")
