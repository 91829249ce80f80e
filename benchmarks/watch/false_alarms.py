"""How often the default rules alarm of healthy machines: watched, and extrapolated to a month.

    python -m benchmarks.watch.false_alarms --root DATA

Ten simulated healthy machines, and real healthy recordings of 4 to 10 s in a loop with noise; of
"other half" the machine was commissioned on the first half in a loop, two to five seconds of
signal. Each is commissioned on four minutes and then watched through the whole chain: quality,
lines and the network of `any-bearing`. "Watched" counts alarms, and bounds their rate by the upper
end of the 95 % interval of a Poisson count. "Extrapolated" takes the level that k of the last n
seconds reach, in the lines' margin over their floor and in the velocity over a limit of the four
minutes: its maxima over blocks of n seconds have a generalised Pareto tail, whose share beyond the
limit is the rate; the interval draws machines and blocks anew. It does not cover "unknown", which
the shape of the spectrum says. A machine's windows are alike by construction, and a recording in a
loop repeats itself: what days, loads and seasons change, none of this shows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import chi2

from benchmarks import machine
from benchmarks.watch import chain
from benchmarks.watch.extremes import held, maxima, rate_beyond
from benchmarks.watch.healthy_streams import Healthy, looped, simulated
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.commissioning.tail import limit_passed_once_in
from dlrsd.runtime.evidence.commissioned import read_baseline
from dlrsd.runtime.evidence.finding import LAST
from dlrsd.runtime.evidence.verdict import (
    FLOOR,
    KNOCK_FLOOR,
    MACHINE_FLOOR,
    MARGIN,
    RACES_AND_BALL,
)
from dlrsd.runtime.evidence.windows import WindowEvidence
from dlrsd.runtime.service.alarms.kinds import Fault
from dlrsd.runtime.service.alarms.machine import MachineAlarms
from dlrsd.runtime.service.alarms.rule import Limits
from dlrsd.training.base.threads import one_thread

COMMISSIONED_S = 240.0
MONTH_S = 30 * 86_400.0
RULES = ((1, 1), (9, 10), (18, 20), (27, 30), (36, 40), (54, 60))
_NO_MARGIN = -20.0  # of a window without scores
_LEAST_BLOCK = 10  # seconds: those that five windows of two span


class Watched(NamedTuple):
    """What was seen of one machine; arrays of shape (seconds,)."""

    name: str
    alarms: list[str]
    faulty: np.ndarray
    margin: np.ndarray
    velocity: np.ndarray


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--root", help="folder of the data sets; none means simulated ones only")
    parser.add_argument("--held-out", action="store_true", help="the rigs kept for the end")
    parser.add_argument("--machines", type=int, default=10, help="simulated")
    parser.add_argument("--minutes", type=float, default=60.0, help="that each is watched")
    parser.add_argument("--seed", type=int, default=770_000, help="of the first machine")
    parser.add_argument("--uncommissioned", action="store_true", help="without their baselines")
    parser.add_argument("--kept", type=Path, help="folder of what was watched, to go on with it")
    a = parser.parse_args()
    if a.held_out and not a.root:
        raise InputError("got --held-out and no --root: give the folder of the data sets")
    seconds = 60.0 if a.quick else 60 * a.minutes
    groups: dict[str, list[Healthy]] = {}
    if not a.held_out:
        groups["simulated"] = simulated(a.seed, 1 if a.quick else a.machines)
    if a.root:
        for name, halves in (("recordings", False), ("recordings, other half", True)):
            groups[name] = looped(a.root, held_out=a.held_out, halves=halves)
    watched_rows, rate_rows = [], []
    for name, machines in groups.items():
        watched = [
            _kept(one, seconds, is_known=not a.uncommissioned, folder=a.kept) for one in machines
        ]
        watched_rows += [_counted(name, watched), *(_counted(one.name, [one]) for one in watched)]
        rate_rows += [[name, *row] for row in _rates(watched)]
    columns = [
        "machines", "hours", "alarms", "at most, a machine and month", "faulty seconds",
        "most of 30 s", "which",
    ]  # fmt: skip
    rates = ["machines", "level", "k of n", "alarms a machine and month", "lowest", "highest"]
    machine.show("Watched", columns, watched_rows)
    machine.show("Extrapolated", rates, rate_rows)
    stated = ["--root DATA"] * bool(a.root) + [f"--minutes {a.minutes:g}"]
    stated += ["--held-out"] * a.held_out + ["--uncommissioned"] * a.uncommissioned
    result = {
        "command": " ".join(["python -m benchmarks.watch.false_alarms", *stated]),
        "watched": [dict(zip(columns, row, strict=True)) for row in watched_rows],
        "extrapolated": [dict(zip(rates, row, strict=True)) for row in rate_rows],
        "note": " ".join((__doc__ or "").split("\n\n")[2].split()),
    }
    parts = ["false-alarms", "held-out" * a.held_out, "uncommissioned" * a.uncommissioned]
    if not a.quick:
        print(machine.save("-".join(filter(None, parts)), result, a.out))


def _kept(one: Healthy, seconds: float, *, is_known: bool, folder: Path | None) -> Watched:
    """What was seen of a machine, from the folder if it is there."""
    if folder is None:
        return watch(one, seconds, is_known=is_known)
    name = one.name.replace("/", "_").replace(" ", "_")
    path = folder / f"{name}-{seconds:g}-{'known' if is_known else 'unknown'}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, **watch(one, seconds, is_known=is_known)._asdict())
    with np.load(path) as there:
        arrays = {field: there[field] for field in ("faulty", "margin", "velocity")}
        return Watched(name=one.name, alarms=there["alarms"].tolist(), **arrays)


def watch(one: Healthy, seconds: float, *, is_known: bool = True) -> Watched:
    """Commission a machine and watch it for so long."""
    bundle = load_bundle("any-bearing")
    faulty, margin, velocity, windows = [], [], [], list[WindowEvidence]()
    rule, said = Fault(), list[str]()
    with one_thread(), tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "machine"
        before = chain.commissioned(one, folder, bundle, COMMISSIONED_S)
        own = read_baseline(folder)
        if own is None:
            raise InputError(f"{one.name} has no baseline")
        floor = max(FLOOR, own.sensors[0].speeds[0].baseline.floor or 0.0)
        limit = limit_passed_once_in(MONTH_S, np.array(before)).value
        limits = Limits(baseline={"DE": {"velocity_mm_s": limit}})
        alarms = MachineAlarms(one.name, limits=limits)
        for second, new in chain.seconds_of(one, folder, bundle, seconds, is_known=is_known):
            windows = [*windows, *new][-LAST:]
            grade = rule.grade(second, limits)
            faulty.append(grade is not None and grade[0] > 0)
            margin.append(_agreed(windows, floor if is_known else FLOOR))
            velocity.append((second.levels.velocity_mm_s or 0.0) / limit)
            said += [each.text for each in alarms.take(second) if each.state != "normal"]
    return Watched(one.name, said, np.array(faulty), np.array(margin), np.array(velocity))


def _agreed(windows: Sequence[WindowEvidence], floor: float) -> float:
    """The margin over its floor that most of the last windows have in one and the same place."""
    if len(windows) < LAST:
        return _NO_MARGIN
    margins = [_margins(window.evidence.scores, floor) for window in windows]
    places = set().union(*margins)
    most = LAST // 2 + 1
    return max(
        (sorted(each.get(place, _NO_MARGIN) for each in margins)[-most] for place in places),
        default=_NO_MARGIN,
    )


def _margins(scores: dict[str, float], floor: float) -> dict[str, float]:
    """By place, by how much a window misses or passes what names it."""
    floors = {"shaft": MACHINE_FLOOR, "gear": MACHINE_FLOOR, "unknown": KNOCK_FLOOR}
    found = {}
    for place, score in scores.items():
        others = [s for other, s in scores.items() if other in RACES_AND_BALL and other != place]
        if place in RACES_AND_BALL:
            found[place] = min(score - floor, score - max(others, default=-np.inf) - MARGIN)
        elif place in floors:
            found[place] = score - floors[place]
    return found


def _counted(name: str, watched: Sequence[Watched]) -> list[Any]:
    seconds = sum(len(one.faulty) for one in watched)
    alarms = [text for one in watched for text in one.alarms]
    most = chi2.ppf(0.975, 2 * len(alarms) + 2) / 2 * MONTH_S / seconds
    return [
        name,
        f"{seconds / 3600:.2f}",
        len(alarms),
        f"{most:.1f}",
        sum(int(one.faulty.sum()) for one in watched),
        max(_most(one.faulty, 30) for one in watched),
        "; ".join(sorted({text.split(" since ")[0] for text in alarms}))[:300],
    ]


def _most(faulty: np.ndarray, n: int) -> int:
    """The most faulty seconds in n seconds."""
    return int(np.convolve(faulty, np.ones(n, int)).max())


def _rates(watched: Sequence[Watched]) -> list[list[Any]]:
    rows = []
    for level, limit in (("margin", 0.0), ("velocity", 1.0)):
        for k, n in RULES:
            block = max(n, _LEAST_BLOCK)
            if min(len(one.faulty) for one in watched) < n + block:
                continue
            of_machines = [maxima(held(getattr(one, level), k, n), block) for one in watched]
            limits = [limit] * len(watched)
            if sum(map(len, of_machines)) < 20:
                continue
            rate = rate_beyond(of_machines, limits, MONTH_S / block)
            rows.append([level, f"{k} of {n}", *(f"{each:.3g}" for each in rate)])
    return rows


if __name__ == "__main__":
    machine.run(main)
