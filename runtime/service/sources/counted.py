"""Events told at once the first time, and as a count while they go on."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from dlrsd.runtime.service.said import Event, EventKind

Tell = Callable[[Event], None]

_FIRST_PAUSE_S = 60.0
_LONGEST_PAUSE_S = 3600.0


class _Going(Struct):
    """One kind of event that goes on."""

    told: float
    pause: float = _FIRST_PAUSE_S
    count: int = 0
    seconds: float = 0.0
    text: str = ""


class Counted:
    """Tells of what may happen a thousand times a second without saying it a thousand times.

    The first event of a kind is told at once. What follows is counted and told after a minute,
    then two, up to an hour, with the latest text; a kind that was quiet for its pause begins
    anew. The counts of all events of a kind add up to how often it happened.

    Parameters
    ----------
    tell : function
        Is given each `Event`.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._going: dict[EventKind, _Going] = {}

    def add(
        self, kind: EventKind, now: float, text: str, *, count: int = 1, seconds: float = 0.0
    ) -> None:
        """Something happened ``count`` times, to ``seconds`` of signal."""
        going = self._going.get(kind)
        if going is None:
            self._going[kind] = _Going(now)
            self._tell(Event(time=now, kind=kind, text=text, count=count, seconds=seconds or None))
            return
        going.count += count
        going.seconds += seconds
        going.text = text
        if now < going.told:  # the clock of this box was set back
            going.told = now
        if now - going.told >= going.pause:
            self._out(kind, going, now)

    def tick(self, now: float) -> None:
        """Tell what waited long enough, forget what is over."""
        for kind, going in list(self._going.items()):
            if now - going.told < going.pause:
                continue
            if going.count:
                self._out(kind, going, now)
            else:
                del self._going[kind]

    def flush(self, now: float) -> None:
        """Tell all that was counted."""
        for kind, going in self._going.items():
            if going.count:
                self._out(kind, going, now)

    def _out(self, kind: EventKind, going: _Going, now: float) -> None:
        self._tell(
            Event(
                time=now,
                kind=kind,
                text=going.text,
                count=going.count,
                seconds=going.seconds or None,
            )
        )
        going.told, going.count, going.seconds = now, 0, 0.0
        going.pause = min(2 * going.pause, _LONGEST_PAUSE_S)
