"""Tables as oscilloscopes save them: rate and unit stand above, or beside, the numbers."""

import datetime as dt

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from tests.runtime.streams.readers.text.written import RATE, START, N, X, read, rows, seconds

STEP = f"{1 / RATE:.7e}"
COUNT = [str(i) for i in range(N)]
EMPTY = [""] * N
TDS = ["Record Length", "Sample Interval", "", "Source", "Vertical Units", "Horizontal Units"]
TDS_VALUES = ["400", STEP, "", "CH1", "V", "s"]
HEADS = {
    "Rigol": (
        f"X,CH1,CH2,Start,Increment\nSequence,Volt,Volt,-5.8e-02,{STEP}\n"
        + rows(COUNT, *X, EMPTY, EMPTY),
        ["CH1", "CH2"],
    ),
    "Rigol, with rows that end earlier": (
        f"X,CH1,CH2,Start,Increment\nSequence,Volt,Volt,-5.8e-02,{STEP}\n" + rows(COUNT, *X),
        ["CH1", "CH2"],
    ),
    "Rigol, with one channel": (
        f"X,CH1,Start,Increment,\nSequence,Volt,-5.8e-02,{STEP}\n" + rows(COUNT, X[0], EMPTY),
        ["CH1"],
    ),
    "Keysight": ("x-axis,1,2\nsecond,Volt,Volt\n" + rows(seconds(), *X), ["1", "2"]),
    "Keysight, in letters": ("x-axis,1,2\ns,V,V\n" + rows(seconds(), *X), ["1", "2"]),
    "Keysight, with one channel": ("x-axis,1\nsecond,Volt\n" + rows(seconds(), X[0]), ["1"]),
    "Tektronix MSO": (
        f"Model,MSO2024\nHorizontal Units,S\nSample Interval,{STEP}\nVertical Units,V,\n"
        "Label,,\nTIME,CH1\n" + rows(seconds(), X[0]),
        ["CH1"],
    ),
    "Tektronix TDS": (
        rows(
            TDS + EMPTY[len(TDS) :],
            TDS_VALUES + EMPTY[len(TDS) :],
            EMPTY,
            seconds(12),
            X[0],
            EMPTY,
        ),
        ["4"],
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_rate_and_unit_of_an_oscilloscope(tmp_path, name):
    text, names = HEADS[name]
    (tmp_path / "x.csv").write_text(text)
    source, got, _ = read(tmp_path / "x.csv")
    assert source.rate_hz == pytest.approx(RATE, rel=3e-4)
    assert source.unit == "V"
    assert list(source.channel_names) == names
    np.testing.assert_allclose(got, X[: len(names)])


LECROY = "LECROYWS104Xs,12345,Waveform\nSegments,{n},SegmentSize,400\n" + (
    "Segment,TrigTime,TimeSinceFirstSegment\n#1,01-Mar-2026 08:00:00,0\n{more}Time,Ampl\n"
)


def test_the_first_sample_lies_before_the_trigger(tmp_path):
    table = rows(seconds(start=-0.25), X[0])
    (tmp_path / "x.csv").write_text(LECROY.format(n=1, more="") + table)
    source, got, _ = read(tmp_path / "x.csv")
    assert source.start == START - dt.timedelta(seconds=0.25)
    assert source.rate_hz == pytest.approx(RATE)
    assert source.channel_names == ("Ampl",)
    np.testing.assert_allclose(got, X[:1])


def test_segments_of_several_triggers_are_refused(tmp_path):
    more = "#2,01-Mar-2026 08:00:01,1.0003\n"
    table = rows(seconds(), X[0])
    (tmp_path / "x.csv").write_text(LECROY.format(n=2, more=more) + table + table)
    with pytest.raises(InputError, match="2 segments, of one trigger each: save each as a file"):
        read(tmp_path / "x.csv")
