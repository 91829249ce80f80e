"""What was taken is remembered, and only as long as it is there."""

from __future__ import annotations

from pathlib import Path

from dlrsd.runtime.service.sources.taken import NAME, Mark, Taken

MARKS = [Mark(f"{i} öß\n.wav", 10**12 + i, 1_768_464_000_123_456_789 + i) for i in range(100)]


def test_it_is_read_again(tmp_path: Path) -> None:
    taken = Taken(tmp_path)
    for mark in MARKS[:3]:
        taken.add(mark)
    again = Taken(tmp_path)
    again.read(MARKS)
    assert [mark in again for mark in MARKS[:4]] == [True, True, True, False]
    assert MARKS[0]._replace(mtime_ns=MARKS[0].mtime_ns + 1) not in again


def test_what_is_gone_is_forgotten_and_the_file_grows_smaller(tmp_path: Path) -> None:
    taken = Taken(tmp_path)
    for mark in MARKS:
        taken.add(mark)
    taken.forget(set(MARKS[:10]))
    assert MARKS[50] not in taken
    assert MARKS[5] in taken
    size = (tmp_path / NAME).stat().st_size
    again = Taken(tmp_path)
    again.read(MARKS[:10])
    assert (tmp_path / NAME).stat().st_size < size / 5
    third = Taken(tmp_path)
    third.read(MARKS)
    assert [mark in third for mark in MARKS] == [True] * 10 + [False] * 90


def test_lines_that_are_none_are_left_out(tmp_path: Path) -> None:
    taken = Taken(tmp_path)
    taken.add(MARKS[0])
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'\x00\x00\x00\n["a", 1]\n["a", "b", 1]\n[1, 2, 3]\n{}\n["a", 1')
    again = Taken(tmp_path)
    again.read(MARKS)
    again.add(MARKS[1])
    third = Taken(tmp_path)
    third.read(MARKS)
    assert [mark in third for mark in MARKS[:3]] == [True, True, False]
