"""What a report shows of plants: states over time, event by event, training sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import color_sequences, rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from dlrsd.training.base.plot_style import FAINT, STYLE, WIDTH, as_svg, name_rows
from dlrsd.training.report.parts import Note, Picture, Section, Table
from dlrsd.training.report.run_folder import Run

DAYS = 60  # of each plant that a picture shows
_PLANTS = 6


def states_over_time(run: Run) -> Section | None:
    """A strip of true and one of diagnosed states for each plant."""
    names = sorted({key.rpartition("/")[0] for key in run.states})[:_PLANTS]
    if not names:
        return None
    signal = run.config["signal"]
    steps_a_day = 24 * 3600 * signal["rate_hz"] / signal["hop"]
    return Section(
        "States over time",
        [
            Picture(strips(run.states, names, run.classes, steps_a_day=steps_a_day)),
            Note(
                f"The first {DAYS} days of the test part of "
                f"{'each plant' if len(names) < _PLANTS else f'{_PLANTS} plants'}: above what was "
                "true, below what the network said, its state carried from step to step. Gaps are "
                "normal operation."
            ),
        ],
    )


def events(run: Run) -> Section | None:
    """The official score of each plant and the counts behind it."""
    counted = {
        "hits": "hits",
        "false": "called wrongly",
        "wrong": "called another",
        "false_alarms": "false alarms",
        "missed": "missed",
    }
    rows = [
        [plant, f"{facts['score']:g}", *(f"{sum(facts[key]):,}" for key in counted)]
        for plant, facts in run.metrics.get("events", {}).items()
    ]
    if not rows:
        return None
    return Section(
        "Event by event",
        [
            Table(["plant", "score", *counted.values()], rows),
            Note(
                "The official score of the PHM Society's 2015 challenge, of faults 1 to 5: four "
                "for an event called by its code within an hour of its start, minus ten for an "
                "event called by a wrong one, minus one for its own code that was missed so, over "
                "five. It does not count false alarms without any event, nor events of which "
                "nothing was said: both stand here beside it."
            ),
        ],
    )


def sequences(run: Run) -> Section | None:
    """Training windows and sequences of each class, before and after under-sampling."""
    facts = run.metrics.get("sequences")
    if not facts:
        return None
    rows = [[name, *(f"{counts[name]:,}" for counts in facts.values())] for name in run.classes]
    return Section(
        "Training windows and sequences",
        [
            Table(["class", *facts], rows),
            Note(
                "A sequence counts to the rarest class it holds; what is left is left by "
                "under-sampling."
            ),
        ],
    )


@rc_context(STYLE)
def strips(
    states: Mapping[str, NDArray[Any]],
    names: Sequence[str],
    classes: Sequence[str],
    *,
    steps_a_day: float,
) -> Markup:
    """Faults over time, each in its colour: true ones above diagnosed ones.

    Parameters
    ----------
    states : {"PLANT/true", "PLANT/said": array, shape (steps,)}
        Class indices.
    names : list of str
        The plants shown.
    classes : list of str
        The first is the normal state.
    steps_a_day : float > 0
    """
    colours = color_sequences["tab10"]
    picture = Figure(figsize=(WIDTH, 0.55 + 0.42 * len(names)), layout="constrained")
    axes = picture.add_subplot()
    seen: set[int] = set()
    for row, name in enumerate(names):
        for part, low in (("true", row - 0.34), ("said", row + 0.04)):
            label = np.asarray(states[f"{name}/{part}"])[: round(DAYS * steps_a_day)]
            bounds = np.flatnonzero(np.diff(label, prepend=-1, append=-1))
            for first, last in pairwise(bounds.tolist()):
                if state := int(label[first]):
                    seen.add(state)
                    axes.broken_barh(
                        [(first / steps_a_day, (last - first) / steps_a_day)],
                        (low, 0.3),
                        color=colours[state - 1],
                    )
        axes.axhline(row + 0.5, color=FAINT)
    name_rows(axes, names)
    axes.set_xlim(0, DAYS)
    axes.set_xlabel("days")
    if seen:
        handles = [Patch(color=colours[k - 1], label=classes[k]) for k in sorted(seen)]
        picture.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    said = "True and diagnosed states over time of " + ", ".join(names)
    return as_svg(picture, "states", said)
