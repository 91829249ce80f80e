from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.store.housekeeping import keep_waveform
from dlrsd.runtime.service.store.keeping import WAVEFORMS
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.store.waveform import Waveform, read_waveform, waveform_bytes
from dlrsd.runtime.streams.stream import SignalSpec, StreamFormat, open_stream
from tests.runtime.service.store.made import waveform


@pytest.mark.parametrize("dtype", ["<i2", "<i4", "<f4", "<f8"])
def test_a_waveform_comes_back_in_its_own_numbers(tmp_path, dtype) -> None:
    made = waveform(dtype=dtype, gaps=[(0, 3), (100, 7), (990, 10)])
    path = tmp_path / "a.parquet"
    path.write_bytes(waveform_bytes(made))
    found = read_waveform(path)
    assert found.about == made.about
    assert found.gaps == made.gaps
    assert found.samples.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found.samples, made.samples)


def test_packed_it_is_no_longer_than_its_samples(tmp_path) -> None:
    made = waveform(n=100_000, dtype="<i2")
    assert len(waveform_bytes(made)) < made.samples.nbytes


def test_diagnose_reads_it_like_any_recording(tmp_path) -> None:
    made = waveform(dtype="<f4")
    path = tmp_path / "a.parquet"
    path.write_bytes(waveform_bytes(made))
    default = SignalSpec(made.about.rate_hz, "m/s2", 1)
    with open_stream(path, StreamFormat(), default=default) as stream:
        facts = stream.description
        signal = np.concatenate([chunk.samples for chunk in stream], axis=1)
    assert (facts["rate_hz"], facts["unit"]) == (made.about.rate_hz, "m/s2")
    assert facts["start"].startswith("2023-11-14T22:13:20")
    assert facts["channel_names"] == made.about.sensors
    np.testing.assert_allclose(signal, made.samples)


@pytest.mark.parametrize("damage", ["cut", "foreign", "missing", "garbled"])
def test_a_file_that_is_no_waveform_is_refused(tmp_path, damage) -> None:
    path = tmp_path / "a.parquet"
    content = waveform_bytes(waveform())
    if damage == "foreign":
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.table({"a": [1, 2]}), path)
    elif damage != "missing":
        path.write_bytes(content[:-50] if damage == "cut" else content[:80] + content[200:])
    with pytest.raises(InputError, match=r"a\.parquet"):
        read_waveform(path)


def test_the_final_one_of_an_alarm_replaces_the_first(store, reading) -> None:
    first = waveform(n=500)
    final = replace(waveform(n=1000, seed=1), about=first.about)
    assert keep_waveform(store, first)
    (row,) = reading.waveforms(alarm="a1")
    assert (row.machine, row.source, row.sensors, row.seconds) == (
        "pump",
        "tcp",
        ["DE", "NDE"],
        0.5,
    )
    assert keep_waveform(store, final)
    (again,) = reading.waveforms(machine="pump")
    assert (again.id, again.seconds) == (row.id, 1.0)
    np.testing.assert_array_equal(reading.waveform(row.id).samples, final.samples)
    files = list((store.folder / WAVEFORMS).rglob("*.parquet"))
    assert [path.stat().st_size for path in files] == [again.bytes]


def test_only_a_worse_second_replaces_the_one_of_its_day(store, reading) -> None:
    for number, worst in enumerate((2.0, 5.0, 3.0)):
        made = waveform(alarm=None, worst=worst, seed=number)
        assert keep_waveform(store, made)
    (row,) = reading.waveforms()
    assert row.worst == 5.0
    assert keep_waveform(store, waveform(alarm=None, worst=1.0, start=1.7e9 + 86_400))
    assert [row.worst for row in reading.waveforms()] == [1.0, 5.0]


def test_names_of_the_plant_lead_nowhere_else(store, reading) -> None:
    for machine in ("../../etc", "a/b", "", "x" * 300, "Pumpe Süd №1"):
        made = waveform(machine=machine or "?", alarm="../../" + machine)
        assert keep_waveform(store, made)
    inside = {path for path in store.folder.rglob("*") if path.is_file()}
    assert len([path for path in inside if path.suffix == ".parquet"]) == 5
    assert {path.parent.parent.name for path in inside if path.suffix == ".parquet"} == {WAVEFORMS}
    assert len(reading.waveforms()) == 5


def test_a_foreign_table_cannot_name_other_files(store, reading, tmp_path) -> None:
    assert keep_waveform(store, waveform())
    secret = tmp_path / "secret.parquet"
    secret.write_bytes(waveform_bytes(waveform()))
    (row,) = reading.waveforms()
    with sqlite3.connect(store.folder / "store.db") as c:
        c.execute("UPDATE waveform SET name = '../../secret.parquet'")
    with pytest.raises(InputError, match="names the waveform"):
        reading.waveform(row.id)
    with pytest.raises(InputError, match="no waveform 77"):
        reading.waveform(77)


def test_after_a_kill_table_and_files_agree_again(tmp_path) -> None:
    from dlrsd.runtime.service.store.keeping import write_waveform
    from dlrsd.runtime.service.store.reading import Reading

    with Store.open(tmp_path, Limits()) as store:
        assert keep_waveform(store, waveform(alarm="gone"))
        assert keep_waveform(store, waveform(alarm="kept"))
        write_waveform(tmp_path, waveform(alarm="not listed"))  # killed before it was listed
    reading = Reading(tmp_path)
    for path in (tmp_path / WAVEFORMS).rglob("*.parquet"):
        if read_waveform(path).about.alarm == "gone":
            path.unlink()
    (tmp_path / WAVEFORMS / "notes.txt").write_text("a person's")
    with Store.open(tmp_path, Limits()):
        rows = reading.waveforms()
    assert {row.alarm for row in rows} == {"kept", "not listed"}
    assert all(isinstance(reading.waveform(row.id), Waveform) for row in rows)
