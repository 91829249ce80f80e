"""How hard each CWRU recording is to diagnose by its envelope: facts of a published study.

Smith and Randall, "Rolling element bearing diagnostics using the Case Western Reserve University
data: A benchmark study", MSSP 64-65 (2015), table B2: 12 kHz, drive-end faults by the drive-end
accelerometer, the best of their three methods. Y: diagnosable (Y1 clearly and classically, Y2 not
classically); P: probably (P1) or potentially (P2); N: not (N1 other symptoms show, N2 noise).

The table holds what two transcriptions agree on: faults of 0.007, 0.014 and 0.021 in, of the outer
race with the fault at 6 o'clock. Everything else has no grade here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: By bearing, at loads of 0, 1, 2 and 3 hp.
GRADES = {
    "DE_IR007": ("Y2", "Y2", "Y2", "Y2"),
    "DE_IR014": ("Y2", "Y2", "Y2", "Y2"),
    "DE_IR021": ("Y1", "Y1", "Y1", "Y1"),
    "DE_B007": ("N1", "N1", "N1", "Y2"),
    "DE_B014": ("P2", "P2", "P2", "P2"),
    "DE_B021": ("Y2", "Y2", "N1", "N1"),
    "DE_OR007": ("Y1", "Y1", "Y1", "Y1"),
    "DE_OR014": ("Y2", "P2", "P1", "N1"),
    "DE_OR021": ("Y2", "Y2", "Y2", "Y2"),
}


def grade_of(row: Mapping[str, Any]) -> str | None:
    """The grade of a signal, a row of a data set's table; None where the study's is not known."""
    if row.get("dataset") != "cwru12k" or row.get("sensor_location") != "motor_bearing_de":
        return None
    grades = GRADES.get(row.get("bearing_id", ""))
    if grades is None or row.get("or_position") not in ("none", "6:00"):
        return None
    return grades[int(row["load"])]
