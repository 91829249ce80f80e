"""Row numbers, whatever their name: integers that step by a constant and may begin anew.

Loggers count samples, frames or packets in 8, 16 or 32 bits, or up to a round number. No vibration
steps by the same integer for thousands of samples.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

_ENOUGH = 16  # values; fewer step evenly by chance
_MOSTLY = 0.9  # of the steps are the usual one
_LEAST_MODULUS = 16
_POWERS = frozenset([2.0**i for i in range(4, 54)] + [10.0**i for i in range(2, 16)])
_NAMES = re.compile(
    r"(seq|sequence|frame|packet|pkt|paket|block|blk|msg|message|counter|count|cnt|index|idx|row|"
    r"sample|scan|record|rec|line|nr|no|num|number|n|i|id|lfd|zeile|z(ä|ae)hler)"
    r"[ _.-]*(nr|no|num|number|id|idx|index|count|counter|cnt|#)?\.?",
    re.IGNORECASE,
)


class Counter(Struct, frozen=True):
    """How a series counts rows.

    Attributes
    ----------
    step : float
        From one number to the next, not 0.
    rows : float >= 1
        That have the same number.
    modulus : float, optional
        The number at which it begins anew, less that at which it begins; None where it did not.
    """

    step: float
    rows: float = 1.0
    modulus: float | None = None


def is_named_counter(name: str) -> bool:
    """Whether a name says that its series counts rows: ``seq``, ``Frame No``, ``n``."""
    return _NAMES.fullmatch(name.strip()) is not None


def find_counter(name: str, values: NDArray[Any]) -> Counter | None:
    """How a series counts rows, or None where it does not.

    Integers that rise by one do, in most of the rows; those that step otherwise only if they begin
    anew, or their name says so: else they are times.

    Parameters
    ----------
    name : str
    values : array, shape (n,)
        The first, without missing ones.
    """
    if values.dtype.kind not in "iuf" or len(values) < 2 or not float(values[0]).is_integer():
        return None
    steps = np.diff(values.astype(float))
    if len(values) < _ENOUGH:
        return Counter(1.0) if (steps == 1).all() else None
    at = np.flatnonzero(steps)
    if len(at) < 2:
        return None
    changes = steps[at]
    step = float(np.median(changes))
    others = changes[changes != step]
    falls = others[(others < 0) == (step > 0)]
    if not step.is_integer() or step == 0:
        return None
    modulus = _modulus(step, falls)
    if len(others) > (1 - _MOSTLY) * len(changes):
        if not is_named_counter(name):
            return None
        modulus = _short_modulus(changes)
        if modulus is None:
            return None
    rows = np.diff(at)
    each = float(np.median(rows))
    if (np.abs(rows - each) <= (each > 1)).mean() < _MOSTLY:
        return None
    if not (modulus or (step == 1 and each == 1) or (is_named_counter(name) and len(falls) < 2)):
        return None
    usual = rows[np.abs(rows - each) <= 1]
    return Counter(step, float(usual.mean()) if each > 1 else 1.0, modulus)


def _modulus(step: float, falls: NDArray[np.float64]) -> float | None:
    """Where a counter begins anew: a power of two or ten, or always the same number."""
    if not len(falls):
        return None
    found, counts = np.unique(np.abs(step - falls), return_counts=True)
    usual = float(found[np.argmax(counts)])
    is_clear = usual in _POWERS or (counts.max() > 1 and 2 * counts.max() > len(falls))
    return usual if is_clear and usual >= _LEAST_MODULUS else None


def _short_modulus(changes: NDArray[np.float64]) -> float | None:
    """Where a counter in ones begins anew every few numbers: 0, 1, 2, 3, 0, 1, 2, 3."""
    falls = np.flatnonzero(changes != 1)
    modulus = 1 - float(changes[falls[0]])
    is_regular = (changes[falls] == 1 - modulus).all() and (np.diff(falls) == modulus).all()
    return modulus if is_regular and modulus > 1 else None


class Unwrapped:
    """Counts that go on where a counter begins anew.

    Parameters
    ----------
    counter : Counter
        Where it has no modulus yet, one is found: a power of two or ten that leads to the next
        number.
    """

    def __init__(self, counter: Counter) -> None:
        self._step, self._modulus = counter.step, counter.modulus
        self._last = np.nan
        self._offset = 0.0

    def __call__(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Blocks of values of shape (n,), one after another; NaN stays NaN."""
        counts = values.astype(np.float64)
        rows = np.flatnonzero(np.isfinite(counts))
        if not rows.size:
            return counts
        known = counts[rows]
        steps = np.diff(known, prepend=known[0] if np.isnan(self._last) else self._last)
        passed = np.zeros(len(known))
        for i in np.flatnonzero(steps * np.sign(self._step) < 0):
            passed[i] = self._passed(float(steps[i]), float(known[i]))
        offsets = self._offset + np.cumsum(passed)
        self._last, self._offset = float(known[-1]), float(offsets[-1])
        counts[rows] = known + offsets
        return counts

    def _passed(self, fall: float, number: float) -> float:
        """What a fall to a number has passed: the modulus, or 0 where it only went back."""
        size = abs(self._step - fall)
        if self._modulus is None and size in _POWERS and number in (0.0, 1.0, -size / 2):
            self._modulus = size
        if self._modulus is None or abs(fall) < self._modulus / 2:
            return 0.0
        return float(np.sign(self._step)) * self._modulus
