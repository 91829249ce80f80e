"""Files are whole or not there at all."""

from __future__ import annotations

import os
import subprocess
import sys
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


def test_what_a_killed_write_left_goes_with_the_next_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a[1].json"
    write = f"""
import os, signal, sys
from pathlib import Path
from dlrsd.runtime.base.files import write_atomic
with write_atomic(Path({str(path)!r})) as file:
    file.write(b"half")
    file.flush()
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""
    writing = [
        subprocess.Popen(
            [sys.executable, "-c", write], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    killed, running = writing
    for process in writing:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
    killed.kill()
    killed.wait()
    foreign = [f".b.json.{killed.pid}.part", ".a[1].json.old.part", f".a1.json.{killed.pid}.part"]
    for name in foreign:
        (tmp_path / name).touch()
    with write_atomic(path) as file:
        file.write(b"whole")
    left = {each.name for each in tmp_path.iterdir()}
    assert left == {path.name, f".{path.name}.{running.pid}.part", *foreign}
    running.communicate("")
    assert path.read_bytes() == b"half"  # the last to end


def test_a_part_that_is_locked_is_left(tmp_path: Path) -> None:
    """Of a process that cannot be seen from here, in another container."""
    fcntl = pytest.importorskip("fcntl")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    part = tmp_path / f".a.json.{gone.pid}.part"
    with part.open("wb") as its:
        fcntl.flock(its, fcntl.LOCK_EX)
        with write_atomic(tmp_path / "a.json") as file:
            file.write(b"whole")
        assert part.exists()


def test_an_error_of_the_system_names_the_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_too_much(tmp_path / "a.json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def write_too_much(path: Path) -> None:
    with write_atomic(path) as file:
        file.write(bytes(1000))


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
