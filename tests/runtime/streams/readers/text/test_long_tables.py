"""Tables with a row for each sensor and time are refused; other columns of text are not."""

import datetime as dt
from contextlib import nullcontext

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from tests.runtime.streams.readers.text.written import (
    START,
    N,
    X,
    moments,
    number,
    read,
    rows,
    seconds,
)

IDS = ["bearing", "gearbox", "motor"]
LONG = {
    "names": [(t, name) for t in seconds() for name in IDS],
    "numbers": [(t, str(i)) for t in seconds() for i in (11, 12, 14)],
    "names in another order each time": [
        (t, IDS[(i + j * (1 + i % 2)) % 3]) for i, t in enumerate(seconds()) for j in range(3)
    ],
    "names with times of their own": [
        (f"{i * 1e-4 + (i * i % 7) * 1e-6:.6f}", IDS[i * i % 11 % 3]) for i in range(3 * N)
    ],
    "names in turn": [(t, IDS[i % 3]) for i, t in enumerate(seconds())],
    "one sensor after another": [(t, name) for name in IDS for t in seconds()],
    "one number after another": [(t, str(i)) for i in (1, 2) for t in seconds()],
    "one sensor after another, far apart": [
        (f"{i / 25600:.7f}", name) for name in IDS[:2] for i in range(40_000)
    ],
}
NOT_LONG = {
    "a state that changes now and then": [("run", "idle")[i // 50 % 2] for i in range(N)],
    "a state of a coarse clock": [("run", "idle")[i > 300] for i in range(N)],
    "remarks": [f"row {i}" for i in range(N)],
    "one name": ["bearing"] * N,
}


@pytest.mark.parametrize("name", LONG)
def test_long_tables_are_refused_by_the_column_that_tells_sensors_apart(tmp_path, name):
    path = tmp_path / "x.csv"
    noise = np.random.default_rng(0).normal(size=len(LONG[name]))
    lines = [f"{t},{which},{number(x)}\n" for (t, which), x in zip(LONG[name], noise, strict=True)]
    path.write_text("time,point,value\n" + "".join(lines))
    n = len({which for _, which in LONG[name]})
    with pytest.raises(InputError, match=f"column 'point' of .* holds {n} names .* for each sens"):
        read(path)
    with pytest.raises(InputError, match="column 'point'") if "own" not in name else nullcontext():
        read(path, "value")


@pytest.mark.parametrize("name", NOT_LONG)
@pytest.mark.parametrize("digits", [7, 3])
def test_other_columns_of_text_are_left_out_and_said(tmp_path, name, digits):
    path = tmp_path / "x.csv"
    path.write_text("time,note,value\n" + rows(seconds(digits), NOT_LONG[name], X[0]))
    source, samples, _ = read(path)
    assert source.channel_names == ("value",)
    np.testing.assert_allclose(samples, X[:1])
    assert any("note (text)" in each for each in source.warnings)


def test_a_switch_beside_a_coarse_clock_is_a_channel(tmp_path):
    switch = [str(i // 37 % 2) for i in range(N)]
    (tmp_path / "x.csv").write_text("time,on,value\n" + rows(seconds(3), switch, X[0]))
    source, samples, _ = read(tmp_path / "x.csv")
    assert source.channel_names == ("on", "value")
    np.testing.assert_array_equal(samples[0], np.array(switch, float))


def test_integers_beside_a_coarse_clock_are_samples(tmp_path):
    counts = [str(i) for i in np.random.default_rng(0).integers(-300, 300, N * 4)]
    (tmp_path / "x.csv").write_text(
        "time,x\n" + "".join(f"{i // 8 / 100:.2f},{count}\n" for i, count in enumerate(counts))
    )
    source, samples, _ = read(tmp_path / "x.csv")
    assert source.channel_names == ("x",)
    np.testing.assert_array_equal(samples[0], np.array(counts, float))


def test_what_influx_writes_beside_its_values_is_no_channel(tmp_path):
    head = "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,double,string\n"
    head += "#default,_result,,,,,\n,result,table,_start,_time,_value,_field\n"
    table = rows(
        *([""] * N, [""] * N, ["0"] * N, ["2026-03-01T00:00:00Z"] * N),
        *(moments("%Y-%m-%dT%H:%M:%S.%f", "Z"), X[0], ["acc"] * N),
    )
    (tmp_path / "x.csv").write_text(head + table)
    source, samples, _ = read(tmp_path / "x.csv")
    assert source.channel_names == ("_value",)
    np.testing.assert_allclose(samples, X[:1])


def test_midnight_and_a_state_that_changes_there_are_no_sensors(tmp_path):
    n = 40_000
    begin = START.replace(hour=23, minute=59, second=59)
    times = [(begin + dt.timedelta(seconds=i / 25600)).strftime("%H:%M:%S.%f") for i in range(n)]
    x = np.random.default_rng(0).normal(size=n)
    lines = (f"{t},{number(x[i])},{'ab'[i > 25_600]}\n" for i, t in enumerate(times))
    (tmp_path / "x.csv").write_text("time,acc,mode\n" + "".join(lines))
    source, samples, _ = read(tmp_path / "x.csv")
    assert source.rate_hz == pytest.approx(25_600)
    assert samples.shape == (1, n)


def test_sensors_one_after_another_without_times_are_told_by_the_columns_name(tmp_path):
    path, ids = tmp_path / "x.csv", [str(7 + i // N) for i in range(2 * N)]
    values = [*X[0], *X[1]]
    path.write_text("sensor_id,value\n" + rows(ids, values))
    with pytest.raises(InputError, match=r"'sensor_id' .* \(7, 8\).*name the channels as variable"):
        read(path)
    np.testing.assert_allclose(read(path, "value")[1], [values])
    path.write_text("state,value\n" + rows(ids, values))  # tells no sensors apart
    assert read(path)[0].channel_names == ("state", "value")
