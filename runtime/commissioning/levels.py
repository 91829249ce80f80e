"""How high a healthy sensor's levels are, second by second, and the limits that follow.

Within a recording the levels of seconds hardly differ; from one day, load or season to another they
do. So no limit is below one and a half times the highest second: a rise by half is the customary
sign of a change. Between loads of 0 to 3 hp the highest seconds of one healthy fan-end bearing
(CWRU) differed by 1.08 to 1.28 times. Where the machine's class by ISO 20816-3 is known, the
velocity's is not less than a quarter of the limit B/C above the usual one either: what the standard
takes for a significant change, and where it sets the first alarm.

Source: ISO 10816-3:2009 and ISO 20816-3:2022, "Setting of alarms" and "Criterion II".
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from dlrsd.runtime.commissioning.tail import FEWEST, limit_passed_once_in
from dlrsd.runtime.dsp.levels import levels
from dlrsd.runtime.evidence.commissioned import HealthyLevel, LevelName
from dlrsd.runtime.evidence.limit import Limit
from dlrsd.runtime.machine.facts import Iso20816
from dlrsd.runtime.machine.iso_20816 import limits

Array = NDArray[np.float64]

NAMES: tuple[LevelName, ...] = get_args(LevelName)
_RISE = 1.5  # times the highest healthy second
_FAR = 3.0  # times it, where no rate can be stated
_SIGNIFICANT = 0.25  # of the limit B/C


def levels_of_seconds(samples: NDArray[np.floating[Any]], rate_hz: float) -> Array:
    """Levels of each whole second of a window.

    Parameters
    ----------
    samples : array, shape (n,)
        In m/s2.
    rate_hz : float > 0

    Returns
    -------
    array, shape (seconds, len(NAMES))
        NaN where the rate is too low for a level. Without rows where the window is shorter than a
        second.
    """
    n = round(rate_hz)
    seconds = samples[: len(samples) // n * n].reshape(-1, n)
    if not len(seconds):
        return np.empty((0, len(NAMES)))
    found = levels(seconds, rate_hz)
    return np.stack([getattr(found, name) for name in NAMES], axis=1)


def healthy_levels(
    seconds: Array, s_month: float, iso: Iso20816 | None
) -> dict[LevelName, HealthyLevel]:
    """What is kept of the levels of a healthy sensor at one speed.

    Parameters
    ----------
    seconds : array, shape (seconds, len(NAMES))
    s_month : float > 1
        Seconds of which one may pass the limit of any of them.
    iso : Iso20816, optional
        The machine's class.

    Returns
    -------
    dict
        Without those that the signal cannot tell.
    """
    n_month = len(NAMES) * s_month
    kept = {}
    for name, column in zip(NAMES, seconds.T, strict=True):
        values = column[np.isfinite(column)]
        if len(values):
            kept[name] = _healthy(values, n_month, iso if name == "velocity_mm_s" else None)
    return kept


def _healthy(values: Array, n_month: float, iso: Iso20816 | None) -> HealthyLevel:
    usual, highest = float(np.median(values)), float(values.max())
    least = _RISE * highest
    if iso is not None:
        least = max(least, usual + _SIGNIFICANT * limits(iso).b_c)
    limit = Limit(_FAR * highest)
    if len(values) >= FEWEST:
        limit = limit_passed_once_in(n_month, values)
    return HealthyLevel(
        usual=usual,
        highest=highest,
        limit=structs.replace(limit, value=max(least, limit.value)),
    )
