"""A cell of a comparison: its row is what the line gives without it, whatever was run before."""

from __future__ import annotations

import json
import shutil

import jsonschema
import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from dlrsd.runtime.dsp.window_features import window_features
from dlrsd.training.baselines.classifiers import BASELINES
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.kind import Cell
from dlrsd.training.kinds.schemas import SCHEMAS
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.cell import CONTENDERS, run_cell
from dlrsd.training.kinds.vibration.settings import Settings


def test_a_row_says_what_the_line_without_it_says(hurried, rig_folder):
    settings = Settings(
        str(rig_folder), n_normal=40, balance=4.0, seed=2, protocol="bearing", training=hurried
    )
    row = run_cell(Cell(settings, "smote"))
    data = line.prepare(settings)
    materials = line.materials_for("smote", settings, data)
    training = line.balance(settings, "smote", materials)
    classifier, _ = line.fit_classifier(settings, materials, training)
    test = data.test_index()
    logits, _ = predict(classifier, materials.frontend.heatmaps(data.cut(test)))
    confusion = np.zeros((4, 4), int)
    np.add.at(confusion, (test.label, logits.argmax(1)), 1)
    recall = np.diag(confusion) / confusion.sum(1)
    assert row["confusion"] == confusion.tolist()
    assert row["recall"] == dict(zip(data.classes, recall.tolist(), strict=True))
    assert row["accuracy"] == np.trace(confusion) / len(test)
    assert row["macro_recall"] == pytest.approx(recall.mean())
    assert (row["worst_recall"], row["n_test"]) == (recall.min(), len(test))
    assert row["worst_class"] == data.classes[recall.argmin()]
    assert row["train_windows"] == {"Normal": 40, "ball": 10, "inner": 10, "outer": 10}
    assert list(row["test_windows"].values()) == confusion.sum(1).tolist()
    drawn = {name: counts["drawn"] for name, counts in row["counts"].items()}
    assert drawn == {"Normal": 36, "ball": 10, "inner": 10, "outer": 10}  # 4 held out
    assert msgspec.convert({"kind": row["kind"], **row["settings"]}, Settings) == settings
    assert (row["data"], row["protocol"], row["seed"]) == ("small_rig", "bearing", 2)
    assert (row["balance"], row["classifier"], row["method"]) == (4.0, "edge", "smote")
    assert (row["kind"], row["epochs"]) == ("window", 2)
    (schema,) = (schema for path, schema in SCHEMAS.items() if path.name == "row.schema.json")
    jsonschema.Draft202012Validator(schema).validate(row)


def test_a_row_does_not_depend_on_the_cells_before_it(hurried, rig_folder):
    settings = Settings(str(rig_folder), n_normal=40, balance=4.0, training=hurried)
    other_seed, other_classifier = (
        replace(settings, seed=1),
        replace(settings, classifier="simple_cnn"),
    )
    shorter = replace(settings, training=replace(hurried, views=40))
    order = [
        Cell(settings, "none"),
        Cell(shorter, "none"),
        Cell(other_seed, "none"),
        Cell(settings, "dlrsd-smote/autoscale"),
        Cell(settings, "dlrsd-smote"),
        Cell(other_classifier, "dlrsd-smote"),
        Cell(other_classifier, "none"),
    ]
    one = [_without_time(run_cell(cell)) for cell in order]
    other = [_without_time(run_cell(cell)) for cell in order[::-1]][::-1]
    assert one == other
    assert len({str(row["confusion"]) for row in one}) > 3  # they are told apart


def _without_time(row):
    return {name: value for name, value in row.items() if name != "seconds"}


@pytest.fixture(scope="module")
def known_rig(rig_folder, tmp_path_factory):
    """The rig's folder with speed and orders."""
    folder = tmp_path_factory.mktemp("known") / "rig"
    shutil.copytree(rig_folder, folder)
    facts = json.loads((folder / "format.json").read_text())
    orders = {"bpfo": 3.5848, "bpfi": 5.4152, "bsf": 2.357, "ftf": 0.3983}
    (folder / "format.json").write_text(json.dumps({**facts, "speed_rpm": 1797, "orders": orders}))
    return folder


@pytest.mark.parametrize("method", BASELINES)
@pytest.mark.parametrize(
    ("window", "orders", "lines"), [(1024, True, False), (6144, True, True), (6144, False, False)]
)
def test_a_baseline_has_the_windows_of_the_networks(
    hurried, rig_folder, known_rig, method, window, orders, lines
):
    """It says what scikit-learn says of the drawn windows and of no other; the envelope's lines
    are among its features where orders are known and a window holds eight turns."""
    folder = known_rig if orders else rig_folder
    settings = Settings(
        str(folder), n_normal=24, balance=4.0, seed=1, window=window, hop=1024, training=hurried
    )
    row, network = (run_cell(Cell(settings, name)) for name in (method, "none"))
    data = line.prepare(settings)
    test = data.test_index()

    def features(index):
        machines = data.machines(index) if lines else None
        return window_features(data.cut(index), 12000, machines)

    model = BASELINES[method](1).fit(features(data.drawn), data.drawn.label)
    probabilities = model.predict_proba(features(test))
    said = CONTENDERS[method](settings, method)
    assert np.array_equal(said.probabilities, probabilities)
    assert np.array_equal(said.windows.label, test.label)
    confusion = np.zeros((4, 4), int)
    np.add.at(confusion, (test.label, probabilities.argmax(axis=1)), 1)
    assert row["confusion"] == confusion.tolist()
    assert (row["method"], row["epochs"], row["classifier"]) == (method, 0, "edge")
    for same in ("train_windows", "test_windows", "settings", "classes"):
        assert row[same] == network[same]
