"""Checks that settings of all kinds make when they are built, and what schemas say of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

import msgspec

from dlrsd.runtime.base.errors import InputError

MOST = 2**31 - 1  # of a count or a seed, which NumPy and torch take as well
Count = Annotated[int, msgspec.Meta(ge=1, le=MOST)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=MOST)]


def one_of(known: Collection[str]) -> msgspec.Meta:
    """What the schema says of a value that `require_known` checks."""
    return msgspec.Meta(extra_json_schema={"enum": [*known]})


def require_known(what: str, value: str, known: Collection[str], where: str = "") -> None:
    """Refuse a value that is none of those that are known."""
    if value not in known:
        raise InputError(f"got {what} {value!r}{where}: expected one of {', '.join(known)}")


def require_least(owner: Any, **least: int) -> None:
    """Refuse numbers of an object that are given and too small, or too large for any use."""
    for name, smallest in least.items():
        value = getattr(owner, name)
        if value is not None and value < smallest:
            raise InputError(f"got {name} = {value}: expected {smallest} or more")
        if value is not None and value > MOST:
            raise InputError(f"got {name} = {value}: expected at most {MOST}")
