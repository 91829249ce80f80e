"""How often a client may ask: a bucket of tries that fills again."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict

_MOST_CLIENTS = 4096  # the one that has not asked for longest is forgotten


class Bucket:
    """Tries by client.

    Parameters
    ----------
    most : float
        At once.
    a_second : float
        How many come back.
    """

    def __init__(self, most: float, a_second: float) -> None:
        self._most, self._rate = most, a_second
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take a try: 0, or how many seconds until there is one."""
        with self._lock:
            left, now = self._now(client)
            wait = max(0.0, (1 - left) / self._rate)
            self._left[client] = (left if wait else left - 1, now)
            self._left.move_to_end(client)
            if len(self._left) > _MOST_CLIENTS:
                self._left.popitem(last=False)
        return wait

    def wait(self, client: str) -> float:
        """How many seconds until there is a try, and none is taken."""
        with self._lock:
            return max(0.0, (1 - self._now(client)[0]) / self._rate)

    def _now(self, client: str) -> tuple[float, float]:
        now = time.monotonic()
        left, when = self._left.get(client, (self._most, now))
        return min(self._most, left + (now - when) * self._rate), now


def client_of(address: str) -> str:
    """Whom an address stands for: of IPv6 its network, for a host has as many as it likes."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((ip, 64), strict=False))
    return str(ip)
