"""Tables that are damaged or may be read in two ways are refused, in one line that helps."""

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from tests.runtime.streams.readers.text.written import N, X, moments, number, read, rows, seconds


def packed(first, parts):
    """Times of day from a first one, a second apart, as numbers like hhmmss."""
    hours, minute, second = first // (10_000 * parts), first // (100 * parts) % 100, first % 100
    begin = hours * 3600 + minute * 60 + (second if parts == 1 else first // parts % 100)
    times = [begin + i for i in range(N)]
    return [str((t // 3600 * 10_000 + t // 60 % 60 * 100 + t % 60) * parts) for t in times]


ONE, TWO = [X[0]], [X[0], X[1]]
REFUSED = {
    "a rate that may be read in two ways": (
        "Sample Rate: 25,600 Hz\na,b\n" + rows(*TWO),
        "'Sample Rate' is 25,600 Hz, whose mark may stand between thousands",
    ),
    "a turned table": (
        "t," + ",".join(seconds()) + "\nacc," + ",".join(map(number, X[0])) + "\n",
        "holds 2 rows of 401 columns: .* turn the table",
    ),
    "one row": (",".join(map(number, X[0])) + "\n", "holds 1 rows of 400 columns"),
    "windows as rows": (
        rows(*np.random.default_rng(0).normal(size=(100, 500))),
        "100 columns without names, which may be channels or the samples of windows",
    ),
    "a clock beside what is no number": (
        "t,acc\n" + rows(seconds(), [hex(i) for i in range(N)]),
        "holds no series of real numbers beside its clock 't'",
    ),
    "times of an unknown kind": (
        "time,acc\n" + rows(moments("%Y-%jT%H:%M:%S.%f"), X[0]),
        "times in column 'time' of .* are not understood, such as '2026-060T08",
    ),
    "a footer": ("t,acc\n" + rows(seconds(), X[0]) + "End of data\n", "line 402: Expected 2 col"),
    "two ways to read a date": (
        "time,acc\n" + rows(moments("%d/%m/%Y %H:%M:%S.%f"), X[0]),
        "may be read in two ways, such as '01/03/2026 08:00:00.0.*': write the year first, like",
    ),
    "years of two digits": (
        "Zeit,acc\n" + rows(moments("%y-%m-%d %H:%M:%S.%f"), X[0]),
        "years in column 'Zeit' have two digits, and may be days, such as '26-03-01 08",
    ),
    "years of two digits, behind a day above twelve": (
        "time,acc\n" + rows(moments("%y/%m/14 %H:%M:%S.%f"), X[0]),
        "years in column 'time' have two digits",
    ),
    "years of two digits between dots, in no language": (
        "time,acc\n" + rows(moments("%d.%m.%y %H:%M:%S.%f"), X[0]),
        "years in column 'time' have two digits",
    ),
    "times of day without colons": (
        "time,acc\n" + rows([f"{100058 + i / 1000:.3f}" for i in range(N)], X[0]),
        "times in column 'time' may be hours, minutes and seconds or one number, such as 100058",
    ),
    "times of day and milliseconds as one number": (
        "time,acc\n" + rows([str(100058000 + i) for i in range(N)], X[0]),
        "times in column 'time' may be hours, minutes and seconds or one number, such as 100058",
    ),
    "times of day and milliseconds as one number, by any name": (
        "n,acc\n" + rows(packed(100058000, 1000), X[0]),
        "times in column 'n' may be hours, minutes and seconds or one number, such as 100058000",
    ),
    "times of day as one number, by any name": (
        "foo,acc\n" + "".join(f"{t},{i % 9}.5\n" for t in packed(95940, 1) for i in range(99)),
        "times in column 'foo' may be hours, minutes and seconds or one number, such as 95940",
    ),
    "marks between thousands": (
        "t,acc\n" + rows(seconds(), [f'"{1000 + x:,.5f}"' for x in X[0]]),
        r"column 'acc' holds numbers such as \d,\d{3}.\d+, with marks between thousands",
    ),
    "German marks between thousands": (
        "t;acc\n"
        + rows(
            seconds(),
            [f"{2000 + x:,.1f}".translate(str.maketrans(",.", ".,")) for x in X[0]],
            delimiter=";",
        ),
        "marks between thousands",
    ),
    "German marks between thousands of integers": (
        "".join(f"{round(x * 2000):,}\n".replace(",", ".") for x in X[0]),
        r"column '0' holds numbers such as -?\d+\.\d{3}, with marks between thousands",
    ),
    "thousands that the last rows do not tell": (
        "n;acc\n" + "".join(f"{i};{1000 * (i > 9) + i:,}\n".replace(",", ".") for i in range(300)),
        r"column 'acc' holds numbers such as 1\.\d{3}, with marks between thousands",
    ),
    "points between thousands beside decimal commas": (
        "t;acc\n"
        + rows(
            seconds(decimal=","),
            [f"{3000 + i:,}".replace(",", ".") for i in range(N)],
            delimiter=";",
        ),
        "column 'acc' holds numbers such as 3.* with marks between thousands",
    ),
    "what may be thousands": (
        "n;acc\n"
        + rows([str(i) for i in range(N)], [f"{1 + i % 7},125" for i in range(N)], delimiter=";"),
        "marks between thousands, or what may be such",
    ),
    "decimal commas between commas": (
        "t,acc\n" + rows(seconds(decimal=","), X[0], decimal=","),
        "have 4 values, but their header names 2: .*decimal commas need semicolons",
    ),
    "decimal commas between commas, without a header": (
        rows(seconds(decimal=","), X[0], decimal=","),
        "rows like 0,0.*,.* may hold decimal commas or integers",
    ),
    "numbers that are no samples": (
        f"25600\n{N}\n" + rows(X[0]),
        "begin with 25600, 400, far beyond those behind",
    ),
    "a number that is no sample, below a name": (
        "acc\n25600\n" + rows(X[0]),
        "begin with 25600, far beyond those behind",
    ),
    "numbers that are no samples, in each column": (
        "12000,12000\n" + rows(*TWO),
        "begin with 12000, 12000, far beyond those behind",
    ),
    "one column or two": (
        "".join(f"{i % 7},{i % 10}\n" for i in range(N)),
        "may be one column with decimal commas or two of integers",
    ),
    "two decimal marks in one column": (
        "t;acc\n"
        + rows(seconds(), [number(x, ".,"[i % 2]) for i, x in enumerate(X[0])], delimiter=";"),
        "column 'acc' holds numbers like .* expected one decimal mark",
    ),
    "a damaged row in the middle": (
        "t,a,b\n" + rows(seconds(), *TWO).replace("0.0078125,", "0.0078125;"),
        "line 202: Expected 3 columns, got 2",
    ),
    "a damaged number in the middle": (
        "# logger 7\nt,a\n" + rows(seconds(), X[0]).replace("\n0.0078125,", "\n0.0078125,x"),
        "line 203: got 'x.*' in column 'a', expected a number",
    ),
    "a damaged first row": (
        "t,a\noops,0.5\n" + rows(seconds(), X[0]),
        "line 2 of .* is damaged: got 'oops,0.5'",
    ),
    "a day that does not exist": (
        "Zeit;a\n"
        + rows(moments("%d.%m.%Y %H:%M:%S.%f"), X[0], delimiter=";").replace(
            "01.03.2026 08:00:00.007812", "31.02.2026 08:00:00.007812"
        ),
        "line 202: got '31.02.2026 08:00:00.007812' in column 'Zeit'",
    ),
    "more names than columns": ("a,b,c\n" + rows(*TWO), "have 2 values, but their header names 3"),
    "complex numbers alone": (
        "".join(f"{a}+{b}i\n" for a, b in np.abs(X.T)),
        "holds no series of real numbers",
    ),
    "text alone": ("a,b\n" + "ok,fine\n" * 50, "holds no rows of numbers"),
    "a header alone": ("a,b\n", "holds no rows"),
    "a long line": (
        "1" * 3_000_000 + "\n",
        "is longer than 1 MiB: expected a line for each sample",
    ),
    "many columns": (("1," * 20_000 + "1\n") * 3, "has 20001 columns: expected at most 16384"),
    "bytes in the middle": (
        "a,b\n" + rows(*TWO) * 50 + "\0\1\2" + rows(*TWO),
        "bytes that are no text",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_understood_is_refused(tmp_path, name):
    text, match = REFUSED[name]
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(InputError, match=match) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)
