"""Verdicts against a window-by-window reference, and the numbers a person would work out."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dlrsd.runtime.diagnosis.records import Change
from dlrsd.runtime.diagnosis.verdict import KEPT_CHANGES, VerdictTracker
from dlrsd.runtime.dsp.quality import QUALITY

CLASSES = ("a", "b", "c")


def feed(
    tracker: VerdictTracker,
    labels: np.ndarray,
    *,
    batch: int,
    novelty: np.ndarray | None = None,
    flags: list[str] | None = None,
) -> list[Change]:
    labels = np.asarray(labels)
    novelty = np.zeros(len(labels)) if novelty is None else novelty
    times = np.arange(len(labels)) * 0.5
    changes = []
    for at in range(0, len(labels), batch):
        part = slice(at, at + batch)
        probability = np.where(labels[part] >= 0, 0.9, np.nan)
        codes = None if flags is None else np.array([*map(QUALITY.index, flags[part])], np.uint8)
        changes += tracker.update(times[part], labels[part], probability, novelty[part], codes)
    return changes


def reference(labels: np.ndarray, *, last: int, hold: int) -> list[tuple[str, float, float]]:
    """Changes as (label, began, decided), one window at a time."""
    recent: list[tuple[int, float]] = []
    current, found = "undecided", []
    for index, label in enumerate(labels):
        recent = [*recent, (int(label), index * 0.5)][-last:]
        counts = Counter(label for label, _ in recent if label >= 0)
        best = max(range(len(CLASSES)), key=lambda label: counts[label])
        earned = counts[best] >= hold and 2 * counts.total() >= len(recent)
        holds = CLASSES[best] if earned else "undecided"
        if holds != current:
            own = [time for label, time in recent if label >= 0 and CLASSES[label] == holds]
            found.append((holds, own[0] if own else recent[-1][1], index * 0.5))
            current = holds
    return found


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
@pytest.mark.parametrize("seed", range(4))
def test_changes_are_those_of_a_window_by_window_count(seed: int, batch: int) -> None:
    rng = np.random.default_rng(seed)
    favourite = rng.integers(0, 3, 20).repeat(50)
    labels = np.where(rng.random(1000) < 0.75, favourite, rng.integers(-1, 3, 1000))
    tracker = VerdictTracker(CLASSES, last=15, hold=10)
    changes = feed(tracker, labels, batch=batch)
    expected = reference(labels, last=15, hold=10)
    assert len(expected) > 10
    assert [(c.label, c.time_s, c.decided_s) for c in changes] == expected
    verdict = tracker.verdict()
    assert verdict.label == expected[-1][0]
    assert verdict.changes == len(expected)
    assert verdict.unfit_share == pytest.approx(np.mean(labels < 0))


def test_a_class_holds_only_with_enough_of_the_last_windows() -> None:
    tracker = VerdictTracker(CLASSES, last=45, hold=30)
    feed(tracker, [0] * 29, batch=29)
    assert tracker.verdict().label == "undecided"
    assert tracker.verdict().reason == "29 of the 30 fit windows that a verdict needs"
    feed(tracker, [0], batch=1)
    assert tracker.verdict().label == "a"
    assert tracker.verdict().reason is None


@pytest.mark.parametrize("batch", [3, 40])
def test_shares_count_from_where_the_verdict_began(batch: int) -> None:
    # 20 of b, then a with every fifth window b: a holds with 8 of 10.
    labels = [1] * 20 + ([0] * 4 + [1]) * 20
    novelty = np.where((np.arange(120) < 20) & (np.arange(120) % 3 == 0), 2.0, 0.5)
    tracker = VerdictTracker(CLASSES, last=10, hold=8)
    feed(tracker, labels, batch=batch, novelty=novelty)
    verdict = tracker.verdict()
    assert verdict.label == "a"
    assert verdict.since_s == 10.0
    assert verdict.share == pytest.approx(0.8)
    assert verdict.probability == pytest.approx(0.9)
    assert verdict.novel_share == 0.0
    assert [change.label for change in verdict.latest_changes] == ["b", "undecided", "a"]


def test_unfit_windows_count_among_the_last_and_carry_no_label() -> None:
    tracker = VerdictTracker(CLASSES, last=4, hold=3)
    feed(tracker, [-1, 2, -1, 2, -1, -1, 2, -1], batch=3)
    assert tracker.verdict().label == "undecided"
    assert tracker.verdict().unfit_share == pytest.approx(5 / 8)
    feed(tracker, [2, 2], batch=1)
    assert tracker.verdict().label == "c"


@pytest.mark.parametrize("batch", [1, 10])
def test_a_class_does_not_hold_where_most_windows_are_novel(batch: int) -> None:
    tracker = VerdictTracker(CLASSES, last=4, hold=3)
    labels, novelty = [0] * 10, np.array([0.5] * 4 + [1.5] * 6)
    changes = feed(tracker, labels, batch=batch, novelty=novelty)
    # The third of four novel windows is one too many.
    assert [(c.label, c.decided_s) for c in changes] == [("a", 1.0), ("undecided", 3.0)]
    assert tracker.verdict().reason == (
        "unlike the training data: 100 % of the last windows (novel); look at the machine"
    )
    assert tracker.verdict().novel_share == 1.0
    feed(tracker, [0] * 2, batch=1)
    assert tracker.verdict().label == "a"


def test_a_class_does_not_hold_where_most_windows_are_unfit() -> None:
    tracker = VerdictTracker(CLASSES, last=6, hold=3)
    changes = feed(tracker, [0] * 6 + [-1] * 4, batch=4, flags=["ok"] * 6 + ["hum"] * 4)
    # Three of six are half of them, four are most.
    assert [(c.label, c.decided_s) for c in changes] == [("a", 1.0), ("undecided", 4.5)]
    verdict = tracker.verdict()
    assert verdict.label == "undecided"
    assert (
        verdict.reason
        == "unlike the training data: 67 % of the last windows unfit (hum); look at the sensor"
    )
    assert verdict.since_s == 4.5


@pytest.mark.parametrize("batch", [1, 10])
def test_windows_with_a_flag_are_novel_and_speak_for_no_class(batch: int) -> None:
    tracker = VerdictTracker(CLASSES, last=6, hold=4)
    feed(tracker, [0] * 6, batch=batch)
    # Three flagged ones of six are not most, but those left are too few to hold.
    changes = feed(tracker, [0] * 3, batch=batch, flags=["spectrum"] * 3)
    assert [c.label for c in changes] == ["undecided"]
    feed(tracker, [0] * 5 + [1] * 20, batch=batch, flags=["spectrum"] * 25)
    verdict = tracker.verdict()
    assert (verdict.label, verdict.novel_share, verdict.unfit_share) == ("undecided", 1.0, 0.0)
    assert verdict.reason == (
        "unlike the training data: 100 % of the last windows (spectrum); look at the machine"
    )
    feed(tracker, [0] * 4, batch=batch)
    assert tracker.verdict().label == "a"


def test_nothing_fit_is_said() -> None:
    tracker = VerdictTracker(CLASSES, last=4, hold=3)
    assert tracker.verdict().since_s is None
    feed(tracker, [-1] * 10, batch=4)
    assert tracker.verdict().label == "undecided"
    assert tracker.verdict().reason == "no window was fit for diagnosis"
    assert tracker.verdict().unfit_share == 1.0


def test_memory_does_not_grow_with_the_changes() -> None:
    tracker = VerdictTracker(CLASSES, last=1, hold=1)
    feed(tracker, [0, 1] * 500, batch=64)
    assert tracker.verdict().changes == 1000
    assert len(tracker.verdict().latest_changes) == KEPT_CHANGES


def test_too_few_windows_of_a_class_are_counted() -> None:
    tracker = VerdictTracker(CLASSES, last=8, hold=6)
    feed(tracker, [0] * 8, batch=4)
    feed(
        tracker,
        [0, -1, 0, -1, 0, 1, 0, -1],
        batch=8,
        flags=["ok", "clipped"] * 2 + ["ok"] * 3 + ["gap"],
    )
    assert tracker.verdict().reason == (
        "no class in 6 of the last 8 windows: 4 say a; 38 % of the last windows (clipped, gap)"
    )


@pytest.mark.parametrize(("flag", "says"), [("offset", True), ("drift", True), ("level", False)])
def test_a_mean_that_moves_may_be_the_machines(flag: str, says: bool) -> None:
    tracker = VerdictTracker(CLASSES, last=6, hold=3)
    feed(tracker, [0] + [-1] * 6, batch=7, flags=["ok"] + [flag] * 6)
    reason = tracker.verdict().reason
    assert reason is not None
    assert f"unfit ({flag}); look at the sensor" in reason
    assert ("imbalance" in reason) == says


def test_a_reason_of_one_window_among_many_is_not_listed() -> None:
    tracker = VerdictTracker(CLASSES, last=40, hold=30)
    feed(tracker, [0] * 39 + [-1], batch=40, flags=["spectrum"] * 39 + ["gap"])
    assert tracker.verdict().reason == (
        "unlike the training data: 100 % of the last windows (spectrum); look at the machine"
    )


def test_windows_that_are_not_sure_speak_for_no_class_and_are_counted_in_the_reason() -> None:
    tracker = VerdictTracker(CLASSES, last=10, hold=7)
    unsure = np.arange(12) % 4 == 3  # two or three of ten
    labels = np.zeros(12, int)
    update(tracker, labels, unsure=unsure)
    verdict = tracker.verdict()
    assert (verdict.label, verdict.unfit_share) == ("a", 0)
    assert verdict.share == pytest.approx(9 / 12)
    assert verdict.reason == "3 of the last 10 windows not sure enough for the risk"
    update(tracker, np.zeros(4, int), unsure=np.ones(4, bool))
    verdict = tracker.verdict()
    assert verdict.label == "undecided"
    assert verdict.reason == (
        "no class in 7 of the last 10 windows: 4 say a; 6 of the last 10 windows not sure enough "
        "for the risk"
    )


def test_no_sure_window_at_all_is_no_verdict() -> None:
    tracker = VerdictTracker(CLASSES, last=10, hold=7)
    assert update(tracker, np.ones(30, int), unsure=np.ones(30, bool)) == []
    verdict = tracker.verdict()
    assert (verdict.label, verdict.novel_share) == ("undecided", 0)
    assert verdict.reason == (
        "no class in 7 of the last 10 windows; 10 of the last 10 windows not sure enough for the "
        "risk"
    )


@pytest.mark.parametrize("batch", [1, 3, 40])
def test_the_verdicts_classes_are_those_in_most_sets_of_the_last_windows(batch: int) -> None:
    rng = np.random.default_rng(1)
    tracker = VerdictTracker(CLASSES, last=9, hold=6)
    sets, novelty = rng.random((40, 3)) < 0.5, rng.choice([0.5, 2.0], 40, p=[0.8, 0.2])
    labels = rng.integers(-1, 3, 40)
    seen = set()
    for at in range(0, 40, batch):
        part = slice(at, at + batch)
        update(tracker, labels[part], sets=sets[part], novelty=novelty[part])
        last = slice(max(0, min(40, at + batch) - 9), at + batch)
        known = (labels[last] >= 0) & (novelty[last] <= 1)
        expected = None
        if known.sum() >= len(known) / 2:
            expected = [
                name
                for name, held in zip(CLASSES, sets[last].T, strict=True)
                if held[known].sum() > known.sum() / 2
            ]
        assert tracker.verdict().classes == expected
        seen.add(expected is None or len(expected))
    if batch == 1:
        assert seen >= {True, 0, 2}  # True: no set; or a set of one


def test_without_sets_a_verdict_has_no_classes() -> None:
    tracker = VerdictTracker(CLASSES, last=9, hold=6)
    update(tracker, np.zeros(9, int))
    assert tracker.verdict().classes is None


def update(
    tracker: VerdictTracker,
    labels: np.ndarray,
    *,
    novelty: np.ndarray | None = None,
    **more: np.ndarray,
) -> list[Change]:
    n = len(labels)
    novelty = np.zeros(n) if novelty is None else novelty
    return tracker.update(np.arange(n) * 0.5, labels, np.full(n, 0.9), novelty, **more)
