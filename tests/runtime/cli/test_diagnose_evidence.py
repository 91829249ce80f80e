"""diagnose says beside the network's word what the bearing's lines say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runtime.evidence.machine import faulty, noise, shaft, turns

Run = Callable[..., Any]
STATED = ["--speed", "1772", "--bearing", "6205"]


@pytest.fixture
def bundle(make_bundle: Callable[..., Path]) -> Path:
    pytest.importorskip("onnxruntime")
    return make_bundle()


def save(path: Path, *channels: np.ndarray) -> None:
    np.stack(channels, axis=1).astype("<f4").tofile(path)


def verdicts(command: Run, tmp_path: Path, *options: str | Path) -> list[dict[str, Any]]:
    done = command("diagnose", "s.bin", *options, "--output", "out.jsonl", "--overwrite")
    assert done.returncode == 0, done.stderr
    said: list[dict[str, Any]] = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[-1])[
        "verdicts"
    ]
    for verdict in said:
        assert f"by its lines {verdict['evidence']}" in done.stdout if "place" in verdict else True
    return said


def test_the_place_stands_beside_the_label(command: Run, bundle: Path, tmp_path: Path) -> None:
    save(tmp_path / "s.bin", noise(3, 6.0) + shaft(turns(6.0)), faulty("outer", seconds=6.0))
    two = ["--rate", "12000", "--channels", "2"]
    plain = verdicts(command, tmp_path, *two)
    assert [verdict.get("place") for verdict in plain] == [None, None]
    said = verdicts(command, tmp_path, *two, *STATED)
    assert [verdict["place"] for verdict in said] == ["healthy", "outer"]
    assert "BPFO 1x" in said[1]["evidence"]
    assert [v["label"] for v in said] == [v["label"] for v in plain]


def test_it_listens_at_the_recordings_own_rate_and_unit(
    command: Run, bundle: Path, tmp_path: Path
) -> None:
    """The bundle takes 12 kHz in g; the lines of a machine commissioned at 24 kHz are its own."""
    pytest.importorskip("scipy")
    rate = 24_000.0
    angle = turns(40.0, rate=rate)
    save(tmp_path / "healthy.bin", noise(5, 40.0, rate) + shaft(angle))
    fmt = ["--rate", "24000", "--unit", "m/s2"]
    done = command("commission", "healthy.bin", *fmt, *STATED, "--out", "pump")
    assert done.returncode == 0, done.stderr
    save(tmp_path / "s.bin", noise(6, 6.0, rate) + shaft(turns(6.0, rate=rate)))
    (verdict,) = verdicts(command, tmp_path, *fmt, "--machine", "pump")
    assert verdict["place"] == "healthy"
    rubbing = noise(6, 6.0, rate) * (1 + np.sin(2 * np.pi * 9000 * np.arange(144_000) / rate))
    save(tmp_path / "s.bin", 8 * rubbing)
    (verdict,) = verdicts(command, tmp_path, *fmt, "--machine", "pump")
    assert verdict["place"] == "unknown"
    assert verdict["label"] in ("Quiet", "Loud", "unknown fault")


def test_half_of_what_lines_need_is_refused(command: Run, bundle: Path, tmp_path: Path) -> None:
    save(tmp_path / "s.bin", noise(3, 2.0))
    for options, said in (
        (["--speed", "0", *STATED[2:]], "option speed_rpm is 0.0: expected a number above 0"),
        (["--tacho", "1", *STATED[2:]], "the tacho is channel 1, and s.bin has 1 without names"),
        (STATED[:2], "got --speed and no bearing"),
        (STATED[2:], "got a bearing and no speed"),
        (["--machine", "nowhere"], "is not there: expected a machine's folder"),
    ):
        done = command("diagnose", "s.bin", "--rate", "12000", *options)
        assert done.returncode == 2
        assert said in done.stderr


def quiet(*seeds: int, seconds: float = 40.0, gain: float = 1.0) -> np.ndarray:
    """A healthy machine as loud as that which the ready bundle was trained on."""
    own = [noise(seed, seconds) + 0.3 * shaft(turns(seconds)) for seed in seeds]
    return 0.05 * gain * np.concatenate(own)


@pytest.fixture
def commissioned(command: Run, tmp_path: Path) -> Path:
    """With the ready bundle, which knows no such machine."""
    pytest.importorskip("onnxruntime")
    save(tmp_path / "healthy.bin", quiet(20))
    how = ["--rate", "12000", "--unit", "g", *STATED, "--out", "pump", "--bundle", "cwru-6205"]
    done = command("commission", "healthy.bin", *how)
    assert done.returncode == 0, done.stderr
    return tmp_path / "pump"


def test_what_is_novel_is_told_from_what_always_was(
    command: Run, commissioned: Path, bundle: Path, tmp_path: Path
) -> None:
    how = ["--rate", "12000", "--unit", "g", "--machine", commissioned, "--bundle"]
    baseline = json.loads((commissioned / "baseline" / "baseline.json").read_text())
    network = baseline["sensors"][0]["speeds"][0]["network"]
    assert network["bundle"] == "cwru-6205"
    assert network["novelty"]["mean"] > 1  # by the bundle's own threshold all of it is novel
    assert sum(network["classes"].values()) == pytest.approx(1, abs=1e-3)

    save(tmp_path / "s.bin", quiet(21, seconds=12.0))
    (same,) = verdicts(command, tmp_path, *how, "cwru-6205")
    assert (same["label"], same["place"]) == ("undecided", "healthy")
    assert "this machine's healthy signal is so too" in same["reason"]

    # 6 dB: no line, no level beyond its limit.
    save(tmp_path / "s.bin", quiet(21, seconds=12.0, gain=2.05))
    (louder,) = verdicts(command, tmp_path, *how, "cwru-6205")
    assert (louder["label"], louder["place"]) == ("unknown fault", "unknown")
    assert "spreads from this machine's healthy signal" in louder["evidence"]

    done = command("diagnose", "s.bin", *how, bundle)
    assert done.returncode == 0, done.stderr
    sha = network["manifest_sha256"][:12]
    assert f"commissioned with bundle cwru-6205 ({sha}), not with this one" in done.stdout


def test_a_tacho_is_no_sensor(command: Run, bundle: Path, tmp_path: Path) -> None:
    """Nothing is diagnosed of its channel, and the others keep their numbers."""
    pulses = 5.0 * (turns(8.0) % 1 < 0.1)
    save(tmp_path / "s.bin", noise(3, 8.0), pulses, faulty("outer", seconds=8.0))
    stated = ["--rate", "12000", "--channels", "3", "--unit", "g", "--tacho", "1"]
    stated += ["--bearing", "6205"]
    said = verdicts(command, tmp_path, *stated)
    assert [verdict["channel"] for verdict in said] == [0, 2]
    assert [verdict["place"] for verdict in said] == ["healthy", "outer"]
    records = [json.loads(row) for row in (tmp_path / "out.jsonl").read_text().splitlines()[1:-1]]
    assert {record["channel"] for record in records} == {0, 2}

    done = command("commission", "s.bin", *stated, "--out", "pump", "--seconds", "1")
    assert done.returncode == 0, done.stderr
    facts = (tmp_path / "pump" / "machine.toml").read_text()
    assert "tacho = 1" in facts
    assert "pulses_per_turn" not in facts
    said = verdicts(command, tmp_path, *stated[:6], "--machine", "pump")
    assert [verdict["channel"] for verdict in said] == [0, 2]


def test_orders_of_a_sidecar_that_no_bearing_has_are_said(
    command: Run, bundle: Path, tmp_path: Path
) -> None:
    save(tmp_path / "s.bin", noise(3, 2.0))
    odd = {"bpfo": 0.5, "bpfi": 5, "bsf": 2, "ftf": 0.4}
    (tmp_path / "s.bin.json").write_text(
        json.dumps({"rate": 12000, "speed_rpm": 1772, "orders": odd})
    )
    done = command("diagnose", "s.bin")
    assert done.returncode == 0
    assert "no lines are looked for: the orders stated fit no rolling bearing" in done.stdout


def test_the_machines_file_states_what_an_order_map_needs(
    command: Run, make_order_map: Callable[..., Path], tmp_path: Path
) -> None:
    """Its bearing wins over that which the bundle alone assumes, and not over what is stated."""
    pytest.importorskip("onnxruntime")
    bundle = make_order_map()
    (tmp_path / "pump").mkdir()
    (tmp_path / "pump" / "machine.toml").write_text(
        'schema_version = 1\nname = "pump"\n[shaft]\nspeed_rpm = 1796\n[[sensors]]\n'
        'name = "DE"\nbearing = "6203"\n'
    )
    save(tmp_path / "s.bin", quiet(3, seconds=6.0))
    how = ("diagnose", "s.bin", "--rate", "12000", "--machine", "pump", "--bundle", bundle)
    done = command(*how, "--output", "out.jsonl")
    assert done.returncode == 0, done.stderr
    header = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert header["kinematics"]["speed_rpm"] == 1796
    assert header["kinematics"]["bpfo"] == pytest.approx(3.053, abs=0.001)
    assert header["stream"]["stated_by"]["orders"] == "machine"
    done = command(*how, "--bearing", "6205")
    assert done.returncode == 2
    assert "expected one bearing; correct one of them" in done.stderr


@pytest.mark.parametrize(("place", "code"), [(None, 0), ("outer", 1)])
def test_a_fault_has_an_exit_code_where_it_is_asked_for(
    place: str | None, code: int, command: Run, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    signal = faulty(place, seconds=12.0) if place else noise(3, 12.0) + shaft(turns(12.0))
    save(tmp_path / "s.bin", signal)
    words = ["--rate", "12000", "--bundle", "any-bearing", *STATED]
    assert command("diagnose", "s.bin", *words).returncode == 0
    assert command("diagnose", "s.bin", *words, "--fail-on", "fault").returncode == code


def test_silence_and_what_cannot_be_asked_have_codes_of_their_own(
    command: Run, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    save(tmp_path / "s.bin", np.zeros(60_000))
    words = ["--rate", "12000", "--bundle", "any-bearing", *STATED, "--fail-on", "fault"]
    assert command("diagnose", "s.bin", *words).returncode == 3
    assert command("diagnose", "no.bin", *words).returncode == 2
    done = command("diagnose", "s.bin", *words, "--output", "o.jsonl", "--resume")
    assert done.returncode == 2
    assert "got --fail-on with --resume" in done.stderr
