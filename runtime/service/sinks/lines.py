"""Texts that become one line of a log, a mail's subject or a topic."""

from __future__ import annotations

import re
from urllib.parse import quote


def one_line(text: str, *, most: int = 1000) -> str:
    """A text on one line of at most so many characters; what cannot be printed becomes a space.

    That is breaks, controls, halves of characters, and marks that turn the direction of writing.
    """
    printed = "".join(each if each.isprintable() else "\0" for each in text)
    line = re.sub("\0+", " ", printed).strip()
    return line if len(line) <= most else f"{line[: most - 3]}..."


def level(name: str) -> str:
    """A name as one level of an MQTT topic: all but ASCII letters, digits and ``_.-~`` as %XX."""
    return quote(name, safe="", errors="replace")
