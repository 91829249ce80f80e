"""The command line as a user runs it: what it prints, writes and exits with, good input or bad."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.hardware import count_gpus
from tests.runtime.certainty import stating

pytest.importorskip("onnxruntime")
Command = Callable[..., subprocess.CompletedProcess[str]]
PROGRAM = [sys.executable, "-c", "from dlrsd.runtime.cli.app import main; main()"]


@pytest.fixture
def place(tmp_path: Path, make_bundle: Callable[..., Path]) -> Path:
    """A folder with `bundle/` and `stream.bin`: 10 s quiet, then 10 s rough."""
    make_bundle()
    level = np.repeat([0.12, 1.2], 10000)
    signal_ = np.random.default_rng(0).standard_normal(20000) * level
    signal_.astype("<f4").tofile(tmp_path / "stream.bin")
    return tmp_path


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_with_nothing_else_said_it_diagnoses_beside_a_bundle(place: Path, command: Command) -> None:
    done = command("diagnose", "stream.bin")
    assert (done.returncode, done.stderr) == (0, "")
    assert "assumed" in done.stdout
    assert "channel 0: Quiet, since 0.000 s" in done.stdout
    last = done.stdout.splitlines()[-2:]
    assert last[0].startswith("channel 0: Rough since 9.9")
    assert last[1].startswith("624 windows in 20.0 s of signal")


def test_the_output_holds_header_windows_and_summary(place: Path, command: Command) -> None:
    done = command("diagnose", "stream.bin", "--output", "out.jsonl", "--hop", "64")
    assert done.returncode == 0
    header, *windows, summary = records(place / "out.jsonl")
    assert header["type"] == "header"
    assert (header["hop"], header["engine"], header["precision"]) == (64, "onnxruntime", "fp32")
    assert header["stream"]["assumed"]["rate"] == 1000.0
    assert {record["type"] for record in windows} == {"window"}
    fields = "type window channel time_s label probability probabilities novelty quality"
    assert {tuple(record) for record in windows} == {tuple(fields.split())}
    assert summary["type"] == "summary"
    assert summary["verdicts"][0]["label"] == "Rough"


def test_standard_input_to_standard_output(place: Path, command: Command) -> None:
    with (place / "stream.bin").open("rb") as stream:
        done = command("diagnose", "-", "--output", "-", "--rate", "1000", stdin=stream)
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 624 + 2
    assert "channel 0: Rough since 9.9" in done.stderr


def test_a_live_record_is_written_as_soon_as_its_window_is_complete(place: Path) -> None:
    samples = (place / "stream.bin").read_bytes()
    process = subprocess.Popen(
        [*PROGRAM, "diagnose", "-", "--output", "-"],
        cwd=place,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["type"] == "header"
        for index in range(5):
            start = 0 if index == 0 else 64 + 32 * (index - 1)
            process.stdin.write(samples[4 * start : 4 * (64 + 32 * index)])
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["window"] == index
        process.send_signal(signal.SIGTERM)  # SIGINT is ignored where a shell put us aside
        summary = json.loads(process.stdout.readline())
        assert summary["interrupted"] is True
        assert summary["windows"] == 5
        assert process.wait(timeout=20) == 130
    finally:
        process.kill()


def test_a_closed_pipe_ends_quietly(place: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "diagnose", "stream.bin", "--output", "-"],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    complaints = process.stderr.read().decode()
    assert process.wait(timeout=20) == 1
    assert "Traceback" not in complaints
    assert "BrokenPipe" not in complaints


def test_a_terminal_gets_a_table(place: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "diagnose", "stream.bin"],
        cwd=place,
        stdout=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "160"},
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    assert process.wait(timeout=20) == 0
    text = shown.decode()
    for expected in ("┃", "verdict", "│ Rough", "Rough since 9.9", "624 windows in 20.0 s"):
        assert expected in text


# What was done wrong, the arguments after `diagnose`, and what the one line must say.
MISTAKES = [
    ("no recording", ["nothing.bin"], "nothing.bin"),
    ("an empty file", ["empty.bin"], "empty"),
    ("less than a sample", ["stub.bin"], "3 bytes"),
    ("a folder", ["bundle"], "folder"),
    ("no bundle", ["stream.bin", "--bundle", "nowhere"], "no bundle 'nowhere'"),
    (
        "an unknown engine",
        ["stream.bin", "--engine", "torch"],
        "'torch' is not one of 'auto'",
    ),
    ("an unknown device", ["stream.bin", "--device", "tpu"], "'tpu' is not one of 'auto', 'cpu'"),
    (
        "an unknown precision",
        ["stream.bin", "--precision", "fp4"],
        "'fp4' is not one of 'auto'",
    ),
    ("a graph it lacks", ["stream.bin", "--precision", "fp16"], "has no diagnoser.fp16.onnx"),
    ("no threads", ["stream.bin", "--threads", "0"], "got 0 threads"),
    ("a hop of nothing", ["stream.bin", "--hop", "0"], "hop of 0"),
    ("a hop of years", ["stream.bin", "--hop", "9" * 30], "hop of 9"),
    ("an unknown dtype", ["stream.bin", "--dtype", "u8"], "'u8' is not one of 'f32le'"),
    ("too low a rate", ["stream.bin", "--rate", "500"], "500"),
    ("no rate at all", ["stream.bin", "--rate", "fast"], "--rate"),
    ("no channels", ["stream.bin", "--channels", "0"], "channels"),
    ("a foreign unit", ["stream.bin", "--unit", "mV"], "unit"),
    ("no time", ["stream.bin", "--start", "yesterday"], "start"),
    ("an unknown suffix", ["stream.bin", "--output", "out.xml"], "expected a name that ends"),
    ("no output", ["stream.bin", "--output", ""], "cannot tell the format of output ''"),
    ("a file for a folder", ["stream.bin", "--output", "file.parquet"], "it is a file"),
    ("no folder for it", ["stream.bin", "--output", "no/out.jsonl"], "there is no folder"),
    ("a full disk", ["stream.bin", "--output", "full.jsonl"], "No space left on device"),
    ("no risk stated", ["stream.bin", "--risk", "0.01"], "states no operating points: export it"),
    ("a risk of nothing", ["stream.bin", "--risk", "0"], "got a risk of 0: expected more than 0"),
    ("a risk that is no number", ["stream.bin", "--risk", "nan"], "got a risk of nan"),
    ("an unknown option", ["stream.bin", "--loud"], "--loud"),
    ("no source", [], "Missing argument"),
]


@pytest.mark.parametrize(
    ("arguments", "expected"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES]
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], expected: str, place: Path, command: Command
) -> None:
    (place / "empty.bin").touch()
    (place / "stub.bin").write_bytes(b"abc")
    (place / "file.parquet").touch()
    (place / "full.jsonl").symlink_to("/dev/full")
    done = command("diagnose", *arguments)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_stated_risk_is_shown_with_what_it_leaves_out(
    tmp_path: Path, make_bundle: Callable[..., Path], command: Command
) -> None:
    make_bundle(change=stating())
    signal_ = np.random.default_rng(0).standard_normal(20000)
    signal_.astype("<f4").tofile(tmp_path / "stream.bin")
    done = command("diagnose", "stream.bin", "--risk", "0.01", "--output", "out.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "at a risk of 0.01: no label below a probability of 0.8750 (found on 3 to 5 left-out "
        "bearings of a class, not guaranteed for the next)\n"
    ) in done.stdout
    header, *windows, summary = records(tmp_path / "out.jsonl")
    assert (header["risk"]["risk"], header["risk"]["limit"]) == (0.01, 0.875)
    unsure = sum(record.get("reason") == "unsure" for record in windows)
    assert 0 < unsure < len(windows)
    assert f"\n{unsure} of {len(windows)} diagnoses not sure enough for the risk\n" in done.stdout
    assert " of the last 45 windows not sure enough for the risk]" in done.stdout
    assert "- may be Rough" in done.stdout
    assert summary["verdicts"][0]["classes"] == ["Rough"]
    again = command("diagnose", "stream.bin", "--output", "out.jsonl", "--resume")
    assert again.returncode == 2
    assert "risk is null, and was " in again.stderr


@pytest.mark.skipif(count_gpus() > 0, reason="this machine has a GPU")
@pytest.mark.parametrize("choice", [("--device", "cuda"), ("--engine", "tensorrt")])
def test_a_gpu_that_is_not_there_is_one_line_and_exit_code_2(
    choice: tuple[str, str], place: Path, command: Command
) -> None:
    done = command("diagnose", "stream.bin", *choice)
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no GPU that the NVIDIA driver offers")
    assert done.stderr.count("\n") == 1
    assert command("diagnose", "stream.bin", "--device", "cpu").returncode == 0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda bundle: (bundle / "manifest.json").write_text("{"), "manifest.json"),
        (lambda bundle: (bundle / "manifest.json").unlink(), "no manifest.json"),
        (lambda bundle: (bundle / "diagnoser.onnx").unlink(), "lacks diagnoser.onnx"),
        (lambda bundle: (bundle / "diagnoser.onnx").write_bytes(b"x"), "is damaged"),
        (
            lambda bundle: (bundle / "manifest.json").write_text('{"schema_version": 99}'),
            "pip install --upgrade dlrsd",
        ),
    ],
)
def test_a_broken_bundle_is_one_line_and_exit_code_2(
    change: Callable[[Path], Any], expected: str, place: Path, command: Command
) -> None:
    change(place / "bundle")
    done = command("diagnose", "stream.bin")
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_bundle_it_says_how_to_get_one(tmp_path: Path, command: Command) -> None:
    (tmp_path / "stream.bin").write_bytes(bytes(4096))
    done = command("diagnose", "stream.bin")
    assert done.returncode == 2
    assert "there is no bundle 'bundle'" in done.stderr
    assert "--bundle" in done.stderr


def test_standard_output_on_a_full_disk_is_one_line(place: Path, command: Command) -> None:
    for arguments in (["diagnose", "stream.bin"], ["diagnose", "stream.bin", "--output", "-"]):
        with Path("/dev/full").open("w") as full:
            done = command(*arguments, stdout=full)
        assert done.returncode == 2
        assert [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert "No space left on device" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("closed", "arguments", "code", "said"),
    [
        (1, ["stream.bin", "--output", "OUT.JSONL"], 0, ""),
        (2, ["stream.bin", "--output", "OUT.JSONL"], 0, ""),
        (0, ["-"], 2, "error: standard input is closed: expected raw samples from a pipe\n"),
    ],
)
def test_a_service_may_start_with_its_streams_closed(
    closed: int, arguments: list[str], code: int, said: str, place: Path, command: Command
) -> None:
    done = command("diagnose", *arguments, preexec_fn=lambda: os.close(closed))
    assert (done.returncode, done.stderr) == (code, said)
    if code == 0:
        assert records(place / "OUT.JSONL")[-1]["windows"] == 624


def test_a_wrong_unit_is_flagged_and_the_remedy_said(place: Path, command: Command) -> None:
    done = command("diagnose", "stream.bin", "--scale", "1e-6")
    assert done.returncode == 0
    assert "624 level of 624 diagnoses" in done.stdout
    assert "most windows are flagged level: " in done.stdout
    assert "check unit, scale, dtype" in done.stdout


def test_the_recording_is_never_its_own_output(place: Path, command: Command) -> None:
    np.savetxt(place / "signal.csv", np.arange(100) / 10)
    before = (place / "signal.csv").read_bytes()
    done = command("diagnose", "signal.csv", "--output", "signal.csv")
    assert done.returncode == 2
    assert "is the recording itself" in done.stderr
    assert (place / "signal.csv").read_bytes() == before


def test_odd_bytes_at_the_end_are_said(place: Path, command: Command) -> None:
    with (place / "stream.bin").open("ab") as stream:
        stream.write(b"abc")
    done = command("diagnose", "stream.bin", "--output", "out.jsonl")
    assert done.returncode == 0
    assert "3 bytes" in done.stdout
    assert records(place / "out.jsonl")[-1]["trailing_bytes"] == 3


def test_a_terminated_service_leaves_its_summary(place: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "diagnose", "-", "--output", "out.jsonl"],
        cwd=place,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    try:
        process.stdin.write((place / "stream.bin").read_bytes())
        process.stdin.flush()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            path = place / "out.jsonl"
            if path.exists() and path.read_text().count("\n") >= 624:
                break
            time.sleep(0.02)
        process.terminate()
        assert process.wait(timeout=20) == 130
    finally:
        process.kill()
    assert records(place / "out.jsonl")[-1]["type"] == "summary"


# What a command's help lists.
PRECISIONS = "fp32|fp16|int8"
HELP = {
    "diagnose": ("auto|onnxruntime|tensorrt", "auto|cpu|cuda", f"auto|{PRECISIONS}", "f32le|f64le"),
    "benchmark": ("auto|onnxruntime|tensorrt", "auto|cpu|cuda", PRECISIONS),
    "synthesize": ("cpu|cuda",),
}


def test_info_doctor_version_and_help(place: Path, command: Command) -> None:
    info = command("info", "bundle")
    assert info.returncode == 0
    assert "Trained on nothing; tells three levels apart." in info.stdout
    assert command("info", "nowhere").returncode == 2
    doctor = command("doctor")
    assert doctor.returncode == 0
    assert "+ onnxruntime" in doctor.stdout
    for expected in ("CPU: ", "core(s)", "GPU: ", "cupy", "tensorrt_rtx", "tensorrt "):
        assert expected in doctor.stdout
    assert command("--version").stdout.startswith("dlrsd 0.")
    assert "diagnose" in command("--help").stdout
    for name, choices in HELP.items():
        text = "".join(re.findall(r"[\w|]", command(name, "--help").stdout))
        for choice in choices:
            assert choice in text, (name, choice)
    assert command("polish").returncode == 2


def test_synthesize(place: Path, command: Command) -> None:
    done = command("synthesize", "--class", "Rough", "--count", "8", "--output", "made.npz")
    assert done.returncode == 0
    assert "8 heatmaps of Rough from 6 anchors" in done.stdout
    with np.load(place / "made.npz", allow_pickle=False) as arrays:
        assert arrays["heatmaps"].shape == (8, 1, 4, 4)
    before = (place / "made.npz").read_bytes()
    again = ("synthesize", "--class", "Rough", "--count", "9", "--output", "made.npz")
    refused = command(*again)
    assert refused.returncode == 2
    assert "made.npz is there already: choose another output, or say --overwrite" in refused.stderr
    assert (place / "made.npz").read_bytes() == before
    assert command(*again, "--overwrite").returncode == 0
    unknown = command("synthesize", "--class", "Odd", "--count", "8", "--output", "odd.npz")
    assert unknown.returncode == 2
    assert unknown.stderr.count("\n") == 1
    assert "no class 'Odd'" in unknown.stderr
    misplaced = command("synthesize", "--class", "Odd", "--count", "8", "--output", "no/o.npz")
    assert "there is no folder no; make it first" in misplaced.stderr  # before all else
    device = ("--device", "tpu", "--threads", "1")
    other = command("synthesize", "--class", "Loud", "--count", "8", "--output", "o.npz", *device)
    assert other.returncode == 2
    assert other.stderr.startswith("error: Invalid value for '--device': 'tpu' is not one of 'cpu'")
    assert other.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_memory_does_not_grow_with_the_stream(place: Path) -> None:
    # What `wait4` tells counts the memory of the tests that started the process as well.
    tell = """
import atexit, pathlib, sys
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print(status.read_text().split("VmHWM:")[1].split()[0], file=sys.stderr))
"""

    def peak_megabytes(minutes: int) -> float:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                tell + PROGRAM[-1],
                "diagnose",
                "-",
                "--output",
                "out.jsonl",
                "--overwrite",
            ],
            cwd=place,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        samples = (place / "stream.bin").read_bytes()
        for _ in range(3 * minutes):  # 20 s each
            process.stdin.write(samples)
        _, said = process.communicate()
        assert process.returncode == 0
        return int(said) / 1024

    short, long = peak_megabytes(2), peak_megabytes(60)
    lines = (place / "out.jsonl").read_bytes().count(b"\n")
    assert lines == (60 * 60_000 - 64) // 32 + 1 + 2  # windows, header and summary
    assert long < short + 15
    assert long < 200
