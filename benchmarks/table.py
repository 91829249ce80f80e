"""Render ``results/*.json`` as ``results/README.md``, so that no figure is typed by hand.

    python -m benchmarks.table

Works on any result: spreads and single figures become rows named by their path, lists of rows
become tables.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import machine

_SPREAD, _MEAN = {"median", "min", "max"}, {"mean", "half_width"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=machine.RESULTS)
    folder = parser.parse_args().folder
    results = {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    parts = [section(name, results[name]) for name in sorted(results)]
    head = "# Results\n\nWritten by `python -m benchmarks.table` from the JSON files beside it.\n"
    (folder / "README.md").write_text("\n".join([head, *parts]), encoding="utf-8")
    print(folder / "README.md")


def section(name: str, result: Mapping[str, Any]) -> str:
    """One result as a section of Markdown."""
    facts = result.get("machine", {})
    lines = [f"## {name}", ""]
    if "command" in result:
        lines += [f"`{result['command']}`", ""]
    if facts:
        lines += [_machine(facts), ""]
    if "columns" in result:  # a table as the results page shows it
        return "\n".join(
            [*lines, *_grid([result["columns"], *result["rows"]]), "", result["note"], ""]
        )
    body = {key: value for key, value in result.items() if key not in ("machine", "command")}
    figures = list(_figures(body, ()))
    if figures:
        lines += ["| figure | value | lowest to highest |", "|---|---|---|"]
        lines += [f"| {' '.join(path)} | {value} | {extent} |" for path, value, extent in figures]
        lines.append("")
    for path, rows in _tables(body, ()):
        lines += [*([" ".join(path), ""] if path != ("rows",) else []), *_table(rows), ""]
    return "\n".join(lines)


def _machine(facts: Mapping[str, Any]) -> str:
    known = {
        "cpu": "{}", "cores": "{} cores", "sgemm_gmac_per_s": "{} GMAC/s sgemm on one thread",
        "blas": "{}", "python": "Python {}",
    }  # fmt: skip
    words = [form.format(facts[key]) for key, form in known.items() if facts.get(key)]
    if facts.get("vnni") is not None:
        words.append("VNNI" if facts["vnni"] else "no VNNI")
    packages = facts.get("packages", {})
    return ", ".join(words + [f"{name} {version}" for name, version in packages.items()])


def _figures(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Path, value and extent of everything that is no list of rows."""
    if isinstance(value, Mapping) and set(value) == _SPREAD:
        yield path, _text(value["median"]), f"{_text(value['min'])} to {_text(value['max'])}"
    elif isinstance(value, Mapping) and set(value) == _MEAN:
        half = value["half_width"]
        yield path, _text(value["mean"]) + (f" ± {_text(half)}" if half is not None else ""), ""
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _figures(inner, (*path, str(key)))
    elif not _is_rows(value) and value is not None:
        yield path, _text(value), ""


def _tables(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    if _is_rows(value):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _tables(inner, (*path, str(key)))


def _table(rows: list[Mapping[str, Any]]) -> list[str]:
    columns = [key for key, value in rows[0].items() if not isinstance(value, (Mapping, list))]
    return _grid([columns, *([row.get(column) for column in columns] for row in rows)])


def _grid(rows: list[list[Any]]) -> list[str]:
    """Markdown of a table whose first row is its head."""
    head, *lines = [[_text(value) for value in row] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines)]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)


def _text(value: Any) -> str:
    """Four digits of a number, thousands set apart; the rest as it is."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    main()
