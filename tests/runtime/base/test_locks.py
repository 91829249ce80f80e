"""A lock on files and folders ends with the process that holds it, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.locks import open_folder, own_folder, try_lock

pytest.importorskip("fcntl")
HOLD = """
import os, sys
from dlrsd.runtime.base.locks import try_lock
print(try_lock(os.open(sys.argv[1], os.O_RDONLY)), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("is_folder", [False, True])
def test_another_process_keeps_it_until_it_is_killed(is_folder: bool, tmp_path: Path) -> None:
    path = tmp_path if is_folder else tmp_path / "file"
    path.touch()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        fd = os.open(path, os.O_RDONLY)
        assert not try_lock(fd)
        holder.kill()
        holder.wait()
        assert try_lock(fd)
        os.close(fd)
    finally:
        holder.kill()
        holder.wait()
    assert sorted(tmp_path.iterdir()) == ([] if is_folder else [path])


def test_a_folder_is_owned_once(tmp_path: Path) -> None:
    with own_folder(tmp_path, busy="it is taken"):
        with (
            pytest.raises(InputError, match="it is taken"),
            own_folder(tmp_path, busy="it is taken"),
        ):
            pass
        fd = open_folder(tmp_path)
        assert fd is not None
        assert not try_lock(fd)
        os.close(fd)
    with own_folder(tmp_path, busy="it is taken"):
        pass
