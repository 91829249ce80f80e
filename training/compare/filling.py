"""Cells of a comparison, run on all cores into a table that grows row by row.

Cells that the table holds already are not done again, so a comparison that was interrupted, or one
that has grown, is started by the same command.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.base.hardware import usable_cores
from dlrsd.training.base.progress import Progress
from dlrsd.training.compare.table import own_table, read_table, write_table
from dlrsd.training.compare.workers import run_groups
from dlrsd.training.kinds.kind import Cell, Kind
from dlrsd.training.kinds.registry import AnySettings
from dlrsd.training.runs.row import Row

Say = Callable[[str], None]
Key = tuple[AnySettings, str]  # settings that decide a row, and the method


class Comparison(NamedTuple):
    """The grid's rows that the table holds, and what was said of each cell that failed."""

    rows: list[Row]
    failed: list[str]


def fill_table(
    groups: Sequence[Sequence[Cell]],
    out: Path,
    *,
    kind: Kind[Any],
    jobs: int | None,
    progress: Progress,
    say: Say,
) -> Comparison:
    """Run the cells that a table lacks.

    Parameters
    ----------
    groups : cells, those that share costly preparations together
    out : Path
        ``NAME.parquet`` or ``NAME.csv``; a row is in it as soon as its cell is done.
    kind : Kind
        Of all cells: it runs them, and says before what is to be said of those that are left.
    jobs, progress, say
        As in `dlrsd.training.compare.compare.compare_methods`.

    Raises
    ------
    InputError
        If a number, the data or the file cannot be used; nothing was computed then.
    """
    wanted = [cell for group in groups for cell in group]
    if jobs is not None and jobs < 1:
        raise InputError(f"got jobs = {jobs}: expected 1 or more")
    with own_table(out):
        rows = {_key_of(row, out): row for row in read_table(out)}
        left = [[cell for cell in group if _key(cell) not in rows] for group in groups]
        n_left = sum(map(len, left))
        notes = kind.check([group[0].settings for group in left if group])
        found = f", {len(wanted) - n_left} of them in {out} already" if n_left < len(wanted) else ""
        for line in (f"{len(wanted)} cells{found}", *notes):
            say(line)
        failed = []
        if n_left:
            outcomes = run_groups(kind.run_cell, left, jobs=jobs or usable_cores())
            show = progress("cells", n_left)
            try:
                failed = _fill(kind, rows, outcomes, out, show, say)
            except KeyboardInterrupt:
                n_there = sum(_key(cell) in rows for cell in wanted)
                say(
                    f"interrupted: {n_there} of {len(wanted)} cells are in {out}; the same command "
                    "goes on with the others"
                )
                raise
        return Comparison([rows[key] for key in map(_key, wanted) if key in rows], failed)


def _fill(
    kind: Kind[Any],
    rows: dict[Key, Row],
    outcomes: Generator[tuple[Cell, Row | DlrsdError], None, None],
    out: Path,
    show: Callable[[int], None],
    say: Say,
) -> list[str]:
    """Write every row as soon as it is there; what was said of the cells that failed."""
    failed = []
    with closing(outcomes):
        for done, (cell, outcome) in enumerate(outcomes, 1):
            if isinstance(outcome, DlrsdError):
                failed.append(f"{_words(kind, cell)}: {outcome}")
                say(f"failed: {failed[-1]}")
            else:
                rows[_key(cell)] = outcome
                write_table(out, list(rows.values()))
                say(f"{_words(kind, cell)}: {_figures(outcome)}")
            show(done)
    return failed


def _key(cell: Cell) -> Key:
    return cell.settings.decisive(), cell.method


def _key_of(row: Row, out: Path) -> Key:
    try:
        facts = {"kind": row["kind"], **row["settings"]}
        return msgspec.convert(facts, AnySettings).decisive(), row["method"]
    except (DlrsdError, msgspec.ValidationError) as error:
        raise InputError(
            f"{out} has a row whose settings are unknown to this version ({error}): choose another "
            "--out; it was left as it is"
        ) from error


def _words(kind: Kind[Any], cell: Cell) -> str:
    return f"{kind.place(cell.settings)}, {cell.settings.classifier}, {cell.method}"


def _figures(row: Row) -> str:
    return (
        f"accuracy {row['accuracy']:.4f}, worst recall {row['worst_recall']:.4f} "
        f"({row['worst_class']}), {row['seconds']:.0f} s"
    )
