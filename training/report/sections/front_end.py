"""What the front end has to show of the test part."""

from __future__ import annotations

from dlrsd.training.report.parts import Note, Picture, Section
from dlrsd.training.report.run_folder import Run


def front_end_view(run: Run) -> Section | None:
    """The front end's own picture, if it has one."""
    shown = run.frontend.view(run.samples, run.classes) if run.frontend else None
    if shown is None:
        return None
    return Section(shown.title, [Picture(shown.picture), Note(shown.note)])
