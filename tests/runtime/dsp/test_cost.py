"""What a diagnosis may cost: packages it does not need, memory, and a clean end."""

from __future__ import annotations

import array
import fcntl
import json
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
PROGRAM = "from dlrsd.runtime.cli.app import main; main()"
# Each would cost the first diagnosis a good part of its time, or a box its memory.
HEAVY = {
    "array_api_compat.cupy", "array_api_compat.torch", "cupy", "h5py", "jsonschema", "matplotlib",
    "onnx", "pandas", "pyarrow", "rich", "scipy", "sklearn", "soundfile", "soxr", "tensorrt",
    "tensorrt_rtx", "torch",
}  # fmt: skip


def test_a_raw_stream_is_diagnosed_without_heavy_packages(
    tmp_path: Path, make_bundle: Callable[..., Path]
) -> None:
    make_bundle()
    (1.2 * np.random.default_rng(0).standard_normal(640)).astype("<f4").tofile(tmp_path / "s.bin")
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    done = subprocess.run(
        [sys.executable, "-c", tell + PROGRAM, "diagnose", "s.bin", "--output", "out.jsonl"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert "dlrsd.runtime.diagnosis.windows" in loaded
    assert not loaded & HEAVY


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_ten_resampled_channels_fill_no_memory(
    tmp_path: Path, make_bundle: Callable[..., Path]
) -> None:
    pytest.importorskip("soxr")
    seconds, rate, channels = 120, 48_000, 10

    def at_12_khz(manifest: dict) -> None:
        manifest["signal"]["rate_hz"] = 12_000.0

    make_bundle(window=1024, hop=512, change=at_12_khz)
    options = ["--rate", str(rate), "--channels", str(channels), "--output", "out.jsonl"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "diagnose", "-", *options],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    status = Path(f"/proc/{process.pid}/status")
    second = np.random.default_rng(0).standard_normal((rate, channels)).astype("<f4").tobytes()
    resident = []  # MB after each second of signal
    for _ in range(seconds):
        process.stdin.write(second)
        resident.append(int(status.read_text().split("VmRSS:")[1].split()[0]) / 1024)
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["windows"] == (seconds * 12_000 - 1024) // 512 + 2
    assert max(resident[seconds // 2 :]) < max(resident[10 : seconds // 4]) + 8
    assert max(resident) < 200


def test_a_long_recording_is_interrupted_with_whole_records_and_a_summary(
    tmp_path: Path, make_bundle: Callable[..., Path]
) -> None:
    make_bundle()
    second = (1.2 * np.random.default_rng(0).standard_normal(100_000)).astype("<f4").tobytes()
    with (tmp_path / "s.bin").open("wb") as stream:
        for _ in range(100):
            stream.write(second)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "diagnose", "s.bin", "--output", "out.jsonl"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    output, until = tmp_path / "out.jsonl", time.monotonic() + 30
    try:
        while time.monotonic() < until and not (output.exists() and output.stat().st_size > 1e6):
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 130
    finally:
        process.kill()
    _, *windows, summary = map(json.loads, output.read_text().splitlines())
    assert [record["window"] for record in windows] == list(range(len(windows)))
    assert len(windows) < 10_000_000 // 32
    assert summary["interrupted"] is True
    assert summary["windows"] == len(windows)


def test_an_interrupt_cuts_no_record_that_waits_for_its_reader(
    tmp_path: Path, make_bundle: Callable[..., Path]
) -> None:
    make_bundle()
    (1.2 * np.random.default_rng(0).standard_normal(50_000)).astype("<f4").tofile(
        tmp_path / "s.bin"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "diagnose", "s.bin", "--output", "-"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        waiting = array.array("i", [0])
        until = time.monotonic() + 30
        while time.monotonic() < until and waiting[0] < 60_000:  # a pipe holds 65,536 bytes
            time.sleep(0.02)
            fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        said, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    _, *windows, summary = map(json.loads, said.splitlines())
    assert summary["interrupted"] is True
    assert summary["windows"] == len(windows) < 50_000 // 32
