"""Drawing, laying out and cutting windows."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.splits import Span
from dlrsd.training.data.vibration.windows import counts_by_class, cut, draw_windows, grid_windows

CLASSES = ["normal", "inner", "outer"]
WINDOW = 64


def recording(label, name, n=5000, channels=("a",), rate=1000.0):
    # Every sample is unique within its recording, so that a cut proves where it came from.
    signal = np.arange(len(channels) * n, dtype=np.float32).reshape(len(channels), n)
    return Recording(signal, rate, "g", label, name, channels)


@pytest.fixture
def recordings():
    return [recording(label, f"{label}{i}") for label in CLASSES for i in range(4)]


@pytest.fixture
def spans(recordings):
    return [s for i in range(len(recordings)) for s in (Span(i, 0, 2000), Span(i, 3000, 4100))]


def draw(recordings, spans, **options):
    options = {"window": WINDOW, "balance_ratio": 400, "normal": "normal", "seed": 0} | options
    return draw_windows(recordings, spans, CLASSES, **options)


@pytest.mark.parametrize(
    ("ratio", "n_fault"), [(1, 2000), (5, 400), (300, 6), (400, 5), (2000, 1), (9999, 1)]
)
def test_counts_follow_the_balance_ratio(recordings, spans, ratio, n_fault):
    index = draw(recordings, spans, balance_ratio=ratio)
    assert counts_by_class(index, CLASSES) == {"normal": 2000, "inner": n_fault, "outer": n_fault}
    assert {recordings[i].label for i in index.recording[index.label == 1]} == {"inner"}


def test_windows_lie_inside_the_spans_and_never_twice_at_one_place(recordings, spans):
    index = draw(recordings, spans, balance_ratio=1)
    inside = [
        any(s.recording == r and s.start <= start and start + WINDOW <= s.stop for s in spans)
        for r, start in zip(index.recording, index.start, strict=True)
    ]
    assert all(inside)
    assert len(set(zip(index.recording, index.start, strict=True))) == len(index)
    # Both spans of a recording are used, in proportion to the starts they offer.
    share = np.mean(index.start < 2000)
    assert share == pytest.approx(1937 / (1937 + 1037), abs=0.03)


def test_round_robin_over_the_recordings_of_a_class(recordings, spans):
    index = draw(recordings, spans)
    for label in (1, 2):
        per_recording = np.unique(index.recording[index.label == label], return_counts=True)[1]
        assert sorted(per_recording) == [1, 1, 1, 2]
    assert set(np.bincount(index.recording[index.label == 0])) == {500}


def test_the_seed_decides_and_a_class_does_not_depend_on_the_others(recordings, spans):
    one, same, other = (draw(recordings, spans, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.start, same.start)
    assert not np.array_equal(one.start, other.start)
    without_outer = [s for s in spans if recordings[s.recording].label != "outer"]
    pair = draw_windows(
        recordings,
        without_outer,
        CLASSES[:2],
        window=WINDOW,
        balance_ratio=400,
        normal="normal",
        seed=7,
    )
    np.testing.assert_array_equal(pair.start, one.start[one.label < 2])


def test_without_a_normal_class_the_largest_is_the_majority(recordings, spans):
    more = [*spans, Span(4, 4100, 5000)]
    assert counts_by_class(draw(recordings, more, normal=None), CLASSES)["inner"] == 2000


def test_more_windows_than_places_takes_all_before_any_again(recordings):
    spans = [Span(i, k, k + WINDOW) for i in range(12) for k in range(0, 640, 64)]
    index = draw(recordings, spans, n_normal=100)
    normal = index.label == 0
    places, times = np.unique(
        np.stack([index.recording[normal], index.start[normal]]), axis=1, return_counts=True
    )
    assert places.shape[1] == 40
    assert set(times) == {2, 3}


def test_grid_takes_every_window_that_fits(recordings):
    spans = [Span(0, 10, 10 + WINDOW + 2 * 32), Span(5, 0, WINDOW - 1), Span(9, 0, WINDOW)]
    index = grid_windows(recordings, spans, CLASSES, window=WINDOW, hop=32)
    assert index.recording.tolist() == [0, 0, 0, 9]
    assert index.start.tolist() == [10, 42, 74, 0]
    assert index.label.tolist() == [0, 0, 0, 2]


def test_cut_returns_the_samples_of_every_channel():
    recordings = [recording("normal", f"r{i}", n=300 + i, channels=("a", "b")) for i in range(3)]
    spans = [Span(i, 0, 300) for i in range(3)]
    index = grid_windows(recordings, spans, CLASSES, window=WINDOW, hop=50)
    order = np.random.default_rng(0).permutation(len(index))
    shuffled = type(index)(index.recording[order], index.start[order], index.label[order])
    out = cut(recordings, shuffled, WINDOW)
    assert out.shape == (len(index), 2, WINDOW)
    assert out.dtype == np.float32
    for row, i, start in zip(out, shuffled.recording, shuffled.start, strict=True):
        np.testing.assert_array_equal(row, recordings[i].signal[:, start : start + WINDOW])


def test_no_window_at_all_is_an_empty_batch(recordings):
    index = grid_windows(recordings, [], CLASSES, window=WINDOW, hop=32)
    assert len(index) == 0
    assert cut(recordings, index, WINDOW).shape == (0, 1, WINDOW)


@pytest.mark.parametrize(
    ("spans_of_inner", "said"),
    [([], "'inner' has no window of 64"), ([Span(4, 0, WINDOW)], "'inner' has a single window")],
)
def test_a_class_without_enough_windows_is_refused(recordings, spans, spans_of_inner, said):
    others = [s for s in spans if recordings[s.recording].label != "inner"]
    with pytest.raises(InputError, match=said) as caught:
        draw(recordings, [*others, *spans_of_inner])
    assert "\n" not in str(caught.value)


def test_a_single_window_is_enough_where_one_is_wanted(recordings, spans):
    others = [s for s in spans if recordings[s.recording].label != "inner"]
    index = draw(recordings, [*others, Span(4, 7, 7 + WINDOW)], balance_ratio=2000)
    assert index.start[index.label == 1].tolist() == [7]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"balance_ratio": 0.5}, "at least 1, got 0.5"),
        ({"n_normal": 0}, "got 0"),
        ({"normal": "healthy"}, "'healthy': the classes are normal, inner, outer"),
    ],
)
def test_wrong_options_are_refused(recordings, spans, options, said):
    with pytest.raises(InputError, match=said):
        draw(recordings, spans, **options)


def test_cut_refuses_values_that_are_not_finite(recordings):
    recordings[0].signal[0, 100] = np.nan
    index = grid_windows(recordings, [Span(0, 0, 90)], CLASSES, window=WINDOW, hop=32)
    assert np.isfinite(cut(recordings, index, WINDOW)).all()
    index = grid_windows(recordings, [Span(0, 0, 200)], CLASSES, window=WINDOW, hop=32)
    with pytest.raises(InputError, match="normal0 holds values that are not finite"):
        cut(recordings, index, WINDOW)


@pytest.mark.parametrize("other", [{"channels": ("a", "b")}, {"rate": 2000.0}])
def test_cut_refuses_mixed_recordings(other):
    recordings = [recording("normal", "one"), recording("normal", "two", **other)]
    spans = [Span(0, 0, 200), Span(1, 0, 200)]
    index = grid_windows(recordings, spans, CLASSES, window=WINDOW, hop=32)
    with pytest.raises(InputError, match="recordings differ"):
        cut(recordings, index, WINDOW)
