"""Comparing two checkouts: what differs in a bit, or is missing, is found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy.same import compared, equal

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folders(tmp_path):
    for name in ("before", "after"):
        folder = tmp_path / name
        folder.mkdir()
        np.savez(folder / "made.npz", heatmaps=np.array([0.1, np.nan], np.float32))
        (folder / "metrics.json").write_text(json.dumps({"accuracy": 0.9}))
        (folder / "config.json").write_text(json.dumps({"created": name}))
        (folder / "r.jsonl").write_text('{"type":"header"}\n{"type":"window","label":"a"}\n')
    return tmp_path / "before", tmp_path / "after"


def test_what_is_the_same_is_found_the_same(folders):
    assert dict(compared(*folders)) == {"made.npz": True, "metrics.json": True, "r.jsonl": True}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("made.npz", lambda path: np.savez(path, heatmaps=np.array([0.1, 0.2], np.float32))),
        ("made.npz", lambda path: np.savez(path, heatmaps=np.array([0.1, np.nan]))),
        ("metrics.json", lambda path: path.write_text('{"accuracy": 0.91}')),
        ("r.jsonl", lambda path: path.write_text('{"type":"window","label":"b"}\n')),
        ("r.jsonl", Path.unlink),
    ],
)
def test_what_differs_is_found(folders, name, change):
    change(folders[1] / name)
    assert dict(compared(*folders))[name] is False


def test_nested_arrays_are_compared_to_the_last_bit():
    one = {"a": np.arange(3), "b": ["x"]}
    assert equal(one, {"a": np.arange(3), "b": ["x"]})
    assert not equal(one, {"a": np.arange(3), "b": ["y"]})
    assert not equal(one, {"a": np.arange(4), "b": ["x"]})


def test_a_checkout_gives_what_it_gives(tmp_path):
    command = [sys.executable, "-m", "benchmarks.accuracy.same", str(ROOT), str(ROOT)]
    done = subprocess.run(
        [*command, "--steps", "1", "--out", str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "same    stream.bin\n" in done.stdout
