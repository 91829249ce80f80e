"""What recordings hold, what each protocol would leave of them, and whether that is enough.

`inspect` measures and returns plain data; `render` shows it on a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.recording import Recording, classes_of, normal_class, to_rate
from dlrsd.training.data.vibration.splits import PROTOCOLS, as_seen_by, split
from dlrsd.training.data.vibration.windows import counts_by_class, grid_windows
from dlrsd.training.inspect.findings import (
    FEWEST_TEST_WINDOWS,
    FEWEST_TRAIN_WINDOWS,
    level_findings,
    listed,
    n_bearings,
    order_findings,
    part_findings,
    signal_findings,
    source_findings,
)


def inspect(
    recordings: Sequence[Recording],
    *,
    window: int,
    n_normal: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure recordings before training on them.

    Parameters
    ----------
    recordings : as read; rates may differ.
    window : samples at the lowest rate present, > 0.
    n_normal : windows of the normal class that training would draw.
    seed : of the splits (which quarter, which bearings).

    Returns
    -------
    dict of plain values: totals, "classes" (one entry each: recordings, minutes, bearings, loads,
    median RMS, largest peak, median kurtosis), "protocols" (what each leaves for training and
    test in windows that share no sample, or why it cannot be used, and whether it is enough:
    "yes", "thin" or "no") and "findings" (plain sentences, worst first, each with a severity
    "problem", "warning" or "note").
    """
    if not recordings:
        raise InputError("there is no recording to inspect")
    for name, value, least in (("window", window, 1), ("seed", seed, 0)):
        if value < least:
            raise InputError(f"got {name} = {value}: expected {least} or more")
    at_one_rate = to_rate(recordings)
    offered = [p for p in PROTOCOLS if p != "rig" or any(r.rig for r in recordings)]
    protocols = {protocol: _protocol(at_one_rate, protocol, window, seed) for protocol in offered}
    findings = [
        *source_findings(recordings),
        *order_findings(recordings),
        *signal_findings(at_one_rate, window),
        *level_findings(at_one_rate, window),
        *part_findings(protocols, normal_class(recordings), n_normal),
    ]
    severities = ("problem", "warning", "note")
    return {
        "recordings": len(recordings),
        "minutes": sum(r.seconds for r in recordings) / 60,
        "bearings": n_bearings(recordings),
        "rates_hz": sorted({r.rate for r in recordings}),
        "units": sorted({r.unit for r in recordings}),
        "channels": sorted({" ".join(r.channels) for r in recordings}),
        "loads": sorted({r.load for r in recordings if r.load is not None}),
        "window": window,
        "normal": normal_class(recordings),
        "classes": {label: _class(recordings, label) for label in classes_of(recordings)},
        "protocols": protocols,
        "findings": sorted(findings, key=lambda f: severities.index(f["severity"])),
    }


def render(report: dict[str, Any]) -> RenderableType:
    """Lay out a report of `inspect` for a terminal of 80 columns."""
    return Group(
        _summary(report),
        Text("\nClasses"),
        _class_table(report),
        Text("\nWindows for training / test (those of `random` overlap)"),
        _window_table(report),
        Text(),
        *(_finding_line(finding) for finding in report["findings"]),
    )


# ------------------------------------------------------------------ measuring


def _class(recordings: Sequence[Recording], label: str) -> dict[str, Any]:
    own = [r for r in recordings if r.label == label]
    levels = np.array([_levels(channel) for r in own for channel in r.signal])
    rms, peak, kurtosis = levels.T
    return {
        "recordings": len(own),
        "minutes": sum(r.seconds for r in own) / 60,
        "bearings": n_bearings(own),
        "loads": sorted({r.load for r in own if r.load is not None}),
        "rms": float(np.median(rms)),
        "peak": float(peak.max()),
        "kurtosis": float(np.median(kurtosis)),
    }


def _levels(samples: np.ndarray) -> tuple[float, float, float]:
    """RMS and peak about the mean, and kurtosis (3 for Gaussian noise), of the finite samples."""
    finite = samples[np.isfinite(samples)].astype(np.float64)
    if not finite.size or not finite.std():
        return 0.0, 0.0, 0.0
    centred = finite - finite.mean()
    variance = float(np.mean(centred**2))
    return variance**0.5, float(np.abs(centred).max()), float(np.mean(centred**4)) / variance**2


def _protocol(
    recordings: Sequence[Recording], protocol: str, window: int, seed: int
) -> dict[str, Any]:
    try:
        recordings, _ = as_seen_by(protocol, recordings, seed)
        parts = split(recordings, protocol=protocol, seed=seed, window=window)
    except InputError as error:
        return {"error": str(error), "enough": "no"}
    classes = classes_of(recordings)
    train, test = (
        counts_by_class(
            grid_windows(recordings, spans, classes, window=window, hop=window), classes
        )
        for spans in (parts.train, parts.test)
    )
    fewest_tested = min(n for n in test.values() if n)  # a rig need not have all faults
    thin = min(train.values()) < FEWEST_TRAIN_WINDOWS or fewest_tested < FEWEST_TEST_WINDOWS
    enough = "no" if min(train.values()) < 2 else "thin" if thin else "yes"
    return {"note": parts.note, "train": train, "test": test, "enough": enough}


# ------------------------------------------------------------------ showing


def _summary(report: dict[str, Any]) -> Text:
    return Text(
        f"{report['recordings']} recordings, {report['minutes']:.1f} min, "
        f"{report['bearings'] or 'unknown'} bearings\n"
        f"rate {listed(report['rates_hz'])} Hz, unit {listed(report['units'])}, "
        f"channels {listed(report['channels'])}, loads {listed(report['loads'])}\n"
        f"windows of {report['window']} samples "
        f"({1000 * report['window'] / report['rates_hz'][0]:.0f} ms)"
    )


def _class_table(report: dict[str, Any]) -> Table:
    unit = report["units"][0] if len(report["units"]) == 1 else "mixed"
    table = Table(box=None, pad_edge=False)
    table.add_column("class", overflow="fold")
    for name in ("recordings", "minutes", "bearings", f"RMS ({unit})", "peak", "kurtosis"):
        table.add_column(name, justify="right")
    for label, entry in report["classes"].items():
        table.add_row(
            label,
            str(entry["recordings"]),
            f"{entry['minutes']:.1f}",
            str(entry["bearings"] or "?"),
            f"{entry['rms']:.3g}",
            f"{entry['peak']:.3g}",
            f"{entry['kurtosis']:.1f}",
        )
    return table


def _window_table(report: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    protocols = report["protocols"]
    labels = dict.fromkeys(
        [*report["classes"], *(label for p in protocols.values() for label in p.get("train", ()))]
    )
    table.add_column("class", overflow="fold")
    for name in protocols:
        table.add_column(name, justify="right")
    for label in labels:
        cells = [
            f"{p['train'][label]} / {p['test'][label]}" if label in p.get("train", ()) else "-"
            for p in protocols.values()
        ]
        table.add_row(label, *cells)
    table.add_row("enough?", *(p["enough"] for p in protocols.values()), style="bold")
    return table


def _finding_line(finding: dict[str, str]) -> Text:
    style = {"problem": "red", "warning": "yellow", "note": "dim"}[finding["severity"]]
    return Text.assemble((f"{finding['severity']}: ", style), finding["text"])
