"""A machine's ``baseline.json``: what may stand in it."""

import json
from pathlib import Path

import msgspec
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.evidence.baseline import Baseline, Level
from dlrsd.runtime.evidence.commissioned import (
    AtSpeed,
    HealthyLevel,
    Limit,
    MachineBaseline,
    SensorBaseline,
    read_baseline,
    write_baseline,
)
from dlrsd.runtime.evidence.spectral_shape import Shape

PLACES = ("outer", "inner", "ball", "cage")
BASELINE = MachineBaseline(
    schema_version=1,
    dlrsd_version="1",
    created="2026-03-01",
    rate_hz=12000.0,
    unit="g",
    seconds=2.0,
    false_alarms_per_month=1.0,
    sensors=[
        SensorBaseline(
            sensor="DE",
            orders={"bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398},
            speeds=[
                AtSpeed(
                    speed_rpm=1772.0,
                    windows=90,
                    baseline=Baseline(
                        windows=90,
                        lines={"bpfo 1x": Level(3.0, 2.0)},
                        scores={place: Level(0.5, 1.3) for place in PLACES},
                    ),
                    shape=Shape([20.0, 300.0, 4800.0], [-7.0, -9.0], [0.1, 0.2]),
                    score_limit=Limit(4.0, 3.0, 6.0),
                    shape_limit=Limit(2.0),
                    levels={
                        "velocity_mm_s": HealthyLevel(usual=1.0, highest=1.2, limit=Limit(1.8))
                    },
                )
            ],
        )
    ],
    notes=[],
)
SENSOR = ("sensors", 0)
SPEED = (*SENSOR, "speeds", 0)


def write(folder: Path, place: tuple[str | int, ...], value: object) -> None:
    """The good one with another value, or without it, at a place."""
    values = msgspec.to_builtins(BASELINE)
    at = values
    for key in place[:-1]:
        at = at[key]
    if value is None:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    (folder / "baseline").mkdir()
    (folder / "baseline" / "baseline.json").write_text(json.dumps(values))


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    assert read_baseline(tmp_path) is None
    write_baseline(BASELINE, tmp_path)
    assert read_baseline(tmp_path) == BASELINE


def test_a_file_of_before_levels_were_kept_is_read(tmp_path: Path) -> None:
    write(tmp_path, (*SPEED, "levels"), None)
    own = read_baseline(tmp_path)
    assert own is not None
    assert own.sensors[0].speeds[0].levels == {}


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("unit",), "g\nhealthy", "a text without control characters"),
        (("unit",), "g" * 1001, "length <= 1000"),
        (("seconds",), 1e9, "expected a number <= 60"),
        (("rate_hz",), 0, "expected a number > 0"),
        (("rate_hz",), 6000, "a band up to 4800 Hz at a rate of 6000 Hz"),
        (("sensors",), [], "length >= 1"),
        (("sensors",), [msgspec.to_builtins(BASELINE.sensors[0])] * 2, "two sensors"),
        ((*SENSOR, "speeds"), [], "length >= 1"),
        ((*SENSOR, "orders", "ftf"), None, "length >= 4"),
        ((*SENSOR, "limit"), 1, "limit, expected only sensor, orders, speeds"),
        ((*SPEED, "levels", "crest"), {}, "the name 'crest' in sensors[0].speeds[0].levels"),
        ((*SPEED, "speed_rpm"), -1772, "expected a number > 0"),
        ((*SPEED, "baseline", "scores", "cage"), None, "no scores of cage"),
        ((*SPEED, "baseline", "scores", "ball", "spread"), 0, "expected a number >= 1e-06"),
        ((*SPEED, "baseline", "scores", "ball", "spread"), -1.3, "expected a number >= 1e-06"),
        ((*SPEED, "baseline", "lines", "bpfo 1x", "mean"), 1e300, "expected a number <= 1000000"),
        ((*SPEED, "baseline", "floor"), 1e300, "floor"),
        ((*SPEED, "shape", "edges_hz"), [20, 300], "2 edges, 2 means and 2 spreads"),
        ((*SPEED, "shape", "edges_hz"), [20, 20, 30], "edges_hz do not rise"),
        ((*SPEED, "shape", "edges_hz"), [300, 20, 4800], "edges_hz do not rise"),
        ((*SPEED, "shape", "edges_hz"), [-20, 300, 4800], "expected a number > 0"),
        ((*SPEED, "shape", "spread"), [0.1, 0], "expected a number >= 1e-06"),
        ((*SPEED, "shape", "mean"), [float("nan"), 0], "baseline.json cannot be read"),
        ((*SPEED, "loads"), [3.0, 1.0], "the least load is 3 and the most 1"),
        ((*SPEED, "suspected"), ["motor"], "suspected"),
        ((*SPEED, "network"), {"bundle": "b"}, "network"),
        ((*SPEED, "shape_limit", "value"), 1e400, "baseline.json cannot be read"),
    ],
)
def test_refuses_what_no_commissioning_writes(
    tmp_path: Path, place: tuple[str | int, ...], value: object, said: str
) -> None:
    write(tmp_path, place, value)
    with pytest.raises(InputError) as refused:
        read_baseline(tmp_path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith("commission the machine again")


def test_what_is_there_but_cannot_be_read_is_no_missing_baseline(tmp_path: Path) -> None:
    (tmp_path / "baseline").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match="commission the machine again"):
        read_baseline(tmp_path)
    (tmp_path / "baseline").unlink()
    (tmp_path / "baseline").write_text("{}")
    with pytest.raises(InputError, match="commission the machine again"):
        read_baseline(tmp_path)
