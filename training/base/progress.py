"""Progress bars for trainings: one line for each network, on a terminal and in a log alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

Progress = Callable[[str, int], Callable[[int], None]]  # (what, total) -> set the number done


def silent(what: str, total: int) -> Callable[[int], None]:
    """Progress that nobody looks at."""
    return lambda done: None


@contextmanager
def bars(console: Console) -> Iterator[Progress]:
    """Show a bar for every (what, total) asked for; the function returned takes the number done."""
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    # A step may take minutes: the time left comes from the last hour's, not the last half minute's.
    progress = Bars(*columns, console=console, speed_estimate_period=3600)

    def bar(what: str, total: int) -> Callable[[int], None]:
        progress.start()
        task = progress.add_task(what, total=total)
        return lambda done: progress.update(task, completed=done)

    try:
        yield bar
    finally:
        if progress.tasks:  # or it would leave an empty line
            progress.stop()
