"""What `inspect` says before training, on recordings with known flaws."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.rig import simulate_rig
from dlrsd.training.inspect.data import inspect, render

WINDOW = 1024
rng = np.random.default_rng(0)


def noise(n=30_000, level=1.0):
    return (level * rng.standard_normal((1, n))).astype(np.float32)


def recording(label, name, signal=None, **facts):
    facts = {"unit": "g", "rate": 12_000.0, "channels": ("a",)} | facts
    signal = noise() if signal is None else signal
    fault = "normal" if label == "normal" else label
    return Recording(signal=signal, label=label, recording_id=name, fault=fault, **facts)


def healthy_and_inner():
    return [recording(label, f"{label}{i}") for label in ("normal", "inner") for i in range(3)]


def said(report, severity=None):
    return " | ".join(f["text"] for f in report["findings"] if severity in (None, f["severity"]))


def shown(report):
    out = io.StringIO()
    Console(file=out, width=80).print(render(report))
    return out.getvalue()


@pytest.fixture(scope="module")
def rig():
    return inspect(simulate_rig(seed=0, seconds=5), window=WINDOW)


def test_totals_and_levels(rig):
    assert rig["recordings"] == 48
    assert rig["minutes"] == pytest.approx(4.0)
    assert rig["bearings"] == 12
    assert (rig["rates_hz"], rig["units"], rig["loads"]) == ([12_000.0], ["g"], [0, 1, 2, 3])
    assert list(rig["classes"]) == ["Normal", "ball", "inner", "outer"]
    assert rig["classes"]["Normal"]["bearings"] == 3
    assert rig["classes"]["Normal"]["kurtosis"] == pytest.approx(3, abs=0.2)
    assert rig["classes"]["outer"]["kurtosis"] > 8


def test_levels_of_known_signals():
    sine = np.sqrt(2) * np.sin(2 * np.pi * np.arange(30_000) / 100)[None].astype(np.float32) + 5
    report = inspect([recording("normal", "n", sine), recording("inner", "i")], window=WINDOW)
    entry = report["classes"]["normal"]
    assert entry["rms"] == pytest.approx(1, rel=1e-3)
    assert entry["peak"] == pytest.approx(np.sqrt(2), rel=1e-3)
    assert entry["kurtosis"] == pytest.approx(1.5, rel=1e-3)
    assert "an offset of more than half the RMS in n" in said(report, "warning")


def test_what_each_protocol_leaves(rig):
    protocols = rig["protocols"]
    assert list(protocols) == ["random", "block", "load", "bearing"]
    # 12 recordings of 60,000 samples: a quarter holds 14 windows; 20 and 28 the rest.
    assert protocols["block"]["test"]["inner"] == 12 * (15_000 // WINDOW)
    assert protocols["block"]["train"]["inner"] == 12 * ((45_000 - 3_000) // WINDOW)
    assert protocols["load"]["train"]["inner"] == 3 * (60_000 // WINDOW)
    assert protocols["bearing"]["test"]["inner"] == 4 * (60_000 // WINDOW)
    assert {p["enough"] for p in protocols.values()} == {"yes"}
    assert "2000 windows drawn of the largest class overlap" in said(rig)


def test_fits_80_columns(rig):
    text = shown(rig)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for word in ("outer", "kurtosis", "bearing", "492 / 168", "enough?"):
        assert word in text
    long = [
        recording(label, f"{label}{i}", noise(900_000))
        for label in ("normal", "rolling_element_0.007_in", "outer_and_inner_0.021_in")
        for i in range(3)
    ]
    text = shown(inspect(long, window=WINDOW))
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_a_test_part_of_few_windows_is_thin():
    recordings = [*healthy_and_inner(), recording("outer", "o", noise(4 * 3 * 1030))]
    report = inspect(recordings, window=WINDOW)
    assert report["protocols"]["block"]["enough"] == "thin"
    assert report["protocols"]["block"]["test"]["outer"] == 3
    assert "`block`: outer has 3 windows in the test part" in said(report, "warning")
    assert "steps of 33 %" in said(report, "warning")


def test_a_single_training_window_is_not_enough():
    recordings = [*healthy_and_inner(), recording("outer", "o", noise(2 * WINDOW))]
    report = inspect(recordings, window=WINDOW, seed=0)
    block = report["protocols"]["block"]
    assert block["enough"] == "no"
    assert "'outer' has no window of 1024 samples in the test part" in block["error"]
    loads = [
        recording(label, f"{label}{load}", noise(n), load=load)
        for label, n in (("normal", 30_000), ("inner", WINDOW + 10))
        for load in (0.0, 1.0)
    ]
    report = inspect(loads, window=WINDOW)
    assert report["protocols"]["load"]["enough"] == "no"
    assert "`load`: inner has a single window to train on" in said(report, "problem")


def test_a_class_with_one_bearing_cannot_be_evaluated_on_a_new_one():
    recordings = [
        recording(label, f"{label}{b}", bearing_id=f"{label}{b}")
        for label, bearings in (("normal", 3), ("inner", 3), ("outer", 1))
        for b in range(bearings)
    ]
    report = inspect(recordings, window=WINDOW)
    assert report["protocols"]["bearing"]["enough"] == "no"
    assert "`bearing` cannot be evaluated: class 'outer' has one bearing only" in said(report)
    assert "one bearing only in outer" in said(report)


@pytest.mark.parametrize(
    ("flaw", "sentence", "severity"),
    [
        ("nan", "NaN or infinite samples in bad", "problem"),
        ("stuck", "stuck sensor) in bad", "problem"),
        ("zeros", "missing samples) in bad", "problem"),
        ("clipped", "clipped sensor) in bad", "warning"),
        ("offset", "an offset of more than half the RMS in bad", "warning"),
        ("short", "shorter than one window of 1024 samples, left out: bad", "warning"),
        ("copy", "recordings with identical samples: normal0, bad", "problem"),
    ],
)
def test_flaws_of_a_recording_are_found(flaw, sentence, severity):
    recordings = healthy_and_inner()
    part = sentence.split(" in bad")[0].split(": ")[0]
    assert part not in said(inspect(recordings, window=WINDOW))
    signal = noise()
    if flaw == "nan":
        signal[0, 77] = np.nan
    elif flaw == "stuck":
        signal[0, 5000:8000] = 1.5
    elif flaw == "zeros":
        signal[0, 5000:5100] = 0
    elif flaw == "clipped":
        signal = signal.clip(-1.5, 1.5)
    elif flaw == "offset":
        signal += 0.8
    elif flaw == "short":
        signal = signal[:, :1000]
    elif flaw == "copy":
        signal = recordings[0].signal.copy()
    recordings.append(recording("inner", "bad", signal))
    report = inspect(recordings, window=WINDOW)
    assert sentence in said(report, severity)
    assert "nan" not in shown(report).replace("NaN", "")


def test_level_as_a_shortcut_names_the_channel_and_the_direction():
    def two(label, name, level):
        quiet = np.concatenate([noise(), noise(level=level)])
        return recording(label, name, quiet, channels=("a1", "a2"))

    recordings = [two("normal", "n", 1.0), two("inner", "i", 0.5), two("outer", "o", 1.0)]
    text = said(inspect(recordings, window=WINDOW), "note")
    assert "channel a2: the level alone tells inner (quieter) from normal" in text
    assert "channel a1" not in text
    assert "outer (" not in text


def test_mixed_rates_are_brought_to_the_lowest():
    recordings = healthy_and_inner()
    recordings.append(recording("inner", "fast", noise(60_000), rate=24_000.0))
    report = inspect(recordings, window=WINDOW)
    assert report["rates_hz"] == [12_000.0, 24_000.0]
    assert "rates differ (12000, 24000 Hz): all are brought to 12000 Hz" in said(report)
    assert report["protocols"]["block"]["test"]["inner"] == 4 * (7_500 // WINDOW)


def test_units_channels_and_classes_that_do_not_fit():
    recordings = [
        *healthy_and_inner(),
        recording("inner", "volts", unit="V"),
        recording("inner", "other", channels=("b",)),
    ]
    text = said(inspect(recordings, window=WINDOW), "problem")
    assert "units differ (V, g)" in text
    assert "channels differ" in text
    text = said(inspect([recording("inner", "alone")], window=WINDOW))
    assert "there is one class only" in text
    assert "no class is known to be healthy" in text


def test_nothing_to_inspect():
    with pytest.raises(InputError, match="no recording to inspect"):
        inspect([], window=WINDOW)


def test_speed_and_orders_decide_on_the_order_map(rig):
    assert "rpm) and fault orders are stated: --protocol load, bearing" in said(rig, "note")
    orders = {"bpfo": 3.585, "bpfi": 5.415, "bsf": 4.714, "ftf": 0.398}  # twice a roller's spin
    doubled = [
        recording(label, f"{label}{i}", speed_rpm=1750.0, fault_orders=orders)
        for label in ("normal", "inner")
        for i in range(3)
    ]
    assert "orders: got bsf 4.714: expected 1.650 to 2.357" in said(
        inspect(doubled, window=WINDOW), "warning"
    )
    half = inspect([*doubled, *healthy_and_inner()], window=WINDOW)
    assert "6 of 12 recordings (such as normal0) do not state" in said(half, "warning")
    assert "order-map" not in said(inspect(healthy_and_inner(), window=WINDOW))
