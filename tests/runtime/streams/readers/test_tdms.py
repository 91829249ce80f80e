"""TDMS as LabVIEW, FlexLogger and DAQmx write it: placeholders, starts, scales and layouts."""

import struct

import nptdms
import numpy as np
import pytest

from tests.runtime.streams.hostile import segment, tdms_object, tdms_property, tdms_text
from tests.runtime.streams.readers.opened import RATE, N, T, X, opened, refused

START = np.datetime64("2026-03-01T08:00:00", "us")
WAVE = {"wf_increment": 1 / RATE, "unit_string": "g"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.tdms"


def write(path, *segments, root=None, group=None):
    """Each segment is a mapping of channel names to (samples, properties)."""
    with nptdms.TdmsWriter(path) as file:
        for i, channels in enumerate(segments):
            objects = [nptdms.RootObject(root), nptdms.GroupObject("g", group)] if i == 0 else []
            for name, (samples, properties) in channels.items():
                group_name, _, channel = name.rpartition("/")
                objects.append(
                    nptdms.ChannelObject(group_name or "g", channel, samples, properties)
                )
            file.write_segment([each for each in objects if each is not None])


def at(seconds):
    return START + np.timedelta64(round(seconds * 1e6), "us")


@pytest.mark.parametrize(
    "start", ["1904-01-01T00:00:00", "1970-01-01T00:00:00", "1903-12-31T23:00:00", None]
)
def test_a_start_that_nobody_set_is_no_fact(path, start):
    properties = WAVE | ({} if start is None else {"wf_start_time": np.datetime64(start, "us")})
    write(path, {"a": (X[0], properties)})
    got = opened(path)
    assert (got.start, got.rate, got.unit) == (None, RATE, "g")
    np.testing.assert_array_equal(got.samples, X[:1])


@pytest.mark.parametrize("increment", [1.0, 0.0])
def test_an_increment_that_nobody_set_is_no_fact(path, increment):
    properties = {"wf_increment": increment, "wf_start_offset": 0.0}
    write(path, {"a": (X[0], properties)})
    assert opened(path).rate is None
    for where in ({"root": {"Sampling Rate": float(RATE)}}, {"group": {"SampleRate": RATE}}):
        write(path, {"a": (X[0], properties)}, **where)
        assert opened(path).rate == RATE


def test_the_unit_of_the_axis_is_that_of_the_increment(path):
    write(path, {"a": (X[0], {"wf_increment": 1e3 / RATE, "wf_xunit_string": "ms"})})
    assert opened(path).rate == pytest.approx(RATE)
    spectrum = {"wf_increment": 0.5, "wf_xname": "Frequency", "wf_xunit_string": "Hz"}
    write(path, {"a": (X[0], WAVE), "spectrum": (X[1], spectrum)})
    got = opened(path)
    assert (got.names, got.rate) == (["g/a"], RATE)
    assert "g/spectrum is not over time, but over Hz" in got.warnings[0]


@pytest.mark.parametrize("length", [5, 28, 60])
def test_a_file_cut_before_its_first_sample(path, length):
    write(path, {"a": (X[0], WAVE)})
    path.write_bytes(path.read_bytes()[:length])
    refused(path, "cannot be read as TDMS: it was cut (within|before) its first")


@pytest.mark.parametrize(
    "properties",
    [
        {"NI_UnitDescription": "m/s^2"},
        {"unit_string": "m/s^2", "NI_UnitDescription": "V"},
        {"unit_string": "", "NI_UnitDescription": "m/s^2"},
    ],
)
def test_units(path, properties):
    write(path, {"a": (X[0], properties)})
    assert opened(path).unit == "m/s2"


def test_the_name_of_a_channel_is_no_unit_of_it(path):
    write(path, {"A": (X[0], {})})
    assert opened(path).unit is None


@pytest.mark.parametrize("name", ["acc [m/s^2]", "a/b (m/s²)", "Beschl. in m/s2"])
def test_the_unit_in_the_name_of_a_channel(path, name):
    with nptdms.TdmsWriter(path) as file:
        file.write_segment(
            [
                nptdms.ChannelObject("g", "Time/ms", T * 1e3),
                nptdms.ChannelObject("g", name, X[0], {"wf_increment": 1.0}),
            ]
        )
    got = opened(path)
    assert (got.names, got.unit, got.rate) == ([f"g/{name}"], "m/s2", RATE)


def test_an_offset_of_the_start(path):
    write(path, {"a": (X[0], WAVE | {"wf_start_time": START, "wf_start_offset": 1.5})})
    assert opened(path).start == "2026-03-01T08:00:01.500000+00:00"


def test_two_days_in_one_file(path):
    write(
        path,
        {"a": (X[0], WAVE | {"wf_start_time": START})},
        {"a": (X[1], WAVE | {"wf_start_time": at(86_400)})},
        {"a": (X[2], WAVE | {"wf_start_time": at(86_400 + N / RATE)})},
    )
    got = opened(path)
    assert got.start == "2026-03-01T08:00:00+00:00"
    assert got.gaps == {N: 86_400 * RATE - N}
    np.testing.assert_array_equal(got.samples[0], X.reshape(-1))


def test_one_recording_in_many_segments_has_no_gap(path):
    parts = np.split(X[0], 20)
    stamps = np.arange(20) * len(parts[0]) / RATE
    write(path, *({"a": (p, WAVE | {"wf_start_time": at(t)})} for p, t in zip(parts, stamps)))  # noqa: B905
    assert opened(path).gaps == {}
    # Stamped by a computer that is busy at times.
    late = np.random.default_rng(0).uniform(0, 0.02, 20)
    write(
        path,
        *({"a": (p, WAVE | {"wf_start_time": at(t)})} for p, t in zip(parts, stamps + late)),  # noqa: B905
    )
    assert opened(path).gaps == {}
    # The same start in each, as a program writes that sets it once.
    write(path, *({"a": (p, WAVE | {"wf_start_time": START})} for p in parts))
    got = opened(path)
    assert (got.gaps, got.start) == ({}, "2026-03-01T08:00:00+00:00")


def test_a_clock_that_was_set_back(path):
    write(
        path,
        {"a": (X[0], WAVE | {"wf_start_time": START})},
        {"a": (X[1], WAVE | {"wf_start_time": at(-3600)})},
    )
    got = opened(path)
    assert got.gaps == {N: 1}
    assert "set back, or recordings were appended out of order" in got.warnings[0]


def test_channels_of_different_starts(path):
    channels = {"a": (X[0], WAVE | {"wf_start_time": START})}
    write(path, channels | {"b": (X[1], WAVE | {"wf_start_time": at(5)})})
    refused(path, "different start times")
    assert opened(path, variable="g/b").start == "2026-03-01T08:00:05+00:00"
    second = {"a": (X[0], WAVE | {"wf_start_time": at(60)}), "b": (X[1], WAVE)}
    write(path, {"a": channels["a"], "b": (X[1], WAVE | {"wf_start_time": START})}, second)
    refused(path, "segments of g/a and g/b .* start at different times")


def test_channels_stamped_one_after_another_have_one_start(path):
    def both(seconds):
        stamps = {name: {"wf_start_time": at(seconds + d)} for name, d in (("a", 0), ("b", 3e-4))}
        return {name: (X[0], WAVE | stamp) for name, stamp in stamps.items()}

    write(path, both(0), both(60))
    got = opened(path)
    assert got.start == "2026-03-01T08:00:00+00:00"
    assert got.gaps == {N: 60 * RATE - N}


def test_a_rate_that_changes_is_refused(path):
    write(path, {"a": (X[0], WAVE)}, {"a": (X[1], {"wf_increment": 1 / 51_200})})
    refused(path, "g/a .* is sampled at 25600 Hz and from sample 4000 at 51200 Hz")


def test_groups_of_different_rates_and_lengths(path):
    write(
        path,
        {"fast/a": (X[0], WAVE), "slow/t": (X[1][:400], {"wf_increment": 10 / RATE})},
    )
    refused(path, r"different lengths: fast/a \(4000\), slow/t \(400\)")
    assert opened(path, variable="fast/a").rate == RATE
    write(path, {"fast/a": (X[0], WAVE), "slow/t": (X[1], {"wf_increment": 0.5 / RATE})})
    refused(path, "different sampling rates")


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("Time", T),
        ("Zeit [ms]", T * 1e3),
        ("X_Value", T),
        ("stamp", START + np.rint(T * 1e6).astype("m8[us]")),
    ],
)
def test_channels_of_times(path, name, times):
    times = times.copy()
    times[1000:] += np.timedelta64(1, "s") if times.dtype.kind == "M" else times[1] * RATE
    write(path, {name: (times, {}), "a": (X[0], {"wf_increment": 1.0})})
    got = opened(path)
    assert (got.rate, got.names) == (pytest.approx(RATE, rel=1e-3), ["g/a"])
    assert got.gaps == {1000: RATE}
    assert got.start == ("2026-03-01T08:00:00+00:00" if name == "stamp" else None)


def test_other_channels_are_left_out(path):
    write(
        path,
        {
            "a": (X[0], WAVE),
            "ok": (X[0] > 0, {}),
            "z": ((X[0] + 1j).astype("c8"), {}),
            "note": (["start", "stop"], {}),
        },
    )
    got = opened(path)
    assert got.names == ["g/a"]
    assert "g/ok is a digital line" in got.warnings[0]
    assert "g/z is complex" in got.warnings[0]


def test_integers_with_scales(path):
    raw = np.arange(-2000, 2000).astype("i2")
    linear = {
        "NI_Number_Of_Scales": 1,
        "NI_Scaling_Status": "unscaled",
        "NI_Scale[0]_Scale_Type": "Linear",
        "NI_Scale[0]_Linear_Slope": 0.25,
        "NI_Scale[0]_Linear_Y_Intercept": 3.0,
        "NI_Scale[0]_Linear_Input_Source": 0xFFFFFFFF,
    }
    write(path, {"a": (raw, WAVE | linear)})
    np.testing.assert_array_equal(opened(path).samples[0], raw * 0.25 + 3)
    with nptdms.TdmsFile.open(path) as file:
        np.testing.assert_array_equal(file["g"]["a"][:], raw * 0.25 + 3)
    write(path, {"a": (raw, WAVE | {"NI_Scale[0]_Scale_Type": "Sorcery"})})
    refused(path, "g/a has 1 scales, one Sorcery")


def daqmx(values, properties, *, kind=0x1269, buffers=None):
    """A segment of two 16-bit channels in rows, as DAQmx logs them."""
    objects = struct.pack("<I", len(values))
    for i in range(len(values)):
        scaler = struct.pack("<5I", 3, 0, 2 * i, 0, 0)
        index = struct.pack("<IIIQI", kind, 0xFFFFFFFF, 1, values.shape[1], 1) + scaler
        index += struct.pack("<II", 1, 2 * len(values))
        objects += tdms_text(f"/'g'/'{i}'") + index
        objects += struct.pack("<I", len(properties)) + b"".join(properties)
    return segment(objects, values.T.astype("<i2").tobytes(), toc=0x8E)


def test_raw_rows_of_daqmx(path):
    values = np.random.default_rng(0).integers(-3000, 3000, (2, 900))
    properties = [
        tdms_property("NI_Number_Of_Scales", 7, struct.pack("<I", 2)),
        tdms_property("NI_Scale[1]_Scale_Type", 0x20, tdms_text("Linear")),
        tdms_property("NI_Scale[1]_Linear_Slope", 10, struct.pack("<d", 0.5)),
        tdms_property("NI_Scale[1]_Linear_Y_Intercept", 10, struct.pack("<d", -1)),
        tdms_property("NI_Scale[1]_Linear_Input_Source", 7, struct.pack("<I", 0)),
    ]
    path.write_bytes(
        daqmx(values, properties) + segment(b"", values.T.astype("<i2").tobytes(), toc=8)
    )
    got = opened(path)
    np.testing.assert_array_equal(got.samples, np.tile(values * 0.5 - 1, 2))
    with nptdms.TdmsFile.open(path) as file:
        np.testing.assert_array_equal(file["g"]["1"][:], got.samples[1])
    path.write_bytes(daqmx(values, []))
    refused(path, "g/0 has raw values and no scale")


@pytest.mark.parametrize("count", [1, 7, 500])
def test_interleaved_rows_and_many_chunks(path, count):
    x = np.random.default_rng(0).normal(size=(2, 7000)).astype("<f4")
    body = struct.pack("<I", 2) + b"".join(tdms_object(f"/'g'/'{i}'", count=count) for i in (0, 1))
    path.write_bytes(segment(body, x.T.tobytes(), toc=0x2E))
    np.testing.assert_array_equal(opened(path).samples, x)
    chunks = [x[:, i : i + count] for i in range(0, 7000 // count * count, count)]
    path.write_bytes(segment(body, b"".join(c.tobytes() for c in chunks)))
    np.testing.assert_array_equal(opened(path).samples, np.concatenate(chunks, axis=1))
    with nptdms.TdmsFile.open(path) as file:
        np.testing.assert_array_equal(file["g"]["1"][:], np.concatenate(chunks, axis=1)[1])


def test_big_endian(path):
    name = b"/'g'/'a'"
    body = struct.pack(">II", 1, len(name)) + name + struct.pack(">IIIQI", 20, 10, 1, 50, 0)
    lead_in = (
        b"TDSm" + struct.pack("<I", 0x4E) + struct.pack(">IQQ", 4713, len(body) + 400, len(body))
    )
    path.write_bytes(lead_in + body + np.arange(50, dtype=">f8").tobytes())
    np.testing.assert_array_equal(opened(path).samples[0], np.arange(50))


@pytest.mark.parametrize("lost", [1, 3999, 20_000])
def test_a_cut_file_is_read_to_the_cut(path, lost):
    write(path, {"a": (X[0], WAVE), "b": (X[1], WAVE)}, {"a": (X[2], WAVE), "b": (X[0], WAVE)})
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    if lost > 4 * N:  # b has nothing after the first segment
        refused(path, r"different lengths: g/a \(\d+\), g/b \(4000\)")
        return
    got = opened(path)
    end = N + N - -(-lost // 4)
    np.testing.assert_array_equal(got.samples, np.hstack([X[:2], X[[2, 0]]])[:, :end])
    assert "shorter than its header says" in got.warnings[0]


@pytest.mark.parametrize("tail", [bytes(5000), b"x" * 5000, b"TDSm" + b"\xff" * 24])
def test_what_follows_the_last_segment_is_said(path, tail):
    write(path, {"a": (X[0], WAVE)})
    path.write_bytes(path.read_bytes() + tail)
    got = opened(path)
    np.testing.assert_array_equal(got.samples, X[:1])
    assert "shorter than its header says" in got.warnings[0]


def test_a_segment_whose_length_was_never_written(path):
    body = struct.pack("<I", 1) + tdms_object("/'g'/'a'", count=1000)
    path.write_bytes(segment(body, X[0].tobytes(), next_offset=0xFFFFFFFFFFFFFFFF))
    got = opened(path)
    np.testing.assert_array_equal(got.samples, X[:1])
    assert "shorter than its header says" in got.warnings[0]


def test_an_index_beside_it_is_ignored(path):
    write(path, {"a": (X[0], WAVE)})
    path.with_name("x.tdms_index").write_bytes(b"TDSh" + bytes(200))
    np.testing.assert_array_equal(opened(path).samples, X[:1])
