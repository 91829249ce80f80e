"""The benchmark on the tiny bundle: what its rows say, and that a wrong graph gets no speed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError, InputError
from dlrsd.runtime.bench import windows as benchmark_windows
from dlrsd.runtime.bench.measure import benchmark, is_wrong
from dlrsd.runtime.bench.table import show
from dlrsd.runtime.bench.windows import recorded_windows, synthetic_windows, window_count
from dlrsd.runtime.bundle.bundle import load_bundle

pytest.importorskip("onnxruntime")
TIMES = ("p50_us", "p95_us", "p99_us", "windows_per_s", "times_real_time")
# Of the tiny graph; the wrong one believes that a Rough machine is Quiet.
BIAS = -4 * np.array([0.1, 1.0, 5.0], np.float32) ** 2
WEIGHT = np.stack([8 * np.array([0.1, 1.0, 5.0]), np.zeros(3)]).astype(np.float32)
WRONG_BIAS = BIAS + np.array([0.0, -9.0, 0.0], np.float32)


def add_fp16(folder: Path, *, bias: np.ndarray = BIAS, weight: np.ndarray = WEIGHT) -> Path:
    """A second graph in the bundle, with another bias and weight."""
    graph = (folder / "diagnoser.onnx").read_bytes()
    for before, after in ((BIAS, bias), (WEIGHT, weight)):
        assert graph.count(before.tobytes()) == 1
        graph = graph.replace(before.tobytes(), after.astype(np.float32).tobytes())
    (folder / "diagnoser.fp16.onnx").write_bytes(graph)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["diagnoser.fp16.onnx"] = {
        "sha256": hashlib.sha256(graph).hexdigest(),
        "bytes": len(graph),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def rows_of(folder: Path, *, seconds: float = 0.02, **options: Any) -> list[dict[str, Any]]:
    return benchmark(load_bundle(folder), seconds=seconds, device="cpu", **options)


def test_a_row_for_every_precision_and_batch(make_bundle: Callable[..., Path]) -> None:
    folder = add_fp16(make_bundle())
    steps: list[tuple[int, int]] = []
    # Long enough that a moment in which the machine stands still weighs little in a mean.
    rows = rows_of(folder, seconds=0.3, batches=(1, 100), on_row=lambda *s: steps.append(s))
    assert [(r["precision"], r["batch"]) for r in rows] == [
        ("fp32", 1), ("fp32", 100), ("fp16", 1), ("fp16", 100)
    ]  # fmt: skip
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for row in rows:
        assert row["agreement"] == 1.0
        assert 0 < row["p50_us"] <= row["p95_us"] <= row["p99_us"]
        assert row["calls"] >= 10
        # A batch takes about p50; the mean that windows_per_s counts lies near it.
        assert row["windows_per_s"] * row["p50_us"] * 1e-6 == pytest.approx(row["batch"], rel=0.9)
        assert row["times_real_time"] == pytest.approx(row["windows_per_s"] * 32 / 1000)
        assert row["bytes"] == (folder / "diagnoser.onnx").stat().st_size
        assert row["peak_memory_mb"] is None or 20 < row["peak_memory_mb"] < 2000
    assert [row["accuracy"] for row in rows] == [1.0, 1.0, None, None]


def test_a_wrong_graph_gets_no_speed(make_bundle: Callable[..., Path]) -> None:
    folder = add_fp16(make_bundle(), bias=WRONG_BIAS)
    windows = synthetic_windows(load_bundle(folder), 1500)
    mean = abs(windows.astype(float)).mean(axis=(1, 2))
    right, wrong = (
        (8 * mean[:, None] * np.array([0.1, 1.0, 5.0]) + bias).argmax(axis=1)
        for bias in (BIAS, WRONG_BIAS)
    )
    expected = np.mean(right == wrong)
    assert 0.3 < expected < 0.95
    good, bad = rows_of(folder, windows=windows, batches=(64,))
    assert not is_wrong(good)
    assert good["p50_us"] > 0
    assert is_wrong(bad)
    assert bad["agreement"] == pytest.approx(expected, abs=2e-3)
    assert [bad[key] for key in TIMES] == [None] * len(TIMES)
    assert bad["note"].startswith(f"wrong: {100 * bad['agreement']:.2f} % of the labels as fp32")


def test_a_graph_that_gives_no_number_is_wrong(make_bundle: Callable[..., Path]) -> None:
    huge = np.full(3, np.finfo(np.float32).max)  # with any level it is infinite
    weight = np.stack([huge, 0 * huge])
    rows = rows_of(add_fp16(make_bundle(), weight=weight, bias=huge), batches=(64,))
    assert [row["agreement"] for row in rows] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batches": (1, 0)}, "got a batch of 0 windows, expected 1 or more"),
        ({"batches": (-4,)}, "got a batch of -4 windows"),
        ({"engine": "abacus"}, "got engine 'abacus'.*expected onnxruntime"),
        ({"engine": "tensorrt"}, "tensorrt on cuda"),
        ({"threads": 0}, "got 0 threads"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    options: dict[str, Any], message: str, make_bundle: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match=message):
        rows_of(make_bundle(), **options)


def test_a_precision_that_the_bundle_lacks_is_refused(make_bundle: Callable[..., Path]) -> None:
    with pytest.raises(BundleError, match=r"has no diagnoser\.fp16\.onnx"):
        rows_of(make_bundle(), precisions=("fp16",))


def test_synthetic_windows_are_fit_for_diagnosis(make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle(channels=3))
    windows = synthetic_windows(bundle, 200)
    assert windows.shape == (200, 3, 64)
    assert windows.dtype == np.float32
    rms = np.sqrt(np.mean(windows.astype(float) ** 2, axis=(1, 2)))
    limits = bundle.quality
    assert limits.level_low < rms.min() < 5 * limits.level_low
    assert limits.level_high / 5 < rms.max() < limits.level_high
    np.testing.assert_array_equal(windows, synthetic_windows(bundle, 200))


def test_windows_of_a_recording(make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    bundle = load_bundle(make_bundle())
    signal = np.arange(1000, dtype=np.float32).reshape(500, 2)  # interleaved, two channels
    signal.tofile(tmp_path / "s.bin")
    (tmp_path / "s.bin.json").write_text('{"dtype": "f32le", "channels": 2, "rate": 1000}')
    windows = recorded_windows(str(tmp_path / "s.bin"), bundle)
    starts = range(0, 500 - 64 + 1, 32)
    expected = [signal[s : s + 64, c] for s in starts for c in (0, 1)]
    np.testing.assert_array_equal(windows[:, 0], expected)
    assert len(recorded_windows(str(tmp_path / "s.bin"), bundle, 5)) == 5
    with pytest.raises(InputError, match="2 channels, the bundle takes 3"):
        recorded_windows(str(tmp_path / "s.bin"), load_bundle(make_bundle("three", channels=3)))
    signal[:20].tofile(tmp_path / "s.bin")
    with pytest.raises(InputError, match=r"holds 20 samples.*a window takes 64"):
        recorded_windows(str(tmp_path / "s.bin"), bundle)


def test_json_rows(make_bundle: Callable[..., Path], command: Callable[..., Any]) -> None:
    folder = make_bundle()
    done = command("benchmark", "--bundle", folder, "--seconds", "0.02", "--batch", "7", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = json.loads(done.stdout)
    assert {
        "engine", "precision", "batch", "threads", "p50_us", "p95_us", "p99_us", "windows_per_s",
        "agreement",
    } <= set(row)  # fmt: skip
    assert (row["engine"], row["precision"], row["batch"]) == ("onnxruntime", "fp32", 7)


def test_the_table_fits_and_a_wrong_row_fails(
    make_bundle: Callable[..., Path], command: Callable[..., Any]
) -> None:
    folder = add_fp16(make_bundle(), bias=WRONG_BIAS)
    done = command("benchmark", "--bundle", folder, "--seconds", "0.02")
    assert done.returncode == 2
    assert done.stderr.startswith("error: fp16 on cpu gives other labels than fp32")
    assert done.stderr.count("\n") == 1
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines if line.startswith(("fp32 ", "fp16 "))]
    batches = ["1", "64", "1024"]
    assert [row[:2] for row in rows] == [[p, b] for p in ("fp32", "fp16") for b in batches]
    assert {row[2] for row in rows[3:]} == {"wrong"}
    assert any(line.startswith("fp16, batch 1, 64, 1024: wrong: ") for line in lines)


def test_a_batch_of_none_is_refused_in_one_line(
    make_bundle: Callable[..., Path], command: Callable[..., Any]
) -> None:
    done = command("benchmark", "--bundle", make_bundle(), "--batch", "0")
    assert done.returncode == 2
    assert done.stderr == "error: got a batch of 0 windows, expected 1 or more\n"


def test_order_maps_are_made_for_the_machine_trained_on(
    make_order_map: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(benchmark_windows, "WINDOWS", 256)
    rows = rows_of(make_order_map())
    assert [row["batch"] for row in rows] == [1, 64]
    for row in rows:
        assert row["agreement"] == 1.0
        assert row["p50_us"] > 0
        assert row["kinematics"] == {
            "speed_rpm": 1750.0, "bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398
        }  # fmt: skip
        assert row["times_real_time"] == pytest.approx(row["windows_per_s"] * 1024 / 4000)
    show(rows, source=None, as_json=False)
    text = " ".join(capsys.readouterr().out.split())
    assert "Lines, a part of each call, are for 1750 rpm and bpfo 3.585, bpfi 5.415" in text


@pytest.mark.parametrize(("window", "count"), [(64, 2048), (1024, 2048), (4096, 512), (2**20, 256)])
def test_long_windows_are_fewer(window: int, count: int, make_bundle: Callable[..., Path]) -> None:
    assert window_count(load_bundle(make_bundle(window=window))) == count
