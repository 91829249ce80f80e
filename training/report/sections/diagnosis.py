"""How well each class is recognised, and what was taken for what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from dlrsd.training.base.plot_style import (
    BLUE,
    INK,
    ORANGE,
    STYLE,
    WIDTH,
    as_svg,
    name_rows,
    short_name,
)
from dlrsd.training.report.parts import Note, Picture, Section, Table
from dlrsd.training.report.run_folder import Run
from dlrsd.training.report.words import maybe, percent

GRADE_NOTE = (
    "Grades of Smith and Randall (2015): whether envelope analysis finds the fault of a recording. "
    "Y: it does; P: probably; N: it does not, and a wrong class there is no surprise."
)


def recall(run: Run) -> Section:
    """Recall, precision and F1 of each class."""
    rows = [
        [
            name,
            *(maybe(row[key], percent) for key in ("recall", "precision", "f1")),
            f"{row['support']:,}",
        ]
        for name, row in run.metrics["per_class"].items()
    ]
    return Section(
        "Recall of each class",
        [
            Picture(recall_bars(run.metrics["confusion"], run.classes)),
            Note(
                "Lines are Wilson 95 % intervals as if windows were independent. Overlapping "
                "windows of one recording are not: the true uncertainty is wider."
            ),
            Table(["class", "recall", "precision", "F1", "test windows"], rows),
            *_strata(run),
        ],
    )


def _strata(run: Run) -> list[Table | Note]:
    """Figures by rig, and by grade of difficulty; none where nothing divides the test part."""
    rows = [
        [name, percent(own["accuracy"]), percent(own["worst_recall"]), f"{own['n']:,.0f}"]
        for name, own in run.metrics.get("strata", {}).items()
    ]
    if not rows:
        return []
    table = Table(["part of the test", "accuracy", "worst recall", "test windows"], rows)
    if any(name.startswith("grade") for name, *_ in rows):
        return [table, Note(GRADE_NOTE)]
    return [table]


def confusion(run: Run) -> Section:
    """The confusion matrix."""
    return Section(
        "What was taken for what",
        [
            Picture(confusion_matrix(run.metrics["confusion"], run.classes)),
            Note(
                "Counts of test windows; the depth of colour is the share of the true class. Blue "
                "is right, orange is wrong."
            ),
        ],
    )


def wilson_interval(found: int, total: int) -> tuple[float, float]:
    """95 % interval of a share, ``found`` of ``total`` > 0 (Wilson, JASA 22, 1927)."""
    interval = binomtest(found, total).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


@rc_context(STYLE)
def recall_bars(confusion: ArrayLike, classes: Sequence[str]) -> Markup:
    """Recall of each class with its 95 % Wilson interval and its counts; the worst stands out.

    Parameters
    ----------
    confusion : array, shape (K, K)
        Counts of windows: rows are true classes, columns diagnosed ones.
    classes : list of K names
    """
    counts = np.asarray(confusion)
    total = counts.sum(axis=1)
    shown = np.flatnonzero(total)
    recall = np.diag(counts)[shown] / total[shown]
    worst = recall.min() if recall.min() < 1 else None
    figure = Figure(figsize=(WIDTH, 0.75 + 0.27 * len(shown)), layout="constrained")
    axes = figure.subplots()
    for y, (row, value) in enumerate(zip(shown, recall, strict=True)):
        found, n = int(counts[row, row]), int(total[row])
        low, high = wilson_interval(found, n)
        axes.barh(y, 100 * value, height=0.62, color=ORANGE if value == worst else BLUE)
        axes.plot([100 * low, 100 * high], [y, y], color=INK, linewidth=1.2)
        for end in (low, high):
            axes.plot([100 * end] * 2, [y - 0.16, y + 0.16], color=INK, linewidth=1.2)
        axes.text(102, y, f"{100 * value:.1f} %  ({found:,} of {n:,})", va="center")
    name_rows(axes, [classes[int(row)] for row in shown])
    axes.set_xlim(0, 100)
    axes.set_xlabel("windows of the class that were recognised, %")
    axes.grid(axis="x")
    return as_svg(figure, "recall", "Recall of each class with its 95 % interval")


@rc_context(STYLE)
def confusion_matrix(
    confusion: ArrayLike, classes: Sequence[str], *, name: str = "confusion"
) -> Markup:
    """Counts, coloured by their share of the true class: blue where right, orange where wrong.

    Parameters
    ----------
    confusion, classes
        As in :func:`recall_bars`.
    name : str
        An identifier, unique on the page.
    """
    counts = np.asarray(confusion)
    k = len(counts)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(WIDTH - 0.6, 2.0 + 0.48 * k)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    for true, predicted in zip(*np.nonzero(counts), strict=True):
        value = share[true, predicted]
        colour = BLUE if true == predicted else ORANGE
        corner = (predicted - 0.5, true - 0.5)
        axes.add_patch(
            Rectangle(corner, 1, 1, facecolor=colour, alpha=0.15 + 0.85 * value, linewidth=0)
        )
        axes.text(
            predicted,
            true,
            f"{counts[true, predicted]}",
            ha="center",
            va="center",
            fontsize=9 if k <= 12 else 7,
            color="white" if value > 0.6 else INK,
        )
    axes.set_xlim(-0.5, k - 0.5)
    axes.set_ylim(k - 0.5, -0.5)
    axes.set_aspect("equal")
    names = [short_name(name) for name in classes]
    axes.set_xticks(range(k), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(k), names)
    axes.set_xticks(np.arange(k + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(k + 1) - 0.5, minor=True)
    axes.grid(which="minor")
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("diagnosed as")
    axes.set_ylabel("true class")
    return as_svg(figure, name, "Confusion matrix with counts")
