from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from benchmarks.watch.killed import keep_and_say, missing, read_round
from benchmarks.watch.kills import kill


def test_nothing_that_was_said_is_lost_or_doubled_over_twenty_kills(tmp_path) -> None:
    found = kill(tmp_path, 20, seed=1)
    assert found["wrong"] == []
    for what in ("opened", "gaps", "changes", "seconds", "events", "delivered", "waveforms"):
        assert found[what] > 0, found


@pytest.fixture(scope="module")
def round_of(tmp_path_factory):
    """A store that was written for a while, and what was said; copied for each test."""
    import multiprocessing
    import shutil
    import time

    folder = tmp_path_factory.mktemp("round")
    process = multiprocessing.get_context("spawn").Process(
        target=keep_and_say, args=(folder / "store", folder / "said", 7), daemon=True
    )
    process.start()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = read_round(folder / "said")
        if len(found.waveforms) > 2 and len(found.changes) > 12 and found.acknowledged:
            break
        time.sleep(0.05)
    process.kill()
    process.join()

    def copy(to: Path):
        shutil.copytree(folder / "store", to)
        return to, read_round(folder / "said")

    return copy


DAMAGES = {
    "DELETE FROM change WHERE number = 3": "changes",
    "DELETE FROM minute": "seconds were said",
    "UPDATE minute SET seconds = seconds + 2": "seconds were said",
    "UPDATE event SET count = 1": "events were said",
    "UPDATE snapshot SET body = 0": "knows",
    "UPDATE alarm SET state = 'stopped'": "is ('stopped',) after",
    "DELETE FROM action": "acknowledged 0 times",
    "UPDATE watched SET upto = 1": "is kept up to 1",
    "DELETE FROM waveform": "is not there",
    "UPDATE waveform SET bytes = 9": "not whole",
    "INSERT OR IGNORE INTO outbox SELECT 'mail', number FROM change": "are told again",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_lost_is_seen(round_of, tmp_path, damage) -> None:
    store, said = round_of(tmp_path / "store")
    assert missing(store, said, 7) == []
    with sqlite3.connect(store / "store.db") as c:
        c.execute(damage)
    assert any(DAMAGES[damage] in each for each in missing(store, said, 7))
