"""JSON of strangers: what has one meaning is read, all else is refused in one line."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from dlrsd.runtime.base.formats import FormatError, checked, parse_json


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 2**53, 1.5, 1e308, 10**300, "\u00e9\U0001f600", [], {}, {"a": [{"b": 1}]}],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_is_read_as_python_reads_it(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"1" + b"0" * 400, "a number beyond float64"),
        (b"[-1" + b"0" * 400 + b"]", "a number beyond float64"),
        (b"1" + b"0" * 5000, "out of range"),
        (b"1e400", "out of range"),
        (b"-1e999999999999", "out of range"),
        (b"NaN", "."),
        (b"[Infinity]", "."),
        (b'"\\ud800"', "."),
        (b'{"\\udfff": 1}', "."),
        (b'"\xff"', "."),
        (b'"\xed\xa0\x80"', "."),
        ('{"a": 1}'.encode("utf-16"), "a text in UTF-16, expected JSON in UTF-8"),
        (b'"\x01"', "."),
        (b'{"a": 1, "a": 2}', "the name 'a' twice"),
        (b'[{"b": {"a": 1, "\\u0061": 1}}]', "the name 'a' twice"),
        (b"[" * 65 + b"]" * 65, "more than 64 levels"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "more than 64 levels"),
        (b"[" * 100_000 + b"]" * 100_000, "more than 64 levels"),
        (b"[" * 100_000, "more than 64 levels"),
        (b"", "."),
        (b"{} {}", "."),
        (b"01", "."),
        (b"'a'", "."),
        (b'{"a": 1,}', "."),
    ],
)
def test_what_has_no_one_meaning_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said) as caught:
        parse_json(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_mark_of_utf_8_before_it_is_no_part_of_it() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_the_deepest_that_is_read() -> None:
    assert parse_json(b"[" * 64 + b"]" * 64)


class Facts(msgspec.Struct, forbid_unknown_fields=True):
    """A format of one number."""

    size: float


@pytest.mark.parametrize(
    "text", [b'{"size": 1%s}' % (b"0" * 300), b'{"size": 3}', b'{"size": 3e9}']
)
def test_a_large_number_is_a_number(text: bytes) -> None:
    assert checked(parse_json(text), Facts).size == float(json.loads(text)["size"])
