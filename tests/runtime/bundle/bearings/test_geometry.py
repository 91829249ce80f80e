"""Geometries: orders against published ones, and what cannot be."""

from __future__ import annotations

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bearings.geometry import Geometry, parse_geometry


@pytest.mark.parametrize(
    ("text", "published"),
    [
        # CWRU, bearing information (inches); its "rolling element" is twice the spin.
        ("9,0.3126,1.537,0", (3.5848, 5.4152, 4.7135 / 2, 0.39828)),
        # PHM 2009, apparatus page, multipliers of MB ER-10K.
        ("8,0.3125,1.319", (3.052, 4.948, 1.992, 0.382)),
        # Qiu et al. (2006): 236.4 and 296.9 Hz at 2000 rpm.
        ("16,0.331,2.815,15.17", (236.4 * 60 / 2000, 296.9 * 60 / 2000, None, None)),
        # Curtin University, MB ER-16K.
        ("9,7.9375,38.50", (3.572, 5.428, 2.32, 0.3969)),
    ],
)
def test_orders_are_those_published(text: str, published: tuple[float | None, ...]) -> None:
    for ours, theirs in zip(parse_geometry(text).orders.values(), published, strict=True):
        assert theirs is None or ours == pytest.approx(theirs, rel=2e-3)


def test_a_geometry_reads_as_it_is_written() -> None:
    inside = Geometry(12, 22.225, 95, 40)
    assert parse_geometry(inside.option) == inside
    assert str(inside) == "12 elements of 22.225 mm on a pitch circle of 95 mm at 40 degrees"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("9,7.94", "expected the number of rolling elements"),
        ("9,7.94,39.04,0,1", "expected the number of rolling elements"),
        ("9.5,7.94,39.04", "expected the number of rolling elements"),
        ("", "expected the number of rolling elements"),
        ("2,7.94,39.04", "got a bearing of 2 rolling elements: expected 3 to 60"),
        ("61,1,39.04", "got a bearing of 61 rolling elements"),
        ("9,39.04,7.94", "are they swapped"),
        ("9,0,39.04", "expected two diameters above 0"),
        ("9,nan,39.04", "expected two diameters above 0"),
        ("9,7.94,inf", "expected two diameters above 0"),
        ("9,7.94,39.04,46", "contact angle of 46 degrees: expected 0 to 45"),
        ("9,7.94,39.04,-1", "contact angle of -1 degrees"),
        ("9,7.94,39.04,nan", "contact angle of nan degrees"),
        ("16,7.94,39.04", "16 elements of 7.94 mm do not fit .* expected 7.616 mm or less each"),
    ],
)
def test_what_no_bearing_has_is_refused(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        parse_geometry(text)


def test_elements_that_touch_still_fit() -> None:
    assert parse_geometry("6,10,20.0001").elements == 6  # a hexagon of circles
    with pytest.raises(InputError, match="do not fit"):
        parse_geometry("6,10,19.9")
