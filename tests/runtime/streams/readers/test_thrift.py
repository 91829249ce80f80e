"""Thrift structs by hand, and those that claim more than they have."""

import pytest

from dlrsd.runtime.streams.readers.thrift import read_struct


def test_a_struct_by_hand():
    # 1: i32 = -3, 2: binary = b"ab", 4: list of i32 [1, 2], 5: true, 6: struct {1: double}
    data = b"\x15\x05\x18\x02ab\x29\x25\x02\x04\x11\x1c\x17\0\0\0\0\0\0\xf0?\0\0"
    fields = {1: -3, 2: b"ab", 4: [1, 2], 5: True, 6: {1: b"\0\0\0\0\0\0\xf0?"}}
    assert read_struct(data) == (fields, len(data))


@pytest.mark.parametrize("kind", range(1, 13))
def test_a_list_that_claims_more_than_there_is_ends_at_once(kind):
    data = b"\x19" + bytes([0xF0 | kind]) + b"\xff" * 8 + b"\x7f" + bytes(5000)
    with pytest.raises(ValueError, match="header"):
        read_struct(data)


def test_lists_in_lists_without_end_are_refused():
    with pytest.raises(ValueError, match="header"):
        read_struct(b"\x19" + b"\x19" * 100_000)
