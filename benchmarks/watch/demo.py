"""From ``watch --demo`` to the first alarm on the page.

python -m benchmarks.watch.demo
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request

from benchmarks import machine

TARGET_S = 120.0


def main() -> None:
    a = machine.options(__doc__).parse_args()
    start = "from dlrsd.runtime.cli.app import main; main()"
    began = time.monotonic()
    watch = subprocess.Popen(
        [sys.executable, "-c", start, "watch", "--demo", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert watch.stderr is not None
        address = re.search(r"http\S+", watch.stderr.readline())
        if address is None:
            raise SystemExit("error: the watch did not say where its page is")
        opened = time.monotonic() - began
        while not _alarms(address[0]):
            if time.monotonic() - began > 5 * TARGET_S:
                raise SystemExit("error: no alarm came")
            time.sleep(0.2)
        alarm = time.monotonic() - began
    finally:
        watch.terminate()
        watch.wait(30)
    figures = {"page_s": round(opened, 2), "first_alarm_s": round(alarm, 1)}
    rows = [(name, f"{value:g}") for name, value in figures.items()]
    machine.show("watch --demo", ("what", "s"), rows)
    print(machine.save("watch_demo", {"target_s": TARGET_S, "figures": figures}, a.out))


def _alarms(address: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(f"{address}api/alarms", timeout=10) as answer:
        found: list[dict[str, object]] = json.load(answer)["alarms"]
    return found


if __name__ == "__main__":
    machine.run(main)
