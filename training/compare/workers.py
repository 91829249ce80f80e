"""Tasks over all cores, each process staying with what it has prepared.

Tasks come in groups that share costly preparations, which the function caches. A process takes the
next task of its group as long as there is one, then a group that nobody works on, then helps where
most is left: little is prepared twice, and no long group is left over for a single core.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NamedTuple, TypeVar

from dlrsd.runtime.base.errors import DlrsdError

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_groups(
    function: Callable[[Task], Result], groups: Sequence[Sequence[Task]], *, jobs: int
) -> Generator[tuple[Task, Result | DlrsdError], None, None]:
    """Call a function on every task, on several processes at once.

    Parameters
    ----------
    function : picklable
    groups : of picklable tasks
    jobs : int >= 1
        Processes; with 1 this one does it all.

    Yields
    ------
    task, and its result or the `DlrsdError` it ended with, as soon as it is known. Any other error
    is raised. The processes end at once when the iterator is closed, and when this process dies.
    """
    if jobs == 1:
        yield from ((task, _outcome(function, task)) for group in groups for task in group)
        return
    waiting = {i: list(group) for i, group in enumerate(groups) if group}
    context = multiprocessing.get_context("spawn")  # a fork would take torch's threads and locks
    lifeline, held = context.Pipe(duplex=False)

    pools: list[ProcessPoolExecutor] = []

    def start() -> _Place:
        pools.append(ProcessPoolExecutor(1, context, initializer=_begin, initargs=(lifeline,)))
        return _Place(pools[-1], -1)

    free = [start() for _ in range(min(jobs, sum(map(len, waiting.values()))))]
    running: dict[Future[Result], tuple[_Place, Task]] = {}
    try:
        while waiting or running:
            while waiting and free:
                pool, group = free.pop()
                if group not in waiting:
                    group = _next_group(waiting, {place.group for place, _ in running.values()})
                task = waiting[group].pop(0)
                if not waiting[group]:
                    del waiting[group]
                running[pool.submit(function, task)] = (_Place(pool, group), task)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                place, task = running.pop(future)
                outcome: Result | DlrsdError
                try:
                    outcome = future.result()
                except DlrsdError as error:
                    outcome = error
                except BrokenProcessPool:
                    outcome = DlrsdError("its process was killed, by lack of memory perhaps")
                    place = start()
                free.append(place)
                yield task, outcome
    finally:
        held.close()
        for pool in pools:
            pool.shutdown()


class _Place(NamedTuple):
    """A process (a pool of one) and the group whose preparations it holds."""

    pool: ProcessPoolExecutor
    group: int


def _next_group(waiting: dict[int, list[Task]], begun: set[int]) -> int:
    fresh = [group for group in waiting if group not in begun]
    return fresh[0] if fresh else max(waiting, key=lambda group: len(waiting[group]))


def _outcome(function: Callable[[Task], Result], task: Task) -> Result | DlrsdError:
    try:
        return function(task)
    except DlrsdError as error:
        return error


def _begin(lifeline: Connection) -> None:
    """A new process: Ctrl-C is its parent's business, whose end is its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        with suppress(EOFError, OSError):
            lifeline.recv()  # nothing is ever sent: it ends when the other end is gone
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
