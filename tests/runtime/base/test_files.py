"""Files are whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dlrsd.runtime.base.files import read_bounded, write_atomic


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_appears_whole_and_replaces_the_old_one(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    with write_atomic(path, durable=durable) as file:
        file.write(b"new, ")
        file.flush()
        assert path.read_bytes() == b"old"
        (part,) = (each for each in tmp_path.iterdir() if each != path)
        assert part.name.startswith(".a.json.")
        file.write(b"and whole")
    assert path.read_bytes() == b"new, and whole"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with write_atomic(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), write_atomic(tmp_path / "no" / "a.json"):
        pass


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bounded(path, most=5) == b"12345"
    with pytest.raises(OSError, match="it holds 5 bytes, expected at most 4"):
        read_bounded(path, most=4)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match=r"no regular file|directory"):
            read_bounded(path, most=5)


def test_a_file_that_grows_is_refused() -> None:
    with pytest.raises(OSError, match="it grows while it is read"):
        read_bounded(Path("/proc/self/status"), most=5)  # which states a size of 0
