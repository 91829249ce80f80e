"""The evidence's verdicts on rigs whose faults it never saw, and on simulated machines.

    python -m benchmarks.accuracy.evidence_rule --root DATA

Windows of 2 s, each machine with a baseline of its own: half of its healthy signal at that load;
the other half is tested. The rule was designed on simulation, CWRU's fan end and HIT's self-built
rig; CWRU's drive end and HIT's MFS rig were looked at when it was settled (drive end: 208 right of
213 given, of 300). Two later changes, that the mains' lines are no shaft's and that a comb has its
first line, were asked for by simulation and by the fan end. Nothing is trained. The fan end has no
healthy recording: its own sensor during faults of the drive end stands for it, so what is called
faulty there may be the other bearing's fault, heard from afar.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from typing import Any, NamedTuple

from scipy.stats import beta

from benchmarks import machine
from benchmarks.accuracy import evidence_signals as simulated
from dlrsd.runtime.dsp.order_map_config import ORDERS, Kinematics
from dlrsd.runtime.evidence.baseline import Baseline, baseline_of
from dlrsd.runtime.evidence.verdict import evidence
from dlrsd.training.base.threads import one_thread
from dlrsd.training.data.vibration.cwru_grades import grade_of
from dlrsd.training.data.vibration.datasets import find_dataset

SECONDS = 2.0
LEARNT, TESTED = 8, 20  # healthy windows of a simulated machine
FAULTY = 2  # windows of each fault of a simulated machine
SILENT = ("healthy", "undecided", "unknown")  # verdicts that name no place
PLACES = {"outer": "outer", "inner": "inner", "rolling_element": "ball", "normal": "healthy"}


class Rig(NamedTuple):
    """Which signals of a data set are one rig's, and which of them are its bearing's."""

    name: str
    dataset: str
    design: bool
    select: Callable[[dict[str, Any]], bool]
    faulty: Callable[[dict[str, Any]], bool]
    prototype: str
    """Right of those given, given; at a floor of 1.8 and a margin of 1, without a baseline."""


class Said(NamedTuple):
    """What was said of one window."""

    truth: str
    verdict: str
    alone: str
    """Without the baseline."""
    signal: str = ""
    """Of a rig, whose it is."""
    grade: str = ""
    """How hard it is to diagnose, by Smith and Randall, where they say so: Y, P or N."""


RIGS = (
    Rig(
        "CWRU drive end", "cwru12k", False,
        lambda q: q["channel"] == "DE" and q["fault_location"] in ("motor_bearing_de", "none"),
        lambda q: q["fault_type"] != "normal", "0.99 / 0.64",
    ),
    Rig(
        "CWRU fan end", "cwru12k", True,
        lambda q: q["channel"] == "FE",
        lambda q: q["fault_location"] == "motor_bearing_nde", "0.97 / 0.56",
    ),
    Rig("HIT MFS", "hit_mfs", False, lambda q: True, lambda q: q["fault_type"] != "normal",
        "1.0 / 0.97"),
    Rig("HIT self-built", "hit_self", True, lambda q: True, lambda q: q["fault_type"] != "normal",
        "0.94 / 0.89"),
)  # fmt: skip


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--root", required=True, help="folder of the data sets")
    parser.add_argument("--design", action="store_true", help="only what the rule was designed on")
    parser.add_argument("--machines", type=int, default=1000, help="simulated, of 20 windows each")
    parser.add_argument("--seed", type=int, default=10_000, help="of the first simulated machine")
    parser.add_argument("--jobs", type=int, default=1)
    a = parser.parse_args()
    rows, measured = [], {}
    for name, design, prototype, said in _all(a):
        row, facts = _row(said)
        rows.append([name, "yes" if design else "no", *row, prototype])
        rows += [
            [f"{name}, grade {grade}", "yes" if design else "no", *_shares(own), "", "", "", ""]
            for grade in sorted({one.grade for one in said} - {""})
            for own in (_figures(_counts(one for one in said if one.grade == grade)),)
        ]
        measured[name] = facts
        print(name, *row, sep=" | ", flush=True)
    columns = [
        "machine", "design data", "right of those given", "given", "healthy called faulty",
        "95 % bound", "without baseline: right, given, healthy called faulty", "prototype",
    ]  # fmt: skip
    title = "Evidence: verdicts of 2 s without training"
    machine.show(title, columns, rows)
    command = "python -m benchmarks.accuracy.evidence_rule --root DATA"
    result = {
        "title": title,
        "command": command,
        "note": " ".join((__doc__ or "").split("\n\n")[2].split()),
        "columns": columns,
        "rows": rows,
        "measured": measured,
    }
    if not (a.design or a.quick):
        print(machine.save("evidence-rule", result, a.out))


def _all(a: Any) -> Iterator[tuple[str, bool, str, list[Said]]]:
    for rig in RIGS:
        if rig.design or not a.design:
            yield rig.name, rig.design, rig.prototype, measure(rig, a.root)
    seeds = range(a.seed, a.seed + (4 if a.quick else a.machines))
    with ProcessPoolExecutor(a.jobs) as pool:
        said = [one for many in pool.map(measure_simulated, seeds) for one in many]
    yield "simulated", True, "", said


def measure(rig: Rig, root: str) -> list[Said]:
    """Every window of a rig; of healthy ones the half that is in no baseline."""
    dataset: Any = find_dataset(rig.dataset, root=root)
    by_load: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for signal in filter(rig.select, dataset.metadata().to_dict("records")):
        by_load[signal["load"]].append(signal)
    # Orders are those of the rig's own bearing, whichever bearing a signal's fault is in.
    orders = next(s for rows in by_load.values() for s in rows if rig.faulty(s))
    found = []
    with one_thread():
        for signals in by_load.values():
            healthy = [s for s in signals if not rig.faulty(s)]
            learnt, tested = _halves([list(_windows(dataset, s, orders)) for s in healthy])
            own = baseline_of(evidence(*window) for window in learnt)
            found += [_said("healthy", window, own) for window in tested]
            for signal in filter(rig.faulty, signals):
                truth = PLACES[signal["fault_type"]]
                whose = signal["signal_id"], (grade_of(signal) or "")[:1]
                found += [_said(truth, w, own, *whose) for w in _windows(dataset, signal, orders)]
    return found


Window = tuple[Any, float, Kinematics]


def _halves(recordings: list[list[Window]]) -> tuple[list[Window], list[Window]]:
    """By recording where there are several, else in time."""
    if len(recordings) == 1:
        half = len(recordings[0]) // 2
        return recordings[0][:half], recordings[0][half:]
    learnt, tested = (list(chain.from_iterable(recordings[i::2])) for i in (0, 1))
    return learnt, tested


def _windows(dataset: Any, signal: dict[str, Any], orders: dict[str, Any]) -> Iterator[Window]:
    x, rate = dataset.signal(signal["signal_id"]), float(signal["fs"])
    kinematics = Kinematics(float(signal["speed_rpm"]), *(float(orders[name]) for name in ORDERS))
    length = int(SECONDS * rate)
    for start in range(0, len(x) - length + 1, length):
        yield x[start : start + length], rate, kinematics


def measure_simulated(seed: int) -> list[Said]:
    """Healthy windows and some of every fault of one simulated machine."""
    kinematics = simulated.machine(seed).kinematics

    def windows(place: str, count: int, start: int) -> list[Window]:
        drawn = simulated.windows(seed, place, count, start)
        return [(x, simulated.RATE, kinematics) for x in drawn]

    with one_thread():
        own = baseline_of(evidence(*w) for w in windows("healthy", LEARNT, 0))
        said = [_said("healthy", w, own) for w in windows("healthy", TESTED, LEARNT)]
        for place in simulated.PLACES:
            said += [_said(place, w, own) for w in windows(place, FAULTY, 100)]
    return said


def _said(truth: str, window: Window, own: Baseline, signal: str = "", grade: str = "") -> Said:
    verdict = evidence(*window, baseline=own).verdict
    return Said(truth, verdict, evidence(*window).verdict, signal, grade)


def _row(said: list[Said]) -> tuple[list[str], dict[str, Any]]:
    f = _figures(_counts(said))
    alone = _figures(Counter((one.truth, one.alone) for one in said))
    row = [
        *_shares(f),
        f"{f.alarms} of {f.healthy}",
        f"{_bound(f.alarms, f.healthy):.4f}",
        f"{alone.right / max(alone.given, 1):.3f}, {alone.given / alone.faulty:.3f}, "
        f"{alone.alarms} of {alone.healthy}",
    ]
    wrong = Counter(
        f"{one.signal or 'machines'}: {one.truth} called {one.verdict}"
        for one in said
        if one.truth != "healthy" and one.verdict not in (*SILENT, one.truth)
    )
    return row, {"with baseline": f._asdict(), "without": alone._asdict(), "wrong": dict(wrong)}


def _shares(f: Figures) -> tuple[str, str]:
    return (
        f"{f.right / max(f.given, 1):.3f} ({f.right} of {f.given})",
        f"{f.given / f.faulty:.3f} ({f.given} of {f.faulty})",
    )


def _counts(said: Iterable[Said]) -> Counter[tuple[str, str]]:
    return Counter((one.truth, one.verdict) for one in said)


class Figures(NamedTuple):
    """Counts of windows."""

    faulty: int
    given: int
    right: int
    healthy: int
    alarms: int


def _figures(counts: Counter[tuple[str, str]]) -> Figures:
    faulty = {key: n for key, n in counts.items() if key[0] != "healthy"}
    given = {key: n for key, n in faulty.items() if key[1] not in SILENT}
    healthy = {key: n for key, n in counts.items() if key[0] == "healthy"}
    return Figures(
        sum(faulty.values()),
        sum(given.values()),
        sum(n for (truth, verdict), n in given.items() if truth == verdict),
        sum(healthy.values()),
        sum(n for (_, verdict), n in healthy.items() if verdict not in SILENT),
    )


def _bound(events: int, of: int) -> float:
    """The upper 95 % bound of a share, of Clopper and Pearson."""
    return float(beta.ppf(0.95, events + 1, of - events)) if events < of else 1.0


if __name__ == "__main__":
    machine.run(main)
