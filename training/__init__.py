"""Training from Python; what is exported here is the promise, everything else is private.

    from pathlib import Path
    from dlrsd.training import Settings, fit, load_run

    metrics = fit(Settings("my-machine/", protocol="block", balance=20), Path("runs/mine"))
    run = load_run("runs/mine")

``fit`` and ``compare_methods`` take settings of any kind of data: ``Settings`` of windows of
vibration, ``SequenceSettings`` of plants.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlrsd.training.compare.compare import Grid, compare_methods
    from dlrsd.training.compare.table import read_table
    from dlrsd.training.data.vibration.load import load_recordings
    from dlrsd.training.data.vibration.recording import Recording
    from dlrsd.training.data.vibration.rig import simulate_rig
    from dlrsd.training.kinds.fit import fit
    from dlrsd.training.kinds.plants.settings import SequenceSettings
    from dlrsd.training.kinds.registry import load_run
    from dlrsd.training.kinds.vibration.settings import Settings
    from dlrsd.training.report.page import write_report

# Loaded when first asked for: torch takes seconds.
_HOMES = {
    "Grid": "compare.compare",
    "Recording": "data.vibration.recording",
    "SequenceSettings": "kinds.plants.settings",
    "Settings": "kinds.vibration.settings",
    "compare_methods": "compare.compare",
    "fit": "kinds.fit",
    "load_recordings": "data.vibration.load",
    "load_run": "kinds.registry",
    "read_table": "compare.table",
    "simulate_rig": "data.vibration.rig",
    "write_report": "report.page",
}
__all__ = [
    "Grid",
    "Recording",
    "SequenceSettings",
    "Settings",
    "compare_methods",
    "fit",
    "load_recordings",
    "load_run",
    "read_table",
    "simulate_rig",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
