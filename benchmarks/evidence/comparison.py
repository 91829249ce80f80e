"""A section of the results page for each comparison: one protocol on one data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.evidence import page, plots
from benchmarks.evidence.parts_of_test import parts_of_test
from benchmarks.evidence.text import (
    FIGURE_NAMES,
    Row,
    commands,
    counts,
    data_name,
    difference,
    duration,
    estimate,
    number,
    ratio,
    variant,
)
from dlrsd.training.evaluate.statistics import REFERENCE, interval
from dlrsd.training.report.parts import Part

Line = Mapping[str, Any]
Table = dict[str, dict[float, Line]]  # of one comparison: method, balance ratio


def comparison_section(name: str, lines: Sequence[Line], rows: Sequence[Row]) -> Part:
    """Everything about the cells of one data set, protocol and classifier.

    Parameters
    ----------
    name : an identifier, unique on the page, for the pictures
    lines : of ``statistics.summary``
    rows : of the table
    """
    first = lines[0]
    table: Table = {}
    for line in lines:
        table.setdefault(line["method"], {})[line["balance"]] = line
    methods = {m: table[m] for m in table if not m.startswith(f"{REFERENCE}/")}
    ablations = {m: table[m] for m in table if m.startswith(f"{REFERENCE}/")}
    shown = ["accuracy", "worst_recall"]
    if first["protocol"] == "bearing":
        shown.append("macro_auroc")  # what is published for it
    title = f"{first['protocol']}: {data_name(first)}, classifier {first['classifier']}"
    if more := variant(first):
        title += f" ({more})"
    return page.section(
        title,
        page.command("\n".join(commands(rows))),
        page.note(_cost(rows)),
        _counts(rows),
        *_levels(name, methods, shown),
        *_differences(f"{name}-minus", methods, shown, "method"),
        *_classes(name, rows),
        *parts_of_test(rows),
        *_ablations(f"{name}-ablation", ablations, table.get(REFERENCE, {}), shown),
        _more(methods, [figure for figure in FIGURE_NAMES if figure not in shown]),
    )


def _cost(rows: Sequence[Row]) -> str:
    seconds = np.array([row["seconds"] for row in rows])
    return (
        f"{number(len(rows), 'cell')}, {duration(seconds.sum())} on one core in all; a cell takes "
        f"{duration(np.median(seconds))} ({duration(seconds.min())} to {duration(seconds.max())})."
    )


def _counts(rows: Sequence[Row]) -> Part:
    lines = []
    for balance in _ratios(rows):
        own = [row for row in rows if row["balance"] == balance]
        seeds = sorted({row["seed"] for row in own})
        lines.append(
            [
                ratio(balance),
                ", ".join(map(str, seeds)),
                counts(own, "train_windows"),
                counts(own, "test_windows"),
            ]
        )
    head = ["balance ratio", "seeds", "training windows drawn", "test windows"]
    return page.table(head, lines)


def _levels(name: str, methods: Table, shown: Sequence[str]) -> list[Part]:
    """A picture and a table of each figure, the best method first."""
    ratios = _ratios(x for line in methods.values() for x in line.values())
    pieces = []
    if len(ratios) == 1:
        panels = {
            FIGURE_NAMES[figure]: {
                method: line[ratios[0]][figure]
                for method, line in methods.items()
                if line[ratios[0]][figure]
            }
            for figure in shown
        }
        panels = {label: values for label, values in panels.items() if values}
        if panels and len(methods) > 1:
            pieces.append(
                page.figure(name, plots.estimates(panels, name=name), "Figures of each method")
            )
    for figure in shown:
        label = FIGURE_NAMES[figure]
        series = {
            method: {balance: x[figure] for balance, x in line.items() if x[figure]}
            for method, line in methods.items()
        }
        series = {method: line for method, line in series.items() if line}
        if not series:
            continue
        pieces.append(page.heading(_capital(label)))
        if len(ratios) > 1:
            key = f"{name}-{figure.replace('_', '-')}"
            svg = plots.over_balance(series, label=label, name=key)
            pieces.append(page.figure(key, svg, f"{label} of each method over the balance ratio"))
        pieces.append(_matrix(methods, ratios, lambda x, f=figure: estimate(x[f])))
    if pieces:
        pieces.append(page.note("Means over seeds ± half of the 95 % interval (Student's t)."))
    return pieces


def _matrix(methods: Table, ratios: Sequence[float], cell: Any) -> Part:
    def rank(method: str) -> float:
        hardest = methods[method].get(ratios[0]) or next(iter(methods[method].values()))
        return -hardest["accuracy"]["mean"]

    rows = [
        [
            f"**{method}**" if method == REFERENCE else method,
            *(cell(methods[method][b]) if b in methods[method] else "–" for b in ratios),
        ]
        for method in sorted(methods, key=rank)
    ]
    return page.table(["method", *map(ratio, ratios)], rows)


def _differences(name: str, methods: Table, shown: Sequence[str], what: str) -> list[Part]:
    others = {
        method: told
        for method, line in methods.items()
        if (told := {b: x for b, x in line.items() if x["difference"]["accuracy"]})
    }
    if not others:
        return []
    ratios = _ratios(x for line in others.values() for x in line.values())
    panels = {
        f"{FIGURE_NAMES[figure]}: {REFERENCE} minus the {what}": {
            method: line[ratios[0]]["difference"][figure]
            for method, line in others.items()
            if ratios[0] in line and line[ratios[0]]["difference"][figure]
        }
        for figure in shown[:2]
    }
    pieces = [
        page.heading(f"{REFERENCE} minus each {what}, seed by seed"),
        page.figure(
            name,
            plots.differences(panels, name=name),
            f"Paired differences at {ratio(ratios[0])}, 95 % intervals; grey: they hold 0",
        ),
        page.note(f"The picture: at {ratio(ratios[0])}; grey where the interval holds 0."),
    ]
    for figure in shown:
        label = FIGURE_NAMES[figure]
        pieces += [
            page.paragraph(f"**{_capital(label)}**"),
            _matrix(others, ratios, lambda x, f=figure: difference(x["difference"][f])),
        ]
    pieces.append(
        page.note(
            f"Better, worse: {REFERENCE}, where the 95 % interval of the paired difference "
            "excludes 0; not shown: it does not. In brackets the number of common seeds, and the "
            f"p-value of the paired t test after Holm's correction for all {what}s of the column."
        )
    )
    return pieces


def _classes(name: str, rows: Sequence[Row]) -> list[Part]:
    """Confusion of `REFERENCE` and every method's recall of each class, at the ratio that most
    methods were compared at, the hardest of these."""
    rows = [row for row in rows if "/" not in row["method"]]
    compared = {b: {row["method"] for row in rows if row["balance"] == b} for b in _ratios(rows)}
    shown = max(compared, key=lambda b: len(compared[b]))
    rows = [row for row in rows if row["balance"] == shown]
    if len({tuple(row["classes"]) for row in rows}) != 1:
        return []
    classes = rows[0]["classes"]
    recall = {method: _recall(rows, method, classes) for method in {r["method"]: 0 for r in rows}}
    means = {
        method: [each["mean"] if each else None for each in values]
        for method, values in recall.items()
    }
    own = [row for row in rows if row["method"] == REFERENCE]
    pieces = [page.heading(f"Classes at {ratio(shown)}")]
    if len(means) > 1:
        key = f"{name}-recall"
        svg = plots.class_recall(means, classes, name=key)
        text = f"Mean recall of each class under each method at {ratio(shown)}"
        pieces += [page.note(f"{text}:"), page.figure(key, svg, text)]
    if own:
        key = f"{name}-confusion"
        counted = np.sum([row["confusion"] for row in own], axis=0)
        text = (
            f"Confusion of {REFERENCE} at {ratio(shown)} in per cent of the true class, "
            f"{number(int(counted.sum()), 'window')} of {number(len(own), 'seed')}"
        )
        svg = plots.confusion(counted, classes, name=key)
        pieces += [
            page.note(f"{text}:"),
            page.figure(key, svg, text),
            page.table(
                ["class", f"recall of {REFERENCE}", "seeds"],
                [
                    [c, estimate(each), str(each["n"]) if each else "0"]
                    for c, each in zip(classes, recall[REFERENCE], strict=True)
                ],
            ),
        ]
    return pieces


def _recall(
    rows: Sequence[Row], method: str, classes: Sequence[str]
) -> list[dict[str, Any] | None]:
    found: list[dict[str, Any] | None] = []
    tables = [row["recall"] for row in rows if row["method"] == method]
    for name in classes:
        values = [table[name] for table in tables if table.get(name) is not None]
        mean, half = interval(values) if values else (None, None)
        found.append({"mean": mean, "half_width": half, "n": len(values)} if values else None)
    return found


def _ablations(
    name: str, ablations: Table, own: Mapping[float, Line], shown: Sequence[str]
) -> list[Part]:
    if not ablations:
        return []
    ratios = _ratios(x for line in ablations.values() for x in line.values())
    whole = {REFERENCE: {balance: own[balance] for balance in ratios if balance in own}}
    table = {**{method: line for method, line in whole.items() if line}, **ablations}
    pieces = []
    for figure in shown:
        pieces += [
            page.paragraph(f"**{_capital(FIGURE_NAMES[figure])}**"),
            _matrix(table, ratios, lambda x, f=figure: estimate(x[f])),
        ]
    told = _differences(name, ablations, shown, "ablation")
    return [*(told or [page.heading("Ablations")]), page.folded("Means of the ablations", *pieces)]


def _more(methods: Table, figures: Sequence[str]) -> Part:
    ratios = _ratios(x for line in methods.values() for x in line.values())
    pieces = []
    for figure in figures:
        label = FIGURE_NAMES[figure]
        pieces += [
            page.paragraph(f"**{_capital(label)}**"),
            _matrix(methods, ratios, lambda x, f=figure: estimate(x[f])),
        ]
        if any(x["difference"][figure] for line in methods.values() for x in line.values()):
            others = {m: line for m, line in methods.items() if m != REFERENCE}
            pieces += [
                page.paragraph(f"{label}: {REFERENCE} minus each method"),
                _matrix(others, ratios, lambda x, f=figure: difference(x["difference"][f])),
            ]
    pieces += [
        page.paragraph("**Seconds of a cell, one core**"),
        _matrix(methods, ratios, lambda x: f"{x['seconds']:.1f}"),
    ]
    named = ", ".join(FIGURE_NAMES[figure] for figure in figures)
    return page.folded(f"More figures: {named}, seconds", *pieces)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _ratios(rows: Any) -> list[float]:
    """Balance ratios, the hardest first."""
    return sorted({row["balance"] for row in rows}, reverse=True)
