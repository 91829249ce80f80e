"""Lines above a table that state its rate and unit, as programs write them; or they are refused."""

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from tests.runtime.streams.readers.text.written import RATE, X, read, rows

HEADS = {  # lines above one column, and its name and unit
    "a line of another fact before": ("N: 400\nFs: 25600\n", "0", None),
    "a line of another fact behind": ("Fs: 25600\nN: 400\n", "0", None),
    "blanks alone": ("FS 25600\n", "0", None),
    "words joined": ("SampleRate 25600\n", "0", None),
    "two facts a line": ("fs=25600;unit=g\n", "0", "g"),
    "two facts in a comment": ("# Fs=25600 Hz, Unit=g\n", "0", "g"),
    "JSON in a comment": ('# {"sample_rate": 25600, "unit": "g"}\n', "0", "g"),
    "samples a second": ("Rate=25600 samples/sec\n", "0", None),
    "samples per second": ("Sampling rate: 25.6 kS per second\n", "0", None),
    "Italian": ("Frequenza di campionamento: 25600 Hz\n", "0", None),
    "an abbreviation": ("Sampling Freq.: 25.6 kHz\n", "0", None),
    "words behind the unit": ("Sample rate: 25600 Hz per channel\nacc\n", "acc", None),
    "a unit in brackets": ("Sample rate: 25600 [Hz]\nacc\n", "acc", None),
    "a fact below the name": ("acc\nFs: 25600\n", "acc", None),
    "a number of something else behind": ("Sample rate: 25600 Hz, 16 bit\n", "0", None),
    "a time that is no interval": ("Sample time: 10:00:00\nfs: 25600\nacc\n", "acc", None),
    "a rate twice": ("Sample rate: 25.6 kHz\nfs: 25600\nunit: g\nUnit=gn\n", "0", "g"),
    "a rate and its interval": ("Rate: 25600\nSample interval: 3.91e-05 s\n", "0", None),
    "German decimals": ("Abtastrate: 25600,000 Hz\n", "0", None),
}
CELLS = {  # lines above two columns
    "a value a column": ("Sample rate,25600,25600\na,b\n", None),
    "an interval a column": ("dt,3.90625e-05,3.90625e-05\na,b\n", None),
    "a value and its unit": ("Sample rate,25600,Hz\na,b\n", None),
    "a value and its unit a column": ("Sample rate,25600,Hz,25600,Hz\na,b\n", None),
    "a value a column behind a colon": ("Rate: 25600,25600\na,b\n", None),
    "facts in comments": ("# device: adxl\n# fs: 25600\n# unit: g\na,b\n", "g"),
    "a unit a column": ("Sample rate,25600\nVertical Units,V,V\na,b\n", "V"),
}
REFUSED = {
    "rates that differ": ("Sample rate,25600,51200\na,b\n", "expected one for all channels"),
    "rates that differ, with units": ("fs,25600,Hz,51200,Hz\na,b\n", "expected one for all"),
    "rates behind a colon": ("Rate: 25600,51200\na,b\n", "expected one for all channels"),
    "a decimal comma between commas": ("Sample rate,25,6\na,b\n", "expected one for all channels"),
    "blanks between thousands": ("Sampling rate: 25 600 Hz\na,b\n", "between thousands or before"),
    "a rate in no unit": ("Sample rate: 25600 rpm\na,b\n", "in a unit that is not known"),
    "two rates": (
        "Sample rate: 25600 Hz\nAbtastrate: 12800 Hz\na,b\n",
        "state two rates, 'Sample rate: 25600 Hz' and 'Abtastrate: 12800 Hz': leave one",
    ),
    "a rate twice": ("# fs = 25600\n# fs = 51200\na,b\n", "two rates, 'fs = 25600' and 'fs = 512"),
    "a rate and an interval": ("fs=25600; dt=1e-3\na,b\n", "two rates, 'fs=25600' and 'dt=1e-3'"),
    "two units": ("Unit: g\nEinheit: m/s^2\na,b\n", "two units, 'Unit: g' and 'Einheit: m/s.2'"),
    "units for some": ("Unit: g, V\na,b,c,d\n", "states 2 units .g, V., and has 4 columns"),
}


@pytest.mark.parametrize("name", HEADS)
def test_facts_above_one_column(tmp_path, name):
    head, column, unit = HEADS[name]
    (tmp_path / "x.csv").write_text(head + rows(X[0]))
    source, got, _ = read(tmp_path / "x.csv")
    assert source.rate_hz == pytest.approx(RATE)
    assert source.channel_names == (() if column == "" else (column,))
    assert source.unit == unit
    np.testing.assert_allclose(got, X[:1])


@pytest.mark.parametrize("name", CELLS)
def test_facts_in_cells_for_each_column(tmp_path, name):
    head, unit = CELLS[name]
    (tmp_path / "x.csv").write_text(head + rows(*X))
    source, got, _ = read(tmp_path / "x.csv")
    assert source.rate_hz == pytest.approx(RATE)
    assert source.channel_names == ("a", "b")
    assert source.unit == unit
    np.testing.assert_allclose(got, X)


@pytest.mark.parametrize("name", REFUSED)
def test_facts_that_are_not_understood_are_refused(tmp_path, name):
    head, match = REFUSED[name]
    columns = X if "a,b,c" not in head else [*X, *X]
    (tmp_path / "x.csv").write_text(head + rows(*columns))
    with pytest.raises(InputError, match=match):
        read(tmp_path / "x.csv")


def test_a_name_with_a_number_is_no_rate(tmp_path):
    (tmp_path / "x.csv").write_text("Rate 1\n" + rows(X[0]))
    source, *_ = read(tmp_path / "x.csv")
    assert (source.rate_hz, source.channel_names) == (None, ("Rate 1",))


@pytest.mark.parametrize("start", ["03/04/2026 08:00:00", "26-03-04 08:00:00"])
def test_a_start_that_is_not_understood_is_said(tmp_path, start):
    (tmp_path / "x.csv").write_text(f"Start: {start}\nfs: 25600\na,b\n" + rows(*X))
    source, *_ = read(tmp_path / "x.csv")
    assert source.start is None
    assert [warning for warning in source.warnings if f"('{start}') is not understood" in warning]


def test_a_comment_of_a_key_and_a_value_names_no_columns(tmp_path):
    (tmp_path / "x.csv").write_text("# device: adxl\n# fs: 25600\n" + rows(*X))
    source, got, _ = read(tmp_path / "x.csv")
    assert source.channel_names == ("0", "1")
    assert source.rate_hz == 25600
    np.testing.assert_allclose(got, X)


@pytest.mark.parametrize(
    "head",
    [
        "time,acc\nms,m/s^2\nfloat,float\n",
        "time (ms),acc (m/s^2)\nfloat64,double\n",
        "time,acc\nms,m/s^2\nclock,SN-4A\n",
        '"File","auto"\n"Time (ms)","CH1-1 [m/s^2]"\n',
        "Name,abc\nSensor,V\nTime (ms),Sensor 1-2 (m/s^2)\n",
    ],
)
def test_names_and_units_above_other_rows_of_words(tmp_path, head):
    path = tmp_path / "x.csv"
    path.write_text(head + "".join(f"{i / 25.6:.6f},{x:.6f}\n" for i, x in enumerate(X[0])))
    source, samples, _ = read(path)
    assert (source.unit, source.rate_hz) == ("m/s2", pytest.approx(25_600))
    np.testing.assert_allclose(samples, X[:1], atol=1e-6)


def test_the_unit_in_a_column_of_text(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("value,unit\n" + "".join(f"{x:.6f},m/s^2\n" for x in X[0]))
    assert read(path)[0].unit == "m/s2"
    path.write_text("value (g),unit\n" + "".join(f"{x:.6f},m/s^2\n" for x in X[0]))
    with pytest.raises(InputError, match="states several units, g, m/s2"):
        read(path)
