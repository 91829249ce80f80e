"""WAV and FLAC as recorders leave them."""

import struct

import numpy as np
import pytest
import soundfile

from tests.runtime.streams.hostile import wav
from tests.runtime.streams.readers.opened import RATE, N, X, opened, refused

SAMPLES = np.rint(X[0] * 3000).astype("<i2")
DATA = SAMPLES.tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.wav"


def is_whole(got, end=N):
    np.testing.assert_array_equal(got.samples[0] * 32768, SAMPLES[:end])
    assert (got.rate, got.unit) == (RATE, None)


def ds64(size):
    return struct.pack("<4sIQQQI", b"ds64", 28, size and size + 72, size, size // 2, 0)


JUNK = struct.pack("<4sI", b"JUNK", 27) + bytes(28)


@pytest.mark.parametrize(
    ("said", "before", "form"),
    [
        (0, b"", b"RIFF"),
        (0, JUNK, b"RIFF"),
        (0xFFFFFFFF, ds64(0), b"RF64"),
        (0xFFFFFFFF, b"", b"RIFF"),
        (0x7FFFFFFF, b"", b"RIFF"),
        (len(DATA) * 3, JUNK, b"RIFF"),
    ],
)
@pytest.mark.parametrize("riff", [None, 0, 0xFFFFFFFF])
def test_an_unfinished_header(path, said, before, form, riff):
    whole = bytearray(wav(DATA, said=said, rate=RATE, before=before, form=form))
    if riff is not None:
        whole[4:8] = struct.pack("<I", riff)
    path.write_bytes(whole)
    got = opened(path)
    is_whole(got)
    assert "never finished" in got.warnings[0] or "shorter than its header" in got.warnings[0]


def test_an_unfinished_header_before_half_a_frame(path):
    path.write_bytes(wav(DATA[:-1], said=0, rate=RATE))
    is_whole(opened(path), N - 1)


def test_long_files(path):
    path.write_bytes(wav(DATA, said=0xFFFFFFFF, rate=RATE, before=ds64(len(DATA)), form=b"RF64"))
    got = opened(path)
    is_whole(got)
    assert got.warnings == []


@pytest.mark.parametrize("after", [b"", b"LIST\x04\0\0\0INFO"])
def test_a_file_without_samples(path, after):
    path.write_bytes(wav(after, said=0, rate=RATE))
    refused(path, "holds no samples")


@pytest.mark.parametrize(
    ("date", "start"),
    [
        (b"2026-03-0108:00:00", "2026-03-01T08:00:00"),
        (b"2026:03:0108-00-00", "2026-03-01T08:00:00"),
        (bytes(18), None),
        (b"0000-00-0000:00:00", None),
        (b"1970-01-0100:00:00", None),
        (b"1 March    8 h    ", None),
    ],
)
def test_the_broadcast_extension(path, date, start):
    content = b"recorder".ljust(320) + date + bytes(8 + 2 + 64 + 190) + b"F=1\r\n"
    chunk = struct.pack("<4sI", b"bext", len(content)) + content + bytes(len(content) % 2)
    path.write_bytes(wav(DATA, rate=RATE, before=JUNK + chunk))
    got = opened(path)
    is_whole(got)
    assert got.start == start


@pytest.mark.parametrize("kind", ["WAVEX", "RF64", "W64", "AIFF"])
def test_other_containers_of_the_same_samples(path, kind):
    soundfile.write(path, SAMPLES, RATE, subtype="PCM_16", format=kind)
    is_whole(opened(path))
    if kind == "W64":
        is_whole(opened(path.rename(path.with_suffix(".w64"))))


@pytest.mark.parametrize(
    ("kind", "subtype", "what"),
    [
        ("OGG", "VORBIS", "a compressed sound file .Ogg., no recording"),
        ("WAV", "MS_ADPCM", "sound of kind WAV MS_ADPCM"),
        ("WAV", "ALAW", "sound of kind WAV ALAW"),
    ],
)
def test_lossy_sound_is_refused(path, kind, subtype, what):
    soundfile.write(path, SAMPLES / 32768, RATE, subtype=subtype, format=kind)
    refused(path, what)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.95])
def test_a_cut_flac_file_is_read_to_the_cut(tmp_path, share):
    path = tmp_path / "x.flac"
    x = np.tile(SAMPLES, 40)
    soundfile.write(path, x, RATE, subtype="PCM_16")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    got = opened(path)
    np.testing.assert_array_equal(got.samples[0] * 32768, x[: got.samples.shape[1]])
    assert share * len(x) - 8192 < got.samples.shape[1] <= share * len(x)
    assert f"at sample {got.samples.shape[1]} of {len(x)}: read up to there" in got.warnings[0]


def test_many_channels(path):
    x = np.random.default_rng(0).integers(-99, 99, (5000, 200)).astype("i2")
    soundfile.write(path, x, RATE)
    np.testing.assert_array_equal(opened(path).samples * 32768, x.T)
