from __future__ import annotations

import re

import numpy as np

from dlrsd.training.data.plants.plants import CLASSES
from dlrsd.training.report.plants import events, states_over_time


def test_every_stretch_of_a_fault_is_a_bar_and_normal_is_none():
    true = np.zeros(100, np.int8)
    true[10:20] = 3
    true[20:24] = 5
    said = np.zeros(100, np.int8)
    said[50] = 6
    page = states_over_time({"plant_1/true": true, "plant_1/said": said}, CLASSES, steps_a_day=24.0)
    assert "plant_1" in page
    assert all(name in page for name in ("Fault3", "Fault5", "Fault6"))
    assert not any(f">{name}<" in page for name in ("Normal", "Fault1", "Fault2", "Fault4"))
    quiet = states_over_time(
        {"plant_1/true": said * 0, "plant_1/said": said * 0}, CLASSES, steps_a_day=24.0
    )
    assert page.count("<path") - quiet.count("<path") >= 3
    assert states_over_time({}, CLASSES, steps_a_day=24.0) == ""


def test_events_are_summed_over_the_five_codes_and_names_are_text():
    facts = {
        "score": -2.4,
        "hits": [1, 2, 0, 0, 0],
        "false": [0, 0, 1, 1, 0],
        "wrong": [0, 4, 0, 0, 0],
        "false_alarms": [10, 0, 0, 0, 1],
        "missed": [0, 0, 0, 6, 0],
    }
    page = events({"<b>plant</b>": facts})
    assert "&lt;b&gt;plant&lt;/b&gt;" in page
    cells = re.findall(r"<td>(.*?)</td>", page)
    assert cells == ["-2.4", "3", "2", "4", "11", "6"]
