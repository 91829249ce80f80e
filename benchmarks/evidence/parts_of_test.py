"""Figures of parts of the test that a mean hides: by grade of difficulty, and by rig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.evidence import page
from benchmarks.evidence.text import Row, ratio
from dlrsd.training.report.parts import Part


def parts_of_test(rows: Sequence[Row]) -> list[Part]:
    """A table of every method and stratum of rows of one comparison; nothing where no row has any.

    Rows of before there were strata are left out.
    """
    cells: dict[tuple[float, str, str], list[Mapping[str, float]]] = {}
    for row in rows:
        for name, own in (row.get("strata") or {}).items():
            cells.setdefault((row["balance"], row["method"], name), []).append(own)
    if not cells:
        return []
    lines = [
        [ratio(balance), method, name, *_figures(own), str(len(own))]
        for (balance, method, name), own in sorted(cells.items(), key=lambda each: _order(each[0]))
    ]
    head = ["balance ratio", "method", "part", "accuracy", "worst recall", "windows", "seeds"]
    return [
        page.heading("By grade and by rig"),
        page.note(
            "Grades of Smith and Randall (2015): Y, a fault that envelope methods diagnose; P, "
            "probably; N, not. Means over seeds; windows of all of them."
        ),
        page.table(head, lines),
    ]


def _figures(own: Sequence[Mapping[str, float]]) -> list[str]:
    means = [f"{np.mean([one[key] for one in own]):.3f}" for key in ("accuracy", "worst_recall")]
    return [*means, f"{sum(one['n'] for one in own):.0f}"]


def _order(key: tuple[float, str, str]) -> tuple[float, str, str]:
    balance, method, name = key
    return -balance, name, method
