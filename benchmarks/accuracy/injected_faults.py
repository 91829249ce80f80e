"""What the quality flags see of faults put into real and simulated signal, and what they cost.

    python -m benchmarks.accuracy.injected_faults --root DATA

Limits come of the first quarter of every recording, faults go into the last 70 %; both are at
12 kHz, windows of 1024 samples every 512. A group is a sensor of a data set, or the simulated rig:
its limits are of all its classes. `seen` is the share flagged, with whatever flag, of the windows
of which a fault touches a tenth (of spikes, and of runs shorter than that, every window that holds
one). `clean` is the share flagged of windows of the same parts without any fault.

``--code FILE`` measures another version's ``quality.py`` (one file with `window_quality`).
"""

from __future__ import annotations

import importlib.util
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks import machine
from benchmarks.accuracy.signal_faults import FAULTS, Scene, Signal
from dlrsd.runtime.dsp.quality import (
    OK,
    QUALITY,
    QualityLimits,
    StreamQuality,
    learned_limits,
    window_quality,
)
from dlrsd.training.data.vibration.datasets import find_dataset
from dlrsd.training.data.vibration.recording import resampled
from dlrsd.training.data.vibration.rig import simulate_rig

RATE, WINDOW, HOP = 12000.0, 1024, 512
DATASETS = ("cwru12k", "hit_mfs", "hit_self", "gearbox_gfd")
_TRAIN, _TEST = 0.25, 0.3  # first sample of the injected part, as a share of the recording
Judge = Callable[[Signal], NDArray[np.uint8]]


class Part(NamedTuple):
    """A recording's two parts."""

    name: str
    label: str
    train: Signal
    test: Signal


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--root", help="folder of the data sets; without it the rig alone")
    parser.add_argument("--windows", type=int, default=1_000_000, help="how many at least")
    parser.add_argument("--code", type=Path, help="another version's quality.py")
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    groups = rig(quick=a.quick)
    if a.root:
        groups |= recordings(a.root, quick=a.quick)
    judges = {
        name: older(a.code, parts) if a.code else newer(parts) for name, parts in groups.items()
    }
    found = measure(groups, judges, seed=a.seed, windows=0 if a.quick else a.windows)
    rows = found["rows"]
    machine.show("Injected faults", list(rows[0]), [list(row.values()) for row in rows])
    name = "injected-faults-before" if a.code else "injected-faults"
    print(machine.save(name, result(found), a.out))


def result(found: dict[str, Any]) -> dict[str, Any]:
    rows = found["rows"]
    return {
        "title": "Injected faults: share of touched windows that are flagged",
        "note": (__doc__ or "").split("\n\n")[2].replace("\n", " "),
        "columns": list(rows[0]),
        "rows": [list(row.values()) for row in rows],
        **{key: value for key, value in found.items() if key != "rows"},
    }


def measure(
    groups: dict[str, list[Part]], judges: dict[str, Judge], *, seed: int, windows: int
) -> dict[str, Any]:
    """All types and sizes on all recordings, with other places until there are enough windows."""
    seen: Counter[tuple[str, str, str]] = Counter()
    touched: Counter[tuple[str, str, str]] = Counter()
    clean, flagged = Counter[str](), Counter[str]()
    flags: dict[str, Counter[str]] = defaultdict(Counter)
    total = repeat = 0
    while not total or total < windows:
        for group, parts in groups.items():
            for n, part in enumerate(parts):
                if not repeat:
                    codes = judges[group](part.test)
                    clean[group] += len(codes)
                    flagged[group] += int((codes != OK).sum())
                    flags["clean"].update(QUALITY[c] for c in codes[codes != OK])
                    total += len(codes)
                for kind, sizes in FAULTS.items():
                    for k, (size, inject) in enumerate(sizes.items()):
                        rng = np.random.default_rng([seed, repeat, n, k, len(kind), ord(kind[0])])
                        made = inject(Scene(part.test, RATE, WINDOW, rng))
                        codes = judges[group](made.signal)
                        held = sliding_window_view(made.touched, WINDOW)[::HOP].sum(1)
                        hit = held >= made.least
                        key = (kind, size, group)
                        touched[key] += int(hit.sum())
                        seen[key] += int((codes[hit] != OK).sum())
                        flags[kind].update(QUALITY[c] for c in codes[hit])
                        total += len(codes)
        repeat += 1
    return {
        "windows": total,
        "rows": _rows(seen, touched, clean, flagged),
        "groups": {group: flagged[group] / clean[group] for group in clean},
        "flags": {kind: dict(counts.most_common()) for kind, counts in flags.items()},
    }


def _rows(
    seen: Counter[tuple[str, str, str]],
    touched: Counter[tuple[str, str, str]],
    clean: Counter[str],
    flagged: Counter[str],
) -> list[dict[str, Any]]:
    def share(of: Callable[[tuple[str, str, str]], bool]) -> str:
        part = sum(touched[key] for key in touched if of(key))
        return f"{sum(seen[key] for key in touched if of(key)) / part:.4f}" if part else "-"

    rows = []
    for kind, sizes in FAULTS.items():
        for size in ("all", *sizes):
            mine = [k for k in touched if k[0] == kind and size in ("all", k[1])]
            rows.append(
                {
                    "fault": kind,
                    "size": size,
                    "windows": sum(touched[key] for key in mine),
                    "seen": share(lambda key, mine=mine: key in mine),  # type: ignore[misc]
                    "real": share(lambda key, mine=mine: key in mine and key[2] != "rig"),  # type: ignore[misc]
                    "rig": share(lambda key, mine=mine: key in mine and key[2] == "rig"),  # type: ignore[misc]
                }
            )
    real = [group for group in clean if group != "rig"]
    rows.append(
        {
            "fault": "none",
            "size": "clean windows",
            "windows": clean.total(),
            "seen": f"{flagged.total() / clean.total():.5f}",
            "real": f"{sum(flagged[g] for g in real) / max(1, sum(clean[g] for g in real)):.5f}",
            "rig": f"{flagged['rig'] / max(1, clean['rig']):.5f}",
        }
    )
    return rows


def training_windows(parts: list[Part]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Of every recording's first part, with their labels, without those unfit by themselves."""
    names = sorted({part.label for part in parts})
    cut = [sliding_window_view(part.train, WINDOW)[::HOP] for part in parts]
    label = np.repeat([names.index(part.label) for part in parts], [len(c) for c in cut])
    windows = np.concatenate(cut)[:, None]
    fit = window_quality(windows, QualityLimits(level_low=0, level_high=1e30))[:, 0] == OK
    return windows[fit], label[fit]


def newer(parts: list[Part]) -> Judge:
    """This version's stream checks with limits of the training parts."""
    windows, label = training_windows(parts)
    limits = learned_limits(windows, label, rate_hz=RATE)

    def judge(signal: Signal) -> NDArray[np.uint8]:
        quality = StreamQuality(limits, window=WINDOW, hop=HOP, rate_hz=RATE, channels=1)
        start = np.arange(0, len(signal) - WINDOW + 1, HOP)
        used = signal[None, : start[-1] + WINDOW]
        return quality.judge(used, start, np.zeros(len(start), bool))[:, 0]

    return judge


def older(code: Path, parts: list[Part]) -> Judge:
    """Another version's `window_quality` with the limits that its training set: four times beyond
    the range of the windows' RMS."""
    spec = importlib.util.spec_from_file_location("older_quality", code)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{code}: expected a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    windows = np.concatenate([sliding_window_view(p.train, WINDOW)[::HOP] for p in parts])
    rms = module.window_rms(windows)
    limits = module.QualityLimits(level_low=float(rms.min()) / 4, level_high=4 * float(rms.max()))

    def judge(signal: Signal) -> NDArray[np.uint8]:
        cut = sliding_window_view(signal, WINDOW)[::HOP][:, None]
        codes: NDArray[np.uint8] = module.window_quality(cut, limits)[:, 0]
        return codes

    return judge


def rig(*, quick: bool = False) -> dict[str, list[Part]]:
    """The simulated rig, with other bearings in the injected part by another seed's recordings."""
    sizes = {"seconds": 6.0, "loads": (0,), "n_bearings": 1} if quick else {"seconds": 20.0}
    found = simulate_rig(seed=1, **sizes)  # type: ignore[arg-type]
    return {"rig": [_part(r.recording_id, r.label, r.signal[0]) for r in found]}


def recordings(root: str, *, quick: bool = False) -> dict[str, list[Part]]:
    """Every signal of the data sets at 12 kHz, by sensor."""
    groups: dict[str, list[Part]] = defaultdict(list)
    for name in DATASETS:
        dataset = find_dataset(name, root=root)
        if dataset is None:
            raise SystemExit(f"{root} holds no data set {name}")
        rows = dataset.metadata().to_dict("records")
        for row in rows[:: 12 if quick else 1]:
            signal = np.ravel(dataset.signal(row["signal_id"], dtype=np.float32))
            if row["fs"] != RATE:
                signal = resampled(signal[None], row["fs"], RATE)[0]
            label = str(row.get("bearing_id") or row["fault_type"])
            group = f"{name} {row['channel']}"
            groups[group].append(_part(f"{row['recording_id']} {row['channel']}", label, signal))
    return dict(groups)


def _part(name: str, label: str, signal: Signal) -> Part:
    x = np.ascontiguousarray(signal, np.float32)
    return Part(name, label, x[: int(_TRAIN * len(x))], x[int(_TEST * len(x)) :])


if __name__ == "__main__":
    main()
