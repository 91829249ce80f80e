"""Codes of the faults of plants, told by number or name."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from dlrsd.runtime.base.errors import DlrsdWarning, InputError

CODES = range(1, 7)
OTHER = 6  # a fault that is not in focus

FAULT_NAMES = {
    "DeltaT1CoolingZoneInSpec": 1,
    "DeltaT2CoolingZoneInSpec": 2,
    "DeltaT2CoolingZoneNotSpec": 3,
    "CoolingZoneNotSpec": 4,
    "SupplyTempTooCold": 5,
}
_BY_NAME = {name.casefold(): code for name, code in FAULT_NAMES.items()}
_NUMBERED = re.compile(r"(?:f|(?:fault)?(?:code)?)?#?([+-]?\d+)(?:\.0*)?")


def fault_codes(texts: Iterable[str | None], path: Path) -> tuple[list[int], int]:
    """The codes that texts state: ``3``, ``3.0``, ``Fault3``, ``fault 3``, ``F3`` or a name.

    Names are those of `FAULT_NAMES`, whatever their case, blanks, hyphens and underscores. Every
    other name is `OTHER`; a `DlrsdWarning` says which there are.

    Parameters
    ----------
    texts : None or blank where there is none.
    path : what messages call the file they come from.

    Returns
    -------
    codes : 1 to 6, 0 where there is none.
    unknown : how many have a name that is not known.

    Raises
    ------
    InputError
        If one states a number that is not from 1 to 6.
    """
    unknown: Counter[str] = Counter()
    codes = []
    for text in ((text or "").strip() for text in texts):
        code = _fault_code(text) if text else 0
        if code is None:
            unknown[text] += 1
        elif text and code not in CODES:
            raise InputError(f"got fault code {text} in {path}: expected 1 to 6, or a fault's name")
        codes.append(OTHER if code is None else code)
    if unknown:
        named = ", ".join(f"{name!r:.60} ({n})" for name, n in unknown.most_common(5))
        rest = f" and {len(unknown) - 5} more names" if len(unknown) > 5 else ""
        warnings.warn(
            f"the names of {unknown.total()} of {len(codes)} events in {path} are none of the "
            f"known faults and count as Fault{OTHER}: {named}{rest}",
            DlrsdWarning,
            stacklevel=2,
        )
    return codes, unknown.total()


def _fault_code(text: str) -> int | None:
    bare = re.sub(r"(?<=\w)[\s_-]+", "", text.casefold())
    if found := _NUMBERED.fullmatch(bare):
        return int(found[1])
    return _BY_NAME.get(bare)
