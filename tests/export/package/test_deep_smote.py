"""Deep SMOTE from a run to heatmaps on the box: the exported regressor is the trained one."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema
import numpy as np
import onnxruntime
import pytest
import torch
from msgspec.structs import replace

from dlrsd.export.package.bundle import export_bundle
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.synthesis.synthesize import synthesize
from dlrsd.training.balance.mansourifar_deep_smote import PairRegressor
from dlrsd.training.kinds.vibration.fit import fit
from dlrsd.training.kinds.vibration.line import materials_for, prepare
from dlrsd.training.kinds.vibration.run import load_run


@pytest.fixture(scope="module")
def settings(hurried_settings):
    """Enough steps for the network of pairs to learn where the middle is."""
    return replace(hurried_settings, training=replace(hurried_settings.training, pair_steps=60))


@pytest.fixture(scope="module")
def folders(settings, tmp_path_factory):
    """A run of Deep SMOTE and its bundle."""
    place = tmp_path_factory.mktemp("deep")
    fit(settings, place / "run", method="mansourifar-deep-smote")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlrsd.export.verify.parity.WINDOWS", 200)
        export_bundle(place / "run", place / "bundle", fp16=False)
    return place / "run", place / "bundle"


@pytest.fixture(scope="module")
def run(folders):
    return load_run(folders[0])


def test_a_run_keeps_the_regressor_and_drawn_windows(folders, run, settings):
    assert (folders[0] / "regressor.safetensors").is_file()
    assert not (folders[0] / "generator.safetensors").exists()
    assert isinstance(run.kept.network, PairRegressor)
    materials = materials_for("mansourifar-deep-smote", settings, prepare(settings))
    for label, pool in enumerate(materials.pools):
        anchors = run.anchors[f"heatmap/{label}"]
        assert (anchors.dtype, anchors.shape) == (np.float16, (12, 1, 32, 32))
        np.testing.assert_array_equal(anchors, pool.drawn[:12].astype(np.float16))


def test_it_puts_pairs_near_their_middle(run):
    """What squared error asks for, of points that lie evenly between two."""
    for label in range(4):
        x = run.anchors[f"heatmap/{label}"].astype(np.float32)
        a, b = x[:-1], x[1:]
        with torch.inference_mode():
            made = run.kept.network(torch.from_numpy(a), torch.from_numpy(b)).numpy()
        off, apart = (np.sqrt((d**2).sum(axis=(1, 2, 3))) for d in (made - (a + b) / 2, a - b))
        assert (off / apart).mean() < 0.45  # either end lies at 0.5, another window near 1


def test_the_manifest_states_the_method_by_the_schema(folders):
    manifest = json.loads((folders[1] / "manifest.json").read_text(encoding="utf-8"))
    schema = json.loads(
        (resources.files("dlrsd.runtime.bundle") / "manifest.schema.json").read_text()
    )
    jsonschema.validate(manifest, schema)
    assert (
        manifest["synthesis"]["method"]
        == manifest["training"]["method"]
        == "mansourifar-deep-smote"
    )
    assert "heatmaps of drawn training windows" in manifest["synthesis"]["statement"]
    assert set(manifest["files"]) == {"anchors.npz", "diagnoser.onnx", "synthesizer.onnx"}


@pytest.mark.parametrize("batch", [1, 7])
def test_the_graph_gives_what_the_network_gives(folders, run, batch):
    rng = np.random.default_rng(0)
    first, second = 2 * rng.standard_normal((2, batch, 1, 32, 32)).astype(np.float32)
    with torch.inference_mode():
        want = run.kept.network(torch.from_numpy(first), torch.from_numpy(second)).numpy()
    session = onnxruntime.InferenceSession(folders[1] / "synthesizer.onnx")
    (got,) = session.run(["heatmap"], {"first": first, "second": second})
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, atol=1e-4)
    assert [i.shape for i in session.get_inputs()] == [["batch", 1, 32, 32]] * 2


def test_the_box_makes_more_of_a_class(folders, run):
    made = synthesize(load_bundle(folders[1]), "outer", 80, seed=0)
    report = made.report
    assert (report["drawn"], report["anchors"]) == (60, 12)
    assert report["decoded"] > 30
    assert report["decoded"] + report["smote"] == len(made.heatmaps) == 80
    x = torch.from_numpy(run.anchors["heatmap/3"].astype(np.float32))
    first, second = torch.cartesian_prod(torch.arange(12), torch.arange(12)).T
    with torch.inference_mode():
        every = run.kept.network(x[first], x[second]).numpy().reshape(144, -1)
    own = made.heatmaps[: report["decoded"]].reshape(report["decoded"], -1)
    assert np.abs(own[:, None] - every[None]).max(axis=2).min(axis=1).max() < 1e-3
    assert len(np.unique(made.heatmaps.reshape(80, -1), axis=0)) == 80
