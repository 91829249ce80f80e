"""Whether bytes are text, and in which encoding."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")  # 1a: the end of old DOS texts


def text_encoding(head: bytes) -> str | None:
    """The encoding of a text that begins with these bytes: UTF-8, UTF-16 or Latin-1.

    Returns
    -------
    str or None
        A name of Python's codecs; None where the bytes are no text. Zeros at the end of a text
        (a file system leaves them after a power cut) are no part of it.
    """
    if b"\0" not in head.rstrip(b"\0"):
        head = head.rstrip(b"\0")
    if not head:
        return None
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding if _is_plain(head, encoding) else None
    for encoding, zeros, texts in (
        ("utf-16-le", head[1::2], head[::2]),
        ("utf-16-be", head[::2], head[1::2]),
    ):
        if len(head) > 3 and zeros.count(0) > 0.95 * len(zeros) and not _CONTROL.search(texts):
            return encoding
    if _CONTROL.search(head):
        return None
    if _is_plain(head, "utf-8"):
        return "utf-8"
    is_mostly_ascii = sum(byte > 127 for byte in head) < len(head) / 10
    return "latin-1" if is_mostly_ascii else None


def _is_plain(head: bytes, encoding: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text.encode("utf-8"))
