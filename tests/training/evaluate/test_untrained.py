"""What the lines say of a test part whose faults are known, with nothing trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dlrsd.runtime.dsp.envelope import envelope_spectrum
from dlrsd.training.data.vibration.prepared import Divided
from dlrsd.training.data.vibration.rig import ORDERS, simulate_rig
from dlrsd.training.data.vibration.splits import Span, Split
from dlrsd.training.evaluate.untrained import MOST_WINDOWS, untrained

RATE = 12000


@pytest.fixture(scope="module")
def recordings():
    return simulate_rig(seed=3, seconds=6.0, loads=(0, 2), n_bearings=1)


def divided(recordings, spans=None):
    """All of each recording is tested, unless said otherwise."""
    classes = list(dict.fromkeys(r.label for r in recordings))
    whole = [Span(i, 0, r.n_samples) for i, r in enumerate(recordings)]
    split = Split("block", [], whole if spans is None else spans, "")
    return Divided(list(recordings), classes, "Normal", split, 1024, 512)


def test_each_fault_of_a_simulated_rig_is_named(recordings):
    figures, arrays = untrained(divided(recordings))
    found = figures["untrained"]
    assert list(found) == ["Normal", "outer", "inner", "ball"]
    for name, place in zip(found, ("healthy", "outer", "inner", "ball"), strict=True):
        own = found[name]
        counts = [own[part] for part in ("right", "missed", "undecided", "wrong")]
        assert (own["place"], own["verdict"], own["recordings"]) == (place, place, 2)
        assert counts == [2, 0, 0, 0]
    assert list(arrays) == [f"envelope/{index}" for index in range(4)]


def test_the_spectrum_shown_has_its_line_where_theory_puts_it(recordings):
    figures, arrays = untrained(divided(recordings))
    own, level = figures["untrained"]["outer"], arrays["envelope/1"].astype(float)
    shown = next(r for r in recordings if r.recording_id == own["recording"])
    expected = ORDERS["bpfo"] * shown.speed_rpm / 60
    low, high = (round(expected * share / own["bin_hz"]) for share in (0.97, 1.03))
    peak = low + level[low : high + 1].argmax()
    (line,) = (line for line in own["lines"] if line["name"] == "bpfo 1x")
    assert line["hz"] == pytest.approx(peak * own["bin_hz"], abs=own["bin_hz"])
    assert level[peak] == pytest.approx(line["level_db"], abs=0.01)  # as half precision holds it
    windows = shown.signal[0].astype(float).reshape(-1, 2 * RATE)
    highest, block = len(level) * own["bin_hz"], 0.7 * own["shaft_hz"]
    spectra = [envelope_spectrum(x, RATE, highest, block).excess[peak] for x in windows]
    assert np.min(np.abs(10 * np.log10(spectra) - level[peak])) < 0.3  # one of its windows


def test_another_fault_than_the_label_says_counts_as_wrong_and_none_as_missed(recordings):
    renamed = {"outer": "inner", "Normal": "ball", "inner": "outer", "ball": "normal"}
    swapped = [replace(r, fault=renamed[r.label]) for r in recordings]
    found = untrained(divided(swapped))[0]["untrained"]
    assert [found["outer"][part] for part in ("right", "missed", "wrong")] == [0, 0, 2]
    assert [found["Normal"][part] for part in ("right", "missed", "wrong")] == [0, 2, 0]
    assert [found["ball"][part] for part in ("right", "missed", "wrong")] == [0, 0, 2]


def test_only_the_test_part_is_looked_at(recordings):
    """Pieces that touch are one stretch of two seconds; all around it is another fault."""
    outer, inner = recordings[2], recordings[4]
    assert (outer.label, inner.label) == ("outer", "inner")
    half, start = RATE // 2, 30000
    signal = inner.signal.copy()
    signal[:, start : start + 4 * half] = outer.signal[:, : 4 * half]
    pieces = [Span(0, start + i * half, start + (i + 1) * half) for i in (2, 0, 3, 1)]
    figures, _ = untrained(divided([replace(outer, signal=signal)], pieces))
    assert figures["untrained"]["outer"]["right"] == 1
    whole, _ = untrained(divided([replace(outer, signal=signal)]))
    assert whole["untrained"]["outer"]["verdict"] == "inner"


def test_a_long_recording_is_judged_by_its_first_windows(recordings):
    normal, outer = recordings[0], recordings[2]
    first = 2 * RATE * MOST_WINDOWS
    signal = np.concatenate([np.tile(outer.signal, 2)[:, :first], *[normal.signal] * 4], axis=1)
    figures, _ = untrained(divided([replace(outer, signal=signal)]))
    assert figures["untrained"]["outer"]["right"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"speed_rpm": None},
        {"fault_orders": {}},
        {"fault_orders": {**ORDERS, "bpfo": ORDERS["bpfi"], "bpfi": ORDERS["bpfo"]}},
        {"fault": "misalignment"},
        {"fault": None},
        {"signal": np.ones((1, 1000), np.float32)},
    ],
    ids=["no speed", "no orders", "swapped orders", "no place", "fault unknown", "too short"],
)
def test_what_cannot_be_judged_is_left_out(recordings, changed):
    assert untrained(divided([replace(recordings[2], **changed)])) == ({}, {})


def test_a_folder_may_be_called_outer_in_any_case(recordings):
    named = replace(recordings[2], fault="Outer", label="Outer")
    assert untrained(divided([named]))[0]["untrained"]["Outer"]["right"] == 1


def test_a_class_of_several_faults_has_no_place(recordings):
    mixed = [replace(r, label="faulty") for r in recordings if r.label in ("outer", "inner")]
    assert untrained(divided([recordings[0], *mixed]))[0]["untrained"].keys() == {"Normal"}


def test_a_fault_on_any_channel_is_the_recordings(recordings):
    normal, outer = recordings[0].signal, recordings[2].signal
    both = replace(recordings[2], signal=np.concatenate([normal, outer]), channels=("a", "b"))
    assert untrained(divided([both]))[0]["untrained"]["outer"]["right"] == 1


def test_a_signal_that_is_no_vibration_is_undecided_or_left_out(recordings):
    flat = replace(recordings[2], signal=np.zeros_like(recordings[2].signal))
    assert untrained(divided([flat])) == ({}, {})
    found = untrained(divided([flat, recordings[3]]))[0]["untrained"]["outer"]
    assert (found["recordings"], found["right"], found["undecided"]) == (2, 1, 1)
