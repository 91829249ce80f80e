"""Parity: the windows it is measured on, the figures, and what happens where they are not met."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from dlrsd.export.graphs.fused import Diagnoser
from dlrsd.export.package import windows as diagnosers
from dlrsd.export.package.bundle import export_bundle
from dlrsd.export.verify import parity
from dlrsd.export.verify.parity import (
    compare,
    parity_index,
    reference,
    require_parity,
    run_graph,
)
from dlrsd.runtime.base.errors import ParityError
from dlrsd.runtime.bundle.parts import Agreement
from dlrsd.training.data.vibration.rig import simulate_rig
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration.line import prepare
from dlrsd.training.kinds.vibration.run import load_run
from dlrsd.training.kinds.vibration.settings import Settings


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
    windows = data.cut(parity_index(data))
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
    assert data.cut(parity_index(data)).shape == (4 * (1200 - 1024 + 1), 1, 1024)


def test_the_reference_is_the_trained_model(run, windows, expected):
    model = Diagnoser(run.frontend, run.classifier, run.novelty, run.temperature).eval()
    np.testing.assert_allclose(reference(model, windows), expected, atol=1e-4)


def test_what_a_graph_says(tiny_bundle, windows, expected, monkeypatch):
    monkeypatch.setattr(parity, "_BATCH", 50)
    seen = []
    said = run_graph(tiny_bundle / "diagnoser.onnx", windows, on_window=seen.append)
    np.testing.assert_allclose(said, expected, atol=1e-4)
    assert seen == [50, 100, 150, 176]


def test_what_is_compared(expected):
    said = expected.copy()
    said[[3, 60, 175]] = np.roll(expected[[3, 60, 175]], 1, axis=1)
    fp32 = expected.copy()
    fp32[3] = said[3]
    found = compare(said, trained=expected, fp32=fp32)
    assert found.label_agreement == pytest.approx(173 / 176)
    assert found.fp32_agreement == pytest.approx(174 / 176)
    assert found.max_probability_difference == pytest.approx(np.abs(said - expected).max())


def test_no_number_is_no_parity(expected):
    broken = expected.copy()
    broken[7, 2] = np.nan
    found = compare(broken, trained=expected, fp32=expected)
    assert np.isnan(found.max_probability_difference)
    with pytest.raises(ParityError):
        require_parity("fp32", replace(found, label_agreement=1.0, fp32_agreement=1.0), 176)


@pytest.mark.parametrize(
    ("precision", "agreement", "difference", "enough"),
    [
        ("fp32", 1.0, 9e-4, True),
        ("fp32", 0.9998, 0.0, False),
        ("fp32", 1.0, 2e-3, False),
        ("fp16", 0.9991, 0.04, True),
        ("fp16", 0.9989, 0.04, False),
        ("fp16", 1.0, 0.06, False),
        ("int8", 0.9951, 0.29, True),
        ("int8", 0.9949, 0.1, False),
        ("int8", 1.0, 0.31, False),
    ],
)
@pytest.mark.parametrize("beside", ["label_agreement", "fp32_agreement"])
def test_how_much_is_enough(precision, agreement, difference, enough, beside):
    agree = {"label_agreement": 1.0, "fp32_agreement": 1.0, beside: agreement}
    found = Agreement(**agree, max_probability_difference=difference)
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
    assert message.endswith(f"export without --{precision}") == (precision != "fp32")


def test_a_model_that_says_something_else_fails_the_export(
    tiny_run, tiny_bundle, tmp_path, monkeypatch
):
    out = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr(parity, "WINDOWS", 200)
    monkeypatch.setattr(
        diagnosers,
        "reference",
        lambda model, windows: np.roll(reference(model, windows), 1, axis=1),
    )
    with pytest.raises(ParityError, match=r"the fp32 graph gives the trained model's label on 0"):
        export_bundle(tiny_run, out, fp16=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
