"""Memory of ``dlrsd-runtime diagnose`` over an hour of 10 channels at 48 kHz, fed at full speed.

    python -m benchmarks.speed.memory

The command reads raw interleaved float32 from a pipe, resamples it to the bundle's rate and writes
JSONL. The stream is made while it is fed: a few seconds of noise over and over. After each minute
of signal the resident memory is read; flat means that the end holds no more than minute 5.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine

COMMAND = (str(Path(sys.executable).with_name("dlrsd-runtime")), "diagnose", "-")
RATE, CHANNELS = 48_000, 10
SETTLED = 5  # minutes, after which memory must not grow
RMS = 0.2  # of the noise: within the levels any bundle here accepts


def main() -> None:
    parser = machine.options(__doc__, bundle="cwru-6205")
    parser.add_argument("--minutes", type=int, default=60)
    a = parser.parse_args()
    minutes = SETTLED + 2 if a.quick else a.minutes
    with tempfile.TemporaryDirectory() as folder:
        result = _run(a.bundle, minutes, Path(folder) / "out.jsonl")
    print(json.dumps(result, indent=1))
    machine.save("memory", result, a.out)


def _run(bundle: str, minutes: int, output: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    # Of prime length, so that chunks and windows meet it at ever other places.
    noise = (RMS * rng.standard_normal((400_009, CHANNELS), dtype=np.float32)).tobytes()
    form = ["--rate", str(RATE), "--channels", str(CHANNELS)]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, *form, "--bundle", bundle, "--output", str(output)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    resident, fed, minute = [], 0, 60 * RATE * CHANNELS * 4
    while fed < minutes * minute:
        size = min(len(noise), (len(resident) + 1) * minute - fed)
        process.stdin.write(memoryview(noise)[:size])
        fed += size
        if fed == (len(resident) + 1) * minute:
            resident.append(_resident_mb(process.pid))
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if status:
        sys.exit(f"error: diagnose ended with status {status}")
    with output.open("rb") as lines:
        lines.seek(-20_000, os.SEEK_END)
        *_, last = lines
    records = json.loads(last)["records"]
    cpu = usage.ru_utime + usage.ru_stime
    return {
        "bundle": bundle,
        "minutes": minutes,
        "channels": CHANNELS,
        "rate_hz": RATE,
        "megabytes_fed": round(fed / 1e6),
        "resident_mb": {
            f"minute_{SETTLED}": resident[SETTLED - 1],
            "end": resident[-1],
            "most": max(resident),
            "each_minute": resident,
        },
        "times_real_time": round(60 * minutes / wall, 1),
        "diagnoses": records,
        "diagnoses_per_s": round(records / wall),
        "cpu_us_per_diagnosis": round(cpu / records * 1e6, 1),
    }


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return round(int(status.split("VmRSS:")[1].split()[0]) / 1024, 1)


if __name__ == "__main__":
    main()
