"""Times that state a zone are read as UTC, or the zone is named as not understood."""

import datetime as dt

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from tests.runtime.streams.readers.text.written import START, UTC, X, moments, read, rows

ISO = "%Y-%m-%d %H:%M:%S.%f"


@pytest.mark.parametrize(
    ("zone", "ahead"),
    [
        *((" CET", 1), (" CEST", 2), ("MESZ", 2), (" EET", 2), (" WET", 0), (" UTC+1", 1)),
        *((" GMT-05:30", -5.5), (" +2", 2), (" UTC", 0), ("+01:00", 1)),
    ],
)
@pytest.mark.parametrize("header", ["time,acc\n", ""])
def test_zones_of_one_meaning_are_read(tmp_path, zone, ahead, header):
    (tmp_path / "x.csv").write_text(header + rows(moments(ISO, zone), X[0]))
    source, got, _ = read(tmp_path / "x.csv")
    assert source.start == START.replace(tzinfo=UTC) - dt.timedelta(hours=ahead)
    assert source.rate_hz == pytest.approx(25600)
    np.testing.assert_allclose(got, X[:1])


@pytest.mark.parametrize("zone", [" EST", " IST", " Europe/Berlin", "[Europe/Berlin]"])
@pytest.mark.parametrize("header", ["time,acc\n", "when,acc\n", ""])
def test_other_zones_are_named_in_what_refuses_them(tmp_path, zone, header):
    (tmp_path / "x.csv").write_text(header + rows(moments(ISO, zone), X[0]))
    with pytest.raises(InputError, match=r"times in column .* not understood, such as .*\D'.*zone"):
        read(tmp_path / "x.csv")
