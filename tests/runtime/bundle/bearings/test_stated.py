"""A bearing as a person states it: found, told apart, or refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bearings.stated import checked_speed, named_bearing, stated_bearing

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    "text",
    [
        *("6205", "SKF 6205", "skf 6205", " 6205 ", "6205-2RS", "6205-2RSJEM", "6205ZZ", "6205 zz"),
        *("6205-2Z/C3", "6205-2RS1", "6205 2rs c3", "6205ZZC3", "6205/C3", "SKF6205-2RSH/C3WT"),
    ],
)
def test_endings_and_makers_change_nothing(text: str) -> None:
    found = named_bearing(text)
    assert found.name == "6205 (SKF)"
    assert found.elements == 9
    assert list(found.orders) == ["bpfo", "bpfi", "bsf", "ftf"]
    published = (3.5848, 5.4152, 4.7135 / 2, 0.39828)  # CWRU
    assert list(found.orders.values()) == pytest.approx(published, rel=1e-3)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NSK 6205DDU", "6205 (NSK)"),
        ("nu 206 ecp", "NU206 (FAG)"),
        ("Schaeffler NU206-E-XL-TVP2", "NU206 (FAG)"),
        ("NU2205", "NU2205 (FAG)"),
        ("FAG 22205-E1-K-C3", "22205 (FAG)"),
        ("22228 CC/W33", "22228 (SKF)"),
        ("61804-2RS", "6804 (NSK)"),
        ("60/22 ZZ", "60/22 (KOYO)"),
        ("6022", "6022 (KOYO)"),
        ("ER-16K", "ER16K (MB)"),
        ("za-2115", "ZA2115 (REXNORD)"),
        ("SKF 1205 ETN9", "1205 (SKF)"),
        ("203KD", "203 (FAFNIR)"),
    ],
)
def test_other_names(text: str, name: str) -> None:
    assert named_bearing(text).name == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("22220", "'22220' is not among the .* near it are 22228.* --geometry N,D,PITCH,ANGLE"),
        ("62055", "near it are 6205"),
        ("SKF", "is not among"),
        ("", "is not among"),
        ("6205/22", "is not among"),
        ("6205-XYZ", "a 6205 with the ending 'XYZ', which is not known"),
        ("6205R", "with the ending 'R', which is not known and may mean other rolling elements"),
        ("6205 ETN9", "with the ending 'ETN9'"),  # a ball bearing with more balls
        ("7312 BECBP", "different rolling elements: .*--geometry 12,22.225,95,40.* count them"),
        ("61806-2RS", "17 .KOYO: --geometry 17,3.5,36,0. or 19 .unnamed"),
        ("6205" * 1000, "is not among"),
        ("NU205" + "ECPH" * 30 + "!", "is not among"),
    ],
)
def test_what_is_unclear_is_refused(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as refused:
        named_bearing(text)
    assert len(str(refused.value)) < 400


def test_the_note_says_where_it_is_from_and_who_differs() -> None:
    note = named_bearing("6205").note
    assert "Case Western" in note
    assert "makers differ: NSK bpfo 3.577" in note
    note = named_bearing("SKF 6308").note
    assert "computed from load ratings" in note
    assert "SKF's own is not in the table" in note
    assert named_bearing("KOYO 6806").elements == 17


def test_geometry_and_orders_give_the_same() -> None:
    by_geometry = stated_bearing(geometry="9,7.94,39.04,0")
    by_orders = stated_bearing(orders="3.5848,5.4152,2.3567,0.3983")
    assert by_geometry is not None
    assert by_orders is not None
    assert by_geometry.elements == 9
    assert by_orders.elements is None
    assert list(by_geometry.orders.values()) == pytest.approx(
        list(by_orders.orders.values()), rel=1e-4
    )
    assert by_geometry.at(1772).speed_rpm == 1772
    assert stated_bearing() is None


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"bearing": "6205", "orders": "3.6,5.4,2.4,0.4"}, "got --bearing and --orders: one of"),
        ({"bearing": "6205", "geometry": "9,7.94,39"}, "got --bearing and --geometry"),
        ({"orders": "5.415,3.585,2.357,0.398"}, "no bearing has the orders stated.* swapped"),
        ({"orders": "3.585,5.415,4.714,0.398"}, "no bearing has .* twice a roller's spin"),
        ({"orders": "3.585,5.415,nan,0.398"}, "each a number above 0 in multiples"),
        ({"orders": "3.585,5.415"}, "expected bpfo,bpfi,bsf,ftf as four numbers"),
    ],
)
def test_contradictions_and_impossible_orders(stated: dict[str, str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        stated_bearing(**stated)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf"), 1e7])
def test_a_speed_no_shaft_has_is_refused(speed: float) -> None:
    with pytest.raises(InputError, match="expected a number above 0 and at most 500000"):
        checked_speed(speed)


def test_diagnose_takes_a_name_and_a_geometry(
    tmp_path: Path, make_order_map: Callable[..., Path], command: Command
) -> None:
    pytest.importorskip("onnxruntime")
    make_order_map()
    np.random.default_rng(0).standard_normal(20_000).astype("<f4").tofile(tmp_path / "s.bin")
    run = ("diagnose", "s.bin", "--speed", "1772", "--output", "out.jsonl", "--overwrite")
    named = command(*run, "--bearing", "6205-2RS")
    assert named.returncode == 0
    assert named.stderr.startswith("bearing 6205 (SKF): bpfo 3.5848, bpfi 5.4152")
    header = (tmp_path / "out.jsonl").read_text().splitlines()[0]
    inside = command(*run, "--geometry", "9,7.94,39.04,0")
    assert (inside.returncode, inside.stderr) == (0, "")
    assert (tmp_path / "out.jsonl").read_text().splitlines()[0].split('"kinematics"')[1][
        :120
    ] == header.split('"kinematics"')[1][:120]
    both = command(*run, "--bearing", "6205", "--geometry", "9,7.94,39.04,0")
    assert both.returncode == 2
    assert both.stderr.startswith("error: got --bearing and --geometry")
