"""How much healthy signal a machine has to be commissioned on.

    python -m benchmarks.accuracy.commissioning_length

Simulated machines, windows of 2 s. A machine is commissioned on its first n healthy windows; its
later ones, never seen, are the test. "Passed" is the share of these whose highest score passes the
machine's floor: at one false alarm a month it should be below a millionth, so what is to be seen is
none. "Given" is the share of faulty windows whose place is named, "right" the share right of those.
Windows of one machine are alike by construction here; days and loads of a real one differ, so that
these lengths are the least.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.accuracy import evidence_signals as simulated
from dlrsd.runtime.commissioning.healthy import Healthy, sensor_baseline
from dlrsd.runtime.dsp.order_map_config import ORDERS
from dlrsd.runtime.evidence.spectral_shape import band_edges, band_levels
from dlrsd.runtime.evidence.verdict import RACES_AND_BALL, evidence, scores_against
from dlrsd.training.base.threads import one_thread

LENGTHS = (10, 30, 100, 300, 1000)
TESTED, FAULTY = 1000, 30
MONTH = 30 * 86_400 / simulated.SECONDS


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--machines", type=int, default=12)
    parser.add_argument("--seed", type=int, default=500_000, help="of the first machine")
    parser.add_argument("--jobs", type=int, default=1)
    a = parser.parse_args()
    seeds = range(a.seed, a.seed + (1 if a.quick else a.machines))
    with ProcessPoolExecutor(a.jobs) as pool:
        of_machines = list(pool.map(measure, seeds))
    rows = []
    for at, n in enumerate(LENGTHS):
        figures = np.array([one[at] for one in of_machines])  # machines, figures
        passed, given, right, floor, low, high = figures.T
        rows.append([
            f"{n} ({n * simulated.SECONDS / 60:.2g} min)",
            f"{int(passed.sum())} of {TESTED * len(seeds)}",
            f"{given.sum() / (FAULTY * 3 * len(seeds)):.3f}",
            f"{right.sum() / max(given.sum(), 1):.3f}",
            f"{np.median(floor):.2f}",
            "-" if np.isnan(low).all() else f"{np.median(low):.2f} to {np.median(high):.2f}",
        ])  # fmt: skip
    columns = ["healthy windows", "passed", "given", "right", "floor, median", "its 95 % interval"]
    title = "How much healthy signal commissioning needs"
    machine.show(title, columns, rows)
    command = "python -m benchmarks.accuracy.commissioning_length"
    if not a.quick:
        note = " ".join((__doc__ or "").split("\n\n")[2].split())
        result = {"title": title, "command": command, "note": note}
        print(machine.save(
            "commissioning-length", result | {"columns": columns, "rows": rows}, a.out
        ))  # fmt: skip


def measure(seed: int) -> list[tuple[float, ...]]:
    """Figures of a machine at each length."""
    kinematics = simulated.machine(seed).kinematics
    edges = band_edges(simulated.RATE)

    def drawn(place: str, count: int, start: int) -> list[Healthy]:
        return [
            Healthy(
                kinematics.speed_rpm,
                evidence(x, simulated.RATE, kinematics),
                band_levels(x, simulated.RATE, edges),
            )
            for x in simulated.windows(seed, place, count, start)
        ]

    with one_thread():
        healthy = drawn("healthy", LENGTHS[-1] + TESTED, 0)
        faulty = {place: drawn(place, FAULTY, 100_000) for place in simulated.PLACES}
    orders: Any = {order: getattr(kinematics, order) for order in ORDERS}
    figures = []
    for n in LENGTHS:
        own, _ = sensor_baseline(
            "one", orders, healthy[:n], edges_hz=edges, n_month=MONTH, seconds=simulated.SECONDS
        )
        at = max(own.speeds, key=lambda each: each.windows)
        floor = at.score_limit.value

        def named(window: Healthy, at: Any = at, floor: float = floor) -> str | None:
            scores = scores_against(window.evidence.raw_scores, at.baseline)
            place = max(RACES_AND_BALL, key=scores.__getitem__)
            return place if scores[place] > floor else None

        passed = sum(named(window) is not None for window in healthy[LENGTHS[-1] :])
        said = [(place, named(w)) for place, windows in faulty.items() for w in windows]
        given = sum(name is not None for _, name in said)
        right = sum(name == place for place, name in said)
        low, high = at.score_limit.low, at.score_limit.high
        figures.append((passed, given, right, floor, low or np.nan, high or np.nan))
    return figures


if __name__ == "__main__":
    machine.run(main)
