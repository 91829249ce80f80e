"""What one look at a machine found, on its way to whom it is told."""

from __future__ import annotations

from msgspec import Struct

from dlrsd.runtime.service.said import Change, Event, Minute, Second
from dlrsd.runtime.service.watching.feed import Feed
from dlrsd.runtime.service.watching.pieces import Piece


class Outcome(Struct, kw_only=True):
    """What a piece of signal came to, or the passing of time where there is none."""

    piece: tuple[Feed, Piece] | None = None
    seconds: list[Second] = []
    minutes: list[Minute] = []
    changes: list[Change] = []
    events: list[Event] = []
    told_upto: float | None = None  # up to when it is said of the signal that nothing is kept
