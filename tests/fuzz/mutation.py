"""Damage to bytes and to JSON, drawn from a seeded generator.

Flipped bits and cut files are what disks and cables do; sizes, counts and paths that lie are what
somebody does who wants in. Both are drawn here, several at once.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

_NUMBERS = [0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1]
_HUGE = [2**40, 10**12, 2**62, 2**63 - 1, 2**64 - 1]
_TEXTS = [b"-1", b"1e308", b"nan", b"inf", b"99999999999999", b"0", b"1e-320", b"", b"0x10", b","]
_PATHS = [b"/etc/passwd", b"../../../etc/passwd", b"file:///etc/passwd", b"C:\\x", b"\0"]


def mutated(data: bytes, rng: random.Random, others: list[bytes] = []) -> bytes:  # noqa: B006
    """The same bytes with one to six kinds of damage; ``others`` lend slices."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if not changed:
            break
        if others and rng.random() < 0.05:
            _splice(changed, rng, rng.choice(others))
        else:
            rng.choice(_KINDS)(changed, rng)
    return bytes(changed)


def _place(data: bytearray, rng: random.Random) -> int:
    """Headers lie at the beginning or the end; most damage to samples is only noise."""
    n = len(data)
    at = rng.choice(
        (rng.randrange(n), rng.randrange(min(n, 400)), n - 1 - rng.randrange(min(n, 400)))
    )
    return max(0, at)


def _flip(data: bytearray, rng: random.Random) -> None:
    data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: random.Random) -> None:
    data[_place(data, rng)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _integer(data: bytearray, rng: random.Random) -> None:
    at, size = _place(data, rng), rng.choice((2, 4, 8))
    value = rng.choice(_NUMBERS + _HUGE) % (1 << 8 * size)
    data[at : at + size] = value.to_bytes(size, rng.choice(("little", "big")))


def _drop(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 4, 7, 64, 1000))]


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _repeat(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = data[at : at + rng.choice((1, 4, 16, 300))] * rng.choice((1, 2, 50))


def _blank(data: bytearray, rng: random.Random) -> None:
    at, size = _place(data, rng), rng.choice((4, 16, 512))
    data[at : at + size] = bytes([rng.choice((0, 0xFF, 0x20))]) * len(data[at : at + size])


def _noise(data: bytearray, rng: random.Random) -> None:
    at, size = _place(data, rng), rng.choice((1, 8, 100))
    data[at : at + size] = rng.randbytes(size)


def _digits(data: bytearray, rng: random.Random) -> None:
    found = list(re.finditer(rb"-?[\d.]+(e[-+]?\d+)?", bytes(data)))
    if found:
        number = rng.choice(found)
        data[number.start() : number.end()] = rng.choice(_TEXTS)


def _path(data: bytearray, rng: random.Random) -> None:
    found = list(re.finditer(rb"[A-Za-z_./]{3,}", bytes(data)))
    if found:
        word = rng.choice(found)
        text = rng.choice(_PATHS)
        size = rng.choice((word.end() - word.start(), len(text)))
        data[word.start() : word.end()] = text[:size].ljust(size, b"\0")


def _splice(data: bytearray, rng: random.Random, other: bytes) -> None:
    size = rng.choice((4, 32, 500))
    start = rng.randrange(max(1, len(other)))
    at = _place(data, rng)
    data[at : at + size] = other[start : start + size]


_KINDS: list[Callable[[bytearray, random.Random], None]] = [
    *(_flip, _flip, _byte, _integer, _integer, _drop, _cut, _repeat, _blank, _noise, _digits, _path)
]

_VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 0.5, -0.0, 1e-320, 1e308, -1e308, 2**31, 2**53 + 1, 2**63),
    *(10**400, float("nan"), float("inf"), "", " ", "x" * 100_000, "\ud800", "a\nb", "\0"),
    *("../../etc/passwd", "/etc/passwd", "batch", "NaN", "1", [], {}, [[]], [None], [0] * 10_000),
    *({"a": 1}, {"": {}}, ["a", "a"], [1e308] * 3, {"__class__": "x"}),
]


def mutated_json(value: Any, rng: random.Random) -> bytes:
    """The text of a JSON value with one to four kinds of damage."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 2, 4))):
        value = _changed(value, rng)
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.05:
        text = "[" * 100_000 + text
    if rng.random() < 0.05:  # the same key twice
        text = re.sub(r'("\w+": )', r"\1 0, \1", text, count=1)
    return text.encode("utf-8", "surrogatepass")


_TOML = [
    *("nan", "-inf", "1e400", "-1", "0", "1e-320", "1979-05-27", "07:32:00", "1" + "0" * 400),
    *('""', '"\\u0000"', '"\\u001b[2J"', "true", "[]", "{}", "[[1], 2]", "{ a.b.c = 1 }"),
    *(
        "9" * 5000,
        '"' + "x" * 5000 + '"',
        "[\n" * 2000,
        "a." * 100_000 + "b = 1",
        "[1] * 3",
        "0x10",
    ),
]


def mutated_toml(text: bytes, rng: random.Random) -> bytes:
    """A TOML file of which one to three values are others, or lines lost, doubled or swapped."""
    lines = text.decode().splitlines()
    for _ in range(rng.choice((1, 1, 2, 3))):
        at, kind = rng.randrange(len(lines)), rng.random()
        if kind < 0.6:
            name = lines[at].partition("=")[0]
            lines[at] = f"{name}= {rng.choice(_TOML)}"
        elif kind < 0.7 and len(lines) > 1:
            del lines[at]
        elif kind < 0.8:
            lines.insert(at, rng.choice(lines))
        else:
            lines[at] = re.sub(r"[\d.]+", lambda _: rng.choice(_TOML), lines[at], count=1)
    return "\n".join(lines).encode()


def mutated_numbers(text: bytes, rng: random.Random) -> bytes:
    """A JSON text of which one to twenty numbers are others, and mostly possible ones."""
    possible = (
        b"0",
        b"-1",
        b"1",
        b"-0.0",
        b"1e-6",
        b"1e6",
        b"-1e6",
        b"1e30",
        b"2",
        b"1e-30",
        b"60",
    )
    places = list(re.finditer(rb"(?<=[ \[])-?\d[\d.e+-]*(?=[,\s\]}])", text))
    for place in sorted(rng.sample(places, rng.choice((1, 2, 3, 20))), key=lambda at: -at.start()):
        text = text[: place.start()] + rng.choice(possible) + text[place.end() :]
    return text


def _changed(value: Any, rng: random.Random) -> Any:
    """The value with one change, somewhere inside it."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        kind = rng.random()
        if kind < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if kind < 0.2:
            other = rng.choice(list(value))
            return value | {key: value[other], other: value[key]}
        if kind < 0.25:
            return value | {rng.choice(("extra", "", "../x", "\ud800", key.upper())): value[key]}
        return value | {key: _changed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        kind = rng.random()
        if kind < 0.1:
            return value[:at] + value[at + 1 :]
        if kind < 0.2:
            return value + value
        if kind < 0.3:
            return value[::-1]
        return [*value[:at], _changed(value[at], rng), *value[at + 1 :]]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and rng.random() < 0.4:
        near = (value + 1, value - 1, value * 2, -value)
        return rng.choice((*near, value * 1e6, value / 3) if abs(value) < 2**60 else near)
    if isinstance(value, str) and value and rng.random() < 0.3:
        return mutated(value.encode("utf-8", "surrogatepass"), rng).decode("utf-8", "replace")
    return rng.choice(_VALUES)
