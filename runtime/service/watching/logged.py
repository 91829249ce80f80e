"""Events in the log: as grave as they are, with the machine's name said once."""

from __future__ import annotations

import logging

from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sinks.payload import of_event
from dlrsd.runtime.service.sinks.syslog import level_of

_log = logging.getLogger(__name__)


def log_event(event: Event) -> None:
    """Write an event on one line."""
    who = event.machine or "watch"
    text = event.text if event.text.startswith(f"{who}: ") else f"{who}: {event.text}"
    _log.log(level_of(of_event(event)), "%s", text)
