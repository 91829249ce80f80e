"""Texts that become one line of a log, a mail's subject or a topic."""

from __future__ import annotations

import re
from urllib.parse import quote

_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def one_line(text: str, *, most: int = 1000) -> str:
    """A text on one line of at most so many characters; breaks and controls become a space."""
    line = _BREAKS.sub(" ", text).strip()
    return line if len(line) <= most else f"{line[: most - 3]}..."


def level(name: str) -> str:
    """A name as one level of an MQTT topic: all but ASCII letters, digits and ``_.-~`` as %XX."""
    return quote(name, safe="", errors="replace")
