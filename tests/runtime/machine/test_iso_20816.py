"""Zones by ISO 20816-3."""

import typing

import pytest

from dlrsd.runtime.machine.facts import Iso20816
from dlrsd.runtime.machine.iso_20816 import MEANING, NOT_COVERED, Limits, Zone, limits, zone_of
from dlrsd.runtime.service import said

TABLE = [
    (1, "rigid", 2.3, 4.5, 7.1),
    (1, "flexible", 3.5, 7.1, 11.0),
    (2, "rigid", 1.4, 2.8, 4.5),
    (2, "flexible", 2.3, 4.5, 7.1),
]


@pytest.mark.parametrize(("group", "mounting", "a_b", "b_c", "c_d"), TABLE)
def test_zones_of_a_machine(group, mounting, a_b, b_c, c_d):
    iso = Iso20816(group=group, mounting=mounting)
    assert limits(iso) == Limits(a_b, b_c, c_d)
    for least, most, zone in [(0, a_b, "A"), (a_b, b_c, "B"), (b_c, c_d, "C"), (c_d, 1e3, "D")]:
        assert zone_of(least + 0.01, iso) == zone
        assert zone_of((least + most) / 2, iso) == zone
        assert zone_of(most, iso) == zone
    assert zone_of(0.0, iso) == "A"


def test_no_zone_without_the_facts_or_the_velocity():
    assert zone_of(3.0, None) is None
    assert zone_of(None, Iso20816(group=1, mounting="rigid")) is None


def test_the_service_says_the_same_zones():
    assert typing.get_args(Zone) == typing.get_args(said.Zone) == tuple(MEANING)


def test_what_is_not_covered_is_said():
    told = " ".join(NOT_COVERED)
    for each in ("rolling bearing", "15 kW", "120 to 30,000 r/min", "10816-7", "2 Hz", "600 r/min"):
        assert each in told
