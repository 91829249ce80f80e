"""Matplotlib leaves nothing behind, unless the user wants it to."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
from dlrsd.training.base.scratch import leave_no_fonts
leave_no_fonts()
import matplotlib.font_manager
print(matplotlib.get_cachedir())
"""


def drawn(tmp_path, **environment):
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={
            "HOME": str(tmp_path / "home"),
            "TMPDIR": str(tmp_path / "temporary"),
            "PATH": os.environ["PATH"],
            **environment,
        },
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / "home").iterdir()) == []
    return done.stdout.strip()


def test_the_list_of_fonts_is_gone_with_the_process(tmp_path):
    where = drawn(tmp_path)
    assert where.startswith(str(tmp_path / "temporary" / "dlrsd-"))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_folder_of_the_users_own_is_kept(tmp_path):
    mine = tmp_path / "mine"
    assert drawn(tmp_path, MPLCONFIGDIR=str(mine)) == str(mine)
    assert [path.suffix for path in mine.iterdir()] == [".json"]
