"""Insides computed from ratings, against what was published of the same bearings."""

from __future__ import annotations

import csv

import pytest

from benchmarks.bearings.__main__ import HERE, TABLE, ratings, table
from benchmarks.bearings.insides import Ratings, inside_of, insides, ratings_of


def published() -> list[dict[str, str]]:
    with (HERE / "published.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_is_what_the_program_writes() -> None:
    assert TABLE.read_text() == table()


def test_formulas_give_the_ratings_of_a_bearing_that_was_measured() -> None:
    """KOYO prints 14.0 and 7.85 kN and f0 13.9 for a 6205; CWRU measured 9 x 7.94 on 39.04 mm."""
    dynamic, static, f0 = ratings_of(9, 7.94, 39.04, 0)
    assert dynamic == pytest.approx(14.0, rel=0.005)
    assert static == pytest.approx(7.85, rel=0.01)
    assert f0 == pytest.approx(13.9, abs=0.06)


def test_computed_insides_are_the_published_ones() -> None:
    """The same number of balls, and BPFO within what slip takes a line apart, 1 %."""
    by_name = {row.designation: row for row in ratings()}
    compared = 0
    for row in published():
        if row["designation"] not in by_name or row["source"] == "paderborn-life":
            continue
        inside = inside_of(by_name[row["designation"]])
        assert inside is not None
        assert inside.elements == int(row["elements"])
        ours = 1 - inside.diameter_mm / inside.pitch_mm
        theirs = 1 - float(row["diameter_mm"]) / float(row["pitch_mm"])
        assert ours == pytest.approx(theirs, rel=0.01)
        compared += 1
    assert compared == 10  # 6203 of five makers, 6204, 6205 of two, 6206, 6804


def test_another_makers_6806_has_two_balls_more() -> None:
    """A 61806 at Paderborn has 19 of 3.18 mm; the formulas tell it from KOYO's."""
    (koyo,) = (row for row in ratings() if row.designation == "6806")
    inside = inside_of(koyo)
    assert inside is not None
    assert inside.elements == 17
    assert all(each.elements == 17 for each in insides(koyo))


def test_ratings_that_fit_no_ball_or_several_give_no_answer() -> None:
    wrong = Ratings("x", 25, 52, 0, 20.0, 7.85, 13.9)  # dynamic rating of a larger bearing
    assert inside_of(wrong) is None
    (unclear,) = (row for row in ratings() if row.designation == "6913")
    assert inside_of(unclear) is None
