"""Sessions of browsers that have shown a token. They live in memory: a restart ends them."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time

from msgspec import Struct

from dlrsd.runtime.service.page.tokens import Person

IDLE_S, LONGEST_S = 12 * 3600.0, 7 * 86400.0
_MOST = 1000  # the longest unused goes first


class _Session(Struct):
    person: Person
    ends: float
    used: float


class Sessions:
    """By the hash of their secret, so that what is in memory opens nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[bytes, _Session] = {}

    def begin(self, person: Person) -> str:
        """The secret of a new session, for its cookie."""
        secret, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            if len(self._sessions) >= _MOST:
                oldest = min(self._sessions, key=lambda key: self._sessions[key].used)
                del self._sessions[oldest]
            self._sessions[_key(secret)] = _Session(person, now + LONGEST_S, now)
        return secret

    def person(self, secret: str) -> Person | None:
        """Whose it is; None where it is unknown or has ended."""
        key, now = _key(secret), time.monotonic()
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                return None
            if now > min(session.ends, session.used + IDLE_S):
                del self._sessions[key]
                return None
            session.used = now
            return session.person

    def end(self, secret: str) -> None:
        with self._lock:
            self._sessions.pop(_key(secret), None)


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
