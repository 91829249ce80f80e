"""A million blocks with loss, duplicates, disorder, new beginnings and clocks that jump.

    python -m benchmarks.watch.arrivals

Each is compared with what is true of it: taken once at its place and time, or counted as lost,
double, late or refused; and no samples hang together that did not when they were measured. Also
prints what an ordinary block costs.
"""

from __future__ import annotations

import json
import time

import numpy as np

from benchmarks import machine
from benchmarks.watch.injected import Truth
from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sources.arrivals import Arrivals


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--blocks", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    blocks = 20_000 if a.quick else a.blocks
    result = {"blocks": blocks, "seed": a.seed, **accounted(blocks, a.seed)}
    result["us_per_ordinary_block"] = machine.spread([cost(blocks // 10) for _ in range(5)])
    print(json.dumps(result, indent=1))
    machine.save("arrivals", result, a.out)


def accounted(blocks: int, seed: int) -> dict[str, int]:
    """Counts of a run in which every block was found to be accounted for; else it ends here."""
    told: list[Event] = []
    truth = Truth(blocks, seed)
    arrivals = Arrivals(told.append)
    now = 0.0
    for block in truth.arriving():
        now = block.arrived
        for placed in arrivals.push(block):
            truth.check(placed)
    for placed in arrivals.flush(now):
        truth.check(placed)
    truth.check_end(arrivals.counts)
    counts = arrivals.counts
    return {name: getattr(counts, name) for name in counts.__struct_fields__} | {
        "events": len(told)
    }


def cost(blocks: int) -> float:
    """Microseconds for a block of 0.1 s at 25.6 kHz that comes as it should."""
    samples = np.zeros((1, 2560), "<i2")
    each = [
        Block(
            samples=samples,
            rate_hz=25600.0,
            arrived=1.8e9 + 0.1 * (i + 1),
            sequence=i,
            time=1.8e9 + 0.1 * i,
        )
        for i in range(blocks)
    ]
    arrivals = Arrivals(lambda event: None)
    began = time.perf_counter()
    for block in each:
        arrivals.push(block)
    return (time.perf_counter() - began) / blocks * 1e6


if __name__ == "__main__":
    machine.run(main)
