"""Diagnoses against a loop over windows in NumPy, and that no window is lost."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import json_text
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.diagnosis.diagnose import diagnose
from dlrsd.runtime.diagnosis.records import Record
from dlrsd.runtime.diagnosis.windows import Diagnosis
from dlrsd.runtime.dsp.quality import learned_limits
from dlrsd.runtime.engines.engine import Output
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.streams.stream import Chunk, SampleStream, StreamFormat, open_stream
from tests.runtime.certainty import stating, tiny_certainty

pytest.importorskip("onnxruntime")
CLASSES = ["Quiet", "Rough", "Loud"]


def run(
    folder: Path,
    signal: np.ndarray,
    *,
    hop: int | None = None,
    start: str | None = None,
    risk: float | None = None,
) -> list[dict[str, Any]]:
    """Diagnose a signal (channels, samples) by way of a raw file."""
    path = folder.parent / "signal.bin"
    np.ascontiguousarray(signal.T).astype("<f4").tofile(path)
    bundle = load_bundle(folder)
    form = StreamFormat(channels=len(signal), start=start)
    stream = open_stream(path, form, default=bundle.signal)
    return lines(diagnose(stream, bundle, open_engine(bundle), hop=hop, risk=risk))


def lines(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Records as a JSONL file has them."""
    return [json.loads(json_text(record)) for record in records]


def noise(samples: int, *, channels: int = 1, level: float = 1.2) -> np.ndarray:
    return level * np.random.default_rng(0).standard_normal((channels, samples))


def by_hand(window: np.ndarray) -> np.ndarray:
    mean = abs(window.astype(np.float32).astype(float)).mean()
    weight = np.exp(-4 * (mean - np.array([0.1, 1.0, 5.0])) ** 2)
    return weight / weight.sum()


@pytest.mark.parametrize("hop", [None, 64, 100])
def test_every_window_of_every_channel_is_diagnosed(
    hop: int | None, make_bundle: Callable[..., Path]
) -> None:
    signal = noise(20000, channels=2) * np.array([[1.0], [0.1]])
    # Louder, and of another spectrum: by one factor it would be a change of gain.
    signal[0, 10000:] = 3 * np.diff(signal[0, 9999:])
    header, *windows, summary = run(make_bundle(), signal, hop=hop)
    step = hop or 32
    assert header["hop"] == step
    whole = (20000 - 64) // step + 1
    assert len(windows) == summary["records"] >= 2 * whole
    for record in windows[: 2 * whole]:
        start = record["window"] * step
        expected = by_hand(signal[record["channel"], start : start + 64])
        assert record["time_s"] == pytest.approx(start / 1000)
        assert record["quality"] == "ok"
        assert record["label"] == CLASSES[expected.argmax()]
        assert record["probability"] == max(record["probabilities"].values())
        np.testing.assert_allclose(list(record["probabilities"].values()), expected, atol=2e-5)
    assert [(r["window"], r["channel"]) for r in windows] == [
        (w, c) for w in range(summary["windows"]) for c in (0, 1)
    ]
    for channel in (0, 1):
        counted = Counter(r["label"] for r in windows if r["channel"] == channel and r["label"])
        said = dict(summary["labels"][channel])
        assert said.pop("channel") == channel
        assert {name: n for name, n in said.items() if n} == counted
    assert [verdict["label"] for verdict in summary["verdicts"]] == ["Loud", "Quiet"]
    assert summary["verdicts"][0]["since_s"] == pytest.approx(10.0, abs=0.1)


def test_an_unfit_window_keeps_its_place_with_nothing_diagnosed(
    make_bundle: Callable[..., Path],
) -> None:
    signal = noise(3200)
    signal[0, 1000] = np.nan
    signal[0, 2000:2032] = 0
    _, *windows, summary = run(make_bundle(), signal)
    for record in windows:
        start = record["window"] * 32
        has_nan = start <= 1000 < start + 64
        if has_nan:
            assert record["quality"] == "non_finite"
        if record["quality"] != "ok":
            fields = ("label", "probability", "probabilities", "novelty")
            assert [record[field] for field in fields] == [None] * 4
    assert summary["quality"]["non_finite"] == 2
    assert summary["quality"]["gap"] >= 2
    assert summary["quality"]["ok"] == len(windows) - 2 - summary["quality"]["gap"]


def test_a_foreign_spectrum_is_diagnosed_beside_its_flag(make_bundle: Callable[..., Path]) -> None:
    white = noise(64 * 200).reshape(200, 1, 64).astype(np.float32)
    learned = learned_limits(white, np.zeros(200, int), rate_hz=1000)

    def bounded(manifest: dict[str, Any]) -> None:
        own = learned.channels[0]
        bands = {"spectrum_low": own.spectrum_low, "spectrum_high": own.spectrum_high}
        manifest["quality"]["channels"] = [bands]

    signal = noise(6400)
    steep = np.diff(noise(3205)[0], n=5)
    signal[0, 3200:] = steep * signal.std() / steep.std()
    _, *windows, summary = run(make_bundle(change=bounded), signal)
    foreign = [record for record in windows if record["time_s"] >= 3.2]
    assert Counter(r["quality"] for r in windows if r["time_s"] < 3.1)["ok"] > 95  # of 97
    flags = Counter(record["quality"] for record in foreign)
    assert flags["spectrum"] > 70
    assert flags["spectrum"] + flags["ok"] == len(foreign) == 99
    for record in foreign:
        start = record["window"] * 32
        expected = by_hand(signal[0, start : start + 64])
        assert record["label"] == CLASSES[expected.argmax()]
        np.testing.assert_allclose(list(record["probabilities"].values()), expected, atol=2e-5)
        assert record["novelty"] is not None
    verdict = summary["verdicts"][0]
    assert [change["label"] for change in verdict["latest_changes"]] == ["Rough", "undecided"]
    assert (verdict["unfit_share"], verdict["novel_share"]) == (0.0, pytest.approx(0.8, abs=0.1))
    assert verdict["reason"].startswith("unlike the training data: ")
    assert verdict["reason"].endswith("; look at the machine")


@pytest.mark.parametrize(
    ("level", "label"), [(30.0, "Loud"), (75.0, "Loud"), (90.0, None), (1e-4, None), (1e25, None)]
)
def test_a_level_is_diagnosed_where_a_machine_may_be_so_loud(
    level: float, label: str | None, make_bundle: Callable[..., Path]
) -> None:
    def bounded(manifest: dict[str, Any]) -> None:
        manifest["quality"] |= {"level_low": 0.001, "level_high": 20.0}

    signal = noise(1280)
    _, *windows, summary = run(make_bundle(change=bounded), level * signal / signal.std(), hop=640)
    assert [(record["quality"], record["label"]) for record in windows] == [("level", label)] * 2
    assert summary["verdicts"][0]["label"] == "undecided"


def test_the_last_partial_window_is_there(make_bundle: Callable[..., Path]) -> None:
    _, *windows, summary = run(make_bundle(), noise(64 * 10 + 40), hop=64)
    assert [record["quality"] for record in windows] == ["ok"] * 10 + ["gap"]
    assert summary["windows"] == 11
    assert summary["signal_s"] == 0.68


def test_windows_of_several_channels_are_diagnosed_together(
    make_bundle: Callable[..., Path],
) -> None:
    folder = make_bundle(channels=2)
    signal = noise(640, channels=2) * np.array([[1.0], [4.0]])
    signal[1, 600] = np.inf
    header, *windows, _ = run(folder, signal)
    assert header["channels_per_window"] == 2
    assert {record["channel"] for record in windows} == {0}
    np.testing.assert_allclose(
        list(windows[0]["probabilities"].values()), by_hand(signal[:, :64]), atol=2e-5
    )
    assert windows[18]["quality"] == "non_finite"
    with pytest.raises(InputError, match=r"stream has 3 channels.*2 together"):
        run(folder, noise(640, channels=3))


def test_a_known_start_dates_every_record(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    header, *windows, summary = run(folder, noise(3200), start="2026-05-01T12:00:00.5+02:00")
    assert header["start"].startswith("2026-05-01T12:00:00.5")
    assert windows[0]["time"] == "2026-05-01T10:00:00.500000Z"
    assert windows[2]["time"] == "2026-05-01T10:00:00.564000Z"
    assert summary["verdicts"][0]["since"] == "2026-05-01T10:00:00.500000Z"
    _, first, *_ = run(folder, noise(3200), start="2026-05-01T12:00:00")
    assert first["time"] == "2026-05-01T12:00:00.000000"
    _, first, *_ = run(folder, noise(3200))
    assert "time" not in first


def test_novel_windows_are_called_so(make_bundle: Callable[..., Path]) -> None:
    *_, summary = run(make_bundle(), noise(3200, level=14.0))
    verdict = summary["verdicts"][0]
    assert summary["labels"][0]["Loud"] > 90
    assert verdict["label"] == "undecided"
    assert verdict["novel_share"] > 0.9
    assert verdict["reason"] == (
        "unlike the training data: 100 % of the last windows (novel); look at the machine"
    )


def test_a_diagnosis_that_is_no_number_is_none(make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle())

    @dataclass
    class Overflowing:
        """The real engine, as half precision fails: with a NaN for the first window of a call."""

        name = version = device = precision = "test"
        threads = batch = 1
        kinematics = None

        def run(self, windows: Any) -> Output:
            output = open_engine(bundle).run(windows)
            output.probabilities[0] = np.nan
            return output

    path = bundle.path.parent / "signal.bin"
    noise(640)[0].astype("<f4").tofile(path)
    stream = open_stream(path, StreamFormat(), default=bundle.signal)
    _, first, second, *_ = lines(diagnose(stream, bundle, Overflowing()))
    assert (first["quality"], first["label"], first["novelty"]) == ("non_finite", None, None)
    assert second["quality"] == "ok"


def test_a_window_is_diagnosed_before_the_next_samples_are_asked_for(
    make_bundle: Callable[..., Path],
) -> None:
    bundle = load_bundle(make_bundle())
    path = bundle.path.parent / "signal.bin"
    noise(6400)[0].astype("<f4").tofile(path)
    stream = open_stream(path, StreamFormat(), default=bundle.signal)
    whole = next(iter(stream))
    asked = []

    def live() -> Iterator[Any]:
        for at in range(0, 6400, 64):
            asked.append(at)
            yield type(whole)(whole.samples[:, at : at + 64])

    stream.chunks = live()
    diagnosis = Diagnosis(stream, bundle, open_engine(bundle))
    batch = next(iter(diagnosis))
    assert len(batch) == 1
    assert asked == [0]
    assert diagnosis.summary(interrupted=True).windows == 1


class Watched:
    """The real engine; ``before`` is called with the number of each run when it begins."""

    def __init__(self, bundle: Bundle, before: Callable[[int], None], *, threads: int = 2) -> None:
        self._engine = open_engine(bundle)
        self._before = before
        self._runs = itertools.count()
        self.name = self.version = self.device = self.precision = "test"
        self.threads, self.batch, self.kinematics = threads, 64, None

    def run(self, windows: Any) -> Output:
        self._before(next(self._runs))
        return self._engine.run(windows)


def long_diagnosis(
    folder: Path, before: Callable[[int], None], *, threads: int = 2
) -> tuple[Diagnosis, np.ndarray]:
    """A diagnosis of 7999 windows and a partial one that are all there at once, and the signal."""
    bundle = load_bundle(folder)
    signal = noise(256_010)
    path = bundle.path.parent / "signal.bin"
    signal[0].astype("<f4").tofile(path)
    stream = open_stream(path, StreamFormat(), default=bundle.signal)
    return Diagnosis(stream, bundle, Watched(bundle, before, threads=threads)), signal


def test_the_engine_works_two_batches_ahead_and_no_more(make_bundle: Callable[..., Path]) -> None:
    begun, third = [], threading.Event()

    def before(run: int) -> None:
        begun.append(run)
        if run == 2:
            third.set()

    diagnosis, _ = long_diagnosis(make_bundle(), before)
    batches = iter(diagnosis)
    assert next(batches).window[0] == 0
    assert third.wait(10)
    time.sleep(0.05)
    assert len(begun) == 3
    assert diagnosis.summary().windows == 1024


@pytest.mark.parametrize("threads", [1, 2])
def test_batches_come_in_order_whichever_is_done_first(
    threads: int, make_bundle: Callable[..., Path]
) -> None:
    def before(run: int) -> None:
        time.sleep(0.05 if run % 2 == 0 else 0)

    diagnosis, signal = long_diagnosis(make_bundle(), before, threads=threads)
    records = lines(record for batch in diagnosis for record in batch.records())
    assert [record["window"] for record in records] == list(range(8000))
    for record in records[:7999:444]:
        start = record["window"] * 32
        expected = by_hand(signal[:, start : start + 64])
        np.testing.assert_allclose(list(record["probabilities"].values()), expected, atol=2e-5)


def test_an_error_comes_after_the_batches_before_it(make_bundle: Callable[..., Path]) -> None:
    def before(run: int) -> None:
        if run == 3:
            raise InputError("the fourth batch")

    diagnosis, _ = long_diagnosis(make_bundle(), before, threads=1)
    batches = iter(diagnosis)
    assert [int(next(batches).window[0]) for _ in range(3)] == [0, 1024, 2048]
    with pytest.raises(InputError, match="the fourth batch"):
        next(batches)
    assert diagnosis.summary().windows == 3 * 1024


def test_a_hop_below_one_is_refused(make_bundle: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="hop of 0 samples"):
        run(make_bundle(), noise(640), hop=0)


def between(samples: int) -> np.ndarray:
    """Noise of a level between two classes, of which the network is now sure and now not."""
    return noise(samples, level=1.0)


def test_a_stated_risk_leaves_windows_undecided_and_says_how_many(
    make_bundle: Callable[..., Path],
) -> None:
    signal = between(6400)
    folder = make_bundle(change=stating())
    _, *given, before = run(folder, signal)
    header, *windows, summary = run(folder, signal, risk=0.03)  # the nearest that is kept: 0.01
    assert header["risk"] == tiny_certainty()["points"][0]
    fit = [record for record in windows if record["quality"] == "ok"]
    unsure = [record for record in fit if record["probability"] < 0.875]
    assert 20 < len(unsure) < len(fit) - 20
    for record, as_before in zip(windows, given, strict=True):
        assert "reason" not in as_before
        if record in unsure:
            assert (record["label"], record["reason"]) == (None, "unsure")
            assert record["probabilities"] == as_before["probabilities"]
            assert record["novelty"] == as_before["novelty"]
        else:
            assert record == as_before
    assert (summary["unsure"], "unsure" in before) == (len(unsure), False)
    assert summary["quality"] == before["quality"]
    labels = Counter(record["label"] for record in windows if record["label"])
    assert {k: v for k, v in summary["labels"][0].items() if k != "channel" and v} == labels
    (verdict,) = summary["verdicts"]
    last = [record for record in windows if record in unsure and record in windows[-45:]]
    assert verdict["reason"].endswith(
        f"{len(last)} of the last 45 windows not sure enough for the risk"
    )


def test_verdicts_of_a_bundle_with_sets_have_classes(make_bundle: Callable[..., Path]) -> None:
    header, *windows, summary = run(make_bundle(change=stating()), between(6400))
    assert header["certainty"] == tiny_certainty()
    assert "risk" not in header
    fit = [record for record in windows[-45:] if record["novelty"] is not None]
    fit = [record for record in fit if record["novelty"] <= 1]
    assert len(fit) > 23
    limits = dict(zip(CLASSES, tiny_certainty()["limits"], strict=True))
    shares = {
        name: np.mean([record["probabilities"][name] >= limit for record in fit])
        for name, limit in limits.items()
    }
    expected = [name for name, share in shares.items() if share > 0.5]
    assert summary["verdicts"][0]["classes"] == expected
    assert expected == ["Rough"]


def test_a_bundle_without_sets_says_nothing_of_them(make_bundle: Callable[..., Path]) -> None:
    header, *windows, summary = run(make_bundle(), between(6400))
    assert not {"certainty", "risk"} & set(header)
    names = "type window channel time_s label probability probabilities novelty quality"
    assert {tuple(record) for record in windows} == {tuple(names.split())}
    assert "unsure" not in summary
    assert "classes" not in summary["verdicts"][0]


@pytest.mark.parametrize(
    ("change", "risk", "said"),
    [
        (None, 0.01, "bundle tiny states no operating points: export it again from a run that has"),
        (stating(), 0.0, "got a risk of 0: expected more than 0 and less than 1"),
        (stating(), -0.1, "got a risk of -0.1: expected more than 0"),
        (stating(), 1, "got a risk of 1: expected more than 0"),
        (stating(), float("nan"), "got a risk of nan: expected more than 0"),
        (stating(), 0.009, "got a risk of 0.009, and the least that bundle tiny can state is 0.01"),
        (stating(points=[]), 0.5, "bundle tiny can state none: by 600 left-out windows not even"),
    ],
)
def test_a_risk_that_cannot_be_kept_is_refused(
    change: Any, risk: float, said: str, make_bundle: Callable[..., Path]
) -> None:
    folder = make_bundle(**{"change": change} if change else {})
    with pytest.raises(InputError, match=said) as caught:
        run(folder, between(640), risk=risk)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [100, 777, 5000])
def test_a_stream_that_is_pushed_says_the_same(size: int, make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle())
    signal = noise(5000)
    signal[0, 1000:1200] = 0  # unfit
    chunks = [Chunk(signal[:, at : at + size], 40 * (at > 0)) for at in range(0, 5000, size)]

    def opened() -> Diagnosis:
        stream = SampleStream(
            chunks=iter(chunks), rate_hz=1000.0, unit="g", channels=1, numbers=[0], start=None,
            n_samples=None, description={}, close=lambda: None,
        )  # fmt: skip
        return Diagnosis(stream, bundle, open_engine(bundle, threads=1))

    whole, pushed = opened(), opened()
    expected = [record for batch in whole for record in batch.records()]
    got = [r for chunk in chunks for batch in pushed.push(chunk) for r in batch.records()]
    assert len(expected) - len(got) in (0, 1)  # the last window is cut short
    assert got == expected[: len(got)]
    assert pushed.verdicts()[0].label == whole.summary().verdicts[0].label
