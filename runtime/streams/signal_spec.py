"""What a stream is brought to before it is diagnosed."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class SignalSpec(Struct, frozen=True):
    """What a bundle expects.

    Parameters
    ----------
    rate_hz : float > 0 or None
        None takes a recording at its own rate, which somebody has to state.
    unit : str or None
        "g", "m/s2" or any other name; only the first two are converted into each other. None takes
        a recording in its own unit.
    channels : int > 0
    names : tuple of str, optional
        Of the channels of a slow signal: a recording that names its own is read by them, in this
        order, and has to be at this very rate.
    orders : mapping of str to float, optional
        Of the only bearing trained on, as in `StreamFormat`.
    """

    rate_hz: float | None
    unit: str | None
    channels: int
    names: tuple[str, ...] | None = None
    orders: Mapping[str, float] | None = None


AS_RECORDED = SignalSpec(None, None, 1)  # for what needs no bundle
