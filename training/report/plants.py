"""The report's sections on plants: states over time, true and said, and event by event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib import color_sequences, rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from dlrsd.training.base.plot_style import FAINT, STYLE, WIDTH, as_svg, name_rows
from dlrsd.training.report.html_parts import figure, section, table

DAYS = 60  # of each plant that a picture shows
_PLANTS = 6


def states_over_time(
    states: Mapping[str, NDArray], classes: Sequence[str], *, steps_a_day: float
) -> str:
    """A section with a strip of true and one of said states for every plant.

    Parameters
    ----------
    states : {"PLANT/true", "PLANT/said": int array, shape (steps,)}
    classes : the K names; the first is the normal state
    steps_a_day : float > 0
    """
    names = sorted({key.rpartition("/")[0] for key in states})[:_PLANTS]
    if not names:
        return ""
    return section(
        "States over time",
        figure(_strips(states, names, classes, steps_a_day)),
        f"<p class='note'>The first {DAYS} days of the test part of "
        f"{'each plant' if len(names) < _PLANTS else f'{_PLANTS} plants'}: above what was true, "
        "below what the network said, its state carried from step to step. Gaps are normal "
        "operation.</p>",
    )


def events(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A section with the official score of every plant and the counts behind it."""
    rows = [
        (
            plant,
            [
                f"{facts['score']:g}",
                *(
                    f"{sum(facts[key]):,}"
                    for key in ("hits", "false", "wrong", "false_alarms", "missed")
                ),
            ],
        )
        for plant, facts in found.items()
    ]
    return section(
        "Event by event",
        table(
            [
                "plant",
                "score",
                "hits",
                "called wrongly",
                "called another",
                "false alarms",
                "missed",
            ],
            rows,
        ),
        "<p class='note'>The official score of the PHM Society's 2015 challenge, of faults 1 to 5: "
        "four for an event called by its code within an hour of its start, minus ten for an event "
        "called by a wrong one, minus one for its own code that was missed so, over five. It does "
        "not count false alarms without any event, nor events of which nothing was said: both "
        "stand here beside it.</p>",
    )


@rc_context(STYLE)
def _strips(
    states: Mapping[str, NDArray],
    names: Sequence[str],
    classes: Sequence[str],
    steps_a_day: float,
) -> str:
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
    said = "True and diagnosed states over time of " + ", ".join(map(escape, names))
    return as_svg(picture, "states", said)
