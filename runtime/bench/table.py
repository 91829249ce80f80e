"""What a person sees of the benchmark: a bar while it runs, and a table of 80 columns or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from dlrsd.runtime.base.errors import ParityError
from dlrsd.runtime.bench.measure import AGREEMENT, is_wrong
from dlrsd.runtime.bundle.kinematics import orders_text

_COLUMNS = (
    "graph", "batch", "p50\nus", "p95\nus", "p99\nus", "windows\n/s", "x real\ntime", "peak\nMB",
    "file\nkB", "labels\nas fp32", "accu-\nracy",
)  # fmt: skip


def show(rows: Sequence[dict[str, Any]], *, source: str | None, as_json: bool) -> None:
    """Print the rows of `benchmark` to standard output, and what needs saying of them."""
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    console = Console(highlight=False)
    for place in dict.fromkeys(map(_place, rows)):
        here = [row for row in rows if _place(row) == place]
        console.print(Text(place, style="bold"), _table(here), sep="\n")
        for precision, note in dict.fromkeys((row["precision"], row["note"]) for row in here):
            if note:
                of = [r["batch"] for r in here if (r["precision"], r["note"]) == (precision, note)]
                style = "red" if note.startswith("wrong") else "yellow"
                batches = ", ".join(map(str, of))
                console.print(Text(f"{precision}, batch {batches}: {note}", style=style))
        console.print()
    console.print(Text(_about(source) + _machine(rows[0]["kinematics"]), style="dim"))


def refuse_wrong(rows: Sequence[dict[str, Any]]) -> None:
    """Raise if a row is wrong.

    Raises
    ------
    ParityError
        Naming the precisions.
    """
    wrong = dict.fromkeys(f"{r['precision']} on {r['device']}" for r in rows if is_wrong(r))
    if wrong:
        raise ParityError(
            f"{', '.join(wrong)} gives other labels than fp32 on more than "
            f"{100 * (1 - AGREEMENT):.1f} % of the windows: do not use it; export the bundle again"
        )


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error that is gone at the end; the function takes rows done and in all."""
    console = Console(file=sys.stderr)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("benchmark", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _about(source: str | None) -> str:
    if source is not None:
        return f"Windows of {source}. Times are of a call, real time is of one channel."
    return (
        "Times are of a call, real time is of one channel. Windows are synthetic, those that fp32 "
        "is sure of: --input RECORDING compares labels on real ones."
    )


def _machine(kinematics: Mapping[str, float] | None) -> str:
    if kinematics is None:
        return ""
    speed = f"{kinematics['speed_rpm']:g} rpm"
    return f" Lines, a part of each call, are for {speed} and {orders_text(kinematics)}."


def _place(row: dict[str, Any]) -> str:
    threads = f", {row['threads']} thread{'s' * (row['threads'] > 1)}"
    return (
        f"{row['engine']} {row['version']} on {row['device']}"
        f"{threads if row['device'] == 'cpu' else ''}"
    )


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column != "graph" else "left", no_wrap=True)
    for row in rows:
        wrong = is_wrong(row)
        table.add_row(
            row["precision"],
            str(row["batch"]),
            Text("wrong", style="bold red") if wrong else _figure(row["p50_us"]),
            _figure(row["p95_us"]),
            _figure(row["p99_us"]),
            _figure(row["windows_per_s"]),
            _figure(row["times_real_time"]),
            _figure(row["peak_memory_mb"]),
            _figure(row["bytes"] and row["bytes"] / 1000),
            Text(f"{100 * row['agreement']:.2f} %", style="bold red" if wrong else ""),
            f"{row['accuracy']:.4f}" if row["accuracy"] is not None else "-",
            end_section=row is rows[-1],
        )
    return table


def _figure(value: float | None) -> str:
    """Three digits or more, thousands set apart."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
