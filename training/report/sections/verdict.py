"""The top of a report: how good the diagnosis is, how it was made, and what the figures mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from dlrsd.training.report.parts import Span, Text, Tile, Verdict
from dlrsd.training.report.run_folder import Run
from dlrsd.training.report.sections.diagnosis import wilson_interval
from dlrsd.training.report.words import percent

_PROTOCOL_MEANING = {
    "random": (
        "Overlapping windows were dealt out at random, so test windows share samples with training "
        "windows. These figures leak: they serve to compare with published ones that were made "
        "the same way, and say nothing about a machine."
    ),
    "block": (
        "Every recording was cut in time and no test window shares a sample with the training "
        "part, but the same physical bearings are on both sides. The figures say how well the "
        "model knows these bearings on this rig, not how it will do on another machine."
    ),
    "load": (
        "Training and test are at different loads. The figures say how the model carries over to "
        "a load it has not seen, not to another machine."
    ),
    "bearing": (
        "No physical bearing is on both sides (a single healthy one excepted, which is then "
        "divided by load). Of the protocols within one data set this one says most about a new "
        "machine of the same kind."
    ),
    "rig": (
        "No data set is on both sides: the figures say how the model carries over to a machine of "
        "another make, as far as one rig can stand for others."
    ),
    "time": (
        "Every plant was cut in time, three hours apart, and is on both sides. The figures say how "
        "well faults of these plants are found again later, not how it will do in another plant."
    ),
    "plant": (
        "No plant is on both sides. The figures say how the model carries over to a plant of the "
        "same layout that it has not seen."
    ),
}
_METHOD_NAMES = {"dlrsd-smote": "DLRSD-SMOTE"}
_FIGURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "accuracy": ("accuracy", percent),
    "macro_recall": ("macro recall", percent),
    "worst_recall": ("worst recall: {worst_class}", percent),
    "macro_precision": ("macro precision", percent),
    "macro_f1": ("macro F1", percent),
    "g_mean": ("G-mean of recalls", percent),
    "g_mean_paper": ("G-mean, the paper's", percent),
    "macro_auroc": ("macro AUROC", lambda value: f"{value:.4f}"),
}


def verdict(run: Run) -> Verdict:
    """The top of the page."""
    metrics = run.metrics
    return Verdict(
        run=run.name,
        headline=_HEADLINES.get(run.kind, _windows_diagnosed)(run),
        sentences=[text for text in (_how(run), _weakest(run)) if text],
        meaning=list(_meaning(run)),
        tiles=[
            Tile(
                show(metrics[key]),
                label.replace("{worst_class}", str(metrics.get("worst_class", ""))),
                "worst" if key == "worst_recall" else "",
            )
            for key, (label, show) in _FIGURES.items()
            if metrics.get(key) is not None
        ],
    )


def _windows_diagnosed(run: Run) -> str:
    total = sum(map(sum, run.metrics["confusion"]))
    return f"{percent(run.metrics['accuracy'])} of {total:,} test windows diagnosed correctly"


def _states_found(run: Run) -> str:
    # Nearly all windows are normal, and saying so is no diagnosis.
    return (
        f"{percent(run.metrics['macro_recall'])} of a state's windows found, in the mean of "
        f"{len(run.classes)} states"
    )


#: What a kind of data says first, where that is not the share of windows.
_HEADLINES: dict[str, Callable[[Run], str]] = {"sequence": _states_found}


def _how(run: Run) -> Text:
    """On what, at which ratio and how the run was trained."""
    config = run.config
    data = " / ".join(str(config[key]) for key in ("dataset", "task") if config.get(key))
    counts = run.metrics.get("window_counts", {}).get("train", {})
    text = f"Trained on {data}" if data else "Trained"
    if config.get("balance_ratio"):
        text += f" at balance ratio 1:{config['balance_ratio']:g}"
    if counts:
        text += f" ({_windows_of_each(counts)})"
    if method := config.get("method"):
        text += f"; {_METHOD_NAMES.get(str(method), f'method {method}')}"
    if classifier := config.get("classifier"):
        text += f"; classifier {classifier}"
    spans = [Span(text)]
    if protocol := config.get("protocol"):
        spans += [Span("; protocol "), Span(str(protocol), "b")]
    if config.get("seed") is not None:
        spans.append(Span(f"; seed {config['seed']}"))
    return [] if spans == [Span("Trained")] else [*spans, Span(".")]


def _windows_of_each(counts: Mapping[str, int]) -> str:
    """The training windows in words: the largest class by name, the others as a range."""
    largest = max(counts, key=lambda name: counts[name])
    others = [count for name, count in counts.items() if name != largest]
    text = f"{counts[largest]:,} windows of {largest}"
    if not others:
        return text
    low, high = min(others), max(others)
    spread = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    each = "of the other" if len(others) == 1 else f"of each of the {len(others)} others"
    return f"{text}, {spread} {each}"


def _weakest(run: Run) -> Text:
    """The class that is recognised worst, and what it is taken for."""
    metrics = run.metrics
    text = f"Macro recall is {percent(metrics['macro_recall'])}. "
    if metrics["worst_recall"] == 1:
        return text + "Every window of every class was recognised."
    index = run.classes.index(metrics["worst_class"])
    row = np.array(metrics["confusion"])[index]
    low, high = wilson_interval(int(row[index]), int(row.sum()))
    errors = row.copy()
    errors[index] = 0
    mistaken = int(errors.argmax())
    return [
        Span(f"{text}The weakest class is "),
        Span(str(metrics["worst_class"]), "b"),
        Span(
            f": {row[index]:,} of {row.sum():,} windows recognised "
            f"({percent(metrics['worst_recall'])}, 95\N{NO-BREAK SPACE}% interval {percent(low)} "
            f"to {percent(high)}), {errors[mistaken]:,} were taken for {run.classes[mistaken]}."
        ),
    ]


def _meaning(run: Run) -> Iterator[str]:
    """Sentences on what the figures say, and what they do not."""
    metrics, config = run.metrics, run.config
    if metrics.get("simulated"):
        yield "The test part is simulated: no figure of it says anything about a real machine."
    if meaning := _PROTOCOL_MEANING.get(str(config.get("protocol", ""))):
        yield meaning
    if config.get("split_note"):
        yield f"This split: {config['split_note']}."
    validation: Mapping[str, Any] = metrics.get("window_counts", {}).get("validation", {})
    if unchecked := [name for name, count in validation.items() if not count]:
        yield (
            f"Without a window in the validation part: {', '.join(unchecked)}. When to stop, and "
            "the probabilities' temperature, were chosen without them."
        )
    if metrics.get("absent"):
        yield (
            f"Without a test window, and so left out of all averages: "
            f"{', '.join(metrics['absent'])}."
        )
    yield (
        "This is one run. With few windows of a class, runs that differ in nothing but the seed "
        "differ by several points: quote means over seeds."
    )
