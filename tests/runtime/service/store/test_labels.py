from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.store.labelling import label_windows
from dlrsd.runtime.service.store.labels import LABELLED
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.streams.stream import SignalSpec, StreamFormat, open_stream
from tests.runtime.service.store.made import waveform

T0 = 1.7e9


def said(store, label: str, made=None, sensor: str = "DE", **facts) -> int:
    given = {"by": "Ada", "time": 5.0, "window_s": 0.1}
    return label_windows(store, made or waveform(), sensor, label, **{**given, **facts})


def files(store) -> list:
    return sorted((store.folder / LABELLED).rglob("*.npy"))


def read(path) -> tuple[np.ndarray, dict]:
    """As `dlrsd-train fit` reads it: its sidecar beside it."""
    with open_stream(path, StreamFormat(), default=SignalSpec(1000.0, "m/s2", 1)) as stream:
        signal = np.concatenate([chunk.samples for chunk in stream], axis=1)
        return signal, stream.description


def test_windows_are_a_recording_of_their_class(store, reading) -> None:
    made = waveform(scale=[0.5, 0.25], seed=3)
    assert said(store, "outer race", made, "NDE", speed_rpm=1797.0) == 10
    (path,) = files(store)
    assert path.relative_to(store.folder / LABELLED).parts[0] == "outer race"
    signal, facts = read(path)
    np.testing.assert_allclose(signal, 0.25 * made.samples[1:2].astype(float))
    assert (facts["rate_hz"], facts["unit"], facts["speed_rpm"]) == (1000.0, "m/s2", 1797.0)
    assert facts["assumed"] == {}
    assert facts["start"].startswith("2023-11-14T22:13:20")
    assert reading.labelled() == {"outer race": 10}
    (row,) = reading.labels(machine="pump")
    assert (row.sensor, row.label, row.by, row.start, row.seconds) == (
        "NDE", "outer race", "Ada", T0, 1.0
    )  # fmt: skip
    assert reading.labels(machine="fan") == []


def test_training_reads_the_folder(store) -> None:
    class_folder = pytest.importorskip("dlrsd.training.data.vibration.class_folder")
    made = waveform(n=4000)
    said(store, "normal", made)
    said(store, "inner", replace(made, about=replace(made.about, start=T0 + 9)), speed_rpm=1000.0)
    recordings = class_folder.read_class_folder(store.folder / LABELLED)
    assert [(r.label, r.fault, r.rate, r.unit) for r in recordings] == [
        ("inner", "inner", 1000.0, "g"), ("normal", "normal", 1000.0, "g")
    ]  # fmt: skip
    for recording in recordings:
        np.testing.assert_allclose(
            recording.signal[0] * 9.80665, made.samples[0].astype(float), rtol=1e-5
        )


def test_gaps_are_left_out_and_what_is_shorter_than_a_window(store, reading) -> None:
    made = waveform(gaps=[(150, 60), (240, 10), (600, 400)])
    assert said(store, "inner", made) == 1 + 3
    signals = [read(path)[0] for path in files(store)]
    assert sorted(signal.shape[1] for signal in signals) == [150, 350]
    for signal in signals:
        assert signal.shape[1] in (150, 350)
        first = 0 if signal.shape[1] == 150 else 250
        np.testing.assert_allclose(signal[0], made.samples[0, first : first + signal.shape[1]])
    assert {row.start for row in reading.labels()} == {T0, T0 + 0.25}
    with pytest.raises(InputError, match=r"expected 0\.70 s at least"):
        said(store, "inner", made, window_s=0.7)


def test_a_correction_replaces_what_was_said_before(store, reading) -> None:
    made = waveform()
    later = replace(made, about=replace(made.about, start=T0 + 1))
    across = replace(made, about=replace(made.about, start=T0 + 0.5))
    assert said(store, "inner", made) == said(store, "inner", later) == 10
    said(store, "inner", made, "NDE")
    said(store, "outer", made)
    assert reading.labelled() == {"inner": 20, "outer": 10}
    assert len(files(store)) == 3
    said(store, "cage", across)  # of both
    assert reading.labelled() == {"cage": 10, "inner": 10}
    assert [path.relative_to(store.folder / LABELLED).parts[0] for path in files(store)] == [
        "cage", "inner"
    ]  # fmt: skip
    assert not (store.folder / LABELLED / "outer").exists()  # a class of nothing ends a training
    said(store, "cage", across)  # once more the same
    assert reading.labelled() == {"cage": 10, "inner": 10}
    actions = store.writing.connection.execute("SELECT person FROM action WHERE kind = 'label'")
    assert len(actions.fetchall()) == 6


@pytest.mark.parametrize(
    "label",
    ["", ".", "..", "../x", "a/b", "a\\b", " a", "a ", ".hidden", "a.", "a\nb", "x" * 65, "a\0",
     "undecided", "unknown fault", "a:b", "-a"],
)  # fmt: skip
def test_a_class_that_could_lead_elsewhere_is_refused(store, reading, label) -> None:
    with pytest.raises(InputError, match="class"):
        said(store, label)
    assert files(store) == []
    assert reading.labelled() == {}


@pytest.mark.parametrize("label", ["normal", "äußerer Ring", "IR 0.007 (DE)", "7", "a+b-c_d"])
def test_a_class_is_called_as_people_call_it(store, reading, label) -> None:
    assert said(store, label, machine_name(waveform(), "../a/b")) == 10
    assert reading.labelled() == {label: 10}
    assert len(files(store)) == 1


def machine_name(made, machine: str):
    return replace(made, about=replace(made.about, machine=machine))


def test_another_unit_or_sensor_is_refused(store) -> None:
    made = waveform()
    with pytest.raises(InputError, match="is in mm/s: expected g or m/s2"):
        said(store, "inner", replace(made, about=replace(made.about, unit="mm/s")))
    with pytest.raises(InputError, match="expected one of DE, NDE"):
        said(store, "inner", made, "XX")


def test_what_a_kill_left_goes_and_what_a_person_put_there_stays(tmp_path) -> None:
    with Store.open(tmp_path, Limits()) as store:
        said(store, "inner")
        (path,) = files(store)
        left = path.with_name(path.name.replace(path.stem[-16:], 16 * "a"))
        left.write_bytes(path.read_bytes())
        left.with_name(left.name + ".json").write_text(json.dumps({"rate": 1000}))
        own = path.with_name("own.npy")
        own.write_bytes(path.read_bytes())
    with Store.open(tmp_path, Limits()) as store:
        assert files(store) == sorted([path, own])
        assert Reading(tmp_path).labelled() == {"inner": 10}
    path.unlink()
    with Store.open(tmp_path, Limits()):
        assert Reading(tmp_path).labelled() == {}


def test_a_foreign_table_cannot_name_other_files(store, tmp_path) -> None:
    said(store, "inner")
    folder = store.folder
    store.close()
    with sqlite3.connect(folder / "store.db") as c:
        c.execute("UPDATE label SET name = '../../secret.npy'")
    with pytest.raises(InputError, match="names the file"):
        Store.open(folder, Limits())


def test_what_cannot_be_listed_yet_stays_and_is_listed_later(store, reading) -> None:
    said(store, "outer")
    store.writing.connection.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(store.folder / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    said(store, "inner")
    assert store.writing.trouble == "database is locked"
    other.execute("COMMIT")
    store.heartbeat(1.0)
    assert store.writing.trouble is None
    assert reading.labelled() == {"inner": 10}
    said(store, "cage", sensor="NDE")
    assert [path.parts[-3] for path in files(store)] == ["cage", "inner"]
