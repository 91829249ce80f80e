"""A million blocks with loss, duplicates, disorder, new beginnings and clocks that jump.

    python -m benchmarks.watch.arrivals

Each is compared with what is true of it: taken once at its place and time, or counted as lost,
double, late or refused; and no samples hang together that did not when they were measured. Also
prints what an ordinary block costs of a processor: to put it in order, and to read it from a TCP
connection that another process sends over and then to put it in order.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import time
from collections.abc import Iterator

import numpy as np

from benchmarks import machine
from benchmarks.watch.injected import Truth
from dlrsd.runtime.service.blocks import Block, Slow
from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sources.arrivals import Arrivals
from dlrsd.runtime.service.sources.sending import send_blocks
from dlrsd.runtime.service.sources.tcp import TcpSource


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--blocks", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    blocks = 20_000 if a.quick else a.blocks
    result = {"blocks": blocks, "seed": a.seed, **accounted(blocks, a.seed)}
    result["us_per_ordinary_block"] = machine.spread([cost(blocks // 10) for _ in range(5)])
    result["us_per_block_over_tcp"] = machine.spread(
        [asyncio.run(cost_over_tcp(blocks // 50)) for _ in range(5)]
    )
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
    each = list(ordinary(blocks))
    arrivals = Arrivals(lambda event: None)
    began = time.process_time()
    for block in each:
        arrivals.push(block)
    return (time.process_time() - began) / blocks * 1e6


async def cost_over_tcp(blocks: int) -> float:
    """The same for one that is read from a connection first."""
    port = free_port()
    arrivals = Arrivals(lambda event: None)
    done = asyncio.Event()

    async def give(block: Block | Slow) -> None:
        if isinstance(block, Block) and arrivals.push(block)[0].start == 2560 * (blocks - 1):
            done.set()

    reading = asyncio.create_task(TcpSource(listen=f"127.0.0.1:{port}").run(give, lambda _: None))
    sender = multiprocessing.get_context("spawn").Process(target=_send, args=(port, blocks))
    await asyncio.sleep(0.1)
    began = time.process_time()
    sender.start()
    await done.wait()
    took = time.process_time() - began
    reading.cancel()
    await asyncio.wait([reading])
    sender.join()
    return took / blocks * 1e6


def _send(port: int, blocks: int) -> None:
    asyncio.run(send_blocks("127.0.0.1", port, ordinary(blocks)))


def ordinary(blocks: int) -> Iterator[Block]:
    """One after the other, as they should be."""
    samples = np.zeros((1, 2560), "<i2")
    for i in range(blocks):
        yield Block(
            samples=samples,
            rate_hz=25600.0,
            arrived=1.79e9 + 0.1 * (i + 1),
            sequence=i,
            time=1.79e9 + 0.1 * i,
        )


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    machine.run(main)
