"""A fusion under `bearing`, from recordings of known machines to a diagnosis on the box."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from dlrsd.export.package.bundle import export_bundle
from dlrsd.export.verify import parity
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.bundle.front_ends import Fusion
from dlrsd.runtime.dsp.order_map import Kinematics
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.training.data.vibration.rig import ORDERS
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.fit import fit
from dlrsd.training.kinds.vibration.kind import Vibration
from dlrsd.training.kinds.vibration.run import load_run
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.kinds.vibration.settled import settled


@pytest.fixture(scope="module")
def run(hurried, tmp_path_factory):
    settings = Settings(
        "rig", n_normal=40, balance=4.0, protocol="bearing", front_end="auto", training=hurried
    )
    folder = tmp_path_factory.mktemp("runs") / "fusion"
    fit(settings, folder, method="ros")
    return folder


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "fusion"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "WINDOWS", 100)
        export_bundle(run, folder, fp16=True)
    return folder


def test_a_fusion_is_what_unseen_bearings_of_known_machines_get(run):
    opened = load_run(run)
    assert opened.settings.front_end == "fusion"
    assert opened.settings.window == 24576
    assert not opened.frontend.level
    assert opened.classifier.weight.mean() == pytest.approx(1, abs=1e-3)
    assert "What the lines say" in (run / "report.html").read_text()
    # A person is told which front end it is, at the end of the training and in the report.
    said = Vibration().summary(opened.settings, opened.metrics)
    assert any(own.startswith("front end fusion, windows of 24576 samples") for own in said)
    assert "front end fusion, windows of 24576 samples" in (run / "report.html").read_text()
    # Lines of simulated spalls are plain: even a network in a hurry is carried by them.
    assert opened.metrics["accuracy"] > 0.9


def test_what_is_not_known_of_a_machine_leaves_the_scalogram():
    recordings = line.read(Settings("rig"))
    asked = Settings("rig", protocol="bearing", front_end="auto")
    unknown = [dataclasses.replace(recording, speed_rpm=None) for recording in recordings]
    chosen, note = settled(asked, unknown)
    assert chosen.front_end == "scalogram"
    assert note == (
        "front end scalogram, not fusion: 48 of 48 recordings do not state speed_rpm (the first: "
        f"{recordings[0].recording_id})"
    )
    chosen, note = settled(replace(asked, protocol="block"), recordings)
    assert (chosen.front_end, note) == ("scalogram", None)
    chosen, note = settled(asked, recordings)
    assert chosen.front_end == "fusion"
    assert note.startswith("front end fusion, windows of 24576 samples")


def test_no_recording_is_lost_to_a_fusion_s_longer_windows():
    """A bearing of 1 s fills windows of a scalogram, and would silently be missing."""
    recordings = line.read(Settings("rig"))
    short = dataclasses.replace(recordings[4], signal=recordings[4].signal[:, :12_000])
    recordings[4] = short
    chosen, note = settled(Settings("rig", protocol="load", front_end="auto"), recordings)
    assert chosen.front_end == "scalogram"
    assert note == (
        "front end scalogram, not fusion: 1 of 48 recordings are shorter than its windows of "
        f"2.05 s (the first: {short.recording_id})"
    )


def test_the_box_says_what_the_trained_model_says(run, bundle):
    trained = load_run(run)
    data = line.prepare(trained.settings)
    index = data.test_index()
    logits, embedding = predict(trained.classifier, trained.frontend.of(data, index))
    opened = load_bundle(bundle)
    assert isinstance(opened.front_end, Fusion)
    assert opened.manifest.graph.inputs[0].name == "window_and_lines"
    assert opened.manifest.synthesis is None
    speeds = data.machines(index)[:, 0]
    slow = np.flatnonzero(speeds == speeds[0])
    engine = open_engine(opened, kinematics=Kinematics(speeds[0], **ORDERS))
    said = engine.run(data.cut(index)[slow])
    expected = torch.softmax(torch.from_numpy(logits[slow]) / trained.temperature, dim=1).numpy()
    np.testing.assert_allclose(said.probabilities, expected, atol=1e-3)
    np.testing.assert_allclose(said.novelty, trained.novelty(embedding[slow]), rtol=1e-2)
