"""Runs and tables of schema 1, in which nothing said of which kind it is, go on being read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from msgspec.structs import replace
from pyarrow import parquet

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.compare.table import read_table
from dlrsd.training.fitting.schedule import CLASSIFIER, SEQUENCE
from dlrsd.training.kinds.fit import fit
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.kinds.registry import kind_of_run, load_run
from dlrsd.training.kinds.vibration.settings import Settings

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"
NESTED = ("train_windows", "test_windows", "notes", "recall", "confusion", "classes")


@pytest.fixture
def as_of_schema_1(tmp_path):
    """A copy of a run with the config that schema 1 gave it: nothing of kind and training, the
    front end's constants under its name, methods by their former names."""

    def make(run, method=None):
        folder = shutil.copytree(run, tmp_path / run.name)
        config = json.loads((folder / "config.json").read_text())
        del config["schema_version"]
        kind = config.pop("kind")
        del config["settings"]["kind"], config["settings"]["training"]
        if kind == "sequence":
            config["kind"] = "sequence"
        else:
            if config["settings"]["front_end"] == "scalogram":
                del config["settings"]["front_end"]
            constants = config.pop("front_end")
            config[constants.pop("name").replace("-", "_")] = constants
        config["method"] = method or config["method"]
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return make


def same_weights(one, two):
    return all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )


def test_a_run_on_vibration_is_read(tiny_run, tiny_settings, as_of_schema_1):
    old = as_of_schema_1(tiny_run)
    stated = json.loads((old / "config.json").read_text())
    assert "kind" not in stated
    assert "scalogram" in stated
    assert kind_of_run(old).source.tag == "window"
    run, now = load_run(old), load_run(tiny_run)
    # Nobody wrote down how it was trained: it was trained as is usual.
    assert run.settings == replace(tiny_settings, training=Settings("").training)
    assert run.frontend == now.frontend
    assert run.metrics == now.metrics
    assert (run.temperature, run.classes) == (now.temperature, now.classes)
    assert same_weights(run.classifier, now.classifier)
    assert same_weights(run.kept.network, now.kept.network)


def test_a_run_of_an_order_map_and_a_renamed_method_is_read(tmp_path, hurried, as_of_schema_1):
    settings = Settings(
        "rig", n_normal=20, balance=2.0, hop=12288, front_end="order-map", training=hurried
    )
    fit(settings, tmp_path / "new" / "run", method="mansourifar-deep-smote")
    folder = as_of_schema_1(tmp_path / "new" / "run", method="deep-smote")
    assert "order_map" in json.loads((folder / "config.json").read_text())
    now, old = load_run(tmp_path / "new" / "run"), load_run(folder)
    assert old.config.method == "mansourifar-deep-smote"
    assert old.settings.front_end == "order-map"
    assert old.frontend == now.frontend
    assert same_weights(old.kept.network, now.kept.network)
    assert old.anchors.keys() == now.anchors.keys()


def test_a_run_on_plants_is_read(plant_run, plant_settings, as_of_schema_1):
    old = as_of_schema_1(plant_run, method="rus")
    assert kind_of_run(old).source.tag == "sequence"
    run, now = load_run(old), load_run(plant_run)
    assert run.config.method == "light-rus"
    assert run.settings == replace(plant_settings, training=SEQUENCE)
    assert run.config.signal == now.config.signal
    assert same_weights(run.model, now.model)
    np.testing.assert_array_equal(run.novelty.centres, now.novelty.centres)


def test_a_finished_run_of_schema_1_is_not_trained_again(plant_run, as_of_schema_1):
    old = as_of_schema_1(plant_run)
    before = (old / "config.json").read_bytes()
    settings = load_run(old).settings
    metrics = fit(settings, old, progress=lambda what, n: lambda done: None)
    assert metrics == load_run(plant_run).metrics
    assert (old / "config.json").read_bytes() == before
    other = replace(settings, training=replace(SEQUENCE, epochs=1))
    with pytest.raises(InputError, match="a run with other settings"):
        fit(other, old)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.pop("method"),
        lambda config: config.update(method=["ros"]),
        lambda config: config.update(settings=3),
        lambda config: config.update(scalogram=3),
        lambda config: config.update(kind=["window"]),
        lambda config: config.update(kind="of yesterday"),
        lambda config: config["settings"].update(protocol="blok"),
    ],
)
def test_a_damaged_config_of_schema_1_is_one_line(tiny_run, as_of_schema_1, change):
    old = as_of_schema_1(tiny_run)
    config = json.loads((old / "config.json").read_text())
    change(config)
    (old / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="train it again") as caught:
        load_run(old)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["comparison", "order-map", "plants", "plants-unseen"])
def test_a_table_is_read_with_everything_that_it_stated(name):
    path = RESULTS / f"{name}.parquet"
    stored = parquet.read_table(path).to_pylist()
    rows = read_table(path)
    assert len(rows) == len(stored) > 0
    for old, row in zip(stored, rows, strict=True):
        assert row["kind"] == ("sequence" if "plants" in name else "window")
        for column, value in old.items():
            if column in NESTED:
                assert row[column] == json.loads(value)
            elif column not in ("settings", "counts", "method"):
                assert row[column] == value
        stated = json.loads(old["settings"])
        assert {field: row["settings"][field] for field in stated} == stated
        kind = SequenceSettings if row["kind"] == "sequence" else Settings
        settings = msgspec.convert({"kind": row["kind"], **row["settings"]}, kind)
        schedule = settings.training
        if row["kind"] == "window":
            assert schedule.classifier == replace(CLASSIFIER, epochs=row["epochs"])
        else:
            assert (schedule.epochs, schedule.steps) == (row["epochs"], SEQUENCE.steps)
        assert row["counts"].keys() == set(row["classes"])


def test_counts_and_methods_of_a_table_have_the_names_of_today():
    old = {
        (row["protocol"], row["balance"], row["seed"], row["classifier"], row["method"]): row
        for row in parquet.read_table(RESULTS / "comparison.parquet").to_pylist()
    }
    now = {"deepsmote": "dablain-deepsmote", "deep-smote": "mansourifar-deep-smote"}
    new = {
        (row["protocol"], row["balance"], row["seed"], row["classifier"], row["method"]): row
        for row in read_table(RESULTS / "comparison.parquet")
    }
    assert set(new) == {(*cell, now.get(method, method)) for *cell, method in old}
    for (*cell, method), row in old.items():
        counts = new[(*cell, now.get(method, method))]["counts"]
        for name, facts in zip(json.loads(row["classes"]), json.loads(row["counts"]), strict=True):
            for what, value in facts.items():
                if isinstance(value, dict):
                    assert {reason: counts[name][f"{what} {reason}"] for reason in value} == value
                else:
                    assert counts[name][what] == value
    plants = {
        (row["protocol"], row["seed"], row["classifier"], row["method"]): row
        for row in read_table(RESULTS / "plants.parquet")
    }
    for row in parquet.read_table(RESULTS / "plants.parquet").to_pylist():
        method = {
            "rus": "light-rus", "rus-smote": "light-rus-smote",
            "rus-smote-weights": "light-rus-smote-weights",
        }.get(row["method"], row["method"])  # fmt: skip
        counts = plants[row["protocol"], row["seed"], row["classifier"], method]["counts"]
        for what, by_class in json.loads(row["counts"]).items():
            assert {name: of[what] for name, of in counts.items()} == by_class
