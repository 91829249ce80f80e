"""Files of plants are read as they are, and every defect of them is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlrsd.runtime.base.errors import DlrsdWarning, InputError
from dlrsd.training.data.plants.fault_codes import fault_codes
from dlrsd.training.data.plants.plants import (
    REPORT,
    Event,
    find_plants,
    is_plant_folder,
    load_plant,
    load_plants,
    read_events,
)

DAY = "2010-03-01"


def at(text):
    return np.datetime64(text, "s")


def row(unit, time, *values):
    return ",".join([str(unit), time if "-" in time else f"{DAY} {time}", *map(str, values)])


def sensors(unit, time, value):
    return row(unit, time, value, *[round(value + k / 8, 3) for k in range(1, 8)])


def write(folder, name, lines):
    (folder / name).write_text("".join(line + "\n" for line in lines))


def report_of(plant):
    return {key: value for key, value in plant.report.items() if value}


@pytest.fixture
def tidy(tmp_path):
    """Two components and a zone, 4 samples, one event."""
    times = ["00:00:00", "00:15:04", "00:29:57", "00:45:01"]
    write(
        tmp_path,
        "plant_7a.csv",
        [sensors(m, time, 20.5 + m + k) for k, time in enumerate(times) for m in (2, 10)],
    )
    zone = [row(1, time, 1e5 + 0.25 * k, 7.5) for k, time in enumerate(times)]
    write(tmp_path, "plant_7b.csv", zone)
    write(tmp_path, "plant_7c.csv", [f"{DAY} 00:20:00,{DAY} 00:40:00,3"])
    return tmp_path


def test_a_tidy_plant_is_read_as_written(tidy):
    assert is_plant_folder(tidy)
    (plant,) = load_plants(tidy)
    assert (plant.name, plant.start, plant.step_s) == ("plant_7", at(f"{DAY}T00:00:00"), 900)
    assert not plant.simulated
    assert plant.channels[:2] == ("m2.S1", "m2.S2")
    assert plant.channels[7:9] == ("m2.R4", "m10.S1")
    assert plant.channels[-2:] == ("z1.energy", "z1.power")
    assert (plant.signal.shape, plant.signal.dtype) == ((18, 4), np.float32)
    np.testing.assert_array_equal(plant.signal[0], [22.5, 23.5, 24.5, 25.5])
    np.testing.assert_array_equal(plant.signal[15], np.float32(30.5 + 7 / 8) + np.arange(4))
    np.testing.assert_array_equal(plant.signal[16], [np.nan, 0.25, 0.25, 0.25])
    np.testing.assert_array_equal(plant.signal[17], [7.5] * 4)
    assert plant.times[-1] == at(f"{DAY}T00:45:00")
    assert plant.events == (Event(at(f"{DAY}T00:20:00"), at(f"{DAY}T00:40:00"), 3),)
    assert set(plant.report) == set(REPORT)
    assert report_of(plant) == {"rows": 12, "missing_samples": 1, "events": 1}


def test_every_defect_of_the_samples_is_counted_and_stops_nothing(tmp_path):
    rows = [
        sensors(1, "00:00:00", 1),
        sensors(1, "00:15:00", 2).replace("2.5,", "\\N,", 1),  # S5: a value is missing
        sensors(1, "00:16:00", 3),  # the same slot again, and it has all
        "1,2010-03-01 00:30:00,5",  # too few columns
        row(1, "soon", *range(8)),  # no time
        row(1, "00:45", "none", *range(1, 8)),  # no number; no seconds
        sensors(1, "00:30:00", 4),  # late
        sensors(1, "2000-01-01 00:00:00", 5),  # the clock's factory date
        sensors(1, "2010-03-03 00:00:00", 6),  # ahead by two days
    ]
    write(tmp_path, "plant_1a.csv", rows)
    (plant,) = load_plants(tmp_path)
    assert plant.signal.shape == (8, 193)
    np.testing.assert_array_equal(plant.signal[0, :4], [1, 3, 4, np.nan])
    np.testing.assert_array_equal(plant.signal[4, :4], [1.5, 3.5, 4.5, 4])
    assert plant.signal[0, -1] == 6
    assert report_of(plant) == {
        "rows": 9,
        "unreadable_rows": 2,
        "null_values": 2,
        "duplicate_slots": 1,
        "rows_out_of_order": 2,
        "clock_jumps": 3,  # late by 15 min, to the factory date, and from there
        "stray_times": 1,
        "missing_samples": 188 * 8 + 1,
    }


def test_of_two_rows_in_a_slot_the_last_value_stays(tmp_path):
    first, second = sensors(1, "00:00:00", 1), row(1, "00:01:00", 9, *["\\N"] * 7)
    write(tmp_path, "plant_1a.csv", [first, second])
    (plant,) = load_plants(tmp_path)
    np.testing.assert_array_equal(plant.signal[:, 0], [9, *(1 + np.arange(1, 8) / 8)])


def test_a_grid_lies_where_the_polling_is(tmp_path):
    # Around half a step past the quarter of an hour a fixed grid would tear neighbours apart.
    jitter = np.random.default_rng(0).integers(-40, 40, 200)
    times = at(f"{DAY}T00:07:30") + (900 * np.arange(200) + jitter).astype("m8[s]")
    rows = [sensors(1, str(time).replace("T", " "), k) for k, time in enumerate(times)]
    write(tmp_path, "plant_1a.csv", rows)
    (plant,) = load_plants(tmp_path)
    np.testing.assert_array_equal(plant.signal[0], np.arange(200))
    assert plant.report["duplicate_slots"] == plant.report["missing_samples"] == 0


def test_a_meter_that_was_reset_or_is_missing_has_no_increment(tmp_path):
    reading = [100, 101.5, "\\N", 104, 105, 2, 3.25]
    times = [f"0{k // 4}:{15 * (k % 4):02}:00" for k in range(7)]
    rows = [row("METER", time, e, 6) for time, e in zip(times, reading, strict=True)]
    write(tmp_path, "site3b.csv", rows)
    (plant,) = load_plants(tmp_path)
    assert plant.channels == ("METER.energy", "METER.power")
    gone = np.nan
    np.testing.assert_array_equal(plant.signal[0], [gone, 1.5, gone, gone, 1, gone, 1.25])
    assert (plant.report["meter_resets"], plant.report["null_values"]) == (1, 1)


def test_every_defect_of_the_events_is_counted(tmp_path):
    lines = [
        f"{DAY} 05:00:00,{DAY} 06:00:00,DeltaT2CoolingZoneInSpec",
        f"{DAY} 01:00:00,\\N,SupplyTempTooCold",  # out of order, no end
        f"{DAY} 02:00:00,{DAY} 02:00:00,NOCOMMS",
        f"{DAY} 05:30:00,{DAY} 05:45:00,DeltaT1CoolingZoneInSpec",  # overlaps
        f"{DAY} 07:00:00,{DAY} 06:00:00,CoolingZoneNotSpec",  # negative
        "\\N,\\N,PowerFactor",
        f"{DAY} 08:00:00,DeltaT2CoolingZoneNotSpec",
        f"{DAY} 09:00:00,{DAY} 09:30:00,DeltaT2CoolingZoneNotSpec",
    ]
    write(tmp_path, "site1c.csv", lines)
    with pytest.warns(DlrsdWarning, match=r"names of 1 of 7 events .*: 'NOCOMMS' \(1\)$"):
        events, counts = read_events(tmp_path / "site1c.csv")
    assert [event.code for event in events] == [5, 6, 2, 1, 3]
    assert events[0].start == events[0].end == at(f"{DAY}T01:00:00")
    assert {key: value for key, value in counts.items() if value} == {
        "events": 8,
        "unreadable_events": 2,
        "events_without_end": 1,
        "events_zero_length": 1,
        "events_negative": 1,
        "events_overlapping": 1,
        "events_out_of_order": 1,
        "events_other_names": 1,
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("3", 3), ("3.0", 3), (" 3 ", 3), ("Fault3", 3), ("fault 3", 3), ("FAULT_3", 3),
        ("Fault-3", 3), ("F3", 3), ("f 3", 3), ("fault code 3", 3), ("Fault #3", 3), ("Fault6", 6),
        ("deltat2coolingzonenotspec", 3), ("Delta T2 Cooling Zone Not Spec", 3),
        ("Fault03", 3),
    ],
)  # fmt: skip
def test_a_code_is_told_by_number_or_name(recwarn, text, code):
    assert fault_codes([text, None, " "], Path("c.csv")) == ([code, 0, 0], 0)
    assert not recwarn


@pytest.mark.parametrize("text", ["7", "0", "-3", "Fault7", "fault 0", "F12"])
def test_a_code_out_of_range_is_refused(text):
    with pytest.raises(InputError, match=f"got fault code {text} in c.csv: expected 1 to 6"):
        fault_codes(["1", text], Path("c.csv"))


def test_unknown_names_are_counted_and_the_most_frequent_said():
    names = [f"name {k}" for k in range(8) for _ in range(10 - k)] + ["Fault3x", "3 faults"]
    with pytest.warns(DlrsdWarning) as caught:
        codes, unknown = fault_codes(names, Path("c.csv"))
    assert (set(codes), unknown) == ({6}, len(names))
    assert "'name 0' (10), 'name 1' (9)" in str(caught[0].message)
    assert "and 5 more names" in str(caught[0].message)


def test_events_that_do_not_touch_the_record_are_left_out(tidy):
    lines = [
        "2010-02-28 20:00:00,2010-02-28 23:59:59,1",  # over before the first sample
        f"2010-02-28 20:00:00,{DAY} 00:00:00,1",
        f"{DAY} 03:40:00,{DAY} 04:00:00,2",  # its three hours begin within
        f"{DAY} 03:46:00,{DAY} 04:00:00,2",
    ]
    write(tidy, "plant_7c.csv", lines)
    (plant,) = load_plants(tidy)
    assert [event.code for event in plant.events] == [1, 2]
    assert (plant.report["events"], plant.report["events_outside"]) == (4, 2)


def test_plants_lack_files_and_those_without_samples_are_left_out(tidy):
    (tidy / "plant_7a.csv").unlink()
    write(tidy, "plant_10b.csv", [row(1, "00:00:00", 1, 2)])
    write(tidy, "plant_11c.csv", [f"{DAY} 00:20:00,{DAY} 00:40:00,3"])
    (tidy / "plant_12a.csv").write_text("")
    (tidy / "notes.csv").write_text("nothing\n")
    assert [plant.name for plant in load_plants(tidy)] == ["plant_7", "plant_10"]
    found = find_plants(tidy)
    assert list(found) == ["plant_7", "plant_10", "plant_11", "plant_12"]
    only_events = load_plant("plant_11", found["plant_11"])
    assert (only_events.n_samples, len(only_events.events)) == (0, 1)
    assert report_of(load_plant("plant_12", found["plant_12"])) == {"empty_files": 1}


def test_a_folder_marked_as_simulated_says_so(tidy):
    (tidy / "simulated.json").write_text("{}")
    assert load_plants(tidy)[0].simulated


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "a",
            "1,2010-03-01 00:00:00,5\n",
            r"plant_1a.csv have 3 columns: expected 10 \(unit, time",
        ),
        ("a", "x,when,1,2,3,4,5,6,7,8\n", r"no row of .*plant_1a.csv can be read: expected 10 col"),
        ("b", "\x00\x01", r"plant_1b.csv have 1 columns: expected 4"),
        (
            "c",
            "2010-03-01 00:00:00,\\N,7\n",
            r"got fault code 7 in .*plant_1c.csv: expected 1 to 6",
        ),
        ("c", "start,end,code\n", r"plant_1c.csv has no row of an event: expected such as 2010"),
        ("c", "2010-03-01 00:00:00,\\N,1\n", r"none of the 1 plants in .* has samples"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, name, text, said):
    (tmp_path / f"plant_1{name}.csv").write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        load_plants(tmp_path)
    assert "\n" not in str(caught.value)


def test_places_without_plants_are_refused(tmp_path):
    assert not is_plant_folder(tmp_path)
    assert not is_plant_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"has no files of plants: expected plant_1a.csv"):
        load_plants(tmp_path)
    with pytest.raises(InputError, match="expected a folder with files"):
        load_plants(tmp_path / "nowhere")


def test_files_that_are_named_nearly_like_those_of_plants_are_said(tidy):
    for name in ("plant_7a.xlsx", "plant_7a (copy).csv", "readme.txt", ".DS_Store"):
        (tidy / name).write_bytes(b"PK")
    with pytest.warns(DlrsdWarning, match=r"left out: plant_7a \(copy\).csv, plant_7a.xlsx$"):
        assert list(find_plants(tidy)) == ["plant_7"]
