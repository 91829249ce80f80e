"""The sections of a report in reading order: verdict, diagnosis, data, synthesis, training.

Each is asked whether it has something to show of a run. A kind of data brings a section of its own
by a file in ``sections/`` and a line here; a front end shows what it has by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dlrsd.training.report.parts import Part
from dlrsd.training.report.run_folder import Run
from dlrsd.training.report.sections.certainty import certainty
from dlrsd.training.report.sections.curves import training_curves
from dlrsd.training.report.sections.diagnosis import confusion, recall
from dlrsd.training.report.sections.front_end import front_end_view
from dlrsd.training.report.sections.heatmaps import real_and_synthetic
from dlrsd.training.report.sections.likeness import likeness
from dlrsd.training.report.sections.likeness_map import likeness_map
from dlrsd.training.report.sections.long_range import long_range
from dlrsd.training.report.sections.plants import events, sequences, states_over_time
from dlrsd.training.report.sections.settings import settings
from dlrsd.training.report.sections.training_windows import filter_counts, training_windows
from dlrsd.training.report.sections.untrained import untrained
from dlrsd.training.report.sections.verdict import verdict


class Entry(NamedTuple):
    """What makes a section of a run, or nothing; ``kind``: asked of this kind of data only."""

    make: Callable[[Run], Part | None]
    kind: str | None = None


SECTIONS = (
    Entry(verdict),
    Entry(recall),
    Entry(confusion),
    Entry(certainty, kind="window"),
    Entry(front_end_view),
    Entry(untrained, kind="window"),
    Entry(states_over_time, kind="sequence"),
    Entry(events, kind="sequence"),
    Entry(sequences, kind="sequence"),
    Entry(training_windows, kind="window"),
    Entry(filter_counts),
    Entry(real_and_synthetic),
    Entry(likeness),
    Entry(likeness_map),
    Entry(long_range),
    Entry(training_curves),
    Entry(settings),
)
