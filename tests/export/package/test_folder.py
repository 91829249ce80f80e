"""What killed exports leave is removed by the next one, and a full disk is one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from dlrsd.export.package.folder import part_folder
from dlrsd.runtime.base.locks import open_folder, try_lock

HANGS = """
import sys, time
from pathlib import Path
from dlrsd.export.package.folder import part_folder
with part_folder(Path("bundle")) as part:
    (part / "diagnoser.onnx").write_bytes(b"half of it")
    print(part, flush=True)
    time.sleep(60)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_of_a_killed_export_is_removed_and_one_of_a_running_export_is_not(tmp_path):
    out = tmp_path / "bundle"
    exporting = [
        subprocess.Popen(
            [sys.executable, "-c", HANGS], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        killed, running = (process.stdout.readline().strip() for process in exporting)
        with part_folder(out) as part:
            assert names(tmp_path) == sorted([killed, running, part.name])
        exporting[0].kill()
        exporting[0].wait()
        with part_folder(out) as part:
            assert names(tmp_path) == sorted([running, part.name])
        assert names(tmp_path) == [running]
    finally:
        for process in exporting:
            process.kill()
            process.wait()


def test_only_what_an_export_wrote_is_removed(tmp_path):
    out = tmp_path / "bundle"
    for name, file in (
        (".bundle-0123abcd", "manifest.json"),
        (".bundle-0123abcd.old", "diagnoser.fp16.onnx"),
        (".bundle-settings", "mine.txt"),
        (".bundle-0123abcde", "diagnoser.onnx"),
        (".bundle-two-0123abcd", "diagnoser.onnx"),
        (".other-0123abcd", "diagnoser.onnx"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).touch()
    (tmp_path / ".bundle-89abcdef").touch()
    with part_folder(out):
        pass
    assert names(tmp_path) == [
        ".bundle-0123abcde", ".bundle-89abcdef", ".bundle-settings", ".bundle-two-0123abcd",
        ".other-0123abcd",
    ]  # fmt: skip


def test_a_folder_that_is_locked_is_left(tmp_path):
    (tmp_path / ".bundle-0123abcd").mkdir()
    fd = open_folder(tmp_path / ".bundle-0123abcd")
    assert try_lock(fd)
    with part_folder(tmp_path / "bundle"):
        pass
    assert names(tmp_path) == [".bundle-0123abcd"]
    os.close(fd)
    with part_folder(tmp_path / "bundle"):
        pass
    assert names(tmp_path) == []


def test_a_full_disk_is_one_line_and_leaves_the_old_bundle(small_disk, tiny_run, tiny_bundle):
    program = "from dlrsd.export.cli import main; main()"
    before = "mkdir small/bundle && cp old/* small/bundle"
    shutil.copytree(tiny_bundle, small_disk.folder / "old")
    size = sum(path.stat().st_size for path in tiny_bundle.iterdir()) + 200_000
    done = small_disk(
        f"{before}; {sys.executable} -c '{program}' {tiny_run} --out small/bundle; code=$?; "
        "ls -A small small/bundle; exit $code",
        size=size,
    )
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert line.startswith("error: the system refused: small/bundle/diagnoser.onnx: ")
    assert "No space left on device" in line
    assert "Traceback" not in done.stderr
    left = done.stdout.split()
    assert left[1:2] == ["bundle"]
    assert left[3:] == names(tiny_bundle)
