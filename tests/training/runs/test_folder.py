"""A folder of runs: the latest one, what is finished, and files that are written whole."""

from __future__ import annotations

import os

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.runs.folder import latest_run, read_json, write_json


def test_the_latest_run_is_the_one_finished_last(tmp_path):
    with pytest.raises(InputError, match=r"no finished run in .*: train one with `dlrsd-train fit"):
        latest_run(tmp_path)
    for age, name in enumerate(("b", "c", "a", "unfinished")):
        (tmp_path / name).mkdir()
        file = tmp_path / name / ("config.json" if name == "unfinished" else "metrics.json")
        file.write_text("{}")
        os.utime(file, (1e9 + age, 1e9 + age))
    assert latest_run(tmp_path) == tmp_path / "a"
    os.utime(tmp_path / "b" / "metrics.json", (2e9, 2e9))
    assert latest_run(tmp_path) == tmp_path / "b"


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "facts.json"
    write_json(path, {"a": [1, 2.5, None]})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": [1, 2.5, None]}
    assert [p.name for p in tmp_path.iterdir()] == ["facts.json"]
