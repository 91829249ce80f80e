"""Every row of the table is a bearing that can be, and says where it comes from."""

from __future__ import annotations

import pytest

from dlrsd.runtime.bundle.bearings.table import Row, rows, sources
from dlrsd.runtime.bundle.kinematics import odd_orders
from dlrsd.runtime.dsp.order_map_config import Kinematics

ROWS = [row for named in rows().values() for row in named]


def test_it_has_as_many_as_promised() -> None:
    assert len(rows()) >= 150
    series = {
        name: sum(base.startswith(name) and len(base) == digits for base in rows())
        for name, digits in (("60", 4), ("62", 4), ("63", 4), ("64", 4), ("160", 5), ("69", 4))
    }
    assert min(series.values()) >= 14, series
    assert {"NU205", "NU206", "22205", "22228", "30204"} <= rows().keys()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.designation}-{row.maker}")
def test_a_row_is_a_bearing(row: Row) -> None:
    assert odd_orders(Kinematics(1.0, **row.orders)) is None
    n = row.orders["bpfo"] + row.orders["bpfi"]
    assert n == pytest.approx(row.elements, abs=0.01)


def test_a_row_names_a_source_and_every_source_has_a_row() -> None:
    assert {row.source for row in ROWS} == set(sources())


def test_no_designation_is_written_in_two_ways() -> None:
    assert all(base == base.upper().replace(" ", "").replace("-", "") for base in rows())
