"""Tell systemd how a service is: https://www.freedesktop.org/software/systemd/man/sd_notify.html."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(*states: str) -> bool:
    """Send states such as "READY=1", "WATCHDOG=1", "STATUS=3 machines"; False where nobody asks.

    With "RELOADING=1", say also ``f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"``. Never raises:
    that a message is lost must not end what it is about.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return False
    if address.startswith("@"):  # an abstract socket
        address = f"\0{address[1:]}"
    text = "\n".join(state.replace("\n", " ") for state in states)
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.settimeout(1.0)
        out.sendto(text.encode(errors="replace"), address)
        return True
    return False


def watchdog_seconds() -> float | None:
    """How often "WATCHDOG=1" is to be sent: half the time after which systemd takes us for hung."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    with suppress(ValueError):
        return max(int(os.environ.get("WATCHDOG_USEC", "0")), 0) / 2e6 or None
    return None
