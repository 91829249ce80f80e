"""Structs in Thrift's compact protocol, as the headers of Parquet files are written.

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from typing import Any

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_DEEPEST = 16


def read_struct(data: bytes, at: int = 0, *, depth: int = 0) -> tuple[dict[int, Any], int]:
    """The fields of a struct by their number, and where it ends.

    Integers are int, texts and bytes are bytes, lists are list, structs are dict.

    Raises
    ------
    ValueError
        If the bytes are no such struct, or end within it.
    """
    try:
        return _struct(data, at, depth)
    except IndexError as error:
        raise ValueError("the header ends too early") from error


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    if depth > _DEEPEST:
        raise ValueError("the header is nested too deeply")
    fields: dict[int, Any] = {}
    number = 0
    while kind := data[at] & 0x0F:
        delta = data[at] >> 4
        at += 1
        if delta:
            number += delta
        else:
            number, at = _integer(data, at)
        if kind in (_TRUE, _FALSE):
            fields[number] = kind == _TRUE
        else:
            fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (_TRUE, _FALSE, _BYTE):  # a boolean of a list
        return data[at], at + 1
    if kind in (_I16, _I32, _I64):
        return _integer(data, at)
    if kind == _DOUBLE:
        if at + 8 > len(data):
            raise IndexError(at)
        return data[at : at + 8], at + 8
    if kind == _BINARY:
        length, at = _varint(data, at)
        if at + length > len(data):
            raise IndexError(length)
        return data[at : at + length], at + length
    if kind in (_LIST, _SET):
        n, of = data[at] >> 4, data[at] & 0x0F
        at += 1
        if n == 0x0F:
            n, at = _varint(data, at)
        if n > len(data) - at or depth > _DEEPEST:  # every value takes a byte at least
            raise ValueError(f"the header holds a list of {n} values, more than it has bytes")
        values = []
        for _ in range(n):
            value, at = _value(data, at, of, depth + 1)
            values.append(value)
        return values, at
    if kind == _STRUCT:
        return _struct(data, at, depth + 1)
    raise ValueError(f"the header holds a value of the kind {kind}")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    zigzag, at = _varint(data, at)
    return (zigzag >> 1) ^ -(zigzag & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("the header holds an integer that is too long")
