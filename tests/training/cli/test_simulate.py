"""The command ``dlrsd-train simulate`` as a user runs it."""

from __future__ import annotations

import json

import numpy as np


def test_it_writes_a_stream_that_turns_faulty(command, tmp_path):
    done = command(tmp_path, "simulate", "s.bin", "--seconds", "4", "--onset", "2", "--seed", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "s.bin: 4 s, healthy until 2 s, then outer\n"
    samples = np.fromfile(tmp_path / "s.bin", "<f4")
    assert len(samples) == 48_000
    assert samples[24_000:].std() > 1.3 * samples[:24_000].std()
    short = command(tmp_path, "simulate", "healthy.bin", "--seconds", "1")
    assert short.stdout == "healthy.bin: 1 s, healthy throughout\n"
    facts = json.loads((tmp_path / "s.bin.json").read_text())
    orders = {"bpfo": 3.5848, "bpfi": 5.4152, "bsf": 2.357, "ftf": 0.3983}
    raw = {"dtype": "f32le", "rate": 12_000.0, "channels": 1, "unit": "g"}
    assert facts == raw | {"speed_rpm": 1775.0, "orders": orders}
