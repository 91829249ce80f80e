"""Sequence diagnoses of tables with holes against the tiny graph's arithmetic in a NumPy loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.bundle import load_bundle
from dlrsd.runtime.diagnose import diagnose
from dlrsd.runtime.engine import open_engine
from dlrsd.runtime.stream import StreamFormat, open_stream

pytest.importorskip("onnxruntime")
pytest.importorskip("pyarrow")
CLASSES = ["Quiet", "Rough", "Loud"]
WINDOW, HOLD = 8, 3
NO_DIAGNOSIS = dict.fromkeys(("label", "probability", "probabilities", "novelty"))
START = np.datetime64("2010-10-28T22:15:00", "s")


def plant(samples: int, *, missing: float = 0.2) -> np.ndarray:
    """S1 and R1 of a plant that drifts, with a share of its samples missing."""
    rng = np.random.default_rng(0)
    signal = 0.3 * rng.standard_normal((2, samples)).cumsum(axis=1)
    signal[rng.random(signal.shape) < missing] = np.nan
    return signal


def by_hand(
    signal: np.ndarray, *, hop: int = WINDOW, hold: int = HOLD, new_at: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """Records of a signal (2, samples); the state begins anew at the windows ``new_at``."""
    filled = signal.astype(np.float32).astype(float)
    for channel, at in np.argwhere(np.isnan(signal)):
        recent = signal[channel, max(0, at - hold) : at]
        if np.isfinite(recent).any():
            filled[channel, at] = recent[np.isfinite(recent)][-1]
    level, means, records = 0.0, np.zeros(2), []
    for index, start in enumerate(range(0, signal.shape[1], hop)):
        measured = np.isfinite(signal[:, start : start + WINDOW])
        record = {"window": index, "missing": 1 - measured.sum() / (2 * WINDOW)}
        if index in new_at:
            level, means = 0.0, np.zeros(2)
        if start + WINDOW <= signal.shape[1] and measured.any():
            window = filled[:, start : start + WINDOW]
            mean = np.where(np.isnan(window), [[0.5], [-1.0]], window).mean(axis=1)
            level, means = level / 2 + mean[0] - mean[1] / 2, means / 4 + mean
            scores = [
                0.5 - 0.3 * means[0] + 0.4 * means[1],
                level + 0.2 * means[0],
                -level + 0.1 * means[0] - 0.4 * means[1],
            ]
            weights = np.exp(np.array(scores) - max(scores))
            record |= {"probabilities": weights / weights.sum(), "novelty": abs(level) / 8}
        records.append(record)
        if start + WINDOW >= signal.shape[1]:
            return records
    return records


def write_csv(
    path: Path,
    signal: np.ndarray,
    *,
    header: str | None = "time,S1,R1",
    null: Sequence[str] = ("",),
    times: np.ndarray | None = None,
    order: Sequence[int] = (0, 1),
    more: Sequence[str] = (),
) -> Path:
    """Rows of time, the channels in ``order``, and ``more`` values that are the same in each."""
    if times is None:
        times = START + 900 * np.arange(signal.shape[1])
    lines = [] if header is None else [header]
    for row, (time, values) in enumerate(zip(times, signal[list(order)].T, strict=True)):
        cells = [null[row % len(null)] if np.isnan(v) else repr(float(v)) for v in values]
        lines.append(",".join([str(time).replace("T", " "), *cells, *more]))
    path.write_text("\n".join(lines) + "\n")
    return path


def run(folder: Path, source: Path, **stated: Any) -> list[dict[str, Any]]:
    bundle = load_bundle(folder)
    with open_stream(source, StreamFormat(**stated), default=bundle.signal) as stream:
        return list(diagnose(stream, bundle, open_engine(bundle)))


def assert_same(records: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> None:
    assert [record["window"] for record in records] == [each["window"] for each in expected]
    for record, each in zip(records, expected, strict=True):
        assert record["missing"] == pytest.approx(each["missing"], abs=1e-6)
        if "probabilities" not in each:
            assert record["quality"] == "gap"
            assert record | NO_DIAGNOSIS == record
            continue
        assert record["quality"] == "ok"
        got = list(record["probabilities"].values())
        np.testing.assert_allclose(got, each["probabilities"], atol=2e-5)
        assert record["novelty"] == pytest.approx(each["novelty"], abs=2e-5)
        assert record["label"] == CLASSES[each["probabilities"].argmax()]


@pytest.mark.parametrize("hop", [8, 3, 1, 11])
def test_every_step_goes_on_from_the_state_before(
    hop: int, make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    signal = plant(700)
    source = write_csv(tmp_path / "plant.csv", signal, null=("", r"\N", "NaN", "NULL", r" \N"))
    header, *steps, summary = run(make_sequence(hop=hop), source)
    expected = by_hand(signal, hop=hop)
    assert_same(steps, expected)
    assert len({each["probabilities"].argmax() for each in expected[:-1]}) == 3
    assert header["kind"] == "sequence"
    assert header["stream"]["warnings"] == []
    assert summary["missing_samples"] == np.isnan(signal).sum()
    assert summary["samples"] == signal.size
    assert summary["windows"] == len(expected)
    assert summary["signal_s"] == 700 * 900
    assert [step["time_s"] for step in steps] == [900.0 * hop * i for i in range(len(steps))]
    assert steps[1]["time"] == f"{START + 900 * hop}.000000"
