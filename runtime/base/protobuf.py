"""The wire format of Protocol Buffers: what a message holds, without a schema and without a copy.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

from dlrsd.runtime.base.formats import FormatError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
_WIDTHS = {FIXED64: 8, FIXED32: 4}

Field = tuple[int, int, int, memoryview]


def fields(message: memoryview) -> Iterator[Field]:
    """Fields of a message, in order.

    Yields
    ------
    number : int
    wire : int
        0, 1, 2 or 5; the groups of old are refused.
    value : int
        Of a varint, unsigned; 0 of any other.
    content : memoryview
        Of all that is no varint.

    Raises
    ------
    FormatError
        If it is cut off or no message at all.
    """
    at, end, none = 0, len(message), message[:0]
    while at < end:
        key, at = varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = varint(message, at)
            yield number, wire, value, none
            continue
        if wire == BYTES:
            size, at = varint(message, at)
        elif wire in _WIDTHS:
            size = _WIDTHS[wire]
        else:
            raise FormatError(f"a field {number} of the unknown wire type {wire}")
        if size > end - at:
            raise FormatError(f"a field {number} of {size} bytes where {end - at} are left")
        yield number, wire, 0, message[at : at + size]
        at += size


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """The unsigned integer of up to 64 bits that begins there, and where it ends."""
    try:
        byte = message[at]
        if byte < 0x80:
            return byte, at + 1
        value, shift = byte & 0x7F, 7
        while shift < 64:
            at += 1
            byte = message[at]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & (2**64 - 1), at + 1
            shift += 7
    except IndexError:
        raise FormatError("an end within a number") from None
    raise FormatError("a number of more than ten bytes")
