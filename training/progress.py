"""Progress bars for trainings: one line for each network, on a terminal and in a log alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bars(console: Console) -> Iterator[Callable[[str, int], Callable[[int], None]]]:
    """Show a bar for every (what, total) asked for; the function returned takes the number done."""
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    # A step may take minutes: the time left comes from the last hour's, not the last half minute's.
    progress = Progress(*columns, console=console, speed_estimate_period=3600)

    def bar(what: str, total: int) -> Callable[[int], None]:
        progress.start()
        task = progress.add_task(what, total=total)
        return lambda done: progress.update(task, completed=done)

    try:
        yield bar
    finally:
        if progress.tasks:  # or it would leave an empty line
            progress.stop()
