"""A process that delivers is killed at any moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.runtime.service.sinks.made import Outbox, a_change

_PROGRAM = """
import asyncio, sys
from pathlib import Path
from dlrsd.runtime.service.sinks.delivery import Telemetry, deliver
from dlrsd.runtime.service.sinks.files import Jsonl
from tests.runtime.service.sinks.made import Outbox

async def main():
    sink = Jsonl(name="log", folder=sys.argv[2], says=("alarm",)).sink()
    woken = asyncio.Event()
    await deliver(sink, Outbox(Path(sys.argv[1])), woken, Telemetry(sink, woken), print)

asyncio.run(main())
"""


def test_every_change_arrives_and_all_lines_are_whole(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "store.sqlite")
    outbox.keep(*(a_change(number) for number in range(300)))
    folder = tmp_path / "log"
    arguments = [sys.executable, "-c", _PROGRAM, str(tmp_path / "store.sqlite"), str(folder)]

    def got() -> list[str]:
        paths = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
        return [line for path in paths for line in path.read_text().splitlines(keepends=True)]

    for kill in range(1, 4):
        process = subprocess.Popen(arguments, env=os.environ | {"PYTHONPATH": str(Path.cwd())})
        end = time.monotonic() + 60
        while len(got()) < 70 * kill:
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    process = subprocess.Popen(arguments, env=os.environ | {"PYTHONPATH": str(Path.cwd())})
    end = time.monotonic() + 60
    while outbox.undelivered("log", 1):
        assert time.monotonic() < end
        time.sleep(0.05)
    process.kill()
    process.wait()
    ids = [json.loads(line)["id"] for line in got()]
    assert sorted(set(ids)) == sorted(f"c{number}" for number in range(300))
    assert len(ids) <= 303  # at most one again for every kill
