"""The quick benchmarks run, write what they say, and the table renders it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

for module in ("torch", "onnx", "pywt", "threadpoolctl"):
    pytest.importorskip(module)


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("chains", ["batch_2", "us_per_window", "ours", "median"]),
        ("scalogram", ["us_per_window", "numpy", "median"]),
        ("evidence_cost", ["ms_a_second", "evidence", "median"]),
        ("indicators", ["ms_a_second", "levels at 25600 Hz", "median"]),
        ("latency", ["rows", 0, "p50_us"]),
        ("scaling", ["channels", "2", "median"]),
        ("settings", ["rows", 0, "median"]),
        ("plant_loader", ["seconds", "median"]),
        ("stream", ["first_diagnosis_s", "median"]),
    ],
)
def test_a_benchmark_runs_and_is_rendered(name: str, figures: list, call, tmp_path: Path) -> None:
    done = call(f"speed.{name}", "--quick", "--out", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads((tmp_path / f"{name}.json").read_text())
    assert result["machine"]["sgemm_gmac_per_s"] > 0.1
    assert result["command"].startswith(f"python -m benchmarks.speed.{name} --quick")
    value = result
    for key in figures:
        value = value[key]
    assert value > 0
    assert call("table", "--folder", str(tmp_path)).returncode == 0
    page = (tmp_path / "README.md").read_text()
    assert f"## {name}\n" in page
    shown = f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
    assert f"| {shown} |" in page
