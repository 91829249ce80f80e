"""Plants, from files to the box: fit, export, diagnose."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources

import jsonschema
import msgspec
import numpy as np
import onnx
import pytest
import torch
from msgspec import structs

from dlrsd.export.package.bundle import export_bundle
from dlrsd.runtime.base.errors import InputError, ParityError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.diagnosis.diagnose import diagnose
from dlrsd.runtime.dsp.missing import hold_last
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.streams.stream import open_stream
from dlrsd.training.cli.plant_table import plant_table
from dlrsd.training.data.plants.plants import CLASSES, load_plants
from dlrsd.training.data.plants.rig import simulate_plants, write_plants
from dlrsd.training.data.plants.sequences import Segment
from dlrsd.training.fitting.schedule import SEQUENCE
from dlrsd.training.fitting.sequence import run_segments
from dlrsd.training.kinds.plants.fit import fit_plants
from dlrsd.training.kinds.plants.line import prepare
from dlrsd.training.kinds.plants.run import load_plant_run
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.kinds.vibration.run import load_run

SCHEMA = json.loads((resources.files("dlrsd.runtime.bundle") / "manifest.schema.json").read_text())


# Enough for classes to differ: half precision must not decide ties.
TRAINING = structs.replace(SEQUENCE, epochs=2, steps=12, batch=4, learning_rate=5e-3, patience=2)


def settings_of(folder, **more):
    return SequenceSettings(
        str(folder), **{"window": 12, "sequence": 5, "training": TRAINING, **more}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plants")
    write_plants(simulate_plants(seed=3, n_plants=2, years=0.25, components=1, zones=1), folder)
    return folder


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "plants"
    fit_plants(settings_of(folder), out, method="rus-weights")
    return out


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundles") / "bundle"
    export_bundle(run, out, fp16=True)
    return out


def test_a_run_holds_what_a_person_and_export_need(run, folder):
    config, metrics = (
        json.loads((run / f"{name}.json").read_text()) for name in ("config", "metrics")
    )
    assert config["kind"] == "sequence"
    assert config["method"] == "rus-weights"
    assert "simulated" in config["statement"]
    assert metrics["simulated"]
    assert sum(metrics["window_counts"]["test"].values()) == metrics["n"]
    assert sorted(metrics["events"]) == ["plant_1", "plant_2"]
    assert not (run / "checkpoints").exists()
    page = (run / "report.html").read_text()
    assert "simulated" in page
    assert "three hours" in page
    assert str(folder.parent) not in page


def test_a_finished_run_is_left_as_it_is_and_another_is_refused(run, folder):
    before = (run / "metrics.json").stat().st_mtime_ns
    settings = settings_of(folder)
    fit_plants(settings, run, method="rus-weights")
    assert (run / "metrics.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="a run of method 'rus-weights', not 'none'"):
        fit_plants(settings, run, method="none")
    with pytest.raises(InputError, match="other settings"):
        fit_plants(structs.replace(settings, seed=1), run)


def test_the_manifest_fits_the_schema_and_says_what_it_is(bundle, run):
    manifest = json.loads((bundle / "manifest.json").read_text())
    jsonschema.validate(manifest, SCHEMA)
    assert manifest["kind"] == "sequence"
    assert [state["shape"] for state in manifest["graph"]["states"]] == [
        ["batch", 512], ["batch", 512], ["batch", 128], ["batch", 128],
    ]  # fmt: skip
    assert "simulated" in manifest["training"]["statement"]
    for precision in ("fp32", "fp16"):
        assert manifest["parity"][precision]["label_agreement"] >= 0.999
    graph = onnx.load(bundle / "diagnoser.fp16.onnx").graph
    assert {i.type.tensor_type.elem_type for i in (*graph.input, *graph.output)} == {
        onnx.TensorProto.FLOAT
    }


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 2e-6), ("fp16", 0.02)])
def test_the_box_says_of_a_table_what_the_trained_network_says_of_the_plant(
    bundle, run, folder, tmp_path, precision, tolerance
):
    table = tmp_path / "plant.csv"
    plant_table(folder, table, plant="plant_2")
    opened = load_bundle(bundle)
    with open_stream(table, default=opened.signal) as stream:
        engine = open_engine(opened, precision=precision, device="cpu")
        _, *records, _ = diagnose(stream, opened, engine)
    steps = [record for record in records if record.quality == "ok"]
    (plant,) = (p for p in load_plants(folder) if p.name == "plant_2")
    trained = load_plant_run(run)
    data = prepare(trained.settings)
    filled, missing = hold_last(plant.signal, trained.settings.hold)
    whole = Segment(1, 0, filled, np.zeros((filled.shape[1] - 12) // 4 + 1, int))
    ((log_p, _),) = run_segments(trained.model, data, [whole])
    expected = torch.softmax(torch.from_numpy(log_p) / trained.temperature, dim=1).numpy()
    said = np.array([[step.probabilities[name] for name in CLASSES] for step in steps])
    assert [step.window for step in steps] == list(range(len(expected)))
    np.testing.assert_allclose(said, expected, atol=tolerance)
    (alone, _), *_ = run_segments(
        trained.model, data, [replace(whole, signal=filled[:, 400:412], label=whole.label[:1])]
    )
    # Without the state from before a step would say something else, and be noticed.
    assert np.abs(np.exp(alone[0]) - np.exp(log_p[100])).max() > 2e-5
    shares = [step.missing for step in steps]
    counted = [missing[:, 4 * i : 4 * i + 12].mean() for i in range(len(steps))]
    np.testing.assert_allclose(shares, counted, atol=1e-6)
    assert max(counted) > 0


@pytest.mark.parametrize("classifier", ["deep_conv_lstm", "lrcn"])
def test_the_baselines_go_to_the_box_too(folder, tmp_path, classifier):
    training = structs.replace(TRAINING, steps=1)
    fit_plants(settings_of(folder, classifier=classifier, training=training), tmp_path / "run")
    # Not fp16: of a network that has learned nothing all classes are as likely, and labels a toss.
    manifest = export_bundle(tmp_path / "run", tmp_path / "bundle", fp16=False)
    jsonschema.validate(msgspec.to_builtins(manifest), SCHEMA)
    opened = load_bundle(tmp_path / "bundle")
    assert len(opened.manifest.graph.states) == (0 if classifier == "deep_conv_lstm" else 4)
    trained = load_plant_run(tmp_path / "run")
    data = prepare(trained.settings)
    segment = data.parts["test"][0]
    windows = data.windows(segment)[:40]
    ((log_p, _),) = run_segments(trained.model, data, [replace(segment, label=segment.label[:40])])
    expected = torch.softmax(torch.from_numpy(log_p[:40]) / trained.temperature, dim=1).numpy()
    said = open_engine(opened, precision="fp32", device="cpu").run(windows).probabilities
    np.testing.assert_allclose(said, expected, atol=2e-6)


def test_plants_that_were_changed_since_are_no_test_part(run, folder, tmp_path):
    import shutil

    copy, others = tmp_path / "run", tmp_path / "others"
    shutil.copytree(run, copy)
    shutil.copytree(folder, others)
    (others / "plant_2c.csv").write_text("2010-01-02 00:00:00,2010-01-20 00:00:00,3\n")
    config = json.loads((copy / "config.json").read_text())
    config["settings"]["data"] = str(others)
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="are others than"):
        export_bundle(copy, tmp_path / "bundle", fp16=False)
    assert not (tmp_path / "bundle").exists()


def test_a_graph_that_says_something_else_is_no_bundle(run, tmp_path, monkeypatch):
    from dlrsd.export.package import sequences as export_sequences

    monkeypatch.setattr(
        export_sequences, "run_segments", lambda *a: [(-said, e) for said, e in run_segments(*a)]
    )
    with pytest.raises(ParityError, match="fp32 graph gives the trained model's label on"):
        export_bundle(run, tmp_path / "bundle", fp16=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "said"), [({"int8": True}, "--int8"), ({"tensorrt": ()}, "--tensorrt")]
)
def test_what_sequences_have_no_use_for_is_refused(run, tmp_path, more, said):
    with pytest.raises(InputError, match=f"got {said} for a run on plant data"):
        export_bundle(run, tmp_path / "bundle", fp16=True, **more)
    assert list(tmp_path.iterdir()) == []


def test_a_run_on_plants_is_no_run_on_vibration(run):
    with pytest.raises(InputError, match="is no config of a run that this version knows"):
        load_run(run)


def test_a_damaged_run_is_one_line(run, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "classifier.safetensors").write_bytes(b"short")
    with pytest.raises(InputError, match="cannot be read"):
        load_plant_run(copy)
