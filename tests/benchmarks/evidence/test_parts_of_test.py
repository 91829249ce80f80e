"""Grades and rigs on the results page: means over seeds, rows of before left out."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from benchmarks.evidence import markdown
from benchmarks.evidence.parts_of_test import parts_of_test


def row(method, strata):
    return {"balance": 5.0, "method": method, "strata": strata}


def test_a_part_has_the_mean_over_its_seeds():
    rows = [
        row("ros", {"grade Y": {"accuracy": 0.9, "worst_recall": 0.5, "n": 10.0}}),
        row("ros", {"grade Y": {"accuracy": 0.8, "worst_recall": 0.7, "n": 30.0}}),
        row("none", {"grade N": {"accuracy": 0.1, "worst_recall": 0.0, "n": 5.0}}),
        row("smote", {}),
    ]
    text = markdown.page(parts_of_test(rows))
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["1:5", "ros", "grade Y", "0.850", "0.600", "40", "2"] in lines
    assert ["1:5", "none", "grade N", "0.100", "0.000", "5", "1"] in lines
    assert "smote" not in text


def test_rows_without_parts_have_no_table():
    assert parts_of_test([row("ros", {}), {"balance": 5.0, "method": "none"}]) == []
