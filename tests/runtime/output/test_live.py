"""Records of a running diagnosis: on the disk in time, its own, and whatever a terminal does."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
parquet = pytest.importorskip("pyarrow.parquet")
PROGRAM = [sys.executable, "-c", "from dlrsd.runtime.cli.app import main; main()"]
# Flushes are due after half a second and parts small, so that tests need not wait.
HURRIED = [
    sys.executable,
    "-c",
    "from dlrsd.runtime.output import parquet, writers;"
    "parquet.PART_WINDOWS = 2048; writers.FLUSH_SECONDS = 0.5;"
    "from dlrsd.runtime.cli.app import main; main()",
]
FORMATS = ("jsonl", "csv", "parquet")
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def place(tmp_path: Path, make_bundle: Callable[..., Path]) -> Path:
    """A folder with `bundle/` and `s.bin`, of 624 windows that change their verdict."""
    make_bundle()
    level = np.resize(np.repeat([0.12, 1.2], 2000), 20_000)
    (np.random.default_rng(0).standard_normal(20_000) * level).astype("<f4").tofile(
        tmp_path / "s.bin"
    )
    return tmp_path


def _heed() -> None:
    """Signals are not ignored, as they may be where the tests run in the background."""
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


@contextmanager
def running(
    place: Path, *arguments: str, program: list[str] = PROGRAM, stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """A diagnosis of what is written to its standard input."""
    process = subprocess.Popen(
        [*program, "diagnose", "-", "--output", *arguments],
        cwd=place, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.DEVNULL,
        preexec_fn=_heed,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.flush()


def windows(path: Path) -> list[int]:
    """The windows that are in an output by now."""
    if path.suffix == ".parquet":
        return parquet.read_table(path)["window"].to_pylist() if any(path.glob("part-*")) else []
    if not path.exists():
        return []
    lines = path.read_text().splitlines()[1:]
    if path.suffix == ".csv":
        return [int(line.split(",")[1]) for line in lines]
    return [record["window"] for record in map(json.loads, lines) if record["type"] == "window"]


def await_windows(path: Path, count: int) -> None:
    until = time.monotonic() + 30
    while len(windows(path)) < count:
        assert time.monotonic() < until, f"{len(windows(path))} of {count} windows"
        time.sleep(0.02)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_stalled_stream_is_on_the_disk_before_it_goes_on(suffix: str, place: Path) -> None:
    path = place / f"out.{suffix}"
    data = (place / "s.bin").read_bytes()
    with running(place, path.name, program=HURRIED) as process:
        for share in (1, 2, 3):  # each after a pause; no more comes until what came is there
            feed(
                process,
                data[len(data) * (share - 1) // 3 // 4 * 4 : len(data) * share // 3 // 4 * 4],
            )
            count = (len(data) // 4 * share // 3 - 64) // 32 + 1
            await_windows(path, count)
            assert windows(path) == list(range(count))
        process.kill()
        process.wait()
    assert windows(path) == list(range(count))
    if suffix == "parquet":  # the open part is written anew, no part for every flush
        assert sorted(each.name for each in path.iterdir()) == [
            "_records.json",
            "part-00000.parquet",
        ]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_second_writer_is_refused_until_the_first_is_gone(
    suffix: str, place: Path, command: Command
) -> None:
    path = place / f"out.{suffix}"
    with running(place, path.name, program=HURRIED) as first:
        feed(first, (place / "s.bin").read_bytes())
        await_windows(path, 624)
        for option in ([], ["--overwrite"]):
            second = command("diagnose", "s.bin", "--output", path.name, *option)
            assert second.returncode == 2
            assert second.stderr == (
                f"error: {path.name} is being written by another process: wait until that ends, "
                "or choose another output\n"
            )
        first.kill()
        first.wait()
    assert windows(path) == list(range(624))
    after = command("diagnose", "s.bin", "--output", path.name, "--append")
    assert after.returncode == 0, after.stderr
    assert windows(path) == [*range(624), *range(624)]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_leaves_the_summary(name: str, place: Path) -> None:
    path = place / "out.jsonl"
    with running(place, path.name) as process:
        feed(process, (place / "s.bin").read_bytes())
        await_windows(path, 624)
        process.send_signal(getattr(signal, name))
        assert process.wait(20) == 130
    summary = json.loads(path.read_text().splitlines()[-1])
    assert (summary["type"], summary["windows"], summary["interrupted"]) == ("summary", 624, True)


def test_a_terminal_that_hangs_up_several_times_leaves_the_summary(place: Path) -> None:
    """The system sends SIGHUP, and the shell does."""
    path = place / "out.jsonl"
    with running(place, path.name) as process:
        feed(process, (place / "s.bin").read_bytes())
        await_windows(path, 624)
        until = time.monotonic() + 20
        while b'"summary"' not in path.read_bytes() and time.monotonic() < until:
            process.send_signal(signal.SIGHUP)
        assert process.wait(20) in (130, -signal.SIGHUP)  # while it ends Python takes none any more
    summary = json.loads(path.read_text().splitlines()[-1])
    assert (summary["type"], summary["windows"], summary["interrupted"]) == ("summary", 624, True)


def test_with_nohup_it_goes_on(place: Path) -> None:
    path, data = place / "out.jsonl", (place / "s.bin").read_bytes()
    nohup = ["nohup", *PROGRAM]
    with running(place, path.name, program=nohup) as process:
        feed(process, data[:40_000])
        await_windows(path, 100)
        process.send_signal(signal.SIGHUP)
        feed(process, data[40_000:])
        await_windows(path, 624)
        assert process.poll() is None


def assert_whole(path: Path) -> None:
    *_, summary = map(json.loads, path.read_text().splitlines())
    assert windows(path) == list(range(624))
    assert (summary["type"], summary["windows"]) == ("summary", 624)


def test_a_terminal_that_nobody_reads_cuts_no_records(place: Path) -> None:
    ours, theirs = pty.openpty()
    os.set_blocking(theirs, False)
    try:  # as after Ctrl-S: nothing more fits in
        while os.write(theirs, b"." * 512):
            pass
    except BlockingIOError:
        os.set_blocking(theirs, True)
    try:
        process = subprocess.run(
            [*PROGRAM, "diagnose", "s.bin", "--output", "out.jsonl"],
            cwd=place, stdout=theirs, stderr=subprocess.PIPE, timeout=30,
            env=os.environ | {"TERM": "xterm"},
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert (process.returncode, process.stderr) == (0, b"")
    assert_whole(place / "out.jsonl")


def test_a_terminal_that_is_closed_cuts_no_records(place: Path) -> None:
    ours, theirs = pty.openpty()
    with running(place, "out.jsonl", stdout=theirs) as process:
        os.close(theirs)
        data = (place / "s.bin").read_bytes()
        feed(process, data[:40_000])
        await_windows(place / "out.jsonl", 100)
        os.close(ours)
        feed(process, data[40_000:])
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0
    assert_whole(place / "out.jsonl")


@pytest.mark.parametrize("error_too", [False, True])
def test_a_pipe_that_is_closed_cuts_no_records(error_too: bool, place: Path) -> None:
    """As with ``| head -1``."""
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [*PROGRAM, "diagnose", "s.bin", "--output", "out.jsonl"],
        cwd=place, stdout=writer, stderr=writer if error_too else subprocess.PIPE, timeout=30,
    )  # fmt: skip
    os.close(writer)
    assert process.returncode == 0
    assert not process.stderr
    assert_whole(place / "out.jsonl")


def test_records_to_an_output_that_is_closed_are_refused(place: Path) -> None:
    process = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, "diagnose", "s.bin", "--output", "-"],
        cwd=place, stderr=subprocess.PIPE, text=True, timeout=30,
    )  # fmt: skip
    said = "error: standard output is closed: expected a pipe or a file there\n"
    assert (process.returncode, process.stderr) == (2, said)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_under_the_display_cuts_no_records(place: Path, command: Command) -> None:
    with Path("/dev/full").open("w") as full:
        done = command("diagnose", "s.bin", "--output", "out.jsonl", stdout=full)
    assert (done.returncode, done.stderr) == (0, "")
    assert_whole(place / "out.jsonl")


def test_all_that_is_shown_comes_to_a_slow_reader(place: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "diagnose", "s.bin", "--output", "out.jsonl"],
        cwd=place, stdout=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(1)
    assert process.stdout is not None
    shown = process.stdout.read().decode()
    assert process.wait(20) == 0
    assert "s.bin: 1 channel at 1000 Hz in g" in shown
    assert "624 windows in 20.0 s of signal" in shown


def test_a_named_pipe_takes_records_as_they_come(place: Path) -> None:
    os.mkfifo(place / "pipe.jsonl")
    with running(place, "pipe.jsonl", "--append") as process:
        with (place / "pipe.jsonl").open() as records:
            feed(process, (place / "s.bin").read_bytes())
            assert process.stdin is not None
            process.stdin.close()
            lines = [json.loads(line) for line in records]
        assert process.wait(20) == 0
    assert len(lines) == 626


def test_a_link_is_followed_and_a_locked_folder_said(place: Path, command: Command) -> None:
    (place / "link.jsonl").symlink_to(place / "real.jsonl")
    assert command("diagnose", "s.bin", "--output", "link.jsonl").returncode == 0
    assert (place / "link.jsonl").is_symlink()
    assert_whole(place / "real.jsonl")
    refused = command("diagnose", "s.bin", "--output", "real.jsonl")
    assert "real.jsonl is there already" in refused.stderr


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_is_one_line_and_with_more_room_it_goes_on(
    suffix: str,
    make_bundle: Callable[..., Path],
    small_disk: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    make_bundle()
    noise = np.random.default_rng(0).standard_normal(400_000).astype("<f4")
    noise.tofile(tmp_path / "s.bin")
    diagnose = f"{sys.executable} -c '{HURRIED[-1]}' diagnose s.bin --resume --output"
    done = small_disk(
        f"{diagnose} small/out.{suffix}; echo $? >&2; cp -r small full;"
        f"mount -o remount,size=20m small; {diagnose} small/out.{suffix} >&2 || exit;"
        f"{diagnose} whole.{suffix}; cp -r small/out.{suffix}* .",
        size=262_144,
    )
    assert done.returncode == 0, done.stderr
    error, code, *_ = done.stderr.splitlines()
    assert error.startswith(f"error: cannot write small/out.{suffix}")
    assert "No space left on device; the records written before are whole" in error
    assert code == "2"
    whole = windows(tmp_path / f"whole.{suffix}")
    assert len(whole) == (400_000 - 64) // 32 + 1
    cut = windows(tmp_path / "full" / f"out.{suffix}")
    assert cut == whole[: len(cut)]
    assert len(cut) > 500
    assert windows(tmp_path / f"out.{suffix}") == whole
