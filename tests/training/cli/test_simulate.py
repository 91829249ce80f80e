"""The command ``dlrsd-train simulate`` as a user runs it."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest


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


def test_nothing_is_replaced_unasked(command, tmp_path):
    (tmp_path / "s.bin.json").write_text("of mine")
    words = ("simulate", "s.bin", "--seconds", "1", "--onset", "0")
    refused = command(tmp_path, *words)
    said = "error: s.bin.json is there already: choose another output, or say --overwrite\n"
    assert (refused.returncode, refused.stderr) == (2, said)
    assert not (tmp_path / "s.bin").exists()
    assert (tmp_path / "s.bin.json").read_text() == "of mine"
    assert command(tmp_path, *words, "--overwrite").returncode == 0
    assert json.loads((tmp_path / "s.bin.json").read_text())["rate"] == 12_000
    os.mkfifo(tmp_path / "pipe")  # a device that is replaced by a file is there no more
    for name, said in (("pipe", "it is a pipe or a device"), (".", "it is a folder")):
        refused = command(tmp_path, "simulate", name, "--overwrite")
        assert refused.returncode == 2
        assert said in refused.stderr
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--seconds", "1e12"),
            "got a length of 1e+12 s: expected more than 0 s, and at most 4166",
        ),
        (("--seconds", "nan"), "got a length of nan s"),
        (("--onset", "nan"), "got an onset at nan s: expected 0 s or later"),
        (("--onset", "-1"), "got an onset at -1 s"),
    ],
)
def test_absurd_numbers_are_refused_before_memory_is_taken(words, said, refused):
    assert said in refused("simulate", "s.bin", *words)


def test_a_full_disk_is_one_line_and_leaves_nothing(small_disk):
    program = f"{sys.executable} -c 'from dlrsd.training.cli.app import main; main()'"
    done = small_disk(
        f"{program} simulate small/s.bin --seconds 10; echo $? >&2; ls -A small", size=262_144
    )
    said, code = done.stderr.splitlines()
    assert said.startswith("error: the system refused: small/s.bin: No space left on device; free")
    assert (code, done.stdout) == ("2", "")
    done = small_disk(
        f"{program} simulate-plant small/p --plants 1 --years 0.2; echo $? >&2; ls -A small/p",
        size=262_144,
    )
    said, code = done.stderr.splitlines()
    assert said.startswith("error: the system refused: small/p/plant_1a.csv: ")
    assert "No space left on device" in said
    assert (code, done.stdout) == ("2", "simulated.json\n")
