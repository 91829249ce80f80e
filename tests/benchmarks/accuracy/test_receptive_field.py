"""The benchmark of the encoder's receptive field, on the simulated rig and with short trainings."""

from __future__ import annotations

import json
import sys

import pytest

pytest.importorskip("torch")

from benchmarks.accuracy import receptive_field as benchmark


def test_only_a_generator_with_blocks_sees_beyond_its_convolutions(
    monkeypatch, hurried_settings, tmp_path
):
    monkeypatch.setattr(benchmark, "settings_of", lambda cell: hurried_settings)
    arguments = ["x", "--root", "r", "--seeds", "0", "--jobs", "1", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    benchmark.main()
    result = json.loads((tmp_path / "receptive-field.json").read_text())
    rows = {row[0]: [float(text) for text in row[1:]] for row in result["rows"]}
    assert list(rows) == list(benchmark.ROWS.values())
    beyond = {label: figures[-1] for label, figures in rows.items()}
    assert beyond["trained without the blocks"] == 0
    assert beyond["trained with them: convolutions alone"] == 0
    assert beyond["block with its attention"] > 0
    assert rows["an even gradient would have"][0] == 1
    cells = {(cell["blocks"], cell["map"]): cell for cell in result["cells"]}
    assert cells[False, "encoder"] == {**cells[False, "convolutions"], "map": "encoder"}
    assert f"{cells[True, 'local']['ms']:.3f}" == result["rows"][2][4]
