"""Grades: of the signals that the study graded, and of no other."""

from __future__ import annotations

from collections import Counter

import pytest

from dlrsd.training.data.vibration.cwru_grades import GRADES, grade_of
from dlrsd.training.data.vibration.load import load_recordings

SIGNAL = {
    "dataset": "cwru12k",
    "bearing_id": "DE_B021",
    "sensor_location": "motor_bearing_de",
    "or_position": "none",
    "load": 2.0,
}


def test_a_grade_is_of_bearing_and_load():
    assert [grade_of({**SIGNAL, "load": load}) for load in (0.0, 1.0, 2.0, 3.0)] == [
        "Y2", "Y2", "N1", "N1",
    ]  # fmt: skip
    outer = {**SIGNAL, "bearing_id": "DE_OR014", "or_position": "6:00"}
    assert [grade_of({**outer, "load": load}) for load in (0, 1, 2, 3)] == ["Y2", "P2", "P1", "N1"]


@pytest.mark.parametrize(
    "other",
    [
        {"dataset": "mine"},
        {"sensor_location": "motor_bearing_nde"},
        {"bearing_id": "FE_B021"},
        {"bearing_id": "healthy"},
        {"bearing_id": "DE_OR021", "or_position": "3:00"},
        {"bearing_id": "DE_IR028"},
    ],
)
def test_what_the_study_is_not_confirmed_for_has_none(other):
    assert grade_of({**SIGNAL, **other}) is None


def test_no_ball_is_graded_classic_and_most_faults_are_diagnosable():
    """As the study sums it up: of the balls none is Y1, of the inner races all are Y."""
    every = Counter(grade[0] for grades in GRADES.values() for grade in grades)
    assert every == {"Y": 24, "P": 6, "N": 6}
    assert not {"Y1"} & {g for name in GRADES if "_B" in name for g in GRADES[name]}
    assert {g[0] for name in GRADES if "_IR" in name for g in GRADES[name]} == {"Y"}


@pytest.mark.parametrize(("task", "graded"), [("cwru10", 36), ("cwru-both-ends", 36), (None, 36)])
def test_recordings_of_the_data_set_have_theirs(folder_of, task, graded):
    recordings = load_recordings("cwru12k", root=folder_of("cwru12k"), task=task)
    assert sum(r.grade is not None for r in recordings) == graded
    assert all(r.bearing_id.startswith("DE_") for r in recordings if r.grade)
