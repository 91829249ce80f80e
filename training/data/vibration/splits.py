"""What may be trained on and what is kept for the test, under five protocols.

A split says for every recording which samples belong to which part, before any window is cut.

- `random`: overlapping windows dealt out at random. Leaky: neighbours share samples. It is the
  published habit, kept for comparison only.
- `block`: every recording is cut in time; a quarter is the test part, and 5 % of the recording on
  each side of it belongs to neither. The same physical bearing is on both sides.
- `load`: some loads train, others test.
- `bearing`: no physical bearing on both sides; the fault's location is the class
  (`by_fault_location`).
- `rig`: no data set on both sides, each in turn; the fault's location is the class, and amplitude
  says nothing (`rigs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.recording import Recording, normal_class
from dlrsd.training.data.vibration.rigs import comparable, left_out_rig

PROTOCOLS = ("random", "block", "load", "bearing", "rig")
ELSEWHERE = ("load", "bearing", "rig")  # of them, those whose test is of another machine or state

# Folds without leakage published for the drive-end bearings of CWRU.
CWRU_FOLDS = (
    {"DE_B014", "DE_IR007", "DE_OR014"},
    {"DE_B021", "DE_IR021", "DE_OR007"},
    {"DE_B007", "DE_IR014", "DE_OR021"},
)


class Span(NamedTuple):
    """Samples [start, stop) of the recording at this index."""

    recording: int
    start: int
    stop: int


@dataclass(frozen=True)
class Split:
    """The two parts, and one sentence on how they came about."""

    protocol: str
    train: list[Span]
    test: list[Span]
    note: str


def split(
    recordings: Sequence[Recording],
    *,
    protocol: str,
    seed: int,
    window: int,
    hop: int = 512,
    train_loads: Sequence[float] | None = None,
    test_loads: Sequence[float] | None = None,
) -> Split:
    """Divide recordings into a training and a test part.

    Parameters
    ----------
    recordings : at one rate, as `as_seen_by` the protocol.
    protocol : one of `PROTOCOLS`.
    seed : which quarter, bearings, rig or windows are tested.
    window : samples, > 0; spans that cannot hold one window are left out.
    hop : samples between neighbouring windows of `random`; the others do not use it.
    train_loads, test_loads : for `load`. Default: train on the lowest load, test on all others.

    Returns
    -------
    Split with at least one window of every class in both parts; under `rig` in the training part.

    Raises
    ------
    InputError
        If the recordings do not say what the protocol needs, or leave a class empty.
    """
    if protocol == "random":
        train, test, note = _random(recordings, seed, window, hop)
    elif protocol == "block":
        train, test, note = _block(recordings, seed)
    elif protocol == "load":
        train, test, note = _load(recordings, train_loads, test_loads)
    elif protocol == "bearing":
        train, test, note = _bearing(recordings, seed)
    elif protocol == "rig":
        train, test, note = _rig(recordings, seed)
    else:
        raise InputError(f"unknown protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}")
    train, test = ([s for s in spans if s.stop - s.start >= window] for spans in (train, test))
    for part, spans in (("training", train), ("test", test)):
        if protocol == "rig" and part == "test" and spans:
            continue  # a rig need not have all faults
        _require_all_classes(recordings, spans, f"the {part} part of protocol {protocol}", window)
    return Split(protocol=protocol, train=train, test=test, note=note)


def as_seen_by(
    protocol: str, recordings: Sequence[Recording], seed: int
) -> tuple[list[Recording], str]:
    """Recordings as a protocol labels and scales them, and what is to be said of that; errors as
    of `comparable`."""
    if protocol in ("bearing", "rig"):
        recordings = by_fault_location(recordings)
    if protocol == "rig":
        return comparable(recordings, seed)
    return list(recordings), ""


def by_fault_location(recordings: Sequence[Recording]) -> list[Recording]:
    """The same recordings with the faulty part as the label, for `bearing` and `rig`.

    The normal class keeps its name if it has one, as do recordings whose fault is unknown.
    """
    normal = normal_class(recordings) or "normal"
    return [
        replace(r, label=normal if r.fault == "normal" else r.fault or r.label) for r in recordings
    ]


def _random(
    recordings: Sequence[Recording], seed: int, window: int, hop: int
) -> tuple[list[Span], list[Span], str]:
    rng = np.random.default_rng(seed)
    train, test = [], []
    for i, recording in enumerate(recordings):
        starts = rng.permutation(np.arange(0, recording.n_samples - window + 1, hop))
        n_test = round(len(starts) / 5)
        spans = [Span(i, int(start), int(start) + window) for start in starts]
        test += sorted(spans[:n_test])
        train += sorted(spans[n_test:])
    note = (
        f"windows every {hop} samples, 80 % for training and 20 % for the test at random: "
        "neighbours share samples, so the figures are too good"
    )
    return train, test, note


def _block(recordings: Sequence[Recording], seed: int) -> tuple[list[Span], list[Span], str]:
    quarter = seed % 4
    train, test = [], []
    for i, recording in enumerate(recordings):
        n = recording.n_samples
        start, stop = n * quarter // 4, n * (quarter + 1) // 4
        gap = -(-n // 20)
        test.append(Span(i, start, stop))
        train += [Span(i, 0, max(0, start - gap)), Span(i, min(n, stop + gap), n)]
    note = (
        f"quarter {quarter + 1} of 4 of every recording is the test part, with a gap of 5 % on "
        "each side; the same bearings are on both sides"
    )
    return train, test, note


def _load(
    recordings: Sequence[Recording],
    train_loads: Sequence[float] | None,
    test_loads: Sequence[float] | None,
) -> tuple[list[Span], list[Span], str]:
    unknown = [r.recording_id for r in recordings if r.load is None]
    if unknown:
        raise InputError(
            f"{len(unknown)} of {len(recordings)} recordings state no load (such as {unknown[0]}): "
            "choose another protocol"
        )
    loads = sorted({r.load for r in recordings if r.load is not None})
    for load in [*(train_loads or ()), *(test_loads or ())]:
        if load not in loads:
            raise InputError(f"no recording has load {load:g}: there are {_listed(loads)}")
    if train_loads is None:
        kept = loads if test_loads is None else [x for x in loads if x not in test_loads]
        train_loads = kept[:1] if test_loads is None else kept
    if test_loads is None:
        test_loads = [x for x in loads if x not in train_loads]
    if both := set(train_loads) & set(test_loads):
        raise InputError(f"load {_listed(sorted(both))} is in both parts: give it to one of them")
    if not train_loads or not test_loads:
        raise InputError(
            f"the loads {_listed(loads)} leave nothing for one part: protocol load needs at least "
            "two loads"
        )
    train = [_whole(recordings, i) for i, r in enumerate(recordings) if r.load in train_loads]
    test = [_whole(recordings, i) for i, r in enumerate(recordings) if r.load in test_loads]
    return train, test, f"trained at load {_listed(train_loads)}, tested at {_listed(test_loads)}"


def _bearing(recordings: Sequence[Recording], seed: int) -> tuple[list[Span], list[Span], str]:
    unknown = [r.recording_id for r in recordings if r.bearing_id is None]
    if unknown:
        raise InputError(
            f"{len(unknown)} of {len(recordings)} recordings do not say which bearing they are of "
            f"(such as {unknown[0]}): choose another protocol"
        )
    bearings: dict[str, set[str]] = {}
    for r in recordings:
        bearings.setdefault(r.label, set()).add(str(r.bearing_id))
    alone = _only_healthy_bearing(recordings, bearings)
    grouped = {label: ids for label, ids in bearings.items() if alone is None or label != alone[0]}
    for label, ids in grouped.items():
        if len(ids) == 1:
            raise InputError(
                f"class {label!r} has one bearing only ({next(iter(ids))}): protocol bearing needs "
                "two or more of every class; label by fault location, or choose another protocol"
            )
    tested, note = _test_bearings(grouped, seed)
    in_test = [r.bearing_id in tested for r in recordings]
    if alone is not None:
        label, bearing = alone
        loads = sorted({r.load for r in recordings if r.label == label and r.load is not None})
        if len(loads) < 2:
            raise InputError(
                f"class {label!r} has one bearing only ({bearing}) and no two loads to divide it "
                "by: choose another protocol"
            )
        load = loads[(seed + 1) % len(loads)]
        in_test = [
            r.load == load if r.label == label else known
            for r, known in zip(recordings, in_test, strict=True)
        ]
        note += (
            f"; the one healthy bearing is on both sides, divided by load (tested at {load:g}): "
            f"recall of {label!r} says nothing about a new bearing"
        )
    train = [_whole(recordings, i) for i, test in enumerate(in_test) if not test]
    test = [_whole(recordings, i) for i, test in enumerate(in_test) if test]
    return train, test, note


def _rig(recordings: Sequence[Recording], seed: int) -> tuple[list[Span], list[Span], str]:
    tested = left_out_rig(recordings, seed)
    train = [_whole(recordings, i) for i, r in enumerate(recordings) if r.rig != tested]
    test = [_whole(recordings, i) for i, r in enumerate(recordings) if r.rig == tested]
    others = sorted({str(r.rig) for r in recordings} - {tested})
    return train, test, f"trained on {', '.join(others)}, tested on {tested}"


def _only_healthy_bearing(
    recordings: Sequence[Recording], bearings: dict[str, set[str]]
) -> tuple[str, str] | None:
    """Label and bearing of the normal class if it has a single bearing that no fault shares."""
    normal = normal_class(recordings)
    if normal is None or len(bearings[normal]) > 1:
        return None
    (bearing,) = bearings[normal]
    shared = any(bearing in ids for label, ids in bearings.items() if label != normal)
    return None if shared else (normal, bearing)


def _test_bearings(bearings: dict[str, set[str]], seed: int) -> tuple[set[str], str]:
    others = set().union(*bearings.values()) - set().union(*CWRU_FOLDS)
    if set().union(*bearings.values()) >= set().union(*CWRU_FOLDS):
        fold = seed % len(CWRU_FOLDS)
        names = ", ".join(sorted(CWRU_FOLDS[fold]))
        note = f"published CWRU fold {fold + 1}: tested on {names}"
        if others:
            note += f"; bearings of no fold ({', '.join(sorted(others))}) always train"
        return CWRU_FOLDS[fold], note
    rng = np.random.default_rng(seed)
    tested: set[str] = set()
    trained: set[str] = set()
    # A bearing may be in several classes (healthy first, then worn): classes with the fewest
    # bearings choose first, and a bearing once given to a part stays there.
    for _, ids in sorted(bearings.items(), key=lambda item: (len(item[1]), item[0])):
        free = sorted(ids - tested - trained)
        wanted = max(1, round(len(ids) / 3)) - len(ids & tested)
        chosen = set(rng.permutation(free)[: max(0, wanted)].tolist())
        tested |= chosen
        trained |= set(free) - chosen
    return tested, f"a third of each class's bearings is tested: {', '.join(sorted(tested))}"


def _whole(recordings: Sequence[Recording], index: int) -> Span:
    return Span(index, 0, recordings[index].n_samples)


def _require_all_classes(
    recordings: Sequence[Recording], spans: list[Span], part: str, window: int
) -> None:
    present = {recordings[span.recording].label for span in spans}
    for label in sorted({r.label for r in recordings} - present):
        raise InputError(
            f"class {label!r} has no window of {window} samples in {part}: record more of it, use "
            "a shorter window, or choose another protocol"
        )


def _listed(loads: Sequence[float]) -> str:
    return ", ".join(f"{load:g}" for load in loads)
