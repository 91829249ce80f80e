"""What a report shows of plants."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from dlrsd.training.data.plants.plants import CLASSES
from dlrsd.training.report.run_folder import Run
from dlrsd.training.report.sections.plants import events, sequences, states_over_time


def run_of(states: Any = None, **metrics: Any) -> Run:
    config = {"kind": "sequence", "signal": {"rate_hz": 4 / 3600, "hop": 4}}  # a step an hour
    empty: dict[str, Any] = {}
    return Run(
        "r", config, {"classes": list(CLASSES), **metrics}, empty, empty, empty, empty, empty,
        empty, states or {},
    )  # fmt: skip


def test_every_stretch_of_a_fault_is_a_bar_and_normal_is_none(html_of):
    true = np.zeros(100, np.int8)
    true[10:20] = 3
    true[20:24] = 5
    said = np.zeros(100, np.int8)
    said[50] = 6
    page = html_of(states_over_time(run_of({"plant_1/true": true, "plant_1/said": said})))
    assert "plant_1" in page
    assert all(name in page for name in ("Fault3", "Fault5", "Fault6"))
    assert not any(f">{name}<" in page for name in ("Normal", "Fault1", "Fault2", "Fault4"))
    quiet = html_of(states_over_time(run_of({"plant_1/true": said * 0, "plant_1/said": said * 0})))
    assert page.count("<path") - quiet.count("<path") >= 3
    assert states_over_time(run_of()) is None


def test_events_are_summed_over_the_five_codes_and_names_are_text(html_of):
    facts = {
        "score": -2.4,
        "hits": [1, 2, 0, 0, 0],
        "false": [0, 0, 1, 1, 0],
        "wrong": [0, 4, 0, 0, 0],
        "false_alarms": [10, 0, 0, 0, 1],
        "missed": [0, 0, 0, 6, 0],
    }
    page = html_of(events(run_of(events={"<b>plant</b>": facts})))
    assert "&lt;b&gt;plant&lt;/b&gt;" in page
    cells = re.findall(r"<td>(.*?)</td>", page)
    assert cells == ["-2.4", "3", "2", "4", "11", "6"]
    assert events(run_of()) is None


def test_sequences_are_counted_for_each_class(html_of):
    counts = {name: 1000 * index for index, name in enumerate(CLASSES)}
    page = html_of(sequences(run_of(sequences={"windows": counts, "windows left": counts})))
    assert re.findall(r'scope="col">(.*?)<', page) == ["class", "windows", "windows left"]
    assert page.count("<td>1,000</td>") == 2
    assert sequences(run_of()) is None
