import io
import json
import os
import subprocess
import sys
import threading
from datetime import datetime, timezone

import h5py
import numpy as np
import pytest
import soxr

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.quality import QUALITY, QualityLimits, window_quality
from dlrsd.runtime.streams.frames import frames
from dlrsd.runtime.streams.raw import open_raw
from dlrsd.runtime.streams.resample import resample
from dlrsd.runtime.streams.source import Chunk
from dlrsd.runtime.streams.stream import SignalSpec, StreamFormat, open_stream

SPEC = SignalSpec(rate_hz=12000.0, unit="g", channels=1)


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def read(source, spec=SPEC, **stated):
    stream = open_stream(source, StreamFormat(**stated), default=spec)
    chunks = list(stream)
    assert all(chunk.samples.dtype == np.float32 for chunk in chunks)
    return stream, np.concatenate([chunk.samples for chunk in chunks], axis=1)


def refused(match, source, spec=SPEC, **stated):
    with pytest.raises(InputError, match=match) as caught:
        read(source, spec, **stated)
    assert "\n" not in str(caught.value)


def s24(values):
    return b"".join(int(v).to_bytes(3, "little", signed=True) for v in values)


@pytest.mark.parametrize(
    ("dtype", "encode", "tolerance"),
    [
        ("f32le", lambda x: x.astype("<f4").tobytes(), 0),
        ("f64le", lambda x: x.astype("<f8").tobytes(), 0),
        ("s16le", lambda x: x.astype("<i2").tobytes(), 0),
        ("s24le", s24, 0),
        ("s32le", lambda x: x.astype("<i4").tobytes(), 1e-7),
    ],
)
def test_every_dtype_is_read_as_stored_and_scaled(tmp_path, dtype, encode, tolerance):
    top = {"s16le": 2**15, "s24le": 2**23, "s32le": 2**31}.get(dtype, 2**10)
    values = np.array([0, 1, -1, 2, -2, top - 1, -top, 12345, -30000], dtype=np.int64)
    values = np.tile(np.clip(values, -top, top - 1), 40000)  # several blocks of odd lengths
    path = tmp_path / "x.bin"
    path.write_bytes(encode(values))
    _, got = read(path, dtype=dtype)
    np.testing.assert_allclose(got[0], values, rtol=tolerance)
    _, got = read(path, dtype=dtype, scale=-0.25)
    np.testing.assert_allclose(got[0], values * -0.25, rtol=1e-7)


def test_channels_are_interleaved(tmp_path):
    x = noise(3, 200_000)
    path = tmp_path / "x.raw"
    path.write_bytes(x.T.tobytes())
    stream, got = read(path, channels=3)
    np.testing.assert_array_equal(got, x)
    assert (stream.channels, stream.n_samples, stream.rate_hz) == (3, 200_000, 12000.0)


def test_the_bundles_format_is_assumed_and_said(tmp_path):
    path = tmp_path / "stream.bin"
    noise(1, 5000).tofile(path)
    stream, _ = read(path)
    assert stream.description["assumed"] == {
        "dtype": "f32le", "channels": 1, "rate": 12000.0, "unit": "g",
    }  # fmt: skip
    stream, _ = read(path, dtype="f32le", rate=12000, channels=1, unit="g")
    assert stream.description["assumed"] == {}
    assert json.loads(json.dumps(stream.description)) == stream.description


def test_options_win_over_the_sidecar_and_the_sidecar_over_the_bundle(tmp_path):
    path = tmp_path / "x.bin"
    x = np.arange(-500, 500, dtype="<i2").reshape(-1, 2)
    x.tofile(path)
    sidecar = {"dtype": "s16le", "channels": 2, "scale": 0.5, "unit": "m/s2", "rate": 12000,
               "start": "2026-01-31T12:00:00.5Z"}  # fmt: skip
    (tmp_path / "x.bin.json").write_text(json.dumps(sidecar))
    stream, got = read(path)
    np.testing.assert_allclose(got, x.T * 0.5 / 9.80665, rtol=1e-6)
    assert stream.start == datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=timezone.utc)
    assert set(stream.description["stated_by"].values()) == {"sidecar"}

    stream, got = read(path, scale=2.0, unit="g", start="2025-05-05T05:05:05+02:00")
    np.testing.assert_array_equal(got, x.T * 2.0)
    assert stream.start == datetime.fromisoformat("2025-05-05T05:05:05+02:00")
    assert stream.description["stated_by"]["unit"] == "option"
    assert stream.description["stated_by"]["channels"] == "sidecar"


@pytest.mark.parametrize(
    ("unit", "wanted", "factor"),
    [
        ("g", "g", 1),
        ("m/s2", "g", 1 / 9.80665),
        ("g", "m/s2", 9.80665),
        ("m/s^2", "m/s2", 1),
        (None, "unknown", 1),
        ("unknown", "unknown", 1),
    ],
)
def test_units_are_converted_into_the_bundles(tmp_path, unit, wanted, factor):
    x = noise(1, 1000)
    path = tmp_path / "x.bin"
    x.tofile(path)
    stream, got = read(path, SignalSpec(12000.0, wanted, 1), unit=unit)
    np.testing.assert_allclose(got, x * factor, rtol=1e-6)
    assert stream.unit == wanted


def test_units_that_cannot_be_converted_are_refused(tmp_path):
    path = tmp_path / "x.bin"
    noise(1, 1000).tofile(path)
    refused("option unit is 'V': expected one of g, m/s2", path, unit="V")
    refused("'g' and the bundle in 'unknown'", path, SignalSpec(12000.0, "unknown", 1), unit="g")


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"dtype": "int16"}, "dtype is 'int16': expected one of f32le, f64le, s16le"),
        ({"rate": 0}, "rate is 0: expected a number above 0"),
        ({"rate": -12000.0}, "rate is -12000.0"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"rate": float("inf")}, "rate is inf"),
        ({"rate": 1e9}, "rate is 1000000000.0: expected .* at most 1e\\+08"),
        ({"rate": 8000}, "sampled at 8000 Hz: expected at least the 12000 Hz"),
        ({"channels": 0}, "channels is 0: expected an integer above 0"),
        ({"channels": -2}, "channels is -2"),
        ({"channels": 1.5}, "channels is 1.5"),
        ({"channels": True}, "channels is True"),
        ({"channels": 10**9}, "holds 4000 bytes: expected at least one frame"),
        ({"scale": 0}, "scale is 0: expected a number other than 0"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"start": "yesterday"}, "start is 'yesterday': expected an ISO 8601 time"),
        ({"start": "9999-12-31T23:59:59"}, "expected an ISO 8601 time"),
        ({"start": "0001-01-01T00:00:00+05:00"}, "expected an ISO 8601 time"),
        ({"variable": "DE"}, "holds raw samples"),
    ],
)
def test_impossible_facts_are_refused(tmp_path, stated, message):
    path = tmp_path / "x.bin"
    noise(1, 1000).tofile(path)
    refused(message, path, **stated)
    is_json = all(value == value and abs(value) < 1e300 for value in numbers(stated))
    (tmp_path / "x.bin.json").write_text(json.dumps(stated))
    refused(message if is_json else "cannot be read: JSON is malformed", path)


def numbers(stated):
    return [value for value in stated.values() if isinstance(value, float)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[1, 2]", "expected an object with"),
        ('{"sample_rate": 12000}', r"\['sample_rate'\]: expected only some of \['dtype', 'rate'"),
        ('{"rate": "fast"}', "rate is 'fast'"),
        ('{"dtype": ["f32le"]}', "dtype is"),
        ("\xff", "cannot be read"),
        ("[" * 200_000, "cannot be read"),
    ],
)
def test_a_bad_sidecar_is_refused(tmp_path, text, message):
    path = tmp_path / "x.bin"
    noise(1, 1000).tofile(path)
    (tmp_path / "x.bin.json").write_bytes(text.encode("latin-1"))
    refused(message, path)


def test_files_that_are_not_there_or_empty_are_refused(tmp_path):
    refused("No such file", tmp_path / "none.bin")
    refused("is a folder", tmp_path)
    (tmp_path / "empty.bin").touch()
    (tmp_path / "empty.wav").touch()
    refused("is empty", tmp_path / "empty.bin")
    refused("is empty", tmp_path / "empty.wav")
    (tmp_path / "short.bin").write_bytes(b"abc")
    refused("holds 3 bytes: expected at least one frame of 4 bytes", tmp_path / "short.bin")
    refused("frame of 8 bytes", tmp_path / "short.bin", dtype="s16le", channels=4)


def test_a_truncated_tail_is_counted_and_said(tmp_path):
    x = noise(1, 1000)
    path = tmp_path / "x.bin"
    path.write_bytes(x.tobytes()[:-1])
    stream, got = read(path)
    np.testing.assert_array_equal(got, x[:, :-1])
    assert stream.description["trailing_bytes"] == 3
    assert "3 bytes that are no whole frame" in stream.description["warnings"][0]


def test_a_file_that_is_cut_while_it_is_read_is_said(tmp_path):
    path = tmp_path / "x.bin"
    noise(1, 4_000_000).tofile(path)
    stream = open_stream(path, default=SPEC)
    count = next(stream.chunks).samples.shape[1]
    os.truncate(path, 8_000_001)
    count += sum(chunk.samples.shape[1] for chunk in stream)
    assert count == 2_000_000
    assert stream.description["trailing_bytes"] == 1
    assert "8000001 of 16000000 bytes: it was cut" in stream.description["warnings"][0]


def test_values_beyond_float32_become_infinite_quietly(tmp_path, recwarn):
    path = tmp_path / "x.bin"
    np.array([1.0, 1e300, np.nan, -1e300]).tofile(path)
    for scale in (1.0, 2.0):
        _, got = read(path, dtype="f64le", scale=scale)
        np.testing.assert_array_equal(got[0], [scale, np.inf, np.nan, -np.inf])
    assert not recwarn.list


LIVE = """
from dlrsd.runtime.streams.frames import frames
from dlrsd.runtime.streams.stream import SignalSpec, StreamFormat, open_stream
stream = open_stream("-", StreamFormat(dtype="s16le"), default=SignalSpec(12000.0, "g", 1))
for some in frames(stream, window=1024, hop=512):
    print(some.index.tolist(), some.gap.tolist(), float(some.samples.sum()), flush=True)
print(stream.description["trailing_bytes"], len(stream.description["warnings"]), flush=True)
"""


def start_live():
    return subprocess.Popen(
        [sys.executable, "-c", LIVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_standard_input_gives_a_window_before_more_arrives():
    values = np.arange(2000, dtype="<i2")
    data = values.tobytes()
    with start_live() as process:
        process.stdin.write(data[:2047])
        process.stdin.flush()
        process.stdin.write(data[2047:2048])
        process.stdin.flush()
        assert process.stdout.readline() == f"[0] [False] {values[:1024].sum():.1f}\n".encode()
        process.stdin.write(data[2048:3073])  # half a sample more than the next window needs
        process.stdin.flush()
        assert process.stdout.readline() == f"[1] [False] {values[512:1536].sum():.1f}\n".encode()
        process.stdin.close()
        assert process.stdout.read() == b"1 1\n"


def test_empty_standard_input_is_refused():
    process = start_live()
    _, error = process.communicate(b"")
    assert b"InputError: standard input holds 0 bytes: expected at least one frame" in error


def test_bytes_that_were_read_before_do_not_count(tmp_path):
    (tmp_path / "x.bin").write_bytes(bytes(7 + 4 * 10 + 1))
    with io.FileIO(tmp_path / "x.bin") as file:
        file.seek(7)
        source = open_raw(file, name="x.bin", dtype="f32le", channels=1)
        assert [chunk.samples.shape for chunk in source.chunks] == [(1, 10)]
    assert (source.n_samples, source.trailing_bytes, len(source.warnings)) == (10, 1, 1)


def test_a_pipe_that_does_not_wait_is_waited_for():
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with io.FileIO(reader) as file:
        source = open_raw(file, name="pipe", dtype="f32le", channels=1)
        late = threading.Timer(0.1, lambda: (os.write(writer, bytes(12)), os.close(writer)))
        late.start()
        assert [chunk.samples.shape for chunk in source.chunks] == [(1, 3)]
        late.join()


def chunked(x, sizes, gaps=None):
    begin = i = 0
    while begin < x.shape[1]:
        size = sizes[i % len(sizes)]
        yield Chunk(x[:, begin : begin + size], (gaps or {}).get(begin, 0))
        begin, i = begin + size, i + 1


@pytest.mark.parametrize("rate", [25600.0, 48000.0, 51200.0, 12500.0])
@pytest.mark.parametrize("sizes", [(1, 7, 333, 5000), (65536,)])
def test_resampling_in_chunks_equals_resampling_at_once(rate, sizes):
    x = noise(2, 60_001)
    got = resample(chunked(x, sizes), rate_hz=rate, target_hz=12000.0, channels=2)
    got = np.concatenate([chunk.samples for chunk in got], axis=1)
    expected = soxr.resample(x.T, rate, 12000.0).T
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("samples", [4800, 4801, 4802, 4803])
@pytest.mark.parametrize("from_end", [1, 2, 3])
def test_a_nan_among_the_last_samples_is_put_back(samples, from_end):
    x = noise(1, samples)
    x[0, -from_end] = np.nan
    got = resample([Chunk(x)], rate_hz=48_000.0, target_hz=12_000.0, channels=1)
    got = np.concatenate([chunk.samples for chunk in got], axis=1)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(got[0])), [got.shape[1] - 1])


def test_a_tone_keeps_its_amplitude_and_phase(tmp_path):
    time = np.arange(96_000) / 48_000
    path = tmp_path / "x.bin"
    np.sin(2 * np.pi * 1000 * time).astype("<f4").tofile(path)
    stream, got = read(path, rate=48_000)
    expected = np.sin(2 * np.pi * 1000 * np.arange(24_000) / 12_000)
    assert got.shape == (1, stream.n_samples) == (1, 24_000)
    np.testing.assert_allclose(got[0, 200:-200], expected[200:-200], atol=1e-4)
    assert stream.description["resampled_to_hz"] == 12_000
    assert stream.description["rate_hz"] == 48_000


def test_a_tone_whose_crest_repeats_is_not_taken_for_clipped(tmp_path):
    cycle = np.sin(np.arange(20) * np.pi / 10)  # 5 exact crests in 100 samples
    path = tmp_path / "x.bin"
    np.tile(cycle, 3000).astype("<f4").tofile(path)
    _, got = read(path, rate=24_000)
    expected = np.tile(cycle[::2], 3000)
    np.testing.assert_allclose(got[0, 200:-200], expected[200:-200], atol=1e-3)
    np.tile(np.rint(1000 * np.sin(np.arange(21) * 2 * np.pi / 21 + 0.3)), 3000).astype(
        "<i2"
    ).tofile(path)
    _, got = read(path, rate=20_000, dtype="s16le", scale=1e-3)
    expected = np.sin(np.arange(got.shape[1]) * 2 * np.pi / 21 * 20 / 12 + 0.3)
    np.testing.assert_allclose(got[0, 200:-200], expected[200:-200], atol=1.5e-3)


def test_a_rate_that_differs_in_its_digits_only_is_not_resampled(tmp_path):
    x = noise(1, 2000)
    path = tmp_path / "x.bin"
    x.tofile(path)
    for rate in (11999.9, 12000.1):
        stream, got = read(path, rate=rate)
        np.testing.assert_array_equal(got, x)
        assert stream.description["resampled_to_hz"] is None


def test_gaps_keep_their_place_when_resampled():
    rng = np.random.default_rng(5)
    time = np.arange(400_000) / 48_000
    x = np.sin(2 * np.pi * 400 * time)[None].astype(np.float32)
    cuts = np.sort(rng.choice(np.arange(2000, 398_000, 1500), 60, replace=False))
    chunks, begin = [], 0
    for cut in [*cuts, x.shape[1]]:
        lost = 0 if begin == 0 else int(rng.integers(1, 40))  # from one sample on
        chunks.append(Chunk(x[:, begin + lost : cut], lost))
        begin = cut
    position, worst = 0, 0.0
    for chunk in resample(iter(chunks), rate_hz=48_000.0, target_hz=12_000.0, channels=1):
        position += chunk.gap_before
        at = (position + np.arange(chunk.samples.shape[1])) / 12_000
        inner = slice(100, -100)  # the filter rings where a run of samples begins and ends
        error = chunk.samples[0] - np.sin(2 * np.pi * 400 * at)
        worst = max(worst, abs(error[inner]).max(initial=0))
        position += chunk.samples.shape[1]
    assert position == 100_000
    # Half an output sample is 0.105 rad of this tone.
    assert worst < 0.106


def flags(path, **stated):
    stream = open_stream(path, StreamFormat(**stated), default=SPEC)
    found = [
        window_quality(some.samples, QualityLimits(), gap=some.gap)[:, 0]
        for some in frames(stream, window=1024, hop=512)
    ]
    return [QUALITY[code] for code in np.concatenate(found)]


def test_what_is_unfit_at_the_streams_rate_is_unfit_after_resampling(tmp_path):
    rng = np.random.default_rng(0)
    window = 4096
    x = rng.normal(size=16 * window) * 0.3
    x[2 * window + 1000] = np.nan
    x[5 * window + 500 : 5 * window + 700] = 0
    x[8 * window : 9 * window] = np.clip(3 * x[8 * window : 9 * window], -1.6, 1.6)
    x[12 * window - 1000 : 13 * window + 1000] = 0.77
    path = tmp_path / "x.bin"
    x.astype("<f4").tofile(path)
    got = np.array(flags(path, rate=48_000))
    whole = got[::2]  # windows of 1024 at a hop of 512: every second one is one of `window`
    expected = np.full(16, "ok", dtype="<U10")
    expected[[2, 5, 8, 12]] = "non_finite", "gap", "clipped", "flat"
    np.testing.assert_array_equal(whole[expected != "ok"], expected[expected != "ok"])
    far = [0, 1, 4, 7, 10, 15]
    assert (whole[far] == "ok").all()
    assert (got == "non_finite").sum() == 2  # it has not spread beyond its own two windows


def test_a_clean_stream_stays_clean_after_resampling(tmp_path):
    path = tmp_path / "x.bin"
    np.rint(100 * noise(400_000)).astype("<i2").tofile(path)
    for rate in (25_600, 51_200):
        got = flags(path, rate=rate, dtype="s16le", scale=0.01)
        assert set(got[:-1]) == {"ok"}


def test_a_clock_that_is_set_ahead_by_years_is_a_gap_of_one(tmp_path):
    path = tmp_path / "x.csv"
    times = np.arange(4000) / 12000
    times[2000:] += 26 * 365.25 * 86_400
    np.savetxt(path, np.c_[times, np.random.default_rng(0).normal(size=4000)], header="t,a",
               comments="", delimiter=",", fmt="%.9f")  # fmt: skip
    stream = open_stream(path, default=SPEC)
    assert [chunk.gap_before for chunk in stream if chunk.gap_before] == [1]
    assert "set ahead by more than a year" in stream.description["warnings"][0]


def test_an_attribute_and_a_clock_without_a_unit_must_fit(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["t"] = np.arange(5000) / 12.0  # ms
        file["a"] = np.random.default_rng(0).normal(size=5000)
        file["a"].attrs["fs"] = 12_000.0
    with open_stream(path, default=SPEC) as stream:
        assert stream.description["rate_hz"] == 12_000
    with h5py.File(path, "a") as file:
        file["a"].attrs["fs"] = 16_000.0
    with pytest.raises(InputError, match="states 16000 Hz, but its clock 't'"):
        open_stream(path, default=SPEC)
