"""The quick benchmarks of watching run and write what they say."""

import json
from pathlib import Path

import pytest

for module in ("torch", "scipy", "threadpoolctl"):
    pytest.importorskip(module)


def test_the_cost_of_rules_is_measured_and_within_what_200_machines_allow(
    call, tmp_path: Path
) -> None:
    done = call("watch.alarm_cost", "--quick", "--out", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads((tmp_path / "alarm_cost.json").read_text())
    assert 0 < result["us"]["a quiet second"] < result["target_us_a_quiet_second"] == 30
    assert 1000 < result["snapshot_bytes"]["quiet"] < result["snapshot_bytes"]["open alarms"]


def test_the_study_of_false_alarms_runs(call, tmp_path: Path) -> None:
    done = call("watch.false_alarms", "--quick", "--out", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Extrapolated" in done.stdout
    assert list(tmp_path.iterdir()) == []  # what is quick says nothing
    done = call("watch.false_alarms", "--held-out", "--quick")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: got --held-out and no --root: give the folder of the data sets\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "most"),
    [("latency", {"p99_s": 1.0}), ("load", {}), ("day", {})],
)
def test_the_long_ones_run(name: str, most: dict[str, float], call, tmp_path: Path) -> None:
    done = call(f"watch.{name}", "--quick", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.iterdir()
    result = json.loads(path.read_text())
    for figure, limit in most.items():
        assert result["figures"][figure] < limit
    assert result.get("alarms", []) == []
