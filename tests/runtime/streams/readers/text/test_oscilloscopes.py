"""Tables as oscilloscopes save them: rate and unit stand above, or beside, the numbers."""

import numpy as np
import pytest

from tests.runtime.streams.readers.text.written import RATE, N, X, read, rows, seconds

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
