"""What there is to say of recordings before training on them, in plain sentences.

A finding is {"severity": "problem", "warning" or "note", "text": one sentence}.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrsd.runtime.bundle.kinematics import odd_orders
from dlrsd.runtime.dsp.quality import QUALITY, QualityLimits, window_quality
from dlrsd.training.data.vibration.recording import (
    Recording,
    classes_of,
    kinematics,
    missing_kinematics,
    normal_class,
)

FEWEST_TEST_WINDOWS = 20  # below it one window moves the recall by more than 5 points
FEWEST_TRAIN_WINDOWS = 5
SHORTCUT = 0.9  # balanced accuracy of the level alone


def _finding(severity: str, text: str) -> dict[str, str]:
    return {"severity": severity, "text": text}


def order_findings(recordings: Sequence[Recording]) -> list[dict[str, str]]:
    """Whether the order map can be used, and whether the orders are those of a bearing."""
    missing = [r.recording_id for r in recordings if missing_kinematics(r)]
    machines = [kinematics(r) for r in recordings if not missing_kinematics(r)]
    found = [
        _finding("warning", f"orders: {why}")
        for why in dict.fromkeys(filter(None, map(odd_orders, machines)))
    ]
    if machines and missing:
        found.append(
            _finding(
                "warning",
                f"{len(missing)} of {len(recordings)} recordings (such as {missing[0]}) do not "
                "state the shaft's speed and the fault orders: --front-end fusion and order-map "
                "need all",
            )
        )
    elif machines:
        speeds = sorted({machine.speed_rpm for machine in machines})
        found.append(
            _finding(
                "note",
                f"speed ({speeds[0]:g} to {speeds[-1]:g} rpm) and fault orders are stated: "
                "--protocol load, bearing and rig look at the lines of the bearing too "
                "(--front-end fusion), which carry over to other loads and bearings better",
            )
        )
    return found


def source_findings(recordings: Sequence[Recording]) -> list[dict[str, str]]:
    """Rates, units, channels, classes and bearings that differ or are lacking, and copies."""
    found = []
    rates = sorted({r.rate for r in recordings})
    if len(rates) > 1:
        found.append(
            _finding(
                "note", f"rates differ ({listed(rates)} Hz): all are brought to {rates[0]:g} Hz"
            )
        )
    units = sorted({r.unit for r in recordings})
    if len(units) > 1:
        found.append(
            _finding("problem", f"units differ ({', '.join(units)}): levels cannot be compared")
        )
    elif units[0] not in ("g", "m/s2"):
        found.append(
            _finding(
                "note",
                f"the unit is {units[0]!r}: a model fits only streams of the same sensor and scale",
            )
        )
    if len({r.channels for r in recordings}) > 1:
        found.append(
            _finding(
                "problem", "channels differ between recordings: choose common ones (--channels)"
            )
        )
    if normal_class(recordings) is None:
        found.append(
            _finding("warning", "no class is known to be healthy: the largest is the majority")
        )
    if len({r.label for r in recordings}) == 1:
        found.append(_finding("problem", "there is one class only: nothing to tell apart"))
    faults = set(classes_of(recordings)) - {normal_class(recordings)}
    alone = sorted(label for label in faults if n_bearings(recordings, label) == 1)
    if alone:
        text = (
            f"one bearing only in {listed(alone)}: `random` and `block` cannot tell the fault "
            "from that bearing"
        )
        found.append(_finding("note", text))
    same = defaultdict(list)
    for r in recordings:
        same[hashlib.sha256(r.signal.tobytes()).digest()].append(r.recording_id)
    found += [
        _finding("problem", f"recordings with identical samples: {_some(copies)}")
        for copies in same.values()
        if len(copies) > 1
    ]
    return found


def signal_findings(recordings: Sequence[Recording], window: int) -> list[dict[str, str]]:
    """Recordings too short, with an offset, or with windows that the runtime would flag."""
    affected = defaultdict(list)
    # The level limits are those of a trained model: there is none yet.
    limits = QualityLimits(level_low=0.0, level_high=1e30)
    for r in recordings:
        if r.n_samples < window:
            affected["short"].append(r.recording_id)
            continue
        with np.errstate(invalid="ignore"):
            offset = np.abs(np.nanmean(r.signal, axis=1)) > 0.5 * np.nanstd(r.signal, axis=1)
        if offset.any():
            affected["offset"].append(r.recording_id)
        quality = window_quality(_tiles(r.signal, window), limits, rate_hz=r.rate)
        for code in np.unique(quality):
            affected[QUALITY[code]].append(r.recording_id)
    texts = {
        "non_finite": ("problem", "NaN or infinite samples in"),
        "flat": ("problem", "stretches without any variation (a stuck sensor) in"),
        "stuck": ("problem", "runs of one value (a stuck sensor) in"),
        "level": ("problem", "values too large to be squared in"),
        "dropout": ("warning", "stretches in which the signal collapses in"),
        "spike": ("warning", "single samples far beyond all around them in"),
        "hum": ("warning", "stretches of little but a tone of 50 or 60 Hz in"),
        "gap": ("problem", "runs of exact zeros (missing samples) in"),
        "clipped": ("warning", "repeated extreme values (a clipped sensor) in"),
        "offset": ("warning", "an offset of more than half the RMS in"),
        "short": ("warning", f"shorter than one window of {window} samples, left out:"),
    }
    return [
        _finding(severity, f"{text} {_some(affected[flag])}")
        for flag, (severity, text) in texts.items()
        if affected[flag]
    ]


def level_findings(recordings: Sequence[Recording], window: int) -> list[dict[str, str]]:
    """Fault classes that a single threshold on the RMS of a window tells from the normal class."""
    normal = normal_class(recordings)
    if normal is None or len({r.channels for r in recordings}) > 1:
        return []
    found = []
    for row, channel in enumerate(recordings[0].channels):
        rms = defaultdict(list)
        for r in recordings:
            if r.n_samples >= window:
                rms[r.label].append(np.nanstd(_tiles(r.signal[row : row + 1], window), axis=-1))
        level = {label: np.concatenate(parts).ravel() for label, parts in rms.items()}
        for sign, word in ((1, "louder"), (-1, "quieter")):
            right = {
                label: _balanced_accuracy(sign * level[normal], sign * level[label])
                for label in sorted(set(level) - {normal})
                if normal in level
            }
            told = {label: share for label, share in right.items() if share > SHORTCUT}
            if told:
                names = "every fault" if len(told) == len(level) - 1 else ", ".join(told)
                share = 100 * min(told.values())
                text = (
                    f"channel {channel}: the level alone tells {names} ({word}) from {normal} with "
                    f"a balanced accuracy of at least {share:.0f} %: another mounting or gain "
                    "could look like a fault"
                )
                found.append(_finding("note", text))
    return found


def _balanced_accuracy(low: np.ndarray, high: np.ndarray) -> float:
    """Best balanced accuracy of one threshold that takes what lies above it for `high`."""
    thresholds = np.concatenate([low, high])
    below = np.searchsorted(np.sort(low), thresholds, side="right") / len(low)
    above = 1 - np.searchsorted(np.sort(high), thresholds, side="right") / len(high)
    return float(np.max(below + above) / 2)


def _tiles(signal: np.ndarray, window: int) -> np.ndarray:
    """Neighbouring windows of one recording, shape (n, channels, window)."""
    n = signal.shape[1] // window
    return signal[:, : n * window].reshape(len(signal), n, window).swapaxes(0, 1)


def part_findings(
    protocols: dict[str, dict[str, Any]], normal: str | None, n_normal: int
) -> list[dict[str, str]]:
    """Protocols that cannot be evaluated, or leave a class too few windows."""
    found, overlap = [], []
    for name, parts in protocols.items():
        if "error" in parts:
            text = f"`{name}` cannot be evaluated: {parts['error']}"
            found.append(_finding("warning", text))
            continue
        for label, n in parts["train"].items():
            if n == 1:
                text = f"`{name}`: {label} has a single window to train on: synthesis needs two"
                found.append(_finding("problem", text))
            elif n < FEWEST_TRAIN_WINDOWS:
                text = f"`{name}`: {label} has only {n} windows to train on"
                found.append(_finding("warning", text))
        for label, n in parts["test"].items():
            if 0 < n < FEWEST_TEST_WINDOWS:
                text = (
                    f"`{name}`: {label} has {n} window{'s' * (n > 1)} in the test part: its "
                    f"recall moves in steps of {100 / n:.0f} %"
                )
                found.append(_finding("warning", text))
        if name == "bearing":
            found.append(_finding("note", f"`{name}`: {parts['note']}"))
        majority = (
            normal
            if normal in parts["train"]
            else max(parts["train"], key=parts["train"].__getitem__)
        )
        if name != "random" and parts["train"][majority] < n_normal:
            overlap.append(f"{parts['train'][majority]} (`{name}`)")
    if overlap:
        text = (
            f"the {n_normal} windows drawn of the largest class overlap: of windows that share no "
            f"sample there are {', '.join(overlap)}"
        )
        found.append(_finding("note", text))
    return found


def listed(values: Sequence[Any]) -> str:
    """Values in one line, "unknown" without any."""
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values) or "unknown"


def _some(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return f"{len(names)} recordings ({', '.join(names[:2])}, ...)"


def n_bearings(recordings: Sequence[Recording], label: str | None = None) -> int | None:
    """Number of known bearings, of one class if its label is given; None if none is known."""
    own = (r for r in recordings if label is None or r.label == label)
    return len({r.bearing_id for r in own} - {None}) or None
