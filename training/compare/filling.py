"""Cells of a comparison, run on all cores into a table that grows row by row.

Cells that the table holds already are not done again, so a comparison that was interrupted, or one
that has grown, is started by the same command.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.base.hardware import usable_cores
from dlrsd.training.base.progress import Progress
from dlrsd.training.compare.workers import run_groups
from dlrsd.training.data.plants.sequences import SequenceSettings
from dlrsd.training.data.vibration.prepare import Settings
from dlrsd.training.runs.table import Row, own_table, read_table, write_table

Say = Callable[[str], None]
Key = tuple[str, str, int]


class AnyCell(Protocol):
    """Of vibration or of plants: `dlrsd.training.kinds.*.cell`."""

    @property
    def settings(self) -> Settings | SequenceSettings: ...
    @property
    def method(self) -> str: ...
    @property
    def epochs(self) -> int: ...
    def __str__(self) -> str: ...


C = TypeVar("C", bound=AnyCell)


class Comparison(NamedTuple):
    """The grid's rows that the table holds, and what was said of each cell that failed."""

    rows: list[Row]
    failed: list[str]


def fill_table(
    groups: Sequence[Sequence[C]],
    out: Path,
    *,
    run: Callable[[C], Row],
    check: Callable[[Sequence[Sequence[C]]], Sequence[str]],
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
    run : picklable function of a cell
    check : function of the groups of cells that are left
        Raises if one cannot be run, else gives notes to be said.
    jobs, progress, say
        As in `dlrsd.training.compare.vibration.compare`.

    Raises
    ------
    InputError
        If a number, the data or the file cannot be used; nothing was computed then.
    """
    wanted = [cell for group in groups for cell in group]
    for what, number in (("jobs", jobs), ("epochs", min(cell.epochs for cell in wanted))):
        if number is not None and number < 1:
            raise InputError(f"got {what} = {number}: expected 1 or more")
    with own_table(out):
        rows = {_key_of(row, out): row for row in read_table(out)}
        left = [[cell for cell in group if _key(cell) not in rows] for group in groups]
        n_left = sum(map(len, left))
        notes = check(left)
        found = f", {len(wanted) - n_left} of them in {out} already" if n_left < len(wanted) else ""
        for line in (f"{len(wanted)} cells{found}", *notes):
            say(line)
        failed = []
        if n_left:
            outcomes = run_groups(run, left, jobs=jobs or usable_cores())
            show = progress("cells", n_left)
            try:
                failed = _fill(rows, outcomes, out, show, say)
            except KeyboardInterrupt:
                n_there = sum(_key(cell) in rows for cell in wanted)
                say(
                    f"interrupted: {n_there} of {len(wanted)} cells are in {out}; the same command "
                    "goes on with the others"
                )
                raise
        return Comparison([rows[key] for key in map(_key, wanted) if key in rows], failed)


def check_names(**parts: tuple[Sequence[Any], Collection[str] | None]) -> None:
    """Refuse a part of a grid that is empty, or has a name that is not known.

    Parameters
    ----------
    parts : of each, what was got, and what is known (None: anything)

    Raises
    ------
    InputError
    """
    for what, (got, known) in parts.items():
        if not got:
            raise InputError(f"got no {what}s: expected at least one of them")
        for name in got:
            if known is not None and name not in known:
                raise InputError(f"got {what} {name!r}: expected one of {', '.join(known)}")


def _fill(
    rows: dict[Key, Row],
    outcomes: Generator[tuple[C, Row | DlrsdError], None, None],
    out: Path,
    show: Callable[[int], None],
    say: Say,
) -> list[str]:
    """Write every row as soon as it is there; what was said of the cells that failed."""
    failed = []
    with closing(outcomes):
        for done, (cell, outcome) in enumerate(outcomes, 1):
            if isinstance(outcome, DlrsdError):
                failed.append(f"{cell}: {outcome}")
                say(f"failed: {failed[-1]}")
            else:
                rows[_key(cell)] = outcome
                write_table(out, list(rows.values()))
                say(f"{cell}: {_figures(outcome)}")
            show(done)
    return failed


def _key(cell: AnyCell) -> Key:
    return (_stated(cell.settings), cell.method, cell.epochs)


def _key_of(row: Row, out: Path) -> Key:
    try:
        facts: Mapping[str, Any] = json.loads(row["settings"])
        kind = SequenceSettings if "sequence" in facts else Settings
        return (_stated(kind.from_json(dict(facts))), row["method"], row["epochs"])
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{out} has a row whose settings are unknown to this version ({error}): choose another "
            "--out; it was left as it is"
        ) from error


def _stated(settings: Settings | SequenceSettings) -> str:
    """Settings as text; where the data lie decides nothing."""
    return json.dumps({**settings.to_json(), "root": None}, sort_keys=True)


def _figures(row: Row) -> str:
    return (
        f"accuracy {row['accuracy']:.4f}, worst recall {row['worst_recall']:.4f} "
        f"({row['worst_class']}), {row['seconds']:.0f} s"
    )
