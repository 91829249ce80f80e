"""Kills of a process that writes a store, at random moments: is all there that it had said?

    python -m benchmarks.watch.kills --kills 1000

A process writes seconds, changes of alarms, acknowledgements, events, waveforms and what is
delivered as fast as it can, and says each once it is kept. It is killed (SIGKILL) at a random
moment, while it opens the store too; then everything that it said must be there once, every
waveform whole, and the next opening must record the gap. A kill is no power cut: what the disk
does with what it confirmed is not tried here.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.watch.killed import keep_and_say, missing, read_round
from dlrsd.runtime.service.store.schema import DATABASE, check_database, connect_to_read

LONGEST_S = 0.5  # of a life
EACH = 50  # kills of one store, then another is begun


def kill(folder: Path, kills: int, *, seed: int = 0) -> dict[str, Any]:
    """Kill writers of stores in ``folder``; counts of what they had said, and what was wrong."""
    chance = random.Random(seed)
    # Forked from a process that has loaded all and has no threads: a life begins within
    # milliseconds.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.watch.killed"])
    counts = dict.fromkeys(("changes", "seconds", "events", "delivered", "waveforms"), 0)
    opened, gaps, wrong = 0, 0, []
    for number in range(kills):
        store = folder / f"store-{number // EACH}"
        said = folder / f"said-{number}"
        process = context.Process(target=keep_and_say, args=(store, said, number), daemon=True)
        process.start()
        if chance.random() < 0.8:
            wait_until(said.exists)
        time.sleep(chance.uniform(0, LONGEST_S))
        process.kill()
        process.join()
        found = read_round(said)
        wrong += missing(store, found, number)
        opened += found.opened
        counts["changes"] += len(found.changes)
        counts["seconds"] += sum(found.seconds.values())
        counts["events"] += found.events
        counts["delivered"] += len(found.delivered)
        counts["waveforms"] += len(found.waveforms)
        if number % EACH == EACH - 1 or number == kills - 1:
            check_database(store / DATABASE)
            gaps += _gaps(store)
    stores = -(-kills // EACH)
    # One that was killed before it said so may have opened the store all the same.
    if not opened - stores <= gaps <= kills - stores:
        wrong.append(f"{opened} lives in {stores} stores, {gaps} gaps")
    return {"kills": kills, "opened": opened, "gaps": gaps, **counts, "wrong": wrong}


def wait_until(is_so: Any, *, most_s: float = 60) -> None:
    end = time.monotonic() + most_s
    while not is_so() and time.monotonic() < end:
        time.sleep(0.001)


def _gaps(folder: Path) -> int:
    with closing(connect_to_read(folder / DATABASE)) as c:
        found: int = c.execute("SELECT count(*) FROM event WHERE kind = 'gap'").fetchone()[0]
    return found


def main() -> None:
    from benchmarks import machine

    parser = machine.options(__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = kill(Path(folder), 20 if a.quick else a.kills, seed=a.seed)
    print(json.dumps(result, indent=1))
    machine.save("store-kills", result, a.out)
    if result["wrong"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
