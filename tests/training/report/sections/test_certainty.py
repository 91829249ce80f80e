"""The section on sets and risk: what it draws, its tables, and what it says of few bearings."""

from __future__ import annotations

import json
import re

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.report.page import write_report
from dlrsd.training.report.run_folder import read_run
from dlrsd.training.report.sections.certainty import certainty

STATED = {
    "left_out": "bearing", "groups": [3, 5], "windows": [300, 1200], "coverage": 0.9,
    "limits": [0.2, 0.4], "confidence": 0.9,
    "points": [
        {"risk": 0.01, "limit": 0.95, "given": 0.5, "wrong": 0.004, "worst": 0.02},
        {"risk": 0.05, "limit": 0.7, "given": 0.8, "wrong": 0.03, "worst": 0.3},
    ],
}  # fmt: skip
FOUND = {
    "coverage": [0.25, 0.5, 0.75, 1.0], "risk": [0.0, 0.005, 0.0667, 0.2],
    "points": [
        {"risk": 0.01, "given": 0.5, "wrong": 0.005},
        {"risk": 0.05, "given": 0.75, "wrong": 0.0667},
    ],
    "sets": {
        "ball: 7": {"covered": 0.8, "size": 1.5, "n": 40},
        "outer: <b>": {"covered": 1.0, "size": 1.1, "n": 1000},
    },
}  # fmt: skip


@pytest.fixture
def run_with(tmp_path):
    def make(stated=STATED, found=FOUND):
        metrics = classification_metrics([0, 0, 1], [0, 1, 1], ["a", "b"])
        (tmp_path / "metrics.json").write_text(json.dumps(metrics | {"certainty": found}))
        (tmp_path / "config.json").write_text(json.dumps({"certainty": stated}))
        return read_run(tmp_path)

    return make


def plain(table):
    return [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in table.rows]


def test_points_and_sets_stand_in_tables(run_with):
    _, _, _, points, sets, _ = certainty(run_with()).parts
    assert plain(points) == [
        ["0.01", "0.9500", "50.0 %", "0.4 %", "2.0 %", "50.0 %", "0.5 %"],
        ["0.05", "0.7000", "80.0 %", "3.0 %", "30.0 %", "75.0 %", "6.7 %"],
    ]
    assert plain(sets) == [
        ["mean", "90.0 %", "1.30", "1,040"],
        ["ball: 7", "80.0 %", "1.50", "40"],
        ["outer: <b>", "100.0 %", "1.10", "1,000"],
    ]


def test_it_says_what_was_left_out_and_that_nothing_is_guaranteed(run_with):
    first, *_, last = certainty(run_with()).parts
    assert (
        "1,500 of 2 classes; of each class 3 to 5 bearings (or recordings of a single one), left "
        "out as a whole"
    ) in first.text
    assert "no coverage and no risk is guaranteed for the next one" in last.text
    first, *_, last = certainty(run_with(STATED | {"left_out": "window"})).parts
    assert "1,500 of 2 classes, at least 300 of each" in first.text
    assert "For another bearing nothing is guaranteed" in last.text


def test_a_risk_that_the_test_part_does_not_keep_stands_out(run_with):
    svg = str(certainty(run_with()).parts[1].svg)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {"risk 0.01", "risk 0.05"} <= set(texts)
    assert svg.count("#3b82c4") > 0
    assert svg.count("#e07b22") > 0
    kept = FOUND | {"points": [{"risk": 0.01, "given": 0.5, "wrong": 0.005}]}
    svg = str(certainty(run_with(STATED | {"points": STATED["points"][:1]}, kept)).parts[1].svg)
    assert "#e07b22" not in svg


def test_nothing_given_on_the_test_part_is_a_dash(run_with):
    found = FOUND | {"points": [{"risk": 0.01, "given": 0.0, "wrong": None}]}
    section = certainty(run_with(STATED | {"points": STATED["points"][:1]}, found))
    assert plain(section.parts[3])[0][-2:] == ["0.0 %", "–"]


def test_a_run_from_before_has_no_such_section(run_with):
    run = run_with(None, None)
    assert certainty(run) is None


def test_names_are_text_on_the_page(run_with, tmp_path):
    run_with()
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert "outer: &lt;b&gt;" in page
    assert "outer: <b>" not in page
    assert '"limits"' not in page  # the settings leave them out


def test_a_damaged_one_is_refused(run_with):
    with pytest.raises(InputError, match=r"damaged \(certainty: .*risk"):
        certainty(run_with(found=FOUND | {"risk": "none"}))
