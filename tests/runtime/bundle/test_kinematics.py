"""A stream's speed and orders: who states them, what is refused, and where they are named."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.kinematics import odd_orders
from dlrsd.runtime.dsp.order_map import Kinematics
from dlrsd.runtime.streams.stream import StreamFormat, open_stream

Command = Callable[..., subprocess.CompletedProcess[str]]
BEARING = {"bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398}
OTHER = {
    "bpfo": 2.6,
    "bpfi": 3.585,
    "bsf": 2.9,
    "ftf": 0.42,
}  # its inner race strikes as BEARING's outer
MACHINE = {"speed_rpm": 1772.0, **BEARING}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with `s.bin`: 10 s of noise, then 10 s of strikes on the outer race."""
    t = np.arange(80_000) / 4000
    since = t % (60 / 1772 / 3.585)
    ring = np.exp(-400 * since) * np.sin(2 * np.pi * 900 * since)
    x = np.where(t < 10, 0, ring) + 0.1 * np.random.default_rng(0).standard_normal(len(t))
    x.astype("<f4").tofile(tmp_path / "s.bin")
    return tmp_path


def state(place: Path, **facts: Any) -> None:
    (place / "s.bin.json").write_text(json.dumps(facts))


def of_several(manifest: dict[str, Any]) -> None:
    manifest["front_end"]["machines"].append({"speed_rpm": [1500, 1500], **OTHER})


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_stream_is_diagnosed_at_the_speed_given(
    place: Path, make_order_map: Callable[..., Path], command: Command
) -> None:
    pytest.importorskip("onnxruntime")
    make_order_map()
    done = command("diagnose", "s.bin", "--speed", "1772", "--output", "out.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert "orders of the bearing trained on" in done.stdout
    assert "shaft at 1772 rpm, orders bpfo 3.585, bpfi 5.415, bsf 2.357, ftf 0.398" in done.stdout
    assert "warning" not in done.stdout
    header, *windows, summary = records(place / "out.jsonl")
    assert header["kinematics"] == MACHINE
    assert header["stream"]["assumed"]["orders"] == BEARING
    assert header["stream"]["stated_by"]["speed_rpm"] == "option"
    assert {r["label"] for r in windows if r["time_s"] < 9} == {"Normal"}
    assert {r["label"] for r in windows if 10.5 < r["time_s"] < 19} == {"Outer"}
    assert summary["verdicts"][0]["label"] == "Outer"
    assert summary["warnings"] == []


def test_the_sidecar_states_it_as_well_and_options_win(
    place: Path, make_order_map: Callable[..., Path], command: Command
) -> None:
    pytest.importorskip("onnxruntime")
    make_order_map(change=of_several)
    state(place, speed_rpm=1772, orders=BEARING)
    done = command("diagnose", "s.bin", "--output", "out.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    header, *_, summary = records(place / "out.jsonl")
    assert header["kinematics"] == MACHINE
    assert "orders" not in header["stream"]["assumed"]
    assert header["stream"]["stated_by"]["orders"] == "sidecar"
    assert summary["verdicts"][0]["label"] == "Outer"

    orders = ",".join(str(order) for order in OTHER.values())
    again = ("--output", "out.jsonl", "--overwrite")
    done = command("diagnose", "s.bin", "--orders", orders, *again)
    assert (done.returncode, done.stderr) == (0, "")
    header, *_, summary = records(place / "out.jsonl")
    assert header["kinematics"] == {"speed_rpm": 1772, **OTHER}
    assert header["stream"]["stated_by"]["orders"] == "option"
    assert summary["verdicts"][0]["label"] == "Inner"


def test_a_speed_far_from_training_is_warned_of(
    place: Path, make_order_map: Callable[..., Path], command: Command
) -> None:
    pytest.importorskip("onnxruntime")
    make_order_map()
    done = command("diagnose", "s.bin", "--speed", "2200", "--output", "out.jsonl")
    assert done.returncode == 0
    warning = "a shaft at 2200 rpm is far from the 1700 to 1800 rpm trained on"
    assert f"warning: {warning}" in done.stdout
    assert records(place / "out.jsonl")[-1]["warnings"][0].startswith(warning)
    for speed, is_far in ((1359, True), (1361, False), (2159, False), (2161, True)):
        assert bool(settled(place, speed_rpm=speed)[1]) == is_far


def settled(place: Path, **stated: Any) -> tuple[Kinematics | None, list[str]]:
    bundle = load_bundle(place / "bundle")
    with open_stream(place / "s.bin", StreamFormat(**stated), default=bundle.signal) as stream:
        return bundle.kinematics_of(stream), stream.description["warnings"]


def test_without_a_speed_there_is_nothing_to_settle(
    place: Path, make_order_map: Callable[..., Path]
) -> None:
    make_order_map()
    assert settled(place) == (None, [])
    assert settled(place, orders=OTHER) == (None, [])
    assert settled(place, speed_rpm=1772) == (Kinematics(**MACHINE), [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "needs the shaft's speed: give --speed RPM"),
        (["--speed", "0"], "option speed_rpm is 0.0: expected a number above 0, in rpm"),
        (["--speed", "nan"], "option speed_rpm is nan: expected a number above 0, in rpm"),
        (
            ["--speed", "600"],
            "does not fit this machine, train one that does: a window of 2048 samples holds 5.1",
        ),
        (["--speed", "1772", "--orders", "3.6,5.4"], "expected bpfo,bpfi,bsf,ftf as four numbers"),
        (["--speed", "1772", "--orders", "a,b,c,d"], "expected bpfo,bpfi,bsf,ftf as four numbers"),
        (["--speed", "1772", "--orders", "3.6,5.4,0,1"], "each a number above 0 in multiples"),
        (["--speed", "1772", "--device", "cuda"], "runs in onnxruntime on cpu (fp32, fp16); choose"),
    ],
)
def test_what_is_missing_or_wrong_is_said_in_one_line(
    options: list[str],
    said: str,
    place: Path,
    make_order_map: Callable[..., Path],
    command: Command,
) -> None:
    pytest.importorskip("onnxruntime")
    make_order_map()
    done = command("diagnose", "s.bin", *options, "--output", "out.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (place / "out.jsonl").exists()


def test_of_several_bearings_none_is_assumed(
    place: Path, make_order_map: Callable[..., Path], command: Command
) -> None:
    make_order_map(change=of_several)
    done = command("diagnose", "s.bin", "--speed", "1772")
    assert done.returncode == 2
    assert "several bearings (bpfo 3.585, bpfi 5.415, bsf 2.357, ftf 0.398; bpfo 2.6" in done.stderr
    assert "give --orders BPFO,BPFI,BSF,FTF" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"speed_rpm": -1},
        {"speed_rpm": "1772"},
        {"speed_rpm": True},
        {"orders": [3.585, 5.415, 2.357, 0.398]},
        {"orders": {"bpfo": 3.585}},
        {"orders": BEARING | {"bpfi": "5.4"}},
        {"orders": BEARING | {"bpfx": 1.0}},
    ],
)
def test_an_impossible_sidecar_is_refused(
    facts: dict[str, Any], place: Path, make_order_map: Callable[..., Path]
) -> None:
    make_order_map()
    state(place, **facts)
    with pytest.raises(InputError, match=rf"s\.bin\.json: {next(iter(facts))} is .*: expected"):
        settled(place, speed_rpm=1772.0)


def test_other_bundles_want_both_or_neither_and_pass_over_a_sidecar(
    place: Path, make_bundle: Callable[..., Path], command: Command
) -> None:
    pytest.importorskip("onnxruntime")
    make_bundle()
    orders = ["--orders", "3.585,5.415,2.357,0.398"]
    for options, said in (
        (["--speed", "1772"], "got --speed and no bearing: give --bearing"),
        (orders, "got a bearing and no speed of the shaft: give --speed too"),
    ):
        done = command("diagnose", "s.bin", *options)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {said}")
    plain = command("diagnose", "s.bin", "--output", "plain.jsonl")
    state(place, speed_rpm=1772, orders=BEARING)
    done = command("diagnose", "s.bin", "--output", "out.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert "shaft" not in done.stdout
    assert plain.returncode == 0
    (header, *got), (plain_header, *expected) = map(
        records, (place / "out.jsonl", place / "plain.jsonl")
    )
    assert got[:-1] == expected[:-1]
    assert set(header) == set(plain_header)
    assert "kinematics" not in header
    assert "orders" not in plain_header["stream"]["assumed"]


def test_the_middle_of_the_first_machine_stands_for_all(
    make_order_map: Callable[..., Path], make_bundle: Callable[..., Path]
) -> None:
    several = load_bundle(make_order_map(change=of_several))
    assert several.trained_kinematics() == Kinematics(1750.0, **BEARING)
    assert load_bundle(make_bundle("windows")).trained_kinematics() is None


@pytest.mark.parametrize(
    ("orders", "why"),
    [
        ((3.5848, 5.4152, 2.357, 0.3983), None),  # SKF 6205
        ((3.053, 4.947, 1.994, 0.3816), None),  # SKF 6203
        ((8.29, 10.71, 3.78, 0.436), None),  # 19 rollers, angular contact
        ((5.4152, 3.5848, 2.357, 0.3983), "are they swapped?"),
        ((3.5848, 5.4152, 4.714, 0.3983), "got bsf 4.714: expected 1.650 to 2.357 .* twice"),
        ((3.5848, 5.4152, 2.357, 0.6017), "got ftf 0.6017: expected 0.398"),
        ((100.0, 100.0, 100.0, 100.0), "are they swapped?"),
    ],
)
def test_orders_that_no_bearing_has(orders: tuple[float, ...], why: str | None) -> None:
    found = odd_orders(Kinematics(1750.0, *orders))
    assert found is None if why is None else re.search(why, str(found))


def test_odd_orders_are_warned_of(make_order_map: Callable[..., Path], tmp_path: Path) -> None:
    bundle = load_bundle(make_order_map())
    np.save(tmp_path / "a.npy", np.zeros(bundle.window, np.float32))
    swapped = {"bpfo": 5.4152, "bpfi": 3.5848, "bsf": 2.357, "ftf": 0.3983}
    form = StreamFormat(rate=bundle.rate_hz, speed_rpm=1750.0, orders=swapped)
    with open_stream(tmp_path / "a.npy", form, default=bundle.signal) as stream:
        bundle.kinematics_of(stream)
    assert any("are they swapped?" in text for text in stream.description["warnings"])
