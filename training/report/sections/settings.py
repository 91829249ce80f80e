"""The settings that a run was made with."""

from __future__ import annotations

import json

from dlrsd.training.report.parts import Section, Table
from dlrsd.training.report.run_folder import Run

# Said elsewhere on the page, long lists of numbers, or where on a disk the data lies: the page
# may be mailed.
_NOT_SHOWN = {
    "classes", "split_note", "window_counts", "data", "root", "settings", "kind", "schema_version",
    "certainty",
}  # fmt: skip


def settings(run: Run) -> Section | None:
    """Every setting that is not said elsewhere."""
    # The settings' front end is its name, the config's its constants.
    config = {**run.config, **run.config.get("settings", {})}
    rows = [
        [key, value if isinstance(value, str) else json.dumps(value)]
        for key, value in config.items()
        if key not in _NOT_SHOWN and value is not None
    ]
    if not rows:
        return None
    return Section("How this run was made", [Table(["setting", ""], rows, look="facts")])
