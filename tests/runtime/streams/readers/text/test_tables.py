"""Tables as instruments, spreadsheets and programs write them: each fact is right, or refused."""

import datetime as dt

import numpy as np
import pytest

from tests.runtime.streams.readers.text.written import (
    RATE,
    START,
    UTC,
    N,
    T,
    X,
    moments,
    number,
    read,
    rows,
    seconds,
)

ONE, TWO = [X[0]], [X[0], X[1]]

# What stands in the file, and what is read: rate, names, unit, start.
TABLES = {
    "date, time and milliseconds in columns of their own": (
        "Datum;Uhrzeit;Mikrosekunden;acc\n"
        + rows(
            ["01.03.2026"] * N, moments("%H:%M:%S"), moments("%f"), X[0], delimiter=";", decimal=","
        ),
        (RATE, ["acc"], None, START),
    ),
    "microseconds in a column of their own": (
        "Timestamp;us;acc\n"
        + rows(moments("%Y-%m-%d %H:%M:%S"), moments("%f"), X[0], delimiter=";"),
        (RATE, ["acc"], None, START),
    ),
    "microseconds beside a time of day": (
        "Zeit;Mikrosekunden;acc\n" + rows(moments("%H:%M:%S"), moments("%f"), X[0], delimiter=";"),
        (RATE, ["acc"]),
    ),
    "typographic minus signs": (
        "t;acc\n"
        + rows(seconds(), [number(x).replace("-", "\u2212") for x in X[0]], delimiter=";"),
        (RATE, ["acc"]),
    ),
    "signs before all numbers": (
        "t,acc\n" + rows(seconds(), [f"{x:+.5f}" for x in X[0]]),
        (RATE, ["acc"]),
    ),
    "exponents behind decimal commas": (
        "t;acc\n" + rows(seconds(), [f"{x:.5E}".replace(".", ",") for x in X[0]], delimiter=";"),
        (RATE, ["acc"]),
    ),
    "two clocks and two titles": (
        "Sensor A,,Sensor B,\ntime,acc,time,acc\n" + rows(seconds(), X[0], seconds(), X[1]),
        (RATE, ["acc", "acc (3)"]),
    ),
    "catman": (
        "HBM catman AP\t5.3\nDATE: 01.03.2026\tTIME: 08:00:00\nNumber of channels: 2\n\n"
        "Time  1 - default sample rate [s]\tacc 1 [g]\n"
        + rows(seconds(decimal=","), X[0], delimiter="\t", decimal=","),
        (RATE, ["acc 1 [g]"], "g", START),
    ),
    "units of which one is not known": (
        "Time,Acc\ns,mV/g\n" + rows(seconds(), X[0]),
        (RATE, ["Acc"], "mV/g"),
    ),
    "a line of units": ("Units,s,g\ntime,acc\n" + rows(seconds(), X[0]), (RATE, ["acc"], "g")),
    "the day in a line above": (
        "Date: 01.03.2026\nSensor: 7\nTime;a\n" + rows(moments("%H:%M:%S.%f"), X[0], delimiter=";"),
        (RATE, ["a"], None, START),
    ),
    "names over two lines": (
        '"Zeit\n[s]";"Beschleunigung\n[m/s²]"\n' + rows(seconds(), X[0], delimiter=";"),
        (RATE, ["Beschleunigung [m/s²]"], "m/s2"),
    ),
    "minutes and seconds": (
        "Time,acc\n" + rows([f"00:{t:08.5f}" for t in T], X[0]),
        (RATE, ["acc"]),
    ),
    "German names of months": (
        "Zeit;acc\n" + rows(moments("%d. Mrz %Y %H:%M:%S,%f"), X[0], delimiter=";", decimal=","),
        (RATE, ["acc"], None, START),
    ),
    "a month before a day above twelve": (
        "Time,acc\n" + rows(moments("%m/13/%Y %I:%M:%S.%f %p"), X[0]),
        (RATE, ["acc"], None, START.replace(day=13)),
    ),
    "a date and a clock that agree": (
        "nr,Datum,t,acc\n"
        + rows([str(i) for i in range(N)], moments("%Y-%m-%d %H:%M:%S.%f"), seconds(), X[0]),
        (RATE, ["acc"], None, START),
    ),
    "a German Excel": (
        "Zeit [s];Beschleunigung [g]\n"
        + rows(seconds(decimal=","), X[0], delimiter=";", decimal=","),
        (RATE, ["Beschleunigung [g]"], "g", None),
    ),
    "sep= of Excel": (
        "sep=;\r\ntime;acc\r\n"
        + rows(seconds(decimal=","), X[0], delimiter=";", decimal=",").replace("\n", "\r\n"),
        (RATE, ["acc"], None, None),
    ),
    "sep= of a tab": ("sep=\t\nt\tacc\n" + rows(seconds(), X[0], delimiter="\t"), (RATE, ["acc"])),
    "a French Excel": (
        "Temps (ms);Accélération (m/s²)\n"
        + rows(seconds(5, 1e3, ","), X[0], delimiter=";", decimal=","),
        (RATE, ["Accélération (m/s²)"], "m/s2", None),
    ),
    "decimal commas in one column only": (
        "t;acc\n" + rows(seconds(), [number(x, ",") for x in X[0]], delimiter=";"),
        (RATE, ["acc"]),
    ),
    "decimal commas in the clock only": (
        "t;acc\n" + rows(seconds(decimal=","), X[0], delimiter=";"),
        (RATE, ["acc"]),
    ),
    "quoted decimal commas between commas": (
        "t,acc\n"
        + rows([f'"{t}"' for t in seconds(decimal=",")], [f'"{number(x, ",")}"' for x in X[0]]),
        (RATE, ["acc"]),
    ),
    "one column of decimal commas": ("acc\n" + rows(X[0], decimal=","), (None, ["acc"])),
    "one column of decimal commas without a header": (rows(X[0], decimal=","), (None, ["0"])),
    "everything quoted": (
        '"Time (s)","acc, drive end (g)"\n'
        + rows([f'"{t}"' for t in seconds()], [f'"{number(x)}"' for x in X[0]]),
        (RATE, ["acc, drive end (g)"], "g"),
    ),
    "pipes": ("t|a|b\n" + rows(seconds(), *TWO, delimiter="|"), (RATE, ["a", "b"])),
    "runs of blanks, of fixed width": (
        "   Time (s)      Acc X      Acc Y\n"
        + "".join(
            f"{t:>11}{a:>11.5f}{b:>11.5f}\n" for t, a, b in zip(seconds(), *TWO, strict=True)
        ),
        (RATE, ["Acc X", "Acc Y"]),
    ),
    "blanks without a header": (rows(seconds(), *TWO, delimiter="  "), (RATE, ["1", "2"])),
    "one number a line": (rows(X[0]), (None, ["0"])),
    "numpy.savetxt with a header": (
        "# time [s], acc [g]\n" + rows(seconds(), X[0]),
        (RATE, ["acc [g]"], "g"),
    ),
    "numpy.savetxt in its default form": (
        "".join(f"{t:.18e} {x:.18e}\n" for t, x in zip(T, X[0], strict=True)),
        (RATE, ["1"]),
    ),
    "Fortran exponents behind decimal commas": (
        "t;a\n"
        + "".join(
            f"{t:.9E};{x:.6E}\n".replace("E", "D").replace(".", ",")
            for t, x in zip(T, X[0], strict=True)
        ),
        (RATE, ["a"]),
    ),
    "Fortran exponents": (
        "".join(f"{t:.9E} {x:.6E}\n".replace("E", "D") for t, x in zip(T, X[0], strict=True)),
        (RATE, ["1"]),
    ),
    "pandas with its index": (
        ",a,b\n" + rows([str(i) for i in range(N)], *TWO),
        (None, ["a", "b"]),
    ),
    "pandas of a bare array": (
        ",0,1\n" + rows([str(i) for i in range(N)], *TWO),
        (None, ["0", "1"]),
    ),
    "pandas of a bare array without its index": ("0,1\n" + rows(*TWO), (None, ["0", "1"])),
    "pandas with an index of times": (
        ",acc\n" + rows(moments("%Y-%m-%d %H:%M:%S.%f"), X[0]),
        (RATE, ["acc"], None, START),
    ),
    "pandas with an index of lengths of time": (
        ",acc\n" + rows([f"0 days 00:00:{t:012.9f}" for t in T], X[0]),
        (RATE, ["acc"]),
    ),
    "Polars": (
        "time,acc\n" + rows(moments("%Y-%m-%dT%H:%M:%S.%f", "000"), X[0]),
        (RATE, ["acc"], None, START),
    ),
    "R's write.table": (
        '"t" "acc"\n'
        + "".join(
            f'"{i + 1}" {t} {x}\n' for i, (t, x) in enumerate(zip(seconds(), X[0], strict=True))
        ),
        (RATE, ["acc"]),
    ),
    "MATLAB's writetimetable": (
        "Time,acc\n" + rows([f"{t} sec" for t in seconds()], X[0]),
        (RATE, ["acc"]),
    ),
    "MATLAB's dates": (
        "Time,acc\n" + rows(moments("%d-%b-%Y %H:%M:%S.%f"), X[0]),
        (RATE, ["acc"], None, START),
    ),
    "facts in lines above": (
        "Sample rate: 25600 Hz\nUnit: g\nStart: 2026-03-01T08:00:00Z\nOperator: Hans\n\na,b\n"
        + rows(*TWO),
        (RATE, ["a", "b"], "g", START.replace(tzinfo=UTC)),
    ),
    "facts with equals signs in comments": (
        "# fs = 25.6 kHz\n# unit = m/s^2\n# start_time = 2026-03-01 08:00:00\n" + rows(*TWO),
        (RATE, ["0", "1"], "m/s2", START),
    ),
    "facts in cells": (
        "Sampling Rate,25600\nUnits,g\nSensor,PCB 352C33\ntime,acc\n" + rows(seconds(), X[0]),
        (RATE, ["acc"], "g"),
    ),
    "facts in cells, in German": (
        "Abtastrate;25600,0 Hz\nEinheit;g\nStartzeit;01.03.2026 08:00:00\nSensor;17\n\n"
        "Kanal 1;Kanal 2\n" + rows(*TWO, delimiter=";", decimal=","),
        (RATE, ["Kanal 1", "Kanal 2"], "g", START),
    ),
    "the interval in a line above": (
        "dt [ms]: 0.0390625\nDate: 2026/03/01\nTime: 08:00:00\na\n" + rows(*ONE),
        (RATE, ["a"], None, START),
    ),
    "a unit in the name of a fact": (
        "Sample rate (kHz);25,6\na;b\n" + rows(*TWO, delimiter=";", decimal=","),
        (RATE, ["a", "b"]),
    ),
    "names like units below a fact of words": (
        "Sensitivity,100 mV/g\nt,a\n" + rows(seconds(), X[0]),
        (RATE, ["a"]),
    ),
    "a row of units": (
        "Time,Channel A\n(ms),(g)\n\n" + rows(seconds(5, 1e3), X[0]),
        (RATE, ["Channel A"], "g"),
    ),
    "a row of units without brackets": (
        "Time;X;Y\ns;m/s2;m/s2\n" + rows(seconds(), *TWO, delimiter=";"),
        (RATE, ["X", "Y"], "m/s2"),
    ),
    "columns that are named like units": ("s,g\n" + rows(seconds(), X[0]), (RATE, ["g"], "g")),
    "a byte order mark": ("\ufefft,acc\n" + rows(seconds(), X[0]), (RATE, ["acc"])),
    "empty cells at the ends of lines": (
        "t,a,b,\n" + rows(seconds(), *TWO).replace("\n", ",\n"),
        (RATE, ["a", "b"]),
    ),
    "empty cells at the ends of rows only": (
        "t;a;b\n" + rows(seconds(), *TWO, delimiter=";").replace("\n", ";;\n"),
        (RATE, ["a", "b"]),
    ),
    "blank lines at the end": ("t,acc\n" + rows(seconds(), X[0]) + "\n\n  \n", (RATE, ["acc"])),
    "comments between the rows": (
        "t,acc\n" + rows(seconds(), X[0]).replace("\n", "\n# mark\n", 3) + "# end\n",
        (RATE, ["acc"]),
    ),
    "row numbers and a clock": (
        "Sample,Time,acc\n" + rows([str(i + 1) for i in range(N)], seconds(), X[0]),
        (RATE, ["acc"]),
    ),
    "the clock last": ("a,b,t\n" + rows(*TWO, seconds()), (RATE, ["a", "b"])),
    "a clock in microseconds": ("t_us,acc\n" + rows(seconds(4, 1e6), X[0]), (RATE, ["acc"])),
    "a clock in minutes": ("Zeit (min),acc\n" + rows(seconds(9, 1 / 60), X[0]), (RATE, ["acc"])),
    "seconds since 1970": (
        "timestamp,acc\n" + rows(seconds(6, 1.0, ".", 1772352000.0), X[0]),
        (RATE, ["acc"], None, START.replace(tzinfo=UTC)),
    ),
    "nanoseconds since 1970": (
        "timestamp,acc\n" + rows([str(1772352000000000000 + round(t * 1e9)) for t in T], X[0]),
        (RATE, ["acc"], None, START.replace(tzinfo=UTC)),
    ),
    "text beside the numbers": (
        "t,acc,status\n" + rows(seconds(), X[0], ["OK"] * N),
        (RATE, ["acc"]),
    ),
    "German dates": (
        "Zeit;acc\n" + rows(moments("%d.%m.%Y %H:%M:%S,%f"), X[0], delimiter=";", decimal=","),
        (RATE, ["acc"], None, START),
    ),
    "German dates of two-digit years": (
        "Zeit;acc\n" + rows(moments("%d.%m.%y %H:%M:%S,%f"), X[0], delimiter=";", decimal=","),
        (RATE, ["acc"], None, START),
    ),
    "a German date and a time in columns of their own": (
        "Datum;Uhrzeit;acc\n"
        + rows(["01.03.2026"] * N, moments("%H:%M:%S,%f"), X[0], delimiter=";", decimal=","),
        (RATE, ["acc"], None, START),
    ),
    "dates with slashes under a German name": (
        "Zeitstempel;acc\n" + rows(moments("%d/%m/%Y %H:%M:%S.%f"), X[0], delimiter=";"),
        (RATE, ["acc"], None, START),
    ),
    "dates of the year first, with slashes": (
        "time,acc\n" + rows(moments("%Y/%m/%d %H:%M:%S.%f"), X[0]),
        (RATE, ["acc"], None, START),
    ),
    "compact dates": (
        "time,acc\n" + rows(moments("%Y%m%dT%H%M%S.%f", "Z"), X[0]),
        (RATE, ["acc"], None, START.replace(tzinfo=UTC)),
    ),
    "dates and times as one number": (
        "time,acc\n" + rows(moments("%Y%m%d%H%M%S.%f"), X[0]),
        (RATE, ["acc"], None, START),
    ),
    "dates, times and their fractions as one number": (
        "time,acc\n" + rows(moments("%Y%m%d%H%M%S%f"), X[0]),
        (RATE, ["acc"], None, START),
    ),
    "seconds of six digits": (
        "time (s),acc\n" + rows(seconds(start=100000.0), X[0]),
        (RATE, ["acc"]),
    ),
    "a zone": (
        "time,acc\n" + rows(moments("%Y-%m-%d %H:%M:%S.%f", "+02:00"), X[0]),
        (RATE, ["acc"], None, dt.datetime(2026, 3, 1, 6, tzinfo=UTC)),
    ),
    "a zone in words": (
        "time,acc\n" + rows(moments("%Y-%m-%d %H:%M:%S.%f", " UTC"), X[0]),
        (RATE, ["acc"], None, START.replace(tzinfo=UTC)),
    ),
    "times of day": (
        "Time;acc\n" + rows(moments("%H:%M:%S.%f"), X[0], delimiter=";"),
        (RATE, ["acc"]),
    ),
    "times of day, of twelve hours": (
        "Time,acc\n" + rows(moments("%I:%M:%S.%f %p"), X[0]),
        (RATE, ["acc"]),
    ),
    "fractions behind a colon": (
        "time,acc\n" + rows(moments("%Y-%m-%d %H:%M:%S:%f"), X[0]),
        (RATE, ["acc"], None, START),
    ),
    "a date and a time between blanks": (
        rows(moments("%Y-%m-%d %H:%M:%S.%f"), *TWO, delimiter=" "),
        (RATE, ["2", "3"], None, START),
    ),
    "columns of a calendar": (
        "Year,Month,Day,Hour,Minute,Second,acc\n"
        + rows(["2026"] * N, ["3"] * N, ["1"] * N, ["8"] * N, ["0"] * N, seconds(), X[0]),
        (RATE, ["acc"], None, START),
    ),
    "files of FEMTO": (
        rows(["9"] * N, ["39"] * N, ["39"] * N, [f"{65664 + t * 1e6:.0f}" for t in T], *TWO),
        (RATE, ["4", "5"]),
    ),
    "files of FEMTO with temperatures": (
        rows(
            ["9"] * N,
            [str(39 + (i + 57) // 600) for i in range(N)],
            [str((i + 57) // 10 % 60) for i in range(N)],
            [str((i + 57) % 10) for i in range(N)],
            *ONE,
        ),
        (10.0, ["4"]),
    ),
    "files of FEMTO with semicolons": (
        rows(
            ["9"] * N,
            ["39"] * N,
            [str(39 + int(0.995 + t)) for t in T],
            [f"{(995000 + t * 1e6) % 1e6:.1f}" for t in T],
            *TWO,
            delimiter=";",
        ),
        (RATE, ["4", "5"]),
    ),
    "files of the IMS": (rows(*TWO, delimiter="\t"), (None, ["0", "1"])),
    "a scope with a header in the middle of nowhere": (
        "Model,TPS2024\nFirmware,v10.41\n\nRecord Length,400\nSample Interval,3.90625e-05\n"
        "Vertical Units,g\n\nTIME,CH1,CH2\n" + rows(seconds(8), *TWO),
        (RATE, ["CH1", "CH2"], "g"),
    ),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16", "cr"])
def test_a_table(tmp_path, name, encoding):
    text, expected = TABLES[name]
    rate, names, unit, start = (*expected, None, None)[:4]
    if encoding == "latin-1" and max(text) > "\xff":
        pytest.skip("has characters that this encoding lacks")
    newline = "\r" if encoding == "cr" else "\n"
    if encoding == "cr":
        text = text.replace("\r\n", "\n")
    path = tmp_path / "x.csv"
    path.write_bytes(text.replace("\n", newline).encode("utf-8" if encoding == "cr" else encoding))
    source, got, chunks = read(path)
    assert list(source.channel_names) == names
    np.testing.assert_allclose(got, X[: len(names)], atol=1e-9)
    assert source.rate_hz == (None if rate is None else pytest.approx(rate, rel=3e-4))
    assert source.unit == unit
    assert source.start == start
    assert not any(chunk.gap_before for chunk in chunks)
    assert [w for w in source.warnings if "status" not in w] == []
