"""The table of bearings: what each row states, read when it is first asked for.

`table.csv` is written by ``python -m benchmarks.bearings``; `sources.csv` says where its rows come
from. A designation may have several rows: makers fill the same outside with other insides.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dlrsd.runtime.bundle.bearings.geometry import Geometry
from dlrsd.runtime.dsp.order_map_config import ORDERS, Order

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """One bearing of the table.

    Parameters
    ----------
    designation : str
        In capitals, without blanks.
    maker : str, optional
    elements : int > 0
        Rolling elements of a row.
    geometry : Geometry, optional
        None where only the orders were published.
    orders : dict of str to float > 0
    source : str
        A key of `sources`.
    """

    designation: str
    maker: str | None
    elements: int
    geometry: Geometry | None
    orders: dict[Order, float]
    source: str


@cache
def rows() -> dict[str, list[Row]]:
    """All rows by designation, in the order of the table: published ones before computed ones."""
    found: dict[str, list[Row]] = {}
    with (_HERE / "table.csv").open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            found.setdefault(cells["designation"], []).append(_row(cells))
    return found


@cache
def sources() -> dict[str, str]:
    """Where rows come from, in words, by their ``source``."""
    with (_HERE / "sources.csv").open(encoding="utf-8", newline="") as file:
        return {cells["source"]: cells["text"] for cells in csv.DictReader(file)}


def _row(cells: dict[str, str]) -> Row:
    """A line of `table.csv`, which states either the geometry or the four orders."""
    elements, geometry = int(cells["elements"]), None
    if cells["pitch_mm"]:
        sizes = (float(cells[name]) for name in ("diameter_mm", "pitch_mm", "angle_deg"))
        geometry = Geometry(elements, *sizes)
    return Row(
        designation=cells["designation"],
        maker=cells["maker"] or None,
        elements=elements,
        geometry=geometry,
        orders=geometry.orders if geometry else {name: float(cells[name]) for name in ORDERS},
        source=cells["source"],
    )
