"""How sure a diagnosis must be: risk and coverage on the test part, and sets of classes."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.certainty import Certainty
from dlrsd.training.base.plot_style import BLUE, GREY, INK, ORANGE, STYLE, WIDTH, as_svg
from dlrsd.training.evaluate.certainty import Measured
from dlrsd.training.report.parts import Note, Part, Picture, Section, Table
from dlrsd.training.report.run_folder import Run
from dlrsd.training.report.words import maybe, percent

T = TypeVar("T")


def certainty(run: Run) -> Section | None:
    """The curve with its operating points, and the sets' coverage, where the run has them."""
    if not (run.config.get("certainty") and run.metrics.get("certainty")):
        return None
    stated = _read(run, run.config["certainty"], Certainty)
    found = _read(run, run.metrics["certainty"], Measured)
    return Section(
        "How sure it is",
        [
            Note(
                f"Left-out windows ({_judged(stated)}) were judged by classifiers trained without "
                "them. Which probability keeps which risk, and which classes belong to the set of "
                "a window, was chosen by these; what comes of it is measured on the test part."
            ),
            Picture(risk_coverage_curve(found)),
            Note(
                "The share of wrong diagnoses among those given, where only the windows of the "
                "test part with the highest probability of their class get one. Marked are the "
                "stated risks: blue where the test part keeps it, orange where it does not."
            ),
            *_points(stated, found),
            _sets(stated, found),
            Note(_SETS_NOTE[stated.is_by_windows]),
        ],
    )


_SETS_NOTE = {
    True: (
        "Windows were left out of recordings that were trained on, and the limits speak of further "
        "windows of these bearings. For another bearing nothing is guaranteed. A set may be empty: "
        "the window is less probable than nine in ten of any class."
    ),
    False: (
        "As measured. Windows of what was left out as a whole are alike: with so few of a class "
        "no coverage and no risk is guaranteed for the next one. A set may be empty."
    ),
}


def _read(run: Run, values: Any, form: type[T]) -> T:
    try:
        return msgspec.convert(values, form)
    except msgspec.ValidationError as error:
        raise InputError(
            f"run {run.name} is damaged (certainty: {error}): expected limits and what they come "
            "to; train it again"
        ) from error


def _judged(stated: Certainty) -> str:
    """How many were left out, of what."""
    windows = f"{sum(stated.windows):,} of {len(stated.windows)} classes"
    if stated.is_by_windows:
        return f"{windows}, at least {min(stated.windows)} of each"
    low, high = min(stated.groups), max(stated.groups)
    each = f"{low}" if low == high else f"{low} to {high}"
    single = f"{stated.left_out}s (or recordings of a single one)"
    return f"{windows}; of each class {each} {single}, left out as a whole"


def _points(stated: Certainty, found: Measured) -> list[Part]:
    if not stated.points:
        return [Note("No risk can be stated: by so few left-out windows none is shown to be kept.")]
    rows = [
        [
            f"{point.risk:g}",
            f"{point.limit:.4f}",
            percent(point.given),
            percent(point.wrong),
            percent(point.worst),
            percent(test.given),
            maybe(test.wrong, percent),
        ]
        for point, test in zip(stated.points, found.points, strict=True)
    ]
    head = [
        "risk",
        "least probability",
        "left out: given",
        "of these wrong",
        "worst: given and wrong",
        "test: given",
        "of these wrong",
    ]
    caption = (
        "Operating points. Worst: the group that was left out (or the class) with most windows "
        "that are given and wrong, as a share of all of its windows"
    )
    return [Table(head, rows, caption=caption)]


def _sets(stated: Certainty, found: Measured) -> Table:
    rows = [
        [name, percent(own.covered), f"{own.size:.2f}", f"{own.n:,}"]
        for name, own in found.sets.items()
    ]
    mean = np.mean([[own.covered, own.size, own.n] for own in found.sets.values()], axis=0)
    total = sum(own.n for own in found.sets.values())
    rows.insert(0, ["mean", percent(mean[0]), f"{mean[1]:.2f}", f"{total:,}"])
    head = ["class: bearing", "set holds the class", "classes in a set", "test windows"]
    caption = f"Sets of classes at a coverage of {stated.coverage:g}, on the test part"
    return Table(head, rows, caption=caption, looks=["total"])


@rc_context(STYLE)
def risk_coverage_curve(found: Measured) -> Markup:
    """Share of wrong diagnoses over the share of windows that get one, with operating points."""
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    axes = figure.subplots()
    coverage, risk = 100 * np.array(found.coverage), 100 * np.array(found.risk)
    axes.plot(coverage, risk, color=GREY, linewidth=1.4)
    top = max(1.0, 1.15 * float(risk.max()))
    for point in found.points:
        if point.wrong is None:
            continue
        colour = BLUE if point.wrong <= point.risk else ORANGE
        at = (100 * point.given, 100 * point.wrong)
        axes.plot(*at, "o", color=colour, markersize=6, clip_on=False, zorder=3)
        axes.annotate(
            f"risk {point.risk:g}", at, (-8, 4), textcoords="offset points", ha="right",
            fontsize=8, color=INK,
        )  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_ylim(0, top)
    axes.set_xlabel("windows that get a diagnosis, the surest first, %")
    axes.set_ylabel("of these wrong, %")
    axes.grid()
    return as_svg(figure, "risk-coverage", "Share of wrong diagnoses over the share given")
