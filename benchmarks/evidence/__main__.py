"""The results page of a comparison: tables, plots, intervals and the commands that made them.

    python -m benchmarks.evidence TABLE.parquet [MORE...] [--extra EXTRA.json ...] [--limits FILE]

Writes evidence.md with its pictures, and evidence.html with everything in it, from tables of
``dlrsd-train compare`` and from what other benchmarks found: JSON with "title", "command",
"columns" and "rows", and where they apply "note", "measured", {target: {"mean", "half_width",
"n"}} for the table of targets, and "risk_coverage", curves as `plots.risk_coverage` takes them.
``--limits`` is a text, a paragraph for each target that is not met: what limits it and what was
tried.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import machine
from benchmarks.evidence.page import NAME
from benchmarks.evidence.render import render


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.evidence",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("tables", nargs="+", type=Path, metavar="TABLE")
    parser.add_argument("--extra", nargs="+", type=Path, default=[], action="extend")
    parser.add_argument("--limits", type=Path)
    parser.add_argument("--out", type=Path, default=machine.RESULTS)
    a = parser.parse_args()
    render(a.tables, extras=a.extra, out=a.out, limits=a.limits)
    print(a.out / f"{NAME}.html")


if __name__ == "__main__":
    machine.run(main)
