"""The figures that have a trend on the page, and over how long."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """A figure of the minutes."""

    key: str
    """As the store calls it."""
    name: str
    unit: str


FIGURES = (
    Figure("velocity_mm_s", "Velocity RMS, 10–1000 Hz", "mm/s"),
    Figure("acceleration_m_s2", "Acceleration RMS", "m/s²"),
    Figure("peak_m_s2", "Acceleration peak", "m/s²"),
    Figure("envelope_m_s2", "Envelope RMS", "m/s²"),
    Figure("crest", "Crest factor", ""),
    Figure("kurtosis", "Kurtosis", ""),
    Figure("line:outer", "Outer race lines (BPFO)", "dB"),
    Figure("line:inner", "Inner race lines (BPFI)", "dB"),
    Figure("line:ball", "Rolling element lines (2×BSF)", "dB"),
    Figure("line:cage", "Cage lines (FTF)", "dB"),
    Figure("line:shaft", "Shaft lines", "dB"),
    Figure("novelty", "Novelty (1 = threshold)", ""),
    Figure("unfit_share", "Share of unfit windows", ""),
    Figure("speed_rpm", "Speed", "rpm"),
    Figure("load", "Load", ""),
    Figure("temperature_c", "Temperature", "°C"),
)
SPANS = (("1 h", 1), ("6 h", 6), ("24 h", 24), ("7 days", 168), ("30 days", 720), ("1 year", 8760))
