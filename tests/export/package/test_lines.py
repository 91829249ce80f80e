"""A run on fault lines of several rigs to a bundle that diagnoses streams in any unit."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from dlrsd.export.package.bundle import export_bundle
from dlrsd.export.verify import parity
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.bundle.front_ends import Lines
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.output.bundle_report import info_lines
from dlrsd.training.data.vibration.rig import ORDERS, simulate_rig
from dlrsd.training.data.vibration.spalls import MACHINES, SPALLS, UNSEEN
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration.fit import fit
from dlrsd.training.kinds.vibration.line import prepare
from dlrsd.training.kinds.vibration.run import load_run
from dlrsd.training.kinds.vibration.settings import Settings


@pytest.fixture(scope="module")
def settings(learning, tmp_path_factory):
    """Simulated spalls and a rig to train on, other spalls to test on."""
    folder = tmp_path_factory.mktemp("rigs") / "bench"
    for each in simulate_rig(seed=1, seconds=4.0, loads=(1,), n_bearings=2):
        path = folder / each.label / str(each.bearing_id) / "a.npy"
        path.parent.mkdir(parents=True)
        np.save(path, 40 * each.signal.T)
    facts = {"rate": 12000, "unit": "m/s2", "channels": 1, "speed_rpm": 1775.0, "orders": ORDERS}
    (folder / "format.json").write_text(json.dumps(facts))
    return Settings(
        f"{SPALLS},{folder},{UNSEEN}", protocol="rig", seed=2, rate=12000.0, n_normal=60,
        balance=3.0, front_end="lines", training=learning,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "lines"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MACHINES, SPALLS, 30)
        patch.setitem(MACHINES, UNSEEN, 6)
        fit(settings, folder, method="none")
        yield folder


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "lines"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "WINDOWS", 50)
        export_bundle(run, folder, fp16=False)
    return folder


def test_the_run_tells_how_well_it_did_on_the_rig_left_out(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["simulated"] is True
    assert list(metrics["rigs"]) == ["bench"]  # simulated machines always train
    found = metrics["rigs"]["bench"]
    assert found["windows"] == 24  # 8 recordings of 4 s, windows of 2 s every second
    assert found["accuracy"] > 0.6  # plain faults; a guess names a quarter
    assert set(found["recall"]) == {"normal", "inner", "outer", "rolling_element"}
    mean = sum(found["recall"].values()) / 4
    assert mean == pytest.approx(found["accuracy"])  # six windows of each class
    assert 0.1 <= load_run(run).temperature <= 10


def test_the_bundle_takes_any_unit_and_names_what_it_was_trained_on(bundle):
    opened = load_bundle(bundle)
    assert isinstance(opened.front_end, Lines)
    assert opened.manifest.training.protocol == "rig"
    assert (opened.unit, opened.signal.unit) == ("any unit", None)
    assert (opened.quality.level_low, opened.quality.channels) == (0.0, [])
    assert opened.front_end.speed_rpm[0] < 1775 < opened.front_end.speed_rpm[1]
    assert opened.manifest.metrics.rigs["bench"].windows == 24
    told = "\n".join(info_lines(opened))
    assert "bench, when left out: accuracy" in told
    assert "of simulated machines" in told


def test_the_box_says_what_the_trained_model_says(run, bundle):
    trained, data = load_run(run), prepare(load_run(run).settings)
    index = data.test_index()
    logits, embedding = predict(trained.classifier, trained.frontend.of(data, index))
    row = int(index.recording[0])
    own = index.recording == row
    recording = data.recordings[row]
    machine = Kinematics(recording.speed_rpm, **recording.fault_orders)
    said = open_engine(load_bundle(bundle), kinematics=machine).run(1e3 * data.cut(index)[own])
    expected = torch.softmax(torch.from_numpy(logits[own]) / trained.temperature, dim=1).numpy()
    np.testing.assert_allclose(said.probabilities, expected, atol=1e-3)
    np.testing.assert_allclose(said.novelty, trained.novelty(embedding[own]), rtol=1e-2)


def test_one_rig_beside_the_tested_one_is_too_few(settings, tmp_path):
    _, bench, tested = settings.data.split(",")
    few = replace(settings, data=f"{bench},{tested}", seed=1)
    with pytest.raises(InputError, match="got bench alone to train on, with spalls-unseen left"):
        fit(few, tmp_path / "run", method="none")


def test_a_model_that_sees_levels_takes_streams_at_the_level_of_its_training(
    settings, tmp_path, hurried
):
    seen = Settings(
        settings.data, protocol="rig", seed=2, rate=12000.0, n_normal=40, balance=2.0,
        training=hurried,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MACHINES, SPALLS, 4)
        patch.setitem(MACHINES, UNSEEN, 2)
        patch.setattr(parity, "WINDOWS", 50)
        fit(seen, tmp_path / "run", method="none")
        export_bundle(tmp_path / "run", tmp_path / "bundle", fp16=False)
    assert load_bundle(tmp_path / "bundle").signal.unit == "of its own RMS"
