"""What a comparison found, for a terminal: methods one below the other, in percent, with intervals.

A table for every protocol, balance ratio and classifier.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dlrsd.training.evaluate.statistics import REFERENCES, group_of, interval, summary
from dlrsd.training.kinds.registry import KINDS
from dlrsd.training.runs.row import Row

_LEGEND = (
    "In percent: mean over seeds ± half of its 95 % interval. A name with −: the first figure of "
    "that method minus the others' on the same seeds; * the interval excludes 0."
)


def standings(rows: Sequence[Row]) -> RenderableType:
    """Lay out rows of `dlrsd.training.compare.compare` for a terminal of 100 columns."""
    kind = KINDS[rows[0]["kind"]]  # a comparison is of one kind
    known = [*kind.compared]
    lines = summary(sorted(rows, key=lambda row: known.index(row["method"])))
    tables = [
        _table(title, list(group), kind.figures) for title, group in groupby(lines, key=_title)
    ]
    return Group(*tables, *_strata_tables(rows, known), Text(_LEGEND))


def _strata_tables(rows: Sequence[Row], known: Sequence[str]) -> list[Table]:
    """By stratum of the test part, where there are any: accuracy and worst recall of a method."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: known.index(row["method"])):
        groups[group_of(row)].append(row)
    tables = []
    for group in groups.values():
        found: dict[str, dict[str, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
        for row in group:
            for name, own in row.get("strata", {}).items():
                found[name][row["method"]].append(own)
        if found:
            tables.append(_strata_table(_title(group[0]), found))
    return tables


def _strata_table(
    title: str, found: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]
) -> Table:
    table = Table(
        title=f"{title}, by part of the test",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for name in ("part", "method"):
        table.add_column(name, overflow="fold")
    for name in ("seeds", "accuracy", "worst recall"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in sorted(found):
        for method, own in found[name].items():
            figures = [
                _percent(
                    dict(zip(("mean", "half_width"), interval([o[f] for o in own]), strict=True))
                )
                for f in ("accuracy", "worst_recall")
            ]
            table.add_row(name, method, str(len(own)), *figures)
    return table


def _title(line: Mapping[str, Any]) -> str:
    ratio = "" if line["balance"] is None else f", 1:{line['balance']:g}"
    return f"{line['protocol']}{ratio}, {line['classifier']}"


def _table(title: str, lines: Sequence[Mapping[str, Any]], figures: Sequence[str]) -> Table:
    table = Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    names = [figure.replace("_", " ") for figure in figures]
    table.add_column("method", overflow="fold", min_width=16)
    for name in ("seeds", *names, f"{REFERENCES[lines[0]['kind']]} −"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        difference = line["difference"][figures[0]]
        table.add_row(
            line["method"],
            str(len(line["seeds"])),
            *("–" if line[f] is None else _percent(line[f]) for f in figures),
            "" if difference is None else _percent(difference, sign="+"),
        )
    return table


def _percent(figure: Mapping[str, Any], sign: str = "") -> str:
    mean, half = figure["mean"], figure["half_width"]
    if half is None:
        return f"{100 * mean:{sign}.2f}"
    excludes = "*" if sign and abs(mean) > half else ""
    return f"{100 * mean:{sign}.2f} ± {100 * half:.2f}{excludes}"
