"""Tokens: who may look, and who may act. At rest there is only their scrypt hash.

A token is ``dlrsd-ID-SECRET``. The file of tokens has a line for each: ID, role, hash, and a name.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from pathlib import Path
from typing import Literal

from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import read_bounded

Role = Literal["view", "operate"]

_N, _R, _P = 2**14, 8, 1  # 16 MiB and some 50 ms a try
_MOST_FILE, _MOST_TOKENS = 1 << 20, 1000
_MOST_CHARACTERS = 200  # of a token that comes in
_REMEMBERED_S, _MOST_REMEMBERED = 300.0, 256
_LINE = re.compile(r"([0-9a-f]{8}) (view|operate) scrypt:([0-9a-f]{32}):([0-9a-f]{64}) (\S.{0,63})")
_TOKEN = re.compile(r"dlrsd-([0-9a-f]{8})-([A-Za-z0-9_-]{43})")
_NOBODY = "0" * 32, "0" * 64  # what an unknown ID is held against, so that it takes as long


class Person(Struct, frozen=True):
    """Who asks: the name that stands beside what was acknowledged, and what the token allows."""

    name: str
    role: Role


class _Record(Struct, frozen=True):
    person: Person
    salt: str
    hashed: str


def new_token(role: Role, name: str) -> tuple[str, str]:
    """Make a token.

    Parameters
    ----------
    role : "view" or "operate"
    name : str
        Of whoever holds it, at most 64 characters; it stands beside what they acknowledge.

    Returns
    -------
    token : str
        To be given to them; it is kept nowhere.
    line : str
        To be added to the file of tokens.

    Raises
    ------
    InputError
        If the name does not fit on a line.
    """
    identity, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    salt = secrets.token_hex(16)
    line = f"{identity} {role} scrypt:{salt}:{_hash(secret, salt)} {name}"
    if not _LINE.fullmatch(line) or not name.isprintable():
        raise InputError(
            f"got the name {name!r} for a token: expected 1 to 64 characters on one line, the "
            "first no space"
        )
    return f"dlrsd-{identity}-{secret}", line


class Tokens:
    """Those of a file, which is read anew when it has changed.

    Raises
    ------
    InputError
        If it cannot be read, or a line is no token's; which line, never what stands in it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read = self._stamp()
        self._records = read_tokens(path)
        self._remembered: dict[bytes, tuple[float, Person]] = {}

    def holder(self, token: str) -> Person | None:
        """Whose token it is; None where it is nobody's. Takes some 50 ms the first time."""
        self._renew()
        found = _TOKEN.fullmatch(token) if len(token) <= _MOST_CHARACTERS else None
        if found is None:
            return None
        key, now = hashlib.sha256(token.encode()).digest(), time.monotonic()
        with self._lock:
            until, person = self._remembered.get(key, (0.0, None))
        if person is not None and now < until:
            return person
        identity, secret = found.groups()
        record = self._records.get(identity)
        salt, hashed = (record.salt, record.hashed) if record else _NOBODY
        same = hmac.compare_digest(_hash(secret, salt), hashed)
        if record is None or not same:
            return None
        with self._lock:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = now + _REMEMBERED_S, record.person
        return record.person

    def _stamp(self) -> tuple[int, int]:
        try:
            facts = self._path.stat()
        except OSError:
            return 0, 0
        return facts.st_mtime_ns, facts.st_size

    def _renew(self) -> None:
        """Take a changed file in; one that is broken now leaves those that were."""
        stamp = self._stamp()
        with self._lock:
            if stamp == self._read:
                return
            self._read = stamp
            try:
                self._records = read_tokens(self._path)
            except InputError:
                return
            self._remembered.clear()


def read_tokens(path: Path) -> dict[str, _Record]:
    """The records of a file by ID; empty lines and those that begin with # are left out."""
    try:
        content = read_bounded(path, most=_MOST_FILE).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no text"
        raise InputError(f"the tokens in {path} cannot be read: {why}") from None
    records: dict[str, _Record] = {}
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise InputError(
                f"line {number} of {path} is no token's: expected an ID, view or operate, a hash "
                "and a name, as `dlrsd-runtime token` prints them"
            )
        identity, role, salt, hashed, name = found.groups()
        person = Person(name, "operate" if role == "operate" else "view")
        records[identity] = _Record(person, salt, hashed)
    if not records or len(records) > _MOST_TOKENS:
        raise InputError(
            f"{path} holds {len(records)} tokens: expected 1 to {_MOST_TOKENS}; "
            "`dlrsd-runtime token` makes one"
        )
    return records


def _hash(secret: str, salt: str) -> str:
    key = hashlib.scrypt(
        secret.encode(), salt=bytes.fromhex(salt), n=_N, r=_R, p=_P, maxmem=64 << 20, dklen=32
    )
    return key.hex()
