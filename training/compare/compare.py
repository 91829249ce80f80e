"""A grid of methods, protocols, seeds, networks and balance ratios, on data of any kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.compare.filling import Comparison, Say, fill_table
from dlrsd.training.kinds.kind import Cell, Kind
from dlrsd.training.kinds.registry import AnySettings, kind_of_settings


@dataclass(frozen=True)
class Grid:
    """What is compared: all combinations.

    Parameters
    ----------
    settings : Settings or SequenceSettings
        What all cells have in common.
    methods : list of str
        At least one.
    axes : dict of lists
        Values of the settings that vary, of each at least one, by the names of `Kind.axes`;
        what is left out has its usual value.
    """

    settings: AnySettings
    methods: Sequence[str]
    axes: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def compare_methods(
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
        As in `dlrsd.training.kinds.fit.fit`.
    say : function, optional
        Takes a line on what is there, on every cell that is done, and on every one that failed.

    Raises
    ------
    InputError
        If a name, the data under a protocol and ratio, or the file cannot be used; nothing was
        computed then. A cell that fails later does not keep the others from being done.
    """
    kind = kind_of_settings(grid.settings)
    groups, notes = _groups(kind, grid)
    for note in notes:
        say(note)
    return fill_table(groups, out, kind=kind, jobs=jobs, progress=progress, say=say)


def _groups(kind: Kind[Any], grid: Grid) -> tuple[list[list[Cell]], list[str]]:
    """Cells by what they share, and what is to be said of their settings. Seed after seed, so that
    an unfinished table compares all; of a group, the methods that train most first, so that no long
    cell is the last of all."""
    axes = _values(kind, grid)
    if not grid.methods:
        raise InputError("got no methods: expected at least one of them")
    classifiers = axes.pop("classifier")
    groups: list[list[Cell]] = []
    notes: list[str] = []
    for values in product(*axes.values()):
        varied = dict(zip(axes, values, strict=True))
        shared, note = kind.settled(replace(grid.settings, **varied))
        if note:
            notes.append(f"protocol {shared.protocol}: {note}")
        named = classifiers if "classifier" in grid.axes else [shared.classifier]
        settings = [replace(shared, classifier=name) for name in named]
        for method in grid.methods:
            kind.require_method(method, settings[0])
        methods = [name for name in [*kind.compared][::-1] if name in grid.methods]
        groups.append([Cell(each, name) for name in methods for each in settings])
    return groups, list(dict.fromkeys(notes))


def _values(kind: Kind[Any], grid: Grid) -> dict[str, list[Any]]:
    """Of every axis the values that are compared."""
    for name in grid.axes:
        if name not in kind.axes:
            kind.source.refuse_option(name)
    found = {}
    for name, axis in kind.axes.items():
        usual = axis.usual or (getattr(grid.settings, name),)
        values = list(dict.fromkeys(grid.axes.get(name, usual)))
        if not values:
            raise InputError(f"got no {name}s: expected at least one of them")
        for value in values:
            if axis.known is not None and value not in axis.known:
                raise InputError(f"got {name} {value!r}: expected one of {', '.join(axis.known)}")
        found[name] = values
    return found
