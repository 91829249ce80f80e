"""A bar for what takes more than a moment: on a terminal only, and on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def count_bar(what: str, total: int) -> Iterator[Callable[[int], object]]:
    """Show a bar, gone at the end; the function takes how many of ``total`` are done."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    # Imported here: only a terminal needs it.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
