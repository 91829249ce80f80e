"""The table of bearings: what each row states, read when it is first asked for.

`table.csv` is written by ``python -m benchmarks.bearings``; `sources.csv` says where its rows come
from. A designation may have several rows: makers fill the same outside with other insides.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from dlrsd.runtime.bundle.bearings.geometry import Geometry
from dlrsd.runtime.dsp.order_map_config import ORDERS, Order

_HERE = Path(__file__).parent


class Row:
    """One bearing of the table.

    Parameters
    ----------
    cells : dict of str to str
        A line of `table.csv`: it states either the geometry or the four orders.
    """

    __slots__ = ("designation", "elements", "geometry", "maker", "orders", "source")

    def __init__(self, cells: dict[str, str]) -> None:
        self.designation = cells["designation"]
        self.maker: str | None = cells["maker"] or None
        self.elements = int(cells["elements"])
        self.source = cells["source"]
        self.geometry: Geometry | None = None
        if cells["pitch_mm"]:
            sizes = (float(cells[name]) for name in ("diameter_mm", "pitch_mm", "angle_deg"))
            self.geometry = Geometry(self.elements, *sizes)
        self.orders: dict[Order, float] = (
            self.geometry.orders if self.geometry else {name: float(cells[name]) for name in ORDERS}
        )


@cache
def rows() -> dict[str, list[Row]]:
    """All rows by designation, in the order of the table: published ones before computed ones."""
    found: dict[str, list[Row]] = {}
    with (_HERE / "table.csv").open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            found.setdefault(cells["designation"], []).append(Row(cells))
    return found


@cache
def sources() -> dict[str, str]:
    """Where rows come from, in words, by their ``source``."""
    with (_HERE / "sources.csv").open(encoding="utf-8", newline="") as file:
        return {cells["source"]: cells["text"] for cells in csv.DictReader(file)}
