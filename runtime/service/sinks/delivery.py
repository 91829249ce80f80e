"""Deliver to one output what is due to it, for as long as the watch runs.

Changes of alarms come from the store and are marked there once the other side has them: whatever
ends in between, they are sent again with the same id, so at least once. Telemetry (states, minutes,
events) waits in memory, and the oldest is dropped where an output is away for long.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.service.said import Change, Event
from dlrsd.runtime.service.sinks.lines import one_line
from dlrsd.runtime.service.sinks.payload import Message, StateMessage, kind_of, of_change, when
from dlrsd.runtime.service.sinks.sink import NotDelivered, Refused, Sink
from dlrsd.runtime.service.sinks.threads import aside

_log = logging.getLogger(__name__)
_AT_ONCE = 100  # changes asked of the store
_LOOK_S = 60.0  # how long to sleep where nobody wakes
_MOST_TELEMETRY = 5_000  # minutes and events that wait: of 200 machines, those of 25 minutes


class Outbox(Protocol):
    """What the store knows of who has got what; both calls block."""

    def undelivered(self, sink: str, most: int) -> list[Change]:
        """The oldest changes that an output has not got yet, oldest first."""

    def delivered(self, sink: str, ids: Sequence[str]) -> None:
        """Mark changes as delivered to an output."""


class Telemetry:
    """What waits for one output and may be dropped: of each machine the latest state, and the
    latest minutes and events.

    Parameters
    ----------
    sink : Sink
        Messages of kinds it does not say are left out.
    woken : asyncio.Event
        Of its `deliver`; set with every message.
    """

    def __init__(self, sink: Sink, woken: asyncio.Event) -> None:
        self._says, self._woken = sink.says, woken
        self._states: dict[str, StateMessage] = {}
        self._others: deque[Message] = deque(maxlen=_MOST_TELEMETRY)

    def put(self, message: Message) -> None:
        """Add one, in the thread of the loop."""
        if kind_of(message) not in self._says:
            return
        if isinstance(message, StateMessage):
            self._states[message.machine] = message
        else:
            self._others.append(message)
        self._woken.set()

    def take(self) -> list[Message]:
        """All that waits, which waits no longer."""
        taken = [*self._others, *self._states.values()]
        self._others.clear()
        self._states.clear()
        return taken

    def put_back(self, messages: Sequence[Message]) -> None:
        """What was taken and not sent, in front of what has come meanwhile."""
        room = _MOST_TELEMETRY - len(self._others)
        others = [each for each in messages if not isinstance(each, StateMessage)]
        self._others.extendleft(reversed(others[-room:] if room else []))
        for each in messages:
            if isinstance(each, StateMessage):
                self._states.setdefault(each.machine, each)


async def deliver(
    sink: Sink,
    outbox: Outbox,
    woken: asyncio.Event,
    telemetry: Telemetry,
    tell: Callable[[Event], None],
    *,
    first_pause_s: float = 1.0,
    longest_pause_s: float = 60.0,
) -> None:
    """Send and mark until cancelled; no failure of the output or the store ends it.

    Parameters
    ----------
    sink : Sink
        Not opened yet.
    outbox : Outbox
        Asked in a thread of its own, where the output says alarms.
    woken : asyncio.Event
        Of this output alone: set when the store has kept a change. Looked at every minute anyhow.
    telemetry : Telemetry
    tell : callable
        Takes an event "undelivered" at the second failure before all was delivered, and one "back"
        once all is.
    first_pause_s, longest_pause_s : float
        After a failure; the pause doubles with each, less up to half of it by chance.
    """
    failures, since = 0, 0.0
    is_open = False
    try:
        while True:
            woken.clear()
            try:
                if not is_open:
                    await sink.open()
                    is_open = True
                if "alarm" in sink.says:
                    await _send_changes(sink, outbox)
                await _send_telemetry(sink, telemetry)
            except Exception as error:
                failures, since = failures + 1, since if failures else time.time()
                if failures == 2:
                    tell(_undelivered(sink, since, error))
                is_open = False
                await _close(sink)
                pause = min(longest_pause_s, first_pause_s * 2.0 ** min(failures - 1, 30))
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
                continue
            if failures >= 2:
                text = f"{sink.name} is back; all is delivered"
                tell(Event(time=time.time(), kind="back", text=text, source=sink.name))
            failures = 0
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(woken.wait(), _LOOK_S)
    finally:
        await _close(sink)


async def _close(sink: Sink) -> None:
    try:
        await sink.close()
    except Exception as error:
        _log.warning("%s: cannot be closed: %s", sink.name, one_line(str(error), most=300))


async def _send_changes(sink: Sink, outbox: Outbox) -> None:
    """One by one, so that one that fails has no other sent twice."""
    while changes := await aside(outbox.undelivered, sink.name, _AT_ONCE):
        refused: Refused | None = None
        for change in changes:
            try:
                await sink.send([of_change(change)])
            except Refused as error:  # this one alone: it must not keep back those behind it
                refused = error
                continue
            await aside(outbox.delivered, sink.name, [change.id])
        if refused is not None:
            raise refused


async def _send_telemetry(sink: Sink, telemetry: Telemetry) -> None:
    if not (messages := telemetry.take()):
        return
    try:
        await sink.send(messages)
    except Refused as error:
        _log.warning("%s: not all of %d messages were taken: %s", sink.name, len(messages), error)
    except BaseException:
        telemetry.put_back(messages)
        raise


def _undelivered(sink: Sink, since: float, error: Exception) -> Event:
    if isinstance(error, (NotDelivered, DlrsdError, OSError)):
        why = one_line(str(error), most=300)
    else:
        why = f"an unexpected {type(error).__name__}"
        _log.error("%s: %s", sink.name, why, exc_info=error)
    return Event(
        time=time.time(),
        kind="undelivered",
        text=f"{sink.name}: undelivered since {when(since):%Y-%m-%dT%H:%M:%SZ}: {why}",
        source=sink.name,
    )
