"""No leak between training and test, proved on index ranges."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.load import load_recordings
from dlrsd.training.data.vibration.recording import Recording, classes_of
from dlrsd.training.data.vibration.splits import CWRU_FOLDS, PROTOCOLS, by_fault_location, split
from dlrsd.training.data.vibration.windows import draw_windows, grid_windows

WINDOW = 1024
# Of cwru12k (its shortest and others), and lengths that no fraction divides.
LENGTHS = (60_985, 120_984, 121_991, 122_917, 100_003, 65_537)


def recording(label, name, *, n=20_000, fault=None, bearing=None, load=None):
    return Recording(
        signal=np.zeros((1, n), dtype=np.float32),
        rate=12000.0,
        unit="g",
        label=label,
        recording_id=name,
        channels=("DE",),
        fault=fault or label,
        bearing_id=bearing,
        load=load,
    )


@pytest.fixture
def lengths():
    return [recording(label, f"{label}{n}", n=n) for label in ("normal", "inner") for n in LENGTHS]


@pytest.fixture
def cwru():
    """The labels and bearings of cwru10, without the samples."""
    made = [
        recording("Normal", f"N_{load}", fault="normal", bearing="healthy", load=load)
        for load in range(4)
    ]
    part = {"B": "rolling_element", "I": "inner", "O": "outer"}
    for bearing in sorted(set().union(*CWRU_FOLDS)):
        name = bearing.removeprefix("DE_")
        made += [
            recording(name, f"{name}_{load}", fault=part[name[0]], bearing=bearing, load=load)
            for load in range(4)
        ]
    return made


def touched(recordings, index):
    """Which samples of each recording any window covers."""
    masks = [np.zeros(r.n_samples, dtype=bool) for r in recordings]
    for i, start in zip(index.recording, index.start, strict=True):
        masks[i][start : start + WINDOW] = True
    return masks


def windows_of(recordings, parts, seed):
    classes = classes_of(recordings)
    drawn = draw_windows(
        recordings,
        parts.train,
        classes,
        window=WINDOW,
        balance_ratio=1,
        normal=classes[0],
        seed=seed,
    )
    every = grid_windows(recordings, parts.train, classes, window=WINDOW, hop=1)
    test = grid_windows(recordings, parts.test, classes, window=WINDOW, hop=512)
    return drawn, every, test


def assert_apart(recordings, parts, seed):
    drawn, every, test = windows_of(recordings, parts, seed)
    in_test = touched(recordings, test)
    for training in (drawn, every):
        for r, a, b in zip(recordings, touched(recordings, training), in_test, strict=True):
            assert a.any()
            assert b.any()
            assert not (a & b).any()
            # No training sample within 5 % of the recording of a test sample.
            where_a, where_b = np.flatnonzero(a), np.flatnonzero(b)
            left, right = where_a[where_a < where_b[0]], where_a[where_a > where_b[-1]]
            assert len(left) + len(right) == len(where_a)
            if len(left):
                assert where_b[0] - left[-1] > 0.05 * r.n_samples
            if len(right):
                assert right[0] - where_b[-1] > 0.05 * r.n_samples


@pytest.mark.parametrize("seed", range(4))
def test_block_shares_no_sample(lengths, seed):
    assert_apart(lengths, split(lengths, protocol="block", seed=seed, window=WINDOW), seed)


@pytest.mark.parametrize("seed", range(4))
def test_block_shares_no_sample_on_cwru10(folder_of, seed):
    recordings = load_recordings("cwru12k", root=folder_of("cwru12k"), task="cwru10")
    assert_apart(recordings, split(recordings, protocol="block", seed=seed, window=WINDOW), seed)


def test_block_tests_every_sample_once_in_four_seeds(lengths):
    tested = [np.zeros(r.n_samples, dtype=int) for r in lengths]
    for seed in range(4):
        for i, start, stop in split(lengths, protocol="block", seed=seed, window=WINDOW).test:
            tested[i][start:stop] += 1
    assert all((counts == 1).all() for counts in tested)
    first, fifth = (split(lengths, protocol="block", seed=s, window=WINDOW) for s in (0, 4))
    assert first == fifth


def test_random_leaks_as_published(lengths):
    parts = split(lengths, protocol="random", seed=0, window=WINDOW)
    assert all(s.stop - s.start == WINDOW for s in parts.train + parts.test)
    assert not set(parts.train) & set(parts.test)
    assert len(parts.test) / len(parts.train + parts.test) == pytest.approx(0.2, abs=0.005)
    total = sum((n - WINDOW) // 512 + 1 for n in LENGTHS) * 2
    assert len(parts.train + parts.test) == total
    train = {(s.recording, s.start) for s in parts.train}
    leaking = [(s.recording, s.start + 512) in train for s in parts.test]
    assert np.mean(leaking) > 0.5
    assert "share samples" in parts.note


def test_load_default_trains_on_the_lowest(cwru):
    parts = split(cwru, protocol="load", seed=0, window=WINDOW)
    assert {cwru[s.recording].load for s in parts.train} == {0}
    assert {cwru[s.recording].load for s in parts.test} == {1, 2, 3}
    assert len(parts.train + parts.test) == len(cwru)


@pytest.mark.parametrize(
    ("options", "train", "test"),
    [
        ({"train_loads": [1, 2]}, {1, 2}, {0, 3}),
        ({"test_loads": [3]}, {0, 1, 2}, {3}),
        ({"train_loads": [0], "test_loads": [2]}, {0}, {2}),
    ],
)
def test_load_takes_the_given_loads(cwru, options, train, test):
    parts = split(cwru, protocol="load", seed=0, window=WINDOW, **options)
    assert {cwru[s.recording].load for s in parts.train} == train
    assert {cwru[s.recording].load for s in parts.test} == test


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"train_loads": [7]}, "no recording has load 7: there are 0, 1, 2, 3"),
        ({"train_loads": [0, 1], "test_loads": [1]}, "load 1 is in both parts"),
        ({"train_loads": [0, 1, 2, 3]}, "leave nothing for one part"),
    ],
)
def test_load_refuses_impossible_loads(cwru, options, said):
    with pytest.raises(InputError, match=said):
        split(cwru, protocol="load", seed=0, window=WINDOW, **options)


@pytest.mark.parametrize(
    ("seed", "tested"),
    [
        (0, {"DE_B014", "DE_IR007", "DE_OR014"}),
        (1, {"DE_B021", "DE_IR021", "DE_OR007"}),
        (2, {"DE_B007", "DE_IR014", "DE_OR021"}),
        (3, {"DE_B014", "DE_IR007", "DE_OR014"}),
    ],
)
def test_bearing_uses_the_published_folds_of_cwru(cwru, seed, tested):
    recordings = by_fault_location(cwru)
    assert {r.label for r in recordings} == {"Normal", "inner", "outer", "rolling_element"}
    parts = split(recordings, protocol="bearing", seed=seed, window=WINDOW)
    train, test = ([recordings[s.recording] for s in spans] for spans in (parts.train, parts.test))
    assert {r.bearing_id for r in test} - {"healthy"} == tested
    assert {r.bearing_id for r in train} & {r.bearing_id for r in test} == {"healthy"}
    assert len(train) + len(test) == len(cwru)
    for fault in ("inner", "outer", "rolling_element"):
        assert {r.load for r in test if r.label == fault} == {0, 1, 2, 3}
    healthy = [{r.load for r in part if r.label == "Normal"} for part in (train, test)]
    assert not healthy[0] & healthy[1]
    assert len(healthy[1]) == 1
    assert "divided by load" in parts.note


def test_bearings_of_no_published_fold_always_train(cwru):
    fan = [
        recording("B007", f"F_{load}", fault="rolling_element", bearing="FE_B007", load=load)
        for load in range(4)
    ]
    recordings = by_fault_location([*cwru, *fan])
    for seed in range(3):
        parts = split(recordings, protocol="bearing", seed=seed, window=WINDOW)
        alone = split(by_fault_location(cwru), protocol="bearing", seed=seed, window=WINDOW)
        assert parts.test == alone.test
        assert {recordings[s.recording].bearing_id for s in parts.train} >= {"FE_B007"}
        assert "bearings of no fold (FE_B007) always train" in parts.note


@pytest.mark.parametrize("seed", range(5))
def test_bearing_puts_a_third_of_each_class_to_the_test(seed):
    recordings = [
        recording(label, f"{label}{b}{part}", bearing=f"{label}_{b}")
        for label, n in (("normal", 4), ("inner", 6), ("outer", 2))
        for b in range(n)
        for part in "ab"
    ]
    parts = split(recordings, protocol="bearing", seed=seed, window=WINDOW)
    test = {recordings[s.recording].bearing_id for s in parts.test}
    assert not test & {recordings[s.recording].bearing_id for s in parts.train}
    counts = [sum(b.startswith(label) for b in test) for label in ("normal", "inner", "outer")]
    assert counts == [1, 2, 1]


@pytest.mark.parametrize("seed", range(8))
def test_a_bearing_that_wears_out_stays_on_one_side(seed):
    """Run to failure: the same bearing is healthy first and broken later."""
    recordings = [
        recording(label, f"{b}{label}", bearing=f"bearing{b}")
        for b in range(6)
        for label in ("normal", "inner" if b % 2 else "outer")
    ]
    parts = split(recordings, protocol="bearing", seed=seed, window=WINDOW)
    test = {recordings[s.recording].bearing_id for s in parts.test}
    assert test
    assert not test & {recordings[s.recording].bearing_id for s in parts.train}


def test_what_the_recordings_do_not_say_is_refused(cwru):
    plain = [recording(label, f"{label}{i}") for label in ("normal", "inner") for i in range(3)]
    for protocol, said in (("load", "state no load"), ("bearing", "do not say which bearing")):
        with pytest.raises(InputError, match=f"6 of 6 recordings {said}"):
            split(plain, protocol=protocol, seed=0, window=WINDOW)
    with pytest.raises(InputError, match=r"'B007' has one bearing only \(DE_B007\)"):
        split(cwru, protocol="bearing", seed=0, window=WINDOW)
    with pytest.raises(InputError, match="unknown protocol 'time': choose one of random"):
        split(cwru, protocol="time", seed=0, window=WINDOW)


def test_one_healthy_bearing_without_loads_is_refused():
    recordings = [recording("normal", "n", bearing="h")] + [
        recording("inner", f"i{b}", bearing=f"i{b}") for b in range(3)
    ]
    with pytest.raises(InputError, match=r"'normal' has one bearing only .* no two loads"):
        split(recordings, protocol="bearing", seed=0, window=WINDOW)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_class_too_short_for_one_part_is_refused(cwru, protocol):
    recordings = by_fault_location(cwru)
    short = [r if r.label != "inner" else recording("inner", "x", n=900) for r in recordings]
    short = [
        type(r)(
            **{
                **vars(r),
                "bearing_id": r.bearing_id or f"b{i}",
                "load": r.load or 0.0,
                "rig": "b" if r.label == "inner" or r.load else "a",
            }
        )
        for i, r in enumerate(short)
    ]
    with pytest.raises(InputError, match="class 'inner' has no window of 1024 samples") as caught:
        split(short, protocol=protocol, seed=0, window=WINDOW)
    assert protocol in str(caught.value)
