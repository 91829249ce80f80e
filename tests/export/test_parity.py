"""Parity: the windows it is measured on, the figures, and what happens where they are not met."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from dlrsd.export import bundle as bundle_module
from dlrsd.export import parity
from dlrsd.export.bundle import export_bundle
from dlrsd.export.fused import Diagnoser
from dlrsd.export.parity import measure, parity_windows, reference, require_parity
from dlrsd.runtime.errors import ParityError
from dlrsd.training.fit_classifier import predict
from dlrsd.training.prepare import Settings, prepare
from dlrsd.training.rig import simulate_rig
from dlrsd.training.run import load_run


@pytest.fixture(scope="module")
def run(tiny_run):
    return load_run(tiny_run)


@pytest.fixture(scope="module")
def windows(tiny_settings):
    data = prepare(tiny_settings)
    return data.cut(data.test_index())


@pytest.fixture(scope="module")
def expected(run, windows):
    logits, _ = predict(run.classifier, run.frontend.heatmaps(windows))
    return torch.softmax(torch.from_numpy(logits) / run.temperature, dim=1).numpy()


def test_at_least_ten_thousand_windows_of_all_of_the_test_part(tiny_settings):
    data = prepare(tiny_settings)
    windows = parity_windows(data)
    assert windows.shape == (10_000, 1, 1024)
    assert windows.dtype == np.float32
    # Every one lies in the test quarter, and every recording gives its share.
    shares = []
    for span in data.split.test:
        part = data.recordings[span.recording].signal[0, span.start : span.stop]
        every = np.lib.stride_tricks.sliding_window_view(part, 1024)
        shares.append({every[i].tobytes() for i in range(len(every))})
    own = [window.tobytes() for window in windows]
    assert len(set(own)) == 10_000
    counts = [sum(window in share for window in own) for share in shares]
    assert sum(counts) == 10_000
    assert max(counts) - min(counts) <= 1


def test_all_windows_where_there_are_fewer():
    rig = simulate_rig(seed=0, seconds=0.4, loads=(1,), n_bearings=1)
    data = prepare(Settings("rig", n_normal=4, balance=2.0), rig)
    assert parity_windows(data).shape == (4 * (1200 - 1024 + 1), 1, 1024)


def test_the_reference_is_the_trained_model(run, windows, expected):
    model = Diagnoser(run.frontend, run.classifier, run.novelty, run.temperature).eval()
    np.testing.assert_allclose(reference(model, windows), expected, atol=1e-4)


def test_what_is_measured(tiny_bundle, windows, expected, monkeypatch):
    monkeypatch.setattr(parity, "_BATCH", 50)
    seen = []
    path = tiny_bundle / "diagnoser.onnx"
    found = measure(path, windows, expected, on_window=seen.append)
    assert found["label_agreement"] == 1.0
    assert 0 < found["max_probability_difference"] < 1e-4
    assert seen == [50, 100, 150, 176]
    disturbed = expected.copy()
    disturbed[[3, 60, 175]] = np.roll(expected[[3, 60, 175]], 1, axis=1)
    found = measure(path, windows, disturbed)
    assert found["label_agreement"] == pytest.approx(173 / 176)
    want = np.abs(disturbed - expected).max()
    assert found["max_probability_difference"] == pytest.approx(want, abs=1e-4)


def test_no_number_is_no_parity(tiny_bundle, windows, expected):
    broken = expected.copy()
    broken[7, 2] = np.nan
    found = measure(tiny_bundle / "diagnoser.onnx", windows, broken)
    assert np.isnan(found["max_probability_difference"])
    with pytest.raises(ParityError):
        require_parity("fp32", {**found, "label_agreement": 1.0}, len(windows))


@pytest.mark.parametrize(
    ("precision", "agreement", "difference", "enough"),
    [
        ("fp32", 1.0, 9e-4, True),
        ("fp32", 0.9998, 0.0, False),
        ("fp32", 1.0, 2e-3, False),
        ("fp16", 0.9991, 0.04, True),
        ("fp16", 0.9989, 0.04, False),
        ("fp16", 1.0, 0.06, False),
    ],
)
def test_how_much_is_enough(precision, agreement, difference, enough):
    found = {"label_agreement": agreement, "max_probability_difference": difference}
    if enough:
        require_parity(precision, found, 10_000)
        return
    with pytest.raises(ParityError) as caught:
        require_parity(precision, found, 10_000)
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        precision,
        f"{agreement:.4%}",
        "10000 test windows",
        f"{difference:.2g}",
        "no bundle",
    ):
        assert part in message


def test_a_model_that_says_something_else_fails_the_export(
    tiny_run, tiny_bundle, tmp_path, monkeypatch
):
    out = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr(parity, "WINDOWS", 200)
    monkeypatch.setattr(
        bundle_module,
        "reference",
        lambda model, windows: np.roll(reference(model, windows), 1, axis=1),
    )
    with pytest.raises(ParityError, match=r"the fp32 graph gives the trained model's label on 0"):
        export_bundle(tiny_run, out, fp16=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
