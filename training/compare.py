"""A grid of methods, balance ratios, protocols, seeds and classifiers, cell by cell into a table.

Cells that the table holds already are not done again, so a comparison that was interrupted, or one
that has grown, is started by the same command.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from dlrsd.runtime.errors import DlrsdError, InputError
from dlrsd.runtime.hardware import usable_cores
from dlrsd.training.cells import Cell, prepared, run_cell
from dlrsd.training.classifiers import CLASSIFIERS
from dlrsd.training.fit import CLASSIFIER_EPOCHS
from dlrsd.training.generator import PRESETS
from dlrsd.training.materials import Progress, silent
from dlrsd.training.methods import COMBINATIONS, KNOWN, METHODS, VARIANTS
from dlrsd.training.prepare import Settings
from dlrsd.training.splits import PROTOCOLS
from dlrsd.training.statistics import REFERENCE
from dlrsd.training.table import Row, own_table, read_table, write_table
from dlrsd.training.windows import counts_by_class
from dlrsd.training.workers import run_groups

Say = Callable[[str], None]
Key = tuple[Settings, str, int]


@dataclass(frozen=True)
class Grid:
    """What is compared: all combinations.

    Parameters
    ----------
    settings : Settings
        What all cells have in common; its protocol, balance, seed and classifier are not used.
    methods, balances, protocols, seeds, classifiers
        Of each at least one.
    epochs : int > 0
        Of the classifier's training, the same for every method.
    """

    settings: Settings
    methods: Sequence[str]
    balances: Sequence[float]
    protocols: Sequence[str] = ("block",)
    seeds: Sequence[int] = (0,)
    classifiers: Sequence[str] = ("edge",)
    epochs: int = CLASSIFIER_EPOCHS


class Comparison(NamedTuple):
    """The grid's rows that the table holds, and what was said of each cell that failed."""

    rows: list[Row]
    failed: list[str]


def compare(
    grid: Grid,
    out: Path,
    *,
    jobs: int | None = None,
    progress: Progress = silent,
    say: Say = lambda line: None,
) -> Comparison:
    """Fill a table with the cells of a grid.

    Parameters
    ----------
    grid : Grid
    out : Path
        ``NAME.parquet`` or ``NAME.csv``; a row is in it as soon as its cell is done. A table that
        is there is gone on with.
    jobs : int >= 1, optional
        Processes, each on one thread; default: the cores that this process may use.
    progress : function, optional
        As in `dlrsd.training.fit.fit`.
    say : function, optional
        Takes a line on what is there, on every cell that is done, and on every one that failed.

    Raises
    ------
    InputError
        If a name, the data under a protocol and ratio, or the file cannot be used; nothing was
        computed then. A cell that fails later does not keep the others from being done.
    """
    _check_names(grid, jobs)
    with own_table(out):
        rows = {_key_of(row, out): row for row in read_table(out)}
        groups = _groups(grid)
        wanted = [cell for group in groups for cell in group]
        groups = [[cell for cell in group if _key(cell) not in rows] for group in groups]
        n_left = sum(map(len, groups))
        notes = _check_data(groups)
        found = f", {len(wanted) - n_left} of them in {out} already" if n_left < len(wanted) else ""
        for line in (f"{len(wanted)} cells{found}", *notes):
            say(line)
        failed = []
        if n_left:
            outcomes = run_groups(run_cell, groups, jobs=jobs or usable_cores())
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


def method_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names with ``all`` replaced by the twelve methods, ``combinations`` by those of re-balancing
    and weights, and ``ablations`` by DLRSD-SMOTE and its own."""
    groups = {
        "all": [*METHODS],
        "combinations": [*COMBINATIONS],
        "ablations": [REFERENCE, *VARIANTS],
    }
    return tuple(method for name in names for method in groups.get(name, [name]))


def _fill(
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
                failed.append(f"{_name(cell)}: {outcome}")
                say(f"failed: {failed[-1]}")
            else:
                rows[_key(cell)] = outcome
                write_table(out, list(rows.values()))
                say(f"{_name(cell)}: {_figures(outcome)}")
            show(done)
    return failed


def _groups(grid: Grid) -> list[list[Cell]]:
    """Cells by what they share. Seed after seed, so that an unfinished table compares all; of a
    group, the methods that train most first, so that no long cell is the last of all."""
    methods = [name for name in [*KNOWN][::-1] if name in grid.methods]
    return [
        [
            Cell(_settings(grid, protocol, balance, seed, classifier), method, grid.epochs)
            for method in methods
            for classifier in dict.fromkeys(grid.classifiers)
        ]
        for seed in dict.fromkeys(grid.seeds)
        for protocol in dict.fromkeys(grid.protocols)
        for balance in dict.fromkeys(grid.balances)
    ]


def _settings(grid: Grid, protocol: str, balance: float, seed: int, classifier: str) -> Settings:
    settings = replace(
        grid.settings, protocol=protocol, balance=balance, seed=seed, classifier=classifier
    )
    if protocol == "load":
        return settings
    return replace(settings, train_loads=None, test_loads=None)  # they decide nothing


def _key(cell: Cell) -> Key:
    return (replace(cell.settings, root=None), cell.method, cell.epochs)


def _key_of(row: Row, out: Path) -> Key:
    try:
        return (Settings.from_json(json.loads(row["settings"])), row["method"], row["epochs"])
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{out} has a row whose settings are unknown to this version ({error}): choose another "
            "--out; it was left as it is"
        ) from error


def _check_names(grid: Grid, jobs: int | None) -> None:
    for what, got, known in (
        ("method", grid.methods, KNOWN),
        ("protocol", grid.protocols, PROTOCOLS),
        ("classifier", grid.classifiers, CLASSIFIERS),
        ("preset", [grid.settings.preset], PRESETS),
    ):
        for name in got:
            if name not in known:
                raise InputError(f"got {what} {name!r}: expected one of {', '.join(known)}")
    for what in ("methods", "balances", "protocols", "seeds", "classifiers"):
        if not getattr(grid, what):
            raise InputError(f"got no {what}: expected at least one of them")
    for what, number in (("jobs", jobs), ("epochs", grid.epochs)):
        if number is not None and number < 1:
            raise InputError(f"got {what} = {number}: expected 1 or more")


def _check_data(groups: Sequence[Sequence[Cell]]) -> list[str]:
    """Refuse what cannot be prepared; a note on every ratio that leaves a class a single window."""
    lone: dict[float, list[str]] = {}
    for settings in (group[0].settings for group in groups if group):
        try:
            data = prepared(settings)
        except DlrsdError as error:
            where = f"protocol {settings.protocol}, balance ratio 1:{settings.balance:g}"
            raise InputError(f"{where}, seed {settings.seed}: {error}") from error
        counts = counts_by_class(data.drawn, data.classes)
        lone.setdefault(settings.balance, [name for name, count in counts.items() if count == 1])
    return [
        f"note: a balance ratio of 1:{balance:g} leaves a single training window of "
        f"{', '.join(names)}: what interpolates has no partner there (see the column notes)"
        for balance, names in lone.items()
        if names
    ]


def _name(cell: Cell) -> str:
    s = cell.settings
    return f"{s.protocol} 1:{s.balance:g} seed {s.seed} {s.classifier} {cell.method}"


def _figures(row: Row) -> str:
    return (
        f"accuracy {row['accuracy']:.4f}, worst recall {row['worst_recall']:.4f} "
        f"({row['worst_class']}), {row['seconds']:.0f} s"
    )
