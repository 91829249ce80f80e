"""The training windows of each class before and after balancing, and what the filter dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlrsd.training.base.plot_style import BLUE, GREEN, ORANGE, STYLE, WIDTH, as_svg, name_rows
from dlrsd.training.report.parts import Note, Part, Picture, Section, Table
from dlrsd.training.report.run_folder import Run
from dlrsd.training.report.words import percent


def training_windows(run: Run) -> Section | None:
    """Counts of real and synthetic training windows."""
    drawn = run.metrics.get("window_counts", {}).get("train", {})
    balance = run.metrics.get("balance") or {name: {"drawn": n} for name, n in drawn.items()}
    if not balance:
        return None
    shares = _shares(balance)
    shifted = "shifted and " if run.frontend and run.frontend.shift_invariant else ""
    equal = "" if shares else "; every batch holds the classes in equal shares"
    return Section(
        "Training windows",
        [
            Picture(class_counts(balance)),
            *shares,
            Note(
                "Windows held out for validation are not counted. Besides these the classifier saw "
                f"views of the real windows, {shifted}with noise added{equal}."
            ),
            *map(Note, run.metrics.get("notes", ())),
        ],
    )


def _shares(balance: Mapping[str, Mapping[str, Any]]) -> Sequence[Part]:
    """What a class is of a batch and weighs in the loss, where methods differ in it."""
    if not any("share" in row for row in balance.values()):
        return []
    rows = [[name, percent(row["share"]), f"{row['weight']:.3g}"] for name, row in balance.items()]
    return [Table(["class", "share of a batch", "weight in the loss"], rows)]


def filter_counts(run: Run) -> Section | None:
    """How many synthetic heatmaps the filter kept and dropped, and why."""
    balance = run.metrics.get("balance") or {}
    if not any(row.get("decoded") or row.get("rejected") for row in balance.values()):
        return None
    reasons = list(dict.fromkeys(r for row in balance.values() for r in row.get("rejected", {})))
    copies = run.metrics.get("near_copies", {})
    head = ["class", *(f"rejected: {reason.replace('_', ' ')}" for reason in reasons)]
    head += ["decoded, kept", "SMOTE top-up", *(["near-copies left"] if copies else [])]
    rows = []
    for name, row in balance.items():
        counts = [row.get("rejected", {}).get(reason, 0) for reason in reasons]
        counts += [row.get("decoded", 0), row.get("smote", 0)]
        cells = [f"{count:,}" for count in counts]
        if copies:
            found = copies["per_class"].get(name, {})
            share = found.get("share")
            cells.append("–" if share is None else f"{found['count']:,} ({percent(share)})")
        rows.append([name, *cells])
    parts: list[Part] = [Table(head, rows)]
    if copies:
        parts.append(
            Note(
                "A near-copy lies closer to a training window than "
                f"{copies['fraction']:g} times the median distance between a training window of "
                f"the class and its nearest neighbour. Of {copies['n']:,} synthetic heatmaps that "
                f"could be judged so, {copies['count']:,} lie that close."
            )
        )
    return Section("What the filter did", parts)


@rc_context(STYLE)
def class_counts(balance: Mapping[str, Mapping[str, int]]) -> Markup:
    """Training windows of each class before and after balancing.

    Parameters
    ----------
    balance : {class: {"drawn": n, "kept": n, "decoded": n, "smote": n, "synthetic": n}}
        Real windows, those of them that under-sampling kept, synthetic ones that passed the
        filter, SMOTE's top-up, or those of another method; all but the first may be missing: where
        nothing changes, there is no "after".
    """
    parts = {"drawn": BLUE, "kept": BLUE, "decoded": ORANGE, "smote": GREEN, "synthetic": ORANGE}
    labels = {"kept": "real", "decoded": "synthetic, decoded", "smote": "SMOTE top-up"}
    filled = [{"kept": row["drawn"], **row} for row in balance.values()]
    counts = {part: np.array([row.get(part, 0) for row in filled]) for part in parts}
    after = [part for part in parts if part != "drawn" and counts[part].any()]
    total = np.sum([counts[part] for part in after], axis=0)
    balanced = bool((total != counts["drawn"]).any())
    figure = Figure(figsize=(WIDTH, 1.1 + 0.27 * len(balance)), layout="constrained")
    panels = figure.subplots(1, 2 if balanced else 1, sharey=True, squeeze=False)[0]
    rows = np.arange(len(balance))
    for axes, stack in zip(panels, (["drawn"], after), strict=False):
        left = np.zeros(len(balance))
        for part in stack:
            label = labels.get(part, part)
            axes.barh(rows, counts[part], left=left, height=0.62, color=parts[part], label=label)
            left += counts[part]
        for row, value in enumerate(left):
            axes.text(value, row, f"\N{NO-BREAK SPACE}{int(value):,}", va="center")
        axes.set_xlim(0, 1.15 * max(left.max(), 1))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_xlabel("windows")
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
    name_rows(panels[0], list(balance))
    if balanced:
        panels[0].set_title("before: real windows")
        panels[1].set_title("after: the balanced set")
        handles, names = panels[1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
    return as_svg(figure, "counts", "Training windows of each class before and after balancing")
