"""The benchmark of synthesis by itself: on the simulated rig, through everything but its size."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks import table
from benchmarks.accuracy import synthesis_quality as benchmark
from dlrsd.runtime.base.errors import InputError


@pytest.fixture
def prepared(monkeypatch, hurried_settings):
    """Materials of the rig in the place of cwru10's, and few heatmaps."""
    monkeypatch.setattr(benchmark, "settings_of", lambda cell: hurried_settings)
    materials, _ = benchmark.materials_and_unseen(hurried_settings)
    monkeypatch.setattr(benchmark, "SYNTHETIC", 40)
    monkeypatch.setattr(benchmark, "HELD", 10)
    return materials


def cell(method: str) -> benchmark.Cell:
    return benchmark.Cell("", 6.0, 0, method)


def test_a_classifier_of_synthetic_heatmaps_sees_nothing_real(prepared):
    made, decoded = benchmark.synthetic(cell("smote"), prepared)
    assert [len(own) for own in made] == [50] * len(prepared.pools)
    assert decoded == [None] * len(made)
    learned = benchmark.of_synthetic(prepared, made)
    real = {x.tobytes() for pool in prepared.pools for x in pool.heatmaps}
    real |= {x.tobytes() for x in prepared.validation[0]}
    assert not real & {x.tobytes() for pool in learned.pools for x in pool.heatmaps}
    assert not real & {x.tobytes() for x in learned.validation[0]}
    for label, (pool, own) in enumerate(zip(learned.pools, made, strict=True)):
        np.testing.assert_array_equal(pool.heatmaps, own[:40])
        held = learned.validation[0][learned.validation[1] == label]
        np.testing.assert_array_equal(held, own[40:])


def test_figures_and_both_results(prepared, tmp_path):
    rows = [benchmark.measured(cell(method)) for method in (benchmark.REAL, "smote")]
    real, smote = rows
    names = prepared.data.classes
    assert list(smote["classes"]) == names
    recalls = [own["recall"] for own in smote["classes"].values()]
    assert smote["macro_recall"] == pytest.approx(np.mean(recalls))
    closer = [own["closer"] for own in smote["classes"].values()]
    assert smote["closer"] == pytest.approx(np.mean(closer))
    # Interpolations lie close to what they lie between; one half of the unseen like the other.
    assert smote["distance_ratio"] < 0.9
    assert smote["closer"] > 0.8
    assert real["distance_ratio"] == pytest.approx(1, abs=0.15)
    assert real["closer"] == pytest.approx(0.5, abs=0.15)

    benchmark.write(tmp_path, [*rows, {**smote, "seed": 1, "accuracy": 0.0}], "python x")
    result = json.loads((tmp_path / "synthesis-quality.json").read_text())
    assert result["columns"][:3] == ["balance ratio", "method", "accuracy"]
    assert [row[:2] for row in result["rows"]] == [["1:6", benchmark.REAL], ["1:6", "smote"]]
    assert result["rows"][0][2] == f"{real['accuracy']:.3f}"
    assert result["rows"][1][2].startswith(f"{smote['accuracy'] / 2:.3f} ± ")
    assert len(result["cells"]) == 3
    shown = table.section("synthesis-quality", result)
    assert f"| 1:6 | smote | {result['rows'][1][2]} |" in shown
    assert benchmark.NOTE in shown
    result = json.loads((tmp_path / "synthesis-quality-classes.json").read_text())
    assert len(result["rows"]) == 2 * len(names)
    assert all(len(row) == len(result["columns"]) for row in result["rows"])


def test_a_method_that_makes_nothing_is_refused(prepared):
    with pytest.raises(InputError, match="got 0 synthetic heatmaps"):
        benchmark.measured(cell("mixup"))
