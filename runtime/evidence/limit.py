"""A limit that follows from a stated rate of false alarms."""

from __future__ import annotations

from msgspec import Struct

from dlrsd.runtime.base.formats import Finite


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """A limit that healthy windows pass at the stated rate, and its 95 % interval.

    Without an interval the windows were too few to state a rate.
    """

    value: Finite
    low: Finite | None = None
    high: Finite | None = None
