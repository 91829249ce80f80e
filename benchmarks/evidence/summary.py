"""The top of the results page: what was aimed at, what was reached, in words and one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.evidence import page
from benchmarks.evidence.text import (
    FIGURE_NAMES,
    PROTOCOLS,
    data_name,
    estimate,
    has_usual_classifier,
    number,
    ratio,
    variant,
)
from dlrsd.training.evaluate.statistics import GROUP, REFERENCE
from dlrsd.training.report.parts import Part

Line = Mapping[str, Any]


class Target(NamedTuple):
    """What the mean of `REFERENCE` over seeds is to reach; without a ratio, at every ratio."""

    task: str | None
    protocol: str
    balance: float | None
    figure: str
    least: float
    beside: str = ""


TARGETS = (
    Target("cwru10", "block", 400, "accuracy", 0.98),
    Target("cwru10", "block", 400, "worst_recall", 0.90),
    Target("cwru10", "block", 100, "accuracy", 0.99),
    Target("cwru10", "block", 5, "accuracy", 0.999),
    Target("cwru10", "bearing", None, "macro_auroc", 0.93),
    Target("cwru-both-ends", "bearing", 5, "macro_auroc", 0.93),
    Target("cwru-both-ends", "bearing", 5, "accuracy", 0.88),
    Target("cwru10", "load", 5, "accuracy", 0.95),
    Target(None, "rig", 20, "accuracy", 0.95),
    Target("cwru10-load0", "random", 5, "accuracy", 0.999, "published 0.9902"),
)
#: Task, protocol, least ratio: there the paired interval to each other method is to lie above 0.
AHEAD = ("cwru10", "block", 50)
#: Measured by another benchmark, which names the figure in its JSON under "measured".
OTHER_TARGETS = {
    "bearing, order map, macro AUROC": (0.93, ""),
    "bearing, multi-label, order map, macro AUROC": (0.911, "published"),
    "bearing, both, macro AUROC": (0.93, ""),
    "load, both, accuracy": (0.93, ""),
    "hundred splits, a fusion's linear experts, macro AUROC": (0.95, ""),
    "bearing, cwru-both-ends 1:5, sets at 0.9, coverage of faulty bearings": (0.88, ""),
}


def summary_section(lines: Sequence[Line], extras: Sequence[Mapping[str, Any]]) -> Part:
    """Targets, and one sentence of each protocol and balance ratio."""
    own = _in_order(line for line in lines if line["method"] == REFERENCE)
    if not own:
        words = page.paragraph(f"The table has no cell of `{REFERENCE}`: there is nothing to sum.")
    else:
        words = page.bullets([_sentence(line, lines) for line in own])
    return page.section(
        "In short",
        page.table(
            ["protocol", "balance ratio", "figure", "target", "measured", "seeds", ""],
            [*_target_rows(own), *_ahead_rows(own, lines), *_other_rows(extras)],
        ),
        page.note(
            "A target is met by the mean over seeds; “surely” where the 95 % interval lies above "
            "it as well."
        ),
        words,
    )


def protocols_section(lines: Sequence[Line]) -> Part:
    """What the protocols mean, and `bearing` beside `block`."""
    present = {line["protocol"] for line in lines}
    pieces = [
        page.bullets([f"**{name}**: {text}" for name, text in PROTOCOLS.items() if name in present])
    ]
    beside = _beside(lines)
    if beside:
        figures = ("accuracy", "worst_recall", "macro_auroc")
        head = [f"{p}: {FIGURE_NAMES[f]}" for p in ("block", "bearing") for f in figures]
        pieces += [
            page.heading(f"`bearing` beside `block`, {REFERENCE}"),
            page.table(["balance ratio", *head], beside),
            page.note(
                "The two have different classes (place and size of the fault; place alone): the "
                "figures stand side by side because only the right half says something about a "
                "bearing that was never seen."
            ),
        ]
    return page.section("What the protocols mean", *pieces)


def _sentence(line: Line, lines: Sequence[Line]) -> str:
    figures = ", ".join(
        f"{FIGURE_NAMES[figure]} {estimate(line[figure])}"
        for figure in ("accuracy", "worst_recall", "macro_auroc")
        if line[figure]
    )
    text = f"{_name(line)}: {figures} ({number(len(line['seeds']), 'seed')})."
    better, worse, open_ = _told(line, lines)
    total = len(better) + len(worse) + len(open_)
    if not total:
        return text
    sure = sum(p is not None and p < 0.05 for p in better.values())
    text += f" In accuracy better than {len(better) or 'none'} of {number(total, 'method')}"
    if better:
        kept = "all" if sure == len(better) else sure or "none"
        text += f" ({kept} of them after Holm's correction too)"
    if worse:
        text += f"; worse than {_listed(worse)}"
    if open_ and better:
        text += f"; no difference shown to {_listed(open_)}"
    return f"{text}."


def _told(
    line: Line, lines: Sequence[Line]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Methods of the same group without ablations, with Holm's p of the accuracy: those that
    `REFERENCE` is better than, those it is worse than, and those to which no difference is shown.
    """
    better: dict[str, Any] = {}
    worse: dict[str, Any] = {}
    open_: dict[str, Any] = {}
    for other in lines:
        value = other["difference"]["accuracy"]
        if value is None or other["method"].startswith(f"{REFERENCE}/"):
            continue
        if all(other[key] == line[key] for key in GROUP):
            word = value["verdict"]
            part = better if word == f"{REFERENCE} better" else open_
            part = worse if word == f"{other['method']} better" else part
            part[other["method"]] = value["p_holm"]
    return better, worse, open_


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _name(line: Line) -> str:
    parts = [data_name(line), _unusual(line)]
    return (
        f"**{line['protocol']}, {ratio(line['balance'])}** "
        f"({'; '.join(part for part in parts if part)})"
    )


def _unusual(line: Line) -> str:
    classifier = "" if has_usual_classifier(line) else f"classifier {line['classifier']}"
    return "; ".join(part for part in (classifier, variant(line)) if part)


def _in_order(lines: Iterable[Line]) -> list[Line]:
    """By protocol as `PROTOCOLS` has them, the hardest ratio first."""
    order = list(PROTOCOLS)
    return sorted(lines, key=lambda line: (order.index(line["protocol"]), -line["balance"]))


def _target_rows(own: Sequence[Line]) -> list[list[str]]:
    rows = []
    for target in TARGETS:
        found = [
            line
            for line in own
            if (line["task"], line["protocol"]) == target[:2]
            and has_usual_classifier(line)
            and target.balance in (None, line["balance"])
        ]
        aim = f"≥ {target.least:g}" + (f" ({target.beside})" if target.beside else "")
        figure = FIGURE_NAMES[target.figure]
        where = ", ".join(filter(None, (target.protocol, target.task)))
        for line in found:
            value = line[target.figure]
            rows.append(
                [
                    where + (f" ({_unusual(line)})" if _unusual(line) else ""),
                    ratio(line["balance"]),
                    figure,
                    aim,
                    estimate(value),
                    str(value["n"]) if value else "0",
                    met(value, target.least),
                ]
            )
        if not found:
            share = ratio(target.balance) if target.balance else "any"
            rows.append([where, share, figure, aim, "–", "0", "not measured"])
    return rows


def _ahead_rows(own: Sequence[Line], lines: Sequence[Line]) -> list[list[str]]:
    """Whether every other method is behind at the ratios where it matters most."""
    rows = []
    for line in own:
        parts = _told(line, lines)
        total = sum(map(len, parts))
        is_aimed_at = (line["task"], line["protocol"]) == AHEAD[:2] and line["balance"] >= AHEAD[2]
        if not (is_aimed_at and total) or _unusual(line):
            continue
        better = len(parts[0])
        rows.append(
            [
                f"{AHEAD[1]}, {AHEAD[0]}",
                ratio(line["balance"]),
                "accuracy minus each method's",
                "interval above 0",
                f"{better} of {total}",
                str(len(line["seeds"])),
                "**met**" if better == total else "**not met**",
            ]
        )
    return rows


def _other_rows(extras: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    rows = []
    measured = {name: value for extra in extras for name, value in extra["measured"].items()}
    for name, (least, beside) in OTHER_TARGETS.items():
        where, _, figure = name.rpartition(", ")
        value = measured.get(name)
        rows.append(
            [
                where,
                "–",
                figure,
                f"> {least:g}" + (f" ({beside})" if beside else ""),
                estimate(value),
                str(value["n"]) if value else "0",
                met(value, least, above=True),
            ]
        )
    return rows


def met(value: Mapping[str, Any] | None, least: float, *, above: bool = False) -> str:
    """Whether an estimate reaches a target, in words."""
    if value is None:
        return "not measured"
    if value["mean"] < least or (above and value["mean"] == least):
        return "**not met**"
    half = value["half_width"]
    return "**met**, surely" if half is not None and value["mean"] - half >= least else "**met**"


def _beside(lines: Sequence[Line]) -> list[list[str]]:
    cells: dict[tuple[Any, ...], dict[str, Line]] = {}
    for line in _in_order(lines):
        if line["method"] == REFERENCE and line["protocol"] in ("block", "bearing"):
            key = (line["data"], line["task"], line["classifier"], line["variant"], line["balance"])
            cells.setdefault(key, {})[line["protocol"]] = line
    rows = []
    for by_protocol in (both for both in cells.values() if len(both) == 2):
        first = next(iter(by_protocol.values()))
        more = "; ".join(x for x in (data_name(first), _unusual(first)) if x)
        row = [f"{ratio(first['balance'])} ({more})"]
        for protocol in ("block", "bearing"):
            line = by_protocol[protocol]
            row += [
                estimate(line[figure]) for figure in ("accuracy", "worst_recall", "macro_auroc")
            ]
        rows.append(row)
    return rows
