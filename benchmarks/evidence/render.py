"""The results page, from tables of comparisons and other benchmarks' results to its files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.evidence import page, plots
from benchmarks.evidence.comparison import comparison_section
from benchmarks.evidence.summary import protocols_section, summary_section
from benchmarks.evidence.text import PROTOCOLS, duration, number
from dlrsd.runtime.base.errors import InputError
from dlrsd.training.compare.table import read_table
from dlrsd.training.evaluate.statistics import GROUP, group_of, summary
from dlrsd.training.report.parts import Part


def render(
    tables: Sequence[Path], *, extras: Sequence[Path], out: Path, limits: Path | None = None
) -> None:
    """Write the page of some tables and of other benchmarks' results into a folder."""
    rows = [row for path in tables for row in _read(path)]
    others = [_read_extra(path) for path in extras]
    lines = summary(rows)
    comparisons: dict[tuple[Any, ...], tuple[list[Any], list[Any]]] = {}
    for line in lines:
        comparisons.setdefault(_comparison(line), ([], []))[0].append(line)
    for row in rows:
        comparisons[_comparison(dict(zip(GROUP, group_of(row), strict=True)))][1].append(row)
    order = list(PROTOCOLS)
    sections = [
        comparison_section(f"{i}-{own[0]['protocol']}", own, cells)
        for i, (own, cells) in enumerate(
            sorted(comparisons.values(), key=lambda c: order.index(c[0][0]["protocol"])), start=1
        )
    ]
    versions = sorted({row["version"] for row in rows})
    seconds = sum(row["seconds"] for row in rows)
    page.write(
        out,
        "How well the diagnosis holds, and how much DLRSD-SMOTE helps",
        [
            page.paragraph(
                f"{number(len(rows), 'cell')} of dlrsd {', '.join(versions)}, "
                f"{duration(seconds)} on one core in all. Every method has the same split, drawn "
                "windows, augmentation, network, first weights and training steps. All seeds share "
                "the same recordings: an interval describes other draws and splits of these "
                "recordings, not other machines. Test parts recur from seed to seed (`block` has "
                "four, published folds under `bearing` are three, `load` has one): intervals are "
                "rather too narrow than too wide."
            ),
            summary_section(lines, others),
            *([_limits_section(limits)] if limits else []),
            protocols_section(lines),
            *sections,
            *map(_extra_section, others),
        ],
        "python -m benchmarks.evidence "
        + " ".join([*map(str, tables), *(f"--extra {path}" for path in extras)])
        + (f" --limits {limits}" if limits else ""),
    )


def _comparison(group: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(group[key] for key in GROUP if key != "balance")


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise InputError(
            f"there is no table {path}: expected one that `dlrsd-train compare` wrote; run it first"
        )
    rows = read_table(path)
    if not rows:
        raise InputError(f"{path} has no rows: expected one of each cell; run the comparison")
    if any(row["kind"] != "window" for row in rows):
        raise InputError(
            f"{path} has rows of plants: expected vibration; "
            "run `python -m benchmarks.evidence.plants`"
        )
    return rows


def _read_extra(path: Path) -> dict[str, Any]:
    try:
        extra = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): expected JSON of a benchmark"
        ) from error
    wanted = ("title", "command", "columns", "rows")
    if not isinstance(extra, dict) or any(key not in extra for key in wanted):
        raise InputError(f"{path} is no result of a benchmark: expected keys {', '.join(wanted)}")
    if any(len(row) != len(extra["columns"]) for row in extra["rows"]):
        raise InputError(f"{path} has rows unlike its {len(extra['columns'])} columns: mend it")
    return {"note": "", "measured": {}, **extra}


def _limits_section(path: Path) -> Part:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): expected a text") from error
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
    return page.section("What limits it, and what was tried", page.bullets(paragraphs))


def _extra_section(extra: Mapping[str, Any]) -> Part:
    rows = [[_text(value) for value in row] for row in extra["rows"]]
    return page.section(
        extra["title"],
        page.command(extra["command"]),
        page.table(extra["columns"], rows),
        *_curves(extra),
        *([page.note(extra["note"])] if extra["note"] else []),
    )


def _curves(extra: Mapping[str, Any]) -> list[Part]:
    """Risk over coverage, where a benchmark has measured it."""
    if "risk_coverage" not in extra:
        return []
    name = f"{extra['title'].lower().replace(' ', '-')}-curve"
    svg = plots.risk_coverage(extra["risk_coverage"], name=name)
    text = (
        "Share of wrong diagnoses over the share of windows that get one, the surest first; marked "
        "are limits that were chosen beforehand for a stated risk"
    )
    return [page.note(f"{text}:"), page.figure(name, svg, text)]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
