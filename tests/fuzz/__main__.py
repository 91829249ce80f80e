"""The long run: ``python -m tests.fuzz --cases 100000``; a finding makes it exit 1.

Files of findings go to a folder, and `test_fuzz.py` says how one becomes a test.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from tests.fuzz.fuzz import cases, fuzz


def main() -> None:
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="draws the damage")
    parser.add_argument("--targets", default=",".join(TARGETS), help="separated by commas")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="files of findings")
    asked = parser.parse_args()
    columns = (*Progress.get_default_columns()[:1], BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn()) as bar:
        task = bar.add_task("cases", total=asked.cases)
        todo = cases(asked.targets.split(","), asked.cases, asked.seed)
        result = fuzz(todo, keep=asked.keep, on_case=lambda: bar.advance(task))
    print(f"{'target':<12}{'accepted':>10}{'refused':>10}{'found':>10}")
    for name in asked.targets.split(","):
        row = "".join(
            f"{result.counts[name, kind]:>10,}" for kind in ("accepted", "refused", "found")
        )
        print(f"{name:<12}{row}")
    print(f"slowest case {result.slowest_s:.1f} s; largest growth {result.most_bytes / 1e6:.0f} MB")
    kinds = Counter(finding.what.strip().splitlines()[-1][:150] for finding in result.findings)
    for what, count in kinds.most_common():
        first = next(
            each for each in result.findings if each.what.strip().splitlines()[-1][:150] == what
        )
        print(
            f"\n{count} x {what}\n"
            f"  first: {first.case.target} {first.case.seed}, files {first.files}"
        )
        print("  " + "\n  ".join(first.what.strip().splitlines()[-8:]))
    sys.exit(1 if result.findings else 0)


if __name__ == "__main__":
    main()
