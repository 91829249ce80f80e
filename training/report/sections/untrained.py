"""What the lines say of each class with nothing trained: a spectrum each, and a table."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.evidence.lines import SIGNIFICANT, Line
from dlrsd.training.base.plot_style import BLUE, FAINT, GREEN, GREY, INK, ORANGE, STYLE, as_svg
from dlrsd.training.evaluate.untrained import ClassEvidence
from dlrsd.training.report.parts import Card, Gallery, Note, Section, Span, Table, Text
from dlrsd.training.report.run_folder import Run
from dlrsd.training.report.words import maybe, percent

_MOST_CLASSES = 16
_COLUMNS = 500  # of a curve: a card is hardly wider
_FLOOR_DB, _LEAST_TOP_DB = -4.0, 20.0
_SAID = {
    "outer": "outer race",
    "inner": "inner race",
    "ball": "ball",
    "cage": "cage",
    "healthy": "healthy",
}


class _Mark(msgspec.Struct, frozen=True):
    """How the lines of a place are marked: told apart without colour, too."""

    name: str
    colour: str
    shape: str


_MARKS = {
    "outer": _Mark("outer, BPFO", ORANGE, "v"),
    "inner": _Mark("inner, BPFI", BLUE, "D"),
    "ball": _Mark("ball, 2×BSF", GREEN, "o"),
    "cage": _Mark("cage, FTF", "#a06cd5", "s"),
}


def untrained(run: Run) -> Section | None:
    """A typical spectrum of each class with its lines, and how often the lines are right."""
    classes = _classes(run)
    levels = {
        name: run.samples[f"envelope/{index}"].astype(np.float64)
        for index, name in enumerate(run.classes)
        if name in classes and f"envelope/{index}" in run.samples
    }
    if not levels:
        return None
    shown = [*levels][:_MOST_CLASSES]
    top = max(_LEAST_TOP_DB, *(float(levels[name][1:].max()) + 6 for name in shown))
    cards = [
        Card(
            name,
            [spectrum(levels[name], classes[name], top, f"lines{index}", name)],
            _agreement(classes[name]),
        )
        for index, name in enumerate(shown)
    ]
    of_classes = f" First {_MOST_CLASSES} of {len(levels)} classes." * (len(levels) > _MOST_CLASSES)
    return Section(
        "What the lines say, with nothing trained",
        [
            Note(
                "The recordings of the test part as dlrsd-runtime evidence judges them: by the "
                "stated speed and bearing alone, without training and without a baseline of the "
                "machine. A class's fault is right where its place is named; sizes of a fault are "
                "not told apart. Without a baseline, healthy means that no line stands out."
            ),
            _table(run, classes),
            Note(
                "Of each class the recording in the middle of those with the commonest verdict: "
                "spectrum of the squared envelope after prewhitening, dB over its floor. Full "
                "marks are lines that stand out and that no multiple of the shaft's speed "
                f"(dashed) explains; hollow ones (harmonics alone) do not.{of_classes}"
            ),
            Gallery(cards),
        ],
    )


def _classes(run: Run) -> dict[str, ClassEvidence]:
    try:
        return msgspec.convert(run.metrics.get("untrained", {}), dict[str, ClassEvidence])
    except msgspec.ValidationError as error:
        raise InputError(
            f"metrics.json of {run.name} is damaged ({error}): expected what the lines say of each "
            "class; train it again"
        ) from error


def _agreement(found: ClassEvidence) -> Text:
    if found.verdict == found.place:
        word = "Agrees with the label"
    elif found.verdict == "undecided":
        word = "Undecided"
    elif found.verdict == "healthy":
        word = "Misses the label's fault"
    else:
        word = "Contradicts the label"
    sentence = found.sentence[:1].upper() + found.sentence[1:]
    return [Span(f"{word}.", "b"), Span(f" {sentence}.")]


def _table(run: Run, classes: Mapping[str, ClassEvidence]) -> Table:
    rows = []
    for name, found in classes.items():
        missed = "–" if found.place == "healthy" else f"{found.missed}"
        network = maybe(_network(run, classes, found.place, name), percent)
        right = f"{found.right} of {found.recordings}"
        counts = [right, missed, f"{found.undecided}", f"{found.wrong}"]
        rows.append([name, _SAID[found.place], *counts, network])
    head = ["class", "its label", "right", "missed", "undecided", "wrong", "network, trained"]
    caption = (
        "By lines, untrained: test recordings (missed: no line stands out, wrong: another place is "
        "named). Network: test windows that it puts into a class of the right place"
    )
    return Table(head, rows, caption=caption)


def _network(run: Run, classes: Mapping[str, ClassEvidence], place: str, name: str) -> float | None:
    """Share of a class's test windows that the network puts into a class of the same place."""
    row = np.asarray(run.metrics["confusion"][run.classes.index(name)])
    same = [i for i, c in enumerate(run.classes) if c in classes and classes[c].place == place]
    return float(row[same].sum() / row.sum()) if row.sum() else None


@rc_context(STYLE)
def spectrum(
    level: NDArray[np.float64], found: ClassEvidence, top: float, identifier: str, name: str
) -> Markup:
    """The envelope's spectrum of a window with the lines that were looked for.

    Parameters
    ----------
    level : array, shape (n_bins,), dB over the floor
    found : ClassEvidence
    top : of the axis, dB
    identifier : unique on the page
    name : of the class
    """
    figure = Figure(figsize=(4.1, 2.4))
    axes = figure.add_axes((0.125, 0.175, 0.86, 0.7))
    end_hz = found.bin_hz * (len(level) - 1)
    turns = np.arange(1, int(end_hz / found.shaft_hz) + 1) * found.shaft_hz
    axes.vlines(turns, _FLOOR_DB, top, colors=FAINT, linestyles=(0, (2, 2)), linewidths=0.6)
    axes.plot(*_curve(level, found.bin_hz), color=GREY, linewidth=0.7)
    _mark(axes, level, found)
    axes.set_xlim(0, end_hz)
    axes.set_ylim(_FLOOR_DB, top)
    axes.set_yticks(np.arange(0, top, 10))
    axes.set_xlabel("Hz", labelpad=1)
    axes.set_ylabel("dB", labelpad=1)
    handles = [
        Line2D([], [], linestyle="", marker=m.shape, markersize=4, color=m.colour, label=m.name)
        for m in _MARKS.values()
    ]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.085, 1.03), ncols=4, fontsize=8,
        handletextpad=0, columnspacing=0.7,
    )  # fmt: skip
    return as_svg(figure, identifier, f"Envelope spectrum of {name}: {found.sentence}")


def _curve(
    level: NDArray[np.float64], bin_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest bin of every column."""
    size = max(1, len(level) // _COLUMNS)
    columns = level[1 : 1 + (len(level) - 1) // size * size].reshape(-1, size)
    at = 1 + np.arange(len(columns)) * size + columns.argmax(axis=1)
    return bin_hz * at, level[at]


def _mark(axes: Axes, level: NDArray[np.float64], found: ClassEvidence) -> None:
    """Places may share a line: the one that was named lies on top, and alone has numbers.

    Sidebands are marked where they stand out: hollow ones would hide the curve.
    """
    inside = [line for line in found.lines if round(line.hz / found.bin_hz) < len(level)]
    heights = {line.name: max(float(level[round(line.hz / found.bin_hz)]), 0.0) for line in inside}
    for place in sorted(_MARKS, key=lambda place: place == found.verdict):
        own = [line for line in inside if line.place == place]
        full = [line for line in own if _is_seen(line)]
        hollow = [line for line in own if not _is_seen(line) and not line.is_sideband]
        mark = _MARKS[place]
        for lines, filling, alpha in ((hollow, "none", 0.6), (full, mark.colour, 1.0)):
            axes.plot(
                [line.hz for line in lines], [heights[line.name] + 2 for line in lines],
                linestyle="", marker=mark.shape, markersize=4, color=mark.colour, alpha=alpha,
                markeredgewidth=0.7, markerfacecolor=filling,
            )  # fmt: skip
    for line in inside:
        if line.place == found.verdict and _is_seen(line) and not line.is_sideband:
            axes.annotate(
                line.name.rpartition(" ")[2], (line.hz, heights[line.name] + 2), (0, 4),
                textcoords="offset points", ha="center", fontsize=8, color=INK,
            )  # fmt: skip


def _is_seen(line: Line) -> bool:
    return line.probability < SIGNIFICANT and line.shaft is None
