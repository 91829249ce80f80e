"""What a comparison and the commands are told of plants."""

from __future__ import annotations

from dlrsd.training.balance.sequences import SEQUENCE_METHODS
from dlrsd.training.kinds.plants.kind import Plants
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.runs.folder import read_json

KIND = Plants()


def test_all_stands_for_every_method():
    named = KIND.named(["all"], SequenceSettings("plant"))
    assert named == tuple(SEQUENCE_METHODS)


def test_a_run_is_named_by_what_decides_it():
    settings = SequenceSettings("/data/phm", protocol="plant", classifier="lrcn", seed=3)
    assert KIND.run_name(settings) == "phm-plant-lrcn-seed3"


def test_a_summary_has_a_line_for_every_class(plant_run, plant_settings):
    metrics = read_json(plant_run / "metrics.json")
    first, *classes, last = KIND.summary(plant_settings, metrics)
    assert first == f"protocol time, {metrics['n']} test windows, simulated plants"
    assert [line.split()[0] for line in classes] == metrics["classes"]
    for line, name in zip(classes, metrics["classes"], strict=True):
        recall = metrics["per_class"][name]["recall"]
        assert (f"recall {recall:.3f}" if recall is not None else "none in test") in line
    assert f"macro recall {metrics['macro_recall']:.4f}" in last
