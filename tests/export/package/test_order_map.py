"""A run on order maps from a folder that states speed and orders to a diagnosis on the box."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from dlrsd.export.package.bundle import export_bundle
from dlrsd.export.verify import parity
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.bundle.front_ends.order_map import Machine, OrderMap
from dlrsd.runtime.dsp.order_map import Kinematics
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.streams.stream import StreamFormat, open_stream
from dlrsd.training.data.vibration.rig import ORDERS
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration.fit import fit
from dlrsd.training.kinds.vibration.line import prepare
from dlrsd.training.kinds.vibration.run import load_run
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.models.generator import Generator

SPEED = 1782.0


@pytest.fixture(scope="module")
def run(hurried, rig_folder, tmp_path_factory):
    """A finished run by DLRSD-SMOTE, whose generator and textures are those of maps."""
    data = tmp_path_factory.mktemp("orders") / "rig"
    shutil.copytree(rig_folder, data)
    facts = json.loads((data / "format.json").read_text())
    facts |= {"speed_rpm": SPEED, "orders": ORDERS}
    (data / "format.json").write_text(json.dumps(facts))
    settings = Settings(
        str(data), n_normal=24, balance=4.0, window=6144, hop=3072, front_end="order-map",
        training=hurried,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("runs") / "orders"
    fit(settings, folder)
    return folder


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "orders"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "WINDOWS", 300)
        export_bundle(run, folder, fp16=True)
    return folder


def test_the_run_says_what_its_maps_are(run):
    opened = load_run(run)
    assert isinstance(opened.kept.network, Generator)
    assert opened.frontend.size == (8, 32)
    assert opened.config.front_end["name"] == "order-map"
    assert opened.config.front_end["n_bands"] == 8
    page = (run / "report.html").read_text()
    assert "What the lines say" in page
    assert "bpfi 2x+1" in page
    assert "Real and synthetic heatmaps" not in page


def test_the_bundle_names_what_it_was_trained_on(bundle):
    opened = load_bundle(bundle)
    assert isinstance(opened.front_end, OrderMap)
    assert opened.manifest.synthesis is None
    assert set(opened.manifest.files) == {"diagnoser.onnx", "diagnoser.fp16.onnx"}
    assert opened.front_end.machines == [Machine(speed_rpm=[SPEED, SPEED], **ORDERS)]
    assert opened.manifest.graph.inputs[0].shape == ["batch", 1, 8, 32]


def test_the_box_says_what_the_trained_model_says(run, bundle):
    trained, data = load_run(run), prepare(load_run(run).settings)
    index = data.test_index()
    heatmaps = trained.frontend.of(data, index)
    logits, embedding = predict(trained.classifier, heatmaps)
    engine = open_engine(load_bundle(bundle), kinematics=Kinematics(SPEED, **ORDERS))
    said = engine.run(data.cut(index))
    expected = torch.softmax(torch.from_numpy(logits) / trained.temperature, dim=1).numpy()
    np.testing.assert_allclose(said.probabilities, expected, atol=1e-4)
    np.testing.assert_allclose(said.novelty, trained.novelty(embedding), rtol=1e-3)


def test_speed_and_orders_come_from_the_stream(bundle, rig_folder):
    opened = load_bundle(bundle)
    path = next(rig_folder.glob("*/*/a.npy"))
    with open_stream(path, StreamFormat(speed_rpm=1500.0), default=opened.signal) as stream:
        assert opened.kinematics_of(stream) == Kinematics(1500.0, **ORDERS)


@pytest.mark.parametrize("asked", [{"int8": True}, {"tensorrt": ()}])
def test_what_is_of_no_use_is_refused(run, tmp_path, asked):
    with pytest.raises(
        InputError, match="for a run of the front end order-map: expected --fp16 or nothing"
    ):
        export_bundle(run, tmp_path / "bundle", fp16=False, **asked)
    assert not (tmp_path / "bundle").exists()
