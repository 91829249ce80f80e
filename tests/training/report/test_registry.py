"""Sections that kinds of data and front ends bring: each run shows its own."""

from __future__ import annotations

import json

import pytest

from dlrsd.runtime.dsp.order_map_config import OrderMapConfig
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.frontends.order_map import OrderMap
from dlrsd.training.frontends.scalogram import Scalogram
from dlrsd.training.report import page
from dlrsd.training.report.parts import Note, Section
from dlrsd.training.report.registry import SECTIONS, Entry
from dlrsd.training.report.run_folder import read_run
from dlrsd.training.report.sections.settings import settings


@pytest.fixture
def folder(tmp_path):
    metrics = classification_metrics([0, 0, 1], [0, 1, 1], ["a", "b"])
    metrics["window_counts"] = {"train": {"a": 7, "b": 5}}
    metrics["sequences"] = {"sequences drawn": {"a": 3, "b": 2}}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    return tmp_path


@pytest.mark.parametrize(
    ("config", "shown", "hidden"),
    [
        ({}, "Training windows</h2>", "sequences drawn"),
        ({"kind": "sequence"}, "sequences drawn", "Training windows</h2>"),
    ],
)
def test_a_kind_shows_its_own_sections_alone(folder, config, shown, hidden):
    (folder / "config.json").write_text(json.dumps(config))
    text = page.write_report(folder).read_text("utf-8")
    assert shown in text
    assert hidden not in text


@pytest.mark.parametrize(
    ("front_end", "said"),
    [
        (
            Scalogram(ScalogramConfig(12000, 1024), 1e-3, (0.0,) * 16, (1.0,) * 16),
            "windows, shifted and with noise added",
        ),
        (OrderMap(OrderMapConfig(12000, 1024), (0.0,), (1.0,)), "windows, with noise added"),
    ],
)
def test_views_are_those_of_the_front_end(folder, front_end, said):
    config = {
        "schema_version": 2,
        "front_end": {"name": front_end.name, **front_end.facts()},
        "signal": {"rate_hz": 12000, "window": 1024},
    }
    (folder / "config.json").write_text(json.dumps(config))
    assert said in " ".join(page.write_report(folder).read_text("utf-8").split())


def test_one_line_brings_a_section(folder, monkeypatch):
    def own(run):
        return Section("Brought along", [Note(run.name)]) if run.classes == ["a", "b"] else None

    monkeypatch.setattr(page, "SECTIONS", (*SECTIONS, Entry(own)))
    assert "<h2>Brought along</h2>" in page.write_report(folder).read_text("utf-8")
    monkeypatch.setattr(page, "SECTIONS", (*SECTIONS, Entry(own, kind="sequence")))
    assert "Brought along" not in page.write_report(folder).read_text("utf-8")


def test_the_settings_name_the_front_end_and_nothing_internal(folder):
    config = {
        "schema_version": 2,
        "kind": "window",
        "front_end": {"name": "order-map", "mean": [0.0]},
        "settings": {"front_end": "order-map", "seed": 3},
    }
    (folder / "config.json").write_text(json.dumps(config))
    run = read_run(folder)
    (table,) = settings(run).parts
    assert {tuple(row) for row in table.rows} == {("front_end", "order-map"), ("seed", "3")}
