"""Parquet: every type of column, facts in metadata, and files that claim more than they hold."""

import datetime as dt
import decimal
import json
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.registry import open_file

N, RATE = 5000, 25600.0
X = np.round(np.random.default_rng(0).normal(size=N), 3)
ONE_PAGE = {
    "use_dictionary": False,
    "data_page_size": 1 << 30,
    "max_rows_per_page": 1 << 30,
    "row_group_size": 1 << 30,
    "write_batch_size": 1 << 30,
}
TICKS = np.rint(np.arange(N) * 1e9 / RATE).astype("i8")


def read(path, variable=None):
    source = open_file(path, variable=variable)
    try:
        chunks = list(source.chunks)
    finally:
        source.close()
    return source, np.concatenate([c.samples for c in chunks], axis=1), chunks


def write(path, metadata=None, **columns):
    table = pa.table(columns)
    if metadata:
        table = table.replace_schema_metadata(metadata)
    pq.write_table(table, path)


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [
        (pa.float64(), 0),
        (pa.float32(), 1e-6),
        (pa.float16(), 2e-3),
        (pa.decimal128(8, 3), 1e-12),
        (pa.decimal256(40, 3), 1e-12),
    ],
)
def test_numbers_of_every_type(tmp_path, kind, tolerance):
    values = pa.array(X)
    if pa.types.is_decimal(kind):
        values = pa.array([decimal.Decimal(f"{x:.3f}") for x in X])
    write(tmp_path / "x.parquet", a=values.cast(kind), b=pa.array(X))
    source, got, _ = read(tmp_path / "x.parquet")
    assert (source.channel_names, source.n_samples) == (("a", "b"), N)
    np.testing.assert_allclose(got, [X, X], atol=tolerance)


def test_coded_numbers_are_numbers(tmp_path):
    write(tmp_path / "x.parquet", a=pa.array(np.round(X)).dictionary_encode())
    np.testing.assert_array_equal(read(tmp_path / "x.parquet")[1][0], np.round(X))


def test_columns_of_other_types_are_named(tmp_path):
    path = tmp_path / "x.parquet"
    write(
        path,
        a=X,
        state=["OK"] * N,
        code=pa.array(["x"] * (N // 2) + ["y"] * (N // 2)).dictionary_encode(),
        on=[True] * N,
        pair=[{"x": 1.0}] * N,
        windows=[[1.0, 2.0]] * N,
        raw=[b"\0"] * N,
    )
    source, got, _ = read(path)
    np.testing.assert_array_equal(got[0], X)
    assert source.warnings == [
        f"columns of {path} that hold no numbers are left out: state (text), code (text), on (true "
        f"and false), pair (records), windows (lists), raw (lists)"
    ]
    for name, what in (("pair", "records"), ("on", "true and false"), ("windows", "lists")):
        with pytest.raises(InputError, match=f"no series '{name}' .*: that column holds {what}"):
            read(path, name)
    assert read(path, "a")[0].warnings == []
    write(path, pair=[{"x": 1.0}] * N)
    with pytest.raises(InputError, match="holds no series of real numbers"):
        read(path)


def test_a_list_in_each_row_is_a_window(tmp_path):
    path = tmp_path / "x.parquet"
    write(path, id=[1, 2, 3], samples=[[1.0, 2.0]] * 3)
    with pytest.raises(InputError, match="holds lists in samples, a window or a recording"):
        read(path)
    write(path, acc=[{"x": 1.0}] * 3, note=["a"] * 3)
    with pytest.raises(InputError, match=r"\(acc holds records, note holds text\)"):
        read(path)


@pytest.mark.parametrize("unit", ["ns", "us"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("last", [True, False])
def test_a_clock_of_timestamps_in_any_column(tmp_path, unit, zone, last):
    times = pa.array(TICKS + 1_772_352_000_000_000_000).cast(pa.timestamp("ns", tz=zone))
    clock = {"time": times.cast(pa.timestamp(unit, tz=zone), safe=False)}
    signal = {"acc (m/s^2)": pa.array(X)}
    write(tmp_path / "x.parquet", **(signal | clock if last else clock | signal))
    source, got, _ = read(tmp_path / "x.parquet")
    np.testing.assert_array_equal(got[0], X)
    assert source.rate_hz == pytest.approx(RATE, rel=1e-4)
    assert source.unit == "m/s2"
    assert source.start == dt.datetime(2026, 3, 1, 8, tzinfo=zone and dt.timezone.utc)


@pytest.mark.parametrize(
    "clock",
    [
        pa.array(TICKS).cast(pa.duration("ns")),
        pa.array(TICKS).cast(pa.time64("ns")),
        pa.array(TICKS // 1000).cast(pa.time64("us")),
        pa.array(TICKS / 1e9),
    ],
)
def test_lengths_of_time_and_times_of_day(tmp_path, clock):
    write(tmp_path / "x.parquet", t=clock, acc=X)
    source, got, _ = read(tmp_path / "x.parquet")
    assert source.rate_hz == pytest.approx(RATE, rel=1e-4)
    np.testing.assert_array_equal(got[0], X)


def test_a_gap_in_an_index_of_pandas(tmp_path):
    ticks = TICKS + 1_772_352_000_000_000_000
    ticks[3000:] += 10**9
    write(
        tmp_path / "x.parquet",
        {"pandas": json.dumps({"index_columns": ["__index_level_0__"]})},
        acc=X,
        __index_level_0__=pa.array(ticks).cast(pa.timestamp("ns")),
    )
    source, _, chunks = read(tmp_path / "x.parquet")
    assert source.channel_names == ("acc",)
    assert [c.gap_before for c in chunks if c.gap_before] == [int(RATE)]


def test_an_index_of_numbers_is_no_channel(tmp_path):
    write(tmp_path / "x.parquet", acc=X, __index_level_0__=pa.array(np.arange(N)))
    source, got, _ = read(tmp_path / "x.parquet")
    assert (source.channel_names, source.rate_hz) == (("acc",), None)
    np.testing.assert_array_equal(got[0], X)


@pytest.mark.parametrize(
    "metadata",
    [
        {"sample_rate": "25600", "unit": "g", "start_time": "2026-03-01T08:00:00Z"},
        {
            "pandas": json.dumps(
                {"attributes": {"fs": 25600, "unit": "g", "start_time": "2026-03-01T08:00:00Z"}}
            )
        },
    ],
)
def test_facts_in_metadata(tmp_path, metadata):
    write(tmp_path / "x.parquet", metadata, a=X, b=X)
    source = read(tmp_path / "x.parquet")[0]
    assert (source.rate_hz, source.unit) == (RATE, "g")
    assert source.start == dt.datetime(2026, 3, 1, 8, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    "metadata",
    [
        {"meta": '{"sample_rate": 25600, "unit": "g"}'},
        {"a": '{"setup": {"fs": 25600}}', "unit": "g"},
    ],
)
def test_facts_in_metadata_that_is_json(tmp_path, metadata):
    table = pa.table({"a": X}).replace_schema_metadata(metadata)
    pq.write_table(table, tmp_path / "x.parquet")
    source, *_ = read(tmp_path / "x.parquet")
    assert (source.rate_hz, source.unit) == (25_600, "g")


def test_a_unit_in_the_metadata_of_a_column(tmp_path):
    schema = pa.schema([pa.field("a", pa.float64(), metadata={"unit": "m/s^2"})])
    pq.write_table(pa.table([pa.array(X)], schema=schema), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet")[0].unit == "m/s2"


def test_a_rate_in_the_metadata_of_a_column(tmp_path):
    field = pa.field("a", pa.float64(), metadata={"sample_rate": "25600", "unit": "g"})
    pq.write_table(pa.table([X], pa.schema([field])), tmp_path / "x.parquet")
    got = read(tmp_path / "x.parquet")[0]
    assert (got.rate_hz, got.unit) == (25600, "g")


def test_one_page_that_unpacks_to_a_gigabyte_is_refused_before(tmp_path):
    path = tmp_path / "x.parquet"
    zeros = pa.table({"a": np.zeros(10_000_000)})
    pq.write_table(zeros, path, compression="zstd", **ONE_PAGE)
    assert path.stat().st_size < 400_000
    with pytest.raises(InputError, match=r"holds a page of \d+ bytes that claims 800\d+ unpacked"):
        read(path)


def test_more_rows_than_the_bytes_can_hold_are_refused(tmp_path):
    path = tmp_path / "x.parquet"
    nulls = pa.table({"a": pa.nulls(30_000_000, pa.int8())})
    pq.write_table(nulls, path, **ONE_PAGE)
    assert path.stat().st_size < 1000
    with pytest.raises(InputError, match=r"claims 3e\+07 rows in \d+ bytes"):
        read(path)


def test_a_constant_channel_beside_a_signal_is_read(tmp_path):
    write(tmp_path / "x.parquet", a=np.tile(X, 100), dead=np.zeros(100 * N))
    np.testing.assert_array_equal(read(tmp_path / "x.parquet")[1][1], np.zeros(100 * N))


def test_large_pages_that_are_honest_are_read(tmp_path):
    path = tmp_path / "x.parquet"
    x = np.random.default_rng(0).normal(size=9_000_000)
    pq.write_table(pa.table({"a": x}), path, **ONE_PAGE)
    np.testing.assert_array_equal(read(path)[1][0], x)


def test_a_million_columns_are_refused(tmp_path):
    names = [str(i) for i in range(17_000)]
    pq.write_table(pa.table([pa.array([1.0])] * len(names), names=names), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="has 17000 columns: expected at most 16384"):
        read(tmp_path / "x.parquet")


def test_a_clock_beside_what_is_no_number_is_no_channel(tmp_path):
    write(tmp_path / "x.parquet", t=TICKS / 1e9, acc=[str(x) for x in X])
    with pytest.raises(InputError, match="no series of real numbers beside its clock 't'"):
        read(tmp_path / "x.parquet")


def test_times_as_text_are_refused(tmp_path):
    path = tmp_path / "x.parquet"
    write(path, time=[f"2026-03-01 08:00:00.{i:06}" for i in range(N)], acc=X)
    with pytest.raises(InputError, match=r"'time' .* are not understood, such as '2026-03-01 08"):
        read(path)
    np.testing.assert_array_equal(read(path, "acc")[1][0], X)


DAMAGE = """
import random, sys
from pathlib import Path
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.registry import open_file

path, rng = Path(sys.argv[1]), random.Random(0)
sound = path.read_bytes()
refused = 0
for _ in range(600):
    data = bytearray(sound)
    for _ in range(rng.choice([1, 1, 3])):
        data[len(data) - 9 - rng.randrange(700)] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    try:
        source = open_file(path)
        for _ in source.chunks:
            pass
        source.close()
    except InputError:
        refused += 1
print(refused)
"""


def test_a_damaged_footer_is_refused_and_never_ends_the_process(tmp_path):
    # Arrow itself calls abort() where it is asked for the sizes in some damaged footers.
    write(tmp_path / "x.parquet", time=pa.array(TICKS).cast(pa.timestamp("ns")), acc=X)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DAMAGE, str(tmp_path / "x.parquet")],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert 100 < int(done.stdout) < 600


@pytest.mark.parametrize("ids", [["a", "b"], [11, 12]])
@pytest.mark.parametrize("has_time", [True, False])
def test_a_table_with_a_row_for_each_sensor_and_time_is_refused(tmp_path, ids, has_time):
    columns = {"point": ids * (N // 2), "x": X}
    if has_time:
        columns["time"] = np.repeat(np.arange(N // 2) / RATE, 2)
    write(tmp_path / "x.parquet", **columns)
    with pytest.raises(InputError, match=r"column 'point' of .* holds 2 names"):
        read(tmp_path / "x.parquet")


def test_long_texts_that_repeat_take_no_room(tmp_path):
    text = pa.array(["x" * 1_000_000]).dictionary_encode()
    note = pa.DictionaryArray.from_arrays(pa.array(np.zeros(N, np.int32)), text.dictionary)
    write(tmp_path / "x.parquet", x=X, note=note)
    before = pa.total_allocated_bytes()
    source, samples, _ = read(tmp_path / "x.parquet")
    assert source.channel_names == ("x",)
    np.testing.assert_array_equal(samples[0], X)
    assert pa.total_allocated_bytes() - before < 50_000_000


@pytest.mark.parametrize(("cell", "unit"), [("m/s^2", "m/s2"), ("mV", "mV")])
def test_the_unit_in_a_column_of_its_own(tmp_path, cell, unit):
    write(tmp_path / "x.parquet", x=X, unit=[cell] * N)
    assert read(tmp_path / "x.parquet")[0].unit == unit
    write(tmp_path / "y.parquet", x=X, unit=[cell] * (N - 1) + ["g"])
    with pytest.raises(InputError, match="several units"):
        read(tmp_path / "y.parquet")


@pytest.mark.parametrize("texts", [["Unit 3"] * N, ["A"] * N, ["fan"] + [None] * (N - 1)])
def test_texts_that_are_no_units_and_tell_no_sensors_apart(tmp_path, texts):
    write(tmp_path / "x.parquet", x=X, unit=texts)
    source, samples, _ = read(tmp_path / "x.parquet")
    assert (source.unit, source.channel_names) == (None, ("x",))
    np.testing.assert_array_equal(samples[0], X)


def test_many_columns_of_integers_are_opened_soon(tmp_path):
    n = 400
    noise = np.round(1e3 * np.random.default_rng(0).normal(size=(n, N))).astype("i2")
    write(tmp_path / "x.parquet", **{f"c{i}": noise[i] // 100 for i in range(n)})
    begun = time.process_time()
    open_file(tmp_path / "x.parquet").close()
    assert time.process_time() - begun < 10  # 160,000 pairs of columns would take longer
